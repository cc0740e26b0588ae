package dialer_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

func TestAnotherOperatorTakesOver(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.ready("bob")
		f.phoneLost("ann")
		f.wantState("ann", operator.Lost)
		f.wantState("bob", operator.Talking)
		if f.audio.was("bridge "+string(leg)+" "+string(f.phones.leg("bob"))) != 1 {
			t.Error("the customer is not on bob's leg")
		}
		f.hangsUp(leg)
		f.do(f.engine.Dispose(f.ctx, "bob", said("sale")))
		f.wait(5 * time.Minute) // ann's timers must not say something else
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions %q", got)
		}
		if e := f.store.ending(0); e.Operator != "bob" {
			t.Errorf("taken by %q", e.Operator)
		}
	})
}

func TestTheLostOperatorComesBack(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.phoneLost("ann")
		f.do(f.engine.OnDuty(f.ctx, "ann", "")) // the phone is called again
		f.wantState("ann", operator.Talking)    // within the customer's patience: she has them again
		if f.audio.was("bridge "+string(leg)+" "+string(f.phones.leg("ann"))) != 1 {
			t.Error("the customer is not on her new leg")
		}
		f.hangsUp(leg)
		f.wantState("ann", operator.Wrapping)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions %q", got)
		}
	})
}

// The customer did not wait: the talk is to be wrapped up.
func TestTheLostOperatorComesBackLate(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.phoneLost("ann")
		f.hangsUp(leg)
		f.do(f.engine.OnDuty(f.ctx, "ann", ""))
		f.wantState("ann", operator.Wrapping)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready)
	})
}

// A phone that is there again is called again, where its operator is on duty.
func TestALostPhoneIsCalledWhenItIsBack(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.signal(sip.PhoneOnline{User: "bob", At: time.Now()})
		if f.phones.leg("bob") != "" {
			t.Error("the phone of somebody off duty was called")
		}
		leg := bridged(f)
		before := f.phones.leg("ann")
		f.signal(sip.PhoneOnline{User: "ann", At: time.Now()})
		if f.phones.leg("ann") != before {
			t.Error("a phone that has its leg was called")
		}
		f.phoneLost("ann")
		f.signal(sip.PhoneOnline{User: "ann", At: time.Now()})
		f.wantState("ann", operator.Talking)
		f.hangsUp(leg)
	})
}

// A browser that is away keeps its call; while ready it gets none.
func TestABrowserIsAway(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		phone := media.LegID(f.phones.leg("ann"))
		f.sound(media.AudioAway{Leg: phone, At: time.Now()})
		f.wantState("ann", operator.Talking)
		if !f.view("ann").Away {
			t.Error("nobody sees that she is away")
		}
		f.sound(media.AudioBack{Leg: phone, At: time.Now()})
		if f.wantState("ann", operator.Talking); f.view("ann").Away {
			t.Error("away for ever")
		}
		f.hangsUp(leg)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready)
		f.sound(media.AudioAway{Leg: phone, At: time.Now()})
		f.wantState("ann", operator.Lost)
		f.sound(media.AudioBack{Leg: phone, At: time.Now()})
		f.wantState("ann", operator.Ready)
		if len(f.phones.ended()) != 0 {
			t.Errorf("ended %q", f.phones.ended())
		}
	})
}

func TestNobodyTakesOver(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.phoneLost("ann")
		f.wait(9 * time.Second)
		if f.trunks.hangups(leg) != 0 {
			t.Error("hung up before the customer's patience ended")
		}
		f.wait(2 * time.Second)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
		f.wait(3 * time.Minute)
		f.wantState("ann", operator.Offline)
		if got := f.store.said(); !slices.Equal(got, []string{"no_decision"}) {
			t.Errorf("dispositions %q", got)
		}
	})
}

func TestNoAudioFromAnOperatorIsALostPhone(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		phone := f.phones.leg("ann")
		f.sound(media.AudioLost{Leg: media.LegID(phone), For: 10 * time.Second, At: time.Now()})
		f.wantState("ann", operator.Lost)
		if !slices.Contains(f.phones.ended(), string(phone)) {
			t.Error("the dead leg was not ended")
		}
		f.hangsUp(leg)
	})
}

func TestTheLongestReadyIsFirst(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(time.Second)
		f.ready("bob")
		first, second := f.call(0), f.call(1)
		f.person(second)
		f.wantState("ann", operator.Talking)
		f.wantState("bob", operator.Ready)
		f.person(first)
		f.wantState("bob", operator.Talking)
	})
}

