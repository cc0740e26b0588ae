package sip

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/test/eventually"
)

// call makes an INVITE of f to n.
func (f *farEnd) call(n *near, callID, extra, body string) string {
	if body != "" {
		extra += "Content-Type: application/sdp\r\n"
	}
	f.peer = n.netAddr()
	m := fmt.Sprintf("INVITE sip:*71@%s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: <sip:ann@far>;tag=F1\r\nTo: <sip:*71@near>\r\nCall-ID: %s\r\nCSeq: 10 INVITE\r\n%s%sContent-Length: %d\r\n\r\n%s",
		n.Addr("udp"), f.addr(), randomToken(6), callID, f.contact(), extra, len(body), body)
	f.send(f.peer, m)
	return m
}

// within makes a request of f in the dialog of its own call, answered by ok.
func (f *farEnd) within(ok, method string, cseq int, body string) {
	extra := ""
	if body != "" {
		extra = "Content-Type: application/sdp\r\n"
	}
	f.send(f.peer, fmt.Sprintf("%s %s SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\nMax-Forwards: 70\r\n"+
		"From: %s\r\nTo: %s\r\nCall-ID: %s\r\nCSeq: %d %s\r\n%sContent-Length: %d\r\n\r\n%s",
		method, between(header(ok, "Contact"), "<", ">"), f.addr(), randomToken(6),
		header(ok, "From"), header(ok, "To"), header(ok, "Call-ID"), cseq, method, extra, len(body), body))
}

func admitAll(n *near) {
	n.Admit(func(in Incoming, _ *sipgosip.Request) (Incoming, *sipgosip.Response) { in.User = "ann"; return in, nil })
}

func TestIncomingCall(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	admitAll(n)
	f.call(n, "c1", "", "v=0 offer\r\n")
	in := event[Incoming](n)
	if in.User != "ann" || in.Dialed != "*71" || string(in.Body) != "v=0 offer\r\n" {
		t.Errorf("incoming = %+v", in)
	}
	f.expect("SIP/2.0 100")
	n.Ring(in.Leg)
	ringing := f.expect("SIP/2.0 180")
	n.Accept(in.Leg, []byte("v=0 answer\r\n"))
	ok := f.expect("SIP/2.0 200")
	if header(ok, "To") != header(ringing, "To") || bodyOf(ok) != "v=0 answer\r\n" || header(ok, "Session-Expires") != "120;refresher=uas" {
		t.Errorf("200:\n%s", ok)
	}
	f.within(ok, "ACK", 10, "")
	if up := event[Answered](n); up.Leg != in.Leg || up.Body != nil || !up.Dialog.Up {
		t.Errorf("answered = %+v", up)
	}
	n.Hangup(in.Leg, Cause{})
	bye := f.expect("BYE sip:far@")
	if header(bye, "From") != header(ok, "To") || !strings.Contains(header(bye, "To"), "tag=F1") {
		t.Errorf("BYE:\n%s", bye)
	}
	f.answer(bye, "200 OK", "", "", "")
	if e := event[Ended](n); !e.ByUs || !e.WasUp {
		t.Errorf("ended = %+v", e)
	}
}

func TestIncomingWithoutOffer(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	admitAll(n)
	f.call(n, "c1", "", "")
	in := event[Incoming](n)
	f.expect("SIP/2.0 100")
	n.Accept(in.Leg, []byte("v=0 our offer\r\n"))
	ok := f.expect("SIP/2.0 200")
	f.within(ok, "ACK", 10, "v=0 their answer\r\n")
	if up := event[Answered](n); string(up.Body) != "v=0 their answer\r\n" {
		t.Errorf("answered = %+v", up)
	}
	f.within(ok, "BYE", 11, "")
	f.expect("SIP/2.0 200")
	if e := event[Ended](n); e.ByUs {
		t.Errorf("ended = %+v", e)
	}
}

