package dialer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/sip"
)

// wantAudio wants that the audio was told something so many times.
func (f *floor) wantAudio(times int, told string) {
	f.t.Helper()
	if n := f.audio.was(told); n != times {
		f.t.Errorf("%q: %d times, want %d", told, n, times)
	}
}

// held is ann's talk with the customer on hold.
func held(f *floor) sip.LegID {
	f.t.Helper()
	leg := bridged(f)
	f.do(f.engine.Hold(f.ctx, "ann"))
	return leg
}

func TestHoldAndResume(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.rules.set(func(r *rules) { r.record = campaigns.RecordAlways })
		leg := bridged(f)
		began := time.Now()
		f.do(f.engine.Hold(f.ctx, "ann"))
		f.wait(time.Minute)
		f.do(f.engine.Hold(f.ctx, "ann")) // twice is once
		f.wantAudio(1, "unbridge "+string(leg))
		f.wantAudio(1, "loop "+string(leg)+" "+media.PromptHoldMusic)
		f.wantAudio(0, "stop record "+string(leg))
		v := f.view("ann")
		if v.State != operator.Talking || v.Talk != call.Held || !v.HeldSince.Equal(began) {
			t.Errorf("on hold: %s, %s since %v; want talking, held since %v", v.State, v.Talk, v.HeldSince, began)
		}
		s, err := f.engine.Snapshot(f.ctx)
		f.do(err)
		if o := s.Operators[0]; !o.HeldSince.Equal(began) || s.Campaigns[0].Calls[call.Held] != 1 {
			t.Errorf("live: held since %v, calls %v", o.HeldSince, s.Campaigns[0].Calls)
		}
		if err := f.engine.SendDigits(f.ctx, "ann", "1"); !errors.Is(err, dialer.ErrState) {
			t.Errorf("keys for a customer on hold: %v", err)
		}
		f.do(f.engine.Resume(f.ctx, "ann"))
		f.do(f.engine.Resume(f.ctx, "ann"))
		f.wantAudio(1, "loop "+string(leg)+" ")
		f.wantAudio(2, "bridge "+string(leg)+" "+string(f.phones.leg("ann")))
		if v := f.view("ann"); v.Talk != call.Bridged || !v.HeldSince.IsZero() {
			t.Errorf("back from hold: %s, held since %v", v.Talk, v.HeldSince)
		}
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		if v := f.view("ann"); v.Talk != "" {
			t.Errorf("talk %s in the wrap-up", v.Talk)
		}
		f.wantTold("ann", []pacing.Operator{ // to pacing it was one talk
			{ID: "ann", State: pacing.Off}, {ID: "ann", State: pacing.Away}, {ID: "ann", State: pacing.Ready},
			{ID: "ann", State: pacing.Talking}, {ID: "ann", State: pacing.Wrapping},
		})
	})
}

// However somebody leaves while the customer is on hold, it ends well.
func TestLeavingOnHold(t *testing.T) {
	for name, leave := range map[string]func(f *floor, leg sip.LegID){
		"the customer":              func(f *floor, leg sip.LegID) { f.hangsUp(leg) },
		"the operator":              func(f *floor, _ sip.LegID) { f.do(f.engine.HangUp(f.ctx, "ann")) },
		"the operator, by keys":     func(f *floor, _ sip.LegID) { f.keys("ann", "*4") },
		"a manager hangs up":        func(f *floor, leg sip.LegID) { f.do(f.engine.HangUpCall(f.ctx, campaigns.AttemptID(leg))) },
		"the customer's audio ends": func(f *floor, leg sip.LegID) { f.sound(media.AudioLost{Leg: media.LegID(leg), For: 15 * time.Second}) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				leg := held(f)
				f.wait(5 * time.Second)
				leave(f, leg)
				f.wantState("ann", operator.Wrapping)
				f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
				f.wantAudio(1, "close "+string(leg))
			})
		})
	}
}

// The customer of an operator whose leg breaks hears music until another one has
// them.
func TestLegBreaksOnHold(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := held(f)
		f.phoneLost("ann")
		f.wait(5 * time.Second)
		f.wantAudio(0, "loop "+string(leg)+" ")
		f.ready("bob")
		f.wantState("bob", operator.Talking)
		f.wantAudio(1, "loop "+string(leg)+" ")
		if v := f.view("bob"); v.Talk != call.Bridged || !v.HeldSince.IsZero() {
			t.Errorf("bob's talk is %s, held since %v", v.Talk, v.HeldSince)
		}
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
	})
	inBubble(t, func(f *floor) { // nobody has them
		leg := held(f)
		f.phoneLost("ann")
		f.wait(11 * time.Second)
		if f.trunks.hangups(leg) != 1 {
			t.Error("the customer was not hung up on")
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
	})
}

func TestMusicOfOnesOwn(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		c := progressive("spring")
		c.HoldMusic = "our-song"
		f.run(c)
		f.ready("ann")
		leg := f.call(0)
		f.person(leg)
		f.do(f.engine.Hold(f.ctx, "ann"))
		f.wantAudio(1, "loop "+string(leg)+" our-song")
		f.hangsUp(leg)
	})
}

func TestMuteAndKeys(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		phone := string(f.phones.leg("ann"))
		f.do(f.engine.SendDigits(f.ctx, "ann", "12#"))
		f.wantAudio(1, "press "+string(leg)+" 12#")
		f.do(f.engine.Mute(f.ctx, "ann"))
		f.do(f.engine.Mute(f.ctx, "ann"))
		f.wantAudio(1, "mute "+phone+" true")
		if !f.view("ann").Muted {
			t.Error("not seen to be muted")
		}
		f.do(f.engine.Unmute(f.ctx, "ann"))
		f.wantAudio(1, "mute "+phone+" false")
		f.do(f.engine.Mute(f.ctx, "ann"))
		f.hangsUp(leg)
		f.wantAudio(2, "mute "+phone+" false") // the next customer hears them
		if f.view("ann").Muted {
			t.Error("muted in the wrap-up")
		}
	})
}

func TestHoldWithoutATalk(t *testing.T) {
	inBubble(t, func(f *floor) {
		for name, command := range map[string]func() error{
			"hold":   func() error { return f.engine.Hold(f.ctx, "ann") },
			"resume": func() error { return f.engine.Resume(f.ctx, "ann") },
			"mute":   func() error { return f.engine.Mute(f.ctx, "ann") },
			"unmute": func() error { return f.engine.Unmute(f.ctx, "ann") },
			"digits": func() error { return f.engine.SendDigits(f.ctx, "ann", "1") },
		} {
			if err := command(); !errors.Is(err, dialer.ErrNoCall) {
				t.Errorf("%s without a call: %v", name, err)
			}
		}
		f.hangsUp(bridged(f))
		if err := f.engine.Hold(f.ctx, "ann"); !errors.Is(err, dialer.ErrNoCall) {
			t.Errorf("hold in the wrap-up: %v", err)
		}
	})
}
