package redis

import (
	"context"
	"crypto/rand"
	"fmt"
	"slices"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

var _ campaigns.LiveBook = (*Store)(nil)

// bookKey is the book of live answers of a campaign: which one, its version, what
// all runs counted together (live, abandoned), each run (run:RUN), and by quarters of
// an hour since 1970, base included (lQUARTER, aQUARTER).
func (s *Store) bookKey(c campaigns.CampaignID) string {
	return s.keys.general() + "book:" + string(c)
}

func quarterOf(t time.Time) int64 { return t.UnixNano() / int64(campaigns.LiveStep) }

// OpenLive opens a book; see campaigns.LiveBook.
func (s *Store) OpenLive(ctx context.Context, c campaigns.CampaignID, node string, base func() ([]campaigns.LiveCount, error)) (campaigns.LiveBookState, []campaigns.LiveCount, error) {
	keys := []string{s.bookKey(c), s.sharesKey() + campaigns.BudgetLimit(c)}
	args := []any{node, rand.Text(), ""}
	var said map[string]string
	ask := func(ctx context.Context) error {
		all, err := scripts.openLive.Run(ctx, s.db, keys, args...).StringSlice()
		said = pairs(all)
		return err
	}
	if err := s.do(ctx, "open_live", ask); err != nil {
		return campaigns.LiveBookState{}, nil, err
	}
	if said == nil { // we are the first
		counts, err := base()
		if err != nil {
			return campaigns.LiveBookState{}, nil, err
		}
		args[2] = "base"
		for _, n := range counts {
			args = append(args, quarterOf(n.At), n.Live, n.Abandoned)
		}
		if err := s.do(ctx, "open_live", ask); err != nil {
			return campaigns.LiveBookState{}, nil, err
		}
	}
	state, err := parseBook(said["book"], said["version"], said["live"], said["abandoned"])
	return state, quarters(said), err
}

// CountLive counts; see campaigns.LiveBook.
func (s *Store) CountLive(ctx context.Context, c campaigns.CampaignID, run campaigns.LiveRun) (campaigns.LiveBookState, error) {
	var state campaigns.LiveBookState
	err := s.do(ctx, "count_live", func(ctx context.Context) error {
		said, err := scripts.countLive.Run(ctx, s.db, []string{s.bookKey(c)}, run.Run, run.Book, quarterOf(run.At), run.Live, run.Abandoned).StringSlice()
		if err != nil {
			return err
		}
		if len(said) != 4 {
			return fmt.Errorf("live answers of campaign %s: %w", c, campaigns.ErrNotFound)
		}
		state, err = parseBook(said[0], said[1], said[2], said[3])
		return err
	})
	return state, err
}

// pairs are the fields of a hash; nil where the answer is none.
func pairs(all []string) map[string]string {
	if len(all)%2 != 0 {
		return nil
	}
	fields := map[string]string{}
	for i := 0; i < len(all); i += 2 {
		fields[all[i]] = all[i+1]
	}
	return fields
}

func parseBook(book, version, live, abandoned string) (campaigns.LiveBookState, error) {
	s := campaigns.LiveBookState{Book: book}
	var err error
	if s.Version, err = strconv.ParseInt(version, 10, 64); err != nil {
		return s, fmt.Errorf("book of live answers: %w", err)
	}
	if s.Live, err = strconv.Atoi(live); err != nil {
		return s, fmt.Errorf("book of live answers: %w", err)
	}
	if s.Abandoned, err = strconv.Atoi(abandoned); err != nil {
		return s, fmt.Errorf("book of live answers: %w", err)
	}
	return s, nil
}

// quarters are the counts of a book.
func quarters(fields map[string]string) []campaigns.LiveCount {
	byQuarter := map[int64]campaigns.LiveCount{}
	for field, text := range fields {
		quarter, err := strconv.ParseInt(field[1:], 10, 64)
		n, bad := strconv.Atoi(text)
		if err != nil || bad != nil {
			continue // another field
		}
		q := byQuarter[quarter]
		q.At = time.Unix(0, quarter*int64(campaigns.LiveStep)).UTC()
		if field[0] == 'l' {
			q.Live = n
		} else {
			q.Abandoned = n
		}
		byQuarter[quarter] = q
	}
	var all []campaigns.LiveCount
	for _, q := range byQuarter {
		all = append(all, q)
	}
	slices.SortFunc(all, func(a, b campaigns.LiveCount) int { return a.At.Compare(b.At) })
	return all
}
