package sip

import (
	"slices"
	"strconv"
)

// onStart sends the INVITE.
func (l *leg) onStart(in start) {
	if l.state != idle {
		return
	}
	l.invitation, l.dialog, l.localSDP = in.inv, in.inv.Dialog, in.inv.Body
	l.main = &peer{target: l.dialog.RequestURI, routes: l.dialog.Routes, cseq: l.dialog.CSeq}
	l.state = calling
	l.sendInvite()
	if in.inv.AnswerTimeout > 0 {
		l.arm(answerTimer, in.inv.AnswerTimeout)
	}
}

// mayAnswer says whether a challenge can be answered: with the right password
// one answer is enough, unless the far end says that the nonce was stale.
func (l *leg) mayAnswer(challenges []challenge, answered int) bool {
	return l.invitation.Credentials != nil && answered < maxAttempts-1 &&
		answerable(challenges, answered > 0)
}

func (l *leg) sendInvite() {
	l.attempts++
	extra := slices.Concat(l.invitation.Headers, l.session.request("uac"))
	l.do(send{
		method: "INVITE", cseq: l.dialog.CSeq, branch: l.dialog.branch(),
		peer: l.untagged(), body: l.invitation.Body, extra: extra, overload: l.invitation.OverloadControl,
	})
}

// untagged is the far end as INVITE and CANCEL are sent to it.
func (l *leg) untagged() *peer {
	return &peer{target: l.dialog.RequestURI, routes: l.dialog.Routes}
}

// branch is that of the INVITE with the dialog's CSeq. It follows from the
// first one, so that a process that knows only the first dialog can cancel
// what was sent again for a challenge.
func (d Dialog) branch() string { return d.branchOf(d.CSeq) }

func (d Dialog) branchOf(cseq uint32) string {
	if cseq <= 1 {
		return d.Branch
	}
	return d.Branch + "." + strconv.FormatUint(uint64(cseq), 10)
}

// cancel sends the CANCEL of the INVITE that is in flight. Its Reason never
// says cause=200, which would mean "answered elsewhere".
func (l *leg) cancel() {
	l.state = cancelling
	l.stop(answerTimer, ringTimer)
	l.sendCancel()
	l.arm(cancelTimer, l.timing.lifetime())
}

func (l *leg) sendCancel() {
	why := l.why
	if why.Code < 300 && why.Q850 == 0 {
		why.Code = 487
	}
	l.do(send{
		method: "CANCEL", cseq: l.dialog.CSeq, branch: l.dialog.branch(),
		peer: l.untagged(), extra: reasonHeader(why),
	})
}

// onNoAnswer ends a call that nothing came back for. A 2xx may still come.
func (l *leg) onNoAnswer() {
	switch l.state {
	case calling, abandoning:
		cause := l.why
		if l.state == calling {
			l.byUs = true
			cause = Cause{Text: "no response", Result: ResultTrunkDown}
		}
		l.do(stopInvite{cseq: l.dialog.CSeq})
		l.end(cause)
		l.state = deserted
	}
}

// onFailed hears that a transaction of ours ended without a final response.
func (l *leg) onFailed(in failed) {
	switch in.method {
	case "INVITE":
		if l.own != nil && l.own.cseq == in.cseq {
			l.onOwnFailed(in)
			return
		}
		l.onInviteFailed(in)
	case "UPDATE":
		if l.own != nil && l.own.cseq == in.cseq {
			l.onOwnFailed(in)
		}
	case "BYE":
		l.onByeDone(in.tag, 0)
	}
}

func (l *leg) onInviteFailed(in failed) {
	if in.cseq != l.dialog.CSeq {
		return
	}
	switch l.state {
	case calling, proceeding, early:
		cause := Cause{Text: clean(in.text), Result: ResultTrunkDown}
		if in.refused {
			l.byUs, cause.Result = true, ResultProtocolFailure
		}
		l.end(cause)
	case abandoning, cancelling:
		l.end(l.ownCause())
	default:
		return
	}
	l.state = deserted
}

func (l *leg) onResponse(r *response) {
	if l.state == idle {
		return
	}
	switch r.method {
	case "INVITE":
		l.onInviteResponse(r)
	case "BYE":
		l.onByeResponse(r)
	case "UPDATE":
		if l.own != nil && l.own.cseq == r.cseq && l.own.method == "UPDATE" {
			l.onOwnResponse(r)
		}
	case "CANCEL":
		l.onCancelResponse(r)
	}
}

func (l *leg) onInviteResponse(r *response) {
	if r.overload != nil && l.invitation.OverloadControl {
		o := *r.overload
		o.Leg, o.At = l.id, l.now
		l.do(tell{o})
	}
	switch {
	case l.call != nil && (r.cseq == 0 || r.cseq > l.main.cseq):
		// The far end called: this answers nothing of ours.
	case l.own != nil && l.own.method == "INVITE" && l.own.cseq == r.cseq:
		l.onOwnResponse(r)
	case r.code < 200:
		l.onProvisional(r)
	case r.code < 300:
		l.on2xx(r)
	default:
		l.onRefused(r)
	}
}

func (l *leg) onProvisional(r *response) {
	if r.cseq != l.dialog.CSeq {
		return
	}
	switch l.state {
	case calling, proceeding, early:
		l.progress(r)
	case abandoning:
		l.cancel()
	case deserted:
		l.sendCancel()
		l.state = ended
	}
}

