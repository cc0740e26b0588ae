//go:build linux

package plane

import (
	"context"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"runtime"
	"strconv"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/rtp"
	"github.com/outpace-dialer/outpace/test/crowd"
)

func init() { crowd.ServeIfAsked() }

// A turn of the benchmark is a stretch of traffic; CPU time is read inside it, so
// that neither its beginning nor its end counts.
const (
	turn    = 4 * time.Second
	settles = time.Second
	ends    = 200 * time.Millisecond
)

// BenchmarkBridged is what a hundred bridged calls cost, recorded and relayed both
// ways, beside a bare loop that reads each packet and writes it on. The far ends are
// a process of their own (test/crowd). An operation is a turn of each.
//
//	%core/100     of one core, for each 100 calls, by the CPU time of this process
//	p99-ms        from a far end's send until its peer's socket has the packet
//	bare-...      the same of the bare loop; x-... how many times as much we take
//	rtpengine-... the same of rtpengine in user space, which relays without recording, where it is installed
//	goroutines    and bytes (heap and stacks): for each bridged call
func BenchmarkBridged(b *testing.B) {
	for _, engine := range enginesHere() {
		for _, calls := range []int{100, 400} {
			for _, hears := range []bool{false, true} {
				name := fmt.Sprintf("engine=%s/calls=%d/detector=%t", engine, calls, hears)
				b.Run(name, func(b *testing.B) { benchmarkBridged(b, engine, calls, hears) })
			}
		}
	}
}

func benchmarkBridged(b *testing.B, engine rtp.EngineName, calls int, hears bool) {
	far, err := crowd.Start()
	if err != nil {
		b.Fatal(err)
	}
	defer far.Stop()
	var bare, ours, other cost
	for b.Loop() {
		relay := newBareRelay(b, far, calls)
		bare.add(measure(b, far, relay.ends, processTime, relay.relayed))
		relay.close()
		if r := newOtherRelay(b, far, calls); r != nil {
			// It does not tell each packet at once: it relays what is sent to it.
			other.add(measure(b, far, r.ends, func() time.Duration { return r.used(b) }, nil))
			r.close()
		}
		m := newMeasured(b, far, engine, calls, hears)
		ours.add(measure(b, far, m.ends, processTime, func() uint64 { return m.Stats().Relayed }))
		m.close()
		ours.memory, ours.goroutines = m.bytes/calls, float64(m.goroutines)/float64(calls)
	}
	if bare.lost > 0 || ours.lost > 0 {
		b.Errorf("%d packets lost, %d by the bare loop", ours.lost, bare.lost)
	}
	const each = 100 * 100 * 100 // 100 calls, 100 packets a second each, in percent
	b.ReportMetric(0, "ns/op")   // it is the length of a turn
	b.ReportMetric(each*ours.perPacket(), "%core/100")
	b.ReportMetric(each*bare.perPacket(), "bare-%core/100")
	b.ReportMetric(ours.perPacket()/bare.perPacket(), "x-core")
	b.ReportMetric(ours.p99.Seconds()*1000, "p99-ms")
	b.ReportMetric(bare.p99.Seconds()*1000, "bare-p99-ms")
	if other.packets > 0 {
		b.ReportMetric(each*other.perPacket(), "rtpengine-%core/100")
		b.ReportMetric(ours.perPacket()/other.perPacket(), "x-rtpengine")
		b.ReportMetric(other.p99.Seconds()*1000, "rtpengine-p99-ms")
	}
	b.ReportMetric(ours.p50.Seconds()*1000, "p50-ms")
	b.ReportMetric(float64(ours.memory), "B/call")
	b.ReportMetric(ours.goroutines, "goroutines/call")
}

// cost is what turns took.
type cost struct {
	used       time.Duration
	packets    uint64
	p50, p99   time.Duration // of the last turn
	lost       uint64
	memory     int
	goroutines float64
}

// perPacket is the CPU time of a packet that was relayed, in seconds. It does not
// depend on whether the far ends, on a busy machine, send as many as they should.
func (c *cost) perPacket() float64 { return c.used.Seconds() / float64(c.packets) }

func (c *cost) add(turn cost) {
	c.used += turn.used
	c.packets += turn.packets
	c.lost += turn.lost
	c.p50, c.p99 = turn.p50, turn.p99
}

// measure has far ends talk for a turn. A relay that does not count (nil) is taken to
// relay at the rate at which its far ends send over the whole turn.
func measure(b *testing.B, far *crowd.Crowd, all []crowd.End, used func() time.Duration, relayed func() uint64) cost {
	b.Helper()
	var c cost
	var looked time.Duration
	var sampling sync.WaitGroup
	sampling.Go(func() {
		time.Sleep(settles)
		began, before, packets := time.Now(), used(), uint64(0)
		if relayed != nil {
			packets = relayed()
		}
		time.Sleep(turn - settles - ends)
		c.used, looked = used()-before, time.Since(began)
		if relayed != nil {
			c.packets = relayed() - packets
		}
	})
	report, err := far.Run(all, turn)
	sampling.Wait()
	if err != nil {
		b.Fatal(err)
	}
	if relayed == nil {
		c.packets = uint64(float64(report.Heard) * looked.Seconds() / turn.Seconds())
	}
	if report.Late > turn/10 {
		b.Logf("the far ends were %v late: the machine does too much else", report.Late)
	}
	c.p50, c.p99, c.lost = report.P50, report.P99, report.Lost()+report.Astray
	return c
}

