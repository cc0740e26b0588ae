package simulator

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// The rhythm and the thresholds of VICIdial's adaptive dialling, from
// AST_VDadapt.pl and AST_VDauto_dial.pl.
const (
	viciSample    = time.Second
	viciSamples   = 15
	viciAdapt     = 15 * time.Second
	viciRefresh   = time.Minute
	viciPass      = 2500 * time.Millisecond
	viciMinute    = 20 // calls in the last minute before its share of drops is looked at
	viciBurst     = 0.5
	viciDay       = 50 // calls of the day before its share of drops is looked at
	viciTaper     = 10 * time.Hour
	viciGreatest  = 3.0 // the dial level it is shipped with
	viciLeastDial = 1.0
)

// vici adapts a level of lines per operator in steps, from who is ready and who
// waits, and lowers it when the day's drops are over the limit. Operators in
// wrap-up are not counted: they show as paused.
type vici struct {
	baseline
	mode     Baseline
	greatest float64
	limit    float64
	end      time.Time

	level           float64
	samples         [viciSamples]viciState
	taken           int
	dialled, missed []time.Time // of the last minute
	calls, drops    int         // of the day
	answers         int
	stats           viciStats
	pending         int // calls of the last pass that found no room

	sampled, adapted, refreshed, passed time.Time
}

type viciState struct{ ready, waiting, signedIn float64 }

// viciStats are the counts as of their last refresh.
type viciStats struct {
	callsMinute, callsDay int
	shareMinute, shareDay float64 // of drops
}

func newVici(mode Baseline, greatest float64, s *Scenario) *vici {
	return &vici{
		baseline: newBaseline(), mode: mode, greatest: greatest, limit: s.Limit.MaxAbandon,
		end: moment(s.Duration.Duration()), level: viciLeastDial,
	}
}

// Observe implements pacing.Controller.
func (p *vici) Observe(now time.Time, ev pacing.Event) {
	p.baseline.Observe(now, ev)
	switch ev := ev.(type) {
	case pacing.Dialed:
		p.calls++
		p.dialled = append(p.dialled, now)
	case pacing.Human:
		p.answers++
	case pacing.Connected:
		if ev.Late {
			p.drop(now)
		}
	case pacing.Abandoned:
		p.drop(now)
	}
}

func (p *vici) drop(now time.Time) {
	p.drops++
	p.missed = append(p.missed, now)
}

// Decide implements pacing.Controller.
func (p *vici) Decide(now time.Time, v pacing.View) pacing.Decision {
	if due(&p.sampled, now, viciSample) {
		p.samples[p.taken%viciSamples] = viciState{
			float64(p.count[pacing.Ready]), float64(len(p.waiting)), float64(p.signedIn()),
		}
		p.taken++
		if due(&p.refreshed, now, viciRefresh) {
			p.refresh(now)
		}
		if due(&p.adapted, now, viciAdapt) {
			p.adapt(now)
		}
	}
	talking := p.count[pacing.Talking]
	if due(&p.passed, now, viciPass) {
		goal := int(math.Round(p.level * float64(talking+p.count[pacing.Ready])))
		p.pending = max(0, goal-talking-len(p.baseline.calls)-len(p.waiting))
	}
	d := dialAtMost(p.pending, v)
	p.pending -= d.Dial
	return d
}

// due says whether a span has passed since a time, and moves the time if so.
func due(last *time.Time, now time.Time, every time.Duration) bool {
	if !last.IsZero() && now.Sub(*last) < every {
		return false
	}
	*last = now
	return true
}

func (p *vici) refresh(now time.Time) {
	p.dialled, p.missed = since(p.dialled, now.Add(-time.Minute)), since(p.missed, now.Add(-time.Minute))
	p.stats = viciStats{
		callsMinute: len(p.dialled), callsDay: p.calls,
		shareMinute: ratio(float64(len(p.missed)), float64(len(p.dialled))),
		shareDay:    ratio(float64(p.drops), float64(p.answers)),
	}
}

// since drops the times before a time; times ascend.
func since(times []time.Time, from time.Time) []time.Time {
	for len(times) > 0 && times[0].Before(from) {
		times = times[1:]
	}
	return times
}

// adapt moves the level by the mean surplus of ready operators, then lets the
// drops lower it.
func (p *vici) adapt(now time.Time) {
	var sum viciState
	for _, x := range p.samples[:min(p.taken, viciSamples)] {
		sum.ready += x.ready
		sum.waiting += x.waiting
		sum.signedIn += x.signedIn
	}
	if sum.signedIn == 0 {
		return
	}
	p.level = min(max(p.level*(1+(sum.ready-sum.waiting)/sum.signedIn), viciLeastDial), p.greatest)
	if p.stats.callsMinute > viciMinute && p.stats.shareMinute > viciBurst {
		p.level /= 2
	}
	if p.stats.callsDay > viciDay && p.stats.shareDay > p.limit {
		switch p.mode {
		case ViciHard:
			p.level = viciLeastDial
		case ViciAverage:
			p.level /= 2
		case ViciTapered:
			p.level *= min(1, p.end.Sub(now).Hours()/viciTaper.Hours())
		}
	}
	p.level = max(p.level, viciLeastDial)
}
