package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/outpace-dialer/outpace/pacing"
)

// pace are the series of the decisions of one campaign, found by their labels once: there
// are several decisions for each call.
type pace struct {
	ratio, ratioTarget, answerChance, abandonChance prometheus.Gauge
	threshold, credit, limit                        prometheus.Gauge

	decisions map[pacing.Bound]prometheus.Counter // those that there were
}

// paceOf are those of a campaign, by its label.
func (m *Metrics) paceOf(campaign string) *pace {
	p := m.paces[campaign]
	if p == nil {
		p = &pace{
			ratio: m.ratio.WithLabelValues(campaign), ratioTarget: m.ratioTarget.WithLabelValues(campaign),
			answerChance: m.answerChance.WithLabelValues(campaign), abandonChance: m.abandonChance.WithLabelValues(campaign),
			threshold: m.threshold.WithLabelValues(campaign), credit: m.credit.WithLabelValues(campaign), limit: m.limit.WithLabelValues(campaign),
			decisions: map[pacing.Bound]prometheus.Counter{},
		}
		m.paces[campaign] = p
	}
	return p
}

func (p *pace) decision(m *Metrics, campaign string, b pacing.Bound) prometheus.Counter {
	c := p.decisions[b]
	if c == nil {
		c = m.decisions.WithLabelValues(campaign, string(b))
		p.decisions[b] = c
	}
	return c
}

// livePhase names the live calls of a campaign, by its label, in a phase.
type livePhase struct{ campaign, phase string }

// calls is their number.
func (m *Metrics) calls(campaign, phase string) prometheus.Gauge {
	key := livePhase{campaign, phase}
	g := m.live[key]
	if g == nil {
		g = m.active.WithLabelValues(campaign, phase)
		m.live[key] = g
	}
	return g
}
