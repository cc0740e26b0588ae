package sip

import "strings"

// unreachable says that the network could not deliver an INVITE of ours: an ICMP
// error quotes it. Nobody can have seen that copy of it.
type unreachable struct{ branch string }

func (unreachable) input() {}

// onUnreachable ends a call that another target may take; one that has no other is
// given all the time of the protocol, as a server may be back in a second. Only who
// sees our INVITE knows its branch, so a forged error ends nothing.
func (l *leg) onUnreachable(in unreachable) {
	if l.state == calling && l.invitation.AnswerTimeout > 0 && in.branch == l.dialog.branch() {
		l.onNoAnswer()
	}
}

// onUndelivered reads what an ICMP error quotes of a datagram of ours.
func (a *Agent) onUndelivered(quoted []byte) {
	text := string(quoted)
	if !strings.HasPrefix(text, "INVITE ") {
		return
	}
	var branch, tag string
	for line := range strings.SplitSeq(text, "\r\n") {
		if value, ok := strings.CutPrefix(line, "Via: "); ok && branch == "" {
			branch = parameterOf(value, "branch")
		}
		if value, ok := strings.CutPrefix(line, "From: "); ok {
			tag = parameterOf(value, "tag")
		}
	}
	if branch != "" && tag != "" {
		a.inbox.offer(envelope{tag: tag, in: unreachable{branch}}, maxBehind)
	}
}

// parameterOf is one parameter of a header that we wrote.
func parameterOf(value, name string) string {
	for _, part := range splitQuoted(value, ';')[1:] {
		if n, v := parameter(part); n == name {
			return v
		}
	}
	return ""
}
