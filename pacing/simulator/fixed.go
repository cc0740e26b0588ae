package simulator

import (
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// fixed keeps so many calls in flight for each ready operator, whatever becomes
// of them: the abandonment limit is not its concern. One is progressive.
type fixed struct {
	baseline
	ratio float64
}

// Decide implements pacing.Controller.
func (f *fixed) Decide(_ time.Time, v pacing.View) pacing.Decision {
	return f.upTo(int(f.ratio*float64(f.count[pacing.Ready])+1e-9), v)
}
