// Package trunk is the carriers: which of them takes a call, under which
// caller ID, in which number format, inside which limits, and what the end of
// a call means.
//
// It is not the signalling itself (package sip), and it follows no redirect. A
// call that surely rang nobody goes on to another target; see failover.go. A
// target that fails is left alone for a while.
//
//	Reserve ─► Route ─┬─► Depart ─► Dial ─► sip.Agent ─► carrier
//	  (channel,       └─► Release              │
//	   ringing slot,                           ▼
//	   CPS token)                   Handle (counts, health, Result) ─► emit
//
// A reservation is counted from Reserve on, so that a call which is still
// being made durable cannot be given away twice.
package trunk

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/identity"
	"github.com/outpace-dialer/outpace/sip/resolver"
)

// AgentName is the Dialog.Agent of every call on a trunk.
const AgentName = "trunk"

var (
	// ErrNoCapacity means that every trunk of the group that is up is at its
	// channel, ringing or CPS limit, or pauses. Retry later.
	ErrNoCapacity = errors.New("trunk: no capacity")
	// ErrDown means that no trunk of the group answers.
	ErrDown = errors.New("trunk: down")
	// ErrCallerID means that no trunk of the group may show this caller ID.
	ErrCallerID = errors.New("trunk: caller ID not allowed")
	// ErrResting means that every caller ID that the call may show rests, or has
	// had its calls of the day. Retry later.
	ErrResting = errors.New("trunk: caller IDs rest")
	// ErrNoGroup means that no trunk has this group: a configuration mistake.
	ErrNoGroup = errors.New("trunk: no such group")
)

// Agent is what the trunks need of a sip.Agent.
type Agent interface {
	Invite(leg sip.LegID, inv sip.Invitation)
	Hangup(leg sip.LegID, why sip.Cause)
	Confirm(leg sip.LegID)
	Reply(leg sip.LegID, body []byte)
	Ring(leg sip.LegID)
	Accept(leg sip.LegID, body []byte)
	// Addr is our address of a transport, zero where we have none.
	Addr(transport string) netip.AddrPort
	Options(ctx context.Context, transport, destination, requestURI string) (code int, rtt time.Duration, err error)
	Register(ctx context.Context, b *sip.Binding, expires time.Duration) (sip.Registered, error)
}

// Deps are what the trunks work with. Only Agent and Emit have no default.
type Deps struct {
	Agent    Agent
	Emit     func(sip.Event)  // gets every event of the agent, from Handle
	Now      func() time.Time // for the CPS buckets, pauses and registrations
	Resolver Resolver         // of names in targets; default: the system's name servers
	Log      *slog.Logger     // gets nothing that names a person; default: none
	NameLeg  func() sip.LegID // names the leg of a call that comes in; default: as the agent does
}

func (d Deps) withDefaults() Deps {
	if d.Now == nil {
		d.Now = time.Now
	}
	if d.Resolver == nil {
		d.Resolver = resolver.New(resolver.Config{})
	}
	if d.Log == nil {
		d.Log = slog.New(slog.DiscardHandler)
	}
	return d
}

// Trunks are all carriers. It is safe for concurrent use and never blocks
// longer than its lock, apart from Run, and Handle as long as emit does.
type Trunks struct {
	agent    Agent
	emit     func(sip.Event)
	now      func() time.Time
	resolver Resolver
	log      *slog.Logger

	leaving   chan struct{} // closed by Leave
	leaveOnce sync.Once

	allow atomic.Pointer[map[netip.Addr]bool] // where carriers' messages come from

	mu        sync.Mutex
	carriers  []*carrier
	reserved  map[string]*slot       // by Call-ID, until Dial or Release
	legs      map[sip.LegID]*slot    // from Dial to Ended
	callers   map[sip.LegID]*carrier // calls that came in, until Ended
	nameLeg   func() sip.LegID
	strangers uint64 // calls that came in and were refused for want of a trunk that takes any
}

