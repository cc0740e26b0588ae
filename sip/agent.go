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
		admit   func(Incoming, *sipgosip.Request) (Incoming, *sipgosip.Response)
	}

	// Owned by the loop.
	byID   map[LegID]*line
	byTag  map[string]*line
	room   []action // lent to the leg that makes a step
	nonces nonces
}

// New binds the sockets of an agent. emit gets the events of all legs, in
// order, from the agent's loop: while it blocks, signalling waits and nothing
// is lost; it must let go when the engine has stopped. It may call the agent. log gets nothing that names a person.
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
		if s.udp != nil {
			s.udp.undelivered = a.onUndelivered
		}
		a.sockets = append(a.sockets, s)
		if _, ok := a.contact[l.Transport]; !ok { // the first of a transport speaks for it
			a.contact[l.Transport] = s.addr
			a.sentBy[l.Transport] = sentBy(cfg.External, s.addr)
		}
	}
	if cfg.WebSocket {
		first := a.sockets[0]
		a.sockets = append(a.sockets, listenWeb(first.addr, a.cfg, a.count))
		a.contact["ws"], a.sentBy["ws"] = first.addr, sentBy(cfg.External, first.addr)
	}
	quiet := slog.New(parseLog{a.count})
	ua, err := sipgo.NewUA(
		sipgo.WithUserAgentDNSResolver(noNames()),
		sipgo.WithUserAgentTransportLayerOptions(
			sipgosip.WithTransportLayerLogger(quiet),
			sipgosip.WithTransportLayerTransports(sipgosip.TransportsConfig{TCP: tcpTransport(a.dials), TLS: noTLS(), WS: webTransport()}),
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

// Confirm sends the ACK that an Invitation with HoldAck holds back.
func (a *Agent) Confirm(leg LegID) { a.inbox.put(envelope{leg: leg, in: confirm{}}) }

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

// Admit sets who decides on INVITEs that begin a call. It returns what the engine
// is told of the call, under the leg's name there, or the response that refuses (a
// challenge, say). Without it every such INVITE gets 403. It runs in a goroutine per
// INVITE.
func (a *Agent) Admit(h func(in Incoming, req *sipgosip.Request) (admitted Incoming, reject *sipgosip.Response)) {
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
	closeErr := a.close(&serving)
	if errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return nil
	}
	return errors.Join(err, closeErr)
}

// handlerGrace is for the library's goroutine of the last message: it would
// bind a socket of its own if it found ours gone.
const handlerGrace = 20 * time.Millisecond

func (a *Agent) close(serving *sync.WaitGroup) error {
	a.stopTimers()
	for _, s := range a.sockets {
		s.hush()
	}
	<-time.After(handlerGrace)
	a.lanes.wg.Wait()
	a.ua.TransactionLayer().Close()
	a.tasks.Wait()
	a.closeSockets()
	serving.Wait()
	return a.ua.Close()
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
	if s.tls != nil {
		return a.ua.TransportLayer().ServeTLS(s.tls), false
	}
	if s.web != nil {
		return a.ua.TransportLayer().ServeWS(s.web), false
	}
	return a.ua.TransportLayer().ServeTCP(s.tcp), false
}

func (a *Agent) closeSockets() {
	for _, s := range a.sockets {
		s.close()
	}
}
