package sip

import (
	"log/slog"
	"strings"
	"testing"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// Whatever a far end writes into our Via, a Contact of a registration, a URI or a
// route: what is read of it is within bounds.
func FuzzParameters(f *testing.F) {
	f.Add(`SIP/2.0/UDP h;branch=z9hG4bKx;oc=20;oc-algo="loss";oc-validity=500;oc-seq=1.5`, "<sip:outpace@h>;expires=600", "<sip:p;lr>")
	f.Add(`SIP/2.0/UDP h;oc="`, `"<>";expires=99999999999`, `sip:x?Route=%0d%0a`)
	f.Add("", ";;;=\"", "<<sip:@>>")
	f.Fuzz(func(t *testing.T, via, contact, uri string) {
		raw := "OPTIONS sip:a SIP/2.0\r\nVia: " + via + "\r\n\r\n"
		if msg, err := sipgosip.NewParser().ParseSIP([]byte(raw)); err == nil && msg.Via() != nil {
			if o := readOverload(msg.Via()); o != nil && (o.Loss < 0 || o.Loss > 100 || o.Validity < 0 || o.Validity > maxSession || o.Sequence < 0) {
				t.Errorf("%q: %+v", via, o)
			}
		}
		if d, ok := contactExpires(contact); ok && (d < 0 || d > maxSession) {
			t.Errorf("%q: %s", contact, d)
		}
		var u sipgosip.Uri
		if _, err := address(uri, &u); err == nil && hasControl(u.String()) && !hasControl(uri) {
			t.Errorf("%q became %q", uri, u.String())
		}
		isLoose(uri)
		strictRoute(contact, []string{uri, via})
		parameterOf(via, "branch")
		if d := parseDelta(withoutComment(contact)); d < 0 || d > maxSession {
			t.Errorf("%q: %s", contact, d)
		}
	})
}

// What we write of whatever comes from outside stands in as many headers as it should.
func FuzzInvite(f *testing.F) {
	for _, s := range injections() {
		f.Add("+4205"+s, "Joe"+s, "7"+s)
	}
	n := startFuzz(f)
	f.Fuzz(func(t *testing.T, number, name, value string) {
		d := NewDialog("trunk", "udp", "127.0.0.1:9", "sip:"+number+"@127.0.0.1:9", `"`+name+`" <sip:1@near>`, "sip:"+number+"@far", "")
		l := &line{leg: &leg{dialog: d}}
		req, err := n.build(l, send{method: "INVITE", cseq: 1, branch: d.Branch, peer: &peer{target: d.RequestURI}, body: []byte("v=0\r\n"), extra: []Header{{"X-Lead", value}}})
		if err != nil || checkMessage(req) != nil {
			return
		}
		text := req.String()
		if bareControl([]byte(text)) {
			return // it is not written
		}
		head, _, _ := strings.Cut(text, "\r\n\r\n")
		if lines := strings.Count(head, "\r\n"); lines != len(req.Headers()) {
			t.Errorf("%d headers in %d lines:\n%s", len(req.Headers()), lines, text)
		}
	})
}

// startFuzz is an agent that never runs.
func startFuzz(f *testing.F) *Agent {
	f.Helper()
	a, err := New(Config{Name: "trunk", Listen: []Listener{{"udp", "127.0.0.1:0"}}}, func(Event) {}, slog.New(slog.DiscardHandler))
	if err != nil {
		f.Fatal(err)
	}
	f.Cleanup(func() { a.closeSockets(); _ = a.ua.Close() })
	return a
}

// An ICMP error may quote anything.
func FuzzUndelivered(f *testing.F) {
	f.Add([]byte("INVITE sip:1@h SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bKx\r\nFrom: <sip:a@b>;tag=1\r\n"))
	a := &Agent{inbox: newInbox()}
	f.Fuzz(func(t *testing.T, quoted []byte) {
		a.onUndelivered(quoted)
		for _, e := range a.inbox.take() {
			if u, ok := e.in.(unreachable); !ok || u.branch == "" || e.tag == "" {
				t.Errorf("%q: %+v", quoted, e)
			}
		}
	})
}

// A leg takes any response at any time without breaking off.
func FuzzLegResponses(f *testing.F) {
	f.Add([]byte{0, 100, 180, 183, 200, 200, 1, 2}, "T1", "<sip:far@h>")
	f.Add([]byte{3, 3, 200, 3, 1}, "", "")
	f.Fuzz(func(t *testing.T, script []byte, tag, contact string) {
		l := newLeg("leg", timing{t1: time.Millisecond, t2: time.Millisecond}, session{interval: time.Minute, minimum: time.Second},
			func(int, int, string) Result { return ResultBusy }, func() float64 { return 0.5 })
		now := time.Unix(0, 0)
		l.step(now, start{Invitation{Dialog: NewDialog("trunk", "udp", "h:1", "sip:1@h", "sip:2@h", "sip:1@h", "")}})
		ended := 0
		for i, b := range script {
			var in input
			switch b {
			case 0:
				in = hangup{}
			case 1:
				in = confirm{}
			case 2:
				in = &request{method: "BYE", cseq: uint32(i), remoteTag: tag}
			case 3:
				in = unreachable{l.dialog.branch()}
			case 4:
				in = failed{method: "INVITE", cseq: l.dialog.CSeq}
			default:
				in = &response{method: "INVITE", cseq: l.dialog.CSeq, code: 100 + int(b)*2, tag: tag, contact: contact, body: script}
			}
			for _, act := range l.step(now.Add(time.Duration(i)*time.Second), in) {
				if tell, ok := act.(tell); ok {
					if _, over := tell.event.(Ended); over {
						ended++
					}
				}
			}
		}
		if ended > 1 {
			t.Errorf("the leg ended %d times", ended)
		}
	})
}
