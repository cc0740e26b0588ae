package dialer_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
)

// toldOf is what pacing was told of an operator, repetitions left out. The
// engine must have stopped.
func (f *floor) toldOf(user string) []pacing.Operator {
	var all []pacing.Operator
	for _, lines := range f.paced {
		for _, l := range lines {
			for _, e := range l.Events {
				if o, ok := e.Event.(pacing.Operator); ok && o.ID == user {
					all = append(all, o)
				}
			}
		}
	}
	return slices.Compact(all)
}

func (f *floor) wantTold(user string, want []pacing.Operator) {
	f.t.Helper()
	f.stop()
	got := f.toldOf(user)
	if len(got) > len(want) { // the end of the process is not what is tested
		got = got[:len(want)]
	}
	if !slices.Equal(got, want) {
		f.t.Errorf("pacing was told\n%+v, want\n%+v", got, want)
	}
}

func TestStagesOfATalk(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.do(f.engine.Stage(f.ctx, "ann", "", "offer"))
		if v := f.view("ann"); v.Stage != "offer" {
			t.Errorf("stage %q, want offer", v.Stage)
		}
		f.hangsUp(leg)
		if v := f.view("ann"); v.Stage != "" {
			t.Errorf("stage %q of a talk that is over", v.Stage)
		}
		if err := f.engine.Stage(f.ctx, "ann", "another", "form"); !errors.Is(err, dialer.ErrNotYours) {
			t.Errorf("stage of another attempt: %v", err)
		}
		f.do(f.engine.Stage(f.ctx, "ann", f.view("ann").Attempt, operator.StageForm))
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		if err := f.engine.Stage(f.ctx, "ann", "", "form"); !errors.Is(err, dialer.ErrNoCall) {
			t.Errorf("stage without a call: %v", err)
		}
		f.wantTold("ann", []pacing.Operator{
			{ID: "ann", State: pacing.Off},
			{ID: "ann", State: pacing.Away},
			{ID: "ann", State: pacing.Ready},
			{ID: "ann", State: pacing.Talking},
			{ID: "ann", State: pacing.Talking, Stage: "offer"},
			{ID: "ann", State: pacing.Wrapping},
			{ID: "ann", State: pacing.Wrapping, Stage: "form"},
			{ID: "ann", State: pacing.Ready},
		})
	})
}

// Who asks to go home in a talk goes after its wrap-up; pacing knows at once,
// whether the wish came by the desktop or by the phone.
func TestSignOutAskedForInATalk(t *testing.T) {
	for name, ask := range map[string]func(f *floor){
		"desktop": func(f *floor) { f.do(f.engine.OffDuty(f.ctx, "ann")) },
		"phone":   func(f *floor) { f.keys("ann", "*0") },
	} {
		inBubble(t, func(f *floor) {
			leg := bridged(f)
			ask(f)
			if v := f.view("ann"); v.State != operator.Talking || !v.Leaves {
				t.Errorf("%s: in the talk %+v, want the wish seen", name, v)
			}
			f.hangsUp(leg)
			f.wantState("ann", operator.Wrapping)
			f.wait(time.Second)
			f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
			f.wantState("ann", operator.Offline)
			f.wantTold("ann", []pacing.Operator{
				{ID: "ann", State: pacing.Off},
				{ID: "ann", State: pacing.Away},
				{ID: "ann", State: pacing.Ready},
				{ID: "ann", State: pacing.Talking},
				{ID: "ann", State: pacing.Talking, PauseRequested: true},
				{ID: "ann", State: pacing.Wrapping, PauseRequested: true},
				{ID: "ann", State: pacing.Off},
			})
		})
	}
}
