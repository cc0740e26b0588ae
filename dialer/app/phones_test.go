package app

import (
	"context"
	"errors"
	"log/slog"
	"slices"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/plane"
	"github.com/outpace-dialer/outpace/media/webrtc"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/registrar"
	"github.com/outpace-dialer/outpace/test/browser"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// desks are phones of both kinds whose engine is the test.
type desks struct {
	*operatorPhones
	t *testing.T

	mu   sync.Mutex
	told []sip.Event
	seen []api.Phone
	more chan struct{} // closed and made anew with each
}

func newDesks(t *testing.T, browsers bool) *desks {
	t.Helper()
	d := &desks{t: t, more: make(chan struct{})}
	d.operatorPhones = &operatorPhones{legs: map[string]*browserLeg{},
		tell:    func(ev sip.Event) { d.note(func() { d.told = append(d.told, ev) }) },
		changed: func(_ campaigns.UserID, p api.Phone) { d.note(func() { d.seen = append(d.seen, p) }) },
	}
	agent, err := sip.New(sip.Config{Name: "phones", Listen: []sip.Listener{{Transport: "udp", Address: "127.0.0.1:0"}}}, d.tell, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	d.phoneRoom = phoneRoom{Registrar: registrar.New(registrar.Config{}, agent, nil, d.tell, time.Now)} // no phone registers
	if browsers {
		if d.browsers, err = webrtc.New(webrtc.Config{Listen: "127.0.0.1:0"}, d.follow); err != nil {
			t.Fatal(err)
		}
	}
	if d.plane, err = plane.New(plane.Config{Address: "127.0.0.1", Ports: plane.Ports{Any: true}, Wire: d.wire}, func(media.Event) {}, slog.New(slog.DiscardHandler)); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var rooms sync.WaitGroup
	rooms.Go(func() { _ = agent.Run(ctx) })
	rooms.Go(func() { _ = d.plane.Run(ctx) })
	rooms.Go(func() { _ = d.run(ctx) })
	t.Cleanup(func() {
		cancel()
		eventually.Ends(t, patience, "the phones, their agent and the audio end", rooms.Wait)
	})
	return d
}

func (d *desks) note(what func()) {
	d.mu.Lock()
	defer d.mu.Unlock()
	what()
	close(d.more)
	d.more = make(chan struct{})
}

// await waits until the engine was told an event that fits.
func (d *desks) await(what string, fits func(sip.Event) bool) {
	d.t.Helper()
	d.until(what, func() bool { return slices.ContainsFunc(d.told, fits) })
}

// awaitPage waits until the pages were told of a phone that fits.
func (d *desks) awaitPage(what string, fits func(api.Phone) bool) {
	d.t.Helper()
	d.until(what, func() bool { return slices.ContainsFunc(d.seen, fits) })
}

func (d *desks) until(what string, so func() bool) {
	d.t.Helper()
	over := time.After(20 * time.Second)
	for {
		d.mu.Lock()
		is, told, seen, more := so(), d.told, d.seen, d.more
		d.mu.Unlock()
		if is {
			return
		}
		select {
		case <-more:
		case <-over:
			d.t.Fatalf("%s: not told; the engine was told %+v, the pages %+v", what, told, seen)
		}
	}
}

func (d *desks) offer(b *browser.Browser, user campaigns.UserID) (answer, session string) {
	d.t.Helper()
	offer, err := b.Offer()
	if err != nil {
		d.t.Fatal(err)
	}
	if answer, session, err = d.Connect(d.t.Context(), user, offer); err != nil {
		d.t.Fatal(err)
	}
	return answer, session
}

func openBrowser(t *testing.T) *browser.Browser {
	t.Helper()
	b, err := browser.Open(browser.Config{Hz: 440})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	return b
}

func answered(leg sip.LegID) func(sip.Event) bool {
	return func(ev sip.Event) bool { a, is := ev.(sip.Answered); return is && a.Leg == leg }
}

func ended(leg sip.LegID, wasUp bool) func(sip.Event) bool {
	return func(ev sip.Event) bool { e, is := ev.(sip.Ended); return is && e.Leg == leg && e.WasUp == wasUp }
}

// An operator who comes on duty while their page is still connecting has their leg as
// soon as it is; a second page takes the leg over; the leg ends when that hangs up, and
// off duty leaves the page.
func TestBrowserLeg(t *testing.T) {
	d := newDesks(t, true)
	b := openBrowser(t)
	answer, session := d.offer(b, "anna")
	if !d.Online("anna") {
		t.Error("a page that connects is no phone")
	}
	spec := media.LegSpec{Kind: media.Operator, Owner: "anna"}
	offer, err := d.plane.Offer("leg1", spec)
	if offer != nil || err != nil {
		t.Fatalf("offer %q, %v", offer, err)
	}
	d.Call("leg1", "anna", nil)
	if got := d.Phone("anna", "leg1"); got.Kind != api.PhoneBrowser || got.Connected || got.Session != session || !got.OnLeg {
		t.Errorf("phone = %+v", got)
	}
	if err := b.Accept(answer); err != nil {
		t.Fatal(err)
	}
	d.await("the leg is up", answered("leg1"))
	d.await("and the phone there", func(ev sip.Event) bool { p, is := ev.(sip.PhoneOnline); return is && p.User == "anna" })

	d.awaitPage("connected", func(p api.Phone) bool { return p.Connected && p.Session == session && p.OnLeg })

	second := openBrowser(t)
	answer, next := d.offer(second, "anna")
	if err := second.Accept(answer); err != nil {
		t.Fatal(err)
	}
	d.awaitPage("taken over", func(p api.Phone) bool { return p.Connected && p.Session == next && p.OnLeg })
	session = next

	d.Hangup("leg1") // off duty
	d.plane.Close("leg1")
	d.await("the leg is over", ended("leg1", true))
	if got := d.Phone("anna", ""); !got.Connected || got.OnLeg {
		t.Errorf("phone after off duty = %+v", got)
	}
	if _, err := d.plane.Offer("leg2", spec); err != nil {
		t.Fatal(err)
	}
	d.Call("leg2", "anna", nil)
	d.await("on duty again", answered("leg2"))
	d.Disconnect(t.Context(), "anna", "another")
	d.Disconnect(t.Context(), "anna", session)
	d.await("the page hung up", ended("leg2", true))
	if got := d.Phone("anna", ""); got.Kind != api.PhoneNone || d.Online("anna") {
		t.Errorf("phone = %+v", got)
	}
}

// A page that never comes ends the leg that waited for it, and so does one that went
// between the offer and the call.
func TestBrowserNeverComes(t *testing.T) {
	d := newDesks(t, true)
	_, session := d.offer(openBrowser(t), "anna")
	d.Call("leg1", "anna", nil)
	d.follow(webrtc.Event{User: "anna", Session: session, What: webrtc.Gone})
	d.await("the leg is over", ended("leg1", false))
	d.Disconnect(t.Context(), "anna", "")
	d.Call("leg2", "anna", nil)
	d.await("the leg is over", ended("leg2", false))
}

// Where browsers are not taken, pages are told so.
func TestNoBrowsers(t *testing.T) {
	d := newDesks(t, false)
	if _, _, err := d.Connect(t.Context(), "anna", "offer"); !errors.Is(err, api.ErrBrowserPhoneOff) {
		t.Errorf("error = %v", err)
	}
	d.Disconnect(t.Context(), "anna", "")
	if d.wire("anna") != nil {
		t.Error("a wire of nobody")
	}
	if len(d.samples()) != 2 {
		t.Errorf("samples %+v", d.samples())
	}
}

// An offer that cannot be taken has its code.
func TestBadOfferHasItsCode(t *testing.T) {
	d := newDesks(t, true)
	_, _, err := d.Connect(t.Context(), "anna", "v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\n")
	if p, is := errors.AsType[*api.PhoneError](err); !is || p.Code != webrtc.NoAudio {
		t.Errorf("error = %v", err)
	}
}
