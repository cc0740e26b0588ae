package sip

import (
	"cmp"
	"strconv"
	"strings"
	"time"
)

// leg is one INVITE dialog, or the try to get one, as a pure state machine:
// inputs in, actions out. It does no I/O, starts no goroutine and reads no
// clock. The table in the package comment is its behaviour.
//
// sipgo's own dialogs are not used because they leave answered calls up: a 2xx
// that crosses a CANCEL gets neither ACK nor BYE, the second 2xx of a fork is
// taken for a repetition of the first, and more than ten provisional responses
// end the waiting without a CANCEL.
type leg struct {
	id       LegID
	state    state
	dialog   Dialog
	timing   timing
	classify func(code, q850 int, text string) Result
	random   func() float64 // in [0, 1), for the back-off after 491

	invitation Invitation
	attempts   int    // INVITEs sent, or CANCELs of a resumed dialog
	challenged int    // INVITEs sent as answers to challenges
	resumed    bool   // we only end what another process began
	closed     uint32 // the highest CSeq whose INVITE got a final non-2xx response
	why        Cause  // of our own hanging up
	byUs       bool   // our hanging up is what ended it

	held  uint32           // CSeq of the answer that waits for confirm before its ACK; 0: none
	main  *peer            // the dialog that is, or was, the call
	forks map[string]*peer // every far end that answered with a 2xx, by tag

	call       *request // INVITE of the far end that made this leg
	offer      *offer   // offer of the far end that waits for us
	unacked    *offer   // 2xx of ours that waits for its ACK
	own        *own     // request of ours inside the dialog
	remoteCSeq uint32
	localSDP   []byte // what we said last, for refreshes

	session session

	ringingAt  time.Time
	answeredAt time.Time

	gens [timers]uint32
	out  []action
	room []action // for out, where somebody lends it
	now  time.Time
}

// newLeg makes a leg in state idle.
func newLeg(id LegID, t timing, s session, classify func(int, int, string) Result, random func() float64) *leg {
	return &leg{id: id, timing: t, session: s, classify: classify, random: random, forks: map[string]*peer{}}
}

// step applies in and returns what the agent must do, in order. An input that
// does not fit the state is answered as the protocol wants and changes
// nothing: carriers send late and repeated messages.
func (l *leg) step(now time.Time, in input) []action {
	l.now, l.out = now, l.room[:0]
	switch in := in.(type) {
	case start:
		l.onStart(in)
	case resume:
		l.onResume(in)
	case invited:
		l.onCall(in)
	case hangup:
		l.onHangup(in.why)
	case confirm:
		l.confirm()
	case ring:
		l.onRing()
	case accept:
		l.onAccept(in.body)
	case reply:
		l.onReply(in.body)
	case cancelled:
		l.onCancelled(in)
	case failed:
		l.onFailed(in)
	case unreachable:
		l.onUnreachable(in)
	case fired:
		if in.gen == l.gens[in.timer] { // else it was armed for what is over
			l.onTimer(in.timer)
		}
	case *response:
		l.onResponse(in)
	case *request:
		l.onRequest(in)
	}
	return l.out
}

func (l *leg) do(a action) { l.out = append(l.out, a) }

// arm starts a timer, in place of the one that ran.
func (l *leg) arm(t timer, after time.Duration) {
	l.gens[t]++
	l.do(arm{timer: t, after: max(after, 0), gen: l.gens[t]})
}

func (l *leg) stop(ts ...timer) {
	for _, t := range ts {
		l.gens[t]++
		l.do(stops[t])
	}
}

// stops are the actions that stop each timer: most of what an end does.
var stops = func() (all [timers]action) {
	for t := range timers {
		all[t] = arm{timer: t, after: -1}
	}
	return all
}()