func TestIncomingEnds(t *testing.T) {
	for _, tt := range []struct {
		name string
		run  func(n *near, f *farEnd, invite string, leg LegID)
		byUs bool
	}{
		{"refused", func(n *near, f *farEnd, _ string, leg LegID) {
			n.Hangup(leg, Cause{Code: 486, Text: "Busy Here"})
			f.expect("SIP/2.0 486 Busy Here")
		}, true},
		{"refused without a code", func(n *near, f *farEnd, _ string, leg LegID) {
			n.Hangup(leg, Cause{Q850: 18, Text: "nobody"})
			if m := f.expect("SIP/2.0 480"); header(m, "Reason") != `Q.850;cause=18;text="nobody"` {
				f.t.Errorf("got\n%s", m)
			}
		}, true},
		{"refused for a while", func(n *near, f *farEnd, _ string, leg LegID) {
			n.Ring(leg)
			f.expect("SIP/2.0 180")
			n.Hangup(leg, Cause{Code: 486, Q850: 17, Text: "all lines are taken", RetryAfter: time.Minute})
			m := f.expect("SIP/2.0 486")
			if header(m, "Retry-After") != "60" || header(m, "Reason") != `Q.850;cause=17;text="all lines are taken"` {
				f.t.Errorf("got\n%s", m)
			}
		}, true},
		{"cancelled", func(n *near, f *farEnd, invite string, _ LegID) {
			cancel, _, _ := strings.Cut(strings.ReplaceAll(invite, "INVITE", "CANCEL"), "Content-Type")
			f.send(f.peer, cancel+"Content-Length: 0\r\n\r\n")
			f.expectAll("SIP/2.0 200", "SIP/2.0 487")
		}, false},
		{"no ACK", func(n *near, f *farEnd, _ string, leg LegID) {
			n.Accept(leg, []byte("v=0\r\n"))
			f.expect("SIP/2.0 200")
			f.answer(f.expect("BYE"), "200 OK", "", "", "")
		}, true},
		{"hung up before the ACK", func(n *near, f *farEnd, _ string, leg LegID) {
			n.Accept(leg, []byte("v=0\r\n"))
			ok := f.expect("SIP/2.0 200")
			n.Hangup(leg, Cause{})
			f.silent(60 * time.Millisecond) // no BYE before the ACK
			f.within(ok, "ACK", 10, "")
			f.answer(f.expect("BYE"), "200 OK", "", "", "")
		}, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, f := newNear(t), newFarEnd(t)
			admitAll(n)
			invite := f.call(n, "c1", "", "v=0\r\n")
			in := event[Incoming](n)
			f.expect("SIP/2.0 100")
			tt.run(n, f, invite, in.Leg)
			if e := event[Ended](n); e.ByUs != tt.byUs || e.WasUp {
				t.Errorf("ended = %+v", e)
			}
			n.quiet()
		})
	}
}

func TestUnsolicited(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	f.call(n, "c1", "", "v=0\r\n")
	f.expect("SIP/2.0 403")
	n.Admit(func(in Incoming, req *sipgosip.Request) (Incoming, *sipgosip.Response) {
		res := sipgosip.NewResponseFromRequest(req, 401, "Unauthorized", nil)
		res.AppendHeader(sipgosip.NewHeader("WWW-Authenticate", `Digest realm="r", nonce="n"`))
		return in, res
	})
	f.call(n, "c2", "", "v=0\r\n")
	if m := f.expect("SIP/2.0 401"); header(m, "WWW-Authenticate") == "" {
		t.Errorf("got\n%s", m)
	}
	n.quiet()
	if s := n.Stats(); s.Legs != 0 {
		t.Errorf("legs = %d", s.Legs)
	}
}

func TestHandle(t *testing.T) {
	t.Parallel()
	n, f := startNear(t), newFarEnd(t)
	n.Handle("REGISTER", func(req *sipgosip.Request, respond func(*sipgosip.Response)) {
		if req.To().Address.User == "ann" {
			respond(sipgosip.NewResponseFromRequest(req, 200, "OK", nil))
		}
	})
	n.run()
	f.peer = n.netAddr()
	for _, tt := range []struct{ method, want string }{
		{"REGISTER", "SIP/2.0 200"}, {"OPTIONS", "SIP/2.0 200"}, {"SUBSCRIBE", "SIP/2.0 405"}, {"BYE", "SIP/2.0 481"}, {"CANCEL", "SIP/2.0 481"},
	} {
		f.send(f.peer, fmt.Sprintf("%s sip:ann@near SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\n"+
			"From: <sip:ann@far>;tag=F\r\nTo: <sip:ann@near>\r\nCall-ID: %s\r\nCSeq: 1 %s\r\nContent-Length: 0\r\n\r\n",
			tt.method, f.addr(), randomToken(6), randomToken(6), tt.method))
		if m := f.next("response"); !strings.HasPrefix(m, tt.want) {
			t.Errorf("%s: %s", tt.method, firstLine(m))
		} else if tt.method == "OPTIONS" && header(m, "Allow") != allowed {
			t.Errorf("OPTIONS:\n%s", m)
		}
	}
}

