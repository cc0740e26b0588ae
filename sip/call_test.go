package sip

import (
	"fmt"
	"strings"
	"testing"
	"time"
)

func TestAnsweredCall(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f)
	for _, want := range []string{"Max-Forwards: 70", "rport", "Supported: timer", "Session-Expires: 120;refresher=uac", "Min-SE: 90"} {
		if !strings.Contains(inv, want) {
			t.Errorf("INVITE without %q:\n%s", want, inv)
		}
	}
	if got, want := header(inv, "Contact"), "<sip:outpace@"+n.Addr("udp").String()+">"; got != want {
		t.Errorf("Contact = %q, want %q", got, want)
	}
	f.answer(inv, "100 Trying", "", "", "")
	if p := event[Progress](n); p.Code != 100 || p.Fork != "" {
		t.Errorf("progress = %+v", p)
	}
	f.answer(inv, "183 Session Progress", "T1", f.contact(), "v=0 early\r\n")
	if p := event[Progress](n); p.Code != 183 || p.Fork != "T1" || string(p.Body) != "v=0 early\r\n" {
		t.Errorf("progress = %+v", p)
	}
	proxy := "Record-Route: <sip:" + f.addr() + ";lr>, <sip:far.invalid;lr>\r\n"
	// The UAC's route set is the Record-Route in reverse order, so the last
	// one is the first hop.
	proxy = "Record-Route: <sip:far.invalid;lr>\r\nRecord-Route: <sip:" + f.addr() + ";lr>\r\n"
	f.answer(inv, "200 OK", "T1", "Contact: <sip:desk@192.0.2.7>\r\n"+proxy, "v=0 answer\r\n")
	ack := f.expect("ACK sip:desk@192.0.2.7 ")
	if got := header(ack, "Route"); got != "<sip:"+f.addr()+";lr>" {
		t.Errorf("first Route = %q", got)
	}
	if header(ack, "CSeq") != "1 ACK" || !strings.Contains(header(ack, "To"), "tag=T1") {
		t.Errorf("ACK:\n%s", ack)
	}
	up := event[Answered](n)
	if up.Fork != "T1" || string(up.Body) != "v=0 answer\r\n" || !up.Dialog.Up || up.Dialog.RemoteTarget != "sip:desk@192.0.2.7" {
		t.Errorf("answered = %+v", up)
	}
	n.Hangup("leg", Cause{Q850: 16, Text: "Normal call clearing"})
	bye := f.expect("BYE sip:desk@192.0.2.7 ")
	if header(bye, "CSeq") != "2 BYE" || header(bye, "Reason") != `Q.850;cause=16;text="Normal call clearing"` {
		t.Errorf("BYE:\n%s", bye)
	}
	f.answer(bye, "200 OK", "", "", "")
	if e := event[Ended](n); !e.ByUs || !e.WasUp || e.LateAnswer || e.AnsweredAt.IsZero() || e.RingingAt.IsZero() {
		t.Errorf("ended = %+v", e)
	}
	if s := n.Stats(); s.Legs != 0 || s.Requests[MessageKey{Method: "INVITE", Direction: "out"}] != 1 ||
		s.Responses[MessageKey{Method: "INVITE", Direction: "in", Class: 2}] != 1 {
		t.Errorf("stats = %+v", s)
	}
}

func TestFarEndHangsUp(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv, _ := n.connect(f, "")
	f.send(f.peer, f.inDialog(inv, "T1", "BYE", 1, "Reason: Q.850;cause=16;text=\"bye\"\r\n", ""))
	f.expect("SIP/2.0 200")
	if e := event[Ended](n); e.ByUs || !e.WasUp || e.Cause.Q850 != 16 || e.Cause.Text != "bye" {
		t.Errorf("ended = %+v", e)
	}
}

