// Package registrar is the operators' SIP phones: it lets them register,
// knows where they are, calls them, and keeps everybody else out.
//
// It is not a proxy and not a way to the trunks: a phone reaches its own
// operator leg ("outpace") and feature codes ("*1" and a PIN), nothing else. Who may
// be a user, and what a feature code does, is the engine's.
//
//	phone ─► Allow ─► agent ─► REGISTER ─► authenticate ─► bindings ─► PhoneOnline
//	       (guard)          └► INVITE ───► authenticate ─► Incoming (by the agent)
//	engine ─ Call ─► binding's flow ─► agent ─► phone, which answers by itself
//
// Strangers get one challenge for each request and no hint whether a user
// exists; after few wrong passwords or many messages they get nothing. What
// they can make grow is bounded. An address from which phones registered in the
// last seven days (Home) is an office: it may send as much as its phones need when
// all come back at once, and is never blocked whole. Who runs several nodes names
// large offices in Config.Offices, as each node knows only those it has seen.
//
// Phones may register through proxies (Config.Proxies), which name themselves in
// Path: what goes to the phone goes by them. To the guard such a phone is where the
// proxy saw it, so one guesser behind a proxy blocks nobody else there.
package registrar

import (
	"context"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/sip"
)

// AgentName is the Dialog.Agent of every call to a phone.
const AgentName = "phones"

// Dialed is the user part that a phone calls to open its own operator leg.
const Dialed = "outpace"

// Agent is what the registrar needs of a sip.Agent.
type Agent interface {
	Handle(method string, h func(req *sipgosip.Request, respond func(*sipgosip.Response)))
	Admit(h func(in sip.Incoming, req *sipgosip.Request) (admitted sip.Incoming, reject *sipgosip.Response))
	Invite(leg sip.LegID, inv sip.Invitation)
	Accept(leg sip.LegID, body []byte)
	Hangup(leg sip.LegID, why sip.Cause)
	Reply(leg sip.LegID, body []byte)
	OptionsBy(ctx context.Context, routes []string, transport, destination, requestURI string) (code int, rtt time.Duration, err error)
}

// Registrar is safe for concurrent use. Its methods never block on the
// network or on emit: events leave in Run.
type Registrar struct {
	cfg     Config
	agent   Agent
	users   Users
	emit    func(sip.Event)
	now     func() time.Time
	guard   *guard
	proxies []netip.Prefix // phones may be behind them
	nobody  Secret         // unknown users are checked against it

	counts counts
	wake   chan struct{} // there is something in outbox

	mu       sync.Mutex
	nonces   *nonces
	bindings *bindings
	outbox   []sip.Event // in the order of what happened
}

type counts struct {
	registers, challenges, failures, replays, digests, refusedCalls, lostFlows atomic.Uint64
}

// New makes the registrar and takes REGISTER, OPTIONS and the admission of
// INVITEs at the agent. cfg has been validated. Give Allow and Disconnected to
// the agent's Config, and let Run run.
func New(cfg Config, agent Agent, users Users, emit func(sip.Event), now func() time.Time) *Registrar {
	cfg = cfg.withDefaults()
	r := &Registrar{
		cfg:      cfg,
		agent:    agent,
		users:    users,
		emit:     emit,
		now:      now,
		guard:    newGuard(cfg.BlockAfter, cfg.BlockFor, cfg.offices()...),
		proxies:  cfg.proxies(),
		nobody:   nobody(),
		wake:     make(chan struct{}, 1),
		nonces:   newNonces(cfg.Realm),
		bindings: newBindings(),
	}
	agent.Handle("REGISTER", r.register)
	agent.Handle("OPTIONS", r.options)
	agent.Admit(r.admit)
	return r
}

// Allow says whether a message or connection from this source is read: phones
// that are registered always, strangers while they behave.
func (r *Registrar) Allow(source netip.AddrPort) bool {
	source = unmapped(source)
	if r.isProxy(source.Addr()) {
		return true // what it brings is counted for those behind it: silenced
	}
	return r.hear(source)
}

// hear counts a message of a phone or stranger, and says whether to read it.
func (r *Registrar) hear(source netip.AddrPort) bool {
	r.mu.Lock()
	known := r.bindings.sources[source] > 0
	r.mu.Unlock()
	return known || r.guard.hear(r.now(), source.Addr())
}

// Connections is how many connections may come from an address besides those
// that any may have: offices of many phones over TCP or TLS.
func (r *Registrar) Connections(from netip.Addr) int { return r.guard.connections(from.Unmap()) }

