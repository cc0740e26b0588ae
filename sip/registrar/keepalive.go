package registrar

import (
	"context"
	"errors"
	"math/rand/v2"
	"net/netip"
	"os"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

const (
	keepAliveTick    = time.Second
	keepAliveTimeout = 5 * time.Second // longer than three retransmissions
	lostAfter        = 3               // keep-alives in a row without an answer
)

// Run sends events, asks each phone from time to time whether it is still
// there, and forgets those that are not, until ctx ends. It returns when the
// last question has stopped.
func (r *Registrar) Run(ctx context.Context) error {
	var asking sync.WaitGroup
	defer asking.Wait()
	tick := time.NewTicker(keepAliveTick)
	defer tick.Stop()
	tidy := time.NewTicker(time.Hour)
	defer tidy.Stop()
	for {
		select {
		case <-r.wake:
		case <-tick.C:
			for _, b := range r.due() {
				asking.Go(func() { r.ask(ctx, b) })
			}
		case <-tidy.C:
			r.guard.tidy(r.now())
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		r.flush()
	}
}

// flush emits what was told since the last time.
func (r *Registrar) flush() {
	r.mu.Lock()
	events := r.outbox
	r.outbox = nil
	r.mu.Unlock()
	for _, ev := range events {
		r.emit(ev)
	}
}

// due forgets what has expired and returns the phones to be asked now.
func (r *Registrar) due() []Binding {
	now := r.now()
	r.mu.Lock()
	defer r.mu.Unlock()
	var due []Binding
	for _, b := range r.bindings.users {
		switch {
		case !now.Before(b.Expires):
			r.lose(b)
		case !b.asking && !now.Before(b.nextAt):
			b.asking = true
			due = append(due, *b)
		}
	}
	return due
}

// ask sends one OPTIONS, which also keeps the phone's NAT open. Any answer
// shows that the phone is there, unless a proxy gives it in the phone's place.
func (r *Registrar) ask(ctx context.Context, asked Binding) {
	within, cancel := context.WithTimeout(ctx, keepAliveTimeout)
	defer cancel()
	code, _, err := r.agent.OptionsBy(within, asked.Path, asked.Transport, asked.Source.String(), asked.Contact)
	reached := err == nil && (len(asked.Path) == 0 || !slices.Contains(notReached, code))
	r.mu.Lock()
	defer r.mu.Unlock()
	b := r.bindings.users[asked.User]
	if b == nil || b.Source != asked.Source || b.origin != asked.origin || ctx.Err() != nil {
		return // the phone has moved or gone meanwhile, or we stop
	}
	b.asking = false
	b.nextAt = r.now().Add(r.cfg.KeepAlive - r.cfg.KeepAlive/10 + spread(r.cfg.KeepAlive/5))
	switch {
	case reached:
		b.misses = 0
	case err != nil && b.Transport != "udp" && len(b.Path) == 0 && !isTimeout(err):
		r.lose(b) // the connection is gone, and behind NAT only the phone can open a new one
	default:
		if b.misses++; b.misses >= lostAfter {
			r.lose(b)
		}
	}
}

// Disconnected says that a connection has closed: the phone behind it is gone
// until it registers again.
func (r *Registrar) Disconnected(source netip.AddrPort) {
	source = unmapped(source)
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.bindings.sources[source] == 0 && !r.isProxy(source.Addr()) {
		return
	}
	for _, b := range r.bindings.users {
		if b.Transport != "udp" && b.Source == source {
			r.lose(b)
		}
	}
}

// lose forgets a phone that went without saying so. The caller holds mu.
func (r *Registrar) lose(b *Binding) {
	r.bindings.unbind(b)
	r.counts.lostFlows.Add(1)
	r.tell(sip.PhoneOffline{User: b.User, At: r.now()})
}

func isTimeout(err error) bool {
	return errors.Is(err, context.DeadlineExceeded) || errors.Is(err, os.ErrDeadlineExceeded)
}

// spread is a random part of d, so that phones that came together are not
// asked together.
func spread(d time.Duration) time.Duration {
	return time.Duration(rand.Int64N(max(int64(d), 1)))
}
