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
	y      []uint8     // class
	weight []float32
}

// recipe sets the learning.
type recipe struct {
	classes, trees int
	rate           float64 // shrinkage
	lambda         float64 // of leaf weights
	least          float64 // hessian in a leaf
	rowShare       float64
	columnShare    float64
	columns        []int // that may be used
	seed           uint64
}

const depth = detect.ForestDepth

// cuts are the bounds between bins of one column.
func cuts(x []float32) []float32 {
	sorted := slices.Clone(x)
	slices.Sort(sorted)
	const bins = 64
	var c []float32
	for i := 1; i < bins; i++ {
		v := sorted[len(sorted)*i/bins]
		if v > sorted[0] && (len(c) == 0 || v > c[len(c)-1]) {
			c = append(c, v)
		}
	}
	return c
}

// learn boosts trees on the logistic loss of several classes; each tree has one
// score per class in its leaves, so that they share the splits.
func learn(r rows, how recipe) *detect.Forest {
	random := rand.New(rand.NewPCG(how.seed, 1))
	n, k := len(r.y), how.classes
	binned, bounds := make([][]uint8, len(r.x)), make([][]float32, len(r.x))
	for _, c := range how.columns {
		bounds[c] = cuts(r.x[c])
		binned[c] = make([]uint8, n)
		for i, v := range r.x[c] {
			// the bin is how many bounds are at or below v
			b, found := slices.BinarySearch(bounds[c], v)
			if found {
				b++
			}
			binned[c][i] = uint8(b)
		}
	}
	f := &detect.Forest{Classes: k}
	scores := make([]float32, n*k)
	g, h := make([]float32, n*k), make([]float32, n*k)
	order := make([]int32, 0, n)
	columns := slices.Clone(how.columns)
	node := make([]int32, n)
	for range how.trees {
		var p [16]float64
		for i := range n {
			softmax(scores[i*k:i*k+k], p[:k])
			for c := range k {
				t := 0.0
				if int(r.y[i]) == c {
					t = 1
				}
				w := float64(r.weight[i])
				g[i*k+c] = float32(w * (p[c] - t))
				h[i*k+c] = float32(w * max(1e-4, p[c]*(1-p[c])))
			}
		}
		order = order[:0]
		for i := range n {
			if random.Float64() < how.rowShare {
				order = append(order, int32(i))
			}
		}
		random.Shuffle(len(columns), func(i, j int) { columns[i], columns[j] = columns[j], columns[i] })
		use := columns[:max(1, int(math.Ceil(float64(len(columns))*how.columnShare)))]
		tree := grow(order, binned, bounds, use, g, h, k, how)
		for i := range n {
			at := 0
			for range depth {
				b := 0
				if nd := tree.nodes[at]; nd.column >= 0 && int(binned[nd.column][i]) > nd.bin {
					b = 1
				}
				at = 2*at + 1 + b
			}
			node[i] = int32(at - (1<<depth - 1))
			for c := range k {
				scores[i*k+c] += tree.leaves[int(node[i])*k+c]
			}
		}
		f.Add(tree.export(bounds), tree.leaves)
	}
	return f
}

type node struct {
	column, bin int // goes right where the bin of the column is over bin; column < 0: always left
}

type tree struct {
	nodes  [1<<depth - 1]node
	leaves []float32
}

func (t *tree) export(bounds [][]float32) (nodes []detect.Split) {
	for _, n := range t.nodes {
		if n.column < 0 {
			nodes = append(nodes, detect.Split{Limit: float32(math.Inf(1))})
			continue
		}
		nodes = append(nodes, detect.Split{Feature: uint8(n.column), Limit: bounds[n.column][n.bin]})
	}
	return nodes
}

func grow(order []int32, binned [][]uint8, bounds [][]float32, use []int, g, h []float32, k int, how recipe) *tree {
	t := &tree{leaves: make([]float32, k<<depth)}
	for i := range t.nodes {
		t.nodes[i].column = -1
	}
	t.split(0, 0, order, binned, bounds, use, g, h, k, how)
	return t
}

func (t *tree) split(at, level int, order []int32, binned [][]uint8, bounds [][]float32, use []int, g, h []float32, k int, how recipe) {
	var sumG, sumH [16]float64
	for _, i := range order {
		for c := range k {
			sumG[c] += float64(g[int(i)*k+c])
			sumH[c] += float64(h[int(i)*k+c])
		}
	}
	if level == depth {
		leaf := at - (1<<depth - 1)
		for c := range k {
			t.leaves[leaf*k+c] = float32(-how.rate * sumG[c] / (sumH[c] + how.lambda))
		}
		return
	}
	score := func(g, h *[16]float64) (s float64) {
		for c := range k {
			s += g[c] * g[c] / (h[c] + how.lambda)
		}
		return s
	}
	whole := score(&sumG, &sumH)
	best, column, bin := 1e-6, -1, 0
	hist := make([][32]float32, 65)
	for _, c := range use {
		clear(hist)
		b := binned[c]
		for _, i := range order {
			cell := &hist[b[i]]
			gi, hi := g[int(i)*k:int(i)*k+k], h[int(i)*k:int(i)*k+k]
			for j := range gi {
				cell[j] += gi[j]
				cell[16+j] += hi[j]
			}
		}
		var lg, lh, rg, rh [16]float64
		for cut := range bounds[c] {
			hl, hr := 0.0, 0.0
			for j := range k {
				lg[j] += float64(hist[cut][j])
				lh[j] += float64(hist[cut][16+j])
				rg[j], rh[j] = sumG[j]-lg[j], sumH[j]-lh[j]
				hl += lh[j]
				hr += rh[j]
			}
			if hl < how.least || hr < how.least {
				continue
			}
			if gain := score(&lg, &lh) + score(&rg, &rh) - whole; gain > best {
				best, column, bin = gain, c, cut
			}
		}
	}
	if column < 0 {
		t.split(2*at+1, level+1, order, binned, bounds, use, g, h, k, how)
		return
	}
	t.nodes[at] = node{column, bin}
	var left, right []int32
	for _, i := range order {
		if int(binned[column][i]) > bin {
			right = append(right, i)
		} else {
			left = append(left, i)
		}
	}
	t.split(2*at+1, level+1, left, binned, bounds, use, g, h, k, how)
	t.split(2*at+2, level+1, right, binned, bounds, use, g, h, k, how)
}

func softmax(s []float32, p []float64) {
	top := s[0]
	for _, v := range s {
		top = max(top, v)
	}
	sum := 0.0
	for i, v := range s {
		p[i] = math.Exp(float64(v - top))
		sum += p[i]
	}
	for i := range p {
		p[i] /= sum
	}
}
