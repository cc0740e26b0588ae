package webrtc

import (
	"context"
	"encoding/binary"
	"fmt"
	"net"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/test/browser"
	"github.com/outpace-dialer/outpace/test/phone"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// patience is for machines that do other things too.
const patience = 20 * time.Second

// rig is an exchange that runs, and what it said.
type rig struct {
	*Exchange
	t *testing.T

	mu     sync.Mutex
	events []Event
	more   chan struct{}
}

func start(t *testing.T, cfg Config) *rig {
	t.Helper()
	r := &rig{t: t, more: make(chan struct{}, 1)}
	if cfg.Listen == "" {
		cfg.Listen = "127.0.0.1:0"
	}
	var err error
	if r.Exchange, err = New(cfg, r.note); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = r.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return r
}

func (r *rig) note(ev Event) {
	r.mu.Lock()
	r.events = append(r.events, ev)
	r.mu.Unlock()
	select {
	case r.more <- struct{}{}:
	default:
	}
}

// await waits until an event was told.
func (r *rig) await(want Event) {
	r.t.Helper()
	over := time.After(patience)
	for {
		r.mu.Lock()
		events := r.events
		r.mu.Unlock()
		for _, ev := range events {
			if ev == want {
				return
			}
		}
		select {
		case <-r.more:
		case <-over:
			r.t.Fatalf("no event %+v; there were %+v", want, events)
		}
	}
}

// sitDown is a page of a user that is connected.
func (r *rig) sitDown(user string, cfg browser.Config) (b *browser.Browser, session string) {
	r.t.Helper()
	b, session = r.dial(user, cfg)
	ctx, cancel := context.WithTimeout(r.t.Context(), patience)
	defer cancel()
	if err := b.Await(ctx); err != nil {
		r.t.Fatal(err)
	}
	r.await(Event{user, session, Connected})
	return b, session
}

func (r *rig) dial(user string, cfg browser.Config) (*browser.Browser, string) {
	r.t.Helper()
	b, offer := openPage(r.t, cfg)
	answer, session, err := r.Connect(user, offer)
	if err != nil {
		r.t.Fatal(err)
	}
	if err := b.Accept(answer); err != nil {
		r.t.Fatal(err)
	}
	return b, session
}

func openPage(t *testing.T, cfg browser.Config) (*browser.Browser, string) {
	t.Helper()
	b, err := browser.Open(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := b.Close(); err != nil {
			t.Error(err)
		}
	})
	offer, err := b.Offer()
	if err != nil {
		t.Fatal(err)
	}
	return b, offer
}

// echo is a leg's end that sends everything back, and keeps it.
type echo struct {
	wire media.Wire

	mu      sync.Mutex
	formats []media.WireFormat
	packets [][]byte
	reports [][]byte
	more    chan struct{}
}

func newEcho(w media.Wire) *echo {
	e := &echo{wire: w, more: make(chan struct{}, 1)}
	w.Attach(e)
	return e
}

func (e *echo) Follow(f media.WireFormat) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.formats = append(e.formats, f)
}

func (e *echo) HearRTP(b []byte, _ time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	b = append([]byte(nil), b...)
	e.packets = append(e.packets, b)
	back := append([]byte(nil), b...)
	binary.BigEndian.PutUint32(back[8:], e.formats[len(e.formats)-1].SSRC)
	_ = e.wire.WriteRTP(back)
	select {
	case e.more <- struct{}{}:
	default:
	}
}

func (e *echo) HearRTCP(b []byte, _ time.Time) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.reports = append(e.reports, append([]byte(nil), b...))
}

func (e *echo) heard() [][]byte {
	e.mu.Lock()
	defer e.mu.Unlock()
	return append([][]byte(nil), e.packets...)
}

// awaitPackets waits until n packets came.
func (e *echo) awaitPackets(t *testing.T, n int) [][]byte {
	t.Helper()
	over := time.After(patience)
	for {
		if got := e.heard(); len(got) >= n {
			return got
		}
		select {
		case <-e.more:
		case <-over:
			t.Fatalf("%d packets after %v, want %d", len(e.heard()), patience, n)
		}
	}
}

func sequence(b []byte) uint16           { return binary.BigEndian.Uint16(b[2:]) }
func payloadType(b []byte) int           { return int(b[1] & 0x7F) }
func ears() (*ear, func(browser.Packet)) { e := &ear{more: make(chan struct{}, 1)}; return e, e.hear }

// ear is what a page hears.
type ear struct {
	mu   sync.Mutex
	got  []browser.Packet
	more chan struct{}
}

func (e *ear) hear(p browser.Packet) {
	e.mu.Lock()
	e.got = append(e.got, p)
	e.mu.Unlock()
	select {
	case e.more <- struct{}{}:
	default:
	}
}

func (e *ear) await(t *testing.T, n int) []browser.Packet {
	t.Helper()
	over := time.After(patience)
	for {
		e.mu.Lock()
		got := append([]browser.Packet(nil), e.got...)
		e.mu.Unlock()
		if len(got) >= n {
			return got
		}
		select {
		case <-e.more:
		case <-over:
			t.Fatalf("the page heard %d packets after %v, want %d", len(got), patience, n)
		}
	}
}

// Audio goes both ways in either law, without a lost packet, byte for byte.
func TestAudioGoesBothWays(t *testing.T) {
	for _, laws := range [][]phone.Law{{phone.PCMU, phone.PCMA}, {phone.PCMA}, {phone.PCMU}} {
		t.Run(fmt.Sprint(laws), func(t *testing.T) {
			r := start(t, Config{})
			heard, hear := ears()
			r.sitDown("anna", browser.Config{Laws: laws, Hz: 440, Hear: hear})
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

var _ = net.ErrClosed
