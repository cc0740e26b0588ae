package fault

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
)

// townCall is a call of the nodes as the carrier saw it.
type townCall struct {
	*dialog
	greeted, toned time.Time // end of the greeting; an operator was heard
	attempt        campaigns.Attempt
	victim         bool // its node was dead, asleep or settled while it was up
}

// onItsWay is how long an outcome may be on its way to be durable: what is when its
// node dies is lost with it, and the attempt is settled.
const onItsWay = 2 * time.Second

// toneWithin is the law's two seconds, and what the sound takes to be heard: the
// carrier wants some packets of a tone.
const toneWithin = 2*time.Second + 300*time.Millisecond

// fate is what the call was in the eyes of the law: a live answer, abandoned or not.
func (c *townCall) fate() (live, abandoned bool) {
	if c.kind != string(carrier.Person) || c.answered.IsZero() || c.greeted.IsZero() {
		return false, false
	}
	switch limit := c.greeted.Add(toneWithin); {
	case !c.toned.IsZero() && !c.toned.After(limit):
		return true, false
	case c.by == "carrier" && c.to.Before(c.greeted.Add(2*time.Second)):
		return false, false // they left before the time was over
	}
	return true, true
}

// judge holds what the nodes did together against the carrier's log, and prints the
// table.
func (f *floor) judge(t *testing.T) {
	t.Helper()
	store := f.open(t)
	defer store.Close()
	attempts := allAttempts(t, store)
	calls := f.townCalls(t, attempts)
	if len(calls) < 25 {
		t.Errorf("%d calls: hardly anything was tested", len(calls))
	}
	double := judgeDoubles(t, calls)
	lost := judgeTown(t, attempts, calls)
	most := judgeTownCaps(t, calls)
	judgeTownLimits(t, calls, len(f.nodes))
	live, abandoned, victims := townBudget(calls)
	for _, c := range calls {
		if _, lost := c.fate(); lost {
			t.Logf("abandoned: call %s of %s to %s at %s, greeting over %s, operator heard %s, ended %s by %s; outcome %s, victim: %v",
				c.id, c.attempt.Node, c.number, clock(c.from), clock(c.greeted), clock(c.toned), clock(c.to), c.by, c.attempt.Outcome, c.victim)
		}
	}
	if float64(abandoned) > 0.03*float64(live) {
		t.Errorf("%d of %d live answers were abandoned: %.2f%%, the limit is 3%%", abandoned, live, 100*float64(abandoned)/float64(live))
	}
	t.Logf("%d nodes: %d INVITEs, %d double dials, %d outcomes lost, at most %d calls to one person (cap %d); %d live answers, %d abandoned (%.2f%%), %d more were up on a node that failed; %d channels, %d calls in a second at most\n%s",
		len(f.nodes), len(calls), double, lost, most, nodesCap, live, abandoned, 100*float64(abandoned)/float64(max(1, live)), victims,
		mostChannels(calls), mostInASecond(calls), f.table(calls))
}

// townCalls are the calls in the order in which they came.
func (f *floor) townCalls(t *testing.T, attempts []campaigns.Attempt) []*townCall {
	t.Helper()
	events := f.events(t)
	byID, kept := map[string]*townCall{}, map[string]campaigns.Attempt{}
	for _, a := range attempts {
		kept[string(a.ID)] = a
	}
	var calls []*townCall
	for id, d := range callsOf(t, events) {
		c := &townCall{dialog: d, attempt: kept[id]}
		c.victim = slices.ContainsFunc(f.faults, func(s faultSpan) bool {
			return s.node == c.attempt.Node && d.from.Before(s.to) && (d.to.IsZero() || d.to.After(s.from.Add(-onItsWay)))
		})
		byID[id], calls = c, append(calls, c)
	}
	for _, e := range events {
		c := byID[e.Call]
		switch {
		case c == nil || e.User != "":
		case e.Event == "greeting_end":
			c.greeted = e.T
		case e.Event == "first_tone" && e.From == "operator" && c.toned.IsZero():
			c.toned = e.T
		}
	}
	slices.SortFunc(calls, func(a, b *townCall) int { return a.from.Compare(b.from) })
	return calls
}

// judgeDoubles: nobody is called while a call to them is up, nor before the rest that
// the last call asks for is over.
func judgeDoubles(t *testing.T, calls []*townCall) (double int) {
	t.Helper()
	last := map[string]*townCall{}
	for _, c := range calls {
		before := last[c.number]
		last[c.number] = c
		if before == nil {
			continue
		}
		rest, may := nodesRest(before.attempt.Outcome)
		due := before.attempt.EndedAt.Add(rest)
		if !may || c.from.Before(due) || c.from.Before(before.to) || before.to.IsZero() {
			double++
			t.Errorf("%s was dialled by %s at %s, after a call by %s from %s to %s that came to %s at %s (may be: %v, not before %s)",
				c.number, c.attempt.Node, clock(c.from), before.attempt.Node, clock(before.from), clock(before.to), before.attempt.Outcome,
				clock(before.attempt.EndedAt), may, clock(due))
		}
	}
	return double
}