// progress moves on from calling and starts the ring clock: at the first 180
// or 183, else 4 s after the 100.
func (l *leg) progress(r *response) {
	ringTimeout := l.invitation.RingTimeout
	l.stop(answerTimer)
	if l.state == calling && ringTimeout > 0 {
		l.arm(ringTimer, alertGrace+ringTimeout)
	}
	if (r.code == 180 || r.code == 183) && l.ringingAt.IsZero() {
		l.ringingAt = l.now
		if ringTimeout > 0 {
			l.arm(ringTimer, ringTimeout)
		}
	}
	switch {
	case r.code > 100:
		l.state = early
	case l.state == calling:
		l.state = proceeding
	}
	l.do(tell{Progress{Leg: l.id, Code: r.code, Fork: r.tag, Body: r.body, At: l.now}})
}

// on2xx takes the answer of one fork. Each is acknowledged; exactly one is the
// call, and only where we still want it.
func (l *leg) on2xx(r *response) {
	if known := l.forks[r.tag]; known != nil { // a repetition: its ACK was lost
		l.do(tally{repeated})
		if l.held == 0 || known != l.main {
			l.ack(known, r.cseq)
		}
		return
	}
	if l.call != nil {
		return // the far end called: it has no forks
	}
	p := l.newFork(r)
	wanted := l.state == calling || l.state == proceeding || l.state == early
	if wanted && l.invitation.HoldAck {
		l.held = r.cseq
		l.arm(confirmTimer, confirmMost)
	} else {
		l.ack(p, r.cseq)
	}
	switch l.state {
	case calling, proceeding, early:
		l.answered(p, r)
	case abandoning, cancelling:
		l.do(tally{lateAnswer})
		l.bye(p, l.why)
		l.byUs = true
		cause := Cause{Q850: l.why.Q850, Text: "answered after our CANCEL", Result: ResultLateAnswer}
		if l.resumed {
			cause.Code = r.code // Finish wants to know that somebody answered
		}
		l.endAs(cause, true)
	case up, ending:
		l.endFork(p)
	case ended, deserted:
		if !l.answeredAt.IsZero() {
			l.endFork(p)
			return
		}
		l.do(tally{lateAnswer})
		l.bye(p, l.why)
	}
}

func (l *leg) newFork(r *response) *peer {
	p := &peer{tag: r.tag, target: r.contact, routes: r.routes, cseq: r.cseq, update: r.update}
	if p.target == "" {
		p.target = l.dialog.RequestURI
	}
	if len(l.forks) < maxForks {
		l.forks[r.tag] = p
	}
	return p
}

func (l *leg) endFork(p *peer) {
	l.do(tally{forkEnded})
	l.bye(p, Cause{Code: 487, Text: "another fork answered"})
}

// confirm sends the ACK that was held back.
func (l *leg) confirm() {
	if l.held == 0 {
		return
	}
	l.ack(l.main, l.held)
	l.held = 0
	l.stop(confirmTimer)
}

func (l *leg) ack(p *peer, cseq uint32) { l.do(send{method: "ACK", cseq: cseq, peer: p}) }

// answered makes p the call.
func (l *leg) answered(p *peer, r *response) {
	l.state, l.main, l.answeredAt = up, p, l.now
	l.stop(answerTimer, ringTimer)
	l.dialog.RemoteTag, l.dialog.RemoteTarget, l.dialog.Routes, l.dialog.Up = p.tag, p.target, p.routes, true
	l.startSession(r.session, true)
	l.do(tell{Answered{Leg: l.id, Fork: p.tag, Body: r.body, Dialog: l.dialog, At: l.now}})
}

// onRefused takes a final non-2xx response. The first of each INVITE is
// acknowledged by its transaction, repetitions by us.
func (l *leg) onRefused(r *response) {
	if r.cseq <= l.closed {
		l.do(tally{repeated})
		l.ackRefusal(r)
		return
	}
	l.closed = r.cseq
	if l.resumed || l.state == deserted || l.state == ended {
		l.ackRefusal(r) // its transaction is gone
	}
	if r.cseq != l.dialog.CSeq {
		return
	}
	switch l.state {
	case calling, proceeding, early:
		if !l.again(r) {
			cause := l.farCause(r.code, r.phrase, r.reason)
			cause.RetryAfter = r.retryAfter
			l.end(cause)
		}
	case abandoning, cancelling:
		if r.code == 487 || r.code == 401 || r.code == 407 || r.code == 422 {
			cause := l.ownCause()
			cause.Code = 487
			l.end(cause)
			return
		}
		l.byUs = false // it was busy, or gone, before it saw our CANCEL
		l.end(l.farCause(r.code, r.phrase, r.reason))
	case deserted:
		l.state = ended
	}
}

// ackRefusal acknowledges a repeated refusal: an ACK within the transaction of
// the INVITE, so with its branch (RFC 3261 section 17.1.1.3).
func (l *leg) ackRefusal(r *response) {
	p := &peer{tag: r.tag, target: l.dialog.RequestURI, routes: l.dialog.Routes}
	if l.dialog.Up {
		p = l.main
	}
	l.do(send{method: "ACK", cseq: r.cseq, branch: l.dialog.branchOf(r.cseq), peer: p})
}

// again repeats the INVITE with credentials (401, 407) or with a longer
// session interval (422), and says whether it did.
func (l *leg) again(r *response) bool {
	if l.attempts >= maxAttempts {
		return false
	}
	switch r.code {
	case 401, 407:
		if !l.mayAnswer(r.challenges, l.challenged) {
			return false
		}
		l.challenged++
		l.do(learn{r.challenges})
	case 422:
		if !l.session.raise(r.minSE) {
			return false
		}
	default:
		return false
	}
	l.dialog.CSeq++
	l.state = calling
	l.stop(ringTimer)
	l.sendInvite()
	if l.invitation.AnswerTimeout > 0 {
		l.arm(answerTimer, l.invitation.AnswerTimeout)
	}
	return true
}
