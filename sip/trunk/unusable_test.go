package trunk

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// unusable is a call that is answered and that we hang up on, because we cannot use the
// audio of the answer.
func (f *floor) unusable(t *testing.T, callID string) {
	t.Helper()
	f.dial(t, callID)
	f.answeredUnusable(callID)
}

func (f *floor) answeredUnusable(callID string) {
	leg, answered := sip.LegID(callID), f.at
	why := sip.Cause{Code: 488, Text: "no usable audio"}
	f.Handle(sip.Progress{Leg: leg, Code: 180})
	f.Handle(sip.Answered{Leg: leg})
	f.Hangup(leg, why)
	why.Result = sip.ResultAnswered // as the agent gives it back
	f.at = f.at.Add(time.Second)
	f.Handle(sip.Ended{Leg: leg, Cause: why, ByUs: true, WasUp: true, AnsweredAt: answered, At: f.at})
}

// Of answers that we cannot use a trunk knows nothing: they are answers, and the next
// call goes out.
func TestUnusableAnswersAreAnswers(t *testing.T) {
	f := newFloor(t, good())
	for _, call := range []string{"a", "b", "c", "d", "e"} {
		f.unusable(t, call)
	}
	if got := f.Capacity("default", f.at); !got.Up || got.Bound != "" || got.Why != "" {
		t.Errorf("capacity = %+v, want an open trunk", got)
	}
	if s := f.Stats()[0]; s.Answers != 5 || s.Results[sip.ResultAnswered] != 5 || s.Why != "" {
		t.Errorf("stats = %+v, want five answers", s)
	}
}
