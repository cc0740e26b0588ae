package sqlite

import (
	"context"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Entries are the places of a lead, by campaign; see campaigns.Records.
func (s *Store) Entries(ctx context.Context, id campaigns.LeadID) ([]campaigns.Entry, error) {
	var places []campaigns.Entry
	err := s.reading(ctx, "entries", func(r *statements) error {
		entries, err := entriesOf(r, id)
		if err != nil {
			return err
		}
		for _, e := range entries {
			p, err := describe(r, e)
			if err != nil {
				return err
			}
			places = append(places, p)
		}
		return nil
	})
	return places, err
}

func describe(r *statements, e entry) (campaigns.Entry, error) {
	p := campaigns.Entry{
		Queue: campaigns.QueueID{Campaign: e.campaign}, State: stateNames[e.state], Number: e.number, Priority: -e.rank, DueAt: e.due,
		Attempts: e.attempts, Callback: e.callback(), LastOutcome: e.lastOutcome, LastAt: e.lastAt, Operator: e.operator,
	}
	if e.queue != 0 {
		err := r.get(`SELECT segment, window_class, untried, operator FROM queue WHERE id = ?`, args(e.queue),
			&p.Queue.Segment, &p.Queue.Window, &p.Queue.New, &p.Queue.Operator)
		if err != nil {
			return campaigns.Entry{}, err
		}
	}
	var err error
	p.ByOutcome, err = outcomesOf(r, e.campaign, e.number)
	return p, err
}