func TestOptions(t *testing.T) {
	t.Parallel()
	n, f := newNear(t), newFarEnd(t)
	f.peer = n.netAddr()
	type result struct {
		code int
		rtt  time.Duration
		err  error
	}
	got := make(chan result, 1)
	go func() {
		code, rtt, err := n.Options(context.Background(), "udp", f.addr(), "sip:"+f.addr())
		got <- result{code, rtt, err}
	}()
	f.answer(f.expect("OPTIONS"), "404 Not Found", "x", "", "")
	if r := eventually.Comes(t, patience, "Options returns", got); r.code != 404 || r.err != nil || r.rtt <= 0 {
		t.Errorf("options = %+v", r)
	}
	ctx, cancel := context.WithTimeout(context.Background(), 30*time.Millisecond)
	defer cancel()
	if _, _, err := n.Options(ctx, "udp", f.addr(), "sip:"+f.addr()); err == nil {
		t.Error("no error from a silent far end")
	}
	if _, _, err := n.Options(context.Background(), "udp", f.addr(), "sip:a\r\nX: 1@h"); err == nil {
		t.Error("no error for a control character")
	}
	if s := n.Stats(); s.Transactions != 0 {
		t.Errorf("transactions = %d", s.Transactions)
	}
}

func TestFinish(t *testing.T) {
	up := func(d *Dialog, f *farEnd) {
		d.Up, d.RemoteTag, d.RemoteTarget, d.CSeq = true, "T1", "sip:desk@"+f.addr(), 4
	}
	for _, tt := range []struct {
		name string
		prep func(d *Dialog, f *farEnd)
		far  func(f *farEnd, d Dialog)
		late uint64
	}{
		{"up", up, func(f *farEnd, _ Dialog) {
			bye := f.expect("BYE sip:desk@")
			if header(bye, "CSeq") != "5 BYE" {
				f.t.Errorf("BYE:\n%s", bye)
			}
			f.answer(bye, "200 OK", "", "", "")
		}, 0},
		{"up, unknown there", up, func(f *farEnd, _ Dialog) { f.answer(f.expect("BYE"), "481 Gone", "", "", "") }, 0},
		{"up, CSeq too low", up, func(f *farEnd, _ Dialog) {
			f.answer(f.expect("BYE"), "500 Server Internal Error", "", "", "")
			f.answer(f.expect("BYE"), "200 OK", "", "", "")
		}, 0},
		{"early", nil, func(f *farEnd, d Dialog) {
			cancel := f.expect("CANCEL")
			if !strings.HasSuffix(header(cancel, "Via"), "branch="+d.Branch) {
				f.t.Errorf("CANCEL:\n%s", cancel)
			}
			f.answer(cancel, "200 OK", "T1", "", "")
			f.answer(strings.ReplaceAll(cancel, "CANCEL", "INVITE"), "487 Request Terminated", "T1", "", "")
			f.expect("ACK")
		}, 0},
		{"early, sent again for a challenge", nil, func(f *farEnd, d Dialog) {
			f.answer(f.expect("CANCEL"), "481 Gone", "T1", "", "")
			cancel := f.expect("CANCEL")
			if !strings.HasSuffix(header(cancel, "Via"), "branch="+d.Branch+".2") || header(cancel, "CSeq") != "2 CANCEL" {
				f.t.Errorf("CANCEL:\n%s", cancel)
			}
			f.answer(cancel, "200 OK", "T1", "", "")
			f.answer(strings.ReplaceAll(cancel, "CANCEL", "INVITE"), "487 Request Terminated", "T1", "", "")
			f.expect("ACK")
		}, 0},
		{"early, nothing there", nil, func(f *farEnd, _ Dialog) {
			for range maxAttempts {
				f.answer(f.expect("CANCEL"), "481 Gone", "T1", "", "")
			}
		}, 0},
		{"early, answered meanwhile", nil, func(f *farEnd, _ Dialog) {
			cancel := f.expect("CANCEL")
			f.answer(cancel, "200 OK", "T1", "", "")
			f.answer(strings.ReplaceAll(cancel, "CANCEL", "INVITE"), "200 OK", "T1", f.contact(), "v=0\r\n")
			f.expectAll("ACK", "BYE")
		}, 1},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			n, f := newNear(t), newFarEnd(t)
			f.peer = n.netAddr()
			d := dialogTo(f)
			if tt.prep != nil {
				tt.prep(&d, f)
			}
			done := make(chan error, 1)
			go func() { done <- n.Finish(context.Background(), d) }()
			tt.far(f, d)
			if err := eventually.Comes(t, patience, "Finish returns", done); err != nil {
				t.Error(err)
			}
			n.quiet()
			if s := n.Stats(); s.LateAnswers != tt.late || s.Legs != 0 {
				t.Errorf("late answers = %d, legs = %d", s.LateAnswers, s.Legs)
			}
		})
	}
	t.Run("silent", func(t *testing.T) {
		t.Parallel()
		n, f := newNear(t), newFarEnd(t)
		d := dialogTo(f)
		up(&d, f)
		if err := n.Finish(context.Background(), d); err == nil {
			t.Error("no error")
		}
	})
}
