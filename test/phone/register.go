package phone

import (
	"context"
	"fmt"
	"strconv"
	"time"
)

// seconds is a duration as a SIP header writes it.
func seconds(d time.Duration) string { return strconv.Itoa(int(d / time.Second)) }

// Registration is a binding of the phone at its registrar.
type Registration struct {
	phone  *Phone
	flow   flow
	callID string
	tag    string
	cseq   uint32
}

// Register binds the phone for expires at its registrar, answering its digest
// challenge, and returns for how long the registrar took it. It is for one
// goroutine.
func (p *Phone) Register(ctx context.Context, expires time.Duration) (*Registration, time.Duration, error) {
	f, err := p.open(p.cfg.Transport, p.cfg.Registrar)
	if err != nil {
		return nil, 0, err
	}
	r := &Registration{phone: p, flow: f, callID: random(12), tag: random(8)}
	granted, err := r.Refresh(ctx, expires)
	return r, granted, err
}

// Refresh renews the binding; zero expires removes it.
func (r *Registration) Refresh(ctx context.Context, expires time.Duration) (time.Duration, error) {
	p := r.phone
	build := func(_ uint32, auth *Header) *Message {
		r.cseq++
		aor := fmt.Sprintf("<sip:%s@%s>", p.cfg.User, p.cfg.Registrar)
		m := &Message{Method: "REGISTER", URI: "sip:" + p.cfg.Registrar}
		m.Add("Via", p.via(r.flow.transport()))
		m.Add("Max-Forwards", "70")
		m.Add("From", aor+";tag="+r.tag)
		m.Add("To", aor)
		m.Add("Call-ID", r.callID)
		m.Add("CSeq", cseqOf(r.cseq, "REGISTER"))
		m.Add("Contact", p.contact(r.flow.transport()))
		m.Add("Expires", seconds(expires))
		if auth != nil {
			m.Headers = append(m.Headers, *auth)
		}
		return m
	}
	m, err := p.transact(ctx, r.flow, build)
	if err != nil {
		return 0, fmt.Errorf("register %s: %w", p.cfg.User, err)
	}
	return grantedBy(m, expires), nil
}

// grantedBy reads the granted time from Contact or Expires of a 200.
func grantedBy(m *Message, asked time.Duration) time.Duration {
	for _, value := range []string{param(firstOf(m.Get("Contact")), "expires"), m.Get("Expires")} {
		if n, err := strconv.Atoi(value); err == nil && n > 0 {
			return time.Duration(n) * time.Second
		}
	}
	return asked
}
