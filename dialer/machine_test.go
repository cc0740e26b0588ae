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

// withMessage is ann's talk in a campaign that leaves messages, or does not.
func withMessage(f *floor, message string) sip.LegID {
	f.t.Helper()
	f.rules.set(func(r *rules) { r.record = campaigns.RecordAlways })
	f.store.add("spring", 2)
	spring := progressive("spring")
	spring.Voicemail = message
	f.run(spring)
	f.ready("ann")
	leg := f.call(0)
	f.person(leg)
	f.wantState("ann", operator.Talking)
	f.wait(20 * time.Second) // the trial is over, and nobody listens any more
	return leg
}

// mistaken are the live answers that pacing was told to take back, and how many of them as
// too late. The engine must have stopped.
func (f *floor) mistaken(c campaigns.CampaignID) (all, late int) {
	for _, l := range f.paced[c] {
		for _, e := range l.Events {
			if m, is := e.Event.(pacing.Machine); is && m.Talked {
				all++
				if m.Late {
					late++
				}
			}
		}
	}
	return all, late
}

// An operator hears a machine's greeting and says so: they are ready at once, hear no more of
// it and have nothing to wrap up; the message is left after its beep; the law and the counts
// see a machine.
func TestOperatorHearsAMachine(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := withMessage(f, "call-back")
		message := "play " + string(leg) + " call-back"
		if !f.view("ann").LeavesMessage {
			t.Error("ann is not told that a message would be left")
		}
		f.do(f.engine.MachineAnswered(f.ctx, "ann", campaigns.AttemptID(leg)))
		f.wantState("ann", operator.Ready)
		f.wantAudio(1, "unbridge "+string(f.phones.leg("ann")))
		f.wantAudio(1, "stop record "+string(leg))
		f.wantAudio(1, "listen for beep "+string(leg))
		if got, want := f.view("ann").TakenBack, "a machine, as you said: the message is being left"; got != want {
			t.Errorf("ann is told %q, want %q", got, want)
		}
		f.heardPerson(leg) // what the detector told before it knew
		f.wait(2 * time.Second)
		f.sound(media.Beep{Leg: media.LegID(leg), At: time.Now()})
		f.wantAudio(0, message)
		f.sound(media.Recording{Leg: media.LegID(leg), At: time.Now()})
		f.wantAudio(1, message)
		f.wait(5 * time.Second)
		f.sound(media.Played{Leg: media.LegID(leg), Prompt: "call-back", At: time.Now()})
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
		if e := f.store.ending(0); e.Operator != "" || !e.BridgedAt.IsZero() || !e.VerdictAt.IsZero() || e.Recording == "" || e.Reason != "a machine, says operator ann" {
			t.Errorf("ending %+v", e)
		}
		if h := told[dialer.CallEnded](f.observer)[0].Heard; !h.Said || h.Kind != media.Person {
			t.Errorf("heard %+v, want the detector's own verdict and the operator's word", h)
		}
		if s := f.spring(); s.Live != 0 || s.Abandoned != 0 || s.Outcomes[campaigns.MachineHeard] != 1 {
			t.Errorf("%d live answers, %d abandoned, outcomes %v", s.Live, s.Abandoned, s.Outcomes)
		}
		if said := f.store.said(); len(said) != 0 {
			t.Errorf("dispositions %q of a call that was none", said)
		}
		next := f.call(1)
		f.person(next)
		f.wantState("ann", operator.Talking)
		if got := f.view("ann").TakenBack; got != "" {
			t.Errorf("ann is told %q in the next talk", got)
		}
		if err := f.engine.MachineAnswered(f.ctx, "ann", campaigns.AttemptID(leg)); !errors.Is(err, dialer.ErrNotYours) {
			t.Errorf("said again, of the call before: %v", err)
		}
		f.wantState("ann", operator.Talking)
		f.hangsUp(next)
		f.stop()
		if all, late := f.mistaken("spring"); all != 1 || late != 0 {
			t.Errorf("pacing took %d live answers back, %d late; want 1, 0", all, late)
		}
	})
}

// heardPerson is the verdict that somebody just stopped speaking.
func (f *floor) heardPerson(leg sip.LegID) {
	f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, GreetingEnd: time.Now(), At: time.Now()})
}

// Without a message the call ends; who asked for a pause has it.
func TestMachineWithoutAMessage(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := withMessage(f, "")
		f.do(f.engine.Pause(f.ctx, "ann", "lunch"))
		f.keys("ann", "*5") // by the phone alone
		f.wantState("ann", operator.Paused)
		f.wantAudio(0, "listen for beep "+string(leg))
		if f.trunks.hangups(leg) != 1 {
			t.Error("not hung up on")
		}
		if got, want := f.view("ann").TakenBack, "a machine, as you said: the call was ended"; got != want {
			t.Errorf("ann is told %q, want %q", got, want)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
	})
}

