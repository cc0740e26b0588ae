package pacing

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

// at is a moment of the test day.
func at(seconds float64) time.Time {
	return monday.Add(time.Duration(seconds * float64(time.Second)))
}

// ready signs in so many operators, all free.
func ready(c Controller, now time.Time, n int) {
	for i := range n {
		c.Observe(now, Operator{ID: fmt.Sprint("op", i), State: Ready})
	}
}

// place does what the engine does: it asks until the answer is 0 and places the
// calls. It returns how many.
func place(c Controller, now time.Time, prefix string) int {
	n := 0
	for {
		d := c.Decide(now, View{Room: -1, Records: mainRecord})
		if d.Dial == 0 {
			return n
		}
		for range d.Dial {
			c.Observe(now, Dialed{Call: fmt.Sprint(prefix, n), Record: mainRecord[0]})
			n++
		}
	}
}

// script draws events in any order, on few names, so that late, repeated and
// contradictory messages are common.
func script(t *rapid.T) []Event {
	call := rapid.SampledFrom([]string{"a", "b", "c", "d", "e", "f", "unknown"})
	segment := rapid.SampledFrom([]string{"main", "cold"})
	operator := rapid.SampledFrom([]string{"1", "2", "3", "4"})
	state := rapid.SampledFrom([]OperatorState{Ready, Ready, Talking, Wrapping, Away, Off, "strange"})
	cause := rapid.SampledFrom([]Cause{CauseBusy, CauseInvalid, CauseFailed, CauseNoAnswer, CauseCancelled, "strange"})
	since := rapid.Custom(func(t *rapid.T) time.Time {
		return at(rapid.Float64Range(-100, 2000).Draw(t, "since"))
	})
	return rapid.SliceOfN(rapid.Custom(func(t *rapid.T) Event {
		switch rapid.IntRange(0, 9).Draw(t, "kind") {
		case 0, 1:
			return Operator{ID: operator.Draw(t, "id"), State: state.Draw(t, "state"), PauseRequested: rapid.Bool().Draw(t, "pause")}
		case 2:
			return Dialed{Call: call.Draw(t, "call"), Record: Record{Segment: segment.Draw(t, "segment"), Score: rapid.Float64().Draw(t, "score")}}
		case 3:
			return Ringing{Call: call.Draw(t, "call"), Since: since.Draw(t, "since")}
		case 4:
			return Answered{Call: call.Draw(t, "call"), Since: since.Draw(t, "since")}
		case 5:
			return Human{Call: call.Draw(t, "call")}
		case 6:
			return Machine{Call: call.Draw(t, "call")}
		case 7:
			return Ended{Call: call.Draw(t, "call"), Cause: cause.Draw(t, "cause")}
		case 8:
			return Connected{Call: call.Draw(t, "call"), Operator: operator.Draw(t, "operator"), Late: rapid.Bool().Draw(t, "late")}
		}
		return Abandoned{Call: call.Draw(t, "call")}
	}), 0, 120).Draw(t, "events")
}

// mainRecord is a record of the segment main.
var mainRecord = []Record{{Segment: "main"}}

func drawSettings(t *rapid.T) Settings {
	s := Settings{
		Mode:              rapid.SampledFrom([]Mode{Preview, Progressive, Ratio, Predictive}).Draw(t, "mode"),
		Ratio:             rapid.Float64Range(0, 5).Draw(t, "ratio"),
		MinRatio:          rapid.Float64Range(0, 3).Draw(t, "min ratio"),
		MaxRatio:          rapid.Float64Range(0, 5).Draw(t, "max ratio"),
		Limit:             rapid.Float64Range(0, 0.1).Draw(t, "limit"),
		DetectorLoss:      rapid.Float64Range(0, 0.1).Draw(t, "loss"),
		TargetUtilisation: rapid.Float64Range(0, 1).Draw(t, "target"),
		Clock:             rapid.SampledFrom([]Clock{"", FromVerdict, FromAnswer}).Draw(t, "clock"),
		Cancel:            rapid.Bool().Draw(t, "cancel"),
	}
	if rapid.Bool().Draw(t, "window") {
		s.WindowEnd = at(rapid.Float64Range(0, 2000).Draw(t, "window end"))
	}
	return s
}

