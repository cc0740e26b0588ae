package sip

import (
	"context"
	"fmt"
	"math/rand/v2"
)

// Finish ends a dialog that a dead process left behind: CANCEL while it was
// early (and, where a 2xx comes after all, ACK and BYE), BYE once it was up.
// It returns nil when the far end has no such call any more, also when it
// never had one (481), and ErrUnanswered when it says nothing for 32 s.
func (a *Agent) Finish(ctx context.Context, d Dialog) error {
	l := a.undertaker(d)
	l.watch = make(chan Ended, 1)
	in := resume{dialog: d}
	if a.cfg.Secrets != nil {
		in.credentials = a.cfg.Secrets(d)
	}
	a.inbox.put(envelope{made: l, tag: d.LocalTag, in: in})
	select {
	case end, ok := <-l.watch:
		switch {
		case !ok:
			return fmt.Errorf("finish %s: the dialog belongs to a live leg", d.CallID)
		case end.Cause.Code == 0:
			return fmt.Errorf("finish %s: %w", d.CallID, ErrUnanswered)
		}
		return nil
	case <-ctx.Done():
		return fmt.Errorf("finish %s: %w", d.CallID, context.Cause(ctx))
	}
}

// endStray acknowledges and ends a call that no leg knows: its 2xx came after
// everything about it was forgotten, or after a restart.
func (a *Agent) endStray(d Dialog) {
	l := a.undertaker(d)
	l.watch = make(chan Ended, 1) // nobody waits; the engine knows no such leg
	a.handle(envelope{made: l, tag: d.LocalTag, in: resume{dialog: d, answered: true}})
}

// undertaker is a leg that only ends.
func (a *Agent) undertaker(d Dialog) *line {
	l := newLeg(LegID("finish-"+randomToken(8)), a.timing, a.session(), a.cfg.Classify, rand.Float64)
	l.dialog = d
	return &line{leg: l}
}
