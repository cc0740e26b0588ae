package dialer_test

import (
	"encoding/json"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

func known(*dialer.Caller) {}

// Who was unknown is called only where an operator says so, not because nobody said
// anything.
func TestUnknownCallerIsNotCalledByItself(t *testing.T) {
	for _, says := range []bool{false, true} {
		inBubble(t, func(f *floor) {
			f.callers.add("+12025557001", func(who *dialer.Caller) { who.New = true })
			f.run(open(progressive("spring")))
			f.ready("ann")
			f.callsIn(1, "+12025557001")
			f.wantState("ann", operator.Talking)
			f.hangsUp("caller-1")
			if says {
				f.do(f.engine.Dispose(f.ctx, "ann", said("no_decision")))
			}
			f.wait(time.Minute) // the wrap-up is over
			if got := f.store.said(); len(got) != 1 || got[0] != "no_decision" {
				t.Fatalf("dispositions %q", got)
			}
			f.store.mu.Lock()
			defer f.store.mu.Unlock()
			if d := f.store.disposals[0]; d.Next.Done == says {
				t.Errorf("an operator said it: %v; next %+v", says, d.Next)
			}
		})
	}
}

// Somebody whom we called calls back: announcement, music, an operator who sees why,
// an attempt with a recording, a disposition; the law's figures know nothing of it.
func TestCallback(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.rules.set(func(r *rules) { r.record = campaigns.RecordAlways })
		f.callers.add("+12025557001", func(who *dialer.Caller) {
			who.CalledAt, who.CalledFor = time.Now().Add(-time.Hour), campaigns.NoAnswer
		})
		f.run(open(progressive("spring")))
		leg := f.callsIn(1, "+12025557001")
		f.wait(0)
		if !f.trunks.took(leg) || f.audio.was("play "+string(leg)+" "+media.PromptWait) != 1 {
			t.Fatalf("accepted %v; told %v", f.trunks.took(leg), f.audio.told)
		}
		f.sound(media.Played{Leg: media.LegID(leg), Prompt: media.PromptWait, At: time.Now()})
		if f.audio.was("loop "+string(leg)+" "+media.PromptHoldMusic) != 1 {
			t.Errorf("no music after the announcement: %v", f.audio.told)
		}
		f.wait(30 * time.Second)
		if v := f.spring().Inbound; v.Waiting != 1 || time.Since(v.Since) != 30*time.Second || v.Taken != 1 {
			t.Errorf("live view: %+v", v)
		}
		f.ready("ann")
		f.wantState("ann", operator.Talking)
		if n := f.audio.was("bridge " + string(leg) + " " + string(f.phones.leg("ann"))); n != 1 || f.audio.was("loop "+string(leg)+" ") != 1 {
			t.Errorf("bridged %d times; told %v", n, f.audio.told)
		}
		v := f.view("ann")
		if in := v.CalledIn; in == nil || in.CalledFor != campaigns.NoAnswer || in.CalledAt.IsZero() || in.Waited != 30 || in.Number != ourNumber {
			t.Errorf("on the screen: %+v", in)
		}
		if v.Lead == nil || v.Lead.Name != "Caller" || len(v.Dispositions) == 0 {
			t.Errorf("lead on the screen: %+v", v.Lead)
		}
		f.wait(time.Minute)
		f.hangsUp(leg)
		f.wantState("ann", operator.Wrapping)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerServed: 1})
		if e := f.store.ending(0); e.Count || e.Recording == "" || e.Operator != "ann" || e.BridgedAt.IsZero() {
			t.Errorf("ending: %+v", e)
		}
		if in := f.store.intent(0); !in.Inbound || in.CallerID != ourNumber || in.Claim.Number.E164 != "+12025557001" || len(in.Dialog) == 0 || in.Claim.Node != "n1" {
			t.Errorf("attempt: %+v", in)
		}
		if len(f.store.dialog(campaigns.AttemptID(leg))) == 0 {
			t.Error("the answered dialog was not kept")
		}
		s := f.spring()
		if s.Live != 0 || s.Abandoned != 0 || s.Attempts != 0 || s.Inbound.Served != 1 || s.Inbound.InTime != 0 || s.Outcomes[campaigns.CallerServed] != 1 {
			t.Errorf("counted: %+v", s)
		}
		if got := f.store.said(); len(got) != 1 || got[0] != "sale" {
			t.Errorf("dispositions %q", got)
		}
	})
}

