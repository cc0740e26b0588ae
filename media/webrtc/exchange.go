// Package webrtc is the browser as an operator's phone: it answers the offer of a web
// page and gives the audio to the plane as a media.Wire, G.711 under DTLS-SRTP, one UDP
// port for all (ICE lite, RFC 8445 section 2.5).
//
// It is not signalling: offers and answers come and go by the API. It knows no calls:
// a Phone outlives its connections, so that a page that is loaded again, or a second
// tab, is heard on the same leg. It neither mixes nor transcodes.
//
//	offer ─► Connect ─► connection (pending) ─► ICE, DTLS ─► current of its Phone
//	browser ─► socket ─► connection ─► Phone ─► media.WireEnd (a leg of the plane)
//	browser ◄─ socket ◄─ connection ◄─ Phone ◄─ media.Wire
//
// A browser's datagrams come by a goroutine of its connection; the only lock on their
// way is the Phone's own.
package webrtc

import (
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/netip"
	"sync"
	"sync/atomic"
	"time"

	"github.com/pion/ice/v4"
	"github.com/pion/interceptor"
	"github.com/pion/logging"
	"github.com/pion/webrtc/v4"

	"github.com/outpace-dialer/outpace/media"
)

// ErrClosed means that the exchange has stopped.
var ErrClosed = errors.New("webrtc: closed")

// keepAlive is how often we send something where no audio flows.
const keepAlive = 2 * time.Second

// Exchange answers browsers' offers.
type Exchange struct {
	settings
	emit   func(Event)
	api    *webrtc.API
	cert   webrtc.Certificate
	socket *socket
	mux    *ice.UDPMuxDefault
	work   sync.WaitGroup // connections that end
	events outbox

	mu     sync.Mutex
	phones map[string]*Phone
	closed bool

	counters
}

type counters struct {
	strays                      atomic.Uint64
	connects, takeOvers, failed atomic.Uint64
	received, sent              atomic.Uint64 // RTP packets
}

// New opens the port. emit takes the events, one at a time, while Run runs.
func New(cfg Config, emit func(Event)) (*Exchange, error) {
	set, err := cfg.settings()
	if err != nil {
		return nil, err
	}
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return nil, err
	}
	cert, err := webrtc.GenerateCertificate(key)
	if err != nil {
		return nil, err
	}
	e := &Exchange{settings: set, emit: emit, cert: *cert, phones: map[string]*Phone{}, events: newOutbox()}
	if e.socket, err = listen(set); err != nil {
		return nil, fmt.Errorf("listen: %w", err)
	}
	if e.api, err = e.setUp(); err != nil {
		return nil, errors.Join(err, e.socket.Close())
	}
	return e, nil
}

// setUp makes pion ready: what it does not need for one stream of G.711 is left out.
func (e *Exchange) setUp() (*webrtc.API, error) {
	codecs := &webrtc.MediaEngine{}
	for _, c := range codecsOf(e.laws) {
		if err := codecs.RegisterCodec(c, webrtc.RTPCodecTypeAudio); err != nil {
			return nil, err
		}
	}
	// It logs what strangers send; states and counters say what matters.
	silent := &logging.DefaultLoggerFactory{Writer: io.Discard, DefaultLogLevel: logging.LogLevelDisabled}
	e.mux = ice.NewUDPMuxDefault(ice.UDPMuxParams{
		UDPConn: e.socket, Logger: silent.NewLogger("ice"),
		OnUnhandledPacket: func([]byte, netip.AddrPort) { e.strays.Add(1) },
	})
	s := webrtc.SettingEngine{LoggerFactory: silent}
	s.SetLite(true)
	s.SetICEUDPMux(e.mux)
	s.SetICETimeouts(e.away, e.over-e.away, keepAlive)
	s.SetIncludeLoopbackCandidate(true)
	s.SetICEMulticastDNSMode(ice.MulticastDNSModeDisabled)
	s.SetNetworkTypes([]webrtc.NetworkType{webrtc.NetworkTypeUDP4, webrtc.NetworkTypeUDP6})
	// As the client we would start over with a browser that is slow to be ready.
	if err := s.SetAnsweringDTLSRole(webrtc.DTLSRoleServer); err != nil {
		return nil, err
	}
	return webrtc.NewAPI(webrtc.WithMediaEngine(codecs), webrtc.WithSettingEngine(s),
		webrtc.WithInterceptorRegistry(&interceptor.Registry{})), nil
}

