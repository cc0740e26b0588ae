package webrtc

import (
	"context"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/pion/rtcp"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/test/browser"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/phone"
)

// Audio goes both ways in either law, without a lost packet, past the last number.
func TestAudioGoesBothWays(t *testing.T) {
	t.Parallel()
	for _, laws := range [][]phone.Law{{phone.PCMU, phone.PCMA}, {phone.PCMA}, {phone.PCMU}} {
		t.Run(fmt.Sprint(laws), func(t *testing.T) {
			t.Parallel()
			r := start(t, Config{})
			heard, hear := ears()
			r.sitDown("anna", browser.Config{Laws: laws, Hz: 440, Hear: hear, Sequence: 65500})
			end := newEcho(r.Phone("anna"))
			got := end.awaitPackets(t, 100)
			for i := 1; i < len(got); i++ {
				if sequence(got[i]) != sequence(got[i-1])+1 {
					t.Fatalf("packet %d has number %d after %d", i, sequence(got[i]), sequence(got[i-1]))
				}
			}
			if payloadType(got[0]) != int(laws[0]) || len(got[0]) != headerSize+phone.FrameSamples {
				t.Errorf("payload type %d, %d bytes", payloadType(got[0]), len(got[0]))
			}
			for i, p := range heard.await(t, 90) {
				if p.Law != laws[0] || phone.ToneShare(p.PCM, 440) < 0.95 || p.SSRC != end.formats[0].SSRC {
					t.Fatalf("packet %d that came back: law %d, tone %.2f", i, p.Law, phone.ToneShare(p.PCM, 440))
				}
			}
			want := media.WireFormat{SSRC: end.formats[0].SSRC, ULaw: 0, ALaw: 8, Event: 126}
			if laws[0] == phone.PCMA {
				want.ULaw, want.Law = media.NoPayload, media.ALaw
			}
			if len(laws) == 1 && laws[0] == phone.PCMU {
				want.ALaw = media.NoPayload
			}
			if end.formats[0] != want {
				t.Errorf("format = %+v, want %+v", end.formats[0], want)
			}
		})
	}
}

// Keys come as telephone-events, in the sequence of the audio.
func TestKeysAreEvents(t *testing.T) {
	r := start(t, Config{})
	page, _ := r.sitDown("anna", browser.Config{Hz: 440})
	end := newEcho(r.Phone("anna"))
	end.awaitPackets(t, 5)
	for _, key := range "1*" {
		page.Press(key)
	}
	over := time.After(generous)
	for keys := ""; len(keys) < 10; {
		keys = ""
		for _, b := range end.heard() {
			if payloadType(b) == end.formats[0].Event {
				keys += string(media.Keys[b[headerSize]])
			}
		}
		if len(keys) >= 10 && keys != "11111*****" {
			t.Fatalf("keys %q", keys)
		}
		select {
		case <-end.more:
		case <-over:
			t.Fatalf("keys %q after %v", keys, generous)
		}
	}
}

// What we say of a browser's packets reaches it, and what it says of ours reaches us.
func TestReports(t *testing.T) {
	r := start(t, Config{})
	page, _ := r.sitDown("anna", browser.Config{Hz: 440})
	end := newEcho(r.Phone("anna"))
	got := end.awaitPackets(t, 1)
	report, err := rtcp.Marshal([]rtcp.Packet{&rtcp.ReceiverReport{SSRC: end.formats[0].SSRC, Reports: []rtcp.ReceptionReport{{SSRC: ssrc(got[0]), TotalLost: 7}}}})
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Phone("anna").WriteRTCP(report); err != nil {
		t.Fatal(err)
	}
	eventually.So(t, generous, "the page knows what was lost", func() bool { n, ok := page.FarLost(); return ok && n == 7 })
	if err := page.Report(end.formats[0].SSRC, 5); err != nil {
		t.Fatal(err)
	}
	eventually.So(t, generous, "the page's report", func() bool {
		end.mu.Lock()
		defer end.mu.Unlock()
		return len(end.reports) > 0
	})
}

// A second page takes the place of the first, whose audio is not heard any more.
func TestTakeOver(t *testing.T) {
	r := start(t, Config{})
	first, one := r.sitDown("anna", browser.Config{Laws: []phone.Law{phone.PCMU}, Hz: 440})
	end := newEcho(r.Phone("anna"))
	end.awaitPackets(t, 10)
	_, two := r.sitDown("anna", browser.Config{Laws: []phone.Law{phone.PCMA}, Hz: 700})
	r.await(Event{"anna", one, TakenOver})
	select {
	case <-first.Over():
	case <-time.After(generous):
		t.Error("the first page is not told")
	}
	got := end.awaitPackets(t, len(end.heard())+20)
	law := 0
	for i, b := range got {
		if payloadType(b) < law {
			t.Fatalf("packet %d is of the first page, after the second", i)
		}
		law = payloadType(b)
	}
	if law != int(phone.PCMA) || len(end.formats) != 2 || end.formats[1].Law != media.ALaw || end.formats[0].SSRC == end.formats[1].SSRC {
		t.Errorf("payload type %d, formats %+v", law, end.formats)
	}
	r.Disconnect("anna", one) // the first page leaves
	if s, ok := r.State("anna"); !ok || s != (State{two, true}) {
		t.Errorf("state = %+v, %v", s, ok)
	}
	r.Disconnect("anna", two)
	r.await(Event{"anna", two, HungUp})
	if _, ok := r.State("anna"); ok {
		t.Error("there is a phone after it hung up")
	}
	if s := r.Stats(); s.Connects != 2 || s.TakeOvers != 1 || s.Failed != 0 || s.Connected+s.Pending != 0 {
		t.Errorf("stats = %+v", s)
	}
}

