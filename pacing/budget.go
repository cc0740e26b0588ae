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
	ledger ledger
	live   float64 // answers since began
	began  time.Time
	// Chances at which the last calls were placed, in thresholds, discounted.
	placedSum, placedCount float64
	// Answers that found nobody, and how many were expected to when their calls
	// were placed, discounted.
	missed, expected float64
	own              own     // where several nodes share the budget
	picked           float64 // share of calls whose records were picked, see choice
}

const (
	maxPush     = 0.9    // log of how far credit may raise the threshold
	minPush     = -6.0   // log of how far debt may lower it
	maxRisk     = 0.3    // no call is placed at a greater chance of abandonment
	horizonTime = 1200.0 // seconds over which credit is spent where the window's end is not known
	firstRate   = 300.0  // seconds before the rate of answers is believed
	usualTurn   = 180.0  // seconds from one call of an operator to the next, before it is known
	debtHaste   = 3.0    // a debt that may not be paid back is paid so much faster

	// What is kept back until the end, in calls. Abandoned calls come in clumps,
	// larger ones with more operators at work, because their calls come to grief
	// together; credit that is meant to be left has so wide a spread.
	keptBack   = 0.7
	clump      = 0.85 // per root of operators at work beyond the first, at 3 %
	clumpPick  = 0.2  // and so much more where records are picked: the likely ones are answered together
	clumpShare = 0.03
	pastSwing  = 0.5 // standard deviations of the calls abandoned so far
	aheadSwing = 0.4 // of those still allowed until the window ends; the lesser of the two counts

	lossSpread = 0.5 // of the people lost to the detector: an estimate is an estimate

	// Calls are placed at chances up to the threshold, and not as many of them are
	// abandoned as their chances say: other calls are placed after them, and
	// operators come who were not expected.
	placedMemory  = 300.0 // calls
	placedPrior   = 20.0
	meanPlaced    = 0.75 // of the threshold, before it is known
	missedMemory  = 60.0 // calls expected to be abandoned
	missedPrior   = 4.0
	realised      = 1.1  // abandoned calls for each that the chances expected, before it is known
	realisedAfter = 0.85 // with surplus calls given up
)

func newBudget(now time.Time, windows []time.Duration) budget {
	return budget{began: now, ledger: newLedger(windows), placedSum: placedPrior * meanPlaced, placedCount: placedPrior}
}

// allowance is the share of live answers that pacing may lose: the limit less
// what the detector loses already.
func (s Settings) allowance() float64 {
	return max(s.Limit/10, (s.Limit-s.DetectorLoss)/(1-s.DetectorLoss))
}

// human books the live answer of a call placed at this chance of abandonment.
func (b *budget) human(now time.Time, chance float64) {
	b.live++
	b.own.live++
	b.ledger.book(now, 1, 0)
	keep := math.Exp(-chance / missedMemory)
	b.missed *= keep
	b.expected = b.expected*keep + chance
}

// mistaken takes a live answer back: it was a machine after all. Late: it was booked
// as abandoned too. That its call found no operator stays learnt.
func (b *budget) mistaken(now time.Time, late bool) {
	b.live = max(0, b.live-1)
	b.own.live--
	b.ledger.book(now, -1, 0)
	if late {
		b.own.lost--
		b.ledger.book(now, 0, -1)
	}
}

// lost books an abandoned call.
func (b *budget) lost(now time.Time) {
	b.ledger.book(now, 0, 1)
	b.missed++
	b.own.lost++
}

// placed books a call placed at this chance of abandonment under a threshold.
func (b *budget) placed(chance, threshold float64) {
	const keep = 1 - 1/placedMemory
	b.placedSum = b.placedSum*keep + chance/threshold
	b.placedCount = b.placedCount*keep + 1
}

// scale is the threshold that loses one call in so many as are allowed, over
// that share: the mean chance is below the threshold, what comes of it beside it.
func (b *budget) scale(s Settings) float64 {
	usual := realised
	if s.Cancel {
		usual = realisedAfter
	}
	comesTrue := (missedPrior*usual + b.missed) / (missedPrior + b.expected)
	return b.placedCount / b.placedSum / comesTrue
}

// rate is live answers a second.
func (b *budget) rate(now time.Time) float64 { return b.live / max(seconds(now, b.began), firstRate) }

// ahead is how many live answers are to come until the window ends; where that
// is not known, in the time over which credit is spent.
func (b *budget) ahead(now time.Time, s Settings) float64 {
	if s.WindowEnd.IsZero() {
		return b.rate(now) * horizonTime
	}
	return b.rate(now) * seconds(s.WindowEnd, now)
}

// hoped is how many live answers are to come until the window ends, from how many
// operators are at work: until the rate of answers is believed.
func (b *budget) hoped(now time.Time, s Settings, atWork int) float64 {
	unknown := 1 - seconds(now, b.began)/firstRate
	if s.WindowEnd.IsZero() || unknown <= 0 {
		return 0
	}
	return unknown * float64(atWork) * seconds(s.WindowEnd, now) / usualTurn
}

// account is the budget of one window at one moment, in calls.
type account struct {
	allowed float64 // share of live answers
	live    float64
	ahead   float64 // live answers to come until the window ends
	whole   float64 // live answers of the window, those so far and those to come
	credit  float64 // calls that may still be abandoned; negative: overdrawn
	reserve float64 // credit kept back at this moment
	last    float64 // of it, what is kept back until the end
}

// account is that of the tightest window: the least credit beyond its reserve.
// With more operators at work, abandoned calls come in larger clumps, and more
// is kept back.
func (b *budget) account(now time.Time, s Settings, atWork int) account {
	b.ledger.advance(now)
	ahead := b.ahead(now, s)
	tightest := account{credit: math.Inf(1)}
	for i := range b.ledger.windows {
		a := account{allowed: s.allowance(), ahead: ahead}
		a.live, a.credit = b.ledger.windows[i].credit(a.allowed)
		a.live, a.credit = b.own.of(a.allowed, a.live, a.credit)
		a.whole = a.live + max(ahead, b.hoped(now, s, atWork))
		swing := pastSwing * math.Sqrt(a.allowed*a.live)
		if !s.WindowEnd.IsZero() {
			swing = min(swing, aheadSwing*math.Sqrt(a.allowed*ahead))
		}
		a.last = keptBack + (clump+clumpPick*b.picked)*(math.Sqrt(float64(atWork))-1)*math.Sqrt(math.Sqrt(a.allowed/clumpShare))
		a.last += lossSpread * math.Sqrt(s.DetectorLoss*a.live)
		a.reserve = a.last + swing
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
// placed, in (0, maxRisk], as far as misfortune is payable, see account.sure.
func (b *budget) threshold(s Settings, a account) float64 {
	ahead := a.ahead
	horizon := max(1/a.allowed, ahead)
	if a.credit < a.reserve {
		horizon = max(10/a.allowed, ahead)
		if a.credit+a.toCome(s) < 1+a.last {
			horizon /= debtHaste
		}
		if !s.WindowEnd.IsZero() {
			horizon = min(horizon, max(5, ahead))
		}
	}
	push := (a.credit - a.reserve) / (a.allowed * horizon)
	push = max(minPush, min(maxPush, push))
	wanted := a.allowed * b.scale(s) * math.Exp(push)
	return min(maxRisk, wanted)
}
