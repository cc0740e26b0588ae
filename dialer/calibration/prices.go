package calibration

import (
	"math"

	"github.com/outpace-dialer/outpace/media/detect"
)

// Suggestion are the prices that make up for odds which are off on these calls. A verdict
// falls where the odds pass a ratio of prices; odds that are too low by a factor do as much
// as an operator's price that is too high by it.
type Suggestion struct {
	Offset float64 `json:"offset"` // log odds that the detector is too low by
	Error  float64 `json:"error"`  // standard error of it
	Labels int     `json:"labels"`
	// Prices in place of the default ones; they themselves where the offset is not sure.
	Prices detect.Prices `json:"prices"`
	Sure   bool          `json:"sure"`
}

const (
	leastLabels = 200
	mostOffset  = 1.6 // log odds: a factor of 5
)

// suggest finds the offset under which the labels are likeliest (Newton).
func (t *tally) suggest() Suggestion {
	s := Suggestion{Prices: detect.DefaultPrices}
	for _, b := range t.odds {
		s.Labels += b.n
	}
	if s.Labels < leastLabels {
		return s
	}
	information := 0.0
	for range 30 {
		slope := 0.0
		information = 0
		for _, b := range t.odds {
			if b.n == 0 {
				continue
			}
			mean := b.chance / float64(b.n)
			p := shifted(max(1e-6, min(1-1e-6, mean)), s.Offset)
			slope += float64(b.people) - float64(b.n)*p
			information += float64(b.n) * p * (1 - p)
		}
		s.Offset = max(-mostOffset, min(mostOffset, s.Offset+slope/max(1, information)))
	}
	s.Error = 1 / math.Sqrt(max(1e-9, information))
	if s.Sure = math.Abs(s.Offset) > z*s.Error; s.Sure {
		s.Prices.Operator *= math.Exp(-s.Offset)
	}
	return s
}
