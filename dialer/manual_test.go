package dialer_test

import (
	"context"
	"errors"
	"slices"
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

// byHand is a campaign whose operators may call whom they choose. Its leads are due in an
// hour, so that none is called for any other reason.
func byHand(f *floor) campaigns.Campaign {
	f.store.add("spring", 3)
	f.store.set(func(s *store) {
		for i := range s.leads {
			s.leads[i].DueAt = time.Now().Add(time.Hour)
		}
	})
	c := progressive("spring")
	c.ManualDial, c.Detection = true, "before"
	return c
}

// asks has an operator ask for a call, beside the test; the answer comes on the channel.
func (f *floor) asks(user campaigns.UserID, choice dialer.Choice) <-chan error {
	answer := make(chan error, 1)
	go func() {
		_, err := f.engine.CallLead(f.ctx, user, choice)
		answer <- err
	}()
	f.wait(0)
	return answer
}

// notCalled is why CallLead refused; it fails where it did not.
func notCalled(t *testing.T, err error) dialer.NotCalled {
	t.Helper()
	n, ok := errors.AsType[*dialer.NotCalled](err)
	if !ok {
		t.Fatalf("error = %v, want a NotCalled", err)
	}
	return *n
}

// pacingHeard counts what pacing was told of calls. The engine must have stopped.
func (f *floor) pacingHeard(c campaigns.CampaignID) (n int) {
	for _, l := range f.paced[c] {
		for _, e := range l.Events {
			switch e.Event.(type) {
			case pacing.Dialed, pacing.Ringing, pacing.Answered, pacing.Human, pacing.Connected, pacing.Abandoned:
				n++
			}
		}
	}
	return n
}

// Who is ready hears it ring and has the person with the answer, whatever the detector would
// have said; then comes the wrap-up, as of any talk.
func TestManualCall(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(byHand(f))
		f.ready("ann", "bob")
		if v := f.view("ann"); !v.MayDial {
			t.Error("ann is not told that she may dial")
		}
		id, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 2})
		f.do(err)
		leg := f.call(0)
		v := f.view("ann")
		if campaigns.AttemptID(leg) != id || v.Attempt != id || v.Lead == nil || v.Lead.ID != 2 || v.Own == nil || v.Own.State != call.Dialling {
			t.Errorf("on the screen: %+v (own call %+v), want lead 2 dialled as %s", v, v.Own, id)
		}
		if in := f.store.intent(0); in.Decision.By != "ann" || in.Claim.Lead.ID != 2 {
			t.Errorf("begun: %+v, want lead 2 by ann", in)
		}
		ann := f.phones.leg("ann")
		f.signal(sip.Progress{Leg: leg, Code: 180, At: time.Now()})
		if v := f.view("ann"); v.Own.State != call.Ringing || f.audio.was("loop "+string(ann)+" "+media.PromptRingback) != 1 {
			t.Errorf("own call %+v, told %v; want it ringing, and heard", v.Own, f.audio.told)
		}
		f.wait(3 * time.Second)
		f.trunks.change(func(t *trunks) { t.answered[leg] = true })
		f.signal(sip.Answered{Leg: leg, Body: []byte("sdp"), Dialog: sip.Dialog{CallID: string(leg), Up: true}, At: time.Now()})
		f.wantState("ann", operator.Talking) // no time has passed
		if f.audio.was("bridge "+string(leg)+" "+string(ann)) != 1 || f.audio.was("loop "+string(ann)+" ") != 1 || f.audio.was("detect "+string(leg)+" before") != 0 {
			t.Errorf("told %v; want bridged, not ringing any more, and no detection", f.audio.told)
		}
		if v := f.view("ann"); v.Own != nil || v.BridgedAt != v.VerdictAt {
			t.Errorf("in the talk: own call %+v, bridged %v after the answer", v.Own, v.BridgedAt.Sub(v.VerdictAt))
		}
		f.wantState("bob", operator.Ready)
		f.hangsUp(leg)
		f.wantState("ann", operator.Wrapping)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		if e := f.store.ending(0); e.Operator != "ann" || !e.Count || !slices.Equal(f.store.said(), []string{"sale"}) {
			t.Errorf("ending %+v, said %v", e, f.store.said())
		}
		f.stop()
		var states []pacing.OperatorState
		for _, o := range f.toldOf("ann") {
			states = append(states, o.State)
		}
		want := []pacing.OperatorState{pacing.Off, pacing.Away, pacing.Ready, pacing.Talking, pacing.Wrapping, pacing.Ready}
		if states = slices.Compact(states); len(states) < len(want) || !slices.Equal(states[:len(want)], want) {
			t.Errorf("pacing saw ann %v, want %v", states, want)
		}
		if n := f.pacingHeard("spring"); n != 0 {
			t.Errorf("pacing heard %d events of the call, want none: it has its operator", n)
		}
	})
}

