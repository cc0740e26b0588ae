// Package plane is the audio of every live leg put together, and the engine's
// only door to it: commands in, events out.
//
// It is not signalling: session descriptions come and go as bytes. It decides
// nothing about calls: who is bridged, recorded or played to is the engine's.
//
//	commands ─► Plane ─► leg ─┬─ rtp.Session ◄─► sockets or media.Wire ◄─► far end
//	                          ├─ bridge.Output ◄─ joined leg, prompts, wheel
//	                          ├─ ear ─► detector
//	                          └─ wav.Recorder
//	events ◄─ outbox ◄────────┘
//
// A leg has one goroutine that receives; one wheel sends what is due every
// 20 ms for all legs. A packet takes no lock but that of the leg it goes to.
package plane

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/rtp"
	"github.com/outpace-dialer/outpace/media/wav"
)

var (
	// ErrNoLeg means a command for a leg that the plane does not have.
	ErrNoLeg = errors.New("plane: no such leg")
	// ErrClosed means that the plane has stopped.
	ErrClosed = errors.New("plane: closed")
	// ErrOtherKind means a description of a browser for a leg over sockets, or the other
	// way round: what carries a leg does not change.
	ErrOtherKind = errors.New("plane: the leg is carried in another way")
	// ErrNoRecordings means that no recording directory is configured.
	ErrNoRecordings = errors.New("plane: no recording directory")
	// ErrNoPrompt means a prompt that was not loaded.
	ErrNoPrompt = errors.New("plane: no such prompt")
)

// sparePorts are kept open ahead of need.
const sparePorts = 32

// Plane is the audio of every live leg.
type Plane struct {
	settings
	log     *slog.Logger
	emit    func(media.Event)
	engine  rtp.Engine
	pool    *rtp.Pool
	wheel   wheel
	outbox  *outbox
	prompts map[string]*wav.Prompt
	records *os.Root // nil where nothing can be recorded
	writer  wav.Writer
	refill  chan struct{}
	work    sync.WaitGroup // legs and recordings that end

	mu         sync.Mutex
	legs       map[media.LegID]*leg
	recordings map[*wav.Recorder]struct{}
	closed     bool
	past       media.LegStats // of legs that are closed
	dropped    uint64         // packets that closed recordings lack

	recordFailures atomic.Uint64
	notPreferred   sync.Once // has been told
}

// New loads the prompts, repairs the recordings that a crash cut short and
// opens the first ports. emit takes the events, one at a time; it may block
// without harm to audio. Nothing moves before Run.
func New(cfg Config, emit func(media.Event), log *slog.Logger) (*Plane, error) {
	set, err := cfg.settings()
	if err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	p := &Plane{
		settings: set, log: log, emit: emit, outbox: newOutbox(), refill: make(chan struct{}, 1),
		legs: map[media.LegID]*leg{}, recordings: map[*wav.Recorder]struct{}{},
	}
	if p.prompts, err = cfg.loadPrompts(); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	if err := p.openRecords(); err != nil {
		return nil, fmt.Errorf("media: record_dir: %w", err)
	}
	if err := p.openPorts(); err != nil {
		return nil, fmt.Errorf("media: %w", err)
	}
	return p, nil
}

func (p *Plane) openPorts() error {
	var err error
	if p.engine, err = rtp.NewEngine(rtp.EngineConfig{Name: p.Engine, Prefer: p.prefer}); err != nil {
		return err
	}
	if p.pool, err = rtp.NewPool(rtp.PoolConfig{
		Address: p.bind, From: p.Ports.From, To: p.Ports.To, Quarantine: p.Quarantine, Spare: sparePorts, Engine: p.engine,
	}); err == nil {
		err = p.pool.Refill(time.Now())
	}
	if err == nil || errors.Is(err, rtp.ErrNoPorts) {
		return nil
	}
	p.closePorts()
	return err
}

func (p *Plane) closePorts() {
	if p.pool != nil {
		p.pool.Close()
	}
	p.engine.Close()
}

