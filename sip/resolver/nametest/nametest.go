// Package nametest is a name server for tests: it answers on loopback, over UDP
// and TCP, with the records it was given, and can be away.
package nametest

import (
	"net"
	"strings"
	"sync"
	"testing"

	"github.com/miekg/dns"
)

// Server is a running name server.
type Server struct {
	Address string // ip:port

	mu      sync.Mutex
	records []dns.RR
	away    bool
	short   bool
	asked   map[string]int
}

// New starts a server with records in the form of a zone file, one each. It
// stops with the test.
func New(t testing.TB, records ...string) *Server {
	t.Helper()
	s := &Server{asked: map[string]int{}}
	s.Set(t, records...)
	packets, streams := listen(t)
	s.Address = packets.LocalAddr().String()
	s.serve(t, &dns.Server{PacketConn: packets})
	s.serve(t, &dns.Server{Listener: streams})
	return s
}

// listen takes a port that nobody has, neither of UDP nor of TCP.
func listen(t testing.TB) (net.PacketConn, net.Listener) {
	t.Helper()
	for range 20 {
		packets, err := net.ListenPacket("udp4", "127.0.0.1:0")
		if err != nil {
			t.Fatal(err)
		}
		streams, err := net.Listen("tcp4", packets.LocalAddr().String())
		if err == nil {
			return packets, streams
		}
		_ = packets.Close() // somebody has it for TCP
	}
	t.Fatal("no port is free for UDP and TCP")
	return nil, nil
}

func (s *Server) serve(t testing.TB, on *dns.Server) {
	t.Helper()
	ready, done := make(chan struct{}), make(chan error, 1)
	on.Handler, on.NotifyStartedFunc = s, func() { close(ready) }
	go func() { done <- on.ActivateAndServe() }()
	select {
	case <-ready:
	case err := <-done:
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := on.Shutdown(); err != nil {
			t.Error(err)
		}
		<-done
	})
}

// Set replaces all records.
func (s *Server) Set(t testing.TB, records ...string) {
	t.Helper()
	var all []dns.RR
	for _, line := range records {
		rr, err := dns.NewRR(line)
		if err != nil {
			t.Fatal(err)
		}
		all = append(all, rr)
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.records = all
}

// Leave makes the server refuse every question, and Return ends that.
func (s *Server) Leave() { s.set(&s.away, true) }

// Return makes it answer again.
func (s *Server) Return() { s.set(&s.away, false) }

// CutShort makes every answer over UDP a truncated one.
func (s *Server) CutShort() { s.set(&s.short, true) }

func (s *Server) set(flag *bool, to bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	*flag = to
}

// Asked is how often a question came: "_sip._udp.carrier.example. SRV".
func (s *Server) Asked(question string) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.asked[question]
}

// ServeDNS answers one question.
func (s *Server) ServeDNS(w dns.ResponseWriter, m *dns.Msg) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q := m.Question[0]
	s.asked[strings.ToLower(q.Name)+" "+dns.TypeToString[q.Qtype]]++
	answer := new(dns.Msg)
	answer.SetReply(m)
	_, overUDP := w.RemoteAddr().(*net.UDPAddr)
	switch {
	case s.away:
		answer.Rcode = dns.RcodeServerFailure
	case s.short && overUDP:
		answer.Truncated = true
	default:
		answer.Answer = s.find(q.Name, q.Qtype)
	}
	_ = w.WriteMsg(answer)
}

// find returns the records of a name, after its aliases.
func (s *Server) find(name string, kind uint16) []dns.RR {
	var found []dns.RR
	for _, rr := range s.records {
		if !strings.EqualFold(rr.Header().Name, name) {
			continue
		}
		if c, ok := rr.(*dns.CNAME); ok && kind != dns.TypeCNAME {
			return append([]dns.RR{c}, s.find(c.Target, kind)...)
		}
		if rr.Header().Rrtype == kind {
			found = append(found, rr)
		}
	}
	return found
}
