package sip

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/rand/v2"
	"net"
	"net/netip"
	"sync"
	"time"

	"github.com/emiago/sipgo"
	sipgosip "github.com/emiago/sipgo/sip"
)

// The library's own limits and its logger are package variables.
func init() {
	// A large INVITE (SDP, Identity) is fragmented by IP rather than refused.
	sipgosip.UDPMTUSize = 65_000
	sipgosip.SetDefaultLogger(slog.New(slog.NewTextHandler(io.Discard, nil)))
}

// ErrUnanswered means that Finish heard nothing from the far end: it is gone,
// and its session timer ends what may be left there.
var ErrUnanswered = errors.New("sip: dialog not ended: no answer")

// Agent is a SIP user agent: it carries out what its legs decide. One loop
// owns all legs; every method may be called from any goroutine and none but
// Run, Finish and Options blocks.
type Agent struct {
	cfg     Config
	emit    func(Event)
	log     *slog.Logger
	ua      *sipgo.UserAgent
	sockets []*socket
	contact map[string]netip.AddrPort // own address by transport
	sentBy  map[string]string         // host:port for Via and Contact by transport
	inbox   *inbox
	serving chan struct{} // closed when all sockets are being read
	lanes   lanes
	dials   *dials
	tasks   sync.WaitGroup // watchers of client transactions
	count   *counters
	timing  timing
	secret  string // makes tags of refusals

	hooks struct {
		sync.RWMutex
		methods map[string]func(*sipgosip.Request, func(*sipgosip.Response))
		admit   func(Incoming, *sipgosip.Request) (string, *sipgosip.Response)
	}

	// Owned by the loop.
	byID   map[LegID]*line
	byTag  map[string]*line
	nonces nonces
}

// line is a leg with what the agent needs to serve it.
type line struct {
	*leg
	timers     [timers]*time.Timer
	inviteAuth []Header // credentials of the last INVITE: its ACK repeats them
	invite     *sipgosip.ClientTx
	inviteMu   sync.Mutex
	watch      chan Ended // of Finish; its events are not the engine's
	open       bool       // counted in Stats.Legs
}

// New binds the sockets of an agent. emit gets the events of all legs, in
// order, from the agent's loop: while it blocks, signalling waits and nothing
// is lost. log gets nothing that names a person.
func New(cfg Config, emit func(Event), log *slog.Logger) (*Agent, error) {
	if err := cfg.Validate(); err != nil {
		return nil, err
	}
	a := &Agent{
		cfg: cfg.withDefaults(), emit: emit, log: log,
		contact: map[string]netip.AddrPort{}, sentBy: map[string]string{},
		dials: &dials{waiting: map[string]int{}}, inbox: newInbox(), serving: make(chan struct{}), count: newCounters(),
		timing: timing{t1: sipgosip.T1, t2: sipgosip.T2}, secret: randomToken(16),
		byID: map[LegID]*line{}, byTag: map[string]*line{}, nonces: nonces{},
	}
	a.hooks.methods = map[string]func(*sipgosip.Request, func(*sipgosip.Response)){}
	for _, l := range cfg.Listen {
		s, err := listen(l, a.cfg, a.count)
		if err != nil {
			a.closeSockets()
			return nil, fmt.Errorf("listen %s %s: %w", l.Transport, l.Address, err)
		}
		a.sockets = append(a.sockets, s)
		if _, ok := a.contact[l.Transport]; !ok { // the first of a transport speaks for it
			a.contact[l.Transport] = s.addr
			a.sentBy[l.Transport] = sentBy(cfg.External, s.addr)
		}
	}
	quiet := slog.New(parseLog{a.count})
	ua, err := sipgo.NewUA(
		sipgo.WithUserAgentDNSResolver(noNames()),
		sipgo.WithUserAgentTransportLayerOptions(
			sipgosip.WithTransportLayerLogger(quiet),
			sipgosip.WithTransportLayerTransports(sipgosip.TransportsConfig{TCP: tcpTransport(a.dials)}),
		),
		sipgo.WithUserAgentTransactionLayerOptions(
			sipgosip.WithTransactionLayerLogger(quiet),
			sipgosip.WithTransactionLayerUnhandledResponseHandler(func(*sipgosip.Response) {}), // read below
		),
	)
	if err != nil {
		a.closeSockets()
		return nil, err
	}
	a.ua = ua
	// Responses and ACKs are read here, in the order they came; the transaction
	// layer gives each message to a goroutine of its own, in any order.
	ua.TransportLayer().OnMessage(a.onMessage)
	ua.TransactionLayer().OnRequest(a.onRequest)
	return a, nil
}

