package phone

import (
	"fmt"
	"strings"
	"time"
)

// allowed are the methods that we serve.
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, UPDATE, INFO"

// needed are the headers that every request must have (RFC 3261 section 8.1.1).
var needed = []string{"Via", "From", "To", "Call-ID", "CSeq", "Max-Forwards"}

func cseqOf(n uint32, method string) string { return fmt.Sprintf("%d %s", n, method) }

// dispatch takes one message of the wire.
func (p *Phone) dispatch(m *Message, f flow) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.closed {
		return
	}
	if m.Code > 0 {
		_, method := m.cseq()
		if tx := p.clients[m.branch()+"|"+method]; tx != nil {
			tx.take(m)
		}
		return
	}
	if f.stream == nil {
		markSource(m, f)
	}
	p.request(m, f)
}

// markSource fills in rport (RFC 3581), so that responses say where we saw the
// request come from.
func markSource(m *Message, f flow) {
	via := m.Get("Via")
	first := firstOf(via)
	var parts []string
	for _, part := range strings.Split(first, ";") {
		if part == "rport" {
			part = fmt.Sprintf("rport=%d;received=%s", f.addr.Port(), f.addr.Addr())
		}
		parts = append(parts, part)
	}
	m.set("Via", strings.Join(parts, ";")+via[len(first):])
}

func (p *Phone) request(m *Message, f flow) {
	for _, name := range needed {
		if m.Get(name) == "" && !(m.Method == "ACK" && name == "Max-Forwards") {
			p.malformed(m, f, m.Method+" without "+name)
			return
		}
	}
	n, method := m.cseq()
	if method != m.Method {
		p.malformed(m, f, "CSeq "+m.Get("CSeq")+" on "+m.Method)
		return
	}
	if m.Method == "ACK" {
		p.ack(m, n)
		return
	}
	key := m.branch() + "|" + m.Method
	if tx := p.servers[key]; tx != nil {
		if was, _ := tx.req.cseq(); was != n {
			p.fault(m.Get("Call-ID"), "cseq_changed", fmt.Sprintf("%s repeated with CSeq %d after %d", m.Method, n, was))
		}
		if tx.last != nil {
			p.send(tx.flow, tx.last)
		}
		return
	}
	tx := &serverTx{p: p, key: key, req: m, flow: f}
	tx.timer = time.AfterFunc(64*p.cfg.T1, tx.fire)
	p.servers[key] = tx
	p.serve(tx)
}

// malformed refuses a request that makes no transaction.
func (p *Phone) malformed(m *Message, f flow, why string) {
	p.fault(m.Get("Call-ID"), "malformed", why)
	if m.Method != "ACK" && m.Get("Via") != "" {
		p.send(f, m.response(400, "Bad Request", random(6)).Bytes())
	}
}

// ack finds what an ACK is for: a refusal by its branch, a 2xx by its dialog.
func (p *Phone) ack(m *Message, cseq uint32) {
	if tx := p.servers[m.branch()+"|INVITE"]; tx != nil && tx.final >= 300 {
		tx.acked = true
		return
	}
	c := p.dialogs[m.Get("Call-ID")+"|"+param(m.Get("To"), "tag")]
	if c == nil {
		return // a repeated ACK of a call that is over
	}
	c.acked(m, cseq)
}

func (p *Phone) serve(tx *serverTx) {
	m := tx.req
	if tag := param(m.Get("To"), "tag"); tag != "" && m.Method != "CANCEL" {
		c := p.dialogs[m.Get("Call-ID")+"|"+tag]
		if c == nil || param(m.Get("From"), "tag") != c.remoteTag {
			tx.respond(m.response(481, "Call/Transaction Does Not Exist", ""))
			return
		}
		c.serve(tx)
		return
	}
	switch m.Method {
	case "INVITE":
		p.invited(tx)
	case "CANCEL":
		p.cancelled(tx)
	case "REGISTER":
		if p.cfg.OnRegister == nil {
			p.unknown(tx)
			return
		}
		p.registered(tx)
	case "OPTIONS":
		r := m.response(200, "OK", random(6))
		r.Add("Allow", allowed)
		r.Add("Accept", "application/sdp")
		tx.respond(r)
	case "BYE", "UPDATE", "INFO":
		tx.respond(m.response(481, "Call/Transaction Does Not Exist", random(6)))
	default:
		p.unknown(tx)
	}
}

func (p *Phone) unknown(tx *serverTx) {
	r := tx.req.response(405, "Method Not Allowed", random(6))
	r.Add("Allow", allowed)
	tx.respond(r)
}

// cancelled answers a CANCEL and tells the call, which by itself answers 487.
func (p *Phone) cancelled(tx *serverTx) {
	invite := p.servers[tx.req.branch()+"|INVITE"]
	if invite == nil || invite.call == nil {
		tx.respond(tx.req.response(481, "Call/Transaction Does Not Exist", random(6)))
		return
	}
	tx.respond(tx.req.response(200, "OK", invite.call.localTag))
	invite.call.cancel()
}

// invited makes a Call of an INVITE that starts a dialog.
func (p *Phone) invited(tx *serverTx) {
	m := tx.req
	if !p.admitted(tx, 407, "Proxy Authentication Required") {
		return
	}
	if p.cfg.OnCall == nil {
		tx.respond(m.response(486, "Busy Here", random(6)))
		return
	}
	c, err := p.incoming(tx)
	if err != nil {
		tx.respond(m.response(500, "Server Internal Error", random(6)))
		p.fault(m.Get("Call-ID"), "refused", err.Error())
		return
	}
	tx.call = c
	tx.respond(m.response(100, "Trying", ""))
	p.work.Go(func() { p.cfg.OnCall(c) })
}

// admitted checks the credentials of a request; without good ones it answers
// with a challenge.
func (p *Phone) admitted(tx *serverTx, code int, reason string) bool {
	if p.cfg.Challenge == nil {
		return true
	}
	ok, stale, fault := p.cfg.Challenge.check(tx.req)
	if fault != "" {
		p.fault(tx.req.Get("Call-ID"), "digest", fault)
	}
	if !ok {
		r := tx.req.response(code, reason, random(6))
		h := p.cfg.Challenge.header(code, stale)
		r.Add(h.Name, h.Value)
		tx.respond(r)
	}
	return ok
}

// registered answers a REGISTER with what it asks for; it keeps no bindings,
// OnRegister may.
func (p *Phone) registered(tx *serverTx) {
	m := tx.req
	if !p.admitted(tx, 401, "Unauthorized") {
		return
	}
	contact, expires := firstOf(m.Get("Contact")), m.Get("Expires")
	r := m.response(200, "OK", random(6))
	if contact == "" { // somebody asks what is bound
		tx.respond(r)
		return
	}
	r.Add("Contact", contact+";expires="+expires)
	tx.respond(r)
	p.cfg.OnRegister(UserOf(uriOf(m.Get("To"))), hostOf(uriOf(contact)), expires != "0")
}
