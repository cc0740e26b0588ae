package simulator

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// What the classic look-ahead believes before it has seen anything, and how
// fast it learns.
const (
	erlangAnswer      = 0.35
	erlangLead        = 12.0  // seconds from dial to verdict
	erlangTalk        = 120.0 // seconds
	erlangWrap        = 30.0
	erlangAnswerSpeed = 0.004 // weight of one dial
	erlangTimeSpeed   = 0.02  // weight of one time
	erlangLeast       = 100   // live answers before the share is corrected
	erlangGreatest    = 0.25  // share
)

// erlang is the classic of the textbooks: means, exponential times and a normal
// law. It dials while the expected surplus of answers over operators stays below
// a share of the answers, and corrects that share each minute from the day's
// abandonment.
type erlang struct {
	baseline
	limit                    float64
	answer, lead, talk, wrap float64
	share                    float64
	live, lost               float64
	corrected                time.Time
}

func newErlang(s *Scenario) *erlang {
	return &erlang{
		baseline: newBaseline(), limit: s.Limit.MaxAbandon, share: s.Limit.MaxAbandon,
		answer: erlangAnswer, lead: erlangLead, talk: erlangTalk, wrap: erlangWrap,
		corrected: moment(0),
	}
}

// Observe implements pacing.Controller.
func (p *erlang) Observe(now time.Time, ev pacing.Event) {
	switch ev := ev.(type) {
	case pacing.Operator:
		p.learnTime(now, p.operators[p.operator(ev.ID)])
	case pacing.Human:
		p.live++
		approach(&p.answer, 1, erlangAnswerSpeed)
		if c := p.flying(ev.Call); c != nil {
			approach(&p.lead, now.Sub(c.dialled).Seconds(), erlangTimeSpeed)
		}
	case pacing.Machine:
		approach(&p.answer, 0, erlangAnswerSpeed)
	case pacing.Ended:
		approach(&p.answer, 0, erlangAnswerSpeed)
	case pacing.Abandoned:
		p.lost++
	case pacing.Connected:
		if ev.Late {
			p.lost++
		}
	}
	p.baseline.Observe(now, ev)
}

func (p *erlang) learnTime(now time.Time, o seenOperator) {
	switch lasted := now.Sub(o.since).Seconds(); o.state {
	case pacing.Talking:
		approach(&p.talk, lasted, erlangTimeSpeed)
	case pacing.Wrapping:
		approach(&p.wrap, lasted, erlangTimeSpeed)
	}
}

func approach(x *float64, value, speed float64) { *x += speed * (value - *x) }

// Decide implements pacing.Controller.
func (p *erlang) Decide(now time.Time, v pacing.View) pacing.Decision {
	if due(&p.corrected, now, time.Minute) && p.live > erlangLeast {
		step := min(max(5*(p.limit-p.lost/p.live), -0.3), 0.1)
		p.share = min(max(p.share*math.Exp(step), p.limit/30), erlangGreatest)
	}
	busy := float64(p.count[pacing.Talking] + p.count[pacing.Wrapping])
	coming := busy * (1 - math.Exp(-p.lead/(p.talk+p.wrap)))
	free := float64(p.count[pacing.Ready]-len(p.waiting)) + coming
	variance := max(coming-float64(len(p.waiting)), 0)
	n := 0
	for v.Room < 0 || n < v.Room {
		answers := float64(len(p.calls)+n+1) * p.answer
		if surplus(answers-free, math.Sqrt(answers*(1-p.answer)+variance)) > p.share*answers {
			break
		}
		n++
	}
	return pacing.Decision{Dial: n, Room: v.Room}
}

// surplus is the mean of the positive part of a normal law.
func surplus(mean, sd float64) float64 {
	z := mean / max(sd, 1e-6)
	return sd*math.Exp(-z*z/2)/math.Sqrt(2*math.Pi) + mean*0.5*math.Erfc(-z/math.Sqrt2)
}
