package trunk

import (
	"fmt"
	"net/netip"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/resolver"
	"github.com/outpace-dialer/outpace/sip/resolver/nametest"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// named is a carrier whose only target is a name.
func named(name string) Config {
	cfg := good()
	cfg.Targets = []Target{{Address: name}}
	cfg.MaxCPS, cfg.MaxChannels, cfg.OptionsInterval = 1000, 1000, -1
	return cfg
}

func (f *floor) look(t *testing.T) time.Time {
	t.Helper()
	c := f.carriers[0]
	return f.lookup(t.Context(), c, c.places[0])
}

// A name stands for its servers by their priority and weight; while they answer,
// no other takes a call. A server that stays keeps what is known of its health.
func TestNamesAreResolved(t *testing.T) {
	names := nametest.New(t,
		`_sip._udp.carrier.example. 60 SRV 10 3 5060 a.carrier.example.`,
		`_sip._udp.carrier.example. 60 SRV 10 1 5070 b.carrier.example.`,
		`_sip._udp.carrier.example. 60 SRV 20 1 5060 c.carrier.example.`,
		`a.carrier.example. 60 A 192.0.2.1`, `b.carrier.example. 60 A 192.0.2.2`, `c.carrier.example. 60 A 192.0.2.3`,
	)
	f := newFloor(t, named("carrier.example"))
	f.resolver = resolver.New(resolver.Config{Servers: []string{names.Address}})
	if got := f.Capacity("default", f.at); got.Up || got.Why != "the names of trunk alpha are not resolved" {
		t.Errorf("before: %+v", got)
	}
	if until := f.look(t); time.Until(until) > time.Minute {
		t.Errorf("holds until %s", until)
	}
	to := map[string]int{}
	for i := range 400 {
		f.at = f.at.Add(time.Second)
		r := f.reserve(t, fmt.Sprint("c", i))
		to[r.Signalling]++
		if want := "sip:+48600100200@carrier.example"; r.Dialog.RequestURI != want || r.Dialog.Transport != "udp" {
			t.Fatalf("dialog %+v, want to %s", r.Dialog, want)
		}
	}
	if to["192.0.2.1:5060"] != 300 || to["192.0.2.2:5070"] != 100 || len(to) != 2 {
		t.Errorf("shares = %v, want 300 and 100", to)
	}
	for address, want := range map[string]bool{"192.0.2.3:1": true, "192.0.2.9:5060": false} {
		if got := f.Allow(netip.MustParseAddrPort(address)); got != want {
			t.Errorf("Allow(%s) = %t", address, got)
		}
	}
	f.carriers[0].targets[0].health.up = false
	names.Set(t,
		`_sip._udp.carrier.example. 60 SRV 10 3 5060 a.carrier.example.`, `_sip._udp.carrier.example. 60 SRV 10 1 5070 d.carrier.example.`,
		`a.carrier.example. 60 A 192.0.2.1`, `d.carrier.example. 60 A 192.0.2.4`,
	)
	f.resolver = resolver.New(resolver.Config{Servers: []string{names.Address}}) // with an empty memory
	f.look(t)
	if got := f.reserve(t, "x").Signalling; got != "192.0.2.4:5070" {
		t.Errorf("with a down and b gone the call went to %s", got)
	}
	names.Leave()
	f.resolver = resolver.New(resolver.Config{Servers: []string{names.Address}})
	f.look(t)
	if got := f.reserve(t, "y").Signalling; got != "192.0.2.4:5070" {
		t.Errorf("with the name server away the call went to %s", got)
	}
}

// What we have no socket for is no server of ours; a name has its certificate.
func TestTransportsThatWeHave(t *testing.T) {
	names := nametest.New(t,
		`carrier.example. 60 NAPTR 1 1 "s" "SIPS+D2T" "" _sips._tcp.carrier.example.`,
		`carrier.example. 60 NAPTR 2 1 "s" "SIP+D2U" "" _sip._udp.carrier.example.`,
		`_sips._tcp.carrier.example. 60 SRV 1 1 5061 a.carrier.example.`, `_sip._udp.carrier.example. 60 SRV 1 1 5060 a.carrier.example.`,
		`a.carrier.example. 60 A 192.0.2.1`,
	)
	f := newFloor(t, named("carrier.example"))
	f.resolver = resolver.New(resolver.Config{Servers: []string{names.Address}})
	f.look(t)
	if got := f.reserve(t, "a").Dialog; got.Transport != "udp" || got.Destination != "192.0.2.1:5060" {
		t.Errorf("dialog %+v", got)
	}
	for at, want := range map[string]string{"192.0.2.1:5060": "carrier.example", "192.0.2.1:5061": "", "192.0.2.2:5060": ""} {
		if got := f.NameOf(netip.MustParseAddrPort(at)); got != want {
			t.Errorf("name at %s: %q, want %q", at, got, want)
		}
	}
}

func TestConfiguredPriorityComesFirst(t *testing.T) {
	cfg := good()
	cfg.Targets = []Target{{Address: "carrier.example", Priority: 1}, {Address: "192.0.2.9", Priority: 2}}
	f := newFloor(t, cfg)
	if got := f.reserve(t, "a").Signalling; got != "192.0.2.9:5060" {
		t.Errorf("before the name is resolved the call went to %s", got)
	}
	f.carriers[0].places[0].set([]resolver.Server{{Address: netip.MustParseAddrPort("192.0.2.1:5060"), Transport: "udp", Priority: 50, Weight: 1}})
	f.carriers[0].collect()
	if got := f.reserve(t, "b").Signalling; got != "192.0.2.1:5060" {
		t.Errorf("the call went to %s", got)
	}
}

// A call to a name over real sockets, and again when the name has moved.
func TestNamesOnTheWire(t *testing.T) {
	old, far := newWire(t, "udp"), newWire(t, "tcp")
	srv := func(transport string, w *wire) []string {
		_, port, _ := strings.Cut(w.addr, ":")
		return []string{fmt.Sprintf(`_sip._%s.carrier.example. 1 SRV 10 1 %s sbc.carrier.example.`, transport, port), `sbc.carrier.example. 1 A 127.0.0.1`}
	}
	names := nametest.New(t, srv("udp", old)...)
	x := newExchangeWith(t, resolver.New(resolver.Config{Servers: []string{names.Address}}), named("carrier.example"))
	eventually.So(t, unhurried, "the name is resolved", func() bool { return x.Stats()[0].Up })
	x.call(t, "a")
	invite := old.expect("INVITE")
	if !strings.HasPrefix(invite, "INVITE sip:+48600100200@carrier.example SIP/2.0\r\n") {
		t.Errorf("INVITE:\n%s", invite)
	}
	old.answer(invite, "486 Busy Here", "")
	x.ended(t)

	names.Set(t, append(srv("tcp", far), `carrier.example. 1 NAPTR 1 1 "s" "SIP+D2T" "" _sip._tcp.carrier.example.`)...)
	eventually.So(t, unhurried, "the name has moved", func() bool { return x.at() == far.addr })
	x.call(t, "b")
	invite = far.expect("INVITE")
	if !strings.HasPrefix(invite, "INVITE sip:+48600100200@carrier.example;transport=tcp SIP/2.0\r\n") {
		t.Errorf("INVITE:\n%s", invite)
	}
	far.answer(invite, "486 Busy Here", "")
	if end := x.ended(t); end.Cause.Result != sip.ResultBusy {
		t.Errorf("end = %+v", end.Cause)
	}
}

func (x *exchange) at() string {
	x.mu.Lock()
	defer x.mu.Unlock()
	return x.carriers[0].targets[0].address
}

func TestCredentialsOf(t *testing.T) {
	a, b, open := named("carrier.example"), good(), good()
	a.Username, a.Password = "a", "1"
	b.Targets[0].Address, b.Domain, b.Username, b.Password = "192.0.2.7:5060", "b.example", "b", "2"
	for _, tt := range []struct {
		uri, destination, want string
	}{
		{"sip:1@carrier.example", "192.0.2.200:5060", "a"},
		{"sip:1@carrier.example:5070;transport=tcp", "192.0.2.200:5060", "a"},
		{"sip:1@b.example", "192.0.2.200:5060", "b"},
		{"sip:1@192.0.2.7", "192.0.2.7:5060", "b"},
		{"sip:1@192.0.2.1:5060", "192.0.2.1:5060", ""},
		{"sip:1@other.example", "192.0.2.200:5060", ""},
	} {
		got := ""
		if c := CredentialsOf([]Config{a, b, open}, sip.Dialog{RequestURI: tt.uri, Destination: tt.destination}); c != nil {
			got = c.Username
		}
		if got != tt.want {
			t.Errorf("%s at %s: %q, want %q", tt.uri, tt.destination, got, tt.want)
		}
	}
}
