package sip

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/eventually"
)

func TestProbe(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	f.peer = n.netAddr()
	type result struct {
		Reply
		err error
	}
	done := make(chan result, 1)
	go func() {
		r, err := n.Probe(t.Context(), "udp", f.addr(), "sip:"+f.addr())
		done <- result{r, err}
	}()
	req := f.expect("OPTIONS")
	seen := strings.Replace(req, ";rport", ";received=203.0.113.9;rport=6060", 1)
	f.answer(seen, "200 OK", "r", "Server: Far End 1.0\r\nAllow: INVITE, ACK\r\nAllow: BYE\r\nDate: Sun, 22 Nov 2026 10:00:00 GMT\r\n", "")
	got := eventually.Comes(t, patience, "the answer is told", done)
	if got.err != nil {
		t.Fatal(got.err)
	}
	if got.Code != 200 || got.Server != "Far End 1.0" || !slices.Equal(got.Allow, []string{"INVITE", "ACK", "BYE"}) {
		t.Errorf("got %+v", got.Reply)
	}
	if got.Seen.String() != "203.0.113.9:6060" || got.SentBy != n.Addr("udp").String() {
		t.Errorf("seen at %v, sent by %s", got.Seen, got.SentBy)
	}
	if want := time.Date(2026, 11, 22, 10, 0, 0, 0, time.UTC); !got.Date.Equal(want) {
		t.Errorf("date %v, want %v", got.Date, want)
	}
}

func TestBindingsChangeNothing(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	f.peer = n.netAddr()
	type result struct {
		Registered
		contacts []string
		err      error
	}
	done := make(chan result, 1)
	go func() {
		r, contacts, err := n.Bindings(t.Context(), bindingAt(f))
		done <- result{r, contacts, err}
	}()
	challenge := `Digest realm="carrier", nonce="n1", qop="auth"`
	f.answer(f.expect("REGISTER"), "401 Unauthorized", "r", "WWW-Authenticate: "+challenge+"\r\n", "")
	req := f.expect("REGISTER")
	if header(req, "Contact") != "" || header(req, "Expires") != "" || !proves(t, req, challenge) {
		t.Errorf("a question that changes something, or proves nothing:\n%s", req)
	}
	f.answer(req, "200 OK", "r", "Contact: <sip:a@192.0.2.1:5060>;expires=60, \"B, b\" <sip:b@192.0.2.2>\r\n", "")
	got := eventually.Comes(t, patience, "the answer is told", done)
	if got.err != nil || got.Code != 200 || !slices.Equal(got.contacts, []string{"sip:a@192.0.2.1:5060", "sip:b@192.0.2.2"}) {
		t.Errorf("got %+v", got)
	}
}
