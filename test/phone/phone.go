package phone

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"time"
)

// Errors that callers branch on.
var (
	ErrClosed  = errors.New("phone: closed")
	ErrTimeout = errors.New("phone: no answer to a request")
)

// StatusError is a final response that is no success.
type StatusError struct {
	Code   int
	Reason string
}

func (e *StatusError) Error() string { return fmt.Sprintf("phone: %d %s", e.Code, e.Reason) }

// Fault is a breach of protocol by the far side.
type Fault struct{ Call, What, Detail string }

// Config says what a phone is. The zero value is a phone on a free loopback
// port that answers nothing.
type Config struct {
	Address   string        // to listen at, default "127.0.0.1:0"
	TCP       bool          // listen on TCP too, at the same port
	Transport string        // of the requests we start with: "udp" (default) or "tcp"
	User      string        // user part of our From and Contact, default "phone"
	Password  string        // answers digest challenges
	Registrar string        // host:port for Register
	Challenge *Challenge    // asks callers for credentials; nil lets all in
	Laws      []Law         // in the order of preference, default PCMU, PCMA
	Wheel     *Wheel        // shared clock; nil makes one of its own
	T1        time.Duration // RFC 3261 timer, default 500 ms
	// OnCall runs in a goroutine of its own for each incoming INVITE; nil
	// refuses calls with 486. Run waits for it: it must end when the call does.
	OnCall func(*Call)
	// OnRegister makes the phone a registrar: it is told of each REGISTER that
	// was let in, with host:port of the contact. It must not call the phone.
	OnRegister func(user, contact string, bound bool)
	// OnFault is told of breaches of protocol. It must not call the phone.
	OnFault func(Fault)
}

// Phone is one SIP user agent with its socket. All its methods may be called
// from many goroutines.
type Phone struct {
	cfg    Config
	udp    *net.UDPConn
	tcp    net.Listener
	wheel  *Wheel
	own    bool // the wheel is ours to turn
	work   sync.WaitGroup
	ending chan struct{}

	mu      sync.Mutex // guards all signalling state, of calls too
	closed  bool
	clients map[string]*clientTx
	servers map[string]*serverTx
	dialogs map[string]*Call // by Call-ID and local tag
	streams map[netip.AddrPort]*stream
	audios  map[*Audio]struct{}
}

// New opens the sockets. Requests that come before Run wait in them.
func New(cfg Config) (*Phone, error) {
	if cfg.Address == "" {
		cfg.Address = "127.0.0.1:0"
	}
	if cfg.T1 == 0 {
		cfg.T1 = 500 * time.Millisecond
	}
	if cfg.User == "" {
		cfg.User = "phone"
	}
	if len(cfg.Laws) == 0 {
		cfg.Laws = []Law{PCMU, PCMA}
	}
	p := &Phone{cfg: cfg, wheel: cfg.Wheel, ending: make(chan struct{}), clients: map[string]*clientTx{}, servers: map[string]*serverTx{},
		dialogs: map[string]*Call{}, streams: map[netip.AddrPort]*stream{}, audios: map[*Audio]struct{}{}}
	if p.wheel == nil {
		p.wheel, p.own = NewWheel(), true
	}
	return p, p.listen()
}

// listen opens UDP and, where asked for, TCP at the same port. A free port of
// UDP may be taken for TCP, so a few are tried.
func (p *Phone) listen() error {
	addr, err := net.ResolveUDPAddr("udp4", p.cfg.Address)
	if err != nil {
		return fmt.Errorf("phone: %w", err)
	}
	for try := 0; ; try++ {
		udp, err := net.ListenUDP("udp4", addr)
		if err != nil {
			return fmt.Errorf("phone: %w", err)
		}
		// The kernel may grant less; the default loses bursts of INVITEs.
		udp.SetReadBuffer(4 << 20) //nolint:errcheck // see above
		p.udp = udp
		if !p.cfg.TCP {
			return nil
		}
		p.tcp, err = net.Listen("tcp4", udp.LocalAddr().String())
		if err == nil {
			return nil
		}
		udp.Close() //nolint:errcheck // we return the other error
		if addr.Port != 0 || try == 20 {
			return fmt.Errorf("phone: %w", err)
		}
	}
}

// Addr is host:port of the phone, the same for UDP and TCP.
func (p *Phone) Addr() string { return p.udp.LocalAddr().String() }

// Wheel is the clock that the phone sends by.
func (p *Phone) Wheel() *Wheel { return p.wheel }

func (p *Phone) ip() string { return p.udp.LocalAddr().(*net.UDPAddr).IP.String() }

// Run serves until ctx ends. Calls that are up then are dropped without a BYE:
// hang up before. It returns when all that it started has stopped.
func (p *Phone) Run(ctx context.Context) error {
	p.work.Go(p.readUDP)
	if p.tcp != nil {
		p.work.Go(p.acceptTCP)
	}
	if p.own {
		p.work.Go(func() { p.wheel.Run(ctx) })
	}
	<-ctx.Done()
	p.shut()
	p.work.Wait()
	return nil
}

// shut closes every socket and ends every call.
func (p *Phone) shut() {
	p.mu.Lock()
	p.closed = true
	close(p.ending)
	p.udp.Close() //nolint:errcheck // going down
	if p.tcp != nil {
		p.tcp.Close() //nolint:errcheck // going down
	}
	for _, s := range p.streams {
		s.conn.Close() //nolint:errcheck // going down
	}
	for _, c := range p.dialogs {
		c.finish(End{By: Local, Reason: "phone closed"})
	}
	for _, tx := range p.clients {
		tx.timer.Stop()
	}
	for _, tx := range p.servers {
		tx.timer.Stop()
	}
	audios := slices.Collect(mapKeys(p.audios))
	p.mu.Unlock()
	for _, a := range audios {
		a.close()
	}
}

func mapKeys[K comparable, V any](m map[K]V) func(func(K) bool) {
	return func(yield func(K) bool) {
		for k := range m {
			if !yield(k) {
				return
			}
		}
	}
}

// Calls is how many calls are up or being set up.
func (p *Phone) Calls() int {
	p.mu.Lock()
	defer p.mu.Unlock()
	n := 0
	for _, c := range p.dialogs {
		if c.state != ended {
			n++
		}
	}
	return n
}

func (p *Phone) fault(call, what, detail string) {
	if p.cfg.OnFault != nil {
		p.cfg.OnFault(Fault{call, what, detail})
	}
}

// newAudio opens an RTP end that is closed with the phone. mu is held.
func (p *Phone) newAudio(callID string) (*Audio, error) {
	if p.closed {
		return nil, ErrClosed
	}
	a, err := newAudio(p.ip(), p.wheel, StreamID(callID))
	if err != nil {
		return nil, fmt.Errorf("phone: audio port: %w", err)
	}
	a.onClose = func(a *Audio) {
		p.mu.Lock()
		delete(p.audios, a)
		p.mu.Unlock()
	}
	p.audios[a] = struct{}{}
	return a, nil
}

// contact is our Contact header value for a transport.
func (p *Phone) contact(transport string) string {
	uri := fmt.Sprintf("<sip:%s@%s", p.cfg.User, p.Addr())
	if transport == "tcp" {
		uri += ";transport=tcp"
	}
	return uri + ">"
}

// via is a new topmost Via for a request.
func (p *Phone) via(transport string) string {
	return fmt.Sprintf("SIP/2.0/%s %s;rport;branch=z9hG4bK%s", strings.ToUpper(transport), p.Addr(), random(12))
}
