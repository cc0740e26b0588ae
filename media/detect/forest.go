package detect

import (
	"bytes"
	_ "embed"
	"encoding/binary"
	"fmt"
)

// Depth is how many questions each tree asks.
const Depth = 4

// Tree asks whether a feature is at or above a limit: the next question of i
// is 2i+1 where it is not and 2i+2 where it is. The last answer finds a leaf.
type Tree struct {
	Limit   [1<<Depth - 1]float32
	Feature [1<<Depth - 1]uint8
	Leaf    [1 << Depth]float32
}

// Forest scores features by the sum of one leaf per tree: the natural
// logarithm of the odds that a person answered.
type Forest []Tree

// Odds does not allocate.
func (f Forest) Odds(x *Features) float64 {
	sum := float32(0)
	for i := range f {
		t, at := &f[i], 0
		for range Depth {
			right := 0
			if x[t.Feature[at]] >= t.Limit[at] {
				right = 1
			}
			at = 2*at + 1 + right
		}
		sum += t.Leaf[at-len(t.Limit)]
	}
	return float64(sum)
}

// Bytes is the form that is embedded: the trees in order, little endian.
func (f Forest) Bytes() []byte {
	var b bytes.Buffer
	if err := binary.Write(&b, binary.LittleEndian, []Tree(f)); err != nil {
		panic(err) // a tree has a fixed size
	}
	return b.Bytes()
}

// ParseForest reads what Bytes wrote.
func ParseForest(b []byte) (Forest, error) {
	size := binary.Size(Tree{})
	if len(b)%size != 0 {
		return nil, fmt.Errorf("forest: %d bytes are no whole number of trees of %d", len(b), size)
	}
	f := make(Forest, len(b)/size)
	if err := binary.Read(bytes.NewReader(b), binary.LittleEndian, []Tree(f)); err != nil {
		return nil, fmt.Errorf("forest: %w", err)
	}
	for _, t := range f {
		for _, x := range t.Feature {
			if x >= features {
				return nil, fmt.Errorf("forest: no feature %d", x)
			}
		}
	}
	return f, nil
}

//go:embed weights.bin
var weights []byte

// learnt is what `make train-detector` made; MODEL.md tells how, and how good it is.
var learnt = func() Forest {
	f, err := ParseForest(weights)
	if err != nil {
		panic(err) // the build is broken
	}
	return f
}()
