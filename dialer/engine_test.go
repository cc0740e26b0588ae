package dialer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// bridged brings one call of a running campaign to its talk with ann.
func bridged(f *floor) sip.LegID {
	f.t.Helper()
	f.store.add("spring", 5)
	f.run(progressive("spring"))
	f.ready("ann")
	leg := f.call(0)
	f.person(leg)
	f.wantState("ann", operator.Talking)
	return leg
}

func TestFromClaimToDisposition(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.rules.set(func(r *rules) { r.record = campaigns.RecordAnnounce })
		leg := bridged(f)
		if n := f.audio.was("bridge " + string(leg) + " " + string(f.phones.leg("ann"))); n != 1 {
			t.Errorf("bridged %d times", n)
		}
		for _, told := range []string{"play " + string(leg) + " " + media.PromptRecorded, "record " + string(leg)} {
			if f.audio.was(told) != 1 {
				t.Errorf("%s: %d times", told, f.audio.was(told))
			}
		}
		if v := f.view("ann"); v.Lead == nil || v.Number == "" || v.Attempt != campaigns.AttemptID(leg) || len(v.Dispositions) == 0 || v.CalledFor == nil || len(v.Zones) == 0 {
			t.Errorf("on the screen: %+v", v)
		}
		f.wait(time.Minute)
		f.hangsUp(leg)
		f.wantState("ann", operator.Wrapping)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions %q", got)
		}
		f.call(1) // and ann is ready for the next
		f.wantState("ann", operator.Ready)

		e := f.store.ending(0)
		if e.Operator != "ann" || e.Recording == "" || e.AnsweredAt.IsZero() || e.BridgedAt.Before(e.VerdictAt) || !e.Count {
			t.Errorf("ending %+v", e)
		}
		if len(f.store.dialog(e.Attempt)) == 0 {
			t.Error("the answered dialog was not kept")
		}
		if !f.trunks.isConfirmed(sip.LegID(e.Attempt)) {
			t.Error("the answer was not confirmed")
		}
	})
}

func TestOutcomesOfTheNetwork(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		f.run(progressive("spring"))
		f.ready("ann")
		for i, r := range []struct {
			result sip.Result
			code   int
		}{{sip.ResultBusy, 486}, {sip.ResultNoAnswer, 480}, {sip.ResultInvalidNumber, 404}, {sip.ResultCongestion, 503}} {
			f.fails(f.call(i), r.result, r.code)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{
			campaigns.Busy: 1, campaigns.NoAnswer: 1, campaigns.InvalidNumber: 1, campaigns.Congestion: 1,
		})
		if bad := f.store.ending(2).BadNumber; !bad {
			t.Error("an invalid number is not marked")
		}
		f.fails(f.call(4), sip.ResultBusy, 486)
	})
}

func TestMachineIsHungUpOn(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		f.answer(leg)
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, At: time.Now()})
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
		f.wantState("ann", operator.Ready)
	})
}

// A machine that may yet be a person is kept until that is settled.
func TestMachineInDoubt(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann")
		machine := func(leg sip.LegID, provisional bool) {
			f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, Provisional: provisional, At: time.Now()})
		}
		beeps := f.call(0)
		f.answer(beeps)
		machine(beeps, true)
		f.wait(3 * time.Second)
		f.wantOutcomes(map[campaigns.Outcome]int{})
		f.sound(media.Beep{Leg: media.LegID(beeps), At: time.Now()})
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})

		settled := f.call(1)
		f.answer(settled)
		machine(settled, true)
		machine(settled, false)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 2})

		business := f.call(2)
		f.answer(business)
		machine(business, true)
		f.wait(time.Second)
		f.sound(media.Verdict{Leg: media.LegID(business), Kind: media.Person, Revised: true, GreetingEnd: time.Now(), At: time.Now()})
		f.wantState("ann", operator.Talking)
	})
}

// A machine that hangs up in doubt leaves room for the next call.
func TestMachineHangsUp(t *testing.T) {
	for _, message := range []string{"", "call-back"} {
		inBubble(t, func(f *floor) {
			f.store.add("spring", 2)
			spring := progressive("spring")
			spring.Voicemail = message
			f.run(spring)
			f.ready("ann")
			leg := f.call(0)
			f.answer(leg)
			f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, Provisional: true, At: time.Now()})
			f.wait(time.Second)
			f.hangsUp(leg)
			f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
			f.call(1)
		})
	}
}