func (p *Plane) openRecords() error {
	if p.RecordDir == "" {
		return nil
	}
	if err := os.MkdirAll(p.RecordDir, 0o700); err != nil {
		return err
	}
	repaired, err := wav.RepairDir(p.RecordDir)
	if len(repaired) > 0 {
		p.log.Info("recordings repaired", "count", len(repaired))
	}
	if err != nil { // one broken file must not keep the dialer down
		p.log.Warn("recordings not repaired", "error", err)
	}
	p.records, err = os.OpenRoot(p.RecordDir)
	return err
}

// Run moves audio until ctx ends, then closes every leg and returns when all
// is quiet and the last event has been taken.
func (p *Plane) Run(ctx context.Context) error {
	moving, stopMoving := context.WithCancel(ctx)
	telling, stopTelling := context.WithCancel(context.WithoutCancel(ctx))
	var movers, teller sync.WaitGroup
	movers.Go(func() { p.prefer(); p.wheel.run(moving) })
	movers.Go(func() { p.keepSpare(moving) })
	teller.Go(func() { p.outbox.run(telling, p.emit) })

	<-ctx.Done()
	p.closeAll()
	p.work.Wait()
	stopMoving()
	movers.Wait()
	stopTelling()
	teller.Wait()
	p.closePorts()
	if p.records != nil {
		p.records.Close()
	}
	return context.Cause(ctx)
}

// keepSpare opens ports ahead of need.
func (p *Plane) keepSpare(ctx context.Context) {
	for {
		select {
		case <-p.refill:
			if err := p.pool.Refill(time.Now()); err != nil {
				p.log.Warn("no spare ports", "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

func (p *Plane) closeAll() {
	p.mu.Lock()
	p.closed = true
	var ids []media.LegID
	for id := range p.legs {
		ids = append(ids, id)
	}
	p.mu.Unlock()
	for _, id := range ids {
		p.Close(id)
	}
}

// leg returns the named leg or nil. p.mu is held.
func (p *Plane) leg(id media.LegID) *leg { return p.legs[id] }

// with calls do with the named leg, if there is one, while p.mu is held.
func (p *Plane) with(id media.LegID, do func(*leg)) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if l := p.legs[id]; l != nil {
		do(l)
	}
}

// open makes a leg, on a pair of spare ports where its owner has no wire. p.mu is held.
func (p *Plane) open(id media.LegID, spec media.LegSpec) (*leg, error) {
	if p.closed {
		return nil, ErrClosed
	}
	if w := p.wireOf(spec); w != nil {
		return p.openWired(id, spec, w), nil
	}
	if spec.Encryption == media.AsBrowsers && p.Negotiate != nil {
		return p.openNegotiated(id, spec), nil
	}
	ports, err := p.pool.Take(time.Now())
	if err != nil {
		return nil, err
	}
	select {
	case p.refill <- struct{}{}:
	default:
	}
	l := newLeg(id, spec, ports, p.outbox.post)
	p.legs[id] = l
	p.wheel.add(l)
	return l, nil
}

// Close ends a leg. Its bridge, prompts and recording end with it; Closed is
// its last event. The port goes into quarantine.
func (p *Plane) Close(id media.LegID) {
	now := time.Now()
	p.mu.Lock()
	defer p.mu.Unlock()
	l := p.leg(id)
	if l == nil {
		return
	}
	p.part(l)
	p.forget(l)
	l.output.StopPlaying()
	l.output.Loop(nil)
	l.output.Hold()
	l.ear.stop()
	stopRecording(l, now)
	delete(p.legs, id)
	p.wheel.remove(l)
	p.release(l, now)
	p.work.Go(func() { p.finish(l) })
}

// release gives back what a leg's datagrams come through: nothing more comes.
func (p *Plane) release(l *leg, now time.Time) {
	if l.wire != nil {
		l.wire.Detach()
		return
	}
	p.pool.Release(l.session.Ports(), now)
}

// finish waits until nothing of a leg moves and tells so.
func (p *Plane) finish(l *leg) {
	l.session.Wait()
	l.running.Wait()
	stats := l.stats()
	p.mu.Lock()
	add(&p.past, stats)
	p.mu.Unlock()
	p.outbox.post(media.Closed{Leg: l.id, Stats: stats})
}