// sentBy is host:port for Via and Contact.
func sentBy(external string, addr netip.AddrPort) string {
	own := netip.AddrPortFrom(ownAddress(addr.Addr()), addr.Port())
	if external == "" {
		return own.String()
	}
	if _, _, err := net.SplitHostPort(external); err == nil {
		return external
	}
	return net.JoinHostPort(external, fmt.Sprint(addr.Port()))
}

// Addr is the address of the first listener of a transport; zero if there is
// none.
func (a *Agent) Addr(transport string) netip.AddrPort { return a.contact[transport] }

// Invite places an outbound call. Everything about it, also that it could not
// be sent, comes as events of leg.
func (a *Agent) Invite(leg LegID, inv Invitation) {
	l := newLeg(leg, a.timing, a.session(), a.cfg.Classify, rand.Float64)
	a.inbox.put(envelope{made: &line{leg: l}, tag: inv.Dialog.LocalTag, in: start{inv}})
}

// Hangup ends a leg by CANCEL, BYE or a final response, whatever fits. Ended
// comes when the far end has agreed, or 4 s after a BYE that nobody answered.
func (a *Agent) Hangup(leg LegID, why Cause) { a.inbox.put(envelope{leg: leg, in: hangup{why}}) }

// Ring answers an inbound INVITE with 180.
func (a *Agent) Ring(leg LegID) { a.inbox.put(envelope{leg: leg, in: ring{}}) }

// Accept answers an inbound INVITE with 200 and SDP. Answered follows with the
// ACK.
func (a *Agent) Accept(leg LegID, body []byte) { a.inbox.put(envelope{leg: leg, in: accept{body}}) }

// Reply answers Offered: 200 with SDP, or 488 where body is nil.
func (a *Agent) Reply(leg LegID, body []byte) { a.inbox.put(envelope{leg: leg, in: reply{body}}) }

// Handle gives the requests of a method outside any dialog (REGISTER) to h.
// respond answers once; a request that h leaves unanswered is dropped. h runs
// in a goroutine per request and must be registered before Run.
func (a *Agent) Handle(method string, h func(req *sipgosip.Request, respond func(*sipgosip.Response))) {
	a.hooks.Lock()
	defer a.hooks.Unlock()
	a.hooks.methods[method] = h
}

// Admit sets who decides on INVITEs that begin a call. It returns the
// authenticated user, or the response that refuses (a challenge, say). Without
// it every such INVITE gets 403. It runs in a goroutine per INVITE.
func (a *Agent) Admit(h func(in Incoming, req *sipgosip.Request) (user string, reject *sipgosip.Response)) {
	a.hooks.Lock()
	defer a.hooks.Unlock()
	a.hooks.admit = h
}

// Stats returns the counters; the maps are the caller's.
func (a *Agent) Stats() Stats { return a.count.snapshot() }

func (a *Agent) session() session {
	return session{interval: a.cfg.SessionExpires, minimum: a.cfg.MinSE}
}

// Run serves until ctx ends and returns when everything it started has
// stopped. Legs that are still up get no BYE and no Ended: whoever wants that
// hangs them up first. An error says that a socket died.
func (a *Agent) Run(ctx context.Context) error {
	ctx, stop := context.WithCancelCause(ctx)
	var serving sync.WaitGroup
	for _, s := range a.sockets {
		serving.Go(func() {
			if err := a.serve(s); ctx.Err() == nil {
				stop(fmt.Errorf("sip %s: listener %s %s stopped: %w", a.cfg.Name, s.transport, s.addr, err))
			}
		})
	}
	for _, s := range a.sockets {
		select {
		case <-s.ready:
		case <-ctx.Done():
		}
	}
	close(a.serving)
	a.loop(ctx)
	err := context.Cause(ctx)
	stop(nil)
	a.closeSockets()
	serving.Wait()
	a.stopTimers()
	closeErr := a.ua.Close()
	a.lanes.wg.Wait()
	a.ua.TransactionLayer().Close() // what a lane sent while we closed
	a.tasks.Wait()
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return errors.Join(err, closeErr)
}

// serve lets the library read one socket. Its parser runs in this goroutine:
// a panic in it costs one datagram, not the process.
func (a *Agent) serve(s *socket) (err error) {
	for again := true; again; {
		err, again = a.serveOnce(s)
	}
	return err
}

