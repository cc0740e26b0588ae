// Package dialer is the engine: one loop that owns every call and every
// operator, and turns what happens into what is done.
//
//	sip.Event ──┐                                ┌─► Trunks, Phones (signalling)
//	media.Event ┼─► mailbox ─► handle ─► call ───┼─► Audio (bridge, play, record)
//	store answer┤             (one       operator┼─► Store (begin, end), in its own goroutine
//	command ────┤              goroutine) pacing ┼─► Observer (metrics, live page, log)
//	timer ──────┘                                └─► timers
//
// It is not the rooms: they come in as the interfaces of deps.go. The loop
// never blocks: no SQL, no socket, no waiting for its own mailbox.
package dialer

import (
	"context"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/sip"
)

// Config are the engine's own settings.
type Config struct {
	Node string `yaml:"node"` // name of this process in the store; default "node-1"
	// SettleAfter is how long a node must be gone before another one that shares its
	// store ends its calls and settles their attempts; default 75s, at least 10s. A
	// node that is only cut off from the store for less keeps its calls.
	SettleAfter time.Duration `yaml:"settle_after"`
	// Tick is how often pacing is asked when nothing happens; default 500 ms.
	Tick time.Duration `yaml:"tick"`
	// HopperSize is how many leads are held claimed, per campaign; default 200.
	HopperSize int `yaml:"hopper_size"`
	// Lease is how long a claim holds before it must be begun; default 60 s.
	Lease time.Duration `yaml:"lease"`
	// RingMin is the legal minimum of ringing before we give up; default 15 s.
	RingMin time.Duration `yaml:"ring_min"`
	// DetectorLoss is the share of live people whom the detector takes for
	// machines, in [0, 0.2]; it is taken off the abandonment limit of campaigns that
	// detect, until it is measured (Deps.DetectorLoss). 0 is the default, 0.005: no detector
	// loses nobody.
	DetectorLoss float64 `yaml:"detector_loss"`
	// PhoneNetworks are the private networks that operators' phones may send
	// audio from; default the private ranges of RFC 1918, RFC 6598 and RFC 4193.
	PhoneNetworks []string `yaml:"phone_networks"`
}

// DefaultDetectorLoss is Config.DetectorLoss where that is 0.
const DefaultDetectorLoss = 0.005

// DefaultSettleAfter is Config.SettleAfter where that is 0.
const DefaultSettleAfter = 75 * time.Second

func (c Config) withDefaults() Config {
	if c.Node == "" {
		c.Node = "node-1"
	}
	if c.SettleAfter <= 0 {
		c.SettleAfter = DefaultSettleAfter
	}
	if c.Tick <= 0 {
		c.Tick = 500 * time.Millisecond
	}
	if c.HopperSize <= 0 {
		c.HopperSize = 200
	}
	if c.Lease <= 0 {
		c.Lease = time.Minute
	}
	if c.RingMin <= 0 {
		c.RingMin = 15 * time.Second
	}
	if c.DetectorLoss == 0 {
		c.DetectorLoss = DefaultDetectorLoss
	}
	if len(c.PhoneNetworks) == 0 {
		c.PhoneNetworks = []string{"10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10", "fc00::/7"}
	}
	return c
}

// Engine owns calls, operators and the pacing of campaigns.
type Engine struct {
	cfg  Config
	deps Deps
	log  *zap.Logger

	mail    *mailbox
	running sync.WaitGroup // store calls, hoppers and timers' posts

	// Only the loop touches what follows.
	ctx       context.Context // of Run; ends the hoppers
	campaigns map[campaigns.CampaignID]*campaignRun
	calls     map[campaigns.AttemptID]*liveCall
	operators map[string]*liveOperator
	legs      map[string]string // operator leg id -> user
	ready     operator.Queue
	waiting   []campaigns.AttemptID         // calls that want an operator, longest first
	talks     map[campaigns.AttemptID]*talk // those whose ending is not durable yet
	seeking   []campaigns.AttemptID         // calls that want an operator of a queue as third party, longest first
	outside   map[sip.LegID]*liveCall       // legs to numbers that operators asked for
	unwritten map[write]bool                // what is not durable yet; true: it failed and is tried again
	failing   int                           // how many of unwritten failed
	early     early                         // who called while the product starts
	duties    int64                         // counts what the store was told of duties
	draining  bool
	stopping  bool
	drained   chan struct{}
	stopped   chan struct{} // closed when the loop takes no more commands
	touched   map[*campaignRun]bool
}

