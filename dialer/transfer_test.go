package dialer_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

const (
	lawyer    = "+12025559000"
	forbidden = "+12025559999" // on do-not-call
)

// transferable is the store's word on numbers.
func transferable(_ context.Context, e164 string) error {
	if e164 == forbidden {
		return dialer.ErrForbidden
	}
	return nil
}

// talking is ann's talk in a campaign that allows numbers outside; bob is ready, and
// carl for the campaign autumn.
func talking(f *floor) sip.LegID {
	f.t.Helper()
	f.store.add("spring", 1)
	c := progressive("spring")
	c.TransferNumbers = []string{lawyer, "+120255599*"}
	c.Operators = []campaigns.UserID{"ann", "bob"}
	f.run(c)
	autumn := progressive("autumn")
	autumn.Operators = []campaigns.UserID{"carl"}
	f.run(autumn)
	f.ready("ann")
	leg := f.call(0)
	f.person(leg)
	f.wantState("ann", operator.Talking)
	f.ready("bob", "carl")
	return leg
}

func (f *floor) wantTalk(user campaigns.UserID, want call.State) {
	f.t.Helper()
	if got := f.view(user).Talk; got != want {
		f.t.Errorf("%s's talk is %q, want %q", user, got, want)
	}
}

// thirdLeg waits for the INVITE to a number and gives its leg.
func (f *floor) thirdLeg() sip.LegID {
	f.t.Helper()
	f.wait(10 * time.Millisecond)
	for _, leg := range f.trunks.legs() {
		if strings.HasPrefix(string(leg), "third:") && f.trunks.hangups(leg) == 0 {
			return leg
		}
	}
	f.t.Fatal("no INVITE to a third party")
	return ""
}

// picksUp answers a third party's leg.
func (f *floor) picksUp(leg sip.LegID) {
	f.trunks.mu.Lock()
	f.trunks.answered[leg] = true
	f.trunks.mu.Unlock()
	f.signal(sip.Answered{Leg: leg, Body: []byte("sdp"), Dialog: sip.Dialog{CallID: string(leg), Up: true}, At: time.Now()})
}

func toBob() dialer.Target    { return dialer.Target{Operator: "bob"} }
func toLawyer() dialer.Target { return dialer.Target{Number: lawyer} }
func toAutumn() dialer.Target { return dialer.Target{Campaign: "autumn"} }

func TestConsultAColleague(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := talking(f)
		ann, bob := string(f.phones.leg("ann")), string(f.phones.leg("bob"))
		f.do(f.engine.Consult(f.ctx, "ann", toBob()))
		f.wantTalk("ann", call.Consulting)
		f.wantTalk("bob", call.Consulting)
		f.wantAudio(1, "loop "+string(leg)+" "+media.PromptHoldMusic)
		f.wantAudio(1, "bridge "+bob+" "+ann)
		if v := f.view("bob"); v.Lead == nil || v.AskedBy != "ann" || v.State != operator.Talking {
			t.Errorf("on bob's screen: %+v", v)
		}
		if v := f.view("ann"); v.Third == nil || v.Third.Operator != "bob" || !v.Third.Up || v.HeldSince.IsZero() {
			t.Errorf("on ann's screen: %+v", v)
		}
		if err := f.engine.Dispose(f.ctx, "bob", said("sale")); !errors.Is(err, dialer.ErrNotYours) {
			t.Errorf("a disposition of who was only asked: %v", err)
		}
		if err := f.engine.Return(f.ctx, "bob"); !errors.Is(err, dialer.ErrNotYours) {
			t.Errorf("bob sends himself away: %v", err)
		}
		f.do(f.engine.Confer(f.ctx, "ann"))
		f.wantAudio(1, "confer ["+string(leg)+" "+ann+" "+bob+"]")
		f.wantAudio(1, "loop "+string(leg)+" ")
		f.do(f.engine.Transfer(f.ctx, "ann", nil))
		f.wantState("ann", operator.Wrapping)
		f.wantTalk("bob", call.Bridged)
		f.wantAudio(1, "bridge "+string(leg)+" "+bob)
		f.do(f.engine.Dispose(f.ctx, "ann", said("not_interested")))
		f.wantState("ann", operator.Ready)
		f.hangsUp(leg)
		f.wantState("bob", operator.Wrapping)
		f.do(f.engine.Dispose(f.ctx, "bob", said("sale")))
		f.wantState("bob", operator.Ready)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions %q: who had the customer last says what came of it", got)
		}
		if e := f.store.ending(0); e.Operator != "bob" || e.Reason != "transferred to operator bob" {
			t.Errorf("ending by %s: %q", e.Operator, e.Reason)
		}
	})
}