func (a *Agent) serveOnce(s *socket) (err error, again bool) { //nolint:revive,staticcheck // the flag is not an error
	defer func() {
		if p := recover(); p != nil {
			a.count.parseErrors.Add(1)
			a.log.Error("parser panic", "agent", a.cfg.Name, "panic", p)
			err, again = nil, true
		}
	}()
	if s.udp != nil {
		return a.ua.TransportLayer().ServeUDP(s.udp), false
	}
	return a.ua.TransportLayer().ServeTCP(s.tcp), false
}

func (a *Agent) closeSockets() {
	for _, s := range a.sockets {
		s.close()
	}
}

func (a *Agent) loop(ctx context.Context) {
	for {
		for _, e := range a.inbox.take() {
			if ctx.Err() != nil {
				return
			}
			a.handle(e)
		}
		select {
		case <-a.inbox.wake:
		case <-ctx.Done():
			return
		}
	}
}

// handle gives one input to its leg and carries out the actions.
func (a *Agent) handle(e envelope) {
	l := e.made
	switch {
	case l != nil:
		if !a.add(l, e.tag) {
			a.refuseTwice(l, e.in)
			return
		}
	case e.leg != "":
		l = a.byID[e.leg]
	default:
		l = a.byTag[e.tag]
	}
	if l == nil {
		a.unknown(e)
		return
	}
	if r, ok := e.in.(*request); ok && r.callID != l.dialog.CallID {
		a.unknown(e)
		return
	}
	for _, act := range l.step(time.Now(), e.in) {
		a.carryOut(l, act)
	}
}

// add makes a new line known; false if its leg id or its tag is taken.
func (a *Agent) add(l *line, tag string) bool {
	if a.byID[l.id] != nil || a.byTag[tag] != nil || tag == "" {
		return false
	}
	a.byID[l.id], a.byTag[tag] = l, l
	l.open = true
	a.count.legs.Add(1)
	return true
}

// refuseTwice ends a leg that cannot be: its id or tag is in use.
func (a *Agent) refuseTwice(l *line, in input) {
	if l.watch != nil {
		close(l.watch)
		return
	}
	if _, ok := in.(start); !ok {
		return
	}
	a.log.Error("leg id or tag is in use", "agent", a.cfg.Name, "leg", l.id)
	if a.byID[l.id] == nil {
		a.emit(Ended{Leg: l.id, ByUs: true, At: time.Now(),
			Cause: Cause{Text: "dialog without a tag of its own", Result: ResultProtocolFailure}})
	}
}

// unknown answers what belongs to no leg.
func (a *Agent) unknown(e envelope) {
	switch in := e.in.(type) {
	case *request:
		if in.method != "ACK" {
			a.respond(nil, respond{to: in, code: 481, phrase: "Call/Transaction Does Not Exist"})
		}
	case *response:
		if e.stray != nil {
			a.endStray(*e.stray)
		}
	}
}

func (a *Agent) carryOut(l *line, act action) {
	switch act := act.(type) {
	case send:
		a.send(l, act)
	case respond:
		a.respond(l, act)
	case arm:
		a.arm(l, act)
	case tell:
		a.tell(l, act.event)
	case learn:
		a.nonces.learn(l.dialog.Destination, l.invitation.Credentials, act.challenges)
	case stopInvite:
		l.stopInvite()
	case tally:
		a.tally(act.what)
	case forget:
		delete(a.byID, l.id)
		delete(a.byTag, l.dialog.LocalTag)
	}
}

func (a *Agent) tally(what counter) {
	switch what {
	case lateAnswer:
		a.count.lateAnswers.Add(1)
	case forkEnded:
		a.count.forksEnded.Add(1)
	case repeated:
		a.count.repeated.Add(1)
	}
}

func (a *Agent) tell(l *line, ev Event) {
	end, over := ev.(Ended)
	if over && l.open {
		l.open = false
		a.count.legs.Add(-1)
	}
	if l.watch == nil {
		a.emit(ev)
		return
	}
	if over {
		l.watch <- end // has room for the one Ended there is
		close(l.watch)
	}
}

func (a *Agent) arm(l *line, act arm) {
	if t := l.timers[act.timer]; t != nil {
		t.Stop()
		l.timers[act.timer] = nil
	}
	if act.after < 0 {
		return
	}
	id := l.id
	l.timers[act.timer] = time.AfterFunc(act.after, func() {
		a.inbox.put(envelope{leg: id, in: fired{timer: act.timer, gen: act.gen}})
	})
}

func (a *Agent) stopTimers() {
	for _, l := range a.byID {
		for _, t := range l.timers {
			if t != nil {
				t.Stop()
			}
		}
	}
}
