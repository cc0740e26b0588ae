package sip

// onByeResponse: 100 says nothing yet; a challenge is answered; anything else
// final means that the far end has no such call any more.
func (l *leg) onByeResponse(r *response) {
	if r.code < 200 {
		return
	}
	p := l.peerOf(r.tag)
	if p == nil || r.cseq != p.cseq {
		return
	}
	switch {
	case (r.code == 401 || r.code == 407) && l.mayAnswer(r.challenges, p.challenged):
		p.challenged++
		l.do(learn{r.challenges})
		l.bye(p, l.why)
	case r.code == 500 && l.resumed && p.byes == 1:
		// Our CSeq was too low: the process that died had gone on counting.
		p.cseq += 1000
		l.bye(p, l.why)
	default:
		l.onByeDone(r.tag, r.code)
	}
}

// onByeDone: code is 0 where nothing came back.
func (l *leg) onByeDone(tag string, code int) {
	if l.state != ending || tag != l.main.tag {
		return
	}
	cause := l.ownCause()
	if l.resumed {
		cause.Code = code
	}
	l.end(cause)
}

// peerOf finds the far end with that tag.
func (l *leg) peerOf(tag string) *peer {
	if p := l.forks[tag]; p != nil {
		return p
	}
	if l.main != nil && l.main.tag == tag {
		return l.main
	}
	return nil
}

// onCancelResponse matters only while we clear up after a dead process, which
// may have sent its INVITE again for challenges before it died.
func (l *leg) onCancelResponse(r *response) {
	if l.state != cancelling || !l.resumed || r.code < 200 || r.cseq != l.dialog.CSeq {
		return
	}
	l.why.Code = r.code
	if r.code != 481 {
		l.arm(cancelTimer, endGrace) // the 487 may go to a port that is no more
		return
	}
	if l.attempts++; l.attempts > maxAttempts {
		l.end(l.why)
		return
	}
	l.dialog.CSeq++
	l.sendCancel()
}

// onResume begins to end a dialog of a dead process: CANCEL while it was
// early, BYE once it was up.
func (l *leg) onResume(in resume) {
	if l.state != idle {
		return
	}
	l.dialog, l.byUs, l.resumed = in.dialog, true, true
	l.invitation.Credentials = in.credentials
	l.why = Cause{Q850: 41, Text: "restarted"}
	if !l.dialog.Up {
		l.attempts = 1
		l.cancel()
		return
	}
	l.main = &peer{
		tag: l.dialog.RemoteTag, target: l.dialog.RemoteTarget, routes: l.dialog.Routes, cseq: l.dialog.CSeq,
	}
	if l.main.target == "" {
		l.main.target = l.dialog.RequestURI
	}
	l.forks[l.main.tag] = l.main
	l.state = ending
	if in.answered {
		l.do(tally{lateAnswer})
		l.ack(l.main, l.dialog.CSeq)
	}
	l.bye(l.main, l.why)
	l.arm(endTimer, l.timing.lifetime())
}