// onHangup ends the leg in the way its state allows.
func (l *leg) onHangup(why Cause) {
	why.Text = clean(why.Text)
	switch l.state {
	case idle, calling:
		l.why, l.byUs = why, true
		if l.state == idle {
			l.end(why)
			return
		}
		l.state = abandoning
	case proceeding, early:
		l.why, l.byUs = why, true
		l.cancel()
	case incoming, ringing:
		l.byUs = true
		l.refuseCall(why)
	case accepted:
		l.why, l.byUs = why, true
		l.state = closing
	case up:
		l.byUs = true
		l.hangUpMain(why)
	}
}

// hangUpMain sends the BYE of the call and waits a little for its answer.
func (l *leg) hangUpMain(why Cause) {
	l.why = why
	l.confirm()
	l.refuseOffer(487, "Request Terminated")
	l.state = ending
	l.stop(refreshTimer, expireTimer, repeatTimer, ackTimer)
	l.bye(l.main, why)
	l.arm(endTimer, endGrace)
}

// bye ends one dialog.
func (l *leg) bye(p *peer, why Cause) {
	p.cseq++
	p.byes++
	l.do(send{method: "BYE", cseq: p.cseq, peer: p, extra: reasonHeader(why)})
}

// reasonHeader says why we hang up (RFC 3326).
func reasonHeader(why Cause) []Header {
	switch {
	case why.Q850 > 0:
		return []Header{{"Reason", `Q.850;cause=` + strconv.Itoa(why.Q850) + quotedText(why.Text)}}
	case why.Code >= 300:
		return []Header{{"Reason", `SIP;cause=` + strconv.Itoa(why.Code) + quotedText(why.Text)}}
	}
	return nil
}

func quotedText(s string) string {
	if s == "" {
		return ""
	}
	return `;text="` + strings.NewReplacer(`\`, `\\`, `"`, `\"`).Replace(s) + `"`
}

// end tells Ended and stays for late messages.
func (l *leg) end(cause Cause) { l.endAs(cause, false) }

func (l *leg) endAs(cause Cause, late bool) {
	l.confirm()
	l.refuseOffer(487, "Request Terminated")
	l.state = ended
	l.stop(answerTimer, ringTimer, cancelTimer, repeatTimer, ackTimer, offerTimer, refreshTimer, expireTimer, endTimer)
	l.do(tell{Ended{
		Leg: l.id, Cause: cause, ByUs: l.byUs, WasUp: !l.answeredAt.IsZero(), LateAnswer: late,
		RingingAt: l.ringingAt, AnsweredAt: l.answeredAt, At: l.now,
	}})
	l.arm(forgetTimer, l.timing.lifetime())
}

// farCause is the cause of an end by the far side.
func (l *leg) farCause(code int, phrase string, r reason) Cause {
	text := phrase
	if r.text != "" && r.text != phrase {
		text = phrase + ": " + r.text
	}
	if phrase == "" {
		text = r.text
	}
	return Cause{Code: code, Q850: r.q850, Text: text, Result: l.classify(code, r.q850, text)}
}

func (l *leg) onTimer(t timer) {
	switch t {
	case answerTimer:
		l.onNoAnswer()
	case ringTimer:
		if l.state == proceeding || l.state == early {
			l.why, l.byUs = Cause{Code: 487, Q850: 19, Text: "no answer", Result: ResultNoAnswer}, true
			l.cancel()
		}
	case cancelTimer:
		if l.state == cancelling {
			l.do(stopInvite{cseq: l.dialog.CSeq})
			l.end(l.ownCause())
		}
	case confirmTimer:
		l.confirm()
	case repeatTimer:
		l.repeat2xx()
	case ackTimer:
		l.onNoAck()
	case offerTimer:
		l.refuseOffer(500, "Server Internal Error")
	case refreshTimer:
		l.refresh()
	case expireTimer:
		l.onExpired()
	case endTimer:
		if l.state == ending {
			l.end(l.ownCause())
		}
	case forgetTimer:
		if l.state == ended || l.state == deserted {
			l.do(forget{})
		}
	}
}

// ownCause is the cause of an end by ourselves.
func (l *leg) ownCause() Cause {
	why := l.why
	if !l.answeredAt.IsZero() {
		why.Result = cmp.Or(why.Result, ResultAnswered)
	}
	return why
}
