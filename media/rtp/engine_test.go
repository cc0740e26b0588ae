package rtp

import (
	"flag"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// underTest is the engine of every socket of the tests.
var underTest EngineName

// TestMain runs the tests once with each engine of this system; benchmarks name theirs.
func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(eachEngine{m})
}

type eachEngine struct{ *testing.M }

func (m eachEngine) Run() int {
	for _, underTest = range enginesHere() {
		fmt.Fprintln(os.Stderr, "engine:", underTest)
		if code := m.M.Run(); code != 0 || flag.Lookup("test.bench").Value.String() != "" {
			return code
		}
	}
	return 0
}

func enginesHere() []EngineName {
	return slices.DeleteFunc([]EngineName{Portable, Epoll}, func(n EngineName) bool { return n.Validate() != nil })
}

func newEngine(t testing.TB) Engine { return newEngineOf(t, underTest) }

func newEngineOf(t testing.TB, name EngineName) Engine {
	t.Helper()
	e, err := NewEngine(EngineConfig{Name: name, Shards: 2})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(e.Close)
	return e
}

func newPool(t testing.TB, cfg PoolConfig) *Pool {
	t.Helper()
	cfg.Engine = newEngine(t)
	p, err := NewPool(cfg)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

// take gives ports that are closed before the engine is.
func take(t testing.TB, p *Pool) Ports {
	t.Helper()
	ports, err := p.Take(begin)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(ports.Close)
	return ports
}

func TestEngineNames(t *testing.T) {
	for name, fine := range map[EngineName]bool{"": true, Auto: true, Portable: true, Epoll: haveEpoll, "kqueue": false} {
		if err := name.Validate(); (err == nil) != fine {
			t.Errorf("%q: %v", name, err)
		}
		e, err := NewEngine(EngineConfig{Name: name})
		if (err == nil) != fine {
			t.Errorf("%q: %v", name, err)
		}
		if err == nil {
			e.Close()
		}
	}
}

// patience is for machines that do other things too.
const patience = 20 * time.Second

// What waits for a socket before it is served is heard, in its order, and from whom it
// is; what the socket sends comes from its port.
func TestSocket(t *testing.T) {
	for _, address := range []string{"127.0.0.1", "::1"} {
		s, err := newEngine(t).listen(netip.MustParseAddr(address), 0)
		if err != nil {
			t.Logf("no socket on %s: %v", address, err)
			continue
		}
		far, err := net.ListenUDP("udp", net.UDPAddrFromAddrPort(netip.AddrPortFrom(netip.MustParseAddr(address), 0)))
		if err != nil {
			t.Fatal(err)
		}
		defer far.Close()
		at := far.LocalAddr().(*net.UDPAddr).AddrPort()
		for i := range byte(50) {
			if _, err := far.WriteToUDPAddrPort([]byte{i, 7}, netip.AddrPortFrom(at.Addr(), uint16(s.port()))); err != nil {
				t.Fatal(err)
			}
		}
		heard, gone := make(chan byte, 100), make(chan struct{})
		s.serve(func(b []byte, from netip.AddrPort, now time.Time) {
			if len(b) != 2 || from != at || time.Since(now) > time.Minute {
				t.Errorf("heard % x of %v at %v, want it of %v", b, from, now, at)
			}
			heard <- b[0]
		}, func() { close(gone) })
		for i := range byte(50) {
			if got := eventually.Comes(t, patience, "the next datagram", heard); got != i {
				t.Fatalf("datagram %d came as the %d-th", got, i)
			}
		}
		if err := s.send([]byte("hello"), at); err != nil {
			t.Fatal(err)
		}
		far.SetReadDeadline(time.Now().Add(5 * time.Second))
		var b [100]byte
		n, from, err := far.ReadFromUDPAddrPort(b[:])
		if err != nil || string(b[:n]) != "hello" || int(from.Port()) != s.port() {
			t.Errorf("%q of %v, %v, want hello of port %d", b[:n], from, err, s.port())
		}
		s.close()
		eventually.Ends(t, patience, "the socket is gone", func() { <-gone })
		if err := s.send([]byte("x"), at); err == nil {
			t.Error("a closed socket sends")
		}
	}
}

// A socket is closed while packets come, and while others send through it: nothing is
// heard after it is gone, and nothing of what the next socket is sent.
func TestCloseUnderFire(t *testing.T) {
	e := newEngine(t)
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	at := far.LocalAddr().(*net.UDPAddr).AddrPort()
	for round := range 100 {
		s, err := e.listen(loopback, 0)
		if err != nil {
			t.Fatal(err)
		}
		var over atomic.Bool
		var heard atomic.Int64
		gone, first := make(chan struct{}), make(chan struct{})
		s.serve(func(b []byte, _ netip.AddrPort, _ time.Time) {
			if over.Load() {
				t.Error("heard after it was gone")
			}
			if len(b) != 1 || b[0] != byte(round) {
				t.Errorf("% x, of another socket", b)
			}
			if heard.Add(1) == 1 {
				close(first)
			}
		}, func() { over.Store(true); close(gone) })
		to := netip.AddrPortFrom(loopback, uint16(s.port()))
		var firing sync.WaitGroup
		for range 2 {
			firing.Go(func() {
				for !over.Load() {
					_, _ = far.WriteToUDPAddrPort([]byte{byte(round)}, to)
					_ = s.send([]byte{byte(round)}, at)
				}
			})
		}
		eventually.Comes(t, patience, "the first datagram", first)
		s.close()
		eventually.Ends(t, patience, "the socket is gone", func() { <-gone })
		firing.Wait()
	}
}

// Sockets come and go, and each hears its own.
func TestManySockets(t *testing.T) {
	e := newEngine(t)
	far, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		t.Fatal(err)
	}
	defer far.Close()
	for range 3 {
		var gone, heard sync.WaitGroup
		var sockets []socket
		for i := range 100 {
			s, err := e.listen(loopback, 0)
			if err != nil {
				t.Fatal(err)
			}
			sockets = append(sockets, s)
			gone.Add(1)
			heard.Add(2)
			s.serve(func(b []byte, _ netip.AddrPort, _ time.Time) {
				if int(b[0]) != i {
					t.Errorf("socket %d heard what is %d's", i, b[0])
				}
				heard.Done()
			}, gone.Done)
		}
		for range 2 {
			for i, s := range sockets {
				if _, err := far.WriteToUDPAddrPort([]byte{byte(i)}, netip.AddrPortFrom(loopback, uint16(s.port()))); err != nil {
					t.Fatal(err)
				}
			}
		}
		eventually.Ends(t, patience, "each hears its own", heard.Wait)
		for _, s := range sockets {
			s.close()
			s.close() // once more does nothing
		}
		eventually.Ends(t, patience, "all are gone", gone.Wait)
	}
}

