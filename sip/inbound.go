package sip

import "time"

// offer is an INVITE or UPDATE of the far end that we answer, and the 2xx we
// gave it until its ACK comes.
type offer struct {
	req    *request
	sent   respond // the 2xx, to be repeated
	pause  time.Duration
	delays bool // the offer is ours, the answer comes in the ACK
}

// onRequest takes a request that the agent has found to be for this leg by
// our tag and its Call-ID.
func (l *leg) onRequest(r *request) {
	if r.method == "ACK" {
		l.onAck(r)
		return
	}
	p := l.peerOf(r.remoteTag)
	over := l.state == ended || l.state == deserted
	if p == nil || l.state == idle || (over && r.method != "BYE") {
		l.answer(r, 481, "Call/Transaction Does Not Exist")
		return
	}
	if p == l.main && r.cseq <= l.remoteCSeq && r.method != "CANCEL" {
		l.answer(r, 500, "Server Internal Error") // RFC 3261 section 12.2.2: out of order
		return
	}
	if p == l.main {
		l.remoteCSeq = r.cseq
	}
	switch r.method {
	case "BYE":
		l.onBye(r, p)
	case "INVITE", "UPDATE":
		l.onOffer(r, p)
	case "INFO":
		l.onInfo(r)
	case "OPTIONS":
		l.answer(r, 200, "OK")
	default:
		l.answer(r, 405, "Method Not Allowed")
	}
}

func (l *leg) answer(r *request, code int, phrase string, extra ...Header) {
	l.do(respond{to: r, code: code, phrase: phrase, extra: extra})
}

// onCall is an INVITE that the agent admitted.
func (l *leg) onCall(in invited) {
	if l.state != idle {
		return
	}
	r := in.req
	l.call, l.state, l.remoteCSeq = r, incoming, r.cseq
	l.main = &peer{tag: r.remoteTag, target: r.contact, routes: r.routes, update: r.update}
	if l.main.target == "" {
		l.main.target = r.remoteURI
	}
	l.dialog.RemoteTag, l.dialog.RemoteTarget, l.dialog.Routes = r.remoteTag, l.main.target, r.routes
	l.forks[l.main.tag] = l.main
	l.answer(r, 100, "Trying")
	in.in.Route.Dialog = l.dialog
	in.in.Route.Dialog.Up = true // so that whoever finds it after a crash says BYE
	l.do(tell{in.in})
}

func (l *leg) onRing() {
	if l.state == incoming {
		l.state, l.ringingAt = ringing, l.now
		l.answer(l.call, 180, "Ringing")
	}
}

func (l *leg) onAccept(body []byte) {
	if l.state != incoming && l.state != ringing {
		return
	}
	l.state, l.localSDP = accepted, body
	l.send2xx(&offer{req: l.call, delays: l.call.body == nil}, body)
}

// refuseCall answers the INVITE with the final response that fits why.
func (l *leg) refuseCall(why Cause) {
	code, phrase := why.Code, why.Text
	if code < 300 || code > 699 {
		code, phrase = 480, "Temporarily Unavailable"
	}
	if phrase == "" {
		phrase = "Refused"
	}
	var extra []Header
	if why.Q850 > 0 {
		extra = reasonHeader(why)
	}
	if why.RetryAfter > 0 {
		extra = append(extra, Header{"Retry-After", seconds(why.RetryAfter)})
	}
	l.answer(l.call, code, phrase, extra...)
	l.end(why)
}

// onCancelled: the caller gave up; the transaction has answered already.
func (l *leg) onCancelled(in cancelled) {
	if l.state == incoming || l.state == ringing {
		l.end(l.farCause(487, "cancelled by the caller", in.reason))
	}
}

// send2xx answers an offer and repeats the answer until its ACK comes (RFC
// 3261 section 13.3.1.4). An UPDATE has no ACK.
func (l *leg) send2xx(o *offer, body []byte) {
	o.sent = respond{to: o.req, code: 200, phrase: "OK", body: body, extra: l.session.answer(o.req)}
	l.do(o.sent)
	l.runSession()
	if o.req.method == "UPDATE" {
		return
	}
	l.unacked, o.pause = o, l.timing.t1
	l.arm(repeatTimer, o.pause)
	l.arm(ackTimer, l.timing.lifetime())
}