// slot is what one call holds of a carrier.
type slot struct {
	carrier  *carrier
	target   *target
	want     want
	callerID string // that it shows
	callID   string
	probe    bool // it is the first call after a pause
	looks    bool // it is the first call after a rest for the audio of answers; no answer yet
	ringing  bool // not answered yet
	left     time.Time

	tried      []*target // where its INVITEs went, the last to target
	leg        sip.LegID // while it waits between two targets, else ""
	trying     bool      // a 100 came
	progressed bool      // a 1xx above 100 came
	hungUp     bool      // by us
}

// want is what a call asks for.
type want struct {
	group, number string
	callerIDs     []string // that it may show; none: all of the trunk
	callID        string
}

// New checks the configurations and makes the trunks; an error names the
// trunk and the YAML key. Every event of the agent must be given to Handle.
func New(cfgs []Config, deps Deps) (*Trunks, error) {
	deps = deps.withDefaults()
	t := &Trunks{
		agent:    deps.Agent,
		emit:     deps.Emit,
		now:      deps.Now,
		resolver: deps.Resolver,
		log:      deps.Log,
		leaving:  make(chan struct{}),
		reserved: make(map[string]*slot),
		legs:     make(map[sip.LegID]*slot),
		callers:  make(map[sip.LegID]*carrier),
		nameLeg:  deps.NameLeg,
	}
	if err := validateAll(cfgs); err != nil {
		return nil, err
	}
	for i, cfg := range cfgs {
		c := newCarrier(cfg.withDefaults())
		var err error
		if c.signer, err = identity.New(cfg.Identity); err != nil {
			return nil, fmt.Errorf("trunks[%d] (%s): identity.%w", i, cfg.Name, err)
		}
		t.carriers = append(t.carriers, c)
	}
	t.learnSources()
	return t, nil
}

// validateAll checks every carrier and that their names differ. Errors name
// the YAML key.
func validateAll(cfgs []Config) error {
	var errs []error
	seen := make(map[string]bool)
	for i, cfg := range cfgs {
		if err := cfg.Validate(); err != nil {
			errs = append(errs, fmt.Errorf("trunks[%d] (%s): %w", i, cfg.Name, err))
		}
		if seen[cfg.Name] {
			errs = append(errs, fmt.Errorf("trunks[%d]: name: %q is used twice", i, cfg.Name))
		}
		seen[cfg.Name] = true
	}
	errs = append(errs, ValidateGroups(cfgs))
	return errors.Join(errs...)
}

// Reserve takes a channel, a ringing slot and a CPS token of a healthy trunk
// of the group for a call to number (E.164). The trunks that fit the number best
// come first (see RoutingWeighted), of these the targets with the lowest priority
// value; among equals they share by weight. callerIDs are those that the call may
// show, E.164; none: all of the trunk. The number gets the same one each time, as
// long as that may be shown.
// callID becomes the Call-ID; empty takes a random one.
//
// The route must be given to Dial or Release. Errors: ErrNoCapacity, ErrDown,
// ErrCallerID, ErrResting, ErrNoGroup, ErrNoRoute, ErrNumber.
func (t *Trunks) Reserve(group, number string, callerIDs []string, callID string) (Route, error) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.reserved[callID] != nil {
		return Route{}, fmt.Errorf("trunk: call %s is reserved already", callID)
	}
	if _, err := digitsOf(number); err != nil {
		return Route{}, err
	}
	w := want{group, number, callerIDs, callID}
	choice, err := t.choose(w, nil, now)
	if err != nil {
		return Route{}, err
	}
	route, err := choice.route(number, callID)
	if err != nil {
		return Route{}, err
	}
	// At another target it is the same call, so it shows the same number.
	w.callerIDs, w.callID = []string{route.CallerID}, route.Dialog.CallID
	t.hold(choice, route, w, now).tried = []*target{choice.target}
	return route, nil
}

// hold takes what a route needs of its carrier.
func (t *Trunks) hold(choice candidate, route Route, w want, now time.Time) *slot {
	c := choice.carrier
	c.limiter.take(now) // choose has seen that there is one
	c.channels++
	c.ringing++
	c.attempts++
	c.short.calls++
	c.ids.byNumber[route.CallerID].use(now)
	s := &slot{carrier: c, target: choice.target, want: w, callerID: route.CallerID, callID: route.Dialog.CallID, probe: choice.target.breaker.start(), looks: c.usable.start(), ringing: true}
	t.reserved[s.callID] = s
	return s
}

