package webrtc

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/test/browser"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/phone"
)

// The wire of a leg by SIP comes to be by the far end's offer; a later one changes it, a
// bad one does not, and with the leg the connection ends.
func TestDialogAnswers(t *testing.T) {
	r := start(t, Config{})
	heard, hear := ears()
	page, offer := openPage(t, browser.Config{Hz: 440, Hear: hear})
	d := r.Dialog("op:anna:1")
	end := newEcho(d)
	answer, err := d.Answer([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	if err := page.Accept(string(answer)); err != nil {
		t.Fatal(err)
	}
	await(t, page)
	end.awaitPackets(t, 25)
	for _, p := range heard.await(t, 20) {
		if phone.ToneShare(p.PCM, 440) < 0.95 {
			t.Fatal("the page does not hear its tone")
		}
	}
	again, err := d.Answer([]byte(offer))
	if err != nil {
		t.Fatal(err)
	}
	if a, b := attribute(t, string(answer), "ice-ufrag"), attribute(t, string(again), "ice-ufrag"); a != b {
		t.Errorf("the same offer again begins anew: %s, then %s", a, b)
	}
	if _, err := d.Answer([]byte(browser.Without(offer, "a=fingerprint"))); err == nil {
		t.Error("an offer without a fingerprint is taken")
	}
	end.awaitPackets(t, len(end.heard())+25)
	if s := r.Stats(); s.Connected != 1 || r.Phone("op:anna:1") != nil {
		t.Errorf("stats = %+v; a leg's wire is nobody's phone", s)
	}
	d.Detach()
	eventually.So(t, generous, "the page is told", func() bool {
		select {
		case <-page.Over():
			return true
		default:
			return false
		}
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.events) != 0 {
		t.Errorf("events of a leg's wire: %+v", r.events)
	}
}

// What is no answer of a browser to us is not taken, and nothing is connected by it.
func TestDialogRefusesAnswers(t *testing.T) {
	r := start(t, Config{})
	_, theirs := openPage(t, browser.Config{})
	d := r.Dialog("op:anna:1")
	newEcho(d)
	defer d.Detach()
	if d.Accept([]byte(theirs)) == nil {
		t.Error("an answer before there is an offer")
	}
	offer, err := d.Offer()
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"a=setup:actpass", "a=ice-lite", "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 126", "a=candidate:1 1 udp "} {
		if !strings.Contains(string(offer), want) {
			t.Errorf("our offer has no %q:\n%s", want, offer)
		}
	}
	for _, answer := range []string{"", "v=0\r\n", theirs /* setup:actpass */, browser.Without(theirs, "a=ice-pwd"), browser.Without(theirs, "a=fingerprint")} {
		var refused *OfferError
		if err := d.Accept([]byte(answer)); !errors.As(err, &refused) {
			t.Errorf("error = %v, want an OfferError for\n%s", err, answer)
		}
	}
}

func await(t *testing.T, page *browser.Browser) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), generous)
	defer cancel()
	if err := page.Await(ctx); err != nil {
		t.Fatal(err)
	}
}
