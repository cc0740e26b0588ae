package pacing

import (
	"fmt"
	"testing"
	"time"
)

// staged returns a controller that has seen operators open the form five
// seconds before they are done, after wrap-ups of a minute.
func staged() (*controller, time.Time) {
	c := New(Settings{Mode: Predictive}, monday).(*controller)
	now := 0.0
	for range 60 {
		c.Observe(at(now), Operator{ID: "a", State: Talking})
		c.Observe(at(now+60), Operator{ID: "a", State: Wrapping})
		c.Observe(at(now+115), Operator{ID: "a", State: Wrapping, Stage: "form"})
		now += 120
		c.Observe(at(now), Operator{ID: "a", State: Ready})
		c.Decide(at(now), View{Room: 0, Records: mainRecord})
	}
	return c, at(now)
}

func TestAnOpenFormSaysThatTheOperatorComesFree(t *testing.T) {
	c, now := staged()
	free := func(stage string) float64 {
		o := &operator{state: Wrapping, since: now.Add(-20 * time.Second), stage: stage, stageSince: now.Add(-time.Second)}
		return c.model.comesFree(now, o).chances[0]
	}
	without, with, unknown := free(""), free("form"), free("never seen")
	if with < 0.6 || without > 0.3 || unknown != without {
		t.Errorf("comes free in time: with the form open %.2f, without %.2f, in a stage never seen %.2f", with, without, unknown)
	}
}

func TestStagesAreBounded(t *testing.T) {
	c := New(Settings{Mode: Predictive}, monday).(*controller)
	for i := range 1000 {
		c.Observe(monday, Operator{ID: "a", State: Talking, Stage: fmt.Sprint(i)})
		c.Observe(monday, Operator{ID: "a", State: Ready})
	}
	if got := len(c.model.stages.byName); got > maxStages {
		t.Errorf("%d stages are learnt, want at most %d", got, maxStages)
	}
}

// Who rests is not free, and is expected when the rest is over.
func TestRest(t *testing.T) {
	c := New(Settings{Mode: Progressive}, monday)
	for _, id := range []string{"a", "b", "c"} {
		c.Observe(monday, Operator{ID: id, State: Ready, RestUntil: at(60)})
	}
	if d := c.Decide(monday, View{Room: -1, Records: mainRecord}); d.Dial != 0 || d.Bound != BoundFatigue || d.Resting != 3 {
		t.Errorf("while they rest: dial %d (%s), %d rest; want 0 (%s), 3", d.Dial, d.Bound, d.Resting, BoundFatigue)
	}
	if d := c.Decide(at(60), View{Room: -1, Records: mainRecord}); d.Dial != 3 || d.Resting != 0 {
		t.Errorf("rested: dial %d, %d rest; want 3, 0", d.Dial, d.Resting)
	}
	m := New(Settings{Mode: Predictive}, monday).(*controller).model
	soon := m.rested(monday, &operator{state: Ready, restUntil: at(1)})
	late := m.rested(monday, &operator{state: Ready, restUntil: at(3600)})
	if soon[points-1] != 1 || late[points-1] != 0 {
		t.Errorf("expected after a second %v, after an hour %v", soon, late)
	}
}

func TestRestFollowsWork(t *testing.T) {
	var r Rest
	f := Fatigue{MaxOccupancy: 0.8, MinBreath: 5 * time.Second}
	if got := r.Until(monday, f); got != monday.Add(5*time.Second) {
		t.Errorf("fresh: rests until %v, want the breath only", got)
	}
	r.Spent(80*time.Second, true)
	if got := r.Until(monday, f).Sub(monday).Round(time.Second); got != 20*time.Second {
		t.Errorf("after 80 s of work: rests %v, want 20 s", got)
	}
	r.Spent(20*time.Second, false)
	if got := r.Until(monday, f).Sub(monday); got > 6*time.Second {
		t.Errorf("rested: rests %v, want the breath only", got)
	}
	if got := r.Until(monday, Fatigue{}); !got.IsZero() {
		t.Errorf("without bounds: rests until %v", got)
	}
}
