package resolver

import (
	"context"
	"errors"
	"net/netip"
	"testing"
	"time"

	"github.com/miekg/dns"
)

// Whatever a name server answers: servers with an address and a transport that we
// speak, and a walk that ends.
func FuzzAnswers(f *testing.F) {
	seed := func(records ...string) {
		m := new(dns.Msg)
		m.SetQuestion("c.example.", dns.TypeNAPTR)
		for _, text := range records {
			rr, err := dns.NewRR(text)
			if err != nil {
				f.Fatal(err)
			}
			m.Answer = append(m.Answer, rr)
		}
		b, err := m.Pack()
		if err != nil {
			f.Fatal(err)
		}
		f.Add(b)
	}
	seed(`c.example. 60 IN NAPTR 10 50 "s" "SIP+D2U" "" _sip._udp.c.example.`, `_sip._udp.c.example. 60 IN SRV 1 2 5060 a.c.example.`, `a.c.example. 60 IN A 192.0.2.1`)
	seed(`c.example. 60 IN CNAME c.example.`, `c.example. 0 IN NAPTR 1 1 "s" "SIPS+D2T" "!x!y!" .`)
	seed(`_sip._tcp.c.example. 60 IN SRV 0 0 0 .`, `_sip._udp.c.example. 60 IN CNAME _sip._tcp.c.example.`, `c.example. 60 IN AAAA ::ffff:192.0.2.1`)
	f.Fuzz(func(t *testing.T, b []byte) {
		var m dns.Msg
		if m.Unpack(b) != nil {
			return
		}
		r := New(Config{Servers: []string{"192.0.2.53"}})
		r.servers = nil // nobody is asked
		r.system = func(context.Context, string) ([]netip.Addr, error) { return nil, errors.New("none") }
		for _, rr := range append(m.Answer, m.Extra...) {
			q := question{dns.CanonicalName(rr.Header().Name), rr.Header().Rrtype}
			records, ttl := read(&m, q)
			r.cache.put(q, records, max(ttl, time.Minute))
		}
		for _, q := range []Query{{Host: "c.example"}, {Host: "c.example", Transport: "tcp"}, {Host: "c.example", Port: 5060}} {
			servers, _, err := r.Resolve(t.Context(), q)
			if err == nil && len(servers) == 0 {
				t.Errorf("%+v: neither servers nor an error", q)
			}
			for _, s := range servers {
				if !s.Address.IsValid() || s.Address.Port() == 0 || s.Transport != "udp" && s.Transport != "tcp" && s.Transport != "tls" || s.Weight < 1 {
					t.Errorf("%+v: %+v", q, s)
				}
			}
		}
	})
}
