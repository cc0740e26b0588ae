// Package webhook tells others over HTTP what happened: at least once, in order for each
// lead, signed by the Standard Webhooks scheme. What is told lies in the store's outbox
// (campaigns.Outbox); this room takes it from there, so a process that dies loses none of
// it, and nothing here ever holds up a call.
//
//	store's own writes ───────────────┐
//	engine notices ─► queue ─► Publish ─► outbox ─► one worker for each endpoint ─► POST
//	watch of limits and trunks ───────┘      ▲                                      │
//	                                         └─ delivered, next try, given up ◄─────┘
//
// Where several nodes share a store, an endpoint is told by the one that holds its lease.
// It is no message broker: who must see every change reads the API.
package webhook

import (
	"cmp"
	"context"
	"errors"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// Room delivers. Use New, then Run.
type Room struct {
	cfg    Config
	d      Deps
	sender *sender
	queue  chan dialer.Notice
	wake   chan struct{}
	told   atomic.Bool // there is an endpoint

	mu      sync.Mutex
	workers map[campaigns.EndpointID]*worker
	stats   Stats
	watched watched
	trimmed time.Time                                // when deliveries were last looked through for old ones
	bridged map[campaigns.UserID]campaigns.AttemptID // told of; owned by Notice
}

// Deps are what the room works with.
type Deps struct {
	Outbox    campaigns.Outbox
	Records   campaigns.Records
	Holder    string // this process, as no other calls itself
	Node      string
	Mask      func(e164 string) string
	Live      func(context.Context) (dialer.Snapshot, error) // nil: limits are not watched
	Trunks    func() []Trunk                                 // nil: not watched
	Transport http.RoundTripper                              // nil: the guarded one
	LookEvery time.Duration                                  // how often endpoints and what is due are read where nothing says that they changed; 0: 5 s
	Log       *zap.Logger
}

// Trunk is how a trunk is.
type Trunk struct {
	Name string
	Up   bool
	Why  string // it takes no calls
}

// Stats count what was done since the start.
type Stats struct {
	Delivered, Failed, GivenUp, Dropped, Lost uint64 // deliveries; Lost: notices that did not reach the outbox
}

// New makes a room; cfg must be valid.
func New(cfg Config, d Deps) *Room {
	allow, _ := cfg.networks()
	if d.Transport == nil {
		d.Transport = transport(allow, nil)
	}
	d.LookEvery = cmp.Or(d.LookEvery, lookEvery)
	return &Room{
		cfg: cfg, d: d, sender: newSender(cfg, d.Mask, d.Transport), queue: make(chan dialer.Notice, noticesAtMost), wake: make(chan struct{}, 1),
		workers: map[campaigns.EndpointID]*worker{}, bridged: map[campaigns.UserID]campaigns.AttemptID{},
	}
}

const (
	noticesAtMost = 4096
	lookEvery     = 5 * time.Second  // Deps.LookEvery where it is 0
	trimEvery     = 10 * time.Second // how often bounds are kept
	// keptFor is how long deliveries that are over are kept for people to look at, and
	// which part of the bound they may fill.
	keptFor  = 7 * 24 * time.Hour
	keptPart = 16
	// agedEvery is how often old ones are looked for.
	agedEvery = time.Hour
)

// Stats returns the counts.
func (r *Room) Stats() Stats {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stats
}

func (r *Room) count(add func(*Stats)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	add(&r.stats)
}

// Look makes the room read endpoints and deliveries again soon: somebody changed them.
func (r *Room) Look() {
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

// Run delivers until ctx ends; tries that are under way then are made again by whoever
// delivers next.
func (r *Room) Run(ctx context.Context) error {
	var all sync.WaitGroup
	defer all.Wait()
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	all.Go(func() { r.publish(ctx) })
	look, trim := time.NewTicker(r.d.LookEvery), time.NewTicker(max(trimEvery, r.d.LookEvery))
	defer look.Stop()
	defer trim.Stop()
	for {
		if err := r.look(ctx, &all); err != nil && ctx.Err() == nil {
			r.d.Log.Warn("endpoints of webhooks are not known", zap.Error(err))
		}
		select {
		case <-look.C:
			r.watch(ctx)
		case <-trim.C:
			r.trim(ctx)
		case <-r.wake:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// look starts a worker for each endpoint that is to be told, and ends the others.
func (r *Room) look(ctx context.Context, all *sync.WaitGroup) error {
	endpoints, err := r.d.Outbox.Endpoints(ctx)
	if err != nil {
		return err
	}
	r.told.Store(len(endpoints) > 0)
	r.mu.Lock()
	defer r.mu.Unlock()
	there := map[campaigns.EndpointID]bool{}
	for _, e := range endpoints {
		if e.Disabled {
			continue
		}
		there[e.ID] = true
		w := r.workers[e.ID]
		if w != nil && w.stopping.Err() != nil { // it may still be trying: two would not keep the order
			select {
			case <-w.over:
				w = nil
			default:
				continue
			}
		}
		if w == nil {
			w = newWorker(r)
			r.workers[e.ID] = w
			workerCtx, stop := context.WithCancel(ctx)
			w.stopping, w.stop = workerCtx, stop
			w.endpoint.Store(&e)
			all.Go(func() { w.run(workerCtx) })
		}
		if w.endpoint.Swap(&e).Version != e.Version {
			w.look()
		}
	}
	for id, w := range r.workers {
		if !there[id] {
			w.stop()
		}
	}
	return nil
}

// trim keeps what waits within bounds, and says what that cost.
func (r *Room) trim(ctx context.Context) {
	if !r.told.Load() || !r.mayTrim(ctx) {
		return
	}
	dropped := map[campaigns.EndpointID]int{}
	for more := true; more; {
		done, err := r.d.Outbox.TrimDeliveries(ctx, campaigns.Trim{Most: r.cfg.MaxBacklog, Finished: r.cfg.MaxBacklog / keptPart, Before: time.Now().Add(-keptFor)})
		if err != nil {
			if ctx.Err() == nil {
				r.d.Log.Warn("old deliveries are not deleted", zap.Error(err))
			}
			break
		}
		for id, n := range done.Dropped {
			dropped[id] += n
		}
		more = done.More
	}
	for id, n := range dropped {
		r.count(func(s *Stats) { s.Dropped += uint64(n) })
		r.d.Log.Error("events were dropped that an endpoint did not take in time", zap.String("endpoint", string(id)), zap.Int("dropped", n))
		now := time.Now()
		ev := campaigns.NewEvent("dropped_"+string(id)+"_"+now.UTC().Format("20060102T150405"), campaigns.WebhookDropped, now, "endpoint "+string(id), struct {
			Endpoint campaigns.EndpointID `json:"endpoint"`
			Dropped  int                  `json:"dropped"`
		}{id, n})
		if err := r.d.Outbox.Publish(ctx, id, ev); err != nil && !errors.Is(err, campaigns.ErrNotFound) {
			r.d.Log.Warn("nobody is told what was dropped", zap.Error(err))
		}
	}
}

// mayTrim says whether there may be anything to delete, without a write.
func (r *Room) mayTrim(ctx context.Context) bool {
	if now := time.Now(); now.Sub(r.trimmed) >= agedEvery {
		r.trimmed = now
		return true
	}
	backlogs, err := r.d.Outbox.Backlogs(ctx)
	if err != nil {
		return false
	}
	var waiting, over int64
	for _, b := range backlogs {
		waiting, over = waiting+b.Bytes, over+b.KeptBytes
	}
	return waiting+over > r.cfg.MaxBacklog || over > r.cfg.MaxBacklog/keptPart
}

// CheckURL says what is wrong with the URL of an endpoint; see Config.CheckURL.
func (r *Room) CheckURL(url string) error { return r.cfg.CheckURL(url) }

// NewSecret makes a secret; see NewSecret.
func (r *Room) NewSecret() string { return NewSecret() }