// People who called have the operators first: no call is placed for those.
func TestCallersAreDemand(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		for _, n := range []string{"+12025557001", "+12025557002"} {
			f.callers.add(n, known)
		}
		f.run(open(progressive("spring")))
		first, second := f.callsIn(1, "+12025557001"), f.callsIn(2, "+12025557002")
		f.wait(time.Second)
		f.ready("ann")
		f.wantState("ann", operator.Talking)
		f.ready("bob")
		f.wantState("bob", operator.Talking)
		f.wait(2 * time.Second)
		f.wantCalls(0, "both operators have callers")
		f.ready("cas")
		f.wait(time.Second)
		f.wantCalls(1, "nobody waits any more")
		f.hangsUp(first)
		f.hangsUp(second)
	})
}

// While a caller waits and the one operator rests, pacing places nothing for them.
func TestRestingOperatorIsForTheCaller(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		f.callers.add("+12025557001", known)
		f.callers.add("+12025557002", known)
		spring := open(progressive("spring"))
		spring.Pacing.MinBreath = 60
		f.run(spring)
		f.callsIn(1, "+12025557001")
		f.wait(0)
		f.ready("ann")
		f.hangsUp("caller-1")
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready) // and rests for a minute
		f.callsIn(2, "+12025557002")
		f.wait(dialer.ServedInTime - time.Second)
		f.wantState("ann", operator.Ready)
		f.wantCalls(0, "a caller waits")
		f.wait(2 * time.Second)
		f.wantState("ann", operator.Talking) // who has waited long comes first
		f.hangsUp("caller-2")
	})
}

// The operator who talked to a caller last has them, where that one is ready.
func TestCallerGoesToWhoKnowsThem(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.callers.add("+12025557001", func(who *dialer.Caller) { who.Claim.Operator = "bob" })
		f.run(open(progressive("spring")))
		f.ready("ann")
		f.wait(time.Second)
		f.ready("bob")
		f.callsIn(1, "+12025557001")
		f.wantState("bob", operator.Talking)
		f.wantState("ann", operator.Ready)
		f.hangsUp("caller-1")
	})
}

func TestCallerGivesUp(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.callers.add("+12025557001", known)
		f.run(open(progressive("spring")))
		f.callsIn(1, "+12025557001")
		f.wait(5 * time.Second)
		f.hangsUp("caller-1")
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerGaveUp: 1})
		if e := f.store.ending(0); e.Next.Done || !e.Next.At.Equal(time.Now().Add(15*time.Minute)) || e.Next.Callback != nil {
			t.Errorf("next: %+v", e.Next)
		}
		if v := f.spring().Inbound; v.GaveUp != 1 || v.Waiting != 0 {
			t.Errorf("live view: %+v", v)
		}
		f.ready("ann")
		f.wantState("ann", operator.Ready)
	})
}

// Who waited too long is told so, and called back where that was promised: not who may
// not be called, and not who was unknown.
func TestCallerWaitsTooLong(t *testing.T) {
	for _, row := range []struct {
		name   string
		who    func(*dialer.Caller)
		prompt string
		back   bool
	}{
		{"known", known, media.PromptCallBack, true},
		{"do not call", func(who *dialer.Caller) { who.DoNotCall = true }, media.PromptSorry, false},
		{"unknown before", func(who *dialer.Caller) { who.New = true }, media.PromptSorry, false},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				f.callers.add("+12025557001", row.who)
				spring := open(progressive("spring"))
				spring.Inbound.MaxWait = 30 * time.Second
				f.run(spring)
				leg := f.callsIn(1, "+12025557001")
				f.wait(29 * time.Second)
				if f.audio.was("play "+string(leg)+" "+row.prompt) != 0 {
					t.Error("put off too early")
				}
				f.wait(2 * time.Second)
				if f.audio.was("play "+string(leg)+" "+row.prompt) != 1 {
					t.Errorf("not told %s: %v", row.prompt, f.audio.told)
				}
				f.sound(media.Played{Leg: media.LegID(leg), Prompt: row.prompt, At: time.Now()})
				f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerTurnedAway: 1})
				e := f.store.ending(0)
				if back := e.Next.Callback != nil; back != row.back || e.Next.Done == row.back {
					t.Errorf("next: %+v", e.Next)
				}
				if row.back && e.Next.Number != "+12025557001" {
					t.Errorf("called back at %s", e.Next.Number)
				}
				f.wait(time.Hour)
				f.wantCalls(0, "nothing is dialled for a call that came in")
			})
		})
	}
}

