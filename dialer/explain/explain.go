// Package explain says why somebody is called or not, from what the store and the rules
// hold: a number, gate by gate; a campaign, how many leads pass each gate; a day, which of
// its half hours are open. It dials nobody and changes nothing; who asks is the API or a
// command.
//
//	store ─► subject ─► eligibility.Rules ─► api.Explanation
package explain

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/campaigns/number"
	"github.com/outpace-dialer/outpace/config/rules"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// Explainer says why a number is dialled or not, campaign by campaign.
type Explainer struct {
	Records campaigns.Records
	Rules   *eligibility.Rules
}

// New is an explainer with the rules that come with the product.
func New(records campaigns.Records) (Explainer, error) {
	r, err := eligibility.Load(rules.FS)
	return Explainer{Records: records, Rules: r}, err
}

// Explain asks every gate for every lead with the number, in every campaign
// that dials its list. A number that is on no list is explained for the rules
// alone. raw may be written in any way that names a country.
func (x Explainer) Explain(ctx context.Context, raw string, now time.Time) ([]api.Explanation, error) {
	parsed, malformed := number.Parse(raw, "")
	if malformed != nil {
		parsed.E164 = plain(raw)
	}
	leads, err := x.holders(ctx, parsed.E164)
	if err != nil {
		return nil, err
	}
	var all []api.Explanation
	for _, lead := range leads {
		places, err := x.places(ctx, lead, parsed.E164, now)
		if err != nil {
			return nil, err
		}
		all = append(all, places...)
	}
	if len(all) > 0 {
		return all, nil
	}
	if malformed != nil {
		return []api.Explanation{{Number: raw, Gates: []api.Gate{{Name: "number", Detail: malformed.Error()}}}}, nil
	}
	stranger := campaigns.Number{E164: parsed.E164, Kind: parsed.Kind, Zones: parsed.Zones, Regions: parsed.Regions}
	suppressed, err := x.suppression(ctx, parsed.E164)
	if err != nil {
		return nil, err
	}
	report := x.Rules.Check(eligibility.Subject{Number: stranger, Suppressed: suppressed}, now)
	return []api.Explanation{explanation("", 0, parsed.E164, report)}, nil
}

// holders are the leads that have a number.
func (x Explainer) holders(ctx context.Context, e164 string) ([]campaigns.Lead, error) {
	if e164 == "" {
		return nil, nil
	}
	return x.Records.FindLeads(ctx, campaigns.LeadQuery{Number: e164})
}

// plain is a number that no numbering plan knows, such as the fictitious ones
// of the demo, without what people write between its digits; empty where it is
// none.
func plain(raw string) string {
	digits, international := strings.CutPrefix(strings.NewReplacer(" ", "", "-", "", "(", "", ")", "", ".", "").Replace(raw), "+")
	if !international || digits == "" || strings.Trim(digits, "0123456789") != "" {
		return ""
	}
	return "+" + digits
}

// places explains one lead in each campaign that has it.
func (x Explainer) places(ctx context.Context, lead campaigns.Lead, e164 string, now time.Time) ([]api.Explanation, error) {
	subject, err := x.subject(ctx, lead, e164, now)
	if err != nil {
		return nil, err
	}
	entries, err := x.Records.Entries(ctx, lead.ID)
	if err != nil {
		return nil, err
	}
	var all []api.Explanation
	for i := range entries {
		c, err := x.Records.Campaign(ctx, entries[i].Queue.Campaign)
		if err != nil {
			return nil, err
		}
		subject.Campaign, subject.Entry, subject.HeldBy = c, &entries[i], heldBy(entries, i)
		since := now.Add(-x.Rules.Remembers(c))
		if subject.Attempts, err = x.Records.PersonAttempts(ctx, lead.ID, since); err != nil {
			return nil, err
		}
		all = append(all, explanation(c.ID, lead.ID, e164, x.Rules.Check(subject, now)))
	}
	if len(all) == 0 {
		all = append(all, explanation("", lead.ID, e164, x.Rules.Check(subject, now)))
	}
	return all, nil
}

// heldBy is the campaign of another entry than the ith that somebody has.
func heldBy(entries []campaigns.Entry, i int) campaigns.CampaignID {
	for k, e := range entries {
		if k != i && (e.State == campaigns.EntryClaimed || e.State == campaigns.EntryCalling) {
			return e.Queue.Campaign
		}
	}
	return ""
}

func (x Explainer) subject(ctx context.Context, lead campaigns.Lead, e164 string, now time.Time) (eligibility.Subject, error) {
	s := eligibility.Subject{Lead: lead}
	for _, n := range lead.Numbers {
		if n.E164 == e164 {
			s.Number = n
		}
	}
	var err error
	if s.Suppressed, err = x.suppression(ctx, e164); err != nil {
		return s, err
	}
	if s.LastOutcome, s.LastAt, err = x.lastEnding(ctx, lead.ID); err != nil {
		return s, err
	}
	lists, err := x.Records.Lists(ctx)
	for i := range lists {
		if lists[i].ID == lead.List {
			s.List = &lists[i]
		}
	}
	return s, err
}

// lastEnding is how the last attempt on a lead ended, in any campaign.
func (x Explainer) lastEnding(ctx context.Context, lead campaigns.LeadID) (o campaigns.Outcome, at time.Time, err error) {
	attempts, err := x.Records.Attempts(ctx, campaigns.AttemptQuery{Lead: lead})
	for _, a := range attempts {
		if a.EndedAt.After(at) {
			o, at = a.Outcome, a.EndedAt
		}
	}
	return o, at, err
}

func (x Explainer) suppression(ctx context.Context, e164 string) (*campaigns.Suppression, error) {
	s, ok, err := x.Records.Suppressed(ctx, e164)
	if err != nil || !ok {
		return nil, err
	}
	return &s, nil
}

func explanation(c campaigns.CampaignID, lead campaigns.LeadID, e164 string, r eligibility.Report) api.Explanation {
	e := api.Explanation{Campaign: c, Lead: lead, Number: e164, Allowed: r.Allowed, Next: r.Next}
	for _, g := range r.Gates {
		e.Gates = append(e.Gates, api.Gate(g))
	}
	return e
}

// ExplainCampaign says where the leads of a campaign are held up.
func (x Explainer) ExplainCampaign(ctx context.Context, id campaigns.CampaignID, now time.Time) (eligibility.Waterfall, error) {
	c, err := x.Records.Campaign(ctx, id)
	if err != nil {
		return eligibility.Waterfall{}, err
	}
	counter, ok := campaigns.As[campaigns.Counter](x.Records)
	if !ok {
		return eligibility.Waterfall{}, fmt.Errorf("this store cannot count the leads of a campaign: %w", errors.ErrUnsupported)
	}
	census, err := counter.Census(ctx, id, now.Add(-x.Rules.Remembers(c)), now)
	if err != nil {
		return eligibility.Waterfall{}, err
	}
	return x.Rules.Waterfall(c, census, now), nil
}