func (l *leg) repeat2xx() {
	if l.unacked == nil {
		return
	}
	l.do(tally{repeated})
	l.do(l.unacked.sent)
	l.unacked.pause = min(2*l.unacked.pause, l.timing.t2)
	l.arm(repeatTimer, l.unacked.pause)
}

// onNoAck: without an ACK the session is not to be had; RFC 3261 section
// 13.3.1.4 ends it with a BYE.
func (l *leg) onNoAck() {
	if l.unacked == nil {
		return
	}
	l.unacked = nil
	switch l.state {
	case accepted, up:
		l.byUs = true
		l.hangUpMain(Cause{Code: 408, Q850: 102, Text: "no ACK", Result: ResultProtocolFailure})
	case closing:
		l.hangUpMain(l.why)
	}
}

func (l *leg) onAck(r *request) {
	o := l.unacked
	if o == nil || r.cseq != o.req.cseq || l.main == nil || r.remoteTag != l.main.tag {
		return
	}
	l.unacked = nil
	l.stop(repeatTimer, ackTimer)
	switch l.state {
	case accepted:
		l.state, l.answeredAt, l.dialog.Up = up, l.now, true
		l.do(tell{Answered{Leg: l.id, Fork: l.main.tag, Body: r.body, Dialog: l.dialog, At: l.now}})
	case closing:
		l.hangUpMain(l.why)
	case up:
		if o.delays {
			l.do(tell{Replied{Leg: l.id, Body: r.body}})
		}
	}
}

func (l *leg) onBye(r *request, p *peer) {
	l.answer(r, 200, "OK")
	if p != l.main {
		return // a fork that we are ending too
	}
	cause := l.farCause(200, "", r.reason)
	cause.Code = 0 // a BYE has no status
	switch l.state {
	case incoming, ringing: // unusual, but a caller may (RFC 3261 section 15)
		l.answer(l.call, 487, "Request Terminated")
		l.end(l.farCause(487, "", r.reason))
	case up, accepted, closing:
		l.byUs = l.state == closing
		l.unacked = nil
		l.end(cause)
	case ending: // BYE crossing BYE: both have hung up
		l.end(l.ownCause())
	}
}

// onOffer is a re-INVITE or UPDATE.
func (l *leg) onOffer(r *request, p *peer) {
	switch {
	case p != l.main || (l.state != up && l.state != accepted):
		l.answer(r, 481, "Call/Transaction Does Not Exist")
		return
	case l.own != nil && (r.method == "INVITE" || r.body != nil):
		l.answer(r, 491, "Request Pending")
		return
	case l.offer != nil || l.unacked != nil:
		// Two at once, RFC 3261 section 14.2 and RFC 3311 section 5.2.
		l.answer(r, 500, "Server Internal Error", Header{"Retry-After", "2"})
		return
	case l.session.tooShort(r):
		l.answer(r, 422, "Session Interval Too Small", Header{"Min-SE", seconds(l.session.minimum)})
		return
	}
	if r.contact != "" { // both may move the target (RFC 3261 section 12.2.2)
		l.main.target, l.dialog.RemoteTarget = r.contact, r.contact
	}
	if r.method == "UPDATE" && r.body == nil {
		l.send2xx(&offer{req: r}, nil) // only keeps the session
		return
	}
	l.offer = &offer{req: r, delays: r.body == nil}
	l.arm(offerTimer, offerGrace)
	l.do(tell{Offered{Leg: l.id, Body: r.body, At: l.now}})
}

// onReply is our side's answer to Offered.
func (l *leg) onReply(body []byte) {
	if l.offer == nil {
		return
	}
	if body == nil {
		l.refuseOffer(488, "Not Acceptable Here")
		return
	}
	o := l.offer
	l.offer, l.localSDP = nil, body
	l.stop(offerTimer)
	l.send2xx(o, body)
}

func (l *leg) refuseOffer(code int, phrase string) {
	if l.offer == nil {
		return
	}
	o := l.offer
	l.offer = nil
	l.stop(offerTimer)
	l.answer(o.req, code, phrase)
}

func (l *leg) onInfo(r *request) {
	if d, ok := parseDTMF(r.contentType, r.raw); ok {
		l.answer(r, 200, "OK")
		l.do(tell{Digit{Leg: l.id, Digit: d}})
		return
	}
	if len(r.raw) == 0 { // some use an empty INFO as a keep-alive
		l.answer(r, 200, "OK")
		return
	}
	l.answer(r, 415, "Unsupported Media Type", Header{"Accept", "application/dtmf-relay, application/dtmf"})
}