// Whatever happens in whatever order: no panic, no more calls than there is room
// for, sound figures, and the same answers at a replay.
func TestLawsOfEveryMode(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		s := drawSettings(t)
		changed := drawSettings(t)
		c, replay := New(s, monday), New(s, monday)
		events := script(t)
		now := 0.0
		for i, ev := range events {
			now += rapid.Float64Range(-1, 20).Draw(t, "pause")
			v := View{
				Room:    rapid.IntRange(-1, 5).Draw(t, "room"),
				Records: []Record{{Segment: rapid.SampledFrom([]string{"main", "cold", "new"}).Draw(t, "segment")}},
				Bound:   rapid.SampledFrom([]Bound{"", BoundCPS, BoundLeads}).Draw(t, "bound"),
			}
			if i == len(events)/2 {
				s = changed
				c.Adjust(at(now), s)
				replay.Adjust(at(now), s)
			}
			c.Observe(at(now), ev)
			replay.Observe(at(now), ev)
			d := c.Decide(at(now), v)
			if diff := cmp.Diff(d, replay.Decide(at(now), v)); diff != "" {
				t.Fatalf("replay differs: %s", diff)
			}
			checkDecision(t, s, v, d)
		}
	})
}

func checkDecision(t *rapid.T, s Settings, v View, d Decision) {
	if d.Dial < 0 || (v.Room >= 0 && d.Dial > v.Room) {
		t.Fatalf("dial %d with room %d", d.Dial, v.Room)
	}
	if s.Mode == Preview && d.Dial > 0 {
		t.Fatalf("preview dials %d", d.Dial)
	}
	if len(d.Cancel) > 0 && (!s.Cancel || s.Mode != Predictive) {
		t.Fatalf("cancels %v", d.Cancel)
	}
	if d.Why() == "" || d.Bound == "" || strings.Contains(d.Why(), "NaN") {
		t.Fatalf("decision without a reason: %+v", d)
	}
	for _, p := range []float64{d.AnswerProbability, d.AbandonChance, d.Threshold} {
		if !(p >= 0 && p <= 1) {
			t.Fatalf("a chance out of range: %+v", d)
		}
	}
	if math.IsNaN(d.Ratio) || math.IsNaN(d.Wanted) {
		t.Fatalf("ratio: %+v", d)
	}
}

// Progressive never has more calls in flight than free operators because of its
// own dialling; ratio never more than the manager's number of them.
func TestLinesPerReadyOperator(t *testing.T) {
	for _, mode := range []Mode{Progressive, Ratio} {
		t.Run(string(mode), func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				s := Settings{Mode: mode, Ratio: rapid.Float64Range(1, 4).Draw(t, "ratio")}
				per := s.Ratio
				if mode == Progressive {
					per = 1
				}
				c := New(s, monday).(*controller)
				view := View{Room: -1, Records: mainRecord}
				for range 300 { // credit, so that the ratio is allowed
					c.budget.human(monday, s.Limit)
				}
				now := 0.0
				for i, ev := range script(t) {
					now++
					c.Observe(at(now), ev)
					d := c.Decide(at(now), view)
					free := max(0, c.floor.staffing(at(now)).free)
					if got := len(c.floor.inFlight) + d.Dial; d.Dial > 0 && float64(got) > per*float64(free) {
						t.Fatalf("%d calls in flight for %d free operators", got, free)
					}
					for j := range d.Dial {
						c.Observe(at(now), Dialed{Call: fmt.Sprint("n", i, j), Record: mainRecord[0]})
					}
				}
			})
		})
	}
}

func TestFirstDecisions(t *testing.T) {
	afternoon := at(3600)
	for _, c := range []struct {
		name  string
		s     Settings
		ready int
		view  View
		dial  int
		bound Bound
	}{
		{"preview never dials", Settings{Mode: Preview}, 5, View{Room: -1}, 0, BoundFree},
		{"progressive: one each", Settings{Mode: Progressive}, 5, View{Room: -1}, 5, BoundFree},
		{"no mode is progressive", Settings{}, 5, View{Room: -1}, 5, BoundFree},
		{"ratio before there is credit: one each", Settings{Mode: Ratio, Ratio: 2}, 5, View{Room: -1}, 5, BoundFree},
		{"predictive, knowing nothing: one each", Settings{Mode: Predictive}, 5, View{Room: -1}, 5, BoundFree},
		{"predictive with a floor, without credit: one each", Settings{Mode: Predictive, MinRatio: 3}, 5, View{Room: -1}, 5, BoundFree},
		{"nobody at work", Settings{Mode: Predictive}, 0, View{Room: -1}, 0, BoundOperators},
		{"no channel left", Settings{Mode: Progressive}, 5, View{Room: 2, Bound: BoundChannels}, 2, BoundChannels},
		{"no token left", Settings{Mode: Predictive}, 5, View{Room: 0, Bound: BoundCPS}, 0, BoundCPS},
		{"no lead left", Settings{Mode: Progressive}, 5, View{Room: 0, Bound: BoundLeads}, 0, BoundLeads},
		{"window over", Settings{Mode: Predictive, WindowEnd: at(-1)}, 5, View{Room: -1}, 0, BoundWindow},
		{"window open", Settings{Mode: Predictive, WindowEnd: afternoon}, 5, View{Room: -1}, 5, BoundFree},
	} {
		ctl := New(c.s, monday)
		ready(ctl, monday, c.ready)
		c.view.Records = mainRecord
		d := ctl.Decide(monday, c.view)
		if d.Dial != c.dial || d.Bound != c.bound {
			t.Errorf("%s: dial %d (%s), want %d (%s): %s", c.name, d.Dial, d.Bound, c.dial, c.bound, d.Why())
		}
	}
}

