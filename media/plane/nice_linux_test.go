package plane

import (
	"log/slog"
	"os"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/rtp"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// priorities are how many threads of this process have which.
func priorities(t *testing.T) map[int]int {
	t.Helper()
	stats, err := filepath.Glob("/proc/self/task/*/stat")
	if err != nil {
		t.Fatal(err)
	}
	all := map[int]int{}
	for _, name := range stats {
		b, err := os.ReadFile(name)
		if err != nil {
			continue // the thread has ended
		}
		fields := strings.Fields(string(b)[strings.LastIndexByte(string(b), ')')+1:])
		nice, err := strconv.Atoi(fields[16])
		if err != nil {
			t.Fatal(err)
		}
		all[nice]++
	}
	return all
}

// The threads that move audio have the priority that is asked for, and no others; calls
// go on as ever.
func TestNice(t *testing.T) {
	const nice = 19 // which everybody may ask for
	others := priorities(t)[nice]
	r := start(t, func(c *Config) { c.Nice, c.Engine = nice, rtp.Epoll })
	customer, operator := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	r.Bridge("c", "o")
	customer.talk(10)
	operator.await("the customer", func(got []heard) bool { return len(relayed(got)) >= 10 })
	if n := priorities(t); n[nice] < others+2 || len(n) < 2 { // a shard at least, and the wheel
		t.Errorf("threads by priority: %v, before %d of %d", n, others, nice)
	}
}

func TestNiceNeedsThreads(t *testing.T) {
	for _, tt := range []struct {
		cfg  Config
		fine bool
	}{
		{Config{Nice: -10}, true},
		{Config{Nice: -10, Engine: rtp.Epoll}, true},
		{Config{Nice: -10, Engine: rtp.Portable}, false},
		{Config{Nice: -21}, false},
		{Config{Nice: 20}, false},
	} {
		tt.cfg.Address = "127.0.0.1"
		if err := tt.cfg.Validate(); (err == nil) != tt.fine || err != nil && !strings.HasPrefix(err.Error(), "nice: ") {
			t.Errorf("nice %d, engine %q: %v", tt.cfg.Nice, tt.cfg.Engine, err)
		}
	}
}

// Where the system does not allow it, it is said once and audio goes on.
func TestNiceIsRefused(t *testing.T) {
	var said strings.Builder
	p := &Plane{log: slog.New(slog.NewTextHandler(&said, nil))}
	p.Nice = -20 // the tests may run at another priority already
	done := make(chan bool)
	go func() {
		runtime.LockOSThread() // for good: the thread, which has lost its right, ends with us
		defer close(done)
		if err := loseCapabilities(); err != nil {
			t.Error(err)
			return
		}
		if p.prefer() || p.prefer() {
			t.Error("a thread without the right has another priority")
		}
	}()
	eventually.Comes(t, patience, "the thread is done", done)
	if strings.Count(said.String(), "CAP_SYS_NICE") != 1 {
		t.Errorf("it was told so: %q", said.String())
	}
}

// loseCapabilities takes all of them from this thread.
func loseCapabilities() error {
	var none [2]unix.CapUserData
	return unix.Capset(&unix.CapUserHeader{Version: unix.LINUX_CAPABILITY_VERSION_3}, &none[0])
}
