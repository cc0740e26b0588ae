package carrier

import (
	"math"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// answers is a dialer that takes every call and speaks in a tone, 0 for silence, after a
// moment of another voice.
func answers(hz float64, taken chan<- *phone.Call) phone.Config {
	return phone.Config{User: "dialer", T1: 100 * time.Millisecond, OnCall: func(c *phone.Call) {
		if c.Answer() != nil {
			return
		}
		taken <- c
		c.Audio.Play(&phone.Tone{Hz: 440, Peak: 8000})
		select {
		case <-time.After(time.Second):
		case <-c.Done():
			return
		}
		if hz > 0 {
			c.Audio.Play(&phone.Tone{Hz: hz, Peak: 8000})
		} else {
			c.Audio.Play(nil)
		}
		<-c.Done()
	}}
}

// Who missed a call, found us busy or got nobody calls the number back that called, is
// heard to be there, and talks to an operator; where no person is, nobody does.
func TestCallsBack(t *testing.T) {
	t.Parallel()
	rows := map[string]struct {
		kind Kind
		up   bool
		why  string
	}{
		"+9991000001": {Busy, false, Missed}, "+9991000002": {NoAnswer, false, Missed}, "+9991000003": {Person, false, Missed},
		"+9991000004": {Person, true, Abandoned}, "+9991000005": {Invalid, false, ""}, "+9991000006": {Declined, false, ""},
	}
	taken := make(chan *phone.Call, len(rows))
	f := start(t, Config{
		TalkMean: 300 * time.Millisecond, CallsBack: CallsBack{Share: 1, After: time.Millisecond},
		Behave: func(number string, _ int) (Behaviour, bool) {
			b := Behaviour{Kind: rows[number].kind, Ring: time.Minute}
			if rows[number].up || b.Kind == Declined {
				b.Ring = 100 * time.Millisecond
			}
			return b, true
		},
	}, answers(1100, taken))
	for number, row := range rows {
		out := f.call(t, number)
		switch {
		case row.up:
			wait(t, out.Answered(), "answer")
			out.Hangup()
		case row.kind == NoAnswer || row.kind == Person:
			time.AfterFunc(300*time.Millisecond, out.Hangup)
		}
		wait(t, out.Done(), "end of the call to "+number)
	}
	calls := map[string]*phone.Call{}
	for range 4 {
		in := wait(t, taken, "callback")
		calls[in.Caller] = in
		if in.Number != "+15559990000" || rows[in.Caller].why == "" {
			t.Errorf("%s calls %s", in.Caller, in.Number)
		}
	}
	for _, in := range calls {
		wait(t, in.Done(), "end of the talk with "+in.Caller)
	}
	events := f.stop()
	for number, in := range calls {
		back := of(events, in.ID, "callback")
		if len(back) != 1 || back[0].Detail != rows[number].why || back[0].Number != in.Number || back[0].Caller != number {
			t.Errorf("%s: %+v", number, back)
		}
		for _, name := range []string{"callback_up", "voice_heard", "first_tone", "marks", "bye"} {
			if n := len(of(events, in.ID, name)); n != 1 {
				t.Errorf("%s: %s %d times", number, name, n)
			}
		}
	}
	if s := f.Stats(); s.Callbacks != 4 || s.Served != 4 || s.Faults != 0 {
		t.Errorf("%+v", s)
	}
}

// Who is not served leaves when their patience is over; who is on the line is busy, and a
// dialer that calls them all the same breaks its promise.
func TestCallerOnTheLine(t *testing.T) {
	t.Parallel()
	taken := make(chan *phone.Call, 1)
	f := start(t, Config{}, answers(0, taken))
	id, err := f.CallIn(Caller{Number: "+9991000001", Called: "+15559990000", To: f.dialer.Addr(), Patience: 6 * time.Second})
	if err != nil {
		t.Fatal(err)
	}
	in := wait(t, taken, "call")
	select {
	case <-in.Done():
		t.Fatal("the caller left at once")
	case <-time.After(onLineFor + 500*time.Millisecond):
	}
	out := f.call(t, "+9991000001")
	wait(t, out.Done(), "end of a call to them")
	if end := out.End(); end.Code != 486 {
		t.Errorf("a call to them: %+v", end)
	}
	wait(t, in.Done(), "end")
	events := f.stop()
	if bye := of(events, id, "bye"); len(bye) != 1 || bye[0].By != "carrier" {
		t.Errorf("bye: %+v", bye)
	}
	if n := len(of(events, id, "first_tone")); n != 0 {
		t.Errorf("an operator was heard %d times", n)
	}
	if faults := of(events, out.ID, "fault"); len(faults) != 1 || faults[0].What != "called_caller" {
		t.Errorf("faults: %+v", faults)
	}
}

// As many call back as the share says, after the mean time over the speed, whoever was
// called before.
func TestCallsBackShare(t *testing.T) {
	t.Parallel()
	cfg := Config{Seed: 3, Speed: 10, CallsBack: CallsBack{Share: 0.3, After: 100 * time.Second}}
	const people = 4000
	does, after := 0, time.Duration(0)
	for i := range people {
		who, in, yes := cfg.callsBack(string(rune('a'+i%26))+time.Duration(i).String(), 1)
		again, same, _ := cfg.callsBack(who.Number, 1)
		if again != who || same != in {
			t.Fatalf("%s draws otherwise the second time", who.Number)
		}
		if yes {
			does++
		}
		after += in
	}
	if share := float64(does) / people; math.Abs(share-0.3) > 0.03 {
		t.Errorf("%v call back, want 0.3", share)
	}
	if mean := after / people; mean < 9*time.Second || mean > 11*time.Second {
		t.Errorf("after %v, want 10 s", mean)
	}
	if none := (Config{Seed: 3}); func() bool { _, _, yes := none.callsBack("+1", 1); return yes }() {
		t.Error("nobody is to call back by default")
	}
}
