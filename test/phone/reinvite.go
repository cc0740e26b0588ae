package phone

import (
	"context"
	"time"
)

// reoffered answers a re-INVITE or an UPDATE of the far side: a refresh, a
// hold, a new address, or the wish for our offer. mu is held.
func (c *Call) reoffered(tx *serverTx) {
	m := tx.req
	if m.Method == "INVITE" && (c.two.wire != nil && c.Incoming || c.re != nil) {
		tx.respond(m.response(491, "Request Pending", ""))
		return
	}
	r := m.response(200, "OK", "")
	r.Add("Contact", c.phone.contact(c.flow.transport()))
	c.version++
	s := c.session
	switch {
	case len(m.Body) > 0:
		offer, err := parseSDP(m.Body)
		if err == nil {
			s, err = c.session.answerTo(offer)
		}
		if err != nil {
			tx.respond(m.response(488, "Not Acceptable Here", ""))
			return
		}
		offer.laws = s.laws
		c.Audio.connect(offer, !c.held)
		fallthrough
	case m.Method == "INVITE":
		r.Add("Content-Type", "application/sdp")
		r.Body = s.bytes(StreamID(c.localTag), c.version)
	}
	c.retarget(m, false)
	c.keepSession(m, r)
	if m.Method == "INVITE" {
		c.sendOK(tx, r)
	} else {
		tx.respond(r)
	}
}

// Reinvite offers the session anew with a direction: "sendonly" puts the far
// side on hold, "sendrecv" takes it back. With offerless the INVITE has no
// body, so that the far side has to offer (RFC 3261 section 14.1). It waits
// for the final response and returns a StatusError where it is a refusal.
func (c *Call) Reinvite(ctx context.Context, direction string, offerless bool) error {
	final := make(chan *Message, 1)
	c.phone.mu.Lock()
	if c.state != up || c.re != nil {
		c.phone.mu.Unlock()
		return errState
	}
	c.cseq++
	c.version++
	c.session.direction, c.held = direction, direction == "inactive" || direction == "recvonly"
	m := c.request("INVITE", c.cseq)
	m.Add("Contact", c.phone.contact(c.flow.transport()))
	if !offerless {
		m.Add("Content-Type", "application/sdp")
		m.Body = c.session.bytes(StreamID(c.localTag), c.version)
	}
	c.re = c.phone.start(c.flow, m, func(r *Message) { c.reanswered(m, r, final, offerless) })
	c.phone.mu.Unlock()
	select {
	case r := <-final:
		if r == nil {
			return ErrTimeout
		}
		if r.Code >= 300 {
			return &StatusError{r.Code, r.Reason}
		}
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	case <-c.done:
		return errState
	}
}

// reanswered takes a response to our re-INVITE; the ACK of a 2xx to one
// without an offer carries our answer. mu is held.
func (c *Call) reanswered(req, r *Message, final chan<- *Message, offerless bool) {
	if r != nil && r.Code < 200 {
		return
	}
	if r != nil && r.Code < 300 {
		n, _ := req.cseq()
		ack := c.request("ACK", n)
		if s, err := parseSDP(r.Body); err == nil {
			if offerless {
				if answer, err := c.session.answerTo(s); err == nil {
					ack.Add("Content-Type", "application/sdp")
					ack.Body = answer.bytes(StreamID(c.localTag), c.version)
					s.laws = answer.laws
				}
			}
			c.Audio.connect(s, !c.held)
		}
		c.phone.send(c.flow, ack.Bytes())
	}
	c.re = nil
	select {
	case final <- r:
	default: // a repeated 2xx
	}
}

// Refresh sends an UPDATE without a body, as a session timer does.
func (c *Call) Refresh(ctx context.Context, expires time.Duration) error {
	build := func(_ uint32, auth *Header) *Message {
		c.cseq++
		m := c.request("UPDATE", c.cseq)
		m.Add("Contact", c.phone.contact(c.flow.transport()))
		m.Add("Supported", "timer")
		m.Add("Session-Expires", seconds(expires)+";refresher=uac")
		if auth != nil {
			m.Headers = append(m.Headers, *auth)
		}
		return m
	}
	c.phone.mu.Lock()
	to := c.flow
	c.phone.mu.Unlock()
	_, err := c.phone.transact(ctx, to, build)
	return err
}