func TestCallersAreRefused(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.callers.add("+12025557001", known)
		f.callers.add("+12025557002", known)
		spring := open(progressive("spring"))
		spring.Inbound.MaxWaiting = 1
		f.run(spring)
		f.wantRefused(f.callsAt(1, "+12025559999", "+12025557001"), 404, "number")
		f.wantRefused(f.callsIn(2, "+12025558888"), 603, "unknown")
		f.wantRefused(f.callsIn(3, ""), 433, "withheld")
		f.callsIn(4, "+12025557001")
		f.wantRefused(f.callsIn(5, "+12025557002"), 486, "full")
		f.hangsUp("caller-4")
		f.callers.fail(errNoStore)
		f.wantRefused(f.callsIn(6, "+12025557001"), 480, "store")
		f.callers.fail(nil)
		paused := spring
		paused.State, paused.Version = campaigns.Paused, 1
		f.do(f.engine.SetCampaign(f.ctx, paused, campaigns.Tally{}))
		f.wantRefused(f.callsIn(7, "+12025557001"), 480, "stopped")
		if v := f.spring().Inbound; v.Refused != 5 || v.Taken != 1 {
			t.Errorf("live view: %+v", v)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerGaveUp: 1})
	})
}

// A caller who is gone before the attempt is durable leaves no open attempt.
func TestCallerGoneAtOnce(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.callers.add("+12025557001", known)
		f.store.set(func(s *store) { s.beginDelay = time.Second })
		f.run(open(progressive("spring")))
		leg := f.callsIn(1, "+12025557001")
		f.fails(leg, sip.ResultNone, 487)
		f.wait(2 * time.Second)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerGaveUp: 1})
		if f.trunks.took(leg) {
			t.Error("answered a caller who was gone")
		}
		if n := len(f.spring().Calls); n != 0 {
			t.Errorf("%d calls live", n)
		}
	})
}

// A store that does not say whether the attempt is durable gets its end.
func TestCallerNotWritten(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.callers.add("+12025557001", known)
		f.store.set(func(s *store) { s.beginErr = errStoreDown })
		f.run(open(progressive("spring")))
		f.wantRefused(f.callsIn(1, "+12025557001"), 480, "store")
		f.wantOutcomes(map[campaigns.Outcome]int{}) // not found: it never began
	})
}

// A caller whose operator's phone breaks gets the next one, and the talk can be held
// and transferred like any other.
func TestCallersTalk(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.callers.add("+12025557001", known)
		f.run(open(progressive("spring")))
		f.ready("ann")
		leg := f.callsIn(1, "+12025557001")
		f.wantState("ann", operator.Talking)
		f.do(f.engine.Hold(f.ctx, "ann"))
		f.do(f.engine.Resume(f.ctx, "ann"))
		f.phoneLost("ann")
		f.ready("bob")
		f.wantState("bob", operator.Talking)
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerServed: 1})
		if e := f.store.ending(0); e.Operator != "bob" {
			t.Errorf("operator %s", e.Operator)
		}
	})
}

// The product stops while callers wait and arrive: each attempt gets its end.
func TestStopWithCallers(t *testing.T) {
	inBubble(t, func(f *floor) {
		for _, n := range []string{"+12025557001", "+12025557002"} {
			f.callers.add(n, known)
		}
		f.run(open(progressive("spring")))
		f.callsIn(1, "+12025557001")
		f.store.set(func(s *store) { s.beginDelay = time.Second })
		f.callsIn(2, "+12025557002")
		f.stop()
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerTurnedAway: 2})
	})
}

// The customer of a broken leg waits for the next operator who is free.
func TestStrandedCustomerIsDemand(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.phoneLost("ann")
		f.wait(130 * time.Millisecond)
		f.ready("bob") // and has the customer, not a call
		f.wantState("bob", operator.Talking)
		f.fails(leg, sip.ResultNone, 0)
		f.stop()
		most := 0
		for _, l := range f.decisions("spring") {
			most = max(most, l.View.Waiting)
		}
		if most != 1 {
			t.Errorf("pacing was told of %d people who wait, want 1", most)
		}
	})
}

// The call of a caller in which a process died is ended at the carrier, and counts as
// no call to them.
func TestSettleCaller(t *testing.T) {
	inBubble(t, func(f *floor) {
		dialog, err := json.Marshal(sip.Dialog{CallID: "left-behind", Up: true})
		if err != nil {
			t.Fatal(err)
		}
		f.store.set(func(s *store) {
			s.left = []campaigns.Attempt{{ID: "a1", Campaign: "spring", Number: "+12025557001", Node: "n1", Dialog: dialog, Inbound: true}}
			s.open["a1"] = campaigns.Intent{Attempt: "a1"}
		})
		_, err = f.engine.Settle(f.ctx, func(campaigns.CampaignID) (campaigns.Campaign, error) { return open(progressive("spring")), nil })
		f.do(err)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Interrupted: 1})
		if e := f.store.ending(0); e.Count || e.BadNumber || e.Suppress {
			t.Errorf("ending %+v", e)
		}
		if len(f.trunks.finished) != 1 || f.trunks.finished[0] != "left-behind" {
			t.Errorf("dialogs ended: %q", f.trunks.finished)
		}
	})
}