// The far end answers while our CANCEL is on its way: the call must not stay
// up, whichever answer comes first.
func TestCancelGlare(t *testing.T) {
	for _, inviteFirst := range []bool{false, true} {
		t.Run(fmt.Sprintf("invite answered first %v", inviteFirst), func(t *testing.T) {
			t.Parallel()
			n, f := newNear(t), newFarEnd(t)
			inv := n.invite(f)
			f.answer(inv, "180 Ringing", "T1", f.contact(), "")
			event[Progress](n)
			n.Hangup("leg", Cause{Text: "no operator"})
			cancel := f.expect("CANCEL")
			if header(cancel, "Via") != header(inv, "Via") || header(cancel, "CSeq") != "1 CANCEL" {
				t.Errorf("CANCEL does not match its INVITE:\n%s", cancel)
			}
			if inviteFirst {
				f.answer(inv, "200 OK", "T1", f.contact(), "v=0\r\n")
				f.answer(cancel, "200 OK", "T1", "", "")
			} else {
				f.answer(cancel, "200 OK", "T1", "", "")
				f.answer(inv, "200 OK", "T1", f.contact(), "v=0\r\n")
			}
			f.expect("ACK")
			bye := f.expect("BYE")
			if e := event[Ended](n); !e.LateAnswer || !e.ByUs || e.Cause.Result != ResultLateAnswer {
				t.Errorf("ended = %+v", e)
			}
			f.answer(inv, "200 OK", "T1", f.contact(), "v=0\r\n")
			f.expect("ACK") // a repeated 2xx is acknowledged again, and nothing more
			f.answer(bye, "200 OK", "", "", "")
			f.silent(100 * time.Millisecond)
			n.quiet()
			if s := n.Stats(); s.LateAnswers != 1 {
				t.Errorf("late answers = %d", s.LateAnswers)
			}
		})
	}
}

func TestForkedAnswers(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f)
	f.answer(inv, "183 Session Progress", "A", f.contact(), "v=0 a\r\n")
	f.answer(inv, "183 Session Progress", "B", f.contact(), "v=0 b\r\n")
	for _, fork := range []string{"A", "B"} {
		if p := event[Progress](n); p.Fork != fork {
			t.Errorf("fork = %q, want %q", p.Fork, fork)
		}
	}
	f.answer(inv, "200 OK", "A", f.contact(), "v=0 a\r\n")
	f.expect("ACK")
	event[Answered](n)
	for _, fork := range []string{"B", "C"} {
		f.answer(inv, "200 OK", fork, f.contact(), "v=0\r\n")
		got := f.expectAll("ACK", "BYE")
		for kind, m := range got {
			if !strings.HasSuffix(header(m, "To"), "tag="+fork) {
				t.Errorf("%s to %q, want fork %s", kind, header(m, "To"), fork)
			}
		}
		f.answer(got["BYE"], "200 OK", "", "", "")
	}
	f.silent(100 * time.Millisecond)
	n.quiet()
	if s := n.Stats(); s.ForksEnded != 2 || s.Legs != 1 {
		t.Errorf("forks ended = %d, legs = %d", s.ForksEnded, s.Legs)
	}
	n.Hangup("leg", Cause{})
	if bye := f.expect("BYE"); !strings.HasSuffix(header(bye, "To"), "tag=A") {
		t.Errorf("BYE to %q", header(bye, "To"))
	}
}

func TestManyProvisionals(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f)
	for range 20 {
		f.answer(inv, "180 Ringing", "T1", f.contact(), "")
	}
	for range 20 {
		event[Progress](n)
	}
	f.answer(inv, "200 OK", "T1", f.contact(), "v=0\r\n")
	f.expect("ACK")
	event[Answered](n)
}

