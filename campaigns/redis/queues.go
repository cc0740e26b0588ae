package redis

import (
	"cmp"
	"context"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Queues lists the queues of a campaign that hold leads.
func (s *Store) Queues(ctx context.Context, c campaigns.CampaignID, now time.Time) ([]campaigns.QueueInfo, error) {
	var mu sync.Mutex
	sums := map[campaigns.QueueID]campaigns.QueueInfo{}
	err := s.do(ctx, "queues", func(ctx context.Context) error {
		return s.eachShard(ctx, func(ctx context.Context, shard int) error {
			infos, err := s.queuesIn(ctx, shard, c, now)
			mu.Lock()
			defer mu.Unlock()
			for _, info := range infos {
				sums[info.QueueID] = add(sums[info.QueueID], info)
			}
			return err
		})
	})
	infos := make([]campaigns.QueueInfo, 0, len(sums))
	for _, info := range sums {
		infos = append(infos, info)
	}
	slices.SortFunc(infos, byQueue)
	return infos, err
}

func byQueue(a, b campaigns.QueueInfo) int {
	return cmp.Or(cmp.Compare(a.Segment, b.Segment), cmp.Compare(a.Window, b.Window), cmp.Compare(windowName(a.QueueID), windowName(b.QueueID)))
}

// queueID reads the name of a queue among those of a campaign.
func queueID(c campaigns.CampaignID, name string) campaigns.QueueID {
	segment, window, _ := strings.Cut(name, "\x1f")
	q := campaigns.QueueID{Campaign: c, Segment: segment}
	readWindowName(window, &q)
	return q
}

func add(sum, info campaigns.QueueInfo) campaigns.QueueInfo {
	info.Ready += sum.Ready
	info.Waiting += sum.Waiting
	if info.NextDue.IsZero() || (!sum.NextDue.IsZero() && sum.NextDue.Before(info.NextDue)) {
		info.NextDue = sum.NextDue
	}
	return info
}

func (s *Store) queuesIn(ctx context.Context, shard int, c campaigns.CampaignID, now time.Time) ([]campaigns.QueueInfo, error) {
	names, err := s.db.SMembers(ctx, s.queuesKey(shard, c)).Result()
	if err != nil || len(names) == 0 {
		return nil, err
	}
	var keys []string
	ids := make([]campaigns.QueueID, len(names))
	for i, name := range names {
		ids[i] = queueID(c, name)
		ready, waiting := s.keys.queueKeys(shard, ids[i])
		keys = append(keys, ready, waiting)
	}
	counts, err := scripts.counts.Run(ctx, s.db, keys, sortable(now.Add(1))).Slice()
	if err != nil {
		return nil, err
	}
	var infos []campaigns.QueueInfo
	for i, id := range ids {
		ready, _ := counts[4*i].(int64)
		due, _ := counts[4*i+1].(int64)
		later, _ := counts[4*i+2].(int64)
		if ready+due+later == 0 {
			continue
		}
		info := campaigns.QueueInfo{QueueID: id, Ready: int(ready + due), Waiting: int(later)}
		if first, _ := counts[4*i+3].(string); len(first) == 8 {
			info.NextDue = fromSortable(first)
		}
		infos = append(infos, info)
	}
	return infos, nil
}
