package dialer

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// followPresence tells the campaigns whether an operator may soon make the calls
// they promised: they are at work there, and not on a break.
func (e *Engine) followPresence(o *liveOperator) {
	working := false
	switch o.State() {
	case operator.Ready, operator.Reserved, operator.Talking, operator.Wrapping:
		working = true
	}
	for id, r := range e.campaigns {
		r.hopper.Present(campaigns.UserID(o.ID()), working && o.campaign == id)
	}
}

// dialPromised places the calls that ready operators promised to make. Each has
// their operator reserved while it rings, so nobody who answers waits. In preview the
// lead is shown first; see offerPreview.
func (e *Engine) dialPromised(now time.Time, r *campaignRun) {
	if r.State != campaigns.Running || r.Pacing.Mode == campaigns.Preview || e.draining || e.storeDown() {
		return
	}
	for range askAtMost {
		user, ok := e.ready.First(func(user string) bool {
			o := e.operators[user]
			return o.campaign == r.ID && !o.resting(now) && r.hopper.HasFor(now, campaigns.UserID(user))
		})
		if !ok {
			return
		}
		claim, ok := r.hopper.NextFor(now, campaigns.UserID(user))
		if !ok || !e.begin(now, r, claim, e.operators[user]) {
			return
		}
	}
}
