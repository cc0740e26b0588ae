package redis

import (
	"context"
	"strconv"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
)

// The index says which leads a name belongs to. It is written before the lead
// has the name and cleaned after the lead lost it, so it may name a lead too
// much, never one too few: whoever reads it looks at the lead as well.

func numberName(e164 string) string             { return "number:" + e164 }
func attemptName(id campaigns.AttemptID) string { return "attempt:" + string(id) }
func identityName(list campaigns.ListID, who string) string {
	return "lead:" + string(list) + ":" + who
}

// naming is a name and the lead it goes to, or comes from.
type naming struct {
	name   string
	lead   campaigns.LeadID
	before campaigns.LeadID // for move
}

// index does one thing with names and returns the leads of each afterwards.
func (s *Store) index(ctx context.Context, do string, names ...naming) ([][]campaigns.LeadID, error) {
	byShard := map[int][]int{}
	for i, n := range names {
		shard := s.keys.nameShard(n.name)
		byShard[shard] = append(byShard[shard], i)
	}
	leads := make([][]campaigns.LeadID, len(names))
	for shard, at := range byShard {
		args := []any{do}
		for _, i := range at {
			n := names[i]
			args = append(args, digest(n.name), int64(n.lead), int64(n.before))
		}
		found, err := scripts.index.Run(ctx, s.db, []string{s.keys.names(shard) + "i:"}, args...).StringSlice()
		if err != nil {
			return nil, err
		}
		for j, list := range found {
			leads[at[j]] = leadIDs(list)
		}
	}
	return leads, nil
}

func leadIDs(list string) []campaigns.LeadID {
	var ids []campaigns.LeadID
	for text := range strings.SplitSeq(list, ",") {
		if id, err := strconv.ParseInt(text, 10, 64); err == nil {
			ids = append(ids, campaigns.LeadID(id))
		}
	}
	return ids
}

// leadsOf are the leads that have a number now, or had it a moment ago.
func (s *Store) leadsOf(ctx context.Context, e164 string) ([]campaigns.LeadID, error) {
	found, err := s.index(ctx, "get", naming{name: numberName(e164)})
	if err != nil {
		return nil, err
	}
	return found[0], nil
}

// indexNumbers names a lead for the numbers that it is about to get.
func (s *Store) indexNumbers(ctx context.Context, do string, id campaigns.LeadID, numbers []campaigns.Number) error {
	var names []naming
	for _, n := range numbers {
		names = append(names, naming{name: numberName(n.E164), lead: id})
	}
	_, err := s.index(ctx, do, names...)
	return err
}