// Call calls the user's phone and asks it to answer by itself. Everything
// that follows comes as events of the leg; a user without a phone gives Ended
// with ResultAbsent. callID becomes the Call-ID; empty takes a random one.
func (r *Registrar) Call(leg sip.LegID, user string, offer []byte, callID string) {
	r.mu.Lock()
	bound := r.bindings.users[user]
	if bound == nil {
		r.tell(sip.Ended{Leg: leg, Cause: sip.Cause{Text: "no phone is registered", Result: sip.ResultAbsent}, At: r.now()})
		r.mu.Unlock()
		return
	}
	local, remote := "sip:"+Dialed+"@"+r.cfg.Realm, "sip:"+user+"@"+r.cfg.Realm
	dialog := sip.NewDialog(AgentName, bound.Transport, bound.Source.String(), bound.Contact, local, remote, callID)
	dialog.Routes = bound.Path
	r.mu.Unlock()
	r.agent.Invite(leg, sip.Invitation{
		Dialog:      dialog,
		Body:        offer,
		Headers:     autoAnswer(),
		RingTimeout: r.cfg.RingTimeout,
	})
}

// autoAnswer asks a phone to answer at once. The standard is RFC 5373; most
// desk phones know one of the other two.
func autoAnswer() []sip.Header {
	return []sip.Header{
		{Name: "Answer-Mode", Value: "Auto"},
		{Name: "Call-Info", Value: "<sip:" + Dialed + ">;answer-after=0"},
		{Name: "Alert-Info", Value: "<http://www.notused.com>;info=alert-autoanswer;delay=0"},
	}
}

// Accept answers an Incoming with SDP.
func (r *Registrar) Accept(leg sip.LegID, body []byte) { r.agent.Accept(leg, body) }

// Hangup ends a leg, whatever its state.
func (r *Registrar) Hangup(leg sip.LegID, why sip.Cause) { r.agent.Hangup(leg, why) }

// Reply answers an Offered; nil refuses it.
func (r *Registrar) Reply(leg sip.LegID, body []byte) { r.agent.Reply(leg, body) }

// Online says whether the user has a phone that can be called.
func (r *Registrar) Online(user string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bindings.users[user] != nil
}

// Transport is how a user's phone is registered: "udp", "tcp", "tls", "ws"; "" where it is
// not.
func (r *Registrar) Transport(user string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	if b := r.bindings.users[user]; b != nil {
		return b.Transport
	}
	return ""
}

// Bindings lists the registered phones by user name.
func (r *Registrar) Bindings() []Binding {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bindings.all()
}

// Stats are counters since the start, and the phones registered now.
type Stats struct {
	Phones       int    // registered now
	Registers    uint64 // REGISTERs that were accepted
	Challenges   uint64 // 401 sent
	Digests      uint64 // passwords checked
	Failures     uint64 // of these, wrong or for nobody
	Replays      uint64 // right passwords whose nonce count had been used
	Throttled    uint64 // tries refused because the account is under attack
	Flooders     uint64 // sources blocked for too many messages
	Guessers     uint64 // sources blocked for too many wrong passwords
	Dropped      uint64 // messages of blocked sources
	Crowded      uint64 // messages beyond what an office may send, or all strangers together
	RefusedCalls uint64 // INVITEs of phones to where they may not call
	LostFlows    uint64 // phones that went without saying so
}

// Stats tells what happened.
func (r *Registrar) Stats() Stats {
	guard := r.guard.stats()
	r.mu.Lock()
	phones := len(r.bindings.users)
	r.mu.Unlock()
	return Stats{
		Phones:       phones,
		Registers:    r.counts.registers.Load(),
		Challenges:   r.counts.challenges.Load(),
		Digests:      r.counts.digests.Load(),
		Failures:     r.counts.failures.Load(),
		Replays:      r.counts.replays.Load(),
		Throttled:    guard.throttled,
		Flooders:     guard.flooders,
		Guessers:     guard.guessers,
		Dropped:      guard.dropped,
		Crowded:      guard.crowded,
		RefusedCalls: r.counts.refusedCalls.Load(),
		LostFlows:    r.counts.lostFlows.Load(),
	}
}

// tell queues an event for Run: who calls us may be the engine's loop, which
// must not wait for its own inbox. The caller holds mu.
func (r *Registrar) tell(ev sip.Event) {
	r.outbox = append(r.outbox, ev)
	select {
	case r.wake <- struct{}{}:
	default:
	}
}

func unmapped(source netip.AddrPort) netip.AddrPort {
	return netip.AddrPortFrom(source.Addr().Unmap(), source.Port())
}
