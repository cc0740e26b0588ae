package plane

import (
	"encoding/binary"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// pageEnd is a wire with a far end in the test's hand.
type pageEnd struct {
	*farEnd // makes packets and keeps what came; its socket is not used

	mu       sync.Mutex
	end      media.WireEnd
	detached bool
	reports  int
}

func newPageEnd(t *testing.T, law media.Law, freq float64) *pageEnd {
	return &pageEnd{farEnd: newFarEnd(t, law, freq)}
}

func (p *pageEnd) Attach(end media.WireEnd) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end, p.detached = end, false
	end.Follow(p.format(1000))
}

func (p *pageEnd) Detach() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.end, p.detached = nil, true
}

func (p *pageEnd) format(ssrc uint32) media.WireFormat {
	return media.WireFormat{SSRC: ssrc, Law: p.law, ULaw: 0, ALaw: 8, Event: 126}
}

// reconnect is another connection of the same browser.
func (p *pageEnd) reconnect(ssrc uint32) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.farEnd.ssrc++
	p.farEnd.sequence = 7
	p.end.Follow(p.format(ssrc))
}

func (p *pageEnd) WriteRTP(b []byte) error {
	h := heard{at: time.Now(), payloadType: b[1] & 0x7F, marker: b[1]&0x80 != 0, sequence: binary.BigEndian.Uint16(b[2:]),
		timestamp: binary.BigEndian.Uint32(b[4:]), ssrc: binary.BigEndian.Uint32(b[8:]), payload: append([]byte(nil), b[12:]...)}
	f := p.farEnd
	f.mu.Lock()
	f.got = append(f.got, h)
	f.mu.Unlock()
	select {
	case f.changed <- struct{}{}:
	default:
	}
	return nil
}

func (p *pageEnd) WriteRTCP([]byte) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.reports++
	return nil
}

// say hands one packet to the leg.
func (p *pageEnd) say(b []byte) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.end != nil {
		p.end.HearRTP(b, time.Now())
	}
}

// talk says n packets at their pace.
func (p *pageEnd) talk(n int) {
	tick := time.NewTicker(media.FrameDuration)
	defer tick.Stop()
	for range n {
		p.say(p.packet())
		<-tick.C
	}
}

func startWired(t *testing.T, pages map[string]*pageEnd) *rig {
	return start(t, func(c *Config) {
		c.RecordDir = t.TempDir()
		c.Wire = func(owner string) media.Wire {
			if p := pages[owner]; p != nil {
				return p
			}
			return nil
		}
	})
}

var annas = media.LegSpec{Kind: media.Operator, Owner: "anna"}

// A browser's leg is up at once and bridged like any other: next packet, one stream
// through silence, prompts and reconnection, keys, a recording.
func TestWiredLegIsBridged(t *testing.T) {
	page := newPageEnd(t, media.ALaw, 700)
	r := startWired(t, map[string]*pageEnd{"anna": page})
	if offer, err := r.Offer("o", annas); offer != nil || err != nil {
		t.Fatalf("offer %q, %v: a browser needs none", offer, err)
	}
	page.await("silence before the call", func(got []heard) bool { return len(got) >= 3 && isSilence(got[0]) })
	customer := newFarEnd(t, media.ULaw, 440)
	r.call("c", local, customer)
	r.Record("c", "talk.wav")
	r.Bridge("c", "o")
	stop := customer.keepTalking()
	page.talk(30)
	if e := next[media.Bridged](r); e.Customer != "c" || e.Operator != "o" || e.FirstToOperator.IsZero() {
		t.Errorf("bridged = %+v", e)
	}
	page.press('5')
	if e := next[media.Digit](r); e.Leg != "o" || e.Digit != '5' {
		t.Errorf("digit = %+v", e)
	}
	page.reconnect(2000)
	page.talk(30)
	stop()

	got := page.packets()
	continuousButSSRC(t, got)
	if last := got[len(got)-1]; last.ssrc != 2000 || got[0].ssrc != 1000 || last.payloadType != 8 {
		t.Errorf("ssrc %d, then %d; payload type %d", got[0].ssrc, last.ssrc, last.payloadType)
	}
	heardThere := relayed(customer.packets())
	if len(heardThere) < 55 {
		t.Errorf("the customer heard %d packets of 60", len(heardThere))
	}
	for i, h := range heardThere[1:] {
		if l := level(h.payload, media.ULaw, 700); len(h.payload) == 160 && l < 0.9 {
			t.Fatalf("packet %d to the customer: level %.2f of the operator's tone", i, l)
		}
	}
	stats, ok := r.LegStats("o")
	if !ok || stats.Received < 60 || stats.Lost != 0 || stats.RelayedLost != 0 || stats.Foreign != 0 {
		t.Errorf("stats = %+v", stats)
	}
	if s := r.Stats(); s.Operators != 1 || s.Browsers != 1 {
		t.Errorf("%d operators, %d browsers", s.Operators, s.Browsers)
	}
	r.Close("c")
	if e := next[media.Recorded](r); e.Err != nil || e.Duration < time.Second {
		t.Errorf("recorded = %+v", e)
	}
	if _, err := os.Stat(filepath.Join(r.RecordDir, "talk.wav")); err != nil {
		t.Error(err)
	}
	r.Close("o")
	if e := next[media.Closed](r); e.Leg == "c" {
		e = next[media.Closed](r)
	}
	if !page.detached {
		t.Error("the closed leg is still on the wire")
	}
	page.say(page.packet()) // nobody hears it
}