// Release gives back a route that will not be dialled. The CPS token stays
// spent: giving it back could put two calls into one moment. A route that is
// not reserved is ignored.
func (t *Trunks) Release(r Route) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if s := t.reserved[r.Dialog.CallID]; s != nil {
		t.giveUp(s)
	}
}

// Depart says how long the INVITE of a reserved route must wait, 0 if it may leave
// now; then it must. A reservation spends a token of the rate, but between it and the
// INVITE calls are made durable, and may come out of that all at once.
func (t *Trunks) Depart(r Route) time.Duration {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	s := t.reserved[r.Dialog.CallID]
	if s == nil {
		return 0
	}
	s.carrier.adapt(now)
	switch {
	case s.carrier.leaving.take(now):
		return 0
	case s.carrier.leaving.rate() == 0:
		return time.Second // a share may come
	}
	return max(s.carrier.leaving.next().Sub(now), time.Millisecond)
}

// Dial sends the INVITE of a reserved route. Everything that follows, errors
// too, comes as events of the leg. A route that is not reserved any more is
// dialled all the same and not counted.
func (t *Trunks) Dial(leg sip.LegID, r Route, offer []byte) {
	agentLeg, answerTimeout, headers := leg, time.Duration(0), r.headers
	t.mu.Lock()
	if s := t.reserved[r.Dialog.CallID]; s != nil {
		delete(t.reserved, r.Dialog.CallID)
		s.left, s.leg = t.now(), ""
		t.legs[leg] = s
		s.carrier.throttle.left(s.left)
		agentLeg, answerTimeout = s.agentLeg(leg), t.answerTimeout(s, s.left)
		headers = t.signed(s.carrier, r, s.want.number, s.left)
	}
	t.mu.Unlock()
	t.agent.Invite(agentLeg, sip.Invitation{
		Dialog:      r.Dialog,
		Body:        offer,
		Headers:     headers,
		Credentials: r.credentials,
		RingTimeout: r.RingTimeout,
		HoldAck:     true,

		AnswerTimeout:   answerTimeout,
		OverloadControl: r.overloadControl,
	})
}

// Confirm acknowledges an answer: its dialog is durable, and its audio is used. Without
// it the ACK goes out a second later.
func (t *Trunks) Confirm(leg sip.LegID) {
	t.mu.Lock()
	agentLeg := leg
	if s := t.legs[leg]; s != nil {
		agentLeg = s.agentLeg(leg)
		t.acceptAnswer(s)
	}
	t.mu.Unlock()
	t.agent.Confirm(agentLeg)
}

// Reply answers an Offered of a leg; nil refuses it.
func (t *Trunks) Reply(leg sip.LegID, body []byte) { t.agent.Reply(t.agentLegOf(leg), body) }

// Classify is Classify; it is here so that the agent's Config.Classify can be
// this value's method.
func (t *Trunks) Classify(code, q850 int, text string) sip.Result { return Classify(code, q850, text) }

// falseAnswer is how soon a BYE follows the answer of an exchange that
// answered for nobody.
const falseAnswer = time.Second

// QuickBye says that the far end answered and hung up within a second. If no
// audio came either, it was a false answer (ResultFalseAnswer): only the
// engine has both halves.
func QuickBye(e sip.Ended) bool {
	return e.WasUp && !e.ByUs && !e.AnsweredAt.IsZero() && e.At.Sub(e.AnsweredAt) < falseAnswer
}

// resultOf gives the meaning of any end, ours or theirs.
func resultOf(e sip.Ended) sip.Result {
	switch {
	case e.LateAnswer:
		return sip.ResultLateAnswer
	case e.WasUp:
		return sip.ResultAnswered
	case e.Cause.Result != sip.ResultNone:
		return e.Cause.Result // the agent knew: ring timeout, no response at all, an error of the transport
	case e.ByUs:
		return sip.ResultNone // who hung up knows why
	case e.Cause.Code != 0 || e.Cause.Q850 != 0:
		return Classify(e.Cause.Code, e.Cause.Q850, e.Cause.Text)
	default:
		return sip.ResultTrunkDown
	}
}
