package detect

import "math"

// ForestDepth is how many questions each tree asks.
const ForestDepth = 4

const splits, leaves = 1<<ForestDepth - 1, 1 << ForestDepth

// Split is one question of a tree: is the feature at or above the limit?
type Split struct {
	Limit   float32
	Feature uint8
}

// Forest scores features: the sum of one leaf per tree, for each class.
type Forest struct {
	Classes int
	nodes   []Split   // 15 a tree, the children of i are 2i+1 and 2i+2
	leaves  []float32 // 16 times Classes a tree
}

// Add appends a tree.
func (f *Forest) Add(nodes []Split, leaves []float32) {
	f.nodes = append(f.nodes, nodes...)
	f.leaves = append(f.leaves, leaves...)
}

// Trees is how many there are.
func (f *Forest) Trees() int { return len(f.nodes) / splits }

// Probabilities writes one probability per class. It does not allocate.
func (f *Forest) Probabilities(x *Features, p *[MaxClasses]float64) {
	var sum [MaxClasses]float32
	k := f.Classes
	for nodes, values := f.nodes, f.leaves; len(nodes) >= splits; nodes, values = nodes[splits:], values[k*leaves:] {
		at := 0
		for range ForestDepth {
			n := nodes[at]
			at = 2*at + 1
			if x[n.Feature] >= n.Limit {
				at++
			}
		}
		leaf := values[(at-splits)*k:][:k]
		for c, v := range leaf {
			sum[c] += v
		}
	}
	total := 0.0
	top := sum[0]
	for _, v := range sum[1:k] {
		top = max(top, v)
	}
	for c := range k {
		p[c] = math.Exp(float64(sum[c] - top))
		total += p[c]
	}
	for c := range k {
		p[c] /= total
	}
}

// MaxClasses bounds Forest.Classes.
const MaxClasses = 8
