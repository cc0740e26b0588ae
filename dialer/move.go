package dialer

import (
	"context"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// Move puts an operator who is on duty on another campaign: at once where they have no
// call, else behind the present one and its wrap-up. ErrNotHere says that this node does
// not know the campaign, ErrState that they are off duty or that it does not take them.
func (e *Engine) Move(ctx context.Context, user campaigns.UserID, to campaigns.CampaignID) error {
	return e.do(ctx, func(now time.Time) error {
		o, r := e.operators[string(user)], e.campaigns[to]
		switch {
		case o == nil || o.State() == operator.Offline:
			return fmt.Errorf("%w: off duty", ErrState)
		case r == nil:
			return ErrNotHere
		case !o.takenBy(r.Campaign):
			return fmt.Errorf("%w: campaign %q has operators of its own, and they are none of them, or they may not work for it", ErrState, to)
		}
		o.moving = to
		if o.State() == operator.Ready || o.State() == operator.Paused {
			e.dropPreview(o) // it is of the campaign that they leave
			e.operatorChanged(now, o)
		}
		return nil
	})
}