// A pause is kept: no paced call comes between, nor afterwards.
func TestManualCallFromAPause(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(byHand(f))
		f.ready("ann")
		f.do(f.engine.Pause(f.ctx, "ann", "admin"))
		_, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 1})
		f.do(err)
		leg := f.call(0)
		f.wantState("ann", operator.Reserved)
		f.fails(leg, sip.ResultBusy, 486)
		v := f.view("ann")
		if v.State != operator.Paused || v.Reason != "admin" || v.Own == nil || v.Own.Outcome != campaigns.Busy || v.Own.State != "" {
			t.Errorf("afterwards: %s (%s), own call %+v; want the pause, and that it was busy", v.State, v.Reason, v.Own)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Busy: 1})
	})
}

// What the network sends before the answer is heard in place of our ringback, until the call
// is over.
func TestManualCallEarlyMedia(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(byHand(f))
		f.ready("ann")
		_, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 1})
		f.do(err)
		leg, ann := f.call(0), string(f.phones.leg("ann"))
		f.signal(sip.Progress{Leg: leg, Code: 180, At: time.Now()})
		f.signal(sip.Progress{Leg: leg, Code: 183, Body: []byte("sdp"), At: time.Now()})
		if f.audio.was("loop "+ann+" ") != 1 || f.audio.was("bridge "+string(leg)+" "+ann) != 1 {
			t.Errorf("told %v; want early media in place of the ringback", f.audio.told)
		}
		f.wantState("ann", operator.Reserved)
		f.fails(leg, sip.ResultInvalidNumber, 404)
		if f.audio.was("unbridge "+ann) != 1 {
			t.Errorf("told %v; want the bridge ended", f.audio.told)
		}
		f.wantState("ann", operator.Ready)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.InvalidNumber: 1})
	})
}

// A lead in the hopper is this node's: it can be chosen. One that is being called cannot.
func TestManualCallOfALeadAtHand(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		c := progressive("spring")
		c.ManualDial = true
		f.run(c)
		f.do(f.engine.OnDuty(f.ctx, "ann", "")) // and paused
		_, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 3})
		f.do(err)
		leg := f.call(0)
		f.ready("bob") // pacing calls another
		paced := f.store.intent(1).Claim.Lead.ID
		if own := f.store.intent(0); own.Claim.Lead.ID != 3 || paced == 3 || paced == 0 {
			t.Fatalf("called leads %d and %d, want 3 and another", own.Claim.Lead.ID, paced)
		}
		f.do(f.engine.OnDuty(f.ctx, "cid", ""))
		if n := notCalled(t, <-f.asks("cid", dialer.Choice{Lead: paced})); n.Rule != "lead_taken" {
			t.Errorf("a lead that pacing calls: %+v, want lead_taken", n)
		}
		if n := notCalled(t, <-f.asks("cid", dialer.Choice{Lead: 3})); n.Rule != "lead_taken" {
			t.Errorf("a lead that ann calls: %+v, want lead_taken", n)
		}
		f.wantState("cid", operator.Paused)
		f.fails(leg, sip.ResultBusy, 486)
		f.fails(f.call(1), sip.ResultBusy, 486)
	})
}