// judgeTown: every attempt has one outcome, and it is the one that the carrier saw,
// unless the node was a victim. It returns how many are not.
func judgeTown(t *testing.T, attempts []campaigns.Attempt, calls []*townCall) (lost int) {
	t.Helper()
	all := map[string]*dialog{}
	for _, c := range calls {
		all[c.id] = c.dialog
	}
	judgeOutcomes(t, attempts, all)
	for _, c := range calls {
		if c.to.IsZero() {
			t.Errorf("call %s of %s to %s is still up, since %s", c.id, c.attempt.Node, c.number, clock(c.from))
		}
		wrong := c.attempt.Outcome == campaigns.Interrupted
		if live, abandoned := c.fate(); live && !abandoned {
			wrong = c.attempt.Outcome != campaigns.Connected
		}
		if wrong && !c.victim {
			lost++
			t.Errorf("call %s of %s to %s (%s, %s to %s, operator heard %s) came to %s", c.id, c.attempt.Node, c.number, c.kind,
				clock(c.from), clock(c.to), clock(c.toned), c.attempt.Outcome)
		}
	}
	return lost
}

// judgeTownCaps: nobody is called more often than the cap, counted by the carrier.
func judgeTownCaps(t *testing.T, calls []*townCall) (most int) {
	t.Helper()
	perNumber := map[string]int{}
	for _, c := range calls {
		perNumber[c.number]++
		most = max(most, perNumber[c.number])
	}
	if most > nodesCap {
		t.Errorf("somebody was called %d times, the cap is %d", most, nodesCap)
	}
	if most < 2 {
		t.Error("nobody was called twice: caps were not tested")
	}
	return most
}

// judgeTownLimits: the carrier's limits hold for all nodes together. Each node may
// have a burst of its own.
func judgeTownLimits(t *testing.T, calls []*townCall, nodes int) {
	t.Helper()
	if n := mostChannels(calls); n > nodesChannels {
		t.Errorf("%d calls were up at once, the carrier allows %d", n, nodesChannels)
	}
	if n, most := mostInASecond(calls), nodesCPS+max(nodes, nodesCPS/5)+1; n > most {
		t.Errorf("%d calls came in a second, %d are allowed with the bursts", n, most)
	}
}

func mostChannels(calls []*townCall) (most int) {
	type step struct {
		at time.Time
		by int
	}
	var steps []step
	for _, c := range calls {
		steps = append(steps, step{c.from, 1}, step{c.to, -1})
	}
	slices.SortFunc(steps, func(a, b step) int {
		if d := a.at.Compare(b.at); d != 0 {
			return d
		}
		return a.by - b.by
	})
	up := 0
	for _, s := range steps {
		up += s.by
		most = max(most, up)
	}
	return most
}

func mostInASecond(calls []*townCall) (most int) {
	first := 0
	for i, c := range calls {
		for c.from.Sub(calls[first].from) > time.Second {
			first++
		}
		most = max(most, i-first+1)
	}
	return most
}

// townBudget counts live answers as the carrier saw them. Victims are counted apart:
// no pacing keeps a machine from dying.
func townBudget(calls []*townCall) (live, abandoned, victims int) {
	for _, c := range calls {
		isLive, lost := c.fate()
		switch {
		case lost && c.victim:
			victims++
		case isLive:
			live++
			if lost {
				abandoned++
			}
		}
	}
	return live, abandoned, victims
}

// table says for each phase what came of it.
func (f *floor) table(calls []*townCall) string {
	var b strings.Builder
	fmt.Fprintf(&b, "%-36s %13s %8s %8s %6s %9s %8s %14s\n", "fault", "at", "lasted", "INVITEs", "live", "abandoned", "victims", "dials again")
	for _, p := range f.phases {
		var in []*townCall
		again := time.Duration(-1)
		for _, c := range calls {
			if !c.from.Before(p.from) && c.from.Before(p.to) {
				in = append(in, c)
			}
			if again < 0 && !c.from.Before(p.over) {
				again = c.from.Sub(p.over)
			}
		}
		live, abandoned, victims := townBudget(in)
		fmt.Fprintf(&b, "%-36s %13s %8s %8d %6d %9d %8d %14s\n", p.name, clock(p.from), p.over.Sub(p.from).Round(100*time.Millisecond), len(in), live, abandoned, victims, again.Round(100*time.Millisecond))
	}
	return b.String()
}
