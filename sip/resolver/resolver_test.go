package resolver

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/sip/resolver/nametest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

var epoch = time.Date(2026, 11, 2, 12, 0, 0, 0, time.UTC)

// clocked is a resolver that asks names, with a clock that stands still.
type clocked struct {
	*Resolver
	at time.Time
}

func newClocked(names *nametest.Server) *clocked {
	c := &clocked{New(Config{Servers: []string{names.Address}, Timeout: 5 * time.Second}), epoch}
	c.cache.now = func() time.Time { return c.at }
	return c
}

func (c *clocked) resolve(t *testing.T, q Query) (string, time.Duration) {
	t.Helper()
	servers, until, err := c.Resolve(t.Context(), q)
	if err != nil {
		t.Fatalf("%+v: %v", q, err)
	}
	var lines []string
	for _, s := range servers {
		lines = append(lines, line(s))
	}
	return strings.Join(lines, "\n"), until.Sub(c.at)
}

func line(s Server) string {
	return fmt.Sprintf("%s %s %d %d", s.Transport, s.Address, s.Priority, s.Weight)
}

var zone = []string{
	`carrier.example. 600 NAPTR 20 10 "s" "SIP+D2T" "" _sip._tcp.carrier.example.`,
	`carrier.example. 600 NAPTR 10 10 "s" "SIP+D2U" "" _sip._udp.carrier.example.`,
	`carrier.example. 600 NAPTR 5 10 "s" "SIP+D2S" "" _sip._sctp.carrier.example.`,
	`carrier.example. 600 NAPTR 1 10 "u" "E2U+sip" "!^.*$!sip:x@y!" .`,
	`_sip._udp.carrier.example. 300 SRV 10 60 5060 a.carrier.example.`,
	`_sip._udp.carrier.example. 300 SRV 10 20 5070 b.carrier.example.`,
	`_sip._udp.carrier.example. 300 SRV 20 0 5060 c.carrier.example.`,
	`_sip._tcp.carrier.example. 300 SRV 10 1 5080 a.carrier.example.`,
	`a.carrier.example. 120 A 192.0.2.1`,
	`b.carrier.example. 200 A 192.0.2.2`,
	`b.carrier.example. 200 A 192.0.2.3`,
	`c.carrier.example. 250 AAAA 2001:db8::1`,
	`carrier.example. 100 A 192.0.2.9`,

	`_sip._udp.plain.example. 60 SRV 1 1 5066 a.carrier.example.`,
	`safe.example. 60 NAPTR 1 1 "s" "SIPS+D2T" "" _sips._tcp.safe.example.`,
	`_sips._tcp.safe.example. 60 SRV 1 1 5071 a.carrier.example.`,
	`_sip._tcp.none.example. 60 SRV 0 0 0 .`,
	`none.example. 60 A 192.0.2.7`,
	`alias.example. 30 CNAME a.carrier.example.`,
}

func TestResolve(t *testing.T) {
	for name, tt := range map[string]struct {
		query Query
		want  string
		holds time.Duration
	}{
		"a name: NAPTR, SRV, A": {
			query: Query{Host: "carrier.example"},
			want:  "udp 192.0.2.1:5060 10 60\nudp 192.0.2.2:5070 10 10\nudp 192.0.2.3:5070 10 10\nudp [2001:db8::1]:5060 20 1\ntcp 192.0.2.1:5080 65546 1",
			holds: time.Minute, // c has no A record, and that holds for a minute
		},
		"a transport: SRV, A":      {Query{Host: "carrier.example", Transport: "tcp"}, "tcp 192.0.2.1:5080 10 1", 2 * time.Minute},
		"a port: A":                {Query{Host: "carrier.example", Port: 5090}, "udp 192.0.2.9:5090 0 1", 100 * time.Second},
		"a port and a transport":   {Query{Host: "carrier.example", Port: 5090, Transport: "tcp"}, "tcp 192.0.2.9:5090 0 1", 100 * time.Second},
		"TLS: SRV, A":              {Query{Host: "safe.example", Transport: "tls"}, "tls 192.0.2.1:5071 1 1", time.Minute},
		"TLS, no SRV: A":           {Query{Host: "none.example", Transport: "tls"}, "tls 192.0.2.7:5061 0 1", time.Minute},
		"TLS by NAPTR":             {Query{Host: "safe.example"}, "tls 192.0.2.1:5071 1 1", time.Minute},
		"no NAPTR: SRV":            {Query{Host: "plain.example"}, "udp 192.0.2.1:5066 1 1", time.Minute},
		"no SRV: A":                {Query{Host: "none.example"}, "udp 192.0.2.7:5060 0 1", time.Minute},
		"an SRV that says: not us": {Query{Host: "none.example", Transport: "tcp"}, "tcp 192.0.2.7:5060 0 1", time.Minute},
		"an alias":                 {Query{Host: "ALIAS.example", Port: 5060}, "udp 192.0.2.1:5060 0 1", 30 * time.Second},
	} {
		t.Run(name, func(t *testing.T) {
			c := newClocked(nametest.New(t, zone...))
			got, holds := c.resolve(t, tt.query)
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Error(diff)
			}
			if holds != tt.holds {
				t.Errorf("holds for %s, want %s", holds, tt.holds)
			}
		})
	}
}