// eventPayload is the payload type of telephone-event where the browser leaves it to us.
const eventPayload = 126

func codecsOf(laws []media.Law) []webrtc.RTPCodecParameters {
	var all []webrtc.RTPCodecParameters
	for _, law := range laws {
		c := webrtc.RTPCodecParameters{RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: "audio/" + law.String(), ClockRate: media.SampleRate}}
		if law == media.ALaw {
			c.PayloadType = 8
		}
		all = append(all, c)
	}
	return append(all, webrtc.RTPCodecParameters{
		RTPCodecCapability: webrtc.RTPCodecCapability{MimeType: mimeEvent, ClockRate: media.SampleRate, SDPFmtpLine: "0-15"}, PayloadType: eventPayload,
	})
}

// Connect answers the offer of a user's page: each offer is that of a new connection.
// Once it is connected it takes the place of the one that was. The error is an
// *OfferError, ErrClosed or of the system.
func (e *Exchange) Connect(user, offer string) (answer, session string, err error) {
	if offer, err = readOffer(offer); err != nil {
		return "", "", err
	}
	c, err := e.newConnection()
	if err != nil {
		return "", "", err
	}
	if answer, err = c.negotiate(offer); err == nil {
		err = e.expect(user, c)
	}
	if err != nil {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.drop(c)
		return "", "", err
	}
	return answer, c.session, nil
}

// expect waits for a connection that was answered; an earlier one that is waited for
// still is given up.
func (e *Exchange) expect(user string, c *connection) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	p := e.phones[user]
	if p == nil {
		p = &Phone{exchange: e, user: user}
		e.phones[user] = p
	}
	if p.pending != nil {
		e.drop(p.pending)
	}
	p.pending = c
	c.phone.Store(p)
	c.expiry = time.AfterFunc(e.connect, func() { e.expire(c) })
	return nil
}

// Disconnect ends a user's connection, as one hangs up: the phone is gone. An empty
// session means whichever there is; one that is over already changes nothing.
func (e *Exchange) Disconnect(user, session string) {
	e.mu.Lock()
	defer e.mu.Unlock()
	p := e.phones[user]
	if p == nil {
		return
	}
	gone := false
	for _, c := range []*connection{p.pending, p.current.Load()} {
		if c != nil && (session == "" || c.session == session) {
			e.forget(c)
			gone = true
		}
	}
	if gone && !p.reachable() {
		e.tell(p, session, HungUp)
	}
	e.tidy(p)
}

// Phone is a user's browser, nil where there is none: the Wire of their leg.
func (e *Exchange) Phone(user string) *Phone {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p := e.phones[user]; p != nil && p.reachable() {
		return p
	}
	return nil
}

// Stats are the figures of now, and totals since the start.
type Stats struct {
	Connected, Pending int    // browsers
	Connects           uint64 // connections that came up
	TakeOvers          uint64 // of these in the place of another
	Failed             uint64 // that never came up, or from which nothing came any more
	Received, Sent     uint64 // RTP packets
	Strays             uint64 // datagrams of nobody
}

// Stats returns the figures of now.
func (e *Exchange) Stats() Stats {
	s := Stats{
		Connects: e.connects.Load(), TakeOvers: e.takeOvers.Load(), Failed: e.failed.Load(),
		Received: e.received.Load(), Sent: e.sent.Load(), Strays: e.strays.Load(),
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	for _, p := range e.phones {
		if p.pending != nil {
			s.Pending++
		}
		if c := p.current.Load(); c != nil && !c.away {
			s.Connected++
		}
	}
	return s
}

// Addr is the UDP address in use, host:port.
func (e *Exchange) Addr() string { return e.socket.UDPConn.LocalAddr().String() }

// Run passes events on until ctx ends, then closes every connection.
func (e *Exchange) Run(ctx context.Context) error {
	e.events.run(ctx, e.emit)
	e.mu.Lock()
	e.closed = true
	for _, p := range e.phones {
		for _, c := range []*connection{p.pending, p.current.Load()} {
			if c != nil {
				e.forget(c)
			}
		}
	}
	e.mu.Unlock()
	e.work.Wait()
	_ = e.mux.Close() // closes the socket
	return context.Cause(ctx)
}
