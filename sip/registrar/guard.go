package registrar

import (
	"net/netip"
	"sync"
	"time"
)

const (
	tableSize = 100_000 // sources and users remembered, each

	// An unknown source that sends more than floodLimit messages in
	// floodWindow is not heard for floodBlock.
	floodLimit  = 100
	floodWindow = 2 * time.Second
	floodBlock  = 5 * time.Minute

	// An account under attack takes one try per throttle from addresses at
	// which it never registered.
	throttle     = time.Second
	homesPerUser = 4
)

// guard decides who is heard. It counts messages and failed passwords per
// address, and failed passwords per user. It is a leaf: it has its own lock.
type guard struct {
	blockAfter int
	blockFor   time.Duration

	mu      sync.Mutex
	sources *lru[netip.Addr, source]
	users   *lru[string, account]
	pairs   *lru[pair, source]
	counts  guardCounts
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
	homes    [homesPerUser]netip.Addr // where the right password came from, newest first
}

func newGuard(blockAfter int, blockFor time.Duration) *guard {
	return &guard{
		blockAfter: blockAfter, blockFor: blockFor,
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

// hear counts one message of an unknown source, and says whether to read it.
func (g *guard) hear(now time.Time, from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s, _ := g.sources.put(network(from))
	if now.Before(s.until) {
		g.counts.dropped++
		return false
	}
	if now.Sub(s.windowAt) >= floodWindow {
		s.windowAt, s.messages = now, 0
	}
	if s.messages++; s.messages <= floodLimit {
		return true
	}
	s.until = now.Add(floodBlock)
	g.counts.flooders++
	g.counts.dropped++
	return false
}

// blocked says whether an address is being ignored.
func (g *guard) blocked(now time.Time, from netip.Addr) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	s := g.sources.get(network(from))
	return s != nil && now.Before(s.until)
}

// mayTry says whether a password for the user may be checked now. An account
// with many failures takes one try a second, but its owner, at an address
// where the right password came from before, does not wait for strangers.
func (g *guard) mayTry(now time.Time, from netip.Addr, user string) bool {
	g.mu.Lock()
	defer g.mu.Unlock()
	if s := g.pairs.get(pair{network(from), user}); s != nil && now.Before(s.until) {
		g.counts.throttled++
		return false
	}
	a := g.users.get(user)
	if a == nil || a.failures < g.blockAfter || a.isHome(from) {
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

// failed notes a wrong password, or one for nobody. Where phones are
// registered from the address (shared), one phone with an old password must
// not lock out the whole office: only this user is blocked there.
func (g *guard) failed(now time.Time, from netip.Addr, user string, shared bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, _ := g.users.put(user)
	if !a.isHome(from) {
		a.failures++
		a.failedAt = now
		a.nextTry = now.Add(throttle)
	}
	var s *source
	if shared {
		s, _ = g.pairs.put(pair{network(from), user})
	} else {
		s, _ = g.sources.put(network(from))
	}
	if now.Sub(s.failedAt) > g.blockFor {
		s.failures = 0
	}
	s.failedAt = now
	if s.failures++; s.failures >= g.blockAfter {
		s.failures = 0
		s.until = now.Add(g.blockFor)
		g.counts.guessers++
	}
}

// succeeded notes the right password: the address becomes a home of the user.
// The failures of the address stay: who has one account may not guess at
// others with it.
func (g *guard) succeeded(from netip.Addr, user string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	a, _ := g.users.put(user)
	if a.homes[0] == network(from) {
		return
	}
	kept := [homesPerUser]netip.Addr{network(from)}
	n := 1
	for _, home := range a.homes {
		if home.IsValid() && home != network(from) && n < homesPerUser {
			kept[n] = home
			n++
		}
	}
	a.homes = kept
}

func (a *account) isHome(from netip.Addr) bool {
	from = network(from)
	for _, home := range a.homes {
		if home == from {
			return true
		}
	}
	return false
}

func (g *guard) stats() guardCounts {
	g.mu.Lock()
	defer g.mu.Unlock()
	return g.counts
}
