package sip

import (
	"strings"
	"testing"
	"time"
)

func TestHold(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv, _ := n.connect(f, "")
	f.send(f.peer, f.inDialog(inv, "T1", "INVITE", 1, f.contact(), "v=0 hold\r\n"))
	if o := event[Offered](n); string(o.Body) != "v=0 hold\r\n" {
		t.Errorf("offered = %+v", o)
	}
	n.Reply("leg", []byte("v=0 held\r\n"))
	ok := f.expect("SIP/2.0 200")
	if bodyOf(ok) != "v=0 held\r\n" || header(ok, "Contact") == "" {
		t.Errorf("answer:\n%s", ok)
	}
	delete(f.seen, ok)
	f.expect("SIP/2.0 200") // repeated until the ACK
	f.send(f.peer, f.inDialog(inv, "T1", "ACK", 1, "", ""))

	f.send(f.peer, f.inDialog(inv, "T1", "INVITE", 2, f.contact(), "v=0 what\r\n"))
	event[Offered](n)
	n.Reply("leg", nil)
	if m := nextOther(f, "SIP/2.0 200"); !strings.HasPrefix(m, "SIP/2.0 488") {
		t.Errorf("got %s", firstLine(m))
	}
	n.quiet()
}

// nextOther skips repetitions of one kind.
func nextOther(f *farEnd, skip string) string {
	for {
		if m := f.next("another message"); !strings.HasPrefix(m, skip) {
			return m
		}
	}
}

func TestDelayedOffer(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv, _ := n.connect(f, "")
	f.send(f.peer, f.inDialog(inv, "T1", "INVITE", 1, f.contact(), ""))
	if o := event[Offered](n); o.Body != nil {
		t.Errorf("offered = %+v", o)
	}
	n.Reply("leg", []byte("v=0 our offer\r\n"))
	f.expect("SIP/2.0 200")
	f.send(f.peer, f.inDialog(inv, "T1", "ACK", 1, "", "v=0 their answer\r\n"))
	if r := event[Replied](n); string(r.Body) != "v=0 their answer\r\n" {
		t.Errorf("replied = %+v", r)
	}
}

func TestUpdate(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv, _ := n.connect(f, "")
	f.send(f.peer, f.inDialog(inv, "T1", "UPDATE", 1, f.contact()+"Supported: timer\r\nSession-Expires: 300;refresher=uac\r\n", ""))
	ok := f.expect("SIP/2.0 200")
	if header(ok, "Session-Expires") != "300;refresher=uac" || header(ok, "Require") != "timer" {
		t.Errorf("answer:\n%s", ok)
	}
	n.quiet()
	f.send(f.peer, f.inDialog(inv, "T1", "UPDATE", 2, f.contact(), "v=0 offer\r\n"))
	event[Offered](n)
	f.send(f.peer, f.inDialog(inv, "T1", "UPDATE", 3, f.contact(), "v=0 another\r\n"))
	if m := f.expect("SIP/2.0 500"); header(m, "Retry-After") == "" {
		t.Errorf("no Retry-After:\n%s", m)
	}
	n.Reply("leg", []byte("v=0 answer\r\n"))
	if ok := f.expect("SIP/2.0 200"); bodyOf(ok) != "v=0 answer\r\n" {
		t.Errorf("answer:\n%s", ok)
	}
	f.send(f.peer, f.inDialog(inv, "T1", "UPDATE", 4, f.contact()+"Supported: timer\r\nSession-Expires: 30\r\n", ""))
	if m := f.expect("SIP/2.0 422"); header(m, "Min-SE") != "90" {
		t.Errorf("refusal:\n%s", m)
	}
}

