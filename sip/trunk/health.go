package trunk

import (
	"context"
	"math/rand/v2"
	"net"
	"net/netip"
	"slices"
	"strconv"
	"sync"
	"time"
)

const (
	missesToDown = 3
	hitsToUp     = 2
	// optionsTimeout is how long an OPTIONS may take: longer than three
	// retransmissions over UDP (0.5, 1 and 2 s).
	optionsTimeout = 5 * time.Second
	lookupTimeout  = 5 * time.Second
	// refreshNames is how often names are looked up where OPTIONS are off.
	refreshNames = 30 * time.Second
)

// health follows a target by its answers to OPTIONS. It is pure.
type health struct {
	up     bool
	hits   int // in a row
	misses int // in a row
	rtt    time.Duration
}

// hit notes an answer: any final response but 503 shows a living server.
func (h *health) hit(rtt time.Duration) {
	h.rtt, h.misses = rtt, 0
	if h.hits++; h.hits >= hitsToUp {
		h.up = true
	}
}

// miss notes a 503 or no answer.
func (h *health) miss() {
	h.hits = 0
	if h.misses++; h.misses >= missesToDown {
		h.up = false
	}
}

// Run checks the health of every target until ctx ends, and looks up the
// names of targets that are not addresses. It returns when the last check has
// stopped.
func (t *Trunks) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range t.carriers {
		for _, tg := range c.targets {
			wg.Go(func() { t.watch(ctx, candidate{c, tg}) })
		}
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// watch looks after one target. The first look comes at once, but spread over
// a second, so that a restart does not hit a carrier with all checks together.
func (t *Trunks) watch(ctx context.Context, c candidate) {
	interval, options := c.carrier.cfg.OptionsInterval, true
	if interval < 0 {
		interval, options = refreshNames, false
	}
	wait := time.Duration(rand.Int64N(int64(min(interval, time.Second))))
	for sleep(ctx, wait) {
		t.lookup(ctx, c.target)
		if options {
			t.check(ctx, c)
		}
		wait = interval - interval/10 + time.Duration(rand.Int64N(int64(interval/5)))
	}
}

// check sends one OPTIONS and notes what came of it.
func (t *Trunks) check(ctx context.Context, c candidate) {
	t.mu.Lock()
	known := len(c.target.addrs) > 0
	var destination string
	if known {
		destination = c.target.destination()
	}
	t.mu.Unlock()
	if !known {
		return // up() is false without an address
	}
	within, cancel := context.WithTimeout(ctx, optionsTimeout)
	defer cancel()
	code, rtt, err := t.agent.Options(within, c.target.Transport, destination, c.requestURI(""))
	if ctx.Err() != nil {
		return // we stop: not the target's fault
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	if err != nil || code == 503 {
		c.target.health.miss()
		return
	}
	c.target.health.hit(rtt)
}

// lookup finds the addresses of a target that has a name. If that fails the
// last known ones stay: the name server is not the carrier.
func (t *Trunks) lookup(ctx context.Context, tg *target) {
	if _, err := netip.ParseAddr(tg.host); err == nil {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	addrs, err := net.DefaultResolver.LookupNetIP(ctx, "ip", tg.host)
	if err != nil || len(addrs) == 0 {
		return
	}
	for i := range addrs {
		addrs[i] = addrs[i].Unmap()
	}
	t.mu.Lock()
	tg.addrs = ipv4First(addrs)
	t.mu.Unlock()
	t.learnSources()
}

// ipv4First puts IPv4 addresses first: few carriers speak SIP over IPv6.
func ipv4First(addrs []netip.Addr) []netip.Addr {
	var four, six []netip.Addr
	for _, a := range addrs {
		if a.Is4() {
			four = append(four, a)
		} else {
			six = append(six, a)
		}
	}
	return append(four, six...)
}

// learnSources makes the list that Allow reads without a lock.
func (t *Trunks) learnSources() {
	t.mu.Lock()
	defer t.mu.Unlock()
	sources := make(map[netip.Addr]bool)
	for _, c := range t.carriers {
		for _, tg := range c.targets {
			for _, a := range tg.addrs {
				sources[a] = true
			}
		}
	}
	t.allow.Store(&sources)
}

// Allow says whether a message from this source may be read: it comes from
// the address of a target, on whatever port. It is asked for every datagram,
// takes no lock and allocates nothing.
func (t *Trunks) Allow(source netip.AddrPort) bool {
	return (*t.allow.Load())[source.Addr().Unmap()]
}

// NameOf is the host name of the target at an address, "" where it has none or there
// is no such target: what the certificate there must bear.
func (t *Trunks) NameOf(at netip.AddrPort) string {
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.carriers {
		for _, tg := range c.targets {
			if tg.port == strconv.Itoa(int(at.Port())) && slices.Contains(tg.addrs, at.Addr().Unmap()) {
				if _, err := netip.ParseAddr(tg.host); err != nil {
					return tg.host
				}
			}
		}
	}
	return ""
}

// sleep waits, and says false if ctx ended.
func sleep(ctx context.Context, d time.Duration) bool {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return true
	case <-ctx.Done():
		return false
	}
}
