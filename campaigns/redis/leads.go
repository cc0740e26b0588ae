package redis

import (
	"context"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Lead returns a lead, or campaigns.ErrNotFound.
func (s *Store) Lead(ctx context.Context, id campaigns.LeadID) (campaigns.Lead, error) {
	var l campaigns.Lead
	err := s.do(ctx, "lead", func(ctx context.Context) error {
		seats, err := s.readSeats(ctx, []campaigns.LeadID{id})
		if err != nil {
			return err
		}
		if !seats[0].exists {
			return fmt.Errorf("lead %d: %w", id, campaigns.ErrNotFound)
		}
		l = seats[0].lead
		return nil
	})
	return l, err
}

// SaveLead replaces a lead and finds its places again, except where it is
// claimed or being called: there it stays until that ends. A lead never leaves
// its list, and takes the external id or first number of no other lead there
// (campaigns.ErrConflict).
func (s *Store) SaveLead(ctx context.Context, l campaigns.Lead) error {
	return s.ReplaceLead(ctx, l, "")
}

// ReplaceLead is SaveLead where the lead has this revision, else campaigns.ErrConflict;
// empty: whatever it has. It is looked at before the names are, and again with the write.
func (s *Store) ReplaceLead(ctx context.Context, l campaigns.Lead, revision string) error {
	who, err := l.Identity()
	if err != nil {
		return err
	}
	return s.do(ctx, "save_lead", func(ctx context.Context) error {
		if err := s.takeIdentity(ctx, l, who, revision); err != nil {
			return err
		}
		if err := s.indexNumbers(ctx, "add", l.ID, l.Numbers); err != nil {
			return err
		}
		var before campaigns.Lead
		err := s.retry(ctx, func() error {
			var err error
			before, err = s.replaceLead(ctx, l, revision)
			return err
		})
		if err != nil {
			return err
		}
		return s.unindex(ctx, before, l)
	})
}

// takeIdentity gives a lead its identity, unless another lead has it.
func (s *Store) takeIdentity(ctx context.Context, l campaigns.Lead, who, revision string) error {
	seats, err := s.readSeats(ctx, []campaigns.LeadID{l.ID})
	if err != nil {
		return err
	}
	if !seats[0].exists {
		return fmt.Errorf("lead %d: %w", l.ID, campaigns.ErrNotFound)
	}
	if revision != "" && revision != seats[0].lead.Revision() {
		return leadChanged(l.ID)
	}
	if list := seats[0].lead.List; l.List != list {
		return fmt.Errorf("lead %d is of list %s: %w", l.ID, list, campaigns.ErrConflict)
	}
	name := identityName(l.List, who)
	owner, err := s.index(ctx, "take", naming{name: name, lead: l.ID})
	if err != nil || owner[0][0] == l.ID {
		return err
	}
	has, err := s.hasIdentity(ctx, owner[0][0], l.List, who)
	if err != nil {
		return err
	}
	if has {
		return fmt.Errorf("lead %d has that external id or first number: %w", owner[0][0], campaigns.ErrConflict)
	}
	_, err = s.index(ctx, "move", naming{name: name, lead: l.ID, before: owner[0][0]})
	return err
}

// hasIdentity says whether a lead has an identity that the index ascribes to it.
func (s *Store) hasIdentity(ctx context.Context, id campaigns.LeadID, list campaigns.ListID, who string) (bool, error) {
	seats, err := s.readSeats(ctx, []campaigns.LeadID{id})
	if err != nil || !seats[0].exists {
		return false, err
	}
	theirs, err := seats[0].lead.Identity()
	return err == nil && theirs == who && seats[0].lead.List == list, nil
}

// replaceLead writes a lead and returns what it was before.
func (s *Store) replaceLead(ctx context.Context, l campaigns.Lead, revision string) (campaigns.Lead, error) {
	now := time.Now()
	w, x, err := s.workOn(ctx, now, l.ID)
	if err != nil {
		return campaigns.Lead{}, err
	}
	before := x.lead
	if revision != "" && revision != before.Revision() {
		return before, leadChanged(l.ID)
	}
	if l.CreatedAt.IsZero() {
		l.CreatedAt = before.CreatedAt
	}
	if l.UpdatedAt.IsZero() {
		l.UpdatedAt = now
	}
	x.lead = l
	w.requeue(x)
	w.tell(s.keys.leads(w.shard), campaigns.EventOfLead(l, now))
	return before, w.save(ctx)
}

func leadChanged(id campaigns.LeadID) error {
	return fmt.Errorf("lead %d has changed: %w", id, campaigns.ErrConflict)
}

// unindex takes from a lead the names that it has no more.
func (s *Store) unindex(ctx context.Context, before, after campaigns.Lead) error {
	var gone []naming
	for _, n := range before.Numbers {
		if !slices.ContainsFunc(after.Numbers, func(m campaigns.Number) bool { return m.E164 == n.E164 }) {
			gone = append(gone, naming{name: numberName(n.E164), lead: before.ID})
		}
	}
	old, err := before.Identity()
	if who, _ := after.Identity(); err == nil && old != who {
		gone = append(gone, naming{name: identityName(before.List, old), lead: before.ID})
	}
	if len(gone) == 0 {
		return nil
	}
	_, err = s.index(ctx, "remove", gone...)
	return err
}

// FindLeads returns leads by id; see campaigns.LeadQuery. A number is looked up;
// anything else goes through the leads page by page.
func (s *Store) FindLeads(ctx context.Context, q campaigns.LeadQuery) ([]campaigns.Lead, error) {
	var found []campaigns.Lead
	err := s.doLong(ctx, "find_leads", func(ctx context.Context) error {
		if q.Number != "" {
			ids, err := s.leadsOf(ctx, q.Number)
			if err != nil {
				return err
			}
			slices.Sort(ids)
			found, err = s.filterLeads(ctx, ids, q)
			return err
		}
		last, err := s.lastPage(ctx)
		if err != nil {
			return err
		}
		for page := int64(q.After) / int64(s.keys.shards) / pageLeads; page <= last && len(found) < limited(q.Limit); page++ {
			ids, err := s.leadsOfPages(ctx, page)
			if err != nil {
				return err
			}
			some, err := s.filterLeads(ctx, ids, q)
			if err != nil {
				return err
			}
			found = append(found, some...)
		}
		return nil
	})
	return found[:min(len(found), limited(q.Limit))], err
}

// leadsOfPages are the leads of a page of every shard, in order.
func (s *Store) leadsOfPages(ctx context.Context, page int64) ([]campaigns.LeadID, error) {
	fields := make([]*goredis.StringSliceCmd, s.keys.shards)
	_, err := s.readMany(ctx, func(p goredis.Pipeliner) error {
		for shard := range fields {
			fields[shard] = p.HKeys(ctx, s.keys.pageKey(shard, page))
		}
		return nil
	})
	var ids []campaigns.LeadID
	for shard, cmd := range fields {
		ids = append(ids, s.leadsOfPage(shard, page, cmd.Val())...)
	}
	slices.Sort(ids)
	return ids, err
}

func (s *Store) filterLeads(ctx context.Context, ids []campaigns.LeadID, q campaigns.LeadQuery) ([]campaigns.Lead, error) {
	seats, err := s.readSeats(ctx, ids)
	var found []campaigns.Lead
	text := strings.ToLower(q.Text)
	for _, x := range seats {
		l := x.lead
		_, has := x.number(q.Number)
		switch {
		case !x.exists, l.ID <= q.After, q.List != "" && l.List != q.List, q.Number != "" && !has:
		case text != "" && !strings.Contains(strings.ToLower(l.Name), text) && !strings.Contains(strings.ToLower(l.ExternalID), text):
		default:
			found = append(found, l)
		}
	}
	return found, err
}

// Entries are the places of a lead, by campaign; see campaigns.Records.
func (s *Store) Entries(ctx context.Context, id campaigns.LeadID) ([]campaigns.Entry, error) {
	var places []campaigns.Entry
	err := s.do(ctx, "entries", func(ctx context.Context) error {
		seats, err := s.readSeats(ctx, []campaigns.LeadID{id})
		if err != nil {
			return err
		}
		var numbers []string
		for _, e := range seats[0].entries {
			numbers = append(numbers, e.number)
		}
		traces, err := s.traces(ctx, numbers)
		if err != nil {
			return err
		}
		for i, e := range seats[0].entries {
			places = append(places, seats[0].describe(e, outcomesIn(traces[i], e.campaign)))
		}
		return nil
	})
	return places, err
}

func (x *seat) describe(e entry, byOutcome map[campaigns.Outcome]int) campaigns.Entry {
	p := campaigns.Entry{
		Queue: campaigns.QueueID{Campaign: e.campaign}, State: x.state(e), Number: e.number, Priority: e.priority, DueAt: e.due, Attempts: e.attempts,
		Callback: e.callback(), LastOutcome: e.lastOutcome, LastAt: e.lastAt, Operator: e.operator, ByOutcome: byOutcome,
	}
	switch {
	case x.holds(e):
		p.Queue = x.held.queue
	case e.state == waiting:
		p.Queue = x.queue(e)
	}
	return p
}
