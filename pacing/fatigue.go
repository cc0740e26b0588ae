package pacing

import (
	"math"
	"time"
)

// Rest keeps the occupancy of one operator. The zero value is a rested one.
// It is pure: who hands out calls, product or simulation, owns one for each
// operator.
type Rest struct {
	busy, idle float64 // seconds, discounted
}

// restMemory is over how long occupancy is measured.
const restMemory = 15 * time.Minute

// Spent books time until now, in a call or wrap-up or ready; pauses are not
// booked.
func (r *Rest) Spent(d time.Duration, busy bool) {
	s := max(0, d.Seconds())
	keep := math.Exp(-s / restMemory.Seconds())
	r.busy, r.idle = r.busy*keep, r.idle*keep
	if busy {
		r.busy += s
	} else {
		r.idle += s
	}
}

// Until is when the operator, ready since then, may take the next call: after
// the breath, and not before their occupancy, counted as if the rest were already
// taken, is within the bound. A rest is never longer than the work it follows.
func (r *Rest) Until(ready time.Time, f Fatigue) time.Time {
	rest := f.MinBreath
	if f.MaxOccupancy > 0 && f.MaxOccupancy < 1 {
		// busy / (busy + idle + x) = MaxOccupancy
		x := r.busy/f.MaxOccupancy - r.busy - r.idle
		rest = max(rest, time.Duration(min(x, r.busy)*float64(time.Second)))
	}
	if rest <= 0 {
		return time.Time{}
	}
	return ready.Add(rest)
}
