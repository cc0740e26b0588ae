package redis

import (
	"context"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
)

func (s *Store) dutiesKey() string { return s.keys.general() + "duties" }

// SaveDuty notes where an operator is on duty; see campaigns.Records.
func (s *Store) SaveDuty(ctx context.Context, d campaigns.Duty) error {
	is, why := "off", ""
	if d.On {
		is = "on"
	}
	err := s.do(ctx, "duty", func(ctx context.Context) error {
		var err error
		why, err = scripts.duty.Run(ctx, s.db, []string{s.nodesKey(), s.dutiesKey()}, string(d.User), d.Node, d.Term, d.Nth, is).Text()
		return err
	})
	node, elsewhere := strings.CutPrefix(why, ":")
	switch {
	case err != nil:
		return err
	case elsewhere:
		return &campaigns.OnDutyElsewhere{User: d.User, Node: node}
	case why == "lost":
		return campaigns.ErrNodeLost
	case why == "stale":
		return campaigns.ErrStale
	}
	return nil
}
