package registrar

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"
)

// S-5: a captured request is worth nothing, later, elsewhere or changed.
func TestS05Replay(t *testing.T) {
	const elsewhere = "198.51.100.99:5060"
	o := newOffice(Config{})
	p := newPhone("anna", "right")
	p.challenged(t, o.send(t, p.register(), desk))
	captured := p.digest("REGISTER", registerURI)
	good := func() string {
		p.cseq++
		p.branch++
		return p.repeat("REGISTER", registerURI, "sip:anna@outpace", captured)
	}
	wantCode(t, o.send(t, good(), desk), 200)
	invite := func(uri string) string { return p.request("INVITE", uri, uri, captured) }

	tests := []struct {
		name   string
		raw    string
		source string
		after  time.Duration
		want   int
	}{
		{"after 1 s", good(), desk, time.Second, 401},
		{"from another port", good(), "198.51.100.7:40002", time.Second, 401},
		{"from another address", good(), elsewhere, time.Second, 401},
		{"with another URI", p.request("REGISTER", "sip:other", "sip:anna@outpace", captured), desk, time.Second, 400},
		{"as another method", invite(registerURI), desk, time.Second, 401},
		{"after 31 s", good(), desk, 31 * time.Second, 401},
	}
	for _, tt := range tests {
		o.at = epoch.Add(tt.after)
		answer := o.send(t, tt.raw, tt.source)
		if !strings.HasPrefix(answer, fmt.Sprintf("SIP/2.0 %d ", tt.want)) {
			t.Errorf("%s: want %d, got\n%s", tt.name, tt.want, answer)
		}
		if fromUs := tt.source != elsewhere; tt.want == 401 && tt.name != "as another method" && strings.Contains(answer, "stale=true") != fromUs {
			t.Errorf("%s: stale=true is %v, want %v", tt.name, !fromUs, fromUs)
		}
	}
	if s := o.Stats(); s.Registers != 1 || s.Replays != 2 {
		t.Errorf("stats = %+v, want one register and two replays", s)
	}
	o.at = epoch.Add(2 * time.Second)
	wantCode(t, o.send(t, p.register(), desk), 200) // the count rises: no new challenge needed
}

func TestNonceCountsSurviveAFullTable(t *testing.T) {
	n := newNonces("outpace")
	n.used = newLRU[string, int](2)
	home := netip.MustParseAddr("198.51.100.7")
	first := n.issue(epoch, home)
	n.use(first, 1)
	for i := range 2 {
		n.use(n.issue(epoch.Add(time.Duration(i+1)), home), 1)
	}
	if got := n.check(epoch, first, home); got != stale {
		t.Errorf("a nonce whose count was forgotten is %v, want stale", got)
	}
	later := n.issue(epoch.Add(time.Second), home)
	if got := n.check(epoch.Add(time.Second), later, home); got != fresh {
		t.Errorf("a new nonce is %v, want fresh", got)
	}
}

func FuzzNonce(f *testing.F) {
	n := newNonces("outpace")
	home := netip.MustParseAddr("198.51.100.7")
	f.Add(n.issue(epoch, home)[1:])
	f.Add("")
	f.Fuzz(func(t *testing.T, nonce string) {
		if n.check(epoch, nonce, home) != forged {
			t.Errorf("%q is taken for ours", nonce)
		}
	})
}
