package main

import (
	"math"
	"math/rand/v2"
	"slices"

	"github.com/outpace-dialer/outpace/media/detect"
)

// rows is a table to learn from, column by column.
type rows struct {
	x      [][]float32 // per feature
	person []bool
	weight []float32
	call   []int32 // each row's
}

// recipe sets the learning.
type recipe struct {
	forests     int     // that each learn by a seed of their own; the mean of their odds counts
	trees       int     // in each
	rate        float64 // shrinkage
	lambda      float64 // of leaf weights
	least       float64 // hessian in a leaf
	rowShare    float64 // of the calls, for each tree
	columnShare float64 // of the features, for each tree
	columns     []int   // features that may be used
	copies      int     // variations of each call
	voiced      int     // and in the voices of others
	own         float32 // how much a recording as it is counts beside a variation
	made        int     // calls with made-up voices besides
	spoken      int     // calls that synthesizers speak besides
	spokenShare float32 // how much each of those counts
	seed        uint64
	by          func(*call) string // what is kept back at a time
}

const bins = 64

// binned is a table whose values are replaced by the number of their bin: how
// many bounds are at or below them.
type binned struct {
	bins   [][]uint8
	bounds [][]float32
}

func bin(r rows, columns []int) binned {
	b := binned{make([][]uint8, len(r.x)), make([][]float32, len(r.x))}
	for _, c := range columns {
		b.bounds[c] = bounds(r.x[c])
		b.bins[c] = make([]uint8, len(r.x[c]))
		for i, v := range r.x[c] {
			at, found := slices.BinarySearch(b.bounds[c], v)
			if found {
				at++
			}
			b.bins[c][i] = uint8(at)
		}
	}
	return b
}

// bounds part a column into bins of about as many rows each.
func bounds(x []float32) (b []float32) {
	sorted := slices.Sorted(slices.Values(x))
	for i := 1; i < bins; i++ {
		v := sorted[len(sorted)*i/bins]
		if v > sorted[0] && (len(b) == 0 || v > b[len(b)-1]) {
			b = append(b, v)
		}
	}
	return b
}

// learn boosts trees on the logistic loss.
func learn(r rows, how recipe) (f detect.Forest) {
	random := rand.New(rand.NewPCG(how.seed, 1))
	b, n := bin(r, how.columns), len(r.person)
	g := grower{binned: b, how: how, slope: make([]float32, n), curve: make([]float32, n)}
	scores := make([]float32, n)
	columns := slices.Clone(how.columns)
	for range how.trees {
		for i, s := range scores {
			p := 1 / (1 + math.Exp(-float64(s)))
			w := float64(r.weight[i])
			g.curve[i] = float32(w * max(1e-4, p*(1-p)))
			if r.person[i] {
				p--
			}
			g.slope[i] = float32(w * p)
		}
		var order []int32
		sees := make([]bool, slices.Max(r.call)+1) // all moments of a call are much alike
		for c := range sees {
			sees[c] = random.Float64() < how.rowShare
		}
		for i := range n {
			if sees[r.call[i]] {
				order = append(order, int32(i))
			}
		}
		random.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
		g.use = columns[:int(math.Ceil(float64(len(columns))*how.columnShare))]
		t := g.grow(order)
		for i := range scores {
			scores[i] += t.Leaf[g.leaf(i)]
		}
		f = append(f, t)
	}
	return f
}

// grower makes one tree after another.
type grower struct {
	binned
	how          recipe
	use          []int     // features, for this tree
	slope, curve []float32 // first and second derivative of the loss, per row
	tree         detect.Tree
	cut          [1<<detect.Depth - 1]uint8 // goes right where the bin is above it
}

func (g *grower) grow(order []int32) detect.Tree {
	g.tree = detect.Tree{}
	g.split(0, 0, order, g.count(order))
	return g.tree
}

func (g *grower) leaf(row int) int {
	at := 0
	for range detect.Depth {
		right := 0
		if c := g.tree.Feature[at]; g.bins[c] != nil && g.bins[c][row] > g.cut[at] {
			right = 1
		}
		at = 2*at + 1 + right
	}
	return at - len(g.cut)
}

// counts are the sums of slope and curve per bin, of each feature in use.
type counts [][bins + 1][2]float32

func (g *grower) count(order []int32) counts {
	all := make(counts, len(g.use))
	for k, c := range g.use {
		sums, b := &all[k], g.bins[c]
		for _, i := range order {
			s := &sums[b[i]]
			s[0] += g.slope[i]
			s[1] += g.curve[i]
		}
	}
	return all
}

// less takes away the counts of some of the rows: those of the others are left.
func (c counts) less(some counts) {
	for k := range c {
		for b := range c[k] {
			c[k][b][0] -= some[k][b][0]
			c[k][b][1] -= some[k][b][1]
		}
	}
}

// split asks a question of the rows in order, of which all are the counts; it may change them.
func (g *grower) split(at, level int, order []int32, all counts) {
	var slope, curve float64
	for _, i := range order {
		slope += float64(g.slope[i])
		curve += float64(g.curve[i])
	}
	if level == detect.Depth {
		g.tree.Leaf[at-len(g.cut)] = float32(-g.how.rate * slope / (curve + g.how.lambda))
		return
	}
	column, cut, ok := g.best(all, slope, curve)
	if !ok {
		g.tree.Feature[at], g.tree.Limit[at], g.cut[at] = uint8(g.how.columns[0]), float32(math.Inf(1)), bins
		g.split(2*at+1, level+1, order, all)
		return
	}
	g.tree.Feature[at], g.tree.Limit[at], g.cut[at] = uint8(column), g.bounds[column][cut], cut
	var left, right []int32
	for _, i := range order {
		if g.bins[column][i] > cut {
			right = append(right, i)
		} else {
			left = append(left, i)
		}
	}
	ofLeft, ofRight := g.part(left, right, all, level+1)
	g.split(2*at+1, level+1, left, ofLeft)
	g.split(2*at+2, level+1, right, ofRight)
}

// part counts the fewer rows; the rest of all are the others. Leaves need no counts.
func (g *grower) part(left, right []int32, all counts, level int) (ofLeft, ofRight counts) {
	if level == detect.Depth {
		return nil, nil
	}
	if len(left) < len(right) {
		ofLeft = g.count(left)
		all.less(ofLeft)
		return ofLeft, all
	}
	ofRight = g.count(right)
	all.less(ofRight)
	return all, ofRight
}

// best is the question that lowers the loss most.
func (g *grower) best(all counts, slope, curve float64) (column int, cut uint8, ok bool) {
	score := func(slope, curve float64) float64 { return slope * slope / (curve + g.how.lambda) }
	gain := score(slope, curve) + 1e-6
	for k, c := range g.use {
		sums := &all[k]
		var ls, lc float64
		for at := range g.bounds[c] {
			ls += float64(sums[at][0])
			lc += float64(sums[at][1])
			if lc < g.how.least || curve-lc < g.how.least {
				continue
			}
			if s := score(ls, lc) + score(slope-ls, curve-lc); s > gain {
				gain, column, cut, ok = s, c, uint8(at), true
			}
		}
	}
	return column, cut, ok
}
