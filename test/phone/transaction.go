package phone

import (
	"context"
	"time"
)

// t2 caps the interval of retransmissions (RFC 3261 section 17.1.2.1).
const t2 = 4 * time.Second

// clientTx is a request of ours and its responses.
type clientTx struct {
	p        *Phone
	key      string
	req      *Message
	wire     []byte
	flow     flow
	interval time.Duration
	deadline time.Time
	ringing  bool // a 1xx has come
	over     bool // a final response has come
	ack      []byte
	timer    *time.Timer
	// on is told each response but a repeated refusal, and nil when none came
	// in time. mu is held.
	on func(*Message)
}

// start sends a request. mu is held.
func (p *Phone) start(f flow, req *Message, on func(*Message)) *clientTx {
	tx := &clientTx{p: p, key: req.branch() + "|" + req.Method, req: req, wire: req.Bytes(), flow: f, interval: p.cfg.T1,
		deadline: time.Now().Add(64 * p.cfg.T1), on: on}
	p.clients[tx.key] = tx
	p.send(f, tx.wire)
	tx.timer = time.AfterFunc(tx.interval, tx.fire)
	return tx
}

// fire repeats the request, gives it up, or forgets the transaction.
func (tx *clientTx) fire() {
	tx.p.mu.Lock()
	defer tx.p.mu.Unlock()
	waiting := !tx.over && (!tx.ringing || tx.req.Method != "INVITE")
	switch {
	case tx.p.closed:
	case tx.over:
		delete(tx.p.clients, tx.key)
	case !waiting:
		tx.timer.Reset(64 * tx.p.cfg.T1)
	case time.Now().After(tx.deadline):
		delete(tx.p.clients, tx.key)
		tx.on(nil)
	default:
		if tx.flow.stream == nil {
			tx.p.send(tx.flow, tx.wire)
		}
		tx.interval *= 2
		if tx.req.Method != "INVITE" {
			tx.interval = min(tx.interval, t2)
		}
		tx.timer.Reset(tx.interval)
	}
}

// take is a response to the request. mu is held.
func (tx *clientTx) take(m *Message) {
	invite := tx.req.Method == "INVITE"
	switch {
	case m.Code < 200:
		if !tx.over {
			tx.ringing = true
			tx.on(m)
		}
		return
	case tx.over && tx.ack != nil:
		tx.p.send(tx.flow, tx.ack)
		return
	case tx.over && !invite:
		return
	}
	if !tx.over {
		tx.over = true
		tx.timer.Reset(64 * tx.p.cfg.T1)
	}
	if invite && m.Code >= 300 {
		tx.ack = tx.refusalAck(m).Bytes()
		tx.p.send(tx.flow, tx.ack)
	}
	tx.on(m)
}

// refusalAck is the ACK of a final response that is no 2xx: it belongs to the
// transaction (RFC 3261 section 17.1.1.3).
func (tx *clientTx) refusalAck(m *Message) *Message {
	ack := &Message{Method: "ACK", URI: tx.req.URI}
	ack.Add("Via", tx.req.Get("Via"))
	for _, route := range tx.req.All("Route") {
		ack.Add("Route", route)
	}
	ack.Add("Max-Forwards", "70")
	ack.Add("From", tx.req.Get("From"))
	ack.Add("To", m.Get("To"))
	ack.Add("Call-ID", tx.req.Get("Call-ID"))
	n, _ := tx.req.cseq()
	ack.Add("CSeq", cseqOf(n, "ACK"))
	return ack
}

// transact sends a request outside INVITE and waits for its final response,
// answering one challenge. build makes the request for a CSeq offset and
// optional credentials. mu is not held.
func (p *Phone) transact(ctx context.Context, f flow, build func(try uint32, auth *Header) *Message) (*Message, error) {
	var auth *Header
	for try := uint32(0); ; try++ {
		final := make(chan *Message, 1)
		p.mu.Lock()
		if p.closed {
			p.mu.Unlock()
			return nil, ErrClosed
		}
		req := build(try, auth)
		p.start(f, req, func(m *Message) {
			if m == nil || m.Code >= 200 {
				final <- m
			}
		})
		p.mu.Unlock()
		select {
		case m := <-final:
			if m == nil {
				return nil, ErrTimeout
			}
			h, ok := credentials(m, req.Method, req.URI, p.cfg.User, p.cfg.Password)
			if (m.Code == 401 || m.Code == 407) && ok && try == 0 {
				auth = &h
				continue
			}
			if m.Code >= 300 {
				return m, &StatusError{m.Code, m.Reason}
			}
			return m, nil
		case <-ctx.Done():
			return nil, context.Cause(ctx)
		case <-p.ending:
			return nil, ErrClosed
		}
	}
}

// serverTx is a request of the far side and our response.
type serverTx struct {
	p        *Phone
	key      string
	req      *Message
	flow     flow
	last     []byte // the response to repeat
	final    int    // status of our final response, 0 before it
	acked    bool
	interval time.Duration
	deadline time.Time
	timer    *time.Timer
	call     *Call // of an INVITE
}

// respond sends a response and remembers it for repeated requests. A refusal
// of an INVITE is repeated until its ACK; a 2xx is repeated by its Call.
// mu is held.
func (tx *serverTx) respond(m *Message) {
	tx.last = m.Bytes()
	tx.p.send(tx.flow, tx.last)
	if m.Code < 200 || tx.final >= 200 {
		return
	}
	tx.final = m.Code
	tx.interval = tx.p.cfg.T1
	tx.deadline = time.Now().Add(64 * tx.p.cfg.T1)
	wait := 64 * tx.p.cfg.T1
	if tx.repeats() {
		wait = tx.interval
	}
	tx.timer.Reset(wait)
}

func (tx *serverTx) repeats() bool {
	return tx.req.Method == "INVITE" && tx.final >= 300 && tx.flow.stream == nil && !tx.acked
}

func (tx *serverTx) fire() {
	tx.p.mu.Lock()
	defer tx.p.mu.Unlock()
	switch {
	case tx.p.closed:
	case tx.final == 0: // the call is still being decided
		tx.timer.Reset(64 * tx.p.cfg.T1)
	case time.Now().Before(tx.deadline) && tx.repeats():
		tx.p.send(tx.flow, tx.last)
		tx.interval = min(2*tx.interval, t2)
		tx.timer.Reset(tx.interval)
	case time.Now().Before(tx.deadline):
		tx.timer.Reset(time.Until(tx.deadline))
	default:
		delete(tx.p.servers, tx.key)
		if tx.req.Method == "INVITE" && tx.final >= 300 && !tx.acked {
			tx.p.fault(tx.req.Get("Call-ID"), "ack_missing", "no ACK for the final response")
		}
	}
}