// What the first operator says holds where the second says nothing, and that the
// person must not be called holds in any case.
func TestDispositionsOfATransfer(t *testing.T) {
	for _, tt := range []struct {
		name       string
		ann, bob   string
		annFirst   bool
		want       []string
		suppresses bool
	}{
		{name: "only ann", ann: "sale", annFirst: true, want: []string{"sale"}},
		{name: "nobody", want: []string{"no_decision"}},
		{name: "bob first", ann: "sale", bob: "not_interested", want: []string{"not_interested", "not_interested"}},
		{name: "do not call", ann: "do_not_call", annFirst: true, bob: "sale", want: []string{"sale"}, suppresses: true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				leg := talking(f)
				c := f.view("ann").Attempt
				to := toBob()
				f.do(f.engine.Transfer(f.ctx, "ann", &to))
				f.wantState("ann", operator.Wrapping)
				ann := func() {
					if tt.ann != "" {
						f.do(f.engine.Dispose(f.ctx, "ann", dialer.Said{Attempt: c, Disposition: tt.ann}))
					}
				}
				if tt.annFirst {
					ann()
				}
				f.hangsUp(leg)
				if tt.bob != "" {
					f.do(f.engine.Dispose(f.ctx, "bob", said(tt.bob)))
				}
				if !tt.annFirst {
					ann()
				}
				f.wait(time.Minute)
				if got := f.store.said(); !slices.Equal(got, tt.want) {
					t.Errorf("dispositions %q, want %q", got, tt.want)
				}
				f.store.mu.Lock()
				defer f.store.mu.Unlock()
				if d := f.store.disposals[len(f.store.disposals)-1]; d.Suppress != tt.suppresses {
					t.Errorf("suppress %v, want %v", d.Suppress, tt.suppresses)
				}
			})
		})
	}
}

func TestConsultANumber(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.rules.set(func(r *rules) { r.record = campaigns.RecordAlways })
		leg := talking(f)
		ann := string(f.phones.leg("ann"))
		f.do(f.engine.Consult(f.ctx, "ann", toLawyer()))
		f.wantTalk("ann", call.Asking)
		f.wantAudio(1, "loop "+ann+" "+media.PromptRingback)
		third := f.thirdLeg()
		if kept := string(f.store.dialog(campaigns.AttemptID(leg))); !strings.Contains(kept, `"outside":[`) {
			t.Errorf("kept before the INVITE: %s", kept)
		}
		if n := f.trunks.inUse(); n != 2 {
			t.Errorf("%d channels taken, want 2", n)
		}
		f.picksUp(third)
		f.wantTalk("ann", call.Consulting)
		f.wantAudio(1, "loop "+ann+" ")
		f.wantAudio(1, "bridge "+string(third)+" "+ann)
		if kept := string(f.store.dialog(campaigns.AttemptID(leg))); !strings.Contains(kept, string(third)) || !f.trunks.isConfirmed(third) {
			t.Errorf("kept at the answer: %s; confirmed %v", kept, f.trunks.isConfirmed(third))
		}
		f.do(f.engine.SendDigits(f.ctx, "ann", "1"))
		f.wantAudio(1, "press "+string(third)+" 1")
		f.do(f.engine.Confer(f.ctx, "ann"))
		f.wantAudio(1, "play "+string(third)+" "+media.PromptRecorded)
		f.do(f.engine.Transfer(f.ctx, "ann", nil))
		f.wantState("ann", operator.Wrapping)
		f.wantAudio(1, "bridge "+string(leg)+" "+string(third))
		f.wantAudio(1, "stop record "+string(leg))
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready)
		f.wait(time.Minute)
		f.hangsUp(third)
		if f.trunks.hangups(leg) != 1 {
			t.Error("the customer is left alone on the line")
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions %q", got)
		}
		s, err := f.engine.Snapshot(f.ctx)
		f.do(err)
		if s := s.Campaigns[1]; s.ID != "spring" || s.Attempts != 1 || s.Live != 1 {
			t.Errorf("%s: %d attempts, %d live: the third party counts", s.ID, s.Attempts, s.Live)
		}
	})
}

func TestNumbersThatMayNotBeCalled(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := talking(f)
		for number, want := range map[string]error{
			"+12025550001": dialer.ErrForbidden, forbidden: dialer.ErrForbidden, "911": dialer.ErrForbidden, "": dialer.ErrForbidden,
			f.view("ann").Number: dialer.ErrForbidden,
		} {
			if err := f.engine.Consult(f.ctx, "ann", dialer.Target{Number: number}); !errors.Is(err, want) {
				t.Errorf("%q: %v", number, err)
			}
		}
		if err := f.engine.Consult(f.ctx, "ann", dialer.Target{Operator: "dora"}); !errors.Is(err, dialer.ErrNotReady) {
			t.Errorf("an operator who is not there: %v", err)
		}
		if err := f.engine.Consult(f.ctx, "ann", dialer.Target{Campaign: "winter"}); !errors.Is(err, dialer.ErrNotHere) {
			t.Errorf("a campaign that is not there: %v", err)
		}
		f.trunks.set(1)
		f.trunks.full = errors.New("full")
		if err := f.engine.Consult(f.ctx, "ann", toLawyer()); !errors.Is(err, dialer.ErrNoChannel) {
			t.Errorf("without a channel: %v", err)
		}
		f.wantTalk("ann", call.Bridged)
		if n := len(f.trunks.legs()); n != 1 {
			t.Errorf("%d calls", n)
		}
		f.hangsUp(leg)
	})
}

