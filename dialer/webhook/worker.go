package webhook

import (
	"cmp"
	"context"
	"errors"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
)

const (
	// parallel is how many leads an endpoint is told of at a time.
	parallel = 16
	// An endpoint is held for so long at a time; it is renewed in the second half.
	leaseFor = 2 * time.Minute
	// pauseAfter is how long a worker rests when the store refuses something: were it
	// not, what is delivered and cannot be noted would be delivered without end.
	pauseAfter = 5 * time.Second
)

// worker tells one endpoint.
type worker struct {
	r        *Room
	endpoint atomic.Pointer[campaigns.Endpoint]
	stopping context.Context // of run
	stop     context.CancelFunc
	over     chan struct{} // closed when run has returned
	wake     chan struct{}
	heldTo   time.Time // zero: it is not held

	mu     sync.Mutex
	flying map[string]bool // keys with a try under way
	failed bool            // the store did not take a result
}

func newWorker(r *Room) *worker {
	return &worker{r: r, over: make(chan struct{}), wake: make(chan struct{}, 1), flying: map[string]bool{}}
}

func (w *worker) look() {
	select {
	case w.wake <- struct{}{}:
	default:
	}
}

// run tells the endpoint until ctx ends.
func (w *worker) run(ctx context.Context) {
	defer close(w.over)
	id := w.endpoint.Load().ID
	var tries sync.WaitGroup
	defer func() {
		tries.Wait()
		if !w.heldTo.IsZero() { // the next one need not wait
			_ = w.r.d.Outbox.FreeEndpoint(context.WithoutCancel(ctx), id, w.r.d.Holder)
		}
	}()
	for ctx.Err() == nil {
		err := w.round(ctx, id, &tries)
		if err != nil && ctx.Err() == nil {
			w.r.d.Log.Warn("an endpoint is not told", zap.String("endpoint", string(id)), zap.Error(err))
		}
		var wake <-chan struct{} = w.wake
		var rest time.Duration
		if w.tookFailure() {
			w.heldTo, wake, rest = time.Time{}, nil, pauseAfter // it may be somebody else's now
		}
		if err != nil {
			wake, rest = nil, pauseAfter
		}
		pause := time.NewTimer(cmp.Or(rest, w.r.d.LookEvery))
		select {
		case <-wake:
		case <-pause.C:
		case <-ctx.Done():
		}
		pause.Stop()
	}
}

func (w *worker) tookFailure() bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	failed := w.failed
	w.failed = false
	return failed
}

// round begins the tries that are due, as far as there is room for them.
func (w *worker) round(ctx context.Context, id campaigns.EndpointID, tries *sync.WaitGroup) error {
	if held, err := w.hold(ctx, id); err != nil || !held {
		return err
	}
	if err := w.r.d.Outbox.Spread(ctx); err != nil {
		return err
	}
	due, err := w.r.d.Outbox.DueDeliveries(ctx, id, time.Now(), 2*parallel)
	if err != nil {
		return err
	}
	for _, d := range due {
		if !w.take(d.Event.Key) {
			continue
		}
		heldTo := w.heldTo
		tries.Go(func() {
			defer w.look() // the next of its key
			defer w.give(d.Event.Key)
			// Whoever slept or waited for the store since may have lost the endpoint: what it
			// took then would come once more, after what its next holder tells of the same key.
			if time.Until(heldTo) >= sendWithin {
				w.try(ctx, d)
			}
		})
	}
	return nil
}

// hold takes or renews the lease. What is begun must end within it.
func (w *worker) hold(ctx context.Context, id campaigns.EndpointID) (bool, error) {
	now := time.Now()
	if now.Before(w.heldTo.Add(-leaseFor / 2)) {
		return true, nil
	}
	held, err := w.r.d.Outbox.HoldEndpoint(ctx, id, w.r.d.Holder, leaseFor)
	if err != nil {
		return now.Before(w.heldTo.Add(-2 * sendWithin)), err
	}
	w.heldTo = time.Time{}
	if held {
		w.heldTo = now.Add(leaseFor)
	}
	return held, nil
}

// take begins a try for a key, unless one is under way or there are too many.
func (w *worker) take(key string) bool {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.flying[key] || len(w.flying) >= parallel {
		return false
	}
	w.flying[key] = true
	return true
}

func (w *worker) give(key string) {
	w.mu.Lock()
	defer w.mu.Unlock()
	delete(w.flying, key)
}

// try makes one try and notes what came of it.
func (w *worker) try(ctx context.Context, d campaigns.Delivery) {
	e := *w.endpoint.Load()
	after, gone := w.r.sender.try(ctx, e, d)
	if ctx.Err() != nil && after.State != campaigns.Delivered { // cut short by us
		return
	}
	w.r.count(func(s *Stats) {
		switch after.State {
		case campaigns.Delivered:
			s.Delivered++
		case campaigns.DeliveryGivenUp:
			s.GivenUp++
		default:
			s.Failed++
		}
	})
	if gone {
		w.disable(ctx, e)
	}
	err := w.r.d.Outbox.SaveDelivery(context.WithoutCancel(ctx), w.r.d.Holder, after)
	if err == nil || errors.Is(err, campaigns.ErrNotFound) { // it was dropped meanwhile
		return
	}
	w.mu.Lock()
	w.failed = true
	w.mu.Unlock()
	w.r.d.Log.Warn("a delivery is not noted and will be made again", zap.String("endpoint", string(e.ID)), zap.String("event", d.Event.ID), zap.Error(err))
}

// disable ends an endpoint that answered 410 Gone.
func (w *worker) disable(ctx context.Context, e campaigns.Endpoint) {
	e.Disabled, e.Reason = true, "it answered 410 Gone"
	ctx = context.WithoutCancel(ctx)
	if _, err := w.r.d.Outbox.SaveEndpoint(ctx, e); err != nil && !errors.Is(err, campaigns.ErrConflict) {
		w.r.d.Log.Warn("an endpoint that is gone is not disabled", zap.String("endpoint", string(e.ID)), zap.Error(err))
		return
	}
	if w.r.d.Records != nil {
		_ = w.r.d.Records.Audit(ctx, campaigns.AuditEntry{At: time.Now(), By: "webhooks", Action: "webhook.disable", Object: string(e.ID), After: `{"reason":"410 Gone"}`})
	}
	w.r.d.Log.Warn("an endpoint does not want to be told any more: it is disabled", zap.String("endpoint", string(e.ID)))
	w.r.Look()
}
