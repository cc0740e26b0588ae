package phone

import (
	"errors"
	"net/netip"
)

// errState means that a call is no longer in the state that a step needs.
var errState = errors.New("phone: the call is over or answered")

// incoming makes the call of an INVITE. mu is held.
func (p *Phone) incoming(tx *serverTx) (*Call, error) {
	m := tx.req
	c := p.newCall(m.Get("Call-ID"))
	c.Incoming, c.Invite, c.serverTx, c.flow = true, m, tx, tx.flow
	c.Number, c.Caller, c.From = UserOf(m.URI), UserOf(uriOf(m.Get("From"))), tx.flow.addr.String()
	c.remote, c.remoteTag = m.Get("From"), param(m.Get("From"), "tag")
	c.local = m.Get("To") + ";tag=" + c.localTag
	c.cseq = 1
	c.retarget(m, false)
	return c, c.openAudio()
}

// openAudio takes an RTP port and registers the dialog. mu is held.
func (c *Call) openAudio() error {
	audio, err := c.phone.newAudio(c.ID)
	if err != nil {
		return err
	}
	c.Audio = audio
	ip := netip.MustParseAddr(c.phone.ip())
	c.session = session{addr: netip.AddrPortFrom(ip, uint16(audio.Port())), laws: c.phone.cfg.Laws, event: eventType, direction: "sendrecv"}
	c.phone.dialogs[c.dialog()] = c
	return nil
}

// Ring sends a 1xx. With early it carries our session, and our audio is sent
// from then on (early media).
func (c *Call) Ring(code int, reason string, early bool) error {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	if c.state != setup || c.serverTx.final != 0 {
		return errState
	}
	r := c.Invite.response(code, reason, c.localTag)
	r.Add("Contact", c.phone.contact(c.flow.transport()))
	if early {
		if err := c.describe(r); err != nil {
			return err
		}
	}
	c.serverTx.respond(r)
	return nil
}

// describe puts our session into a response to the INVITE: the answer to its
// offer, or our offer where it had none.
func (c *Call) describe(r *Message) error {
	s := c.session
	if len(c.Invite.Body) > 0 {
		offer, err := parseSDP(c.Invite.Body)
		if err != nil {
			return err
		}
		if s, err = c.session.answerTo(offer); err != nil {
			return err
		}
		offer.laws = s.laws
		c.Audio.connect(offer, true)
	}
	r.Add("Content-Type", "application/sdp")
	r.Body = s.bytes(StreamID(c.localTag), c.version)
	return nil
}

// Speak keeps a call to these laws, in the order of preference; before Ring and
// Answer.
func (c *Call) Speak(laws ...Law) {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	c.session.laws = laws
}

// Answer sends the 200 and starts the audio. Answered is closed when the ACK
// has come. After a CANCEL that was held (HoldCancel) it is the late 200 that
// crosses it.
func (c *Call) Answer() error {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	if c.state != setup || c.serverTx.final >= 300 {
		return errState
	}
	r := c.Invite.response(200, "OK", c.localTag)
	r.Add("Contact", c.phone.contact(c.flow.transport()))
	r.Add("Allow", allowed)
	r.Add("Supported", "timer")
	if err := c.describe(r); err != nil {
		c.reject(488, "Not Acceptable Here")
		return err
	}
	c.keepSession(c.Invite, r)
	c.state = up
	c.sendOK(c.serverTx, r)
	return nil
}

// Reject refuses the call, with further headers if any.
func (c *Call) Reject(code int, reason string, headers ...Header) {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	c.reject(code, reason, headers...)
}

func (c *Call) reject(code int, reason string, headers ...Header) {
	if c.state != setup || c.serverTx.final != 0 {
		return
	}
	r := c.Invite.response(code, reason, c.localTag)
	r.Headers = append(r.Headers, headers...)
	c.serverTx.respond(r)
	by := Local
	select {
	case <-c.cancelled:
		by = Remote
	default:
	}
	c.finish(End{By: by, Code: code, Reason: reason})
}

// HoldCancel keeps a CANCEL from ending the call by itself: Cancelled is
// closed, and the callee then answers late or rejects with 487.
func (c *Call) HoldCancel() {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	c.onCancel = func() {}
}

// cancel is the caller's CANCEL; one that comes after the answer is void.
func (c *Call) cancel() {
	if c.state != setup || c.serverTx.final != 0 {
		return
	}
	select {
	case <-c.cancelled:
		return
	default:
		close(c.cancelled)
	}
	if c.onCancel == nil {
		c.reject(487, "Request Terminated")
	}
}

// Fork is a second callee of the same INVITE, as when a number rings two
// devices: its own tag, its own audio port, its own answer.
func (c *Call) Fork() (*Call, error) {
	c.phone.mu.Lock()
	defer c.phone.mu.Unlock()
	f := c.phone.newCall(c.ID)
	f.Incoming, f.Invite, f.serverTx, f.flow = true, c.Invite, c.serverTx, c.flow
	f.Number, f.Caller, f.From = c.Number, c.Caller, c.From
	f.remote, f.remoteTag, f.target, f.routes, f.cseq = c.remote, c.remoteTag, c.target, c.routes, 1
	f.local = c.Invite.Get("To") + ";tag=" + f.localTag
	return f, f.openAudio()
}