// With credit the manager's ratio is followed at once, and left when the credit is gone.
func TestRatioObeysTheLaw(t *testing.T) {
	c := New(Settings{Mode: Ratio, Ratio: 2.5}, monday).(*controller)
	ready(c, monday, 4)
	for range 200 {
		c.budget.human(monday, 0.03)
	}
	if d := c.Decide(monday, View{Room: -1}); d.Dial != 10 || d.Bound != BoundRatio {
		t.Errorf("with credit: dial %d (%s), want 10 (%s)", d.Dial, d.Bound, BoundRatio)
	}
	c.Adjust(monday, Settings{Mode: Ratio, Ratio: 2.5, MaxRatio: 2})
	if d := c.Decide(monday, View{Room: -1}); d.Dial != 8 {
		t.Errorf("with max ratio 2: dial %d, want 8", d.Dial)
	}
	c.budget.ledger.book(monday, 0, 6)
	if d := c.Decide(monday, View{Room: -1}); d.Dial != 4 {
		t.Errorf("with the campaign's credit spent: dial %d, want 4", d.Dial)
	}
}

// An operator who will pause is neither free nor expected.
func TestPauseRequested(t *testing.T) {
	c := New(Settings{Mode: Progressive}, monday)
	ready(c, monday, 3)
	c.Observe(monday, Operator{ID: "op0", State: Ready, PauseRequested: true})
	if d := c.Decide(monday, View{Room: -1}); d.Dial != 2 {
		t.Errorf("dial %d, want 2", d.Dial)
	}
}

// A person who waits takes the next operator.
func TestWaitingPersonTakesAnOperator(t *testing.T) {
	c := New(Settings{Mode: Progressive}, monday)
	ready(c, monday, 1)
	place(c, monday, "c")
	c.Observe(at(8), Human{Call: "c0"})
	if d := c.Decide(at(8), View{Room: -1}); d.Dial != 0 {
		t.Errorf("with a person waiting for the one operator: dial %d, want 0", d.Dial)
	}
	c.Observe(at(8), Operator{ID: "op0", State: Talking})
	c.Observe(at(8), Connected{Call: "c0", Operator: "op0"})
	c.Observe(at(60), Operator{ID: "op0", State: Wrapping})
	c.Observe(at(70), Operator{ID: "op0", State: Ready})
	if d := c.Decide(at(70), View{Room: -1}); d.Dial != 1 {
		t.Errorf("with the operator back: dial %d, want 1", d.Dial)
	}
}

// What counts as a live answer, and as abandoned.
func TestCounts(t *testing.T) {
	for _, c := range []struct {
		name            string
		events          []Event
		live, abandoned float64
	}{
		{"connected", []Event{Human{"x"}, Connected{Call: "x"}}, 1, 0},
		{"connected too late", []Event{Human{"x"}, Connected{Call: "x", Late: true}}, 1, 1},
		{"abandoned", []Event{Human{"x"}, Abandoned{"x"}}, 1, 1},
		{"abandoned before the verdict", []Event{Abandoned{"x"}}, 1, 1},
		{"hung up while waiting", []Event{Human{"x"}, Ended{"x", CauseFailed}}, 1, 0},
		{"a machine after all", []Event{Human{"x"}, Machine{Call: "x"}}, 0, 0},
		{"a machine after the connection", []Event{Human{"x"}, Connected{Call: "x"}, Machine{Call: "x", Talked: true}}, 0, 0},
		{"a machine after a late connection", []Event{Human{"x"}, Connected{Call: "x", Late: true}, Machine{Call: "x", Talked: true, Late: true}}, 0, 0},
		{"machine", []Event{Machine{Call: "x"}}, 0, 0},
		{"all of it twice", []Event{Human{"x"}, Human{"x"}, Abandoned{"x"}, Abandoned{"x"}, Human{"x"}}, 1, 1},
		{"never dialled", []Event{Human{"y"}, Abandoned{"y"}}, 0, 0},
	} {
		ctl := New(Settings{Mode: Predictive}, monday).(*controller)
		ctl.Observe(monday, Dialed{Call: "x", Record: mainRecord[0]})
		for _, ev := range c.events {
			ctl.Observe(at(5), ev)
		}
		if b := ctl.budget.ledger.windows[0]; b.live != c.live || b.abandoned != c.abandoned {
			t.Errorf("%s: live %v, abandoned %v; want %v, %v", c.name, b.live, b.abandoned, c.live, c.abandoned)
		}
	}
}

