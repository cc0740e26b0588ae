package phone

import (
	"context"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/test/eventually"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// within bounds every wait of the tests.
const within = 5 * time.Second

// run starts a phone that stops with the test, and collects its faults.
func run(t *testing.T, cfg Config) (*Phone, func() []Fault) {
	t.Helper()
	var mu sync.Mutex
	var faults []Fault
	cfg.OnFault = func(f Fault) {
		mu.Lock()
		defer mu.Unlock()
		faults = append(faults, f)
	}
	p, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	runPhone(t, p)
	return p, func() []Fault {
		mu.Lock()
		defer mu.Unlock()
		return append([]Fault(nil), faults...)
	}
}

// runPhone runs a phone until the test's end.
func runPhone(t *testing.T, p *Phone) {
	ctx, stop := context.WithCancel(context.Background())
	stopped := make(chan struct{})
	go func() {
		defer close(stopped)
		p.Run(ctx) //nolint:errcheck // always nil
	}()
	t.Cleanup(func() {
		stop()
		wait(t, stopped, "phone to stop")
	})
}

// wait is for the next of a channel, or its end.
func wait[T any](t *testing.T, ch <-chan T, what string) T {
	t.Helper()
	return eventually.Comes(t, within, what, ch)
}

// ear counts what a phone hears.
type ear struct {
	mu      sync.Mutex
	marks   []Mark
	tones   map[float64]int
	packets int
	enough  chan struct{}
	want    int
}

func listen(a *Audio, want int, hz ...float64) *ear {
	e := &ear{tones: map[float64]int{}, enough: make(chan struct{}), want: want}
	a.Listen(func(p *Packet) {
		e.mu.Lock()
		defer e.mu.Unlock()
		e.packets++
		if p.Marked {
			e.marks = append(e.marks, p.Mark)
		}
		for _, f := range hz {
			if Level(p.PCM) > 500 && ToneShare(p.PCM, f) > 0.9 {
				e.tones[f]++
			}
		}
		if e.packets == e.want {
			close(e.enough)
		}
	})
	return e
}

func TestCallCarriesToneAndMarksBothWays(t *testing.T) {
	for _, transport := range []string{"udp", "tcp"} {
		for _, law := range []Law{PCMU, PCMA} {
			t.Run(transport+map[Law]string{PCMU: " mu", PCMA: " A"}[law], func(t *testing.T) {
				testCall(t, transport, law)
			})
		}
	}
}

func testCall(t *testing.T, transport string, law Law) {
	ears := make(chan *ear, 1)
	callee, calleeFaults := run(t, Config{TCP: true, OnCall: func(c *Call) {
		ears <- listen(c.Audio, 30, 1100)
		c.Ring(180, "Ringing", false) //nolint:errcheck // seen by the caller
		c.Audio.Play(&Tone{Hz: 700, Peak: 8000})
		c.Answer() //nolint:errcheck // seen by the caller
		<-c.Done()
	}})
	caller, callerFaults := run(t, Config{Transport: transport, Laws: []Law{law}})
	var codes []int
	c, err := caller.Call(Dial{To: callee.Addr(), Number: "+15550001", Progress: func(code int, _ bool) { codes = append(codes, code) }})
	if err != nil {
		t.Fatal(err)
	}
	mine := listen(c.Audio, 30, 700)
	c.Audio.Play(&Tone{Hz: 1100, Peak: 8000})
	wait(t, c.Answered(), "answer")
	theirs := wait(t, ears, "call")
	wait(t, mine.enough, "30 packets at the caller")
	wait(t, theirs.enough, "30 packets at the callee")
	c.Hangup()
	wait(t, c.Done(), "end")

	check := func(name string, e *ear, hz float64) {
		e.mu.Lock()
		defer e.mu.Unlock()
		if len(e.marks) != e.packets || e.tones[hz] < e.packets-1 {
			t.Errorf("%s: packets %d, marks %d, with %.0f Hz %d", name, e.packets, len(e.marks), hz, e.tones[hz])
		}
		for i, m := range e.marks {
			if m != (Mark{StreamID(c.ID), uint32(i + 1)}) {
				t.Fatalf("%s: mark %d = %+v", name, i, m)
			}
		}
	}
	check("caller", mine, 700)
	check("callee", theirs, 1100)
	if len(codes) != 1 || codes[0] != 180 {
		t.Errorf("progress = %v, want [180]", codes)
	}
	if f := append(callerFaults(), calleeFaults()...); len(f) > 0 {
		t.Errorf("faults: %v", f)
	}
	if end := c.End(); end.By != Local || end.Code != 200 || !end.WasUp {
		t.Errorf("end = %+v", end)
	}
}

func TestRefusalsAndCancel(t *testing.T) {
	cancelled := make(chan struct{}, 1)
	callee, faults := run(t, Config{OnCall: func(c *Call) {
		switch c.Number {
		case "busy":
			c.Reject(486, "Busy Here", Header{"Reason", "Q.850;cause=17"})
		default:
			c.Ring(180, "Ringing", false) //nolint:errcheck // seen by the caller
			<-c.Cancelled()
			cancelled <- struct{}{}
		}
		<-c.Done()
	}})
	caller, _ := run(t, Config{})
	busy, err := caller.Call(Dial{To: callee.Addr(), Number: "busy"})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, busy.Done(), "refusal")
	if got := busy.End(); got.Code != 486 || got.By != Remote || got.WasUp {
		t.Errorf("busy: end = %+v", got)
	}
	long, err := caller.Call(Dial{To: callee.Addr(), Number: "rings"})
	if err != nil {
		t.Fatal(err)
	}
	long.Hangup()
	wait(t, long.Done(), "cancelled call")
	wait(t, cancelled, "CANCEL")
	if got := long.End(); got.Code != 487 {
		t.Errorf("cancelled: end = %+v", got)
	}
	if f := faults(); len(f) > 0 {
		t.Errorf("faults: %v", f)
	}
}

