package main

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
)

// demoResult is what a demo came to. The figures of audio are what the far ends
// heard, not what the product believes.
type demoResult struct {
	Mode        string                    `json:"mode"` // as --mode names it
	Attempts    int                       `json:"attempts"`
	Outcomes    map[campaigns.Outcome]int `json:"outcomes"`
	Open        int                       `json:"attempts_without_outcome"`
	Live        int                       `json:"answered_live"`
	Bridged     int                       `json:"bridged"` // talks that operators had
	Abandoned   int                       `json:"abandoned"`
	Abandonment float64                   `json:"abandonment"` // of live answers
	Utilisation float64                   `json:"utilisation"`
	Lost        lostPackets               `json:"packets_lost_at_bridge"`
	Delay       percentiles               `json:"verdict_to_audio_ms"`
	TwoWay      float64                   `json:"two_way_audio"` // share of talks with persons: a machine put through cannot say what it heard
	Early       int                       `json:"leads_dialled_early"`
	Faults      int                       `json:"protocol_faults"` // that the far ends saw
	Callers     demoCallers               `json:"callers"`         // people who called back; in none of the figures above but utilisation

	outcomeOf map[string]campaigns.Outcome // by Call-ID
	bridged   map[string]bool              // likewise
}

// lostPackets counts customer packets that came after the verdict, and after an
// operator was found, and did not reach the operator.
type lostPackets struct {
	Max       int     `json:"max"`
	Total     int     `json:"total"`
	AtMostOne float64 `json:"at_most_one"` // share of bridges that lost one or none
}

type percentiles struct {
	P50 float64 `json:"p50"`
	P99 float64 `json:"p99"`
}

// readResult reads the outcomes from the store, where they are durable.
func readResult(ctx context.Context, records campaigns.Records, since time.Time, utilisation float64) (*demoResult, error) {
	tally, err := records.Tally(ctx, demoCampaign, since.Add(-time.Second), time.Now().Add(time.Second))
	if err != nil {
		return nil, err
	}
	r := &demoResult{Outcomes: tally.Outcomes, Open: tally.Open, Utilisation: utilisation, outcomeOf: map[string]campaigns.Outcome{}, bridged: map[string]bool{}}
	maps.DeleteFunc(r.Outcomes, func(o campaigns.Outcome, _ int) bool { return o.OfCaller() })
	for o, n := range r.Outcomes {
		if o != campaigns.NotPlaced {
			r.Attempts += n
		}
	}
	r.Attempts += tally.Open
	r.Live, r.Abandoned = tally.Live, tally.Abandoned
	if r.Live > 0 {
		r.Abandonment = float64(r.Abandoned) / float64(r.Live)
	}
	return r, r.readOutcomes(ctx, records, since)
}

// readOutcomes keeps what each attempt came to, by its Call-ID.
func (r *demoResult) readOutcomes(ctx context.Context, records campaigns.Records, since time.Time) error {
	q := campaigns.AttemptQuery{Campaign: demoCampaign, Since: since.Add(-time.Second), Limit: 10_000}
	for {
		page, err := records.Attempts(ctx, q)
		if err != nil || len(page) == 0 {
			return err
		}
		for _, a := range page {
			if a.Inbound {
				r.Callers.count(a)
				continue
			}
			r.outcomeOf[string(a.ID)] = a.Outcome
			if !a.BridgedAt.IsZero() {
				r.Bridged++
				r.bridged[string(a.ID)] = true
			}
		}
		q.Before = page[len(page)-1].ID
	}
}

// packetTime is the time of one RTP packet.
const packetTime = 20 * time.Millisecond

