package trunk

import (
	"context"
	"fmt"
	"math/rand/v2"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

const (
	// A refresh leaves after 80 to 90 % of the interval, each time at another
	// moment, so that many do not come together.
	refreshFrom, refreshSpan = 0.8, 0.1
	// Failures are followed by pauses that double, with a fifth of play. One that
	// says that our account is wrong begins later: registrars lock out who hammers.
	firstRetry   = 5 * time.Second
	refusedRetry = 30 * time.Second
	longestRetry = 5 * time.Minute
	// registerTimeout is how long one REGISTER with its challenges may take.
	registerTimeout = 10 * time.Second
)

// registration follows our binding at a carrier's registrar (RFC 3261 section
// 10). It is pure: the caller gives the time and a random number in [0, 1).
type registration struct {
	asks     time.Duration // the interval to ask for
	until    time.Time     // bound until then
	next     time.Time     // when the next REGISTER leaves
	failures int           // in a row
	why      string        // of the last failure
}

// bound says whether the registrar has our contact now.
func (r *registration) bound(now time.Time) bool { return now.Before(r.until) }

// answered takes the registrar's answer to a REGISTER that left at sent.
func (r *registration) answered(sent, now time.Time, a sip.Registered, chance float64) {
	switch {
	case a.Expires > 0:
		*r = registration{asks: r.asks, until: sent.Add(a.Expires)}
		r.next = sent.Add(time.Duration((refreshFrom + refreshSpan*chance) * float64(a.Expires)))
	case a.Code == 423 && a.MinExpires > r.asks:
		r.asks, r.next = a.MinExpires, now
	default:
		first := firstRetry
		switch a.Code {
		case 401, 403, 404, 407:
			first = refusedRetry
		}
		r.failed(now, strings.TrimSpace(fmt.Sprintf("%d %s", a.Code, a.Text)), first, chance)
		r.next = later(r.next, now.Add(min(a.RetryAfter, longestRetry)))
	}
}

// failed notes that nothing came of a REGISTER.
func (r *registration) failed(now time.Time, why string, first time.Duration, chance float64) {
	pause := min(first<<min(r.failures, 10), longestRetry)
	r.failures++
	r.why = why
	r.next = now.Add(time.Duration((0.9 + 0.2*chance) * float64(pause)))
}

func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// keepRegistered registers a carrier's contact again and again until ctx ends, or
// until Leave, which takes it back.
func (t *Trunks) keepRegistered(ctx context.Context, c *carrier) {
	defer close(c.left)
	b := &sip.Binding{Credentials: c.credentials()}
	for {
		t.mu.Lock()
		wait := c.registration.next.Sub(t.now())
		t.mu.Unlock()
		timer := time.NewTimer(wait)
		select {
		case <-timer.C:
			t.register(ctx, c, b)
		case <-t.leaving:
			timer.Stop()
			t.unregister(ctx, c, b)
			return
		case <-ctx.Done():
			timer.Stop()
			return
		}
	}
}

// register sends one REGISTER and notes what came of it. After a failure the next
// server of the registrar has its turn.
func (t *Trunks) register(ctx context.Context, c *carrier, b *sip.Binding) {
	t.mu.Lock()
	r := &c.registration
	was := r.bound(t.now())
	known := c.at(b, r.failures)
	asks := r.asks
	t.mu.Unlock()
	sent := t.now()
	var answer sip.Registered
	var err error
	if known {
		within, cancel := context.WithTimeout(ctx, registerTimeout)
		answer, err = t.agent.Register(within, b, asks)
		cancel()
	}
	if ctx.Err() != nil {
		return
	}
	t.mu.Lock()
	defer t.mu.Unlock()
	now := t.now()
	switch {
	case !known:
		r.failed(now, "the registrar's name is not resolved", firstRetry, 0)
	case err != nil:
		r.failed(now, "no answer", firstRetry, rand.Float64())
	default:
		r.answered(sent, now, answer, rand.Float64())
	}
	t.tellRegistration(c, was, now)
}

// tellRegistration logs what changed, and every failure.
func (t *Trunks) tellRegistration(c *carrier, was bool, now time.Time) {
	r := &c.registration
	switch {
	case r.failures > 0:
		t.log.Warn("trunk not registered", "trunk", c.cfg.Name, "why", r.why, "bound", r.bound(now), "again_in", r.next.Sub(now).Round(time.Second))
	case r.bound(now) && !was:
		t.log.Info("trunk registered", "trunk", c.cfg.Name, "expires_in", r.until.Sub(now).Round(time.Second))
	}
}

// at points a binding to a server of the registrar; false while none is known.
func (c *carrier) at(b *sip.Binding, failures int) bool {
	p := c.registrar
	if len(p.targets) == 0 {
		return false
	}
	tg := p.targets[failures%len(p.targets)]
	domain := c.cfg.Domain
	b.Transport, b.Destination = tg.transport, tg.address
	b.RequestURI = tg.requestURI("", domain, tg.transport)
	if domain == "" {
		domain = tg.host
	}
	b.Address = "sip:" + c.cfg.Register.user(c.cfg.Username) + "@" + bracketed(domain)
	return true
}

// unregister takes our contact back: the carrier shall send nothing to a process
// that is gone.
func (t *Trunks) unregister(ctx context.Context, c *carrier, b *sip.Binding) {
	t.mu.Lock()
	now := t.now()
	bound := c.registration.bound(now)
	c.registration.until, c.registration.why = time.Time{}, "the product stops"
	t.mu.Unlock()
	if !bound {
		return
	}
	within, cancel := context.WithTimeout(ctx, registerTimeout)
	defer cancel()
	if _, err := t.agent.Register(within, b, 0); err != nil {
		t.log.Warn("trunk not unregistered: its registration runs out by itself", "trunk", c.cfg.Name, "error", err)
	}
}

// Leave takes all registrations back, before the end of Run, and returns when
// that is done or ctx ends. No call can be placed over these trunks after it.
func (t *Trunks) Leave(ctx context.Context) {
	t.leaveOnce.Do(func() { close(t.leaving) })
	for _, c := range t.carriers {
		if !c.cfg.Register.Enabled {
			continue
		}
		select {
		case <-c.left:
		case <-ctx.Done():
			return
		}
	}
}