// Each gate says no in its own name, and the lead keeps its time.
func TestManualCallRefused(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(byHand(f))
		f.do(f.engine.OnDuty(f.ctx, "ann", ""))
		refused := func(choice dialer.Choice, rule string) {
			t.Helper()
			if n := notCalled(t, <-f.asks("ann", choice)); n.Rule != rule || n.Detail == "" {
				t.Errorf("%+v: %+v, want %s, in words", choice, n, rule)
			}
			f.wantState("ann", operator.Paused)
			if v := f.view("ann"); v.Own == nil || v.Own.Rule != rule {
				t.Errorf("on the screen: %+v, want the rule %s", v.Own, rule)
			}
			f.wait(10 * time.Second)
		}
		f.rules.set(func(r *rules) { r.closed = true })
		refused(dialer.Choice{Lead: 1}, "window")
		f.rules.set(func(r *rules) { r.closed = false })
		f.store.set(func(s *store) {
			s.beginErr = &campaigns.Refusal{Reason: campaigns.RefusedDoNotCall, Detail: "asked by phone"}
		})
		refused(dialer.Choice{Lead: 1}, "do_not_call")
		f.store.set(func(s *store) { s.beginErr = errStoreDown })
		refused(dialer.Choice{Lead: 2}, "store")
		f.store.set(func(s *store) { s.beginErr = nil })
		f.wait(2 * time.Second)
		refused(dialer.Choice{Lead: 3, Number: "+12025559999"}, "lead_gone")
		f.trunks.change(func(t *trunks) { t.full = sip.ErrNoRoute })
		refused(dialer.Choice{Lead: 3}, "no_route")
		f.trunks.change(func(t *trunks) { t.full = errors.New("full") })
		if err := <-f.asks("ann", dialer.Choice{Lead: 3}); !errors.Is(err, dialer.ErrNoChannel) {
			t.Errorf("no channel: %v", err)
		}
		f.wantState("ann", operator.Paused)
		f.store.set(func(s *store) {
			i := slices.IndexFunc(s.leads, func(l campaigns.Claim) bool { return l.Lead.ID == 3 })
			s.leads[i].Callback = &campaigns.Callback{At: s.leads[i].DueAt, User: "bob"}
		})
		refused(dialer.Choice{Lead: 3}, "promised")
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d calls placed, want none", n)
		}
		f.store.set(func(s *store) {
			for _, l := range s.leads {
				if l.DueAt.Before(time.Now()) {
					t.Errorf("lead %d is due at %v: it was not before", l.Lead.ID, l.DueAt)
				}
			}
		})
	})
}

// Where it may not be asked for at all.
func TestManualCallNotAllowed(t *testing.T) {
	inBubble(t, func(f *floor) {
		c := byHand(f)
		f.run(c)
		want := func(what string, user campaigns.UserID, choice dialer.Choice, want error) {
			t.Helper()
			if _, err := f.engine.CallLead(f.ctx, user, choice); !errors.Is(err, want) {
				t.Errorf("%s: %v, want %v", what, err, want)
			}
		}
		want("off duty", "ann", dialer.Choice{Lead: 1}, dialer.ErrState)
		f.ready("ann")
		want("of another campaign", "ann", dialer.Choice{Lead: 1, Campaign: "autumn"}, dialer.ErrState)
		_, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 1})
		f.do(err)
		want("while one rings", "ann", dialer.Choice{Lead: 2}, dialer.ErrState)
		f.person(f.call(0))
		want("in a talk", "ann", dialer.Choice{Lead: 2}, dialer.ErrState)
		f.hangsUp(f.call(0))
		want("before the disposition", "ann", dialer.Choice{Lead: 2}, dialer.ErrState)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		c.ManualDial, c.Version = false, c.Version+1
		f.do(f.engine.SetCampaign(f.ctx, c, campaigns.Tally{}))
		want("the campaign does not let them", "ann", dialer.Choice{Lead: 2}, dialer.ErrNoManual)
		c.ManualDial, c.State, c.Version = true, campaigns.Paused, c.Version+1
		f.do(f.engine.SetCampaign(f.ctx, c, campaigns.Tally{}))
		want("the campaign is paused", "ann", dialer.Choice{Lead: 2}, dialer.ErrNotHere)
	})
}

