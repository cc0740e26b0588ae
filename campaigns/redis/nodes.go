package redis

import (
	"context"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.Nodes = (*Store)(nil)

// The entry of a node: term, end of its lease, home, about, for whom.
func (s *Store) nodesKey() string { return s.keys.general() + "nodes" }

// Join gives a node its name; see campaigns.Nodes.
func (s *Store) Join(ctx context.Context, m campaigns.Member, lease time.Duration) error {
	var taken *campaigns.NodeTaken
	err := s.do(ctx, "join", func(ctx context.Context) error {
		said, err := scripts.join.Run(ctx, s.db, []string{s.nodesKey()},
			m.Node, m.Term, m.Home, m.About, m.For, lease.Milliseconds(), m.Over.Milliseconds()).StringSlice()
		if err != nil || len(said) == 0 {
			return err
		}
		left, err := strconv.ParseInt(said[1], 10, 64)
		if err != nil {
			return err
		}
		state, _, err := parseMember(m.Node, said[0])
		state.Left = time.Duration(left) * time.Millisecond
		taken = &campaigns.NodeTaken{MemberState: state}
		return err
	})
	if err == nil && taken != nil {
		return taken
	}
	return err
}

// Renew makes a lease begin anew; see campaigns.Nodes.
func (s *Store) Renew(ctx context.Context, m campaigns.Member, lease time.Duration) error {
	held := 0
	err := s.do(ctx, "renew", func(ctx context.Context) error {
		var err error
		held, err = scripts.renew.Run(ctx, s.db, []string{s.nodesKey()}, m.Node, m.Term, lease.Milliseconds()).Int()
		return err
	})
	if err == nil && held == 0 {
		return campaigns.ErrNodeLost
	}
	return err
}

// Leave gives a name back; see campaigns.Nodes.
func (s *Store) Leave(ctx context.Context, m campaigns.Member) error {
	return s.do(ctx, "leave", func(ctx context.Context) error {
		return scripts.leave.Run(ctx, s.db, []string{s.nodesKey()}, m.Node, m.Term).Err()
	})
}

// Members lists the nodes; see campaigns.Nodes.
func (s *Store) Members(ctx context.Context) ([]campaigns.MemberState, error) {
	var all []campaigns.MemberState
	err := s.do(ctx, "members", func(ctx context.Context) error {
		var entries *goredis.MapStringStringCmd
		var now *goredis.TimeCmd
		_, err := s.readMany(ctx, func(p goredis.Pipeliner) error {
			entries, now = p.HGetAll(ctx, s.nodesKey()), p.Time(ctx)
			return nil
		})
		if err != nil {
			return err
		}
		for node, entry := range entries.Val() {
			state, ends, err := parseMember(node, entry)
			if err != nil {
				return err
			}
			state.Left = ends.Sub(now.Val())
			all = append(all, state)
		}
		return nil
	})
	slices.SortFunc(all, func(a, b campaigns.MemberState) int { return strings.Compare(a.Node, b.Node) })
	return all, err
}

// parseMember reads an entry, and when its lease ends by the clock of Redis.
func parseMember(node, entry string) (campaigns.MemberState, time.Time, error) {
	f := strings.Split(entry, "\x1f")
	if len(f) != 5 {
		return campaigns.MemberState{}, time.Time{}, fmt.Errorf("node %s: an entry of %d parts", node, len(f))
	}
	ms, err := strconv.ParseInt(f[1], 10, 64)
	return campaigns.MemberState{Node: node, Term: f[0], About: f[3], For: f[4]}, time.UnixMilli(ms), err
}
