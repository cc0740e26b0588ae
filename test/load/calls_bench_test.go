package load

import (
	"fmt"
	"os"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// callsAtOnce is how many calls are in flight where the rate is to be held.
const callsAtOnce = 64

// BenchmarkCallCost is the processor time of a thousand calls, INVITE to BYE, with the
// whole product around them: claimed, decided, durable, dialled, answered, durable,
// listened to, over, durable, counted and logged.
func BenchmarkCallCost(b *testing.B) {
	const calls = 3000
	far := startFarEnd(b, trying, ringing, answers, hangsUp)
	p := startProduct(b, far, setting{cps: 300, channels: 500})
	p.do(order{Leads: calls + 1000})
	p.dial(500, callsAtOnce) // warm
	for b.Loop() {
		plain := plainCost(b, calls, 300)
		b.ReportMetric(plain.Seconds(), "plain-cpu-s/1000calls")
		p.do(order{Leads: calls})
		before := p.do(order{Figures: true, Profile: profile()})
		farBefore, began := far.used(b), time.Now()
		after := p.dial(calls, callsAtOnce)
		took := time.Since(began)
		if profile() != "" {
			p.do(order{Profile: "-"})
		}
		perThousand := func(d time.Duration) float64 { return d.Seconds() * 1000 / calls }
		b.ReportMetric(perThousand(after.Figures.CPU-before.Figures.CPU), "cpu-s/1000calls")
		b.ReportMetric(perThousand(far.used(b)-farBefore), "far-cpu-s/1000calls")
		b.ReportMetric(calls/took.Seconds(), "calls/s")
		b.ReportMetric(float64(after.Figures.Mallocs-before.Figures.Mallocs)/calls, "allocs/call")
		b.ReportMetric(float64(after.Figures.Allocated-before.Figures.Allocated)/calls, "B/call")
		b.ReportMetric(100*failed(before, after), "failed-%")
	}
}

// profile is the file for a processor profile of the product; empty: none.
func profile() string { return os.Getenv("OUTPACE_LOAD_PROFILE") }

// BenchmarkCallsHeld is how many calls a second go through, carrier included: at the
// rate that is allowed, or as many as there are processors for.
func BenchmarkCallsHeld(b *testing.B) {
	for _, cps := range []int{100, 300, 600} {
		b.Run(fmt.Sprint(cps), func(b *testing.B) {
			calls := 10 * cps // ten seconds
			far := startFarEnd(b, trying, ringing, answers, hangsUp)
			p := startProduct(b, far, setting{cps: float64(cps), channels: 2000})
			p.do(order{Leads: cps})
			p.dial(cps, cps)
			for b.Loop() {
				p.do(order{Leads: calls})
				before, began := p.do(order{Figures: true}), time.Now()
				after := p.dial(calls, cps)
				took := time.Since(began)
				b.ReportMetric(float64(calls)/took.Seconds(), "calls/s")
				b.ReportMetric(100*(after.Figures.CPU-before.Figures.CPU).Seconds()/took.Seconds(), "%core")
				b.ReportMetric(100*failed(before, after), "failed-%")
			}
		})
	}
}

// BenchmarkCallMemory is what a call holds: as a lead that is ready, while it rings,
// answered, and bridged.
func BenchmarkCallMemory(b *testing.B) {
	const calls = 500
	b.Run("lead", func(b *testing.B) {
		const leads = 10_000
		far := startFarEnd(b, stays)
		for b.Loop() {
			few := heldLeads(b, far, 200, leads)
			reportMemory(b, few, heldLeads(b, far, 200+leads, leads), leads)
		}
	})
	for _, c := range []struct {
		name, state string
		steps       []string
	}{
		{"ringing", "ringing", []string{trying, ringing, stays}},
		{"answered", "detecting", []string{trying, ringing, answers, stays}},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				far := startFarEnd(b, c.steps...)
				p := startProduct(b, far, setting{cps: 250, channels: 2000})
				p.do(order{Leads: 2 * calls})
				warm := p.do(order{Calls: 20, AtOnce: 20, Until: c.state, Figures: true, GC: true}).Figures
				held := p.do(order{Calls: calls, AtOnce: calls + 20, Until: c.state, Figures: true, GC: true}).Figures
				reportMemory(b, warm, held, calls)
				_ = p.cmd.Process.Kill() // nobody waits for the calls to end
			}
		})
	}
	b.Run("bridged", func(b *testing.B) {
		for b.Loop() {
			bridgedMemory(b, 64)
		}
	})
}

// heldLeads are the figures of a product whose hopper holds so many leads.
func heldLeads(b *testing.B, far *farEnd, hopper, leads int) figures {
	p := startProduct(b, far, setting{cps: 1, channels: 1, hopper: hopper})
	defer p.done()
	p.do(order{Leads: leads + 1000})
	eventually.So(b, time.Minute, "leads are held", func() bool {
		return p.tables()[`dialer_leads{campaign="load",state="held"}`] >= float64(hopper)
	})
	return p.do(order{Figures: true, GC: true}).Figures
}

func reportMemory(b *testing.B, before, after figures, n int) {
	per := func(was, is uint64) float64 { return (float64(is) - float64(was)) / float64(n) }
	b.ReportMetric(per(before.Heap, after.Heap), "heap-B/call")
	b.ReportMetric(per(before.Stacks, after.Stacks), "stack-B/call")
	b.ReportMetric(per(before.Heap+before.Stacks, after.Heap+after.Stacks), "B/call")
	b.ReportMetric(per(before.RSS, after.RSS), "RSS-B/call")
	b.ReportMetric(float64(after.Goroutines-before.Goroutines)/float64(n), "goroutines/call")
}

// failed is the share of calls that did not come up and end as they should. One that
// the far end hangs up on at once is a false answer to the product; where the machine
// is so busy that it takes a second, it was hung up early.
func failed(before, after answer) float64 {
	all, good := 0, 0
	for outcome, n := range after.Ended {
		all += n - before.Ended[outcome]
		if outcome == campaigns.FalseAnswer || outcome == campaigns.HungUpEarly {
			good += n - before.Ended[outcome]
		}
	}
	return float64(all-good) / float64(all)
}