func TestByeAnswers(t *testing.T) {
	credentials := func(inv *Invitation) { inv.Credentials = &Credentials{"joe", "secret"} }
	challenge := `WWW-Authenticate: Digest realm="r", nonce="n1", qop="auth", algorithm=SHA-256` + "\r\n"
	for _, tt := range []struct {
		name  string
		after func(f *farEnd, bye string)
	}{
		{"100 first", func(f *farEnd, bye string) {
			f.answer(bye, "100 Trying", "", "", "")
			f.answer(bye, "200 OK", "", "", "")
		}},
		{"481", func(f *farEnd, bye string) { f.answer(bye, "481 Gone", "", "", "") }},
		{"401", func(f *farEnd, bye string) {
			f.answer(bye, "401 Unauthorized", "", challenge, "")
			again := f.expect("BYE")
			if header(again, "CSeq") != "3 BYE" || !strings.Contains(header(again, "Authorization"), `username="joe"`) {
				f.t.Errorf("BYE:\n%s", again)
			}
			f.answer(again, "200 OK", "", "", "")
		}},
		{"407", func(f *farEnd, bye string) {
			f.answer(bye, "407 Proxy Authentication Required", "", strings.Replace(challenge, "WWW", "Proxy", 1), "")
			again := f.expect("BYE")
			if !strings.Contains(header(again, "Proxy-Authorization"), `username="joe"`) {
				f.t.Errorf("BYE:\n%s", again)
			}
			f.answer(again, "200 OK", "", "", "")
		}},
		{"crossing BYE", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, f := newNear(t), newFarEnd(t)
			inv, _ := n.connect(f, "", credentials)
			n.Hangup("leg", Cause{})
			bye := f.expect("BYE")
			if tt.after != nil {
				tt.after(f, bye)
			} else {
				f.send(f.peer, f.inDialog(inv, "T1", "BYE", 1, "", ""))
				f.expect("SIP/2.0 200")
				f.answer(bye, "481 Gone", "", "", "")
			}
			if e := event[Ended](n); !e.ByUs || !e.WasUp {
				t.Errorf("ended = %+v", e)
			}
			n.quiet()
		})
	}
}

func TestNoProvisional(t *testing.T) {
	t.Run("timeout", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t), newFarEnd(t)
		inv := n.invite(f, func(i *Invitation) { i.AnswerTimeout = 50 * time.Millisecond })
		if e := event[Ended](n); e.Cause.Result != ResultTrunkDown || e.Cause.Code != 0 {
			t.Errorf("ended = %+v", e)
		}
		f.answer(inv, "200 OK", "T1", f.contact(), "v=0\r\n") // in spite of all
		f.expectAll("ACK", "BYE")
		n.quiet()
		if s := n.Stats(); s.LateAnswers != 1 {
			t.Errorf("late answers = %d", s.LateAnswers)
		}
	})
	t.Run("Timer B", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t), newFarEnd(t)
		n.invite(f)
		if e := event[Ended](n); e.Cause.Result != ResultTrunkDown {
			t.Errorf("ended = %+v", e)
		}
	})
	t.Run("late ringing", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t), newFarEnd(t)
		inv := n.invite(f, func(i *Invitation) { i.AnswerTimeout = 50 * time.Millisecond })
		event[Ended](n)
		f.answer(inv, "180 Ringing", "T1", f.contact(), "")
		cancel := f.expect("CANCEL")
		f.answer(cancel, "200 OK", "T1", "", "")
		f.answer(inv, "487 Request Terminated", "T1", "", "")
		if ack := f.expect("ACK"); header(ack, "Via") != header(inv, "Via") {
			t.Errorf("ACK of another transaction:\n%s", ack)
		}
	})
	t.Run("cancelled before the first 1xx", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t), newFarEnd(t)
		inv := n.invite(f)
		n.Hangup("leg", Cause{})
		f.silent(60 * time.Millisecond) // a CANCEL may not go out yet
		f.answer(inv, "100 Trying", "", "", "")
		cancel := f.expect("CANCEL")
		f.answer(cancel, "200 OK", "T1", "", "")
		f.answer(inv, "487 Request Terminated", "T1", "", "")
		f.expect("ACK")
		if e := event[Ended](n); !e.ByUs || e.Cause.Code != 487 {
			t.Errorf("ended = %+v", e)
		}
	})
	t.Run("cancelled, then nothing, then a 2xx", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t), newFarEnd(t)
		inv := n.invite(f)
		n.Hangup("leg", Cause{})
		if e := event[Ended](n); !e.ByUs {
			t.Errorf("ended = %+v", e)
		}
		f.answer(inv, "200 OK", "T1", f.contact(), "v=0\r\n")
		f.expectAll("ACK", "BYE")
	})
}

