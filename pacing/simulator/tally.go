package simulator

import (
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// minute is what happened in one minute.
type minute struct {
	idle, talking, wrapping float64       // seconds of all operators
	machine                 float64       // of talking: with a machine
	flight                  time.Duration // of all calls

	dials, live, connected, abandoned int // abandoned: also connected too late
	pickedUp                          int // by people and machines
	deserted                          int // of abandoned: they had an operator, who left, see call.covered
	lost                              int // people taken for machines
	cancelled, refused                int
}

func (m *minute) add(o minute) {
	m.idle += o.idle
	m.talking += o.talking
	m.wrapping += o.wrapping
	m.machine += o.machine
	m.flight += o.flight
	m.dials += o.dials
	m.live += o.live
	m.connected += o.connected
	m.abandoned += o.abandoned
	m.deserted += o.deserted
	m.pickedUp += o.pickedUp
	m.lost += o.lost
	m.cancelled += o.cancelled
	m.refused += o.refused
}

// tally counts, by the minute.
type tally struct {
	minutes []minute
	warmup  time.Duration
	waits   []float64 // seconds that an operator was ready before each call
}

func newTally(s *Scenario) tally {
	return tally{minutes: make([]minute, int(s.Duration/60)+1), warmup: s.Warmup.Duration()}
}

// add counts what another tally of the same day counted.
func (t *tally) add(o *tally) {
	for i := range o.minutes {
		t.minutes[i].add(o.minutes[i])
	}
	t.waits = append(t.waits, o.waits...)
}

func (t *tally) at(now time.Duration) *minute { return &t.minutes[int(now/time.Minute)] }

// waited notes how long an operator was ready before a call.
func (t *tally) waited(now, wait time.Duration) {
	if now >= t.warmup {
		t.waits = append(t.waits, wait.Seconds())
	}
}

// spent books the time since an operator's last change of state.
func (t *tally) spent(o *operator, now time.Duration) {
	t.spread(o.since, now, func(m *minute, d time.Duration) {
		switch o.state {
		case pacing.Ready:
			m.idle += d.Seconds()
		case pacing.Talking:
			m.talking += d.Seconds()
			if o.machine {
				m.machine += d.Seconds()
			}
		case pacing.Wrapping:
			m.wrapping += d.Seconds()
		}
	})
}

// flew books the time since a call was placed.
func (t *tally) flew(c *call, now time.Duration) {
	t.spread(c.dialled, now, func(m *minute, d time.Duration) { m.flight += d })
}

// spread gives each minute its part of a span.
func (t *tally) spread(from, to time.Duration, book func(*minute, time.Duration)) {
	for from = max(0, from); from < to; {
		until := min(to, from.Truncate(time.Minute)+time.Minute)
		book(t.at(from), until-from)
		from = until
	}
}

// measured are the minutes after the warm-up.
func (t *tally) measured() []minute {
	return t.minutes[min(int(t.warmup/time.Minute), len(t.minutes)):]
}

// The window of the peak, and the least number of live answers in it that makes
// a share worth saying.
const (
	peakWindow = 10 // minutes
	peakLeast  = 30
)

// peak is the greatest share of abandoned calls in ten minutes, 0 where no ten
// minutes had enough live answers.
func (t *tally) peak() float64 {
	peak, days := 0.0, t.measured()
	live, abandoned := 0, 0
	for i, m := range days {
		live += m.live
		abandoned += m.abandoned
		if i >= peakWindow {
			live -= days[i-peakWindow].live
			abandoned -= days[i-peakWindow].abandoned
		}
		if i >= peakWindow-1 && live >= peakLeast {
			peak = max(peak, float64(abandoned)/float64(live))
		}
	}
	return peak
}

// wait is the mean and the 95th percentile of the operators' waits.
func (t *tally) wait() (mean, p95 float64) {
	if len(t.waits) == 0 {
		return 0, 0
	}
	sorted := slices.Sorted(slices.Values(t.waits))
	for _, w := range sorted {
		mean += w
	}
	return mean / float64(len(sorted)), sorted[(len(sorted)*95)/100]
}