// New returns an engine that does nothing until Run.
func New(cfg Config, deps Deps) *Engine {
	return &Engine{
		cfg: cfg.withDefaults(), deps: deps, log: deps.Log,
		mail:      newMailbox(),
		campaigns: map[campaigns.CampaignID]*campaignRun{},
		calls:     map[campaigns.AttemptID]*liveCall{},
		operators: map[string]*liveOperator{},
		legs:      map[string]string{},
		talks:     map[campaigns.AttemptID]*talk{},
		outside:   map[sip.LegID]*liveCall{},
		unwritten: map[write]bool{},
		drained:   make(chan struct{}),
		stopped:   make(chan struct{}),
		touched:   map[*campaignRun]bool{},
	}
}

// liveCall is a call with what the engine holds for it.
type liveCall struct {
	*call.Call
	campaign  *campaignRun
	claim     campaigns.Claim
	beganAt   time.Time // as the store has it
	route     Route
	dialog    sip.Dialog
	recorded  string   // path of the recording, once asked for
	placed    bool     // the INVITE left, or came in
	offer     []byte   // what it offered
	term      int64    // it was begun in
	previewer string   // who asked for the call and is reserved for it
	own       *ownCall // they chose whom to call; nil: they did not
	late      bool     // an operator had the person after the law's time
	saidBy    string   // the operator who said that a machine answered
	heard     Heard
	optedOut  bool // the person pressed the key of the safe-harbour message
	endedAt   time.Time
	bridgeIn  time.Time // first customer packet at the operator
	line      line      // how its audio is
	heldAt    time.Time // since when the customer hears music; zero: they do not

	third     *third          // in the talk, or called for it
	ringing   string          // leg that hears ringback
	listeners []*liveOperator // managers who listen in

	handedTo Target     // who has the customer, after a transfer
	outside  []*outside // legs that are not gone yet
	thirds   int        // counts them, to name the next
	unsaved  []func(now time.Time, err error)
	saving   bool

	writeEnding func() // waits for the legs outside to be gone

	caller   *caller // of a call that came in
	promised bool    // the caller was told that we call back
}

// liveOperator is an operator with what the engine holds for them.
type liveOperator struct {
	*operator.Operator
	campaign    campaigns.CampaignID
	moving      campaigns.CampaignID   // where they go behind the present call; empty: they stay
	granted     []campaigns.CampaignID // the campaigns that they may work for; empty: every one
	duty        bool                   // the store has them on duty here
	leg         string                 // leg id while there is one
	legs        int                    // counts legs, to name the next
	code        string                 // feature code being keyed in
	shift       shift
	last        *talk               // the call that is talked in or wrapped up
	takenBack   string              // why the last call went away, in words; empty: it was a talk
	muted       bool                // nobody hears them
	lineTrouble string              // what is wrong with the audio of their talk, in words; empty: nothing
	listensTo   campaigns.AttemptID // a manager; empty: to no call
	presence    Presence
	preview     *campaigns.Claim // the lead that is looked at, in preview campaigns
	own         *ownCall         // the call to somebody of their choice, or the last one that came to nothing
	asked       []time.Time      // when they asked for such calls, in the last minute
}

// talk is what an operator has on the screen.
type talk struct {
	operator  string
	attempt   campaigns.AttemptID
	claim     campaigns.Claim
	campaign  campaigns.Campaign
	callID    string
	verdictAt time.Time
	bridgedAt time.Time
	wrapUntil time.Time
	over      bool                // the customer is gone
	asked     bool                // the operator is only the third party
	written   bool                // the attempt's ending is durable
	disposed  bool                // the operator is done with it
	said      *campaigns.Disposal // what the operator said
	fallback  *campaigns.Disposal // what holds where nothing was said
	before    *talk               // of the operator who handed the customer over
	next      *talk               // of the one who took over
	calledIn  *CalledIn           // the customer called us
}

