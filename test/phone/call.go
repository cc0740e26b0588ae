package phone

import (
	"context"
	"fmt"
	"net/netip"
	"slices"
	"strconv"
	"strings"
	"time"
)

// Side is who ended a call.
type Side string

// Local is this phone, Remote the far side.
const (
	Local  Side = "local"
	Remote Side = "remote"
)

// End is how a call ended.
type End struct {
	By     Side
	Code   int    // final status of a call that was never up, 200 after a BYE
	Reason string // reason phrase, or Reason header of a BYE or CANCEL
	WasUp  bool
	At     time.Time
}

type callState uint8

const (
	setup   callState = iota // INVITE sent or received, no final response
	up                       // 2xx sent or received
	leaving                  // our BYE is on its way
	ended
)

// Call is one INVITE dialog, of either direction.
type Call struct {
	ID       string   // Call-ID
	Number   string   // who is called: user part of the Request-URI
	Caller   string   // user part of From
	From     string   // host:port that the INVITE came from; "" where we call
	Incoming bool     // the far side called us
	Invite   *Message // the INVITE
	Audio    *Audio   // nil in a fork that is only there to be ended

	phone     *Phone
	state     callState
	localTag  string
	remoteTag string
	local     string // value of our From or To, with tag
	remote    string // value of the far side's, with tag
	target    string // where requests go: the Contact of the far side
	routes    []string
	cseq      uint32
	flow      flow
	session   session // what we say about our audio
	version   uint32  // of our session description
	held      bool    // we put the far side on hold
	other     bool    // a second answer to our INVITE, there only to be ended

	serverTx  *serverTx         // of the INVITE, where Incoming
	clientTx  *clientTx         // of the INVITE, where we call
	mayCancel bool              // we want out before the answer
	acks      map[string][]byte // our ACK to each 2xx, by its To tag
	onCancel  func()            // replaces the 487, see HoldCancel
	progress  func(code int, early bool)
	two       twoHundred
	timer     *time.Timer // session timer, RFC 4028
	expires   time.Duration
	re        *clientTx // a re-INVITE of ours in flight

	answered  chan struct{}
	cancelled chan struct{}
	done      chan struct{}
	end       End
}

// Answered is closed when the call is up: the 2xx is acknowledged.
func (c *Call) Answered() <-chan struct{} { return c.answered }

// Cancelled is closed when the caller has cancelled.
func (c *Call) Cancelled() <-chan struct{} { return c.cancelled }

// Done is closed when the call is over; End then tells how.
func (c *Call) Done() <-chan struct{} { return c.done }

// End is how the call ended, the zero End before.
func (c *Call) End() End {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	return c.end
}

func (p *Phone) newCall(id string) *Call {
	return &Call{ID: id, phone: p, localTag: random(8), answered: make(chan struct{}), cancelled: make(chan struct{}), done: make(chan struct{})}
}

// dialog is the key under which requests of the far side find the call.
func (c *Call) dialog() string { return c.ID + "|" + c.localTag }

// finish ends the call for good. mu is held.
func (c *Call) finish(e End) {
	if c.state == ended {
		return
	}
	e.At, e.WasUp = time.Now(), c.state == up || c.state == leaving
	c.state, c.end = ended, e
	c.two.stop()
	if c.timer != nil {
		c.timer.Stop()
	}
	if !c.other {
		delete(c.phone.dialogs, c.dialog())
	}
	if c.Audio != nil {
		c.Audio.stop()
		time.AfterFunc(linger, c.lingered)
	}
	close(c.done)
}

// lingered closes the port and tells of packets that came after the end.
func (c *Call) lingered() {
	c.Audio.close()
	if n := c.Audio.zombies.Load(); n > Stragglers {
		c.phone.mu.Lock()
		defer c.phone.mu.Unlock()
		c.phone.fault(c.ID, "rtp_after_end", fmt.Sprintf("%d packets more than %v after the end", n, grace))
	}
}

// request makes a request inside the dialog. mu is held.
func (c *Call) request(method string, cseq uint32) *Message {
	m := &Message{Method: method, URI: c.target}
	m.Add("Via", c.phone.via(c.flow.transport()))
	for _, route := range c.routes {
		m.Add("Route", route)
	}
	m.Add("Max-Forwards", "70")
	m.Add("From", c.local)
	m.Add("To", c.remote)
	m.Add("Call-ID", c.ID)
	m.Add("CSeq", cseqOf(cseq, method))
	return m
}

// retarget follows the far side's Contact and Record-Route.
func (c *Call) retarget(m *Message, reverse bool) {
	if contact := m.Get("Contact"); contact != "" {
		c.target = uriOf(firstOf(contact))
	}
	if c.routes == nil {
		for _, value := range m.All("Record-Route") {
			for value != "" {
				first := firstOf(value)
				c.routes = append(c.routes, first)
				value = strings.TrimLeft(value[len(first):], ", ")
			}
		}
		if reverse {
			slices.Reverse(c.routes)
		}
	}
	if c.flow.stream != nil {
		return
	}
	next := c.target
	if len(c.routes) > 0 {
		next = uriOf(c.routes[0])
	}
	if addr, err := netip.ParseAddrPort(hostOf(next)); err == nil {
		c.flow.addr = addr
	}
}

// Hangup ends the call with what its state asks for: CANCEL, BYE or a refusal
// with 480. It does not wait: Done is closed when the far side has agreed.
func (c *Call) Hangup() {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	switch {
	case c.state == up:
		c.bye()
	case c.state == setup && c.Incoming:
		c.reject(480, "Temporarily Unavailable")
	case c.state == setup:
		c.mayCancel = true
		c.sendCancel()
	}
}

