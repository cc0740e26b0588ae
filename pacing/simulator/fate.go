package simulator

import (
	"cmp"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// answer is who answers a dial.
type answer int

const (
	nobodyAnswers answer = iota
	personAnswers
	machineAnswers
	unknown // the log does not say: the call was cancelled, or the log ends
)

// fate is what became of a recorded dial; spans since the dial.
type fate struct {
	at      time.Duration // since the start of the log
	record  pacing.Record
	trunk   string
	segment int
	rings   time.Duration // -1: never
	picked  time.Duration
	settled time.Duration // verdict or end
	how     answer
	cause   pacing.Cause // of nobodyAnswers
}

// guess fills in what the log does not say of a dial: it goes on like the nearest
// dial of its segment that lasted longer, be it known or guessed itself. So the
// chance of each end is that of the dials that were still ringing (Efron's
// redistribution to the right, 1967), however many were given up. Where none
// lasted longer, nobody answers.
func (t *Trace) guess() {
	var open []int
	known := make([]bool, len(t.fates))
	for i, f := range t.fates {
		if known[i] = f.how != unknown; !known[i] {
			open = append(open, i)
		}
	}
	slices.SortStableFunc(open, func(a, b int) int { return cmp.Compare(t.fates[b].settled, t.fates[a].settled) })
	for _, i := range open {
		f := &t.fates[i]
		known[i] = true
		donor := t.donor(i, known)
		if donor < 0 {
			f.how, f.cause = nobodyAnswers, pacing.CauseNoAnswer
			f.settled = max(f.settled, Seconds(defaultRingTimeout).Duration())
			continue
		}
		d := t.fates[donor]
		f.picked, f.settled, f.how, f.cause = d.picked, d.settled, d.how, d.cause
		if f.rings < 0 {
			f.rings = d.rings
		}
	}
}

// donor is the nearest dial that tells how the i-th may have gone on, -1 if there
// is none.
func (t *Trace) donor(i int, known []bool) int {
	fits := func(j int) bool {
		return j >= 0 && j < len(t.fates) && known[j] && t.fates[j].segment == t.fates[i].segment && t.fates[j].settled > t.fates[i].settled
	}
	for away := 1; away < len(t.fates); away++ {
		if fits(i - away) {
			return i - away
		}
		if fits(i + away) {
			return i + away
		}
	}
	return -1
}

// A block is the dials of so long a time and at least so many.
const (
	blockSpan  = 5 * time.Minute
	blockDials = 60
)

// cut puts the dials into blocks: in one, their order means nothing.
func (t *Trace) cut() {
	for i, f := range t.fates {
		if n := len(t.blocks); n == 0 {
			t.blocks = append(t.blocks, 0)
		} else if first := t.blocks[n-1]; i-first >= blockDials && f.at-t.fates[first].at >= blockSpan {
			t.blocks = append(t.blocks, i)
		}
	}
}

// reel hands out the fates of a trace near a time: those of one block in an order
// drawn by the seed, and again in another where more are asked for than there are.
type reel struct {
	trace *Trace
	seed  uint64
	block int // -1: none yet
	round uint64
	order []int
	next  int
}

// peek is the fate of the next dial at a time.
func (r *reel) peek(now time.Duration) *fate {
	t := r.trace
	block, begins := slices.BinarySearchFunc(t.blocks, now, func(first int, at time.Duration) int {
		return int(t.fates[first].at - at)
	})
	if !begins {
		block = max(0, block-1)
	}
	if block != r.block {
		r.block, r.round, r.next = block, 0, len(r.order)
	}
	if r.next >= len(r.order) {
		r.shuffle()
	}
	return &t.fates[r.order[r.next]]
}

// shuffle draws the order of a block (Fisher and Yates).
func (r *reel) shuffle() {
	first, end := r.trace.blocks[r.block], len(r.trace.fates)
	if r.block+1 < len(r.trace.blocks) {
		end = r.trace.blocks[r.block+1]
	}
	r.order, r.next = r.order[:0], 0
	for i := first; i < end; i++ {
		r.order = append(r.order, i)
	}
	chance := newStream(r.seed, ofBlock+r.round<<8, uint64(r.block))
	for i := len(r.order) - 1; i > 0; i-- {
		j := int(float64(i+1) * chance.uniform())
		r.order[i], r.order[j] = r.order[j], r.order[i]
	}
	r.round++
}

// nearby is how many talks, or wrap-ups, one is drawn from.
const nearby = 100

// near draws one of those that began about a time.
func near(all []lasted, now time.Duration, u float64) time.Duration {
	i, _ := slices.BinarySearchFunc(all, now, func(l lasted, at time.Duration) int { return int(l.at - at) })
	n := min(nearby, len(all))
	first := min(max(0, i-n/2), len(all)-n)
	return all[first+int(u*float64(n))].d
}