// However the call goes on after that word, it has one outcome.
func TestSaidMachineEndsOnce(t *testing.T) {
	for name, end := range map[string]func(f *floor, leg sip.LegID){
		"it hangs up":         func(f *floor, leg sip.LegID) { f.hangsUp(leg) },
		"the process stops":   func(f *floor, _ sip.LegID) { f.stop() },
		"a manager hangs up":  func(f *floor, leg sip.LegID) { f.do(f.engine.HangUpCall(f.ctx, campaigns.AttemptID(leg))) },
		"no beep comes":       func(f *floor, _ sip.LegID) { f.wait(61 * time.Second) },
		"its audio breaks":    func(f *floor, leg sip.LegID) { f.sound(media.AudioLost{Leg: media.LegID(leg), For: 15 * time.Second}) },
		"the operator leaves": func(f *floor, leg sip.LegID) { f.do(f.engine.OffDuty(f.ctx, "ann")); f.hangsUp(leg) },
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				leg := withMessage(f, "call-back")
				f.do(f.engine.Pause(f.ctx, "ann", "lunch"))
				f.do(f.engine.MachineAnswered(f.ctx, "ann", ""))
				end(f, leg)
				f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
			})
		})
	}
}

// It can be said of a talk with the one who was called, by whose talk it is.
func TestWhenNoMachineCanBeSaid(t *testing.T) {
	inBubble(t, func(f *floor) {
		if err := f.engine.MachineAnswered(f.ctx, "ann", ""); !errors.Is(err, dialer.ErrNoCall) {
			t.Errorf("without a call: %v", err)
		}
		leg := talking(f)
		for name, tt := range map[string]struct {
			bring func() error
			user  campaigns.UserID
			want  error
		}{
			"on hold":       {func() error { return f.engine.Hold(f.ctx, "ann") }, "ann", dialer.ErrState},
			"asked into it": {func() error { return f.engine.Consult(f.ctx, "ann", toBob()) }, "bob", dialer.ErrNotYours},
			"with bob":      {func() error { return f.engine.Consult(f.ctx, "ann", toBob()) }, "ann", dialer.ErrState},
			"in conference": {func() error {
				return errors.Join(f.engine.Consult(f.ctx, "ann", toBob()), f.engine.Confer(f.ctx, "ann"))
			}, "ann", dialer.ErrState},
			"of another one": {func() error { return nil }, "carl", dialer.ErrNoCall},
		} {
			f.do(tt.bring())
			if err := f.engine.MachineAnswered(f.ctx, tt.user, ""); !errors.Is(err, tt.want) {
				t.Errorf("%s: %v, want %v", name, err, tt.want)
			}
			_ = f.engine.Return(f.ctx, "ann")
			_ = f.engine.Resume(f.ctx, "ann")
			f.wait(time.Millisecond)
			f.wantTalk("ann", call.Bridged)
		}
		f.hangsUp(leg)
	})
	inBubble(t, func(f *floor) { // who calls us is a person
		f.callers.add("+12025557001", known)
		f.run(open(progressive("spring")))
		f.ready("ann")
		leg := f.callsIn(1, "+12025557001")
		f.wantState("ann", operator.Talking)
		if err := f.engine.MachineAnswered(f.ctx, "ann", ""); !errors.Is(err, dialer.ErrState) {
			t.Errorf("of a caller: %v", err)
		}
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerServed: 1})
	})
}

// A machine may answer whom an operator chose to call: from a pause they are paused again.
func TestMachineInAManualCall(t *testing.T) {
	inBubble(t, func(f *floor) {
		c := byHand(f)
		c.Voicemail = "call-back"
		f.run(c)
		f.ready("ann")
		f.do(f.engine.Pause(f.ctx, "ann", "looking up"))
		_, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 2})
		f.do(err)
		leg := f.call(0)
		f.answer(leg)
		f.wantState("ann", operator.Talking)
		f.do(f.engine.MachineAnswered(f.ctx, "ann", ""))
		f.wantState("ann", operator.Paused)
		f.wantAudio(1, "listen for beep "+string(leg))
		f.sound(media.Recording{Leg: media.LegID(leg), At: time.Now()})
		f.wantAudio(1, "play "+string(leg)+" call-back")
		f.sound(media.Played{Leg: media.LegID(leg), Prompt: "call-back", At: time.Now()})
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
		if v := f.view("ann"); v.State != operator.Paused || v.Reason != "looking up" {
			t.Errorf("ann is %s (%s)", v.State, v.Reason)
		}
	})
}

// A checked call is listened to for half a minute; one that waits for a beep for longer.
func TestCheckedCallWaitsForItsBeep(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		spring := progressive("spring")
		spring.DetectionCheck, spring.Voicemail = 1, "call-back"
		f.run(spring)
		f.ready("ann")
		leg := f.call(0)
		f.answer(leg)
		f.wantState("ann", operator.Talking)
		f.wait(5 * time.Second)
		f.do(f.engine.MachineAnswered(f.ctx, "ann", ""))
		f.wait(40 * time.Second)
		f.wantAudio(0, "stop detect "+string(leg))
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
	})
}

// A person who came to an operator too late counts as abandoned, but a machine does not.
func TestLateMachineIsNobodyLost(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		spring := progressive("spring")
		spring.SafeHarbor = ""
		f.run(spring)
		f.ready("ann")
		leg := f.call(0)
		f.answer(leg)
		f.wait(time.Second)
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, GreetingEnd: time.Now().Add(-3 * time.Second), At: time.Now()})
		f.wantState("ann", operator.Talking)
		f.do(f.engine.MachineAnswered(f.ctx, "ann", ""))
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.MachineHeard: 1})
		if s := f.spring(); s.Live != 0 || s.Abandoned != 0 {
			t.Errorf("%d live answers, %d abandoned", s.Live, s.Abandoned)
		}
		f.stop()
		if all, late := f.mistaken("spring"); all != 1 || late != 1 {
			t.Errorf("pacing took %d live answers back, %d late; want 1, 1", all, late)
		}
	})
}
