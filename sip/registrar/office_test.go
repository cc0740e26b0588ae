package registrar

import (
	"fmt"
	"net/netip"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

const (
	officeAddress = "198.51.100.7"
	officeSize    = 200
)

// newBigOffice is a registrar of 200 users, anna001 and so on.
func newBigOffice(cfg Config) *office {
	users := book{}
	for i := range officeSize {
		users[colleague(i)] = HA1(colleague(i), "outpace", "right")
	}
	o := &office{agent: &fakeAgent{}, at: epoch}
	o.Registrar = New(cfg, o.agent, users, func(ev sip.Event) { o.events = append(o.events, ev) }, func() time.Time { return o.at })
	return o
}

func colleague(i int) string { return fmt.Sprintf("anna%03d", i) }

// comeBack has all phones of the office register in one moment, each from a port
// that we never saw, each sending what it says three times before it hears an
// answer, as after a power cut on a slow line. It returns how many got in.
func (o *office) comeBack(t *testing.T) int {
	t.Helper()
	phones := make([]*phone, officeSize)
	source := func(i int) string { return fmt.Sprintf("%s:%d", officeAddress, 20000+i) }
	for i := range phones {
		phones[i] = newPhone(colleague(i), "right")
		phones[i].callID += "-after"
		first := phones[i].register()
		for range 3 {
			if answer := o.send(t, first, source(i)); answer != "" {
				phones[i].challenged(t, answer)
			}
		}
	}
	in := 0
	for i, p := range phones {
		if p.nonce == "" {
			continue
		}
		second, answered := p.register(), false
		for range 3 {
			answered = strings.HasPrefix(o.send(t, second, source(i)), "SIP/2.0 200 ") || answered
		}
		if answered {
			in++
		}
	}
	return in
}

// trickleIn has the phones of the office register one after the other.
func (o *office) trickleIn(t *testing.T) {
	t.Helper()
	for i := range officeSize {
		wantCode(t, o.login(t, newPhone(colleague(i), "right"), fmt.Sprintf("%s:%d", officeAddress, 30000+i)), 200)
		o.at = o.at.Add(time.Second)
	}
}

// An office of 200 phones behind one address registers in one moment: after a
// power cut there, after a restart of ours, and where the configuration knows it.
func TestOfficeComesBackAtOnce(t *testing.T) {
	seen := newBigOffice(Config{})
	seen.trickleIn(t)
	seen.at = seen.at.Add(3 * 24 * time.Hour) // a weekend
	if in := seen.comeBack(t); in != officeSize {
		t.Errorf("after a weekend %d of %d phones got in", in, officeSize)
	}

	kept, _ := seen.Homes()
	restarted := newBigOffice(Config{})
	restarted.at = seen.at
	restarted.Recall(kept)
	if in := restarted.comeBack(t); in != officeSize || len(restarted.Bindings()) != officeSize {
		t.Errorf("after our restart %d of %d phones got in", in, officeSize)
	}

	told := newBigOffice(Config{Offices: []string{"198.51.100.0/28"}})
	if in := told.comeBack(t); in != officeSize {
		t.Errorf("of a configured office %d of %d phones got in", in, officeSize)
	}
	for _, o := range []*office{seen, restarted, told} {
		if s := o.Stats(); s.Flooders != 0 || s.Dropped != 0 || s.Crowded != 0 {
			t.Errorf("stats %+v, want nobody blocked and everybody heard", s)
		}
	}

	unknown := newBigOffice(Config{})
	if in := unknown.comeBack(t); in == officeSize || unknown.Stats().Flooders != 1 {
		t.Errorf("the same from where no phone ever was: %d got in, stats %+v; this test proves nothing", in, unknown.Stats())
	}
	old := newBigOffice(Config{})
	old.at = seen.at.Add(homeFor + time.Hour)
	old.Recall(kept)
	if in := old.comeBack(t); in == officeSize {
		t.Error("homes of more than a week ago still count")
	}
}

// An office that floods is not heard beyond what its phones need, and is never
// blocked: its phones get in as soon as there is room.
func TestOfficeIsNeverBlocked(t *testing.T) {
	o := newBigOffice(Config{})
	o.trickleIn(t)
	heard := 0
	for i := range 10_000 {
		if o.Allow(netip.AddrPortFrom(netip.MustParseAddr(officeAddress), uint16(40000+i%1000))) {
			heard++
		}
	}
	if want := floodLimit + perPhone*officeSize; heard != want || o.Stats().Crowded != uint64(10_000-want) || o.Stats().Flooders != 0 {
		t.Errorf("heard %d of 10,000 messages, want %d; stats %+v", heard, want, o.Stats())
	}
	o.at = o.at.Add(floodWindow)
	again := newPhone(colleague(7), "right")
	again.callID = "after-a-restart"
	wantCode(t, o.login(t, again, officeAddress+":50007"), 200)
	stranger := netip.MustParseAddrPort("203.0.113.50:5060")
	for range floodLimit + 1 {
		o.Allow(stranger)
	}
	o.at = o.at.Add(floodWindow)
	if o.Allow(stranger) || o.Stats().Flooders != 1 {
		t.Error("a flood from where no phone is at home is not blocked")
	}
}

// Who guesses from an office is blocked there user by user, and in the end
// everybody who is not at home there; those who are go on.
func TestGuessingFromAnOffice(t *testing.T) {
	o := newOffice(Config{})
	wantCode(t, o.login(t, newPhone("anna", "right"), desk), 200)
	before := o.Stats().Digests
	for i := range 1000 {
		guess := newPhone(fmt.Sprintf("user%d", i), "wrong")
		o.login(t, guess, officeAddress+":40777")
		o.at = o.at.Add(100 * time.Millisecond)
	}
	if n := o.Stats().Digests - before; n > 10 {
		t.Errorf("%d passwords were checked of 1,000 names, want at most 10", n)
	}
	again := newPhone("anna", "right")
	again.callID = "after-a-restart"
	wantCode(t, o.login(t, again, officeAddress+":40778"), 200)
	if got := o.login(t, newPhone("ben", "also right"), officeAddress+":40779"); !strings.HasPrefix(got, "SIP/2.0 401") {
		t.Errorf("a newcomer at an address that guesses got\n%s", got)
	}
	o.at = o.at.Add(11 * time.Minute)
	wantCode(t, o.login(t, newPhone("ben", "also right"), officeAddress+":40779"), 200)
}

func TestHomes(t *testing.T) {
	h := newHomes()
	at := func(i int) netip.Addr { return netip.AddrFrom4([4]byte{10, 0, 0, byte(i)}) }
	for i := range homesPerUser + 2 {
		h.add(epoch.Add(time.Duration(i)*time.Hour), at(i), "anna")
	}
	h.add(epoch, at(5), "ben")
	if h.has(at(0), "anna") || h.has(at(1), "anna") || !h.has(at(2), "anna") || h.phones[at(5)] != 2 || len(h.phones) != homesPerUser {
		t.Errorf("homes %v, phones %v", h.byUser, h.phones)
	}
	version := h.version
	h.add(epoch.Add(5*time.Hour+time.Minute), at(5), "anna")
	if h.version != version {
		t.Error("what is known changed something")
	}
	h.add(epoch.Add(7*time.Hour), at(2), "anna")
	if list := h.byUser["anna"]; len(list) != homesPerUser || list[0].Network != at(2) || h.phones[at(2)] != 1 {
		t.Errorf("homes %v, phones %v", list, h.phones)
	}
	h.forget(epoch.Add(homeFor + 3*time.Hour + time.Minute))
	if h.has(at(3), "anna") || h.has(at(5), "ben") || len(h.byUser) != 1 || len(h.byUser["anna"]) != 3 || len(h.phones) != 3 {
		t.Errorf("after a week: homes %v, phones %v", h.byUser, h.phones)
	}
}

// Over TCP an office may have as many connections as it has phones, and more;
// others a hundred.
func TestOfficeOverTCP(t *testing.T) {
	s := newSwitchboard(t, Config{Offices: []string{"127.0.0.1"}}, time.Now)
	const phones = 150
	var wg sync.WaitGroup
	wires := make([]*wire, phones)
	for i := range wires {
		wires[i] = s.dial(t, "tcp")
	}
	answers := make([]string, phones)
	for i, w := range wires {
		wg.Go(func() {
			p := newPhone(fmt.Sprint("nobody", i), "x")
			p.transport = "TCP"
			w.send(p.register())
			answers[i] = w.receive(patience)
		})
	}
	wg.Wait()
	heard := 0
	for _, a := range answers {
		if strings.HasPrefix(a, "SIP/2.0 401 ") {
			heard++
		}
	}
	if st := s.agent.Stats(); heard != phones || st.BlockedConns != 0 {
		t.Errorf("%d of %d phones were answered, %d connections refused", heard, phones, st.BlockedConns)
	}
}

// TestS06ManySources (S-6): thousands of addresses, each below its own limit, are
// heard together as often as strangers may be; offices are heard all the same.
func TestS06ManySources(t *testing.T) {
	o := newBigOffice(Config{})
	o.trickleIn(t)
	o.at = o.at.Add(floodWindow)
	heard := 0
	for i := range 20_000 {
		if o.Allow(netip.AddrPortFrom(netip.AddrFrom4([4]byte{203, 0, byte(i % 10_000 >> 8), byte(i % 10_000)}), 5060)) {
			heard++
		}
	}
	if heard != strangersLimit || o.Stats().Flooders != 0 {
		t.Errorf("heard %d of 20,000 messages, want %d; stats %+v", heard, strangersLimit, o.Stats())
	}
	if in := o.comeBack(t); in != officeSize {
		t.Errorf("in the middle of it %d of %d phones got in", in, officeSize)
	}
	o.at = o.at.Add(strangersWindow)
	if !o.Allow(netip.MustParseAddrPort("198.51.100.7:5060")) {
		t.Error("a phone that nobody knows is not heard soon after the flood")
	}
}
