package trunk

import (
	"context"
	"math/rand/v2"
	"net/netip"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/sip/resolver"
)

const (
	missesToDown = 3
	hitsToUp     = 2
	// optionsTimeout is how long an OPTIONS may take: longer than three
	// retransmissions over UDP (0.5, 1 and 2 s).
	optionsTimeout = 5 * time.Second
	lookupTimeout  = 15 * time.Second
	// lookupPause is the least time between two looks at a name, and how soon one
	// that nobody could tell is asked for again.
	lookupPause = 5 * time.Second
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

// Run looks names up, checks the health of every target and keeps the
// registrations until ctx ends. It returns when all of that has stopped.
func (t *Trunks) Run(ctx context.Context) error {
	var wg sync.WaitGroup
	defer wg.Wait()
	for _, c := range t.carriers {
		for _, p := range c.everyPlace() {
			wg.Go(func() { t.watch(ctx, c, p) })
		}
		if c.cfg.Register.Enabled {
			wg.Go(func() { t.keepRegistered(ctx, c) })
		}
	}
	<-ctx.Done()
	return context.Cause(ctx)
}

// watch looks after one place: what its name stands for, and whether each of
// these servers answers.
func (t *Trunks) watch(ctx context.Context, c *carrier, p *place) {
	var wg sync.WaitGroup
	defer wg.Wait()
	watched := map[*target]context.CancelFunc{}
	defer func() {
		for _, stop := range watched {
			stop()
		}
	}()
	for {
		until := t.lookup(ctx, c, p)
		t.mu.Lock()
		targets := p.targets
		t.mu.Unlock()
		t.watchTargets(ctx, &wg, c, targets, watched)
		if p.fixed {
			<-ctx.Done()
			return
		}
		if !sleep(ctx, max(until.Sub(t.now()), lookupPause)) {
			return
		}
	}
}

// watchTargets begins to check the targets that are new, and stops with those
// that are gone.
func (t *Trunks) watchTargets(ctx context.Context, wg *sync.WaitGroup, c *carrier, targets []*target, watched map[*target]context.CancelFunc) {
	stay := map[*target]bool{}
	for _, tg := range targets {
		stay[tg] = true
		if watched[tg] == nil && c.cfg.OptionsInterval > 0 {
			within, stop := context.WithCancel(ctx)
			watched[tg] = stop
			wg.Go(func() { t.checkOften(within, c, tg) })
		}
	}
	for tg, stop := range watched {
		if !stay[tg] {
			stop()
			delete(watched, tg)
		}
	}
}

// checkOften checks a target until ctx ends. The first check comes at once, but
// spread over a second, so that a restart does not hit a carrier with all checks
// together.
func (t *Trunks) checkOften(ctx context.Context, c *carrier, tg *target) {
	interval := c.cfg.OptionsInterval
	wait := time.Duration(rand.Int64N(int64(min(interval, time.Second))))
	for sleep(ctx, wait) {
		t.check(ctx, c, tg)
		wait = interval - interval/10 + time.Duration(rand.Int64N(int64(interval/5)))
	}
}

// check sends one OPTIONS and notes what came of it.
func (t *Trunks) check(ctx context.Context, c *carrier, tg *target) {
	within, cancel := context.WithTimeout(ctx, optionsTimeout)
	defer cancel()
	code, rtt, err := t.agent.Options(within, tg.transport, tg.address, tg.requestURI("", c.cfg.Domain, tg.transport))
	if ctx.Err() != nil {
		return // we stop: not the target's fault
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	was := tg.health.up
	if err != nil || code == 503 {
		tg.health.miss()
	} else {
		tg.health.hit(rtt)
	}
	if now := tg.health.up; now != was {
		t.log.Warn("target of a trunk changed", "trunk", c.cfg.Name, "target", tg.address, "answers", now)
	}
}

// lookup asks what the name of a place stands for, and says until when that
// holds. Where nobody can tell, the last known servers stay: the name server is
// not the carrier.
func (t *Trunks) lookup(ctx context.Context, c *carrier, p *place) time.Time {
	if p.fixed {
		return time.Time{}
	}
	within, cancel := context.WithTimeout(ctx, lookupTimeout)
	defer cancel()
	servers, until, err := t.resolver.Resolve(within, resolver.Query{Host: p.host, Port: p.port, Transport: p.Transport})
	if err != nil {
		if ctx.Err() == nil {
			t.log.Warn("name of a trunk not resolved", "trunk", c.cfg.Name, "name", p.host, "error", err)
		}
		return until
	}
	// The name may have servers of transports that we have no socket for.
	servers = slices.DeleteFunc(servers, func(s resolver.Server) bool { return !t.agent.Addr(s.Transport).IsValid() })
	if len(servers) == 0 {
		t.log.Warn("no server of a trunk takes a transport of ours", "trunk", c.cfg.Name, "name", p.host)
		return until
	}
	t.mu.Lock()
	p.set(servers)
	c.collect()
	t.mu.Unlock()
	t.learnSources()
	return until
}

// learnSources makes the list that Allow reads without a lock.
func (t *Trunks) learnSources() {
	t.mu.Lock()
	defer t.mu.Unlock()
	sources := make(map[netip.Addr]bool)
	for _, c := range t.carriers {
		for _, p := range c.everyPlace() {
			for _, tg := range p.targets {
				sources[tg.source] = true
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
// is no such target: what the certificate there must bear (RFC 5922: the name that
// was looked up, not what it stands for).
func (t *Trunks) NameOf(at netip.AddrPort) string {
	address := netip.AddrPortFrom(at.Addr().Unmap(), at.Port()).String()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.carriers {
		for _, p := range c.everyPlace() {
			if !p.fixed && slices.ContainsFunc(p.targets, func(tg *target) bool { return tg.address == address }) {
				return p.host
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
