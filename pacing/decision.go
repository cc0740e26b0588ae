package pacing

import (
	"encoding/json"
	"fmt"
)

// Decision is what to do now, and the numbers that it rests on. It is made
// without allocating; Why puts the numbers into words for those who ask.
type Decision struct {
	Dial   int      // calls to place; where there are several records, at most one, of Records[Record]
	Record int      // index in View.Records
	Cancel []string // ringing calls to give up; valid until the next Decide
	Bound  Bound

	Mode              Mode
	Free              int     // operators whom nobody waits for; negative: people wait
	AtWork            int     // operators signed in and not paused
	InFlight          int     // calls placed without a verdict, before Dial
	Room              int     // as the View said
	Ratio             float64 // calls in flight per ready operator, now
	Wanted            float64 // the ratio without MaxRatio and Room
	AnswerProbability float64 // of the next call
	AbandonChance     float64 // of the next call, were it placed
	Threshold         float64 // what AbandonChance is held against
	Credit            float64 // live answers that may still be abandoned in the tightest window
	Live              float64 // live answers in that window
	Resting           int     // operators who rest
}

// Why is the decision in words and numbers, one line.
func (d Decision) Why() string {
	why := d.reason()
	if d.limitedByRoom() {
		why = fmt.Sprintf("room for %d more calls (%s); %s", d.Room, d.Bound, why)
	}
	if d.Resting > 0 {
		why = fmt.Sprintf("%s; %d operators rest", why, d.Resting)
	}
	return why
}

func (d Decision) limitedByRoom() bool {
	switch d.Bound {
	case BoundChannels, BoundCPS, BoundLeads:
		return true
	}
	return false
}

func (d Decision) reason() string {
	switch {
	case d.Bound == BoundOperators:
		return "no operator is at work"
	case d.Bound == BoundWindow:
		return "the calling window is over"
	case d.Mode == Preview:
		return "preview: operators place their own calls"
	case d.Mode == Progressive:
		return fmt.Sprintf("progressive: %d free operators, %d calls in flight", max(0, d.Free), d.InFlight)
	case d.Mode == Ratio && d.Bound == BoundAbandonment:
		return fmt.Sprintf("ratio %.1f waits for credit: %.1f calls may be abandoned, %.0f live answers so far; %d free operators, %d calls in flight",
			d.Wanted, max(0, d.Credit), d.Live, max(0, d.Free), d.InFlight)
	case d.Mode == Ratio:
		return fmt.Sprintf("ratio %.1f: %d free operators, %d calls in flight", d.Wanted, max(0, d.Free), d.InFlight)
	}
	return fmt.Sprintf("%d of %d operators free, %d calls in flight; one more would find nobody with chance %.1f%%, allowed %.1f%% (%.1f of %.0f live answers may still be abandoned)",
		d.Free, d.AtWork, d.InFlight+d.Dial, 100*d.AbandonChance, 100*d.Threshold, d.Credit, d.Live)
}

// MarshalJSON writes the decision as the live page and logs read it.
func (d Decision) MarshalJSON() ([]byte, error) {
	return json.Marshal(struct {
		Dial              int      `json:"dial"`
		Record            int      `json:"record,omitempty"`
		Cancel            []string `json:"cancel,omitempty"`
		Bound             Bound    `json:"bound"`
		Why               string   `json:"why"`
		Ratio             float64  `json:"ratio"`
		Wanted            float64  `json:"wanted"`
		AnswerProbability float64  `json:"answer_probability"`
		AbandonChance     float64  `json:"abandon_chance"`
		Threshold         float64  `json:"threshold"`
		Credit            float64  `json:"credit"`
		Live              float64  `json:"live"`
	}{
		d.Dial, d.Record, d.Cancel, d.Bound, d.Why(), d.Ratio, d.Wanted, d.AnswerProbability, d.AbandonChance, d.Threshold, d.Credit, d.Live,
	})
}
