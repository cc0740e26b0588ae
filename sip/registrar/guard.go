package registrar

import (
	"net/netip"
	"slices"
	"sync"
	"time"
)

const (
	tableSize = 100_000 // sources and users remembered, each

	// An address where no phone is at home and that sends more than floodLimit
	// messages in floodWindow is not heard for floodBlock. Where phones are at
	// home it may send perPhone more for each of them, which is what a phone says
	// that registers and is not answered at once; what is beyond that is not
	// heard, but the address is never blocked: after a power cut a whole office
	// comes back in one moment.
	floodLimit  = 100
	floodWindow = 2 * time.Second
	floodBlock  = 5 * time.Minute
	perPhone    = 10

	// All addresses where no phone is at home together are heard this often in
	// strangersWindow: a flood from thousands of addresses, each of them below its own
	// limit, would cost us the time of the audio. A phone that nobody knows is heard again
	// a window after the flood at the latest; and a window has room for a proxy whose
	// phones all come back in one moment.
	strangersLimit  = 1000
	strangersWindow = time.Second

	// An account under attack takes one try per throttle from addresses at
	// which it never registered.
	throttle = time.Second
)

// guard decides who is heard. It counts messages and failed passwords per
// address, and failed passwords per user, and knows where users are at home. It
// is a leaf: it has its own lock.
type guard struct {
	blockAfter int
	blockFor   time.Duration
	offices    []netip.Prefix // where phones are at home before the first has registered

	mu      sync.Mutex
	sources *lru[netip.Addr, source]
	users   *lru[string, account]
	pairs   *lru[pair, source]
	homes   *homes
	counts  guardCounts

	strangersAt time.Time // begin of the window of all strangers
	strangers   int       // messages of theirs in it
}

// pair is a user at an address that others share.
type pair struct {
	network netip.Addr
	user    string
}

type guardCounts struct {
	flooders, guessers uint64 // blocks begun
	dropped            uint64 // messages of blocked sources
	throttled          uint64 // tries refused for the account's sake
	crowded            uint64 // messages beyond what an office may send, or all strangers together
}

// source is what we know of an address.
type source struct {
	windowAt time.Time // begin of the flood window
	messages int       // in it
	failedAt time.Time // last failed password
	failures int       // until blockFor after the last
	until    time.Time // blocked before this
}

// account is what we know of a user name, whether it exists or not.
type account struct {
	failures int
	failedAt time.Time
	nextTry  time.Time
}

func newGuard(blockAfter int, blockFor time.Duration, offices ...netip.Prefix) *guard {
	return &guard{
		blockAfter: blockAfter, blockFor: blockFor, offices: offices, homes: newHomes(),
		sources: newLRU[netip.Addr, source](tableSize),
		users:   newLRU[string, account](tableSize),
		pairs:   newLRU[pair, source](tableSize),
	}
}

// network is what counts as one source: an IPv4 address, or the /64 of an
// IPv6 one, of which a single host has 2^64 addresses.
func network(a netip.Addr) netip.Addr {
	a = a.Unmap().WithZone("")
	if a.Is6() {
		prefix, _ := a.Prefix(64) // 64 is always in range
		return prefix.Addr()
	}
	return a
}

// officePhones is how many phones an address is ready for that the configuration
// calls an office and where none is at home yet.
const officePhones = 500

// phones is how many users are at home at a network; mu is held.
func (g *guard) phones(at netip.Addr) int {
	n := g.homes.phones[at]
	if slices.ContainsFunc(g.offices, func(p netip.Prefix) bool { return p.Contains(at) }) {
		n = max(n, officePhones)
	}
	return n
}

// hear counts one message of an unknown source, and says whether to read it.
func (g *guard) hear(now time.Time, from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := network(from)
	s, _ := g.sources.put(at)
	phones := g.phones(at)
	if phones == 0 && now.Before(s.until) {
		g.counts.dropped++
		return false
	}
	if now.Sub(s.windowAt) >= floodWindow {
		s.windowAt, s.messages = now, 0
	}
	if s.messages++; s.messages <= floodLimit+perPhone*phones {
		return phones > 0 || g.hearStranger(now)
	}
	if phones > 0 {
		g.counts.crowded++
		return false
	}
	s.until = now.Add(floodBlock)
	g.counts.flooders++
	g.counts.dropped++
	return false
}

// hearStranger counts one message against what all strangers have together; mu is
// held.
func (g *guard) hearStranger(now time.Time) bool {
	if now.Sub(g.strangersAt) >= strangersWindow {
		g.strangersAt, g.strangers = now, 0
	}
	if g.strangers++; g.strangers <= strangersLimit {
		return true
	}
	g.counts.crowded++
	return false
}

// blocked says whether an address is being ignored.
func (g *guard) blocked(now time.Time, from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := network(from)
	s := g.sources.get(at)
	return s != nil && now.Before(s.until) && g.phones(at) == 0
}

// mayTry says whether a password for the user may be checked now. An account
// with many failures takes one try a second, but its owner, at an address
// where the right password came from before, does not wait for strangers. At
// an address of an office that guesses, only those who are at home there try.
func (g *guard) mayTry(now time.Time, from netip.Addr, user string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := network(from)
	if s := g.pairs.get(pair{at, user}); s != nil && now.Before(s.until) {
		g.counts.throttled++
		return false
	}
	if g.homes.has(at, user) {
		return true
	}
	if s := g.sources.get(at); s != nil && now.Before(s.until) {
		g.counts.throttled++
		return false
	}
	a := g.users.get(user)
	if a == nil || a.failures < g.blockAfter {
		return true
	}
	if now.Sub(a.failedAt) > g.blockFor {
		a.failures = 0
		return true
	}
	if now.Before(a.nextTry) {
		g.counts.throttled++
		return false
	}
	a.nextTry = now.Add(throttle)
	return true
}

// failed notes a wrong password, or one for nobody. Where phones are at home
// one phone with an old password must not lock out the whole office: only this
// user is blocked there, and after as many failures for each phone, everybody
// who is not at home there.
func (g *guard) failed(now time.Time, from netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	at := network(from)
	if !g.homes.has(at, user) {
		a, _ := g.users.put(user)
		a.failures++
		a.failedAt = now
		a.nextTry = now.Add(throttle)
	}
	s, _ := g.sources.put(at)
	phones := g.phones(at)
	if phones > 0 {
		p, _ := g.pairs.put(pair{at, user})
		g.fail(now, p, g.blockAfter)
	}
	g.fail(now, s, g.blockAfter*max(phones, 1))
}

// fail counts a failure and blocks where there are too many; mu is held.
func (g *guard) fail(now time.Time, s *source, blockAfter int) {
	if now.Sub(s.failedAt) > g.blockFor {
		s.failures = 0
	}
	s.failedAt = now
	if s.failures++; s.failures >= blockAfter {
		s.failures = 0
		s.until = now.Add(g.blockFor)
		g.counts.guessers++
	}
}

// succeeded notes the right password: the address becomes a home of the user.
// The failures of the address stay: who has one account may not guess at
// others with it.
func (g *guard) succeeded(now time.Time, from netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.homes.add(now, network(from), user)
}

// connections is how many connections a transport may take from an address: a
// few for each phone that is at home there.
func (g *guard) connections(from netip.Addr) int {
	g.mu.Lock()
	defer g.mu.Unlock()
	return connsPerPhone * g.phones(network(from))
}

// connsPerPhone allows for one that is dead and not yet known to be.
const connsPerPhone = 3

// tidy forgets homes that are too old.
func (g *guard) tidy(now time.Time) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.homes.forget(now)
}

func (g *guard) stats() guardCounts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts
}