// addFarEnds works out what the far ends heard.
func (r *demoResult) addFarEnds(events []carrier.Event, err error) error {
	if err != nil {
		return err
	}
	var (
		sent   = map[string]carrier.Event{} // marks of the carrier, by call
		heard  = map[string]bool{}          // the customer heard the operator
		delays []float64
		person = map[string]bool{}          // who answered can say what they heard; a machine cannot
		early  = map[string]carrier.Event{} // last end of a call, by number
		number = map[string]string{}
	)
	for _, e := range events {
		switch {
		case e.Event == "fault":
			r.Faults++
		case r.Callers.note(e):
			if e.Event == "bye" { // they talked, or waited: other rules hold from here on
				delete(early, r.Callers.calling[e.Call])
			}
		case e.Event == "marks" && e.User == "":
			sent[e.Call] = e
		case e.Event == "answer" || e.Event == "late_answer":
			person[e.Call] = e.Kind == string(carrier.Person)
		case e.Event == "first_tone" && e.From == "operator":
			heard[e.Call] = true
		case e.Event == "invite":
			number[e.Call] = e.Number
			r.checkEarly(early, e)
		case e.Event == "bye" || e.Event == "final":
			early[number[e.Call]] = e
		}
	}
	both, bridges, talks := 0, 0, 0
	verdict, found := map[string]time.Time{}, map[string]time.Time{}
	for _, e := range events {
		switch {
		case e.Event == "operator_state" && !e.VerdictAt.IsZero():
			verdict[e.Call], found[e.Call] = e.VerdictAt, e.BridgedAt
		case e.Event == "marks" && e.User != "" && !verdict[e.Call].IsZero():
			bridges++
			r.Lost.add(lostAt(e, sent[e.Call], found[e.Call]))
			first := e.FirstAt.Add(-time.Duration(e.Mixed) * packetTime)
			delays = append(delays, float64(first.Sub(verdict[e.Call]))/float64(time.Millisecond))
			if !person[e.Call] {
				continue
			}
			talks++
			if heard[e.Call] && e.Received > 0 {
				both++
			}
		}
	}
	withPersons := 0
	for call := range r.bridged {
		if person[call] {
			withPersons++
		}
	}
	if talks > 0 { // a talk in which nothing came to the operator counts as well
		r.TwoWay = float64(both) / float64(max(talks, withPersons))
	}
	if bridges > 0 {
		r.Lost.AtMostOne /= float64(bridges)
	}
	r.Delay = percentilesOf(delays)
	return nil
}

// checkEarly counts a lead that was dialled before its retry time.
func (r *demoResult) checkEarly(last map[string]carrier.Event, e carrier.Event) {
	before, called := last[e.Number]
	if !called {
		return
	}
	outcome := r.outcomeOf[before.Call]
	for _, rule := range campaigns.DefaultRetry {
		if rule.Outcome == outcome && e.T.Before(before.T.Add(rule.After)) {
			r.Early++
		}
	}
}

// lostAt counts the packets of one bridge: those sent after an operator was
// found (at the verdict, but for a person who had to wait for one) and before
// the first that the operator heard, and the gaps after it. Packets under the
// beep that is mixed over the first ones were heard too.
func lostAt(heard, sent carrier.Event, found time.Time) int {
	due := 1
	if wait := found.Sub(beginOf(sent)); wait > 0 {
		due = int(wait/packetTime) + 2 // the first that left after it
	}
	return max(0, int(heard.First)-int(heard.Mixed)-due) + int(heard.Lost)
}

// beginOf is when the first mark was due: a sender that was held up at its start
// has caught up by its last mark.
func beginOf(sent carrier.Event) time.Time {
	byLast := sent.LastAt.Add(-time.Duration(sent.Last-1) * packetTime)
	if byLast.Before(sent.FirstAt) {
		return byLast
	}
	return sent.FirstAt
}

func (l *lostPackets) add(n int) {
	l.Total += n
	l.Max = max(l.Max, n)
	if n <= 1 {
		l.AtMostOne++ // a count until all are in
	}
}

// percentilesOf uses the nearest rank.
func percentilesOf(x []float64) percentiles {
	if len(x) == 0 {
		return percentiles{}
	}
	slices.Sort(x)
	at := func(p float64) float64 { return x[min(len(x)-1, int(p*float64(len(x))))] }
	return percentiles{at(0.50), at(0.99)}
}

func (r *demoResult) print(w io.Writer, asJSON bool) error {
	if asJSON {
		return json.NewEncoder(w).Encode(r)
	}
	fmt.Fprintf(w, "%d attempts, %d live answers, %d talks, %d abandoned (%.2f %%), utilisation %.1f %%\n",
		r.Attempts, r.Live, r.Bridged, r.Abandoned, 100*r.Abandonment, 100*r.Utilisation)
	fmt.Fprintf(w, "verdict to audio %.0f ms (p50), %.0f ms (p99); two-way audio in %.1f %% of talks; %d packets lost at bridges\n",
		r.Delay.P50, r.Delay.P99, 100*r.TwoWay, r.Lost.Total)
	if r.Callers.Called > 0 {
		fmt.Fprintln(w, r.Callers)
	}
	return nil
}
