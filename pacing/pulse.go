package pacing

import (
	"math"
	"time"

	"github.com/outpace-dialer/outpace/pacing/estimate"
)

// pulse is the signs of life that calls give in their first seconds: busy, no such
// number. Answers tell that a silent carrier is back when people have picked up, and by
// then the lines are full of calls that will be answered too; the pulse tells within
// seconds.
type pulse struct {
	level estimate.Level
	most  float64 // signs that the hazards expect of a dial in its first seconds
	usual float64 // signs of a fresh dial, as it was for long
	sum   float64 // expected in this round of accrue
	pace  float64 // dials a second, over paceMemory
	paced time.Time
}

const (
	pulseAge   = 5.0  // seconds
	paceMemory = 10.0 // seconds
	firstPulse = 3.0  // seconds until most calls that give an early sign have given it
	heard      = 3.0  // signs expected, and none seen: the silence goes on
)

func newPulse(d *estimate.Dials) pulse {
	p := pulse{level: estimate.NewPulseLevel()}
	p.tabulate(d)
	p.usual = p.sign()
	return p
}

func (p *pulse) tabulate(d *estimate.Dials) { p.most, _ = d.Expected(pulseAge) }

// sign is how many signs a fresh dial gives in its first seconds.
func (p *pulse) sign() float64 { return p.level.Value() * p.most }

// share is sign over what is usual.
func (p *pulse) share() float64 { return p.sign() / max(p.usual, 1e-6) }

// book adds a sign, or none, of a call of which so many are expected now and were
// booked before.
func (p *pulse) book(seen, expected, booked float64) {
	if d := min(expected, p.most) - min(booked, p.most); seen > 0 || d > 0 {
		p.level.Add(seen, d)
	}
}

func (p *pulse) accrue(expected, booked float64) {
	p.sum += max(0, min(expected, p.most)-min(booked, p.most))
}

func (p *pulse) accrued() {
	if p.sum > 0 {
		p.level.Add(0, p.sum)
		p.sum = 0
	}
}

// rebuild follows new hazards.
func (p *pulse) rebuild(d *estimate.Dials) {
	before := p.most
	p.tabulate(d)
	if before > 0 {
		p.level.Rescale(p.most / before)
	}
}

// dialled notes that a call was placed.
func (p *pulse) dialled(now time.Time) {
	p.pace = p.paceAt(now) + 1/paceMemory
	p.paced = now
}

func (p *pulse) paceAt(now time.Time) float64 {
	if p.paced.IsZero() {
		return 0
	}
	return p.pace * math.Exp(-seconds(now, p.paced)/paceMemory)
}

// notices is after how many seconds the end of a silence shows in the pulse.
func (p *pulse) notices(now time.Time) float64 {
	return firstPulse + heard/max(p.usual*p.paceAt(now), 1e-6)
}
