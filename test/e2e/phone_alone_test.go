package e2e

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
)

// TestPhoneAlone has an operator work a call with nothing but a phone: the
// feature code with the PIN is dialled, all else keyed in on the open leg. The
// API is only watched.
func TestPhoneAlone(t *testing.T) {
	t.Parallel()
	far, journal := personsOnly(t, time.Minute)
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "anna", "4711")
		seedCampaign(t, s, campaigns.Campaign{ID: "alone", Trunks: "line", Detection: "before"}, "+9997780001")
	})
	p.serve(t)
	boss := p.signIn(t, manager, managerPassword)
	eyes := p.sitDown(t, "anna")
	desk := newSoftphone(t, p, "anna")

	for _, number := range []string{"+48600100200", "0048600100200", "911"} {
		if code := refused(t, desk, p, number); code != 403 {
			t.Errorf("a phone that dials %s gets %d, want 403", number, code)
		}
	}
	refused(t, desk, p, "*10000") // a wrong PIN
	if n := far.Stats().Invites; n != 0 {
		t.Fatalf("%d INVITEs reached the carrier from a phone", n)
	}

	leg, err := desk.Call(phone.Dial{To: p.phones, Number: "*14711"})
	must(t, err)
	select {
	case <-leg.Answered():
	case <-leg.Done():
		t.Fatalf("on duty by phone: %+v", leg.End())
	case <-time.After(10 * time.Second):
		t.Fatal("on duty by phone: no answer")
	}
	heard := make(chan struct{}, 16)
	leg.Audio.Listen(hears(customerHz, func() { heard <- struct{}{} }))
	leg.Audio.Play(&phone.Tone{Hz: operatorHz, Peak: 8000})
	await := func(state string) view {
		t.Helper()
		v, err := eyes.await(t.Context(), state, 15*time.Second)
		must(t, err)
		return v
	}
	await("paused")
	leg.Audio.Press("*2")
	await("ready")
	talk := await("talking")
	select {
	case <-heard:
	case <-time.After(10 * time.Second):
		t.Fatal("the operator does not hear the customer")
	}
	leg.Audio.Press("*4")
	await("wrapping")
	leg.Audio.Press("1")
	await("ready")
	leg.Audio.Press("*3")
	if v := await("paused"); v.Reason != "phone" {
		t.Errorf("paused for %q, want %q", v.Reason, "phone")
	}
	leg.Audio.Press("*0")
	await("offline")
	select {
	case <-leg.Done():
		if end := leg.End(); end.By != phone.Remote || !end.WasUp {
			t.Errorf("the leg ended by %+v, want a BYE of the dialer", end)
		}
	case <-time.After(10 * time.Second):
		t.Error("off duty, and the leg is still up")
	}

	eventually(t, 10*time.Second, "the disposition in the store", func() (bool, any) {
		all := boss.attempts(t, "alone")
		return len(all) == 1 && string(all[0].ID) == talk.Attempt && all[0].Outcome == campaigns.Connected &&
			all[0].Operator == "anna" && all[0].Disposition == "sale" && all[0].DisposedBy == "anna", all
	})
	p.stop(t)
	if n := far.Stats().Invites; n != 1 {
		t.Errorf("%d INVITEs reached the carrier, want 1", n)
	}
	if n := journal.count(t, "first_tone"); n != 1 {
		t.Errorf("%d customers heard the operator, want 1", n)
	}
	journal.noFaults(t)
}

// refused dials what a phone must not reach and returns the status it gets.
func refused(t *testing.T, s *softphone, p *product, number string) int {
	t.Helper()
	c, err := s.Call(phone.Dial{To: p.phones, Number: number})
	must(t, err)
	select {
	case <-c.Done():
	case <-c.Answered():
		c.Hangup()
		t.Fatalf("a phone that dials %s is answered", number)
	case <-time.After(10 * time.Second):
		t.Fatalf("a phone that dials %s: no response", number)
	}
	return c.End().Code
}