func TestTwoCampaigns(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("autumn", 3)
		f.store.add("spring", 3)
		autumn, spring := progressive("autumn"), progressive("spring")
		autumn.Operators, spring.Operators = []campaigns.UserID{"ann"}, []campaigns.UserID{"bob"}
		f.run(autumn)
		f.run(spring)
		f.ready("ann")
		a := f.call(0)
		f.ready("bob")
		s := f.call(1)
		if got := f.store.intent(1).Claim.Queue.Campaign; got != "spring" {
			t.Fatalf("bob's call is of %s", got)
		}
		f.do(f.engine.Pause(f.ctx, "bob", "lunch"))
		f.person(s)
		f.wantState("ann", operator.Ready) // not hers
		f.person(a)
		f.wantState("ann", operator.Talking)
		f.wait(2 * time.Second)
		f.sound(media.Played{Leg: media.LegID(s), Prompt: media.PromptSafeHarbor, At: time.Now()})
		f.hangsUp(a)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1, campaigns.Abandoned: 1})
	})
}

// A campaign that is changed so that it does not take an operator any more gives them
// nothing: from now on, or after the present call.
func TestCampaignLetsAnOperatorGo(t *testing.T) {
	inBubble(t, func(f *floor) {
		wantCampaign := func(when string, want campaigns.CampaignID) {
			t.Helper()
			if got := f.view("ann").Campaign; got != want {
				t.Errorf("%s ann is on campaign %q, want %q", when, got, want)
			}
		}
		f.store.add("spring", 3)
		spring := progressive("spring")
		spring.Operators = []campaigns.UserID{"ann", "bob"}
		f.run(spring)
		f.ready("ann")
		leg := f.call(0)
		f.person(leg)
		spring.Operators = []campaigns.UserID{"bob"}
		f.run(spring)
		f.wantState("ann", operator.Talking)
		f.hangsUp(leg)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready)
		wantCampaign("after the call", "")
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n != 1 {
			t.Errorf("%d calls were placed, want the one that was up", n)
		}
		f.run(progressive("winter"))
		wantCampaign("once another one takes her", "winter")
		if err := f.engine.OnDuty(f.ctx, "ann", "spring"); !errors.Is(err, dialer.ErrState) {
			t.Errorf("on duty for another campaign: %v, want that she is on duty already", err)
		}
		f.do(f.engine.OffDuty(f.ctx, "ann"))
		f.do(f.engine.OnDuty(f.ctx, "ann", "spring"))
		wantCampaign("asked for by name", "winter")
	})
}

func TestPreview(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		c := progressive("spring")
		c.Pacing.Mode = campaigns.Preview
		f.run(c)
		f.ready("ann")
		f.wait(time.Second)
		v := f.view("ann")
		if !v.Preview || v.Lead == nil || v.CalledFor == nil || len(f.trunks.legs()) != 0 {
			t.Fatalf("wants a lead to look at and no call: %+v", v)
		}
		skipped := v.Lead.ID
		f.do(f.engine.SkipPreview(f.ctx, "ann"))
		f.wait(time.Second)
		if v = f.view("ann"); v.Lead == nil || v.Lead.ID == skipped {
			t.Fatalf("the next lead: %+v", v)
		}
		if !slices.Contains(f.store.givenBack(), skipped) {
			t.Error("the skipped lead did not go back")
		}
		f.do(f.engine.DialPreview(f.ctx, "ann"))
		leg := f.call(0)
		if got := f.store.intent(0).Claim.Lead.ID; got != v.Lead.ID {
			t.Errorf("called lead %d, looked at %d", got, v.Lead.ID)
		}
		f.person(leg)
		f.wantState("ann", operator.Talking)
		f.hangsUp(leg)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1})
	})
}

// Who asked for a call gets whoever answers, though another is ready longer; and
// no second lead may be dialled while the first rings.
func TestPreviewReservesWhoAsked(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		c := progressive("spring")
		c.Pacing.Mode = campaigns.Preview
		f.run(c)
		f.ready("ann", "bob") // ann is ready longer
		f.wait(time.Second)
		f.do(f.engine.DialPreview(f.ctx, "bob"))
		leg := f.call(0)
		f.wantState("bob", operator.Reserved)
		if v := f.view("bob"); v.Lead == nil || v.Attempt != campaigns.AttemptID(leg) {
			t.Errorf("on the screen while it rings: %+v", v)
		}
		f.wait(2 * time.Second)
		if err := f.engine.DialPreview(f.ctx, "bob"); !errors.Is(err, dialer.ErrNoPreview) {
			t.Errorf("a second call while the first rings: %v", err)
		}
		f.person(leg)
		f.wantState("bob", operator.Talking)
		f.wantState("ann", operator.Ready)
		f.hangsUp(leg)
		f.do(f.engine.Dispose(f.ctx, "bob", said("sale")))

		f.wait(time.Second)
		f.do(f.engine.DialPreview(f.ctx, "bob"))
		f.fails(f.call(1), sip.ResultBusy, 486)
		f.wantState("bob", operator.Ready)

		f.wait(time.Second)
		f.do(f.engine.DialPreview(f.ctx, "bob"))
		f.call(2)
		f.do(f.engine.HangUp(f.ctx, "bob")) // gives the ringing call up
		f.wantState("bob", operator.Ready)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1, campaigns.Busy: 1, campaigns.Cancelled: 1})
	})
}

