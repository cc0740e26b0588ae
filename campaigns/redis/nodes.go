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

// The entry of a node: term, end of its lease, home, about, for whom, URL, number of
// the last renewal. That of a node in a limit: term, what counts, what it needs.
func (s *Store) nodesKey() string  { return s.keys.general() + "nodes" }
func (s *Store) limitsKey() string { return s.keys.general() + "limits" }

// sharesKey is what the hash of a limit begins with.
func (s *Store) sharesKey() string { return s.keys.general() + "share:" }

// Join gives a node its name; see campaigns.Nodes.
func (s *Store) Join(ctx context.Context, m campaigns.Member, lease time.Duration) error {
	var taken *campaigns.NodeTaken
	err := s.do(ctx, "join", func(ctx context.Context) error {
		said, err := scripts.join.Run(ctx, s.db, []string{s.nodesKey()},
			m.Node, m.Term, m.Home, m.About, m.For, lease.Milliseconds(), m.Over.Milliseconds(), m.URL).StringSlice()
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
func (s *Store) Renew(ctx context.Context, m campaigns.Member, nth int64, lease time.Duration, wants []campaigns.Want) ([]campaigns.Share, error) {
	keys := []string{s.nodesKey(), s.limitsKey()}
	args := []any{m.Node, m.Term, lease.Milliseconds(), nth}
	for _, w := range wants {
		keys = append(keys, s.sharesKey()+w.Limit)
		book := ""
		if w.Credit != "" {
			book = s.bookKey(w.Credit)
		}
		args = append(args, w.Limit, w.Total, w.Need, w.Obeys, word(w.Whole, "whole"), word(w.Lasts, "lasts"), book, w.AsOf)
	}
	var shares []campaigns.Share
	lost := false
	err := s.do(ctx, "renew", func(ctx context.Context) error {
		said, err := scripts.renew.Run(ctx, s.db, keys, args...).Slice()
		if lost = err == nil && len(said) == 0; err != nil || lost {
			return err
		}
		shares, err = parseShares(said[1:])
		return err
	})
	if err == nil && lost {
		return nil, campaigns.ErrNodeLost
	}
	return shares, err
}

// word is a flag as scripts take it.
func word(is bool, name string) string {
	if is {
		return name
	}
	return ""
}

func parseShares(said []any) ([]campaigns.Share, error) {
	var shares []campaigns.Share
	for i := 0; i+3 < len(said); i += 4 {
		amount, err := strconv.ParseFloat(fmt.Sprint(said[i]), 64)
		if err != nil {
			return nil, err
		}
		nodes, err := strconv.Atoi(fmt.Sprint(said[i+1]))
		if err != nil {
			return nil, err
		}
		part, err := strconv.ParseFloat(fmt.Sprint(said[i+2]), 64)
		if err != nil {
			return nil, err
		}
		shares = append(shares, campaigns.Share{Amount: amount, Nodes: nodes, Part: part, Stale: fmt.Sprint(said[i+3]) == "stale"})
	}
	return shares, nil
}

// Leave gives a name back; see campaigns.Nodes.
func (s *Store) Leave(ctx context.Context, m campaigns.Member) error {
	return s.do(ctx, "leave", func(ctx context.Context) error {
		return scripts.leave.Run(ctx, s.db, []string{s.nodesKey(), s.limitsKey()}, m.Node, m.Term, s.sharesKey()).Err()
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

// showKey begins the key of what a node shows.
func (s *Store) showKey() string { return s.keys.general() + "show:" }

// Show puts what a node does now where all see it; see campaigns.Nodes.
func (s *Store) Show(ctx context.Context, node string, state []byte, lasts time.Duration) error {
	return s.do(ctx, "show", func(ctx context.Context) error {
		return s.db.Set(ctx, s.showKey()+node, state, lasts).Err()
	})
}

// Shown is what the nodes show; see campaigns.Nodes.
func (s *Store) Shown(ctx context.Context) (map[string][]byte, error) {
	all := map[string][]byte{}
	err := s.do(ctx, "shown", func(ctx context.Context) error {
		said, err := scripts.shown.Run(ctx, s.db, []string{s.nodesKey()}, s.showKey()).StringSlice()
		for i := 0; i+1 < len(said); i += 2 {
			all[said[i]] = []byte(said[i+1])
		}
		return err
	})
	return all, err
}

// parseMember reads an entry, and when its lease ends by the clock of Redis.
func parseMember(node, entry string) (campaigns.MemberState, time.Time, error) {
	f := strings.Split(entry, "\x1f")
	if len(f) == 6 { // of a process without a URL in its entry, before an update
		f = slices.Insert(f, 5, "")
	}
	if len(f) != 7 {
		return campaigns.MemberState{}, time.Time{}, fmt.Errorf("node %s: an entry of %d parts", node, len(f))
	}
	ms, err := strconv.ParseInt(f[1], 10, 64)
	return campaigns.MemberState{Node: node, Term: f[0], About: f[3], For: f[4], URL: f[5]}, time.UnixMilli(ms), err
}
