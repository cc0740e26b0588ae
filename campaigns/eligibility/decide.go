package eligibility

import (
	"cmp"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Decide says whether a claim may be dialled at now, as far as rules go: the
// number is good, the window is open, no quiet time runs. The engine asks when
// it begins the attempt and again right before the INVITE. Closed: opens is when
// to ask again; zero means never with this number.
func (r *Rules) Decide(cl campaigns.Claim, c campaigns.Campaign, now time.Time) (d campaigns.Decision, open bool, opens time.Time) {
	open, until, opens := r.allows(&cl, &c, now)
	return r.decision(cl.Number, until, now), open, opens
}

// Allows is Decide for who does not keep why.
func (r *Rules) Allows(cl campaigns.Claim, c campaigns.Campaign, now time.Time) bool {
	open, _, _ := r.allows(&cl, &c, now)
	return open
}

func (r *Rules) allows(cl *campaigns.Claim, c *campaigns.Campaign, now time.Time) (open bool, until, opens time.Time) {
	if cl.Number.Bad || len(cl.Number.Zones) == 0 {
		return false, time.Time{}, time.Time{}
	}
	w := cl.Number.Window()
	if quiet, _ := r.quietUntil(cl.Number.Regions, *c, cl.LastOutcome, cl.LastAt, now); now.Before(quiet) {
		return false, time.Time{}, r.opening(w, *c, quiet)
	}
	return r.Open(w, *c, now)
}

// opening is the first time at or after t at which the class is open.
func (r *Rules) opening(w campaigns.WindowClass, c campaigns.Campaign, t time.Time) time.Time {
	if s := r.stretch(w, c.Windows, t); !s.open || !t.Add(RingAllowance).Before(s.until) {
		return s.opens.UTC()
	}
	return t
}

// quietUntil is the end of the longest quiet time after the last outcome, and
// the region that asks for it; zero if none.
func (r *Rules) quietUntil(regions []string, c campaigns.Campaign, last campaigns.Outcome, at, now time.Time) (until time.Time, region string) {
	if at.IsZero() {
		return until, ""
	}
	guaranteed := c.Pacing.Mode == campaigns.Preview || c.Pacing.Mode == campaigns.Progressive
	entries, _ := r.resolve(regions, now)
	for _, e := range entries {
		for _, cool := range e.Cooldowns {
			if cool.After != last || cool.UnlessOperatorGuaranteed && guaranteed {
				continue
			}
			if end := at.Add(cool.Wait); end.After(until) {
				until, region = end, e.ID
			}
		}
	}
	return until, region
}

// decision records why a call is allowed.
func (r *Rules) decision(n campaigns.Number, closes, now time.Time) campaigns.Decision {
	d := campaigns.Decision{
		RulePack: r.version, Regions: n.Regions, Zones: n.Zones,
		Basis: cmp.Or(n.Basis, "number"), Closes: closes, At: now,
	}
	if !closes.IsZero() {
		d.Window = r.window(n, now)
	}
	return d
}

// window names the hours that are open in each zone, "US-FL America/Chicago
// 08:00-20:00".
func (r *Rules) window(n campaigns.Number, now time.Time) string {
	var buffer [128]byte // each call has one: no garbage but the text
	b := buffer[:0]
	entries, _ := r.resolve(n.Regions, now)
	for _, zone := range r.locations(n.Zones) {
		for _, e := range entries {
			if e.Hours == nil {
				continue
			}
			if len(b) > 0 {
				b = append(b, "; "...)
			}
			_, hours := e.day(now.In(zone))
			b = append(append(b, e.ID...), ' ')
			b = append(append(b, zone.String()...), ' ')
			b = hours.appendTo(b)
		}
	}
	return string(b)
}