// Ten calls a minute are the most that one operator asks for.
func TestManualCallsAMinute(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(byHand(f))
		f.ready("ann")
		f.rules.set(func(r *rules) { r.closed = true })
		for range 10 {
			notCalled(t, <-f.asks("ann", dialer.Choice{Lead: 1}))
		}
		_, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 1})
		n := notCalled(t, err)
		if n.Rule != "too_often" || n.Next.Sub(time.Now()) > time.Minute {
			t.Errorf("the eleventh: %+v, want too_often for a minute", n)
		}
		f.wait(time.Until(n.Next))
		f.rules.set(func(r *rules) { r.closed = false })
		_, err = f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 1})
		f.do(err)
		f.fails(f.call(0), sip.ResultBusy, 486)
	})
}

// Who hangs up, or whose phone is gone, has the call given up wherever it stands; nobody is
// abandoned, unless a person answered all the same.
func TestManualCallGivenUp(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(byHand(f))
		f.ready("ann")
		f.store.set(func(s *store) { s.claimDelay = time.Second })
		early := f.asks("ann", dialer.Choice{Lead: 1})
		f.do(f.engine.HangUp(f.ctx, "ann")) // while the store is asked
		f.wantState("ann", operator.Ready)
		if n := notCalled(t, <-early); n.Rule != "given_up" {
			t.Errorf("refused: %+v", n)
		}
		f.store.set(func(s *store) { s.claimDelay, s.beginDelay = 0, time.Second })
		early = f.asks("ann", dialer.Choice{Lead: 1})
		f.do(f.engine.HangUp(f.ctx, "ann")) // while the attempt is written
		if n := notCalled(t, <-early); n.Rule != "given_up" {
			t.Errorf("refused: %+v", n)
		}
		f.store.set(func(s *store) { s.beginDelay = 0 })
		_, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 2})
		f.do(err)
		f.signal(sip.Progress{Leg: f.call(0), Code: 180, At: time.Now()})
		f.do(f.engine.HangUp(f.ctx, "ann")) // while it rings
		f.wantState("ann", operator.Ready)
		_, err = f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 3})
		f.do(err)
		f.signal(sip.Progress{Leg: f.call(1), Code: 180, At: time.Now()})
		f.phoneLost("ann")
		f.wait(time.Second)
		if f.trunks.hangups(f.call(1)) != 1 {
			t.Error("it goes on ringing for an operator who is gone")
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.NotPlaced: 1, campaigns.Cancelled: 2})
		for n := range 3 {
			if e := f.store.ending(n); !e.Next.At.After(time.Now().Add(30 * time.Minute)) {
				t.Errorf("%s: next at %v; it was due in an hour", e.Outcome, e.Next.At)
			}
		}
		if s := f.spring(); s.Live != 0 || s.Abandoned != 0 {
			t.Errorf("%d live answers, %d abandoned; want none", s.Live, s.Abandoned)
		}
	})
}

// A person who answers as the call is given up was called, and found nobody: the law
// counts them, and so does pacing.
func TestManualCallAnsweredTooLate(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(byHand(f))
		f.ready("ann")
		_, err := f.engine.CallLead(f.ctx, "ann", dialer.Choice{Lead: 1})
		f.do(err)
		leg := f.call(0)
		f.signal(sip.Progress{Leg: leg, Code: 180, At: time.Now()})
		f.trunks.change(func(t *trunks) { t.hungUp[leg] = 1 }) // the CANCEL crosses the answer
		f.phoneLost("ann")
		f.trunks.end(sip.Ended{Leg: leg, ByUs: true, LateAnswer: true, At: time.Now()})
		f.wait(time.Second)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Abandoned: 1})
		if s := f.spring(); s.Abandoned != 1 {
			t.Errorf("the floor shows %d abandoned, want 1", s.Abandoned)
		}
		f.stop()
		if n := f.pacingHeard("spring"); n != 2 {
			t.Errorf("pacing heard %d events of the call, want that it was dialled and lost", n)
		}
	})
}

// An answer that nobody asked is not waited for by the caller of the engine.
func TestManualCallWithoutPatience(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.run(byHand(f))
		f.ready("ann")
		f.store.set(func(s *store) { s.beginDelay = 3 * time.Second })
		ctx, cancel := context.WithTimeout(f.ctx, time.Second)
		defer cancel()
		if _, err := f.engine.CallLead(ctx, "ann", dialer.Choice{Lead: 1}); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("error = %v", err)
		}
		f.fails(f.call(0), sip.ResultNoAnswer, 480) // it goes on
		f.wantState("ann", operator.Ready)
	})
}