// A person who was connected at their first speech is on trial: a machine goes, and its
// operator has nothing to write; a person stays, whatever beeps in the talk.
func TestPersonOnTrial(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 2)
		spring := progressive("spring")
		spring.Detection = "with"
		f.run(spring)
		f.ready("ann")
		heard := func(leg sip.LegID, kind media.VerdictKind, provisional bool) {
			f.sound(media.Verdict{Leg: media.LegID(leg), Kind: kind, Provisional: provisional, GreetingEnd: time.Now(), At: time.Now()})
		}
		leg := f.call(0)
		f.answer(leg)
		heard(leg, media.Person, true)
		f.wantState("ann", operator.Talking)
		heard(leg, media.Machine, true)
		f.wantState("ann", operator.Talking)
		if f.audio.was("stop detect "+string(leg)) != 0 {
			t.Error("nobody listens any more while the trial goes on")
		}
		f.sound(media.Beep{Leg: media.LegID(leg), At: time.Now()})
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
		f.wantState("ann", operator.Ready)
		if got, want := f.view("ann").TakenBack, "the last call was taken back: a machine answered"; got != want {
			t.Errorf("ann is told %q, want %q", got, want)
		}
		if r := f.spring(); r.Live != 0 || r.Abandoned != 0 {
			t.Errorf("%d live answers, %d abandoned; a machine is neither", r.Live, r.Abandoned)
		}

		leg = f.call(1)
		f.answer(leg)
		heard(leg, media.Person, true)
		heard(leg, media.Person, false)
		if got := f.view("ann").TakenBack; got != "" {
			t.Errorf("ann is told %q in the next talk", got)
		}
		if f.audio.was("stop detect "+string(leg)) != 1 {
			t.Error("a person is listened to after the trial")
		}
		f.sound(media.Beep{Leg: media.LegID(leg), At: time.Now()})
		f.wantState("ann", operator.Talking)
	})
}

// The campaign's message is left on a machine when its beep is over, again
// from its beginning after one beep more, or where it is quiet without a beep.
func TestMessageOnAMachine(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 2)
		spring := progressive("spring")
		spring.Voicemail = "call-back"
		f.run(spring)
		f.ready("ann")
		leg := f.call(0)
		message := "play " + string(leg) + " call-back"
		machine := media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, Provisional: true, At: time.Now()}
		f.answer(leg)
		f.sound(machine)
		machine.Provisional, machine.GreetingEnd = false, time.Now()
		f.sound(machine)
		f.wait(10 * time.Second)
		f.sound(media.Beep{Leg: media.LegID(leg), At: time.Now()})
		if f.audio.was(message) != 0 {
			t.Error("the message begins before the end of the beep")
		}
		f.sound(media.Recording{Leg: media.LegID(leg), At: time.Now()})
		if f.audio.was(message) != 1 {
			t.Fatal("no message after the beep")
		}
		f.sound(media.Beep{Leg: media.LegID(leg), At: time.Now()})
		if f.audio.was("stop "+string(leg)) != 1 {
			t.Error("the message goes on over the second beep")
		}
		f.sound(media.Played{Leg: media.LegID(leg), Prompt: "call-back", Cut: true, At: time.Now()})
		f.sound(media.Recording{Leg: media.LegID(leg), At: time.Now()})
		if f.audio.was(message) != 2 {
			t.Error("no message after the second beep")
		}
		f.sound(media.Played{Leg: media.LegID(leg), Prompt: "call-back", At: time.Now()})
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})

		leg = f.call(1)
		f.answer(leg)
		f.wait(5 * time.Second)
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, GreetingEnd: time.Now().Add(-4 * time.Second), At: time.Now()})
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, GreetingEnd: time.Now().Add(-4 * time.Second), At: time.Now()})
		if f.audio.was("play "+string(leg)+" call-back") != 1 {
			t.Error("no message where a machine has no beep")
		}
		f.wantState("ann", operator.Ready)
	})
}

// ann is called for, and pauses before the person is heard.
func waiting(f *floor) sip.LegID {
	f.store.add("spring", 1)
	f.run(progressive("spring"))
	f.ready("ann")
	leg := f.call(0)
	f.answer(leg)
	f.do(f.engine.Pause(f.ctx, "ann", "lunch"))
	f.wait(time.Second)
	f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, GreetingEnd: time.Now(), At: time.Now()})
	return leg
}

func TestNobodyReadyAbandons(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := waiting(f)
		message := "play " + string(leg) + " " + media.PromptSafeHarbor
		f.wait(1990 * time.Millisecond)
		if f.audio.was(message) != 0 {
			t.Error("the message plays before the law's time is over")
		}
		f.wait(20 * time.Millisecond)
		if f.audio.was(message) != 1 {
			t.Error("no message at the law's time")
		}
		f.do(f.engine.Ready(f.ctx, "ann")) // too late: the person hears the message
		f.wantState("ann", operator.Ready)
		f.sound(media.Played{Leg: media.LegID(leg), Prompt: media.PromptSafeHarbor, At: time.Now()})
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Abandoned: 1})
		s, err := f.engine.Snapshot(f.ctx)
		f.do(err)
		if c := s.Campaigns[0]; c.Abandoned != 1 || c.Live != 1 {
			t.Errorf("tally: %d of %d abandoned", c.Abandoned, c.Live)
		}
	})
}

