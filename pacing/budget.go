package pacing

import (
	"math"
	"time"
)

// budget spends the law's allowance of abandoned calls. The allowance is a share
// of live answers; what is not spent yet is credit; the threshold of risk for the
// next call follows the credit, up and down, so that the share is used, smoothly
// and never overdrawn. The law may hold over several windows at once: the one
// that allows least decides.
type budget struct {
	ledger  ledger
	logGain float64 // slow correction of the threshold, from what it led to
	live    float64 // answers since began
	began   time.Time
}

const (
	gainStep    = 0.012  // of logGain per live answer
	minGain     = 0.3    // of the threshold against the allowed share
	maxGain     = 3.0    //
	maxPush     = 0.9    // log of how far credit may raise the threshold
	minPush     = -6.0   // log of how far debt may lower it
	maxRisk     = 0.3    // no call is placed at a greater chance of abandonment
	horizonTime = 1200.0 // seconds over which credit is spent
	firstRate   = 300.0  // seconds before the rate of answers is believed
	clump       = 0.25   // calls kept back per root of operators at work
	closedRisk  = 0.1    // of the allowed share, while one more abandoned call would break the limit
	lossSpread  = 1.7    // standard deviations of the detector's losses kept back
	debtHaste   = 3.0    // a debt is paid back so much faster than credit is spent
)

func newBudget(now time.Time, windows []time.Duration) budget {
	return budget{began: now, logGain: math.Log(0.9), ledger: newLedger(windows)}
}

// allowance is the share of live answers that pacing may lose: the limit less
// what the detector loses already.
func (s Settings) allowance() float64 {
	return max(s.Limit/10, (s.Limit-s.DetectorLoss)/(1-s.DetectorLoss))
}

// human books a live answer.
func (b *budget) human(now time.Time, allowed float64) {
	b.live++
	b.ledger.book(now, 1, 0)
	b.logGain = min(math.Log(maxGain), b.logGain+gainStep*allowed)
}

// mistaken takes a live answer back: it was a machine after all.
func (b *budget) mistaken(now time.Time) {
	b.live = max(0, b.live-1)
	b.ledger.book(now, -1, 0)
}

// lost books an abandoned call.
func (b *budget) lost(now time.Time) {
	b.ledger.book(now, 0, 1)
	b.logGain = max(math.Log(minGain), b.logGain-gainStep)
}

// account is the budget of one window at one moment, in calls.
type account struct {
	allowed float64 // share of live answers
	live    float64
	credit  float64 // calls that may still be abandoned; negative: overdrawn
	reserve float64 // credit kept back: about a late clump, and losses nobody sees
}

// account is that of the tightest window: the least credit beyond its reserve.
// With more operators at work, abandoned calls come in larger clumps, and more
// is kept back.
func (b *budget) account(now time.Time, s Settings, atWork int) account {
	b.ledger.advance(now)
	tightest := account{credit: math.Inf(1)}
	for i := range b.ledger.windows {
		a := account{allowed: s.allowance()}
		a.live, a.credit = b.ledger.windows[i].credit(a.allowed)
		a.reserve = 0.5 + 0.5*math.Sqrt(a.allowed*a.live) + clump*math.Sqrt(float64(atWork)) + lossSpread*math.Sqrt(s.DetectorLoss*a.live)
		a.reserve = min(a.reserve, a.allowed*a.live/2)
		if a.credit-a.reserve < tightest.credit-tightest.reserve {
			tightest = a
		}
	}
	return tightest
}

// open says whether the campaign would still be within its limit were the next
// live answer abandoned.
func (a account) open() bool { return a.credit+a.allowed >= 1 }

// threshold is the chance of abandonment at which the next call may still be
// placed, in (0, maxRisk].
func (b *budget) threshold(now time.Time, s Settings, a account) float64 {
	rate := b.live / max(seconds(now, b.began), firstRate)
	horizon := max(10/a.allowed, horizonTime*rate)
	if a.credit < a.reserve {
		horizon /= debtHaste
	}
	if !s.WindowEnd.IsZero() {
		horizon = min(horizon, max(5, seconds(s.WindowEnd, now)*rate))
	}
	push := (a.credit - a.reserve) / (a.allowed * horizon)
	push = max(minPush, min(maxPush, push))
	risk := min(maxRisk, a.allowed*math.Exp(b.logGain+push))
	if !a.open() {
		risk = min(risk, closedRisk*a.allowed)
	}
	return risk
}
