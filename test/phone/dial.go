package phone

import (
	"fmt"
	"time"
)

// Dial is an outgoing call.
type Dial struct {
	To      string   // host:port of the far side
	Number  string   // user part of the Request-URI
	Caller  string   // user part of From, default the phone's User
	Display string   // display name of From, as it is written between quotes; default none
	Headers []Header // further headers of the INVITE
	// Progress is told each 1xx, and whether it brought a session (early
	// media). It must not call the phone.
	Progress func(code int, early bool)
	Listen   func(*Packet) // as Audio.Listen, from the first packet on
}

// Call sends an INVITE. It returns at once; Answered or Done tell what becomes
// of it.
func (p *Phone) Call(d Dial) (*Call, error) {
	f, err := p.open(p.cfg.Transport, d.To)
	if err != nil {
		return nil, err
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	c := p.newCall(random(12) + "@" + p.ip())
	c.Number, c.Caller, c.flow, c.cseq, c.progress = d.Number, d.Caller, f, 1, d.Progress
	if c.Caller == "" {
		c.Caller = p.cfg.User
	}
	c.target = fmt.Sprintf("sip:%s@%s", d.Number, d.To)
	c.local = fmt.Sprintf("<sip:%s@%s>;tag=%s", c.Caller, p.Addr(), c.localTag)
	if d.Display != "" {
		c.local = `"` + d.Display + `" ` + c.local
	}
	c.remote = "<" + c.target + ">"
	if err := c.openAudio(); err != nil {
		return nil, err
	}
	if d.Listen != nil {
		c.Audio.Listen(d.Listen)
	}
	c.invite(d.Headers)
	return c, nil
}

// invite sends the INVITE, or sends it again with credentials. mu is held.
func (c *Call) invite(extra []Header) {
	m := c.request("INVITE", c.cseq)
	m.Add("Contact", c.phone.contact(c.flow.transport()))
	m.Add("Allow", allowed)
	m.Add("Supported", "timer")
	m.Headers = append(m.Headers, extra...)
	m.Add("Content-Type", "application/sdp")
	m.Body = c.session.bytes(StreamID(c.localTag), c.version)
	c.Invite = m
	c.acks = map[string][]byte{}
	c.clientTx = c.phone.start(c.flow, m, func(r *Message) { c.response(r, extra) })
}

// response is a response to our INVITE, nil where none came. mu is held.
func (c *Call) response(r *Message, extra []Header) {
	switch {
	case r == nil:
		c.finish(End{By: Remote, Reason: "no response"})
	case r.Code == 100:
		c.sendCancel()
	case r.Code < 200:
		if c.progress != nil {
			c.progress(r.Code, len(r.Body) > 0)
		}
		c.sendCancel()
	case r.Code < 300:
		c.accepted(r)
	case (r.Code == 401 || r.Code == 407) && c.cseq == 1 && !c.mayCancel:
		h, ok := credentials(r, "INVITE", c.target, c.phone.cfg.User, c.phone.cfg.Password)
		if !ok {
			c.finish(End{By: Remote, Code: r.Code, Reason: r.Reason})
			return
		}
		c.cseq++
		c.invite(append([]Header{h}, extra...))
	default:
		c.finish(End{By: Remote, Code: r.Code, Reason: r.Reason})
	}
}

// accepted takes a 2xx: the first one opens the dialog, a repeated one is
// acknowledged again, one of another fork or after our CANCEL is acknowledged
// and ended.
func (c *Call) accepted(r *Message) {
	tag := param(r.Get("To"), "tag")
	if ack := c.acks[tag]; ack != nil {
		c.phone.send(c.flow, ack)
		return
	}
	d := c
	if c.remoteTag != "" || c.state != setup {
		d = c.phone.newCall(c.ID)
		d.localTag, d.local, d.cseq, d.flow = c.localTag, c.local, c.cseq, c.flow
		d.other = true
	}
	d.remoteTag, d.remote, d.state = tag, r.Get("To"), up
	d.retarget(r, true)
	ack := d.request("ACK", c.clientSeq()).Bytes()
	c.acks[tag] = ack
	c.phone.send(d.flow, ack)
	if d.other || c.mayCancel {
		d.bye()
		return
	}
	if s, err := parseSDP(r.Body); err == nil {
		c.Audio.connect(s, true)
	} else {
		c.phone.fault(c.ID, "sdp", err.Error())
	}
	c.open()
}

// clientSeq is the CSeq of the INVITE that is being answered.
func (c *Call) clientSeq() uint32 {
	n, _ := c.clientTx.req.cseq()
	return n
}

// sendCancel cancels the INVITE if we want out and a 1xx allows it (RFC 3261
// section 9.1). mu is held.
func (c *Call) sendCancel() {
	tx := c.clientTx
	if !c.mayCancel || !tx.ringing || tx.over || c.phone.clients[tx.req.branch()+"|CANCEL"] != nil {
		return
	}
	m := &Message{Method: "CANCEL", URI: tx.req.URI}
	m.Add("Via", tx.req.Get("Via"))
	m.Add("Max-Forwards", "70")
	m.Add("From", tx.req.Get("From"))
	m.Add("To", tx.req.Get("To"))
	m.Add("Call-ID", c.ID)
	m.Add("CSeq", cseqOf(c.clientSeq(), "CANCEL"))
	c.phone.start(c.flow, m, func(*Message) {})
	time.AfterFunc(64*c.phone.cfg.T1, c.unanswered)
}

// unanswered ends a cancelled call whose final response never came.
func (c *Call) unanswered() {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	if c.state == setup && !c.phone.closed {
		c.finish(End{By: Local, Code: 487, Reason: "no final response"})
	}
}
