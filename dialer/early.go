package dialer

import (
	"context"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// early are calls that came in while the product starts: nobody knows yet which campaign
// has which number. They wait for TakeCallers; to refuse them would tell a carrier that
// our numbers do not exist.
type early struct {
	over  bool
	calls []sip.Incoming
}

// keep says whether a call has to wait.
func (e *early) keep(ev sip.Incoming) bool {
	if !e.over {
		e.calls = append(e.calls, ev)
	}
	return !e.over
}

// gone forgets a caller who did not wait.
func (e *early) gone(leg sip.LegID) {
	e.calls = slices.DeleteFunc(e.calls, func(ev sip.Incoming) bool { return ev.Leg == leg })
}

// TakeCallers says that the engine knows its campaigns: from now on people who call are
// answered, and those first who called before.
func (e *Engine) TakeCallers(ctx context.Context) error {
	return e.do(ctx, func(now time.Time) error {
		calls := e.early.calls
		e.early = early{over: true}
		for _, ev := range calls {
			e.onCaller(now, ev)
		}
		return nil
	})
}
