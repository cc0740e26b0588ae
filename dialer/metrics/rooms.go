package metrics

import "github.com/prometheus/client_golang/prometheus"

// Sample is one figure of a room at the moment of a scrape.
type Sample struct {
	Name    string // without the prefix
	Help    string
	Counter bool // else a gauge
	Value   float64
	Labels  []string // name, value, name, value, ...
}

// Rooms collects the figures of the rooms when Prometheus asks: a room counts
// for itself and does not know Prometheus.
type Rooms struct{ read func() []Sample }

// NewRooms returns a collector that reads with the given function.
func NewRooms(read func() []Sample) *Rooms { return &Rooms{read} }

// Describe describes nothing: the set of series follows the configuration.
func (r *Rooms) Describe(chan<- *prometheus.Desc) {}

// Collect reads the rooms once.
func (r *Rooms) Collect(out chan<- prometheus.Metric) {
	for _, s := range r.read() {
		var names, values []string
		for i := 0; i+1 < len(s.Labels); i += 2 {
			names, values = append(names, s.Labels[i]), append(values, s.Labels[i+1])
		}
		kind := prometheus.GaugeValue
		if s.Counter {
			kind = prometheus.CounterValue
		}
		out <- prometheus.MustNewConstMetric(prometheus.NewDesc("dialer_"+s.Name, s.Help, names, nil), kind, s.Value, values...)
	}
}
