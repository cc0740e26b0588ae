package sip

import (
	"strconv"
	"time"
)

// session is the session timer of a leg (RFC 4028): it ends a call whose far
// end has silently gone, also when we are the one that died.
type session struct {
	interval time.Duration // what we ask for
	minimum  time.Duration // the shortest we take
	floor    time.Duration // Min-SE we were told by a 422

	agreed    time.Duration // 0 = no timer on this call
	weRefresh bool
}

// raise takes the Min-SE of a 422; false if it does not help.
func (s *session) raise(minSE time.Duration) bool {
	if minSE <= s.interval {
		return false
	}
	s.interval, s.floor = minSE, minSE
	return true
}

// request makes the headers of an INVITE or UPDATE. refresher is the role that
// we want to be refreshed by: "uac" is us.
func (s *session) request(refresher string) []Header {
	return []Header{
		{"Session-Expires", seconds(s.interval) + ";refresher=" + refresher},
		{"Min-SE", seconds(max(s.minimum, s.floor))},
	}
}

// answer makes the headers of a 2xx to a request, and what was agreed by it.
// The one who asks may say who refreshes; where it does not, we do.
func (s *session) answer(r *request) []Header {
	interval := r.session.interval
	if interval == 0 {
		interval = max(s.interval, r.minSE)
	}
	refresher := "uas"
	if r.timer && r.session.refresher == "uac" {
		refresher = "uac"
	}
	s.agreed, s.weRefresh = interval, refresher == "uas"
	headers := []Header{{"Session-Expires", seconds(interval) + ";refresher=" + refresher}}
	if refresher == "uac" {
		headers = append(headers, Header{"Require", "timer"})
	}
	return headers
}

// tooShort says that a request asks for refreshes more often than we take.
func (s *session) tooShort(r *request) bool {
	return r.session.interval > 0 && r.session.interval < s.minimum
}

func seconds(d time.Duration) string {
	return strconv.Itoa(int((d + time.Second - 1) / time.Second))
}

// startSession takes what a 2xx to our request agreed. Without the header the
// far end knows no session timers, and the call has none (section 7.2).
func (l *leg) startSession(s sessionExpires, first bool) {
	switch {
	case s.interval > 0:
		l.session.agreed, l.session.weRefresh = s.interval, s.refresher != "uas"
	case first:
		l.session.agreed = 0
	}
	l.runSession()
}

// runSession arms the clocks of what was agreed: refresh at the half, give up
// at the end or, where the far end refreshes, a little before it (section 10).
func (l *leg) runSession() {
	interval := l.session.agreed
	if interval == 0 {
		l.stop(refreshTimer, expireTimer)
		return
	}
	if l.session.weRefresh {
		l.arm(refreshTimer, interval/2)
		l.arm(expireTimer, interval)
		return
	}
	l.stop(refreshTimer)
	l.arm(expireTimer, interval-min(32*time.Second, interval/3))
}

// own is a request of ours inside a confirmed dialog: the refresh.
type own struct {
	method     string
	cseq       uint32
	attempts   int
	challenged int
}

// refresh keeps the session: UPDATE where the far end allows it (it needs no
// SDP), else the last SDP once more.
func (l *leg) refresh() {
	if l.state != up || !l.session.weRefresh {
		return
	}
	if l.own != nil || l.offer != nil || l.unacked != nil {
		l.arm(refreshTimer, l.retryAfterGlare())
		return
	}
	method := "INVITE"
	if l.main.update || l.localSDP == nil {
		method = "UPDATE"
	}
	l.own = &own{method: method}
	l.sendOwn()
}

func (l *leg) sendOwn() {
	l.main.cseq++
	l.dialog.CSeq = l.main.cseq
	l.own.cseq = l.main.cseq
	l.own.attempts++
	s := send{method: l.own.method, cseq: l.own.cseq, peer: l.main, extra: l.session.request("uac")}
	if l.own.method == "INVITE" {
		s.body, s.branch = l.localSDP, l.dialog.branchOf(s.cseq)
	}
	l.do(s)
}

func (l *leg) onOwnResponse(r *response) {
	if r.code < 200 {
		return
	}
	o := l.own
	l.own = nil
	if o.method == "INVITE" {
		if r.code < 300 {
			l.ack(l.main, r.cseq)
		} else {
			l.closed = max(l.closed, r.cseq)
		}
	}
	if l.state != up {
		return
	}
	switch {
	case r.code < 300:
		l.startSession(r.session, false)
	case r.code == 401 || r.code == 407:
		if l.mayAnswer(r.challenges, o.challenged) {
			o.challenged++
			l.do(learn{r.challenges})
			l.own = o
			l.sendOwn()
		}
	case r.code == 422:
		if o.attempts < maxAttempts && l.session.raise(r.minSE) {
			l.own = o
			l.sendOwn()
		}
	case r.code == 491:
		l.arm(refreshTimer, l.retryAfterGlare())
	case r.code == 481 || r.code == 408:
		// Section 12.2.1.2 of RFC 3261: the far end has no such call.
		l.byUs = true
		l.hangUpMain(Cause{Code: r.code, Text: "session refresh: " + r.phrase, Result: ResultAnswered})
	case o.method == "UPDATE":
		l.main.update = false // it does not like UPDATE: try with an INVITE
		if l.localSDP != nil {
			l.refresh()
		}
	}
	// Any other refusal leaves the call to its expiry.
}

func (l *leg) onOwnFailed(in failed) {
	l.own = nil
	if l.state == up {
		l.byUs = true
		l.hangUpMain(Cause{Code: 408, Text: "session refresh: " + clean(in.text), Result: ResultAnswered})
	}
}

// onExpired ends a call that nobody refreshed.
func (l *leg) onExpired() {
	if l.state == up {
		l.byUs = true
		l.hangUpMain(Cause{Code: 408, Q850: 102, Text: "session expired", Result: ResultAnswered})
	}
}

// retryAfterGlare is the wait after a 491 (RFC 3261 section 14.1): 2.1 to 4 s
// for the owner of the Call-ID, 0 to 2 s for the other.
func (l *leg) retryAfterGlare() time.Duration {
	if l.call == nil {
		return 2100*time.Millisecond + time.Duration(l.random()*float64(1900*time.Millisecond))
	}
	return time.Duration(l.random() * float64(2*time.Second))
}
