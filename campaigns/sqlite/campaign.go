package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// plan is a campaign as the writer needs it.
type plan struct {
	campaign campaigns.Campaign
	matcher  *campaigns.Matcher
	// rebuilding: leads may be where they belonged before the campaign changed.
	rebuilding bool
}

// dials says whether the campaign takes leads of a list, or this one because
// it was moved here.
func (p *plan) dials(list campaigns.ListID, e entry) bool {
	return e.moved || slices.Contains(p.campaign.Lists, list)
}

// planOf returns the plan of a campaign, or campaigns.ErrNotFound.
func (w *writer) planOf(id campaigns.CampaignID) (*plan, error) {
	if p, ok := w.plans[id]; ok {
		return p, nil
	}
	c, err := loadCampaign(w.statements, id)
	if err != nil {
		return nil, err
	}
	m, err := c.Matcher()
	if err != nil {
		return nil, fmt.Errorf("campaign %s: %w", id, err)
	}
	at, err := readCursor(w.statements, id)
	if err != nil {
		return nil, err
	}
	p := &plan{campaign: c, matcher: m, rebuilding: at.after.Valid}
	w.plans[id] = p
	return p, nil
}

// plansOf returns the plans of the campaigns that dial a list.
func (w *writer) plansOf(id campaigns.ListID) ([]*plan, error) {
	ids, err := list(w.statements, column[campaigns.CampaignID], `SELECT id FROM campaign ORDER BY id`)
	if err != nil {
		return nil, err
	}
	var plans []*plan
	for _, c := range ids {
		p, err := w.planOf(c)
		if err != nil {
			return nil, err
		}
		if slices.Contains(p.campaign.Lists, id) {
			plans = append(plans, p)
		}
	}
	return plans, nil
}

func scanCampaign(r scanner) (campaigns.Campaign, error) {
	var body string
	var c campaigns.Campaign
	if err := r.Scan(&body); err != nil {
		return c, err
	}
	err := json.Unmarshal([]byte(body), &c)
	return c, err
}

func loadCampaign(s *statements, id campaigns.CampaignID) (campaigns.Campaign, error) {
	found, err := list(s, scanCampaign, `SELECT body FROM campaign WHERE id = ?`, string(id))
	if err == nil && len(found) == 0 {
		err = campaigns.ErrNotFound
	}
	if err != nil {
		return campaigns.Campaign{}, fmt.Errorf("campaign %s: %w", id, err)
	}
	return found[0], nil
}

// storeCampaign writes a campaign; rebuild says that its queues are out of date.
func (w *writer) storeCampaign(c campaigns.Campaign, rebuild bool) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	var before campaigns.CampaignState
	err = w.get(`SELECT coalesce((SELECT json_extract(body, '$.state') FROM campaign WHERE id = ?), '')`, args(string(c.ID)), &before)
	if err != nil {
		return err
	}
	if before != "" && before != c.State {
		err = w.tell(func() ([]campaigns.Event, error) {
			return []campaigns.Event{campaigns.EventOfState(c, before, time.Now())}, nil
		})
		if err != nil {
			return err
		}
	}
	_, err = w.exec(`INSERT INTO campaign (id, body, version) VALUES (?, ?, ?)
		ON CONFLICT (id) DO UPDATE SET body = excluded.body, version = excluded.version`, string(c.ID), string(body), c.Version)
	if err == nil && rebuild {
		_, err = w.exec(`UPDATE campaign SET rebuilt = 0 WHERE id = ?`, string(c.ID))
	}
	delete(w.plans, c.ID)
	return err
}

// Campaign returns a campaign, or campaigns.ErrNotFound.
func (s *Store) Campaign(ctx context.Context, id campaigns.CampaignID) (campaigns.Campaign, error) {
	var c campaigns.Campaign
	err := s.reading(ctx, "campaign", func(r *statements) error {
		var err error
		c, err = loadCampaign(r, id)
		return err
	})
	return c, err
}

// Campaigns returns all campaigns, by id.
func (s *Store) Campaigns(ctx context.Context) ([]campaigns.Campaign, error) {
	return readList(ctx, s, "campaigns", scanCampaign, `SELECT body FROM campaign ORDER BY id`)
}

// SaveCampaign creates or replaces a campaign; see campaigns.Records. Segments
// must compile (*campaigns.SegmentError). The queues of few
// leads are rebuilt when it returns, those of many in the background; a rebuild that
// a crash cut short is finished by Open.
func (s *Store) SaveCampaign(ctx context.Context, c campaigns.Campaign) (campaigns.Campaign, error) {
	if !campaigns.ValidID(string(c.ID)) {
		return campaigns.Campaign{}, &campaigns.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not a campaign id", c.ID)}
	}
	if _, err := c.Matcher(); err != nil {
		return campaigns.Campaign{}, err
	}
	saved, rebuild := c, false
	err := s.write(ctx, "save_campaign", func(w *writer) error {
		old, err := loadCampaign(w.statements, c.ID)
		if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
			return err
		}
		if saved, rebuild, err = c.Replacing(old, time.Now()); err != nil {
			return err
		}
		return w.storeCampaign(saved, rebuild)
	})
	if err != nil {
		return campaigns.Campaign{}, err
	}
	if rebuild {
		over, err := s.rebuild(ctx, c.ID, rebuildAtOnce)
		if !over {
			s.startRebuild(c.ID)
		}
		return saved, err
	}
	return saved, nil
}

// SetCampaignState changes the state alone. It asks for no version, because it
// overwrites nobody's work; the version rises all the same.
func (s *Store) SetCampaignState(ctx context.Context, id campaigns.CampaignID, state campaigns.CampaignState, reason string) error {
	return s.write(ctx, "set_campaign_state", func(w *writer) error {
		c, err := loadCampaign(w.statements, id)
		if err != nil {
			return err
		}
		c.State, c.HoldReason = state, reason
		c.Version++
		return w.storeCampaign(c, false)
	})
}