func processTime() time.Duration {
	var r unix.Rusage
	if err := unix.Getrusage(unix.RUSAGE_SELF, &r); err != nil {
		panic(err)
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// pairs are the far ends of calls, whose ports of ours come in pairs.
func pairs(ports []int) []crowd.End {
	all := make([]crowd.End, len(ports))
	for i, port := range ports {
		all[i] = crowd.End{Socket: i % crowd.Sockets, To: port, Peer: i ^ 1}
	}
	return all
}

// farPort is where the i-th far end of a crowd is.
func farPort(far *crowd.Crowd, i int) int { return far.Ports[i%crowd.Sockets] }

// bareRelay is the least that a relay must do.
type bareRelay struct {
	ends    []crowd.End
	conns   []*net.UDPConn
	counts  []atomic.Uint64
	running sync.WaitGroup
}

func newBareRelay(b *testing.B, far *crowd.Crowd, calls int) *bareRelay {
	b.Helper()
	r := &bareRelay{}
	var ports []int
	for range 2 * calls {
		conn, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
		if err != nil {
			b.Fatal(err)
		}
		r.conns = append(r.conns, conn)
		ports = append(ports, conn.LocalAddr().(*net.UDPAddr).Port)
	}
	r.ends, r.counts = pairs(ports), make([]atomic.Uint64, len(ports))
	for i, conn := range r.conns {
		out, to := r.conns[i^1], netip.AddrPortFrom(netip.MustParseAddr("127.0.0.1"), uint16(farPort(far, i^1)))
		r.running.Go(func() {
			var buffer [1500]byte
			for {
				n, _, err := conn.ReadFromUDPAddrPort(buffer[:])
				if err != nil {
					return
				}
				_, _ = out.WriteToUDPAddrPort(buffer[:n], to)
				r.counts[i].Add(1)
			}
		})
	}
	return r
}

func (r *bareRelay) relayed() (n uint64) {
	for i := range r.counts {
		n += r.counts[i].Load()
	}
	return n
}

func (r *bareRelay) close() {
	for _, conn := range r.conns {
		conn.Close()
	}
	r.running.Wait()
}

// measured is a plane full of bridged calls, and what they take.
type measured struct {
	*Plane
	ends              []crowd.End
	bytes, goroutines int

	stop func()
}

func newMeasured(b *testing.B, far *crowd.Crowd, engine rtp.EngineName, calls int, hears bool) *measured {
	b.Helper()
	p, err := New(Config{
		Address: "127.0.0.1", Ports: Ports{Any: true}, Engine: engine, RecordDir: b.TempDir(),
		NewDetector: func(string) Detector { return detect.New(detect.Config{}) },
	}, func(media.Event) {}, slog.New(slog.DiscardHandler))
	if err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	m := &measured{Plane: p, stop: func() { cancel(); running.Wait() }}
	bytes, goroutines := taken(), runtime.NumGoroutine()
	var ports []int
	for i := range calls {
		customer, operator := media.LegID(fmt.Sprint("c", i)), media.LegID(fmt.Sprint("o", i))
		for side, id := range []media.LegID{customer, operator} {
			spec := local
			if side == 1 {
				spec = localOperator
			}
			ports = append(ports, connectTo(b, p, id, spec, farPort(far, 2*i+side)))
		}
		if hears {
			p.Detect(customer, "")
		}
		p.Record(customer, string(customer)+".wav")
		p.Bridge(customer, operator)
	}
	m.ends = pairs(ports)
	if _, err := far.Run(m.ends, settles); err != nil { // what grows with the first packets has grown
		b.Fatal(err)
	}
	m.bytes, m.goroutines = taken()-bytes, runtime.NumGoroutine()-goroutines
	return m
}

func (m *measured) close() { m.stop() }

// connectTo opens a leg whose far end is at a port of the crowd; it returns our port.
func connectTo(b *testing.B, p *Plane, id media.LegID, spec media.LegSpec, port int) int {
	b.Helper()
	offer, err := p.Offer(id, spec)
	if err != nil {
		b.Fatal(err)
	}
	answer := fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
		"m=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", port)
	if err := p.Accept(id, answer); err != nil {
		b.Fatal(err)
	}
	ours, err := strconv.Atoi(string(mediaLine.FindSubmatch(offer)[1]))
	if err != nil {
		b.Fatal(err)
	}
	return ours
}

// taken is what the heap and the stacks hold in live objects.
func taken() int {
	runtime.GC()
	runtime.GC() // pools give up in two
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int(m.HeapAlloc + m.StackInuse)
}