// BenchmarkReceiveAndSend is one packet that goes round: through the system twice, and
// through everything that we do for it.
func BenchmarkReceiveAndSend(b *testing.B) {
	for _, name := range enginesHere() {
		b.Run("engine="+string(name), func(b *testing.B) { benchmarkReceiveAndSend(b, newEngineOf(b, name)) })
	}
}

func benchmarkReceiveAndSend(b *testing.B, engine Engine) {
	pool, err := NewPool(PoolConfig{Address: loopback, Engine: engine})
	if err != nil {
		b.Fatal(err)
	}
	s := NewSession(take(b, pool))
	agreed := sdp.Agreed{Sending: true, Remote: netip.AddrPortFrom(loopback, uint16(s.Port()))} // itself
	agreed.Receive[0] = sdp.ULaw
	s.Describe(&Description{Agreed: agreed})
	rounds, done := 0, make(chan error)
	s.Serve(func(_ time.Time, p *media.Packet) {
		if rounds++; rounds == b.N {
			done <- nil
			return
		}
		p.Sequence++
		if err := s.Send(p); err != nil {
			done <- err
		}
	})
	b.ReportAllocs()
	b.ResetTimer()
	if err := s.Send(&media.Packet{Payload: make([]byte, 160)}); err != nil {
		b.Fatal(err)
	}
	if err := <-done; err != nil {
		b.Fatal(err)
	}
}
