package load

import (
	"os"
	"strconv"
	"strings"
	"testing"
	"time"
)

// How many calls are placed: with OUTPACE_LOAD as many as OUTPACE_LOAD_CALLS says.
const (
	smallLeakTest = 1000
	wholeLeakTest = 100_000
)

// lateTime is how long the product keeps a call for late messages (64·T1, RFC 3261).
const lateTime = 32 * time.Second

// TestCallsLeaveNothing places calls one after the other, at a constant number at once,
// and wants all that they held back: goroutines, files, legs, transactions, channels,
// ports. With OUTPACE_LOAD memory is judged as well, which needs enough of them, and time
// to forget.
func TestCallsLeaveNothing(t *testing.T) {
	calls, whole := smallLeakTest, os.Getenv("OUTPACE_LOAD") != ""
	if whole {
		calls = wholeLeakTest
		if n, err := strconv.Atoi(os.Getenv("OUTPACE_LOAD_CALLS")); err == nil {
			calls = n
		}
	}
	far := startFarEnd(t, trying, ringing, answers, hangsUp)
	p := startProduct(t, far, setting{cps: 300, channels: 500})
	const warm = 300
	p.do(order{Leads: warm + calls})
	p.dial(warm, callsAtOnce) // pools, caches and the first ports
	if whole {
		p.dial(calls/10, callsAtOnce) // what is kept of the last 32 s, and of every hour
		calls -= calls / 10
		forget(t, p)
	}
	before := p.settled(t)
	tables := p.tables()
	half := p.dial(calls/2, callsAtOnce)
	if whole {
		forget(t, p)
	}
	middle := p.settled(t)
	end := p.dial(calls-calls/2, callsAtOnce)
	if whole {
		forget(t, p)
	}
	after := p.settled(t)
	t.Logf("%d calls: goroutines %d, %d, %d; files %d, %d, %d; heap %d, %d, %d kB; RSS %d, %d, %d MB", calls,
		before.Goroutines, middle.Goroutines, after.Goroutines, before.Files, middle.Files, after.Files,
		before.Heap>>10, middle.Heap>>10, after.Heap>>10, before.RSS>>20, middle.RSS>>20, after.RSS>>20)
	t.Logf("outcomes: %v, in the first half %v", end.Ended, half.Ended) // on a busy machine some take too long for what they are
	// A hundredth of the calls would show; pools may differ by a few.
	if grown := after.Goroutines - before.Goroutines; grown > 10 {
		t.Errorf("%d goroutines more", grown)
	}
	if grown := after.Files - before.Files; grown > 80 { // spare ports, which follow the rate
		t.Errorf("%d files more", grown)
	}
	tablesNow := p.tables()
	for _, series := range holding {
		if !whole && strings.HasPrefix(series, "dialer_sip_lingering") {
			continue
		}
		if now := tablesNow[series]; now > tables[series] {
			t.Errorf("%s is %v, and was %v before", series, now, tables[series])
		}
	}
	if !whole {
		return
	}
	if perCall := (float64(after.Heap) - float64(middle.Heap)) / float64(calls/2); perCall > 100 {
		t.Errorf("the heap grows by %.0f bytes a call", perCall)
	}
	if perCall := (float64(after.RSS) - float64(middle.RSS)) / float64(calls/2); perCall > 500 {
		t.Errorf("the process grows by %.0f bytes a call", perCall)
	}
}

// holding are the tables of the rooms that hold nothing when nobody calls.
var holding = []string{
	`dialer_sip_legs{agent="trunk"}`, `dialer_sip_transactions{agent="trunk"}`, `dialer_sip_lingering{agent="trunk"}`,
	`dialer_trunk_channels_in_use{trunk="load"}`, `dialer_trunk_ringing{trunk="load"}`,
	`dialer_media_sessions{kind="customer"}`, `dialer_media_one_way_legs`, `dialer_engine_mailbox`,
}

// settled are the figures when all that a call does behind its end is done.
func (p *product) settled(t *testing.T) (f figures) {
	t.Helper()
	var fewest int
	for still := 0; still < 5; still++ { // no fewer goroutines for a while
		time.Sleep(100 * time.Millisecond)
		f = p.do(order{Figures: true, GC: true}).Figures
		if fewest == 0 || f.Goroutines < fewest {
			fewest, still = f.Goroutines, 0
		}
	}
	return f
}

// forget waits until late messages of the last call would be strangers'.
func forget(t *testing.T, p *product) {
	t.Helper()
	eventually(t, 2*lateTime, "ended calls are forgotten", func() bool {
		return p.tables()[`dialer_sip_lingering{agent="trunk"}`] == 0
	})
}
