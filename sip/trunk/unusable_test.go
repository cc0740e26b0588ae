package trunk

import (
	"bytes"
	"errors"
	"log/slog"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

const refusedAudio = "no usable audio: sdp: audio may not go to 10.1.2.3:4000 (private)"

// refuses answers a call, and hangs up because we cannot use its audio.
func (f *floor) refuses(leg sip.LegID) {
	answered, why := f.at, sip.Cause{Code: 488, Text: refusedAudio, Result: sip.ResultMediaMismatch}
	f.Handle(sip.Progress{Leg: leg, Code: 180})
	f.Handle(sip.Answered{Leg: leg})
	f.Hangup(leg, why)
	f.at = f.at.Add(time.Second)
	f.Handle(sip.Ended{Leg: leg, Cause: why, ByUs: true, WasUp: true, AnsweredAt: answered, At: f.at})
}

// refused dials calls and refuses their answers.
func (f *floor) refused(t *testing.T, calls ...string) {
	t.Helper()
	for _, call := range calls {
		f.dial(t, call)
		f.refuses(sip.LegID(call))
	}
}

// hears is a call with a talk.
func (f *floor) hears(leg sip.LegID) {
	f.Handle(sip.Answered{Leg: leg})
	f.Confirm(leg)
	f.Handle(sip.Ended{Leg: leg, WasUp: true, AnsweredAt: f.at, At: f.at.Add(time.Minute)})
}

func (f *floor) wantRest(t *testing.T, left time.Duration, words string) {
	t.Helper()
	got := f.Capacity("default", f.at)
	if !got.Up || got.Calls != 0 || got.Channels != 0 || got.Bound != BoundAudio || !strings.Contains(got.Why, words) {
		t.Errorf("capacity = %+v, want a rest with %q", got, words)
	}
	if left > 0 && got.NextToken.Sub(f.at) != left {
		t.Errorf("the next call may leave in %v, want %v", got.NextToken.Sub(f.at), left)
	}
	if s := f.Stats()[0]; !s.Up || s.Paused || !s.Unusable || s.Why != got.Why {
		t.Errorf("stats = %+v, want a trunk that rests", s)
	}
	if _, err := f.Reserve("default", "+48600100200", nil, "x"); !errors.Is(err, ErrNoCapacity) {
		t.Errorf("reserve in a rest: %v, want ErrNoCapacity", err)
	}
}

func (f *floor) wantOpen(t *testing.T) {
	t.Helper()
	f.at = f.at.Add(time.Second) // for the rate
	if got := f.Capacity("default", f.at); got.Bound != "" || got.Why != "" || got.Calls < 2 {
		t.Errorf("capacity = %+v, want an open trunk", got)
	}
	if s := f.Stats()[0]; s.Unusable || s.Why != "" {
		t.Errorf("stats = %+v, want an open trunk", s)
	}
}

// After a few answers in a row whose audio we cannot use a trunk takes no more calls: each
// would cost a person who hears nothing. One call looks after the rest.
func TestUnusableAnswersRestTheTrunk(t *testing.T) {
	f := newFloor(t, good())
	var logged bytes.Buffer
	f.log = slog.New(slog.NewTextHandler(&logged, nil))
	f.refused(t, "a", "b")
	f.wantOpen(t)
	f.dial(t, "c")
	f.dial(t, "late")
	f.refuses("c")
	f.wantRest(t, firstUnusable-time.Second, "3 answers in a row had "+refusedAudio+"; see its media_networks")
	if text := logged.String(); strings.Count(text, "takes no calls") != 1 || !strings.Contains(text, "trunk=alpha") || !strings.Contains(text, "10.1.2.3:4000") {
		t.Errorf("logged %s", text)
	}
	f.refuses("late") // left before: no news
	f.wantRest(t, firstUnusable-2*time.Second, "rests until")
	if s := f.Stats()[0]; s.Refused != 4 || s.Answers != 4 || s.Results[sip.ResultAnswered] != 4 || s.Channels != 0 {
		t.Errorf("stats = %+v, want four answers, all refused", s)
	}

	f.at = f.at.Add(firstUnusable)
	if got := f.Capacity("default", f.at); got.Calls != 1 || got.Bound != "" || !strings.Contains(got.Why, "takes one call to look") {
		t.Errorf("capacity = %+v, want one call and why", got)
	}
	if s := f.Stats()[0]; !s.Unusable || s.Why == "" {
		t.Errorf("stats = %+v, want a trunk in doubt", s)
	}
	f.dial(t, "look")
	f.wantRest(t, 0, "takes one call to look at its answer")
	f.refuses("look")
	f.wantRest(t, 2*firstUnusable-time.Second, "4 answers in a row")

	f.at = f.at.Add(2 * firstUnusable)
	f.dial(t, "busy")
	f.end("busy", sip.Cause{Code: 486}) // says nothing of audio: the next one looks
	f.dial(t, "good")
	f.hears("good")
	f.wantOpen(t)
	if !strings.Contains(logged.String(), "takes calls again") {
		t.Errorf("logged %s", &logged)
	}
	f.refused(t, "d", "e") // counted anew
	f.wantOpen(t)
}

// A trunk that heals is found out within an hour, however long it was wrong.
func TestUnusableTrunkIsLookedAtEachHour(t *testing.T) {
	f := newFloor(t, good())
	f.refused(t, "a", "b", "c")
	for _, call := range []string{"d", "e", "f", "g", "h", "i", "j"} {
		f.at = f.at.Add(longestUnusable)
		f.refused(t, call)
		f.wantRest(t, 0, "")
	}
	f.at = f.at.Add(longestUnusable)
	if got := f.Capacity("default", f.at).Calls; got != 1 {
		t.Errorf("%d calls after an hour, want one", got)
	}
}

// Good answers between the others keep a trunk open: only some of a carrier's servers are
// at an address that is not allowed.
func TestSomeUnusableAnswers(t *testing.T) {
	f := newFloor(t, good())
	for _, call := range []string{"a", "b", "c", "d"} {
		f.refused(t, call+"1", call+"2")
		f.dial(t, call)
		f.hears(sip.LegID(call))
		f.wantOpen(t)
	}
}

// Hang-ups of other kinds, and a call that was never dialled, say nothing.
func TestOtherEndsSayNothingOfAudio(t *testing.T) {
	f := newFloor(t, good())
	f.refused(t, "a", "b", "c")
	f.at = f.at.Add(firstUnusable)
	f.Release(f.reserve(t, "never"))
	f.dial(t, "cancelled")
	f.Hangup("cancelled", sip.Cause{Code: 487})
	f.Handle(sip.Ended{Leg: "cancelled", ByUs: true, Cause: sip.Cause{Code: 487}})
	f.at = f.at.Add(time.Second) // for the rate
	if got := f.Capacity("default", f.at).Calls; got != 1 {
		t.Errorf("%d calls may leave, want one that looks", got)
	}
}

// Calls overflow to a trunk whose answers are good.
func TestUnusableTrunkOverflows(t *testing.T) {
	first, second := good(), good()
	second.Name, second.Targets = "beta", []Target{{Address: "192.0.2.2:5060", Priority: 1}}
	f := newFloor(t, first, second)
	f.refused(t, "a", "b", "c")
	if s := f.Stats(); !s[0].Unusable || s[1].Unusable {
		t.Errorf("stats = %+v, want alpha at rest alone", s)
	}
	if got := f.reserve(t, "d").Trunk; got != "beta" {
		t.Errorf("the call went to %s, want beta", got)
	}
	if got := f.Capacity("default", f.at); got.Bound != "" || got.Why != "" || !got.Up {
		t.Errorf("capacity = %+v, want that of beta", got)
	}
}
