package load

import (
	"os"
	"strconv"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/eventually"
)

// defaultCalls is how many calls are placed where OUTPACE_LOAD_CALLS does not say.
const defaultCalls = 100_000

// lateTime is how long the product keeps a call for late messages (64·T1, RFC 3261).
const lateTime = 32 * time.Second

// TestCallsLeaveNothing places calls one after the other, at a constant number at once,
// and wants all that they held back: goroutines, files, legs, transactions, channels,
// ports, memory. Of 100,000 calls (make load; 90,000 of them judged, two cores that
// others used as well) it left 39 goroutines of 39, 96 files of 96, 113 kB of heap in the
// second half, which is 2.5 bytes a call, and 1 MB of RSS.
func TestCallsLeaveNothing(t *testing.T) {
	if os.Getenv("OUTPACE_LOAD") == "" {
		t.Skip("takes minutes: `make load` runs it (OUTPACE_LOAD=1)")
	}
	calls := defaultCalls
	if n, err := strconv.Atoi(os.Getenv("OUTPACE_LOAD_CALLS")); err == nil {
		calls = n
	}
	far := startFarEnd(t, trying, ringing, answers, hangsUp)
	p := startProduct(t, far, setting{cps: 300, channels: 500})
	const warm = 300
	p.do(order{Leads: warm + calls})
	p.dial(warm, callsAtOnce)     // pools, caches and the first ports
	p.dial(calls/10, callsAtOnce) // what is kept of the last 32 s, and of every hour
	calls -= calls / 10
	forget(t, p)
	before := p.settled(t)
	tables := p.tables()
	half := p.dial(calls/2, callsAtOnce)
	forget(t, p)
	middle := p.settled(t)
	end := p.dial(calls-calls/2, callsAtOnce)
	forget(t, p)
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
		if now := tablesNow[series]; now > tables[series] {
			t.Errorf("%s is %v, and was %v before", series, now, tables[series])
		}
	}
	// The first half fills what stays: pages of the store, the last hour's figures.
	if grown := int64(after.Heap) - int64(middle.Heap); grown > int64(calls/2)*100+2<<20 {
		t.Errorf("the heap grew by %d bytes in %d calls", grown, calls/2)
	}
	if grown := int64(after.RSS) - int64(middle.RSS); grown > int64(calls/2)*500+16<<20 {
		t.Errorf("the process grew by %d bytes in %d calls", grown, calls/2)
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
	eventually.So(t, 2*lateTime, "ended calls are forgotten", func() bool {
		return p.tables()[`dialer_sip_lingering{agent="trunk"}`] == 0
	})
}
