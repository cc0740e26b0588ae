package pacing

import (
	"fmt"
	"math"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// taught returns a controller that has seen dials of which one in two is
// answered live after ten seconds, and talks of 40 s with a wrap-up of 10 s.
func taught() (*controller, time.Time) {
	c := New(Settings{Mode: Predictive}, monday).(*controller)
	now := 0.0
	for i := range 300 {
		id, operator := fmt.Sprint(i), fmt.Sprint(i%5)
		c.Observe(at(now), Dialed{Call: id, Record: mainRecord[0]})
		if now += 10; i%2 == 0 {
			c.Observe(at(now), Ended{Call: id, Cause: CauseNoAnswer})
			continue
		}
		c.Observe(at(now), Human{Call: id})
		c.Observe(at(now), Operator{ID: operator, State: Talking})
		c.Observe(at(now), Connected{Call: id, Operator: operator})
		c.Observe(at(now+40), Operator{ID: operator, State: Wrapping})
		now += 50
		c.Observe(at(now), Operator{ID: operator, State: Ready})
		c.Decide(at(now), View{Room: 0, Records: mainRecord})
	}
	return c, at(now)
}

func TestWarmStartKnowsWhatWasLearnt(t *testing.T) {
	before, now := taught()
	warm, cold := New(Settings{Mode: Predictive}, now), New(Settings{Mode: Predictive}, now)
	warm.Recall(now, Past{Learnt: before.Learnt(now)})
	chance := func(c Controller) float64 {
		c.Observe(now, Operator{ID: "a", State: Ready})
		return c.Decide(now, View{Room: -1, Records: mainRecord}).AnswerProbability
	}
	if got := chance(warm); math.Abs(got-0.5) > 0.05 {
		t.Errorf("warm: chance of an answer = %.3f, want 0.5", got)
	}
	if got := chance(cold); math.Abs(got-0.3) > 0.05 {
		t.Errorf("cold: chance of an answer = %.3f, want the prior's 0.3", got)
	}
}

func TestRecallIgnoresGarbage(t *testing.T) {
	for _, text := range []string{
		"", "{", "null", `{"version":99}`, `{"version":1}`, `{"version":1,"estimates":{"human":[-1]}}`,
		`{"version":1,"estimates":{"human":[1,2],"other":[],"cancelled":[]},"placed":7}`,
	} {
		c, cold := New(Settings{}, monday), New(Settings{}, monday)
		c.Recall(monday, Past{Learnt: []byte(text)})
		if diff := cmp.Diff(cold.Picture(monday), c.Picture(monday)); diff != "" {
			t.Errorf("%s changed what is believed: %s", text, diff)
		}
	}
}

func TestPictureIsWhatIsThere(t *testing.T) {
	c, now := taught()
	c.Observe(now, Dialed{Call: "x", Record: Record{Segment: "cold"}})
	c.Observe(now, Operator{ID: "0", State: Talking})
	p := c.Picture(now)
	sum := func(x []float64) (s float64) {
		for _, v := range x {
			s += v
		}
		return s
	}
	if got := sum(p.Talk); math.Abs(got-1) > 1e-9 {
		t.Errorf("chances of a talk to end sum to %v, want 1", got)
	}
	if got := sum(p.Answered); math.Abs(got-0.5) > 0.05 {
		t.Errorf("chance of an answer = %v, want 0.5", got)
	}
	if len(p.Operators) != 5 || !slices.Contains(p.Operators, OperatorPicture{"0", Talking, now, 1}) || len(p.Calls) != 1 || p.Segments[p.Calls[0].Segment].Name != "cold" || p.Live != 150 {
		t.Errorf("operators %v, calls %v, segments %v, live %d", p.Operators, p.Calls, p.Segments, p.Live)
	}
	again := c.Picture(now)
	p.Talk[0], p.Operators[0].ID = -1, "spoilt"
	if diff := cmp.Diff(again, c.Picture(now)); diff != "" {
		t.Errorf("a picture shares its slices: %s", diff)
	}
}