func TestLateAnswerAndSecondAnswerAreEnded(t *testing.T) {
	for _, kind := range []string{"late", "two"} {
		t.Run(kind, func(t *testing.T) {
			ends := make(chan End, 2)
			callee, faults := run(t, Config{OnCall: func(c *Call) {
				if kind == "late" {
					c.HoldCancel()
					c.Ring(180, "Ringing", false) //nolint:errcheck // seen by the caller
					<-c.Cancelled()
				}
				c.Answer() //nolint:errcheck // seen by the caller
				if kind == "two" {
					f, err := c.Fork()
					if err != nil {
						t.Error(err)
						return
					}
					f.Answer() //nolint:errcheck // seen by the caller
					<-f.Done()
					ends <- f.End()
				}
				<-c.Done()
				ends <- c.End()
			}})
			caller, _ := run(t, Config{})
			ringing := make(chan int, 4)
			c, err := caller.Call(Dial{To: callee.Addr(), Number: "1", Progress: func(code int, _ bool) { ringing <- code }})
			if err != nil {
				t.Fatal(err)
			}
			if kind == "late" {
				wait(t, ringing, "180") // the callee holds a CANCEL from here on
				c.Hangup()
			} else {
				wait(t, c.Answered(), "answer")
			}
			if end := wait(t, ends, "BYE"); end.By != Remote || !end.WasUp {
				t.Errorf("end = %+v", end)
			}
			if kind == "two" {
				c.Hangup()
				wait(t, ends, "BYE of the first")
			}
			wait(t, c.Done(), "end")
			if f := faults(); len(f) > 0 {
				t.Errorf("faults: %v", f)
			}
		})
	}
}

func TestHoldAndResume(t *testing.T) {
	calls := make(chan *Call, 1)
	callee, _ := run(t, Config{OnCall: func(c *Call) {
		c.Answer() //nolint:errcheck // seen by the caller
		calls <- c
		<-c.Done()
	}})
	caller, _ := run(t, Config{})
	c, err := caller.Call(Dial{To: callee.Addr(), Number: "1"})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, c.Answered(), "answer")
	far := wait(t, calls, "call")
	wait(t, far.Answered(), "ACK")
	ctx := t.Context()
	if err := far.Reinvite(ctx, "sendonly", false); err != nil {
		t.Fatalf("hold: %v", err)
	}
	quiet := c.Audio.Sent().Count
	heard := listen(c.Audio, 10)
	wait(t, heard.enough, "audio of the holding side")
	if now := c.Audio.Sent().Count; now != quiet {
		t.Errorf("held side sent %d packets, want 0", now-quiet)
	}
	again := listen(far.Audio, 5)
	if err := far.Reinvite(ctx, "sendrecv", true); err != nil {
		t.Fatalf("resume without an offer: %v", err)
	}
	wait(t, again.enough, "audio after the hold")
	if err := c.Refresh(ctx, 2*time.Minute); err != nil {
		t.Errorf("UPDATE: %v", err)
	}
	far.Hangup()
	wait(t, c.Done(), "end")
	if end := c.End(); end.By != Remote {
		t.Errorf("end = %+v", end)
	}
}

func TestDigestLetsTheRightCallerIn(t *testing.T) {
	for _, sha := range []bool{false, true} {
		callee, faults := run(t, Config{
			Challenge: &Challenge{User: "trunk", Password: "secret", Realm: "far", SHA256: sha},
			OnCall:    func(c *Call) { c.Reject(480, "Absent") },
		})
		for _, try := range []struct {
			password string
			code     int
		}{{"secret", 480}, {"wrong", 407}} {
			caller, _ := run(t, Config{User: "trunk", Password: try.password})
			c, err := caller.Call(Dial{To: callee.Addr(), Number: "1"})
			if err != nil {
				t.Fatal(err)
			}
			wait(t, c.Done(), "final response")
			if got := c.End().Code; got != try.code {
				t.Errorf("sha256 %v, password %q: code = %d, want %d", sha, try.password, got, try.code)
			}
		}
		if f := faults(); len(f) != 1 || f[0].What != "digest" {
			t.Errorf("faults = %v, want one about digest", f)
		}
	}
}

func TestDigitsAreHeardOnce(t *testing.T) {
	digits := make(chan rune, 8)
	callee, _ := run(t, Config{OnCall: func(c *Call) {
		c.Audio.OnDigit(func(r rune) { digits <- r })
		c.Answer() //nolint:errcheck // seen by the caller
		<-c.Done()
	}})
	caller, _ := run(t, Config{})
	c, err := caller.Call(Dial{To: callee.Addr(), Number: "1"})
	if err != nil {
		t.Fatal(err)
	}
	wait(t, c.Answered(), "answer")
	c.Audio.Press("7#7")
	for _, want := range "7#7" {
		if got := wait(t, digits, "digit"); got != want {
			t.Errorf("digit = %q, want %q", got, want)
		}
	}
	c.Hangup()
	wait(t, c.Done(), "end")
	select {
	case r := <-digits:
		t.Errorf("digit %q heard twice", r)
	default:
	}
}