func TestOptOutInTheMessage(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := waiting(f)
		f.sound(media.Digit{Leg: media.LegID(leg), Digit: '9', At: time.Now()}) // before the message: no meaning
		f.wait(2100 * time.Millisecond)
		f.sound(media.Digit{Leg: media.LegID(leg), Digit: '5', At: time.Now()})
		f.sound(media.Digit{Leg: media.LegID(leg), Digit: '9', At: time.Now()})
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Abandoned: 1})
		if !f.store.ending(0).Suppress {
			t.Error("the number was not suppressed")
		}
	})
}

func TestOperatorBackInTime(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := waiting(f)
		f.wait(1900 * time.Millisecond)
		f.do(f.engine.Ready(f.ctx, "ann"))
		f.wantState("ann", operator.Talking)
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
	})
}

func TestPauseInATalkHoldsAfterTheWrap(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.do(f.engine.Pause(f.ctx, "ann", "lunch"))
		f.wantState("ann", operator.Talking)
		f.hangsUp(leg)
		f.wantState("ann", operator.Wrapping)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Paused)
		if v := f.view("ann"); v.Reason != "lunch" {
			t.Errorf("reason %q", v.Reason)
		}
		f.wait(10 * time.Second)
		if n := len(f.trunks.legs()); n != 1 {
			t.Errorf("%d calls with nobody ready", n)
		}
	})
}

func TestWrapTimeoutWritesTheDefault(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.hangsUp(bridged(f))
		f.wait(29 * time.Second)
		f.wantState("ann", operator.Wrapping)
		f.wait(2 * time.Second)
		f.wantState("ann", operator.Ready)
		if got := f.store.said(); !slices.Equal(got, []string{"no_decision"}) {
			t.Errorf("dispositions %q", got)
		}
	})
}

func TestDispositionDuringTheTalk(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Talking)
		f.do(f.engine.HangUp(f.ctx, "ann"))
		f.wantState("ann", operator.Ready) // nothing is left to wrap up
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions of %s: %q", leg, got)
		}
	})
}

func TestDispositionBeforeTheEndingIsWritten(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.store.set(func(s *store) { s.endDelay = 500 * time.Millisecond })
		f.hangsUp(leg)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wait(time.Second)
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions %q", got)
		}
	})
}

func TestCampaignPausedAndStartedAgain(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		c := progressive("spring")
		f.run(c)
		c.State = campaigns.Paused
		f.run(c)
		f.ready("ann")
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Fatalf("a paused campaign placed %d calls", n)
		}
		if n := len(f.store.givenBack()); n != 5 {
			t.Errorf("%d of 5 claims went back", n)
		}
		c.State = campaigns.Running
		f.run(c)
		f.call(0)
	})
}

// A network that answers by itself and hangs up at once has no person behind it;
// a person who does so has breathed.
func TestQuickEndWithoutAudioIsAFalseAnswer(t *testing.T) {
	for mute, want := range map[bool]campaigns.Outcome{true: campaigns.FalseAnswer, false: campaigns.HungUpEarly} {
		inBubble(t, func(f *floor) {
			f.audio.mute = mute
			f.store.add("spring", 1)
			f.run(progressive("spring"))
			f.ready("ann")
			leg := f.call(0)
			f.answer(leg)
			f.trunks.end(sip.Ended{Leg: leg, WasUp: true, AnsweredAt: time.Now().Add(-falseAnswerWithin), At: time.Now()})
			f.wait(time.Millisecond)
			f.wantOutcomes(map[campaigns.Outcome]int{want: 1})
		})
	}
}

// falseAnswerWithin is inside the second that the engine allows.
const falseAnswerWithin = 500 * time.Millisecond

// The detector listens as the campaign says; where it says off, nobody listens.
func TestCampaignSaysHowToListen(t *testing.T) {
	for _, mode := range []string{"", "with", "off"} {
		inBubble(t, func(f *floor) {
			f.store.add("spring", 1)
			spring := progressive("spring")
			spring.Detection = mode
			f.run(spring)
			f.ready("ann")
			asked := f.audio.was("detect " + string(f.call(0)) + " " + mode)
			if (asked == 1) != (mode != "off") {
				t.Errorf("mode %q: the detector was asked %d times", mode, asked)
			}
		})
	}
}
