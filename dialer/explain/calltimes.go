package explain

import (
	"context"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// CallTimes are the half hours of a day by the clock of the number's owner, with the
// rule that closes those in which the campaign may not call.
func (x Explainer) CallTimes(ctx context.Context, id campaigns.CampaignID, n campaigns.Number, day string) ([]api.CallTime, error) {
	c, err := x.Records.Campaign(ctx, id)
	if err != nil {
		return nil, err
	}
	if at, err := time.Parse(time.DateOnly, day); err != nil || at.Year() < firstYear || at.Year() > lastYear {
		return nil, &campaigns.FieldError{Field: "day", Problem: fmt.Sprintf("%q is no date like 2026-03-02", day)}
	}
	var times []api.CallTime
	for half := range 48 {
		local := fmt.Sprintf("%sT%02d:%02d", day, half/2, half%2*30)
		at, err := eligibility.LocalTime(n, local)
		if err != nil {
			return nil, err
		}
		open, _, _ := x.Rules.Open(n.Window(), c, at)
		t := api.CallTime{Local: local, At: at, Open: open}
		if !open {
			t.ClosedBy = x.closedBy(n, c, at)
		}
		times = append(times, t)
	}
	return times, nil
}

// Days outside these years are slips of the pen, and the first and last of a calendar have
// no place in JSON in every zone (RFC 3339, section 1: years 0000 to 9999).
const (
	firstYear = 2000
	lastYear  = 2200
)

// closedBy is the first rule whose hours forbid a call. Hours that end while it would
// ring are over.
func (x Explainer) closedBy(n campaigns.Number, c campaigns.Campaign, at time.Time) *api.Closing {
	for _, moment := range []time.Time{at, at.Add(eligibility.RingAllowance)} {
		for _, h := range x.Rules.Hours(n, c, moment) {
			if !h.Open {
				by := &api.Closing{Rule: h.Rule, Name: h.Name, Zone: h.Zone, Day: string(h.Day)}
				if len(h.Hours) > 0 {
					by.Hours = h.Hours.String()
				}
				return by
			}
		}
	}
	return nil
}
