package doctor

import (
	"time"
)

const (
	// lateDate is how far a carrier may be from us; far apart, carriers refuse signed
	// calls as stale (RFC 8224 section 4.4 names 60 s).
	lateDate  = 5 * time.Second
	staleDate = time.Minute
	// lateRedis is what the store takes at most.
	lateRedis = 2 * time.Second
	// smallStep is what a time server corrects in a run of ours.
	smallStep = 100 * time.Millisecond
)

const setClock = "keep the clock of this machine by NTP (chrony or systemd-timesyncd)"

// checkDate compares our clock with the Date of an answer, which is cut to a second
// and was written half a round trip ago.
func (e *examination) checkDate(subject string, date, now time.Time, roundTrip time.Duration) {
	if date.IsZero() {
		return
	}
	skew := date.Add(500*time.Millisecond + roundTrip/2).Sub(now)
	f := Finding{Check: CheckClock, Subject: subject, Verdict: OK, Figures: map[string]float64{"skew_ms": milliseconds(skew)}}
	switch {
	case skew.Abs() > staleDate:
		f.Verdict, f.Next = Fail, setClock
		f.Cause = aheadOf(skew) + " by its Date: signed calls count as stale there, and calling hours are wrong here if the fault is ours"
	case skew.Abs() > lateDate:
		f.Verdict, f.Next = Warn, setClock
		f.Cause = aheadOf(skew) + " by its Date"
	default:
		f.Cause = "within " + (skew.Abs() + 500*time.Millisecond).Truncate(100*time.Millisecond).String() + " of ours by its Date"
	}
	e.tell(f)
}

func (e *examination) checkRedisClock(server string, skew time.Duration) {
	f := Finding{Check: CheckClock, Subject: "redis " + server, Verdict: OK, Figures: map[string]float64{"skew_ms": milliseconds(skew)}}
	f.Cause = "within " + skew.Abs().Round(time.Millisecond).String() + " of ours"
	if skew.Abs() > lateRedis {
		f.Verdict, f.Next, f.Cause = Fail, "keep both clocks by NTP", aheadOf(skew)+": leases of other nodes are judged by it"
	}
	e.tell(f)
}

func aheadOf(skew time.Duration) string {
	if skew < 0 {
		return "its clock is " + (-skew).Round(time.Millisecond).String() + " behind ours"
	}
	return "its clock is " + skew.Round(time.Millisecond).String() + " ahead of ours"
}

// checkSteps compares the wall clock with the time that passed during the run.
func (e *examination) checkSteps() {
	now := time.Now()
	e.judgeStep(now.Round(0).Sub(e.began.Round(0))-now.Sub(e.began), now.Sub(e.began))
}

func (e *examination) judgeStep(step, passed time.Duration) {
	if step.Abs() > smallStep {
		e.warn(CheckClock, "this machine", setClock+", which turns a clock slowly instead of setting it",
			"the clock was set by %v while we looked: the product puts campaigns on hold when it goes back by more than 2s", step.Round(time.Millisecond))
		return
	}
	e.ok(CheckClock, "this machine", "the clock did not step in the %v of this look", passed.Round(100*time.Millisecond))
}