// bye ends a call that is up. mu is held.
func (c *Call) bye() {
	c.state = leaving
	c.two.stop()
	if c.Audio != nil {
		c.Audio.mute()
	}
	c.cseq++
	first, to := c.cseq, c.flow
	c.phone.work.Go(func() {
		build := func(try uint32, auth *Header) *Message {
			c.cseq = first + try
			m := c.request("BYE", c.cseq)
			if auth != nil {
				m.Headers = append(m.Headers, *auth)
			}
			return m
		}
		_, err := c.phone.transact(context.Background(), to, build)
		c.phone.mu.Lock()
		defer c.phone.mu.Unlock()
		if err == ErrTimeout {
			c.phone.fault(c.ID, "bye_unanswered", "no response to our BYE")
		}
		c.finish(End{By: Local, Code: 200})
	})
}

// serve answers a request inside the dialog. mu is held.
func (c *Call) serve(tx *serverTx) {
	m := tx.req
	switch m.Method {
	case "BYE":
		tx.respond(m.response(200, "OK", ""))
		if c.state == setup && c.Incoming {
			c.reject(487, "Request Terminated")
			return
		}
		c.finish(End{By: Remote, Code: 200, Reason: m.Get("Reason")})
	case "INVITE", "UPDATE":
		c.reoffered(tx)
	case "INFO", "OPTIONS":
		tx.respond(m.response(200, "OK", ""))
	case "CANCEL":
		tx.respond(m.response(481, "Call/Transaction Does Not Exist", ""))
	default:
		tx.respond(m.response(405, "Method Not Allowed", ""))
	}
}

// keepSession starts the session timer that the caller asked for (RFC 4028)
// and says so in the 2xx: the caller refreshes. A call whose caller has died
// is ended by us at the interval's end.
func (c *Call) keepSession(req, resp *Message) {
	value := req.Get("Session-Expires")
	seconds, _, _ := strings.Cut(value, ";")
	n, err := strconv.Atoi(strings.TrimSpace(seconds))
	if err != nil || n <= 0 {
		return
	}
	refresher := param(value, "refresher")
	if refresher == "" {
		refresher = "uac"
	}
	resp.Add("Require", "timer")
	resp.Add("Session-Expires", fmt.Sprintf("%d;refresher=%s", n, refresher))
	c.expires = time.Duration(n) * time.Second
	if c.timer == nil {
		c.timer = time.AfterFunc(c.expires, c.expired)
	} else {
		c.timer.Reset(c.expires)
	}
}

func (c *Call) expired() {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	if c.state != up || c.phone.closed {
		return
	}
	c.phone.fault(c.ID, "session_expired", fmt.Sprintf("no refresh within %v", c.expires))
	c.bye()
}

// twoHundred repeats a 2xx to an INVITE until its ACK (RFC 3261 section
// 13.3.1.4), over TCP too.
type twoHundred struct {
	wire     []byte
	flow     flow
	cseq     uint32
	interval time.Duration
	began    time.Time
	timer    *time.Timer
	warning  *time.Timer
}

func (t *twoHundred) stop() {
	if t.timer != nil {
		t.timer.Stop()
		t.warning.Stop()
	}
	t.wire = nil
}

// sendOK sends a 2xx to an INVITE. mu is held.
func (c *Call) sendOK(tx *serverTx, m *Message) {
	tx.respond(m)
	n, _ := tx.req.cseq()
	c.two.stop()
	c.two = twoHundred{wire: m.Bytes(), flow: tx.flow, cseq: n, interval: c.phone.cfg.T1, began: time.Now()}
	c.two.timer = time.AfterFunc(c.two.interval, c.repeatOK)
	c.two.warning = time.AfterFunc(4*c.phone.cfg.T1, c.lateACK)
}

func (c *Call) repeatOK() {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	t := &c.two
	if t.wire == nil || c.phone.closed {
		return
	}
	if time.Since(t.began) > 64*c.phone.cfg.T1 {
		c.bye()
		return
	}
	c.phone.send(t.flow, t.wire)
	t.interval = min(2*t.interval, t2)
	t.timer.Reset(t.interval)
}

// lateACK tells of an ACK that has not come within four times T1 (2 s).
func (c *Call) lateACK() {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	if c.two.wire != nil && !c.phone.closed {
		c.phone.fault(c.ID, "ack_missing", fmt.Sprintf("no ACK for our 200 within %v", 4*c.phone.cfg.T1))
	}
}

// open marks the call as up. mu is held.
func (c *Call) open() {
	select {
	case <-c.answered:
	default:
		close(c.answered)
	}
}

// acked takes the ACK of a 2xx of ours; it may carry the answer to our offer.
func (c *Call) acked(m *Message, cseq uint32) {
	if c.two.wire == nil {
		return
	}
	if cseq != c.two.cseq {
		c.phone.fault(c.ID, "cseq_changed", fmt.Sprintf("ACK with CSeq %d for an INVITE with %d", cseq, c.two.cseq))
		return
	}
	c.two.stop()
	if len(m.Body) > 0 && c.Audio != nil {
		if s, err := parseSDP(m.Body); err == nil {
			c.Audio.connect(s, true)
		} else {
			c.phone.fault(c.ID, "sdp", err.Error())
		}
	}
	c.open()
}
