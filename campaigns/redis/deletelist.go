package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// deletedLists is the hash of lists that were deleted and whose leads have not all gone.
// It is in the slot of that of the others, so that a list is in one of the two.
const deletedLists = "deleted-lists"

// DeleteList takes a list away; see campaigns.Records.
func (s *Store) DeleteList(ctx context.Context, id campaigns.ListID, revision string) error {
	lists, deleted, field := s.keys.general()+"lists", s.keys.general()+deletedLists, string(id)
	return s.do(ctx, "delete_list", func(ctx context.Context) error {
		return s.retry(ctx, func() error {
			body, err := s.db.HGet(ctx, lists, field).Result()
			if errors.Is(err, goredis.Nil) {
				return campaigns.ErrNotFound
			}
			if err != nil {
				return err
			}
			var l campaigns.List
			if err := json.Unmarshal([]byte(body), &l); err != nil {
				return err
			}
			if l.Revision() != revision {
				return fmt.Errorf("list %s has changed: %w", id, campaigns.ErrConflict)
			}
			var c change
			c.must(lists, field, body)
			c.do("HSET", deleted, field, body)
			c.do("HDEL", lists, field)
			_, err = c.commit(ctx, s.db)
			return err
		})
	})
}

// DeletedLists are those whose leads have not all gone; see campaigns.Keeper.
func (s *Store) DeletedLists(ctx context.Context) ([]campaigns.List, error) {
	all, err := readAll[campaigns.List](ctx, s, deletedLists)
	if err == nil {
		err = s.countLeads(ctx, all)
	}
	slices.SortFunc(all, func(a, b campaigns.List) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, err
}

// ForgetList gives the id of a deleted list free, where its leads have all gone.
func (s *Store) ForgetList(ctx context.Context, id campaigns.ListID) error {
	deleted, err := s.DeletedLists(ctx)
	if err != nil || !slices.ContainsFunc(deleted, func(l campaigns.List) bool { return l.ID == id && l.Leads <= 0 }) {
		return err
	}
	return s.do(ctx, "forget_list", func(ctx context.Context) error {
		for shard := range s.keys.shards {
			if err := s.db.HDel(ctx, s.leadsKey(shard), string(id)).Err(); err != nil {
				return err
			}
		}
		return s.db.HDel(ctx, s.keys.general()+deletedLists, string(id)).Err()
	})
}