func TestInDialogRequests(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv, _ := n.connect(f, "")
	for i, tt := range []struct {
		method, extra, body, want string
		digit                     rune
	}{
		{"INFO", "Content-Type: application/dtmf-relay\r\n", "Signal=5\r\nDuration=160\r\n", "200", '5'},
		{"INFO", "Content-Type: application/dtmf-relay\r\n", "Signal= 11\r\n", "200", '#'},
		{"INFO", "Content-Type: application/dtmf\r\n", "*", "200", '*'},
		{"INFO", "Content-Type: application/x-other\r\n", "5", "415", 0},
		{"INFO", "", "", "200", 0},
		{"OPTIONS", "", "", "200", 0},
		{"REFER", "Refer-To: <sip:thief@192.0.2.1>\r\n", "", "405", 0},
		{"INVITE", "Require: 100rel\r\n", "v=0\r\n", "420", 0},
	} {
		f.send(f.peer, f.inDialog(inv, "T1", tt.method, i+1, tt.extra, tt.body))
		f.expect("SIP/2.0 " + tt.want)
		if tt.digit != 0 {
			if d := event[Digit](n); d.Digit != tt.digit {
				t.Errorf("digit = %q, want %q", d.Digit, tt.digit)
			}
		}
		if tt.want == "420" {
			f.send(f.peer, f.inDialog(inv, "T1", "ACK", i+1, "", ""))
		}
	}
	f.send(f.peer, f.inDialog(inv, "T1", "OPTIONS", 1, "", "")) // an old CSeq
	f.expect("SIP/2.0 500")
	n.quiet()
}

func TestRefresh(t *testing.T) {
	quick := func(c *Config) { c.SessionExpires, c.MinSE = 2*time.Second, time.Second }
	t.Run("by UPDATE", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t, quick), newFarEnd(t)
		n.connect(f, "Allow: INVITE, UPDATE\r\nSession-Expires: 2;refresher=uac\r\n")
		up := f.expect("UPDATE")
		if header(up, "CSeq") != "2 UPDATE" || header(up, "Session-Expires") != "2;refresher=uac" || bodyOf(up) != "" {
			t.Errorf("refresh:\n%s", up)
		}
		f.answer(up, "200 OK", "", "Session-Expires: 2;refresher=uac\r\n"+f.contact(), "")
		if up := f.expect("UPDATE"); header(up, "CSeq") != "3 UPDATE" {
			t.Errorf("refresh:\n%s", up)
		}
		n.quiet()
	})
	t.Run("by INVITE, and glare", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t, quick), newFarEnd(t)
		inv, _ := n.connect(f, "Session-Expires: 2;refresher=uac\r\n")
		re := f.expect("INVITE")
		if bodyOf(re) != bodyOf(inv) || header(re, "CSeq") != "2 INVITE" || !strings.Contains(header(re, "To"), "tag=T1") {
			t.Errorf("refresh:\n%s", re)
		}
		f.send(f.peer, f.inDialog(inv, "T1", "INVITE", 1, f.contact(), "v=0\r\n"))
		f.expect("SIP/2.0 491")
		f.send(f.peer, f.inDialog(inv, "T1", "ACK", 1, "", ""))
		f.answer(re, "200 OK", "", "Session-Expires: 2;refresher=uac\r\n"+f.contact(), bodyOf(inv))
		if ack := f.expect("ACK"); header(ack, "CSeq") != "2 ACK" {
			t.Errorf("ACK:\n%s", ack)
		}
		f.expect("INVITE")
		n.quiet()
	})
	t.Run("the far end refreshes and falls silent", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t, quick), newFarEnd(t)
		n.connect(f, "Session-Expires: 2;refresher=uas\r\n")
		bye := f.expect("BYE")
		f.answer(bye, "200 OK", "", "", "")
		if e := event[Ended](n); !e.ByUs || !e.WasUp || e.Cause.Text != "session expired" || e.Cause.Result != ResultAnswered {
			t.Errorf("ended = %+v", e)
		}
	})
	t.Run("the far end has forgotten", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t, quick), newFarEnd(t)
		n.connect(f, "Allow: UPDATE\r\nSession-Expires: 2;refresher=uac\r\n")
		f.answer(f.expect("UPDATE"), "481 Gone", "", "", "")
		f.answer(f.expect("BYE"), "481 Gone", "", "", "")
		if e := event[Ended](n); e.Cause.Code != 481 {
			t.Errorf("ended = %+v", e)
		}
	})
}