// press says a key by telephone-event.
func (p *pageEnd) press(key rune) {
	for i := range 5 {
		b := make([]byte, 16)
		media.PutEvent(b[12:], key, 160*(i+1), i >= 2)
		p.stamp(b, 126, i == 0)
		p.say(b)
	}
}

// continuousButSSRC is continuous where each connection has an SSRC of its own.
func continuousButSSRC(t *testing.T, packets []heard) {
	t.Helper()
	same := append([]heard(nil), packets...)
	for i := range same {
		same[i].ssrc = 0
	}
	continuous(t, same)
}

// A leg without an owner's wire goes over sockets.
func TestOthersGoOverSockets(t *testing.T) {
	r := startWired(t, nil)
	if offer, err := r.Offer("o", annas); len(offer) == 0 || err != nil {
		t.Errorf("offer %q, %v", offer, err)
	}
}

// Silence on the wire is told after a second as away, and its end.
func TestWiredLegIsAway(t *testing.T) {
	page := newPageEnd(t, media.ULaw, 700)
	r := startWired(t, map[string]*pageEnd{"anna": page})
	if _, err := r.Offer("o", annas); err != nil {
		t.Fatal(err)
	}
	page.talk(5)
	if e := next[media.AudioAway](r); e.Leg != "o" {
		t.Errorf("away = %+v", e)
	}
	page.talk(5)
	if e := next[media.AudioBack](r); e.Leg != "o" {
		t.Errorf("back = %+v", e)
	}
}

func TestWatchTellsAwayOnce(t *testing.T) {
	at := func(ms int) time.Time { return time.Unix(1000, 0).Add(time.Duration(ms) * time.Millisecond) }
	w := watch{away: time.Second}
	w.expect(at(0), true, 6*time.Second, 6*time.Second)
	for _, c := range []struct {
		now, heard int // milliseconds; heard 0: never
		want       media.Event
	}{
		{1500, 0, nil}, // nobody was there yet
		{2000, 1990, nil},
		{3000, 1990, media.AudioAway{Leg: "o", At: at(3000)}},
		{3500, 1990, nil},
		{3520, 3510, media.AudioBack{Leg: "o", At: at(3510)}},
		{3540, 3530, nil},
		{4600, 3530, media.AudioAway{Leg: "o", At: at(4600)}},
		{9600, 3530, media.AudioLost{Leg: "o", For: 6070 * time.Millisecond, At: at(9600)}},
		{9700, 3530, nil},
		{9800, 9790, media.AudioBack{Leg: "o", At: at(9790)}},
	} {
		heard := time.Time{}
		if c.heard > 0 {
			heard = at(c.heard)
		}
		if got := w.look("o", at(c.now), heard, false); got != c.want {
			t.Errorf("at %d ms: %+v, want %+v", c.now, got, c.want)
		}
	}
}

// What an idle browser's leg costs for a tick is no garbage of ours.
func TestWiredTickDoesNotAllocate(t *testing.T) {
	page := &nothing{}
	r := start(t, func(c *Config) { c.Wire = func(string) media.Wire { return page } })
	if _, err := r.Offer("o", annas); err != nil {
		t.Fatal(err)
	}
	r.mu.Lock()
	l := r.legs["o"]
	r.mu.Unlock()
	r.wheel.remove(l)
	now, b := time.Now(), newFarEnd(t, media.ULaw, 440).packet()
	if n := testing.AllocsPerRun(50, func() {
		now = now.Add(media.FrameDuration)
		l.HearRTP(b, now)
		l.tick(now, true)
	}); n != 0 {
		t.Errorf("allocations per packet and tick = %v, want 0", n)
	}
}

// nothing is a wire whose far end takes everything and keeps nothing.
type nothing struct{}

func (*nothing) Attach(end media.WireEnd) {
	end.Follow(media.WireFormat{SSRC: 1, ULaw: 0, ALaw: media.NoPayload, Event: media.NoPayload})
}
func (*nothing) Detach()                {}
func (*nothing) WriteRTP([]byte) error  { return nil }
func (*nothing) WriteRTCP([]byte) error { return nil }
