package sqlite

import (
	"encoding/json"
	"fmt"
	"maps"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// loadClaims reads what the engine needs to know of claimed leads: each query is of all
// of them, as it costs far more than a row does.
func loadClaims(r *statements, leases []lease, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	if len(leases) == 0 {
		return nil, nil
	}
	ids := make([]campaigns.LeadID, len(leases))
	for i, l := range leases {
		ids[i] = l.lead
	}
	leads, err := loadLeads(r, ids)
	if err != nil {
		return nil, err
	}
	outcomes, err := outcomesOfAll(r, leads)
	if err != nil {
		return nil, err
	}
	endings, err := lastEndings(r, ids)
	if err != nil {
		return nil, err
	}
	claims := make([]campaigns.Claim, len(leases))
	for i, l := range leases {
		lead, there := leads[l.lead]
		if !there {
			return nil, fmt.Errorf("lead %d: %w", l.lead, campaigns.ErrNotFound)
		}
		last := endings[l.lead]
		c := campaigns.Claim{
			Lead: *lead, Queue: l.queue, Fence: l.fence, Node: q.Node, Priority: -l.rank, DueAt: l.due,
			Until: q.Now.Add(q.Lease), Attempts: l.attempts, Callback: l.callback(), Operator: l.operator,
			ByOutcome: maps.Clone(outcomes[tried{l.campaign, l.number}]), LastOutcome: last.outcome, LastAt: last.at,
		}
		for _, n := range lead.Numbers {
			if n.E164 == l.number {
				c.Number = n
			} else {
				c.NoteNumber(n.E164, maps.Clone(outcomes[tried{l.campaign, n.E164}]))
			}
		}
		claims[i] = c
	}
	return claims, nil
}

// jsonOf is the argument of json_each.
func jsonOf(all any) (string, error) {
	text, err := json.Marshal(all)
	return string(text), err
}

// loadLeads reads leads with their numbers; those that are gone are not among them.
func loadLeads(s *statements, ids []campaigns.LeadID) (map[campaigns.LeadID]*campaigns.Lead, error) {
	which, err := jsonOf(ids)
	if err != nil {
		return nil, err
	}
	rows, err := list(s, scanLead, `SELECT `+columnsOfLead+` FROM lead WHERE id IN (SELECT value FROM json_each(?))`, which)
	if err != nil {
		return nil, fmt.Errorf("read %d leads: %w", len(ids), err)
	}
	leads := make(map[campaigns.LeadID]*campaigns.Lead, len(rows))
	for _, r := range rows {
		l, err := s.lead(r)
		if err != nil {
			return nil, fmt.Errorf("read lead %d: %w", r.ID, err)
		}
		leads[l.ID] = &l
	}
	type row struct {
		lead campaigns.LeadID
		numberRow
	}
	numbers, err := list(s, func(r scanner) (n row, err error) {
		err = r.Scan(&n.lead, &n.e164, &n.kind, &n.class, &n.bad)
		return n, err
	}, `SELECT lead, e164, kind, window_class, bad FROM lead_number WHERE lead IN (SELECT value FROM json_each(?)) ORDER BY lead, position`, which)
	for _, r := range numbers {
		if l := leads[r.lead]; l != nil && err == nil {
			var n campaigns.Number
			n, err = s.numberOfLead(r.numberRow)
			l.Numbers = append(l.Numbers, n)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("read numbers of %d leads: %w", len(ids), err)
	}
	return leads, nil
}

// tried is a number in a campaign.
type tried struct {
	campaign campaigns.CampaignID
	number   string
}

// outcomesOfAll counts how the attempts of each campaign on the numbers of leads ended.
func outcomesOfAll(r *statements, leads map[campaigns.LeadID]*campaigns.Lead) (map[tried]map[campaigns.Outcome]int, error) {
	var numbers []string
	for _, l := range leads {
		for _, n := range l.Numbers {
			numbers = append(numbers, n.E164)
		}
	}
	which, err := jsonOf(numbers)
	if err != nil {
		return nil, err
	}
	type attempt struct {
		tried
		outcome campaigns.Outcome
	}
	attempts, err := list(r, func(r scanner) (a attempt, err error) {
		err = r.Scan(&a.campaign, &a.number, &a.outcome)
		return a, err
	}, `SELECT campaign, number, outcome FROM attempt INDEXED BY attempt_number
		WHERE number IN (SELECT value FROM json_each(?)) AND ended_at > 0`, which)
	counts := map[tried]map[campaigns.Outcome]int{}
	for _, a := range attempts {
		if counts[a.tried] == nil {
			counts[a.tried] = map[campaigns.Outcome]int{}
		}
		counts[a.tried][a.outcome]++
	}
	return counts, err
}

// ending is how the last attempt on a lead ended, and when.
type ending struct {
	outcome campaigns.Outcome
	at      time.Time
}

// lastEndings are those of leads that were tried.
func lastEndings(r *statements, leads []campaigns.LeadID) (map[campaigns.LeadID]ending, error) {
	which, err := jsonOf(leads)
	if err != nil {
		return nil, err
	}
	type attempt struct {
		lead campaigns.LeadID
		ending
	}
	attempts, err := list(r, func(r scanner) (a attempt, err error) {
		var ended int64
		err = r.Scan(&a.lead, &a.outcome, &ended)
		a.at = moment(ended)
		return a, err
	}, `SELECT lead, outcome, ended_at FROM attempt WHERE lead IN (SELECT value FROM json_each(?)) AND ended_at > 0 ORDER BY ended_at, id`, which)
	last := map[campaigns.LeadID]ending{}
	for _, a := range attempts {
		last[a.lead] = a.ending
	}
	return last, err
}