// Ringing calls past the legal minimum are given up when nobody is free, once.
func TestCancel(t *testing.T) {
	c := New(Settings{Mode: Predictive, Cancel: true}, monday)
	ready(c, monday, 2)
	place(c, monday, "c")
	c.Observe(at(2), Ringing{Call: "c0", Since: at(1)})
	c.Observe(at(2), Ringing{Call: "c1", Since: at(1.5)})
	view := View{Room: -1, Records: mainRecord}
	if d := c.Decide(at(16.2), view); len(d.Cancel) > 0 {
		t.Errorf("operators are free: cancels %v", d.Cancel)
	}
	for i := range 2 {
		c.Observe(at(16.2), Operator{ID: fmt.Sprint("op", i), State: Talking})
	}
	if d := c.Decide(at(15.9), view); len(d.Cancel) > 0 {
		t.Errorf("before 15 s of ringing: cancels %v", d.Cancel)
	}
	if d := c.Decide(at(16.2), View{Records: mainRecord, Room: 0, Bound: BoundCPS}); len(d.Cancel) > 0 {
		t.Errorf("where the trunk binds: cancels %v", d.Cancel)
	}
	if d := c.Decide(at(16.2), view); !cmp.Equal(d.Cancel, []string{"c0"}) {
		t.Errorf("cancels %v, want c0", d.Cancel)
	}
	if d := c.Decide(at(16.3), view); len(d.Cancel) > 0 {
		t.Errorf("asked twice: cancels %v", d.Cancel)
	}
	c.Observe(at(16.4), Answered{Call: "c1", Since: at(16.4)})
	if d := c.Decide(at(16.6), view); len(d.Cancel) > 0 {
		t.Errorf("already picked up: cancels %v", d.Cancel)
	}
}

// With one operator free, a late answer is welcome, unless younger calls are about to
// take that operator.
func TestCancelWhileOneIsFree(t *testing.T) {
	for _, c := range []struct {
		name  string
		young int
		want  []string
	}{
		{"nobody else may answer", 0, nil},
		{"many others may", 8, []string{"late"}},
	} {
		ctl := New(Settings{Mode: Predictive, Cancel: true}, monday)
		ctl.Recall(monday, Past{Counts: []Count{{At: monday, Live: 1000}}})
		ready(ctl, monday, 1)
		ctl.Observe(monday, Dialed{Call: "late", Record: mainRecord[0]})
		ctl.Observe(at(2), Ringing{Call: "late", Since: at(1)})
		for i := range c.young {
			ctl.Observe(at(9), Dialed{Call: fmt.Sprint("young", i), Record: mainRecord[0]})
		}
		d := ctl.Decide(at(16.2), View{Room: 0, Bound: BoundLeads, Records: mainRecord})
		if !cmp.Equal(d.Cancel, c.want) {
			t.Errorf("%s: cancels %v, want %v", c.name, d.Cancel, c.want)
		}
	}
}

// A call that the engine lost does not hold its place for ever.
func TestLostCallsAreForgotten(t *testing.T) {
	c := New(Settings{Mode: Progressive}, monday)
	ready(c, monday, 2)
	place(c, monday, "lost")
	c.Observe(at(10), Human{Call: "lost0"})
	if n := place(c, at(60), "again"); n != 0 {
		t.Fatalf("after 1 minute: dialled %d, want 0", n)
	}
	if n := place(c, at(600), "again"); n != 2 {
		t.Errorf("after 10 minutes: dialled %d, want 2", n)
	}
}
