package dialer

import (
	"context"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/pacing"
)

// Outlook is what a forecast of a campaign starts from. It shares nothing with
// the engine.
type Outlook struct {
	Picture pacing.Picture
	Leads   int             // that may be dialled now, those at hand among them
	Present pacing.Settings // in force
	Other   pacing.Settings // what the other controls would give, under the same law
}

// Outlook is the picture of a running campaign, with the settings that other
// controls would give. Only the picture is taken in the loop.
func (e *Engine) Outlook(ctx context.Context, c campaigns.CampaignID, other campaigns.Pacing) (Outlook, error) {
	var o Outlook
	err := e.do(ctx, func(now time.Time) error {
		r := e.campaigns[c]
		if r == nil {
			return ErrNotHere
		}
		leads := r.hopper.Status()
		o = Outlook{
			Picture: r.controller.Picture(now), Leads: leads.Held + leads.Ready,
			Present: e.settingsOf(now, r, r.Pacing), Other: e.settingsOf(now, r, other),
		}
		return nil
	})
	return o, err
}