// Who waits for an operator of a queue has the first who is ready, though pacing
// would dial for them.
func TestConsultAQueue(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := talking(f)
		f.do(f.engine.Pause(f.ctx, "carl", "lunch"))
		f.do(f.engine.Consult(f.ctx, "ann", toAutumn()))
		f.wantTalk("ann", call.Asking)
		f.wait(10 * time.Second)
		f.do(f.engine.Ready(f.ctx, "carl"))
		f.wantTalk("ann", call.Consulting)
		if v := f.view("carl"); v.Lead == nil || v.AskedBy != "ann" {
			t.Errorf("on carl's screen: %+v", v)
		}
		f.do(f.engine.HangUp(f.ctx, "carl")) // leaves the two alone
		f.wantState("carl", operator.Ready)
		f.wantTalk("ann", call.Held)
		f.do(f.engine.Resume(f.ctx, "ann"))
		to := toAutumn()
		f.do(f.engine.Transfer(f.ctx, "ann", &to))
		f.wantState("ann", operator.Wrapping)
		f.wantTalk("carl", call.Bridged)
		f.hangsUp(leg)
		f.wantState("carl", operator.Wrapping)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
	})
}

// A customer who was given away to nobody has an operator of the campaign again.
func TestBlindTransferThatFails(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := talking(f)
		to := toLawyer()
		f.do(f.engine.Transfer(f.ctx, "ann", &to))
		f.wantState("ann", operator.Wrapping)
		f.fails(f.thirdLeg(), sip.ResultBusy, 486)
		f.wantTalk("bob", call.Bridged)
		f.wantAudio(1, "loop "+string(leg)+" ")
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
	})
	inBubble(t, func(f *floor) { // nor anybody else
		leg := talking(f)
		f.do(f.engine.Pause(f.ctx, "bob", "x"))
		f.do(f.engine.Pause(f.ctx, "ann", "x"))
		to := toLawyer()
		f.do(f.engine.Transfer(f.ctx, "ann", &to))
		third := f.thirdLeg()
		f.wait(call.ThirdAtMost + call.StrandedAtMost + time.Second)
		if f.trunks.hangups(third) != 1 || f.trunks.hangups(leg) != 1 {
			t.Errorf("hung up %d and %d times", f.trunks.hangups(third), f.trunks.hangups(leg))
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
	})
}

// A restart ends the leg to a number with the customer's; its ending is not written
// before that leg is gone.
func TestThirdPartyAcrossACrash(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := talking(f)
		f.do(f.engine.Consult(f.ctx, "ann", toLawyer()))
		third := f.thirdLeg()
		f.picksUp(third)
		kept := f.store.dialog(campaigns.AttemptID(leg))
		f.do(f.engine.Return(f.ctx, "ann"))
		if again := string(f.store.dialog(campaigns.AttemptID(leg))); strings.Contains(again, string(third)) {
			t.Errorf("still kept when it is gone: %s", again)
		}
		f.hangsUp(leg)
		f.stop()
		f.store.set(func(s *store) { s.left = []campaigns.Attempt{{ID: "a1", Campaign: "spring", Dialog: kept}} })
		f.start()
		_, err := f.engine.Settle(f.ctx, func(campaigns.CampaignID) (campaigns.Campaign, error) { return progressive("spring"), nil })
		if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
			t.Fatal(err)
		}
		f.trunks.mu.Lock()
		defer f.trunks.mu.Unlock()
		slices.Sort(f.trunks.finished)
		if want := []string{string(leg), string(third)}; !slices.Equal(f.trunks.finished, want) {
			t.Errorf("finished %q, want %q", f.trunks.finished, want)
		}
	})
}

func TestTheEndingWaitsForTheLegOutside(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := talking(f)
		f.do(f.engine.Consult(f.ctx, "ann", toLawyer()))
		third := f.thirdLeg()
		f.picksUp(third)
		f.trunks.mu.Lock()
		f.trunks.hungUp[third] = 1 // the carrier takes its time
		f.trunks.mu.Unlock()
		f.hangsUp(leg)
		f.wantState("ann", operator.Wrapping)
		f.wait(5 * time.Second)
		f.wantOutcomes(map[campaigns.Outcome]int{})
		f.hangsUp(third)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
	})
}