// A page that is closed and loaded again is heard by the same leg; once the leg is gone
// too, nothing is left of the phone.
func TestPageIsLoadedAgain(t *testing.T) {
	r := start(t, Config{})
	page, one := r.sitDown("anna", browser.Config{Hz: 440})
	wire := r.Phone("anna")
	end := newEcho(wire)
	end.awaitPackets(t, 5)
	if err := page.Close(); err != nil {
		t.Fatal(err)
	}
	r.await(Event{"anna", one, Gone})
	if err := wire.WriteRTP(end.heard()[0]); err != nil {
		t.Errorf("sending to nobody: %v", err)
	}
	again, two := r.sitDown("anna", browser.Config{Hz: 440})
	if r.Phone("anna") != wire {
		t.Error("another phone than the one the leg has")
	}
	end.awaitPackets(t, len(end.heard())+10)
	if err := again.Close(); err != nil {
		t.Fatal(err)
	}
	r.await(Event{"anna", two, Gone})
	wire.Detach()
	r.Exchange.mu.Lock()
	defer r.Exchange.mu.Unlock()
	if len(r.phones) != 0 {
		t.Errorf("%d phones are left", len(r.phones))
	}
}

// A network that is away for a while loses nothing but time; one that stays away ends
// the connection.
func TestNetworkIsAway(t *testing.T) {
	t.Parallel()
	r := start(t, Config{patience: patience{connect: generous, away: time.Second, over: 3 * time.Second}})
	page, session := r.sitDown("anna", browser.Config{Hz: 440})
	end := newEcho(r.Phone("anna"))
	page.Cut(true)
	r.await(Event{"anna", session, Away})
	if s, _ := r.State("anna"); s.Connected {
		t.Error("connected while the network is away")
	}
	page.Cut(false)
	eventually.So(t, generous, "it is back", func() bool { s, _ := r.State("anna"); return s.Connected })
	end.awaitPackets(t, len(end.heard())+10)
	page.Cut(true)
	r.await(Event{"anna", session, Gone})
	if n := r.Stats().Failed; n != 1 {
		t.Errorf("failed = %d, want 1", n)
	}
}

// Offers whose pages never come are given up.
func TestNobodyComes(t *testing.T) {
	r := start(t, Config{patience: patience{connect: 200 * time.Millisecond, away: time.Second, over: 2 * time.Second}})
	var sessions []string
	for range 20 {
		_, offer := openPage(t, browser.Config{})
		_, session, err := r.Connect("anna", offer)
		if err != nil {
			t.Fatal(err)
		}
		sessions = append(sessions, session)
	}
	r.await(Event{"anna", sessions[19], Gone})
	if s := r.Stats(); s.Failed == 0 || s.Pending != 0 || s.Connects != 0 {
		t.Errorf("stats = %+v, want the last to have failed", s)
	}
	if r.Phone("anna") != nil {
		t.Error("there is a phone that nobody connected")
	}
}

// After the end of Run nothing is taken.
func TestClosed(t *testing.T) {
	r := start(t, Config{})
	page, _ := r.sitDown("anna", browser.Config{Hz: 440})
	r.stop()
	select {
	case <-page.Over():
	case <-time.After(generous):
		t.Error("the page is not told")
	}
	_, offer := openPage(t, browser.Config{})
	if _, _, err := r.Connect("anna", offer); err == nil {
		t.Error("an offer is taken after the end")
	}
}

// Pages that come and go at any moment, their handshake included, leave nothing.
func TestPagesComeAndGo(t *testing.T) {
	r := start(t, Config{})
	draw := rand.New(rand.NewPCG(1, 2))
	for range 25 {
		page, session := r.dial("anna", browser.Config{Hz: 440})
		select {
		case <-page.Up():
		case <-time.After(time.Duration(draw.IntN(120)) * time.Millisecond):
		}
		switch draw.IntN(3) {
		case 0:
			r.Disconnect("anna", session)
		case 1:
			if err := page.Close(); err != nil {
				t.Fatal(err)
			}
		default: // superseded by the next
		}
	}
	last, session := r.sitDown("anna", browser.Config{Hz: 440})
	newEcho(r.Phone("anna")).awaitPackets(t, 10)
	if s, _ := r.State("anna"); s != (State{session, true}) {
		t.Errorf("state = %+v, want session %s", s, session)
	}
	if err := last.Close(); err != nil {
		t.Fatal(err)
	}
}

// Bound to every address, browsers are heard at the one they were told.
func TestEveryAddress(t *testing.T) {
	r := start(t, Config{Listen: "0.0.0.0:0", Addresses: []string{"127.0.0.1"}})
	r.sitDown("anna", browser.Config{Hz: 440})
	newEcho(r.Phone("anna")).awaitPackets(t, 10)
}

// Pages that are told to go in the very moment they are connected, while their first word
// comes, leave nothing behind: an exchange still ends when it is stopped.
func TestPagesGoAtTheirFirstWord(t *testing.T) {
	t.Parallel()
	r := &rig{t: t}
	gone := make(chan string)
	var err error
	r.Exchange, err = New(Config{Listen: "127.0.0.1:0"}, func(ev Event) {
		if ev.What == Connected {
			r.Disconnect(ev.User, ev.Session)
			gone <- ev.User
		}
	})
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	defer cancel()
	ended := make(chan struct{})
	go func() { _ = r.Run(ctx); close(ended) }()
	for n := range 40 {
		r.dial(fmt.Sprint("user", n), browser.Config{Hz: 440})
		select {
		case <-gone:
		case <-time.After(generous):
			t.Fatalf("page %d did not come up within %v", n, generous)
		}
	}
	cancel()
	select {
	case <-ended:
	case <-time.After(generous):
		t.Fatalf("the exchange has not ended after %v", generous)
	}
}
