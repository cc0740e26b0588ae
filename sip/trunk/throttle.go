package trunk

import (
	"fmt"
	"math"
	"time"
)

const (
	// span is over which a carrier's 503s are counted, and how often its rate
	// creeps back.
	span = 10 * time.Second
	// busyShare is the share of 503s in a span above which the rate is halved; a
	// single one of a slow trunk is no burst.
	busyShare = 0.05
	leastBusy = 2
	// creep is what comes back in a span, as a share of the whole rate.
	creep = 0.05
	// leastShare of the rate is left whatever comes: calls are how we find out that
	// the carrier takes more again.
	leastShare = 1.0 / 64
)

// throttle lowers the rate of a carrier that says it has too much: by half on a
// burst of 503s, or as far as it asks for where it takes part in overload control
// (RFC 7339, loss). It is pure.
type throttle struct {
	part     float64   // of the whole rate that may leave, (0, 1]; 1 at rest
	began    time.Time // of the span that is counted
	sent     int       // calls that left in it
	busy     int       // of these, answered by 503
	settling bool      // the rate was halved where this span began
	pace     float64   // calls per second that left in the span before

	loss     float64 // of the calls that would leave, asked for by the carrier; [0, 1]
	until    time.Time
	sequence float64
	free     float64 // calls per second that would leave without its asking
}

// left notes that a call leaves.
func (t *throttle) left(now time.Time) {
	t.roll(now)
	t.sent++
}

// refused notes that a call which left at a time was answered by 503. Those from
// before the rate was halved last are no news.
func (t *throttle) refused(now, left time.Time) {
	t.roll(now)
	if left.Before(t.began) {
		return
	}
	if t.busy++; t.burst() && !t.settling {
		t.halve()
		t.began, t.sent, t.busy = now, 0, 0
	}
}

// burst says whether the span that is counted has too many 503s.
func (t *throttle) burst() bool {
	return t.busy >= leastBusy && float64(t.busy) > busyShare*float64(t.sent)
}

// halve lowers the rate. Whether that was enough shows a span later.
func (t *throttle) halve() { t.part, t.settling = max(t.part/2, leastShare), true }

// roll begins a new span where the last is over. One without a burst gives a part
// of the rate back.
func (t *throttle) roll(now time.Time) {
	if t.began.IsZero() {
		t.began = now
	}
	spans := int(now.Sub(t.began) / span)
	if spans < 1 {
		return
	}
	quiet := spans
	if t.settling = t.settling && t.burst(); t.settling {
		t.halve()
		quiet--
	}
	t.part = min(1, t.part+creep*float64(quiet))
	t.pace = float64(t.sent) / (time.Duration(spans) * span).Seconds()
	t.began = t.began.Add(time.Duration(spans) * span)
	t.sent, t.busy = 0, 0
}

// control takes what a carrier asks for: a share of the calls that would leave
// shall not, for as long as validity says. What is older than the last is ignored.
func (t *throttle) control(now time.Time, loss float64, validity time.Duration, sequence float64) {
	t.roll(now)
	running := t.loss > 0 && now.Before(t.until)
	if running && sequence > 0 && sequence < t.sequence {
		return
	}
	if !running {
		t.free = max(t.pace, float64(t.sent)/max(now.Sub(t.began).Seconds(), 1))
	}
	t.loss, t.until, t.sequence = loss, now.Add(validity), sequence
}

// rate is how many calls a second may leave of so many that the carrier allows.
func (t *throttle) rate(now time.Time, whole float64) float64 {
	t.roll(now)
	rate := whole * t.part
	if t.loss <= 0 || !now.Before(t.until) {
		return rate
	}
	// What would leave by itself may have grown since the control began: as much
	// room as creeps back is left for that.
	free := min(rate, max(t.free, creep*whole))
	return min(rate, free*(1-t.loss))
}

// eases is when the rate rises by itself next; zero at rest.
func (t *throttle) eases(now time.Time) time.Time {
	if t.loss > 0 && now.Before(t.until) {
		return t.until
	}
	if t.part < 1 {
		return t.began.Add(span)
	}
	return time.Time{}
}

// why says in words what slows a carrier down; empty at rest.
func (t *throttle) why(now time.Time, name string, whole float64) string {
	rate := t.rate(now, whole)
	switch {
	case t.loss > 0 && now.Before(t.until):
		return fmt.Sprintf("trunk %s asks for %.0f %% fewer calls: %.1f of %.1f a second", name, 100*t.loss, rate, whole)
	case t.part < 1:
		return fmt.Sprintf("trunk %s answered too many calls with 503: %.1f of %.1f a second", name, rate, whole)
	}
	return ""
}

// whole is the rate that the carrier's limit, or our share of it, gives.
func (c *carrier) whole() float64 {
	if c.share != nil {
		return c.share.CPS
	}
	return c.cfg.MaxCPS
}

// adapt puts the rate in force that holds now.
func (c *carrier) adapt(now time.Time) {
	rate := c.throttle.rate(now, c.whole())
	if math.Abs(rate-c.rate) <= 1e-9 {
		return
	}
	c.rate = rate
	c.limiter.pace(now, rate)
	c.leaving.pace(now, rate)
}