func TestDialInAndFeatureCodes(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		dialIn := func(leg sip.LegID, dialed string) {
			f.signal(sip.Incoming{Leg: leg, User: "ann", Dialed: dialed, Body: []byte("sdp"), At: time.Now()})
		}
		dialIn("in1", "*10000")
		f.wantState("ann", operator.Offline)
		dialIn("in2", "+12025550199")
		f.wantState("ann", operator.Offline)
		if !slices.Equal(f.phones.ended(), []string{"in1", "in2"}) {
			t.Errorf("refused: %q", f.phones.ended())
		}
		dialIn("in3", "*14711")
		f.wantState("ann", operator.Paused)
		key := func(keys string) {
			for _, k := range keys {
				f.sound(media.Digit{Leg: "in3", Digit: k, At: time.Now()})
			}
		}
		key("*2")
		f.wantState("ann", operator.Ready)
		leg := f.call(0)
		f.person(leg)
		f.wantState("ann", operator.Talking)
		key("1") // in a talk a digit alone is nothing
		f.wantState("ann", operator.Talking)
		key("*4")
		f.wantState("ann", operator.Wrapping)
		key("2")
		f.wantState("ann", operator.Ready)
		key("*3")
		f.wantState("ann", operator.Paused)
		key("*0")
		f.wantState("ann", operator.Offline)
		if got := f.store.said(); !slices.Equal(got, []string{"not_interested"}) {
			t.Errorf("dispositions %q", got)
		}
		for _, late := range f.trunks.legs()[1:] {
			f.fails(late, sip.ResultBusy, 486)
		}
	})
}

func TestCommandsThatCannotBe(t *testing.T) {
	inBubble(t, func(f *floor) {
		want := func(what string, err, target error) {
			t.Helper()
			if !errors.Is(err, target) {
				t.Errorf("%s: got %v, want %v", what, err, target)
			}
		}
		want("ready while offline", f.engine.Ready(f.ctx, "ann"), dialer.ErrState)
		want("hang up without a call", f.engine.HangUp(f.ctx, "ann"), dialer.ErrNoCall)
		want("dispose without a call", f.engine.Dispose(f.ctx, "ann", said("sale")), dialer.ErrNoCall)
		want("dial without a preview", f.engine.DialPreview(f.ctx, "ann"), dialer.ErrNoPreview)
		f.phones.set(true)
		want("on duty without a phone", f.engine.OnDuty(f.ctx, "ann", ""), dialer.ErrNoPhone)
		f.phones.set(false)

		leg := bridged(f)
		want("no such disposition", f.engine.Dispose(f.ctx, "ann", said("maybe")), dialer.ErrUnknown)
		want("another's attempt", f.engine.Dispose(f.ctx, "ann", dialer.Said{Attempt: "a2", Disposition: "sale"}), dialer.ErrNotYours)
		want("a callback in the past", f.engine.Dispose(f.ctx, "ann", dialer.Said{Disposition: "callback", CallbackAt: time.Now().Add(-time.Hour)}), dialer.ErrNeedsTime)
		for _, years := range []int{6, 300} {
			far := dialer.Said{Disposition: "callback", CallbackAt: time.Now().AddDate(years, 0, 0)}
			want("a callback that nobody will make", f.engine.Dispose(f.ctx, "ann", far), dialer.ErrNeedsTime)
		}
		want("no such call", f.engine.HangUpCall(f.ctx, "a2"), dialer.ErrNoCall)
		f.do(f.engine.HangUpCall(f.ctx, campaigns.AttemptID(leg)))
		f.wantState("ann", operator.Wrapping)
	})
}

func TestNoMoreCallsThanChannels(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.trunks.set(2)
		f.store.add("spring", 10)
		c := progressive("spring")
		c.Pacing = campaigns.Pacing{Mode: campaigns.Ratio, Ratio: 3}
		f.run(c)
		f.ready("ann", "bob")
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n != 2 {
			t.Errorf("%d calls on two channels", n)
		}
		for _, leg := range f.trunks.legs() {
			f.trunks.set(0)
			f.fails(leg, sip.ResultBusy, 486)
		}
	})
}
