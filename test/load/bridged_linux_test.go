package load

import (
	"context"
	"fmt"
	"log/slog"
	"os"
	"regexp"
	"runtime"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/plane"
	"github.com/outpace-dialer/outpace/media/rtp"
	"github.com/outpace-dialer/outpace/test/crowd"
)

func init() { crowd.ServeIfAsked() }

// parts are the stretches of the traffic between which memory and goroutines are read.
const parts = 5

// Many bridged and recorded calls for a while: every packet that a far end sends comes
// to its peer, once, in its order, in one unbroken stream, and the engine does not grow.
// The far ends are a process of their own that shares no code with it. Without
// OUTPACE_LOAD it is a few calls for a few seconds.
func TestBridgedCalls(t *testing.T) {
	calls, lasts := 20, 2*time.Second
	if os.Getenv("OUTPACE_LOAD") != "" {
		calls, lasts = asked(t, "OUTPACE_BRIDGED", 1000, strconv.Atoi), asked(t, "OUTPACE_LASTS", 5*time.Minute, time.ParseDuration)
	}
	for _, engine := range []rtp.EngineName{rtp.Epoll, rtp.Portable} {
		t.Run(string(engine), func(t *testing.T) { bridged(t, engine, calls, lasts) })
	}
}

func bridged(t *testing.T, engine rtp.EngineName, calls int, lasts time.Duration) {
	far, err := crowd.Start()
	if err != nil {
		t.Fatal(err)
	}
	defer far.Stop()
	p := startPlane(t, plane.Config{Engine: engine, RecordDir: t.TempDir()})
	ends := make([]crowd.End, 0, 2*calls)
	for i := range calls {
		customer, operator := media.LegID(fmt.Sprint("c", i)), media.LegID(fmt.Sprint("o", i))
		for _, id := range []media.LegID{customer, operator} {
			n := len(ends)
			socket := n % crowd.Sockets
			ends = append(ends, crowd.End{Socket: socket, To: connect(t, p, id, far.Ports[socket]), Peer: n ^ 1})
		}
		p.Record(customer, string(customer)+".wav")
		p.Bridge(customer, operator)
	}
	var begin weight // after the first part: what grows with the first packets has grown
	for part := range parts {
		used := p.Stats()
		r, err := far.Run(ends, lasts/parts)
		if err != nil {
			t.Fatal(err)
		}
		here, s := now(), p.Stats()
		if part == 0 {
			begin = here
		}
		t.Logf("%d calls, %v: sent %d, heard %d; delay p50 %v, p99 %v, p99.9 %v; %.1f MB, %d goroutines; far ends late by %v at worst, %.0f%% of a core",
			calls, lasts/parts, r.Sent, r.Heard, r.P50, r.P99, r.P999, float64(here.resident)/1e6, here.goroutines, r.Late, 100*r.CPU.Seconds()/(lasts/parts).Seconds())
		if r.Lost() > 0 || r.Twice > 0 || r.Astray > 0 || r.Unfilled > 0 || r.Refused > 0 {
			t.Errorf("part %d: lost %d, out of order or twice %d, astray %d, missing of streams %d, refused %d", part, r.Lost(), r.Twice, r.Astray, r.Unfilled, r.Refused)
		}
		if lost := s.Lost - used.Lost; s.RelayedLost > used.RelayedLost || s.RecordingDropped > used.RecordingDropped {
			t.Errorf("part %d: the plane lost %d in front of it and %d of what it relayed, recordings %d", part, lost, s.RelayedLost-used.RelayedLost, s.RecordingDropped-used.RecordingDropped)
		}
	}
	end := now()
	if grown := end.resident - begin.resident; grown > begin.resident/10+8<<20 {
		t.Errorf("resident memory grew by %d bytes, from %d", grown, begin.resident)
	}
	if grown := end.goroutines - begin.goroutines; grown > 10 {
		t.Errorf("%d goroutines more than the %d at the beginning", grown, begin.goroutines)
	}
}

// startPlane runs a plane on loopback until the test ends.
func startPlane(t *testing.T, cfg plane.Config) *plane.Plane {
	t.Helper()
	cfg.Address, cfg.Ports = "127.0.0.1", plane.Ports{Any: true}
	p, err := plane.New(cfg, func(media.Event) {}, slog.New(slog.DiscardHandler))
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	var running sync.WaitGroup
	running.Go(func() { _ = p.Run(ctx) })
	t.Cleanup(func() { cancel(); running.Wait() })
	return p
}

var ourPort = regexp.MustCompile(`m=audio (\d+) `)

// connect opens a leg to a port of the far ends and returns ours.
func connect(t *testing.T, p *plane.Plane, id media.LegID, port int) int {
	t.Helper()
	offer, err := p.Offer(id, media.LegSpec{Networks: []string{"127.0.0.0/8"}})
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Accept(id, fmt.Appendf(nil, "v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\n"+
		"m=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", port)); err != nil {
		t.Fatal(err)
	}
	ours, err := strconv.Atoi(string(ourPort.FindSubmatch(offer)[1]))
	if err != nil {
		t.Fatal(err)
	}
	return ours
}

// weight is what this process is.
type weight struct {
	resident, goroutines int // bytes, and how many
}

func now() weight {
	runtime.GC()
	w := weight{goroutines: runtime.NumGoroutine()}
	status, _ := os.ReadFile("/proc/self/status")
	for line := range strings.Lines(string(status)) {
		if size, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kB, _ := strconv.Atoi(strings.Fields(size)[0])
			w.resident = kB << 10
		}
	}
	return w
}

// asked reads a setting of `make load`.
func asked[T any](t *testing.T, name string, otherwise T, read func(string) (T, error)) T {
	t.Helper()
	text := os.Getenv(name)
	if text == "" {
		return otherwise
	}
	value, err := read(text)
	if err != nil {
		t.Fatalf("%s: %v", name, err)
	}
	return value
}
