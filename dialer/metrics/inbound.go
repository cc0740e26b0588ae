package metrics

import "github.com/prometheus/client_golang/prometheus"

// inbound are the series of people who call us. They are apart from those of calls that
// we place, of which the law's figures are made.
type inbound struct {
	taken, refused, finished *prometheus.CounterVec
	wait                     *prometheus.HistogramVec
}

func newInbound(
	counter func(name, help string, labels ...string) *prometheus.CounterVec,
	histogram func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec,
) inbound {
	return inbound{
		taken:    counter("inbound_calls_total", "People who called us and were taken.", "campaign", "trunk"),
		refused:  counter("inbound_refused_total", "People who called us and were refused, by reason; campaign is empty where none has the number.", "campaign", "trunk", "reason"),
		finished: counter("inbound_finished_total", "Calls of people who called us, by outcome.", "campaign", "outcome"),
		wait:     histogram("inbound_wait_seconds", "How long people who called us waited for the operator whom they had.", []float64{1, 2, 5, 10, 15, 20, 30, 45, 60, 120, 300, 600}, "campaign"),
	}
}
