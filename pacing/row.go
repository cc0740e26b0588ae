package pacing

import "github.com/outpace-dialer/outpace/pacing/estimate"

// row is the chances of all operators or calls of one kind and age. A decision
// counts how many there are in each row and adds every row once: on a large floor
// there are fewer ages than people.
type row struct {
	chances
	n int // counted by the decision that is being made
}

// rows are the rows with somebody in them, in the order they were first met.
type rows []*row

func (r *rows) count(one *row) {
	if one.n == 0 {
		*r = append(*r, one)
	}
	one.n++
}

// clear counts nobody any more. It comes right after the sums: tables move in memory,
// and a count that stayed in one would hide everybody in that row from then on.
func (r *rows) clear() {
	for _, one := range *r {
		one.n = 0
	}
	*r = (*r)[:0]
}

// middle is the age in seconds in the middle of a bin.
func middle(i int) float64 { return (float64(i) + 0.5) * estimate.DurationBin }

// after is the row of a talk or wrap-up of this age in seconds.
func after(table []row, age float64) *row { return &table[estimate.DurationAgeBin(age, len(table))] }