func TestIntervalTooBrief(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f)
	f.answer(inv, "422 Session Interval Too Small", "T1", "Min-SE: 1800\r\n", "")
	again := f.expectAll("ACK", "INVITE")["INVITE"]
	if header(again, "Session-Expires") != "1800;refresher=uac" || header(again, "Min-SE") != "1800" ||
		header(again, "CSeq") != "2 INVITE" || header(again, "Via") == header(inv, "Via") {
		t.Errorf("second INVITE:\n%s", again)
	}
	f.answer(again, "486 Busy", "T1", "", "")
	f.expect("ACK")
	event[Ended](n)
}

func TestChallenge(t *testing.T) {
	const md5, sha = `Digest realm="r", nonce="m", algorithm=MD5, qop="auth"`, `Digest realm="r", nonce="s", algorithm=SHA-256, qop="auth-int, auth"`
	credentials := func(inv *Invitation) { inv.Credentials = &Credentials{"joe", "secret"} }
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f, credentials)
	if header(inv, "Proxy-Authorization") != "" {
		t.Error("credentials before any challenge")
	}
	f.answer(inv, "407 Proxy Authentication Required", "T1", "Proxy-Authenticate: "+md5+"\r\nProxy-Authenticate: "+sha+"\r\n", "")
	again := f.expectAll("ACK", "INVITE")["INVITE"]
	auth := header(again, "Proxy-Authorization")
	for _, want := range []string{`username="joe"`, "SHA-256", `nonce="s"`, "nc=00000001", `uri="sip:+4205@` + f.addr() + `"`} {
		if !strings.Contains(auth, want) {
			t.Errorf("credentials without %s: %s", want, auth)
		}
	}
	f.answer(again, "200 OK", "T1", f.contact(), "v=0\r\n")
	if ack := f.expect("ACK"); header(ack, "Proxy-Authorization") != auth {
		t.Errorf("ACK without the credentials of its INVITE:\n%s", ack)
	}
	event[Answered](n)

	next := func(leg LegID) string {
		d := dialogTo(f)
		n.Invite(leg, Invitation{Dialog: d, Credentials: &Credentials{"joe", "secret"}})
		return f.expect("INVITE")
	}
	second := next("second") // the nonce is used again at once
	if auth := header(second, "Proxy-Authorization"); !strings.Contains(auth, "nc=00000002") || !strings.Contains(auth, `nonce="s"`) {
		t.Errorf("credentials = %s", auth)
	}
	stale := strings.Replace(sha, `nonce="s"`, `nonce="s2", stale=true`, 1)
	f.answer(second, "407 Proxy Authentication Required", "T1", "Proxy-Authenticate: "+stale+"\r\n", "")
	third := f.expectAll("ACK", "INVITE")["INVITE"]
	if auth := header(third, "Proxy-Authorization"); !strings.Contains(auth, `nonce="s2"`) {
		t.Errorf("credentials = %s", auth)
	}
	// A second refusal with a nonce that was not stale: the password is wrong.
	f.answer(third, "407 Proxy Authentication Required", "T1", "Proxy-Authenticate: "+sha+"\r\n", "")
	f.expect("ACK")
	if e := event[Ended](n); e.Leg != "second" || e.Cause.Code != 407 {
		t.Errorf("ended = %+v", e)
	}
}

func TestChallengeWithoutCredentials(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f)
	f.answer(inv, "401 Unauthorized", "T1", `WWW-Authenticate: Digest realm="r", nonce="n"`+"\r\n", "")
	f.expect("ACK")
	if e := event[Ended](n); e.Cause.Code != 401 {
		t.Errorf("ended = %+v", e)
	}
}
