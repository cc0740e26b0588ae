package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// readCampaign reads a campaign, or campaigns.ErrNotFound.
func (s *Store) readCampaign(ctx context.Context, id campaigns.CampaignID) (campaigns.Campaign, error) {
	c, _, err := s.campaignAndBody(ctx, id)
	return c, err
}

func (s *Store) campaignAndBody(ctx context.Context, id campaigns.CampaignID) (c campaigns.Campaign, body string, err error) {
	body, err = s.db.HGet(ctx, s.keys.general()+"campaigns", string(id)).Result()
	if errors.Is(err, goredis.Nil) {
		return c, "", fmt.Errorf("campaign %s: %w", id, campaigns.ErrNotFound)
	}
	if err == nil {
		err = json.Unmarshal([]byte(body), &c)
	}
	return c, body, err
}

// Campaign returns a campaign, or campaigns.ErrNotFound.
func (s *Store) Campaign(ctx context.Context, id campaigns.CampaignID) (c campaigns.Campaign, err error) {
	err = s.do(ctx, "campaign", func(ctx context.Context) error {
		c, err = s.readCampaign(ctx, id)
		return err
	})
	return c, err
}

// Campaigns returns all campaigns, by id.
func (s *Store) Campaigns(ctx context.Context) ([]campaigns.Campaign, error) {
	all, err := readAll[campaigns.Campaign](ctx, s, "campaigns")
	slices.SortFunc(all, func(a, b campaigns.Campaign) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, err
}

// readAll reads a hash of the general slot whose values are JSON.
func readAll[T any](ctx context.Context, s *Store, name string) ([]T, error) {
	var all []T
	err := s.do(ctx, name, func(ctx context.Context) error {
		bodies, err := s.db.HVals(ctx, s.keys.general()+name).Result()
		for _, body := range bodies {
			var one T
			if err := json.Unmarshal([]byte(body), &one); err != nil {
				return err
			}
			all = append(all, one)
		}
		return err
	})
	return all, err
}

// SaveCampaign creates or replaces a campaign; see campaigns.Records. Segments
// must compile (*campaigns.SegmentError). The queues of few
// leads are rebuilt when it returns, those of many in the background; a rebuild whose
// process died is finished by another that is open, or by the next Open.
func (s *Store) SaveCampaign(ctx context.Context, c campaigns.Campaign) (campaigns.Campaign, error) {
	if !campaigns.ValidID(string(c.ID)) {
		return campaigns.Campaign{}, &campaigns.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not a campaign id", c.ID)}
	}
	if _, err := c.Matcher(); err != nil {
		return campaigns.Campaign{}, err
	}
	var saved campaigns.Campaign
	err := s.doLong(ctx, "save_campaign", func(ctx context.Context) error {
		var rebuild bool
		err := s.retry(ctx, func() error {
			var err error
			saved, rebuild, err = s.replaceCampaign(ctx, c)
			return err
		})
		if err != nil || !rebuild {
			return err
		}
		over, err := s.rebuild(ctx, c.ID, s.rebuildSoon())
		if !over {
			s.startRebuild(c.ID)
		}
		return err
	})
	if err != nil {
		return campaigns.Campaign{}, err
	}
	return saved, nil
}

// replaceCampaign writes a campaign, and says whether its queues are out of date.
func (s *Store) replaceCampaign(ctx context.Context, c campaigns.Campaign) (campaigns.Campaign, bool, error) {
	old, body, err := s.campaignAndBody(ctx, c.ID)
	if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
		return c, false, err
	}
	c, rebuild, err := c.Replacing(old, time.Now())
	if err != nil {
		return c, false, err
	}
	rebuild = rebuild || body == ""
	return c, rebuild, s.writeCampaign(ctx, c, body, rebuild)
}

// writeCampaign writes a campaign where its old form is still there. With a new
// generation every plan that others have read is out of date.
func (s *Store) writeCampaign(ctx context.Context, c campaigns.Campaign, old string, rebuild bool) error {
	body, err := json.Marshal(c)
	if err != nil {
		return err
	}
	g := s.keys.general()
	var step change
	step.must(g+"campaigns", string(c.ID), old)
	step.do("HSET", g+"campaigns", string(c.ID), body)
	if old != "" {
		var before campaigns.Campaign
		if err := json.Unmarshal([]byte(old), &before); err != nil {
			return err
		}
		if before.State != c.State {
			step.tell(g, campaigns.EventOfState(c, before.State, time.Now()))
		}
	}
	if rebuild {
		step.do("INCR", g+"generation")
		step.do("HSET", g+"rebuilds", string(c.ID), 0)
	}
	_, err = step.commit(ctx, s.db)
	return err
}

// SetCampaignState changes the state alone. It asks for no version, because it
// overwrites nobody's work; the version rises all the same.
func (s *Store) SetCampaignState(ctx context.Context, id campaigns.CampaignID, state campaigns.CampaignState, reason string) error {
	return s.do(ctx, "set_campaign_state", func(ctx context.Context) error {
		return s.retry(ctx, func() error {
			c, body, err := s.campaignAndBody(ctx, id)
			if err != nil {
				return err
			}
			c.State, c.HoldReason = state, reason
			c.Version++
			return s.writeCampaign(ctx, c, body, false)
		})
	})
}
