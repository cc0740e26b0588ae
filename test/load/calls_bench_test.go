package load

import (
	"os"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
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
		b.ReportMetric(100*(1-float64(after.Ended[campaigns.FalseAnswer]-before.Ended[campaigns.FalseAnswer])/calls), "failed-%")
	}
}

func profile() string { return os.Getenv("OUTPACE_LOAD_PROFILE") }
