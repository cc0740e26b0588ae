package webrtc

import (
	"context"
	"encoding/binary"
	"regexp"

	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/test/browser"
	"github.com/outpace-dialer/outpace/test/eventually"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// generous is for machines that do other things too.
const generous = 20 * time.Second

// rig is an exchange that runs, and what it said.
type rig struct {
	*Exchange
	t    *testing.T
	stop func()

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
	r.stop = func() {
		cancel()
		eventually.Ends(t, generous, "the exchange ends", running.Wait)
	}
	t.Cleanup(r.stop)
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
	over := time.After(generous)
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
	ctx, cancel := context.WithTimeout(r.t.Context(), generous)
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
	over := time.After(generous)
	for {
		if got := e.heard(); len(got) >= n {
			return got
		}
		select {
		case <-e.more:
		case <-over:
			t.Fatalf("%d packets after %v, want %d", len(e.heard()), generous, n)
		}
	}
}

func sequence(b []byte) uint16 { return binary.BigEndian.Uint16(b[2:]) }
func ssrc(b []byte) uint32     { return binary.BigEndian.Uint32(b[8:]) }
func payloadType(b []byte) int { return int(b[1] & 0x7F) }

func ears() (*ear, func(browser.Packet)) {
	e := &ear{more: make(chan struct{}, 1)}
	return e, e.hear
}

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
	over := time.After(generous)
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
			t.Fatalf("the page heard %d packets after %v, want %d", len(got), generous, n)
		}
	}
}

// attribute is the value of an attribute of a session description.
func attribute(t *testing.T, text, key string) string {
	t.Helper()
	found := regexp.MustCompile("a=" + key + ":(\\S+)").FindStringSubmatch(text)
	if found == nil {
		t.Fatalf("no %s in\n%s", key, text)
	}
	return found[1]
}