// Answers are asked for again when their time is over, not before.
func TestTimeToLive(t *testing.T) {
	names := nametest.New(t, `h.example. 60 A 192.0.2.1`)
	c := newClocked(names)
	q := Query{Host: "h.example", Port: 5060}
	c.resolve(t, q)
	names.Set(t, `h.example. 0 A 192.0.2.2`)
	c.at = epoch.Add(59 * time.Second)
	if got, holds := c.resolve(t, q); got != "udp 192.0.2.1:5060 0 1" || holds != time.Second {
		t.Errorf("after 59 s: %s for %s", got, holds)
	}
	c.at = epoch.Add(60 * time.Second)
	if got, holds := c.resolve(t, q); got != "udp 192.0.2.2:5060 0 1" || holds != leastTTL {
		t.Errorf("after 60 s: %s for %s", got, holds)
	}
	if n := names.Asked("h.example. A"); n != 2 {
		t.Errorf("asked %d times, want 2", n)
	}
}

// While the name server is away the last known addresses stay, however old.
func TestNameServerAway(t *testing.T) {
	names := nametest.New(t, `h.example. 60 A 192.0.2.1`)
	c := newClocked(names)
	q := Query{Host: "h.example", Port: 5060}
	c.resolve(t, q)
	names.Leave()
	c.at = epoch.Add(24 * time.Hour)
	if got, holds := c.resolve(t, q); got != "udp 192.0.2.1:5060 0 1" || holds != retryAfter {
		t.Errorf("while away: %s for %s", got, holds)
	}
	if _, again, err := c.Resolve(t.Context(), Query{Host: "other.example", Port: 1}); err == nil || errors.Is(err, ErrNotFound) || !again.Equal(c.at.Add(retryAfter)) {
		t.Errorf("a name that was never known: %v, again at %s", err, again)
	}
	names.Set(t, `h.example. 60 A 192.0.2.5`)
	names.Return()
	c.at = c.at.Add(retryAfter)
	if got, _ := c.resolve(t, q); got != "udp 192.0.2.5:5060 0 1" {
		t.Errorf("when it is back: %s", got)
	}
	if _, _, err := c.Resolve(t.Context(), Query{Host: "other.example", Port: 1}); !errors.Is(err, ErrNotFound) {
		t.Errorf("a name that does not exist: %v", err)
	}
}

func TestNameServersInTheirOrder(t *testing.T) {
	away, names := nametest.New(t), nametest.New(t, `h.example. 60 A 192.0.2.1`)
	away.Leave()
	r := New(Config{Servers: []string{away.Address, names.Address}})
	if got, _, err := r.Resolve(t.Context(), Query{Host: "h.example", Port: 5060}); err != nil || len(got) != 1 {
		t.Errorf("got %v, %v", got, err)
	}
}

func TestLongAnswersOverTCP(t *testing.T) {
	names := nametest.New(t, `h.example. 60 A 192.0.2.1`)
	names.CutShort()
	c := newClocked(names)
	if got, _ := c.resolve(t, Query{Host: "h.example", Port: 5060}); got != "udp 192.0.2.1:5060 0 1" {
		t.Errorf("got %s", got)
	}
	if n := names.Asked("h.example. A"); n != 2 {
		t.Errorf("asked %d times, want once over UDP and once over TCP", n)
	}
}

// What no name server knows may stand in the machine's own files.
func TestSystemNames(t *testing.T) {
	names := nametest.New(t)
	c := newClocked(names)
	c.system = func(_ context.Context, host string) ([]netip.Addr, error) {
		if host != "sbc1" {
			return nil, errors.New("unknown host")
		}
		return []netip.Addr{netip.MustParseAddr("2001:db8::2"), netip.MustParseAddr("::ffff:192.0.2.8")}, nil
	}
	if got, holds := c.resolve(t, Query{Host: "sbc1", Port: 5060}); got != "udp 192.0.2.8:5060 0 1" || holds != systemTTL {
		t.Errorf("got %s for %s", got, holds)
	}
}

func TestValidate(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, ""},
		{Config{Servers: []string{"192.0.2.1", "[2001:db8::1]:53"}, Timeout: time.Second}, ""},
		{Config{Servers: []string{"ns.example"}}, `servers[0]: "ns.example" is not ip or ip:port`},
		{Config{Timeout: -1}, "timeout: -1ns is not between 0 and 1m"},
	} {
		got := ""
		if err := tt.cfg.Validate(); err != nil {
			got = err.Error()
		}
		if got != tt.want {
			t.Errorf("%+v: %q, want %q", tt.cfg, got, tt.want)
		}
	}
}