// Run is the loop. It returns when ctx ends, after every goroutine it started
// has ended. Calls in progress are hung up; their endings are written.
func (e *Engine) Run(ctx context.Context) error {
	e.ctx = ctx
	tick := time.NewTicker(e.cfg.Tick)
	defer tick.Stop()
	for {
		select {
		case <-e.mail.more:
			for _, m := range e.mail.take() {
				e.handle(time.Now(), m)
			}
			e.paceTouched(time.Now())
		case now := <-tick.C:
			e.offerPreviews(now)
			e.followWindows(now)
			e.keepLearnt(now)
			e.followLoss(now)
			e.touchAll()
			e.paceTouched(now)
		case <-ctx.Done():
			e.stop()
			return context.Cause(ctx)
		}
	}
}

// handle applies one message. The campaigns that it touched are paced when all that
// came with it are applied: what happened in one moment is one question.
func (e *Engine) handle(now time.Time, m any) {
	switch m := m.(type) {
	case signal:
		e.onSignal(now, m.event)
	case sound:
		e.onSound(now, m.event)
	case command:
		m.answer <- m.do(now)
	case result:
		m.do(now)
	}
	e.serveWaiting(now)
	e.serveSeeking(now)
}

// stop ends what is left when the process ends: every leg, and with it every
// call. It waits until what became of them is durable, attempts included whose
// Begin is on its way.
func (e *Engine) stop() {
	e.draining, e.stopping = true, true
	now := time.Now()
	for _, c := range e.calls {
		e.step(now, c, call.Cancel{})
		e.step(now, c, call.HangUp{})
		if c.placed {
			e.step(now, c, call.Ended{Reason: "process stopped"})
		}
	}
	for _, c := range e.outside { // hung up on by now; nobody is left to hear that they are gone
		c.outside = nil
		c.endingMayGo()
	}
	for _, o := range e.operators {
		if o.leg != "" {
			e.deps.Phones.Hangup(o.leg)
		}
	}
	for _, r := range e.campaigns {
		r.stopHopper()
		e.saveLearnt(now, r)
	}
	close(e.stopped)
	e.awaitWrites()
	e.mail.close()
	e.running.Wait()
}

// awaitWrites takes the store's answers, and nothing else, until none is missing.
// A store that does not answer is not waited for: the next start settles the rest.
func (e *Engine) awaitWrites() {
	tooLong := time.After(storeTimeout)
	for len(e.calls)+len(e.unwritten) > 0 {
		select {
		case <-e.mail.more:
			for _, m := range e.mail.take() {
				if r, ok := m.(result); ok {
					r.do(time.Now())
				}
			}
		case <-tooLong:
			e.log.Warn("stopped before everything was durable", zap.Int("calls", len(e.calls)), zap.Int("writes", len(e.unwritten)))
			return
		}
	}
}

// later runs a store call beside the loop and hands what it returns back to it.
func (e *Engine) later(work func(ctx context.Context) func(now time.Time)) {
	e.running.Go(func() {
		ctx, cancel := context.WithTimeout(context.WithoutCancel(e.ctx), storeTimeout)
		defer cancel()
		if done := work(ctx); done != nil {
			e.mail.put(result{done})
		}
	})
}

// storeTimeout bounds one store call. An ending that fails is tried again.
const storeTimeout = 20 * time.Second

// after posts a message to the loop after a while.
func (e *Engine) after(d time.Duration, do func(now time.Time)) {
	time.AfterFunc(d, func() { e.mail.put(result{do}) })
}

func (e *Engine) touch(r *campaignRun) {
	if r != nil {
		e.touched[r] = true
	}
}

// touchCrowdedOut has the campaigns asked that found no room on the trunks: calls
// of another one may have freed it.
func (e *Engine) touchCrowdedOut() {
	for _, r := range e.campaigns {
		if r.decision.Bound == pacing.BoundChannels {
			e.touch(r)
		}
	}
}

func (e *Engine) touchAll() {
	for _, r := range e.campaigns {
		e.touch(r)
	}
}
