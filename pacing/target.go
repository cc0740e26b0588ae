package pacing

import (
	"math"
	"time"
)

// target lowers the threshold of risk while operators are busier than the
// manager wants them to be.
type target struct {
	at   time.Time
	busy float64 // utilisation, over about busyMemory
	log  float64 // of the factor on the threshold, <= 0
}

const (
	busyMemory = 200.0 // seconds
	targetGain = 0.12  // of log per second and unit of utilisation too much
	targetLow  = -20.0
)

// follow brings the measure and the factor up to now. With no target the factor
// returns to 1 at once.
func (t *target) follow(now time.Time, want float64, s staffing) {
	dt := 0.0
	if !t.at.IsZero() {
		dt = min(seconds(now, t.at), 5)
	}
	t.at = now
	if want <= 0 {
		t.log = 0
	}
	if dt == 0 || s.atWork == 0 {
		return
	}
	t.busy += (s.busy - t.busy) * (1 - math.Exp(-dt/busyMemory))
	if want > 0 {
		t.log = max(targetLow, min(0, t.log+dt*targetGain*(want-t.busy)))
	}
}

// factor is what the threshold is multiplied by, in (0, 1].
func (t *target) factor() float64 { return math.Exp(t.log) }
