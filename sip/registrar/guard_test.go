package registrar

import (
	"fmt"
	"net/netip"
	"testing"
	"time"
)

// S-4: one address guesses at one account.
func TestS04Guesser(t *testing.T) {
	o := newOffice(Config{})
	p := newPhone("anna", "wrong")
	answered := 0
	for range 200 {
		p.nonce = ""
		first := o.send(t, p.register(), desk)
		if first == "" {
			continue
		}
		p.challenged(t, first)
		if o.send(t, p.register(), desk) != "" {
			answered++
		}
		o.at = o.at.Add(100 * time.Millisecond)
	}
	if s := o.Stats(); s.Digests > 10 || s.Guessers != 1 || answered != 5 {
		t.Errorf("%d answers, stats %+v; want 5 answers, at most 10 digests and one block", answered, s)
	}
	o.at = o.at.Add(10 * time.Minute)
	p.password = "right"
	wantCode(t, o.login(t, p, desk), 200)
}

// S-4: many addresses guess at one account; its owner works on.
func TestS04AccountUnderAttack(t *testing.T) {
	o := newOffice(Config{})
	owner := newPhone("anna", "right")
	wantCode(t, o.login(t, owner, desk), 200)
	before := o.Stats().Digests
	for i := range 500 {
		p := newPhone("anna", "wrong")
		source := fmt.Sprintf("203.0.%d.%d:5060", 113+i/250, i%250+1)
		p.challenged(t, o.send(t, p.register(), source))
		wantCode(t, o.send(t, p.register(), source), 401)
		o.at = o.at.Add(20 * time.Millisecond) // 10 s in all
	}
	if n := o.Stats().Digests - before; n < 10 || n > 16 {
		t.Errorf("%d passwords were checked in 10 s, want 5 and then one a second", n)
	}
	wantCode(t, o.login(t, owner, "198.51.100.7:41000"), 200) // new port, known address
}

// One phone with an old password does not lock out its office.
func TestOldPasswordBlocksOnlyItsUser(t *testing.T) {
	o := newOffice(Config{})
	wantCode(t, o.login(t, newPhone("anna", "right"), desk), 200)
	old := newPhone("ben", "old")
	const oldDesk = "198.51.100.7:40055"
	for range 10 {
		o.login(t, old, oldDesk)
	}
	if s := o.Stats(); s.Failures != 5 || s.Throttled != 5 {
		t.Errorf("stats = %+v, want 5 failures and 5 refused tries", s)
	}
	again := newPhone("anna", "right")
	again.callID = "after-a-restart"
	wantCode(t, o.login(t, again, "198.51.100.7:40077"), 200)
}

// S-7, and S-3: a scanner is heard for 100 messages.
func TestS07Flood(t *testing.T) {
	o := newOffice(Config{})
	const scanner = "203.0.113.50"
	heard := 0
	for i := range 1000 { // ports change, the address does not
		if o.Allow(netip.AddrPortFrom(netip.MustParseAddr(scanner), uint16(1024+i))) {
			heard++
		}
		o.at = o.at.Add(time.Millisecond)
	}
	if heard != floodLimit || o.Stats().Flooders != 1 || o.Stats().Dropped != 900 {
		t.Errorf("heard %d messages, want %d; stats %+v", heard, floodLimit, o.Stats())
	}
	o.at = o.at.Add(floodBlock)
	if !o.Allow(netip.MustParseAddrPort(scanner + ":5060")) {
		t.Error("still blocked after 5 minutes")
	}
	for range 1000 { // 50 a second is not a flood
		o.at = o.at.Add(20 * time.Millisecond)
		if !o.Allow(netip.MustParseAddrPort("203.0.113.51:5060")) {
			t.Fatal("a source that behaves was blocked")
		}
	}
	wantCode(t, o.login(t, newPhone("anna", "right"), desk), 200)
	for range 1000 {
		if !o.Allow(netip.MustParseAddrPort(desk)) {
			t.Fatal("a registered phone was blocked")
		}
	}
}

func TestNetworkIsOneSource(t *testing.T) {
	for a, want := range map[string]string{
		"192.0.2.1":             "192.0.2.1",
		"::ffff:192.0.2.1":      "192.0.2.1",
		"2001:db8:1:2:3:4:5:6":  "2001:db8:1:2::",
		"fe80::1234:5678%eth0":  "fe80::",
		"2001:db8:1:2:ffff::99": "2001:db8:1:2::",
	} {
		if got := network(netip.MustParseAddr(a)).String(); got != want {
			t.Errorf("network(%s) = %s, want %s", a, got, want)
		}
	}
}

func TestS06TablesAreBounded(t *testing.T) {
	g := newGuard(5, time.Minute)
	for i := range tableSize + 5000 {
		a := netip.AddrFrom4([4]byte{10, byte(i >> 16), byte(i >> 8), byte(i)})
		g.hear(epoch, a)
		g.failed(epoch, a, fmt.Sprint(i))
	}
	if g.sources.len() != tableSize || g.users.len() != tableSize || g.pairs.len() > tableSize {
		t.Errorf("%d sources, %d users, %d pairs; want at most %d", g.sources.len(), g.users.len(), g.pairs.len(), tableSize)
	}
}