func TestRingTimeout(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f, func(i *Invitation) { i.RingTimeout = 50 * time.Millisecond })
	f.answer(inv, "180 Ringing", "T1", f.contact(), "")
	event[Progress](n)
	cancel := f.expect("CANCEL")
	if header(cancel, "Reason") != `Q.850;cause=19;text="no answer"` {
		t.Errorf("Reason = %q", header(cancel, "Reason"))
	}
	f.answer(cancel, "200 OK", "T1", "", "")
	f.answer(inv, "487 Request Terminated", "T1", "", "")
	f.expect("ACK")
	if e := event[Ended](n); e.Cause.Result != ResultNoAnswer || !e.ByUs || e.RingingAt.IsZero() {
		t.Errorf("ended = %+v", e)
	}
}

func TestRefusals(t *testing.T) {
	classify := func(c *Config) {
		c.Classify = func(code, q850 int, _ string) Result {
			switch {
			case q850 == 1:
				return ResultInvalidNumber
			case code == 486:
				return ResultBusy
			case code == 302:
				return ResultRedirected
			}
			return ResultProtocolFailure
		}
	}
	for _, tt := range []struct {
		status, extra string
		want          Cause
	}{
		{"486 Busy Here", "", Cause{Code: 486, Text: "Busy Here", Result: ResultBusy}},
		{"486 Busy Here", "Reason: SIP;cause=486, Q.850;cause=1;text=\"Unallocated; really\"\r\n",
			Cause{Code: 486, Q850: 1, Text: "Busy Here: Unallocated; really", Result: ResultInvalidNumber}},
		{"503 Service Unavailable", "Retry-After: 30 (maintenance);duration=60\r\n",
			Cause{Code: 503, Text: "Service Unavailable", Result: ResultProtocolFailure, RetryAfter: 30 * time.Second}},
		{"302 Moved Temporarily", "Contact: <sip:+900@198.51.100.1>\r\n",
			Cause{Code: 302, Text: "Moved Temporarily", Result: ResultRedirected}},
		{"603 Network Blocked", "", Cause{Code: 603, Text: "Network Blocked", Result: ResultProtocolFailure}},
	} {
		t.Run(tt.status, func(t *testing.T) {
			t.Parallel()
			n, f := newNear(t, classify), newFarEnd(t)
			inv := n.invite(f)
			f.answer(inv, tt.status, "T1", tt.extra, "")
			ack := f.expect("ACK")
			if header(ack, "Via") != header(inv, "Via") {
				t.Errorf("ACK of another transaction:\n%s", ack)
			}
			if e := event[Ended](n); e.Cause != tt.want || e.ByUs || e.WasUp {
				t.Errorf("ended = %+v, want cause %+v", e, tt.want)
			}
			f.seen = map[string]bool{} // the ACK was lost: the same is sent again
			f.answer(inv, tt.status, "T1", tt.extra, "")
			f.expect("ACK")
			n.quiet()
		})
	}
}

// A 2xx that no leg knows (a restart, or long after the end) is ended as well.
func TestStrayAnswer(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	f.peer = n.netAddr()
	d := dialogTo(f)
	dead := "INVITE x SIP/2.0\r\nVia: SIP/2.0/UDP " + n.Addr("udp").String() + ";branch=" + d.Branch +
		"\r\nFrom: <" + d.LocalURI + ">;tag=" + d.LocalTag + "\r\nTo: <" + d.RemoteURI + ">\r\nCall-ID: " + d.CallID + "\r\nCSeq: 1 INVITE\r\n\r\n"
	f.answer(dead, "200 OK", "T9", f.contact(), "v=0\r\n")
	got := f.expectAll("ACK", "BYE")
	if header(got["BYE"], "CSeq") != "2 BYE" || !strings.Contains(header(got["ACK"], "To"), "tag=T9") {
		t.Errorf("got %q", got)
	}
	f.answer(dead, "200 OK", "T9", f.contact(), "v=0\r\n")
	f.expect("ACK")
	n.quiet()
	foreign := strings.Replace(dead, d.Branch, "z9hG4bKother", 1)
	foreign = strings.Replace(foreign, d.LocalTag, "stranger", 1)
	f.answer(foreign, "200 OK", "T9", f.contact(), "v=0\r\n")
	f.silent(100 * time.Millisecond)
}
