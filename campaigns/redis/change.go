package redis

import (
	"context"
	"errors"
	"math/rand/v2"
	"slices"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// errChanged means that what a change was worked out from is no longer so: read
// again and work it out anew.
var errChanged = errors.New("redis: changed meanwhile")

// change is one atomic step: what must still be so, and what is then done. All
// its keys carry the same hash tag.
type change struct {
	keys   []string
	checks []any
	of     []string // key of each check
	acts   []any
}

func (c *change) key(k string) {
	if !slices.Contains(c.keys, k) {
		c.keys = append(c.keys, k)
	}
}

// must makes the change depend on the value of a field ("" where there is none).
func (c *change) must(key, field, value string) {
	c.key(key)
	c.of = append(c.of, key)
	c.checks = append(c.checks, key, field, value)
}

// mustBe makes the change depend on the value of a string key.
func (c *change) mustBe(key, value string) { c.must(key, "", value) }

// do adds a command; its first argument is the key.
func (c *change) do(command, key string, args ...any) {
	c.key(key)
	c.acts = append(c.acts, len(args)+2, command, key)
	c.acts = append(c.acts, args...)
}

// commit makes a change, or gives errChanged and the key that was in the way.
func (c *change) commit(ctx context.Context, on goredis.Scripter) (inTheWay string, err error) {
	args := append(append([]any{len(c.of)}, c.checks...), c.acts...)
	failed, err := scripts.commit.Run(ctx, on, c.keys, args...).Int()
	if err != nil || failed == 0 {
		return "", err
	}
	return c.of[failed-1], errChanged
}

// retry does a step until nothing came in between.
func (s *Store) retry(ctx context.Context, step func() error) error {
	for try := 0; ; try++ {
		err := step()
		if !errors.Is(err, errChanged) {
			return err
		}
		if err := s.refresh(ctx); err != nil {
			return err
		}
		if try < 2 {
			continue
		}
		pause := time.NewTimer(rand.N(time.Duration(min(try, 20)) * time.Millisecond))
		select {
		case <-pause.C:
		case <-ctx.Done():
			pause.Stop()
			return context.Cause(ctx)
		}
	}
}
