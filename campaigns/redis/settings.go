package redis

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// SettingError is a setting of Redis under which the store cannot keep its word.
type SettingError struct {
	Server  string
	Setting string // "appendonly"
	Found   string
	Want    string // what to set
	Why     string
}

func (e *SettingError) Error() string {
	return fmt.Sprintf("redis %s: %s is %q, set it to %s: %s", e.Server, e.Setting, e.Found, e.Want, e.Why)
}

const (
	oldestVersion = 7
	// What a page of leads needs to stay one compact block of memory.
	listpackEntries = 128
	listpackValue   = 512
	// mostSkew is how far our clock may be from that of Redis: leases of other
	// nodes are judged by it.
	mostSkew = 2 * time.Second
)

// checkSettings refuses servers that would lose data or use three times the
// memory. What it cannot read (a managed Redis may hide CONFIG) it refuses too,
// unless weaker settings are accepted.
func (s *Store) checkSettings(ctx context.Context) error {
	var mu sync.Mutex
	var all []error
	err := s.onEach(ctx, func(ctx context.Context, c *goredis.Client) error {
		wrong, err := wrongSettings(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, wrong...)
		return err
	})
	if err != nil {
		return err
	}
	if s.options.weaker {
		return nil
	}
	return errors.Join(all...)
}

func wrongSettings(ctx context.Context, c *goredis.Client) ([]error, error) {
	server := c.Options().Addr
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return nil, err
	}
	var wrong []error
	bad := func(setting, found, want, why string) {
		wrong = append(wrong, &SettingError{server, setting, found, want, why})
	}
	version := infoField(info, "redis_version")
	major, _, _ := strings.Cut(version, ".")
	if n, _ := strconv.Atoi(major); n < oldestVersion {
		bad("version", version, fmt.Sprint(oldestVersion, " or newer"), "scripts and listpacks are used as they are since then")
	}
	skew, err := clockSkew(ctx, c)
	if err != nil {
		return nil, err
	}
	if skew.Abs() > mostSkew {
		bad("clock", skew.Round(time.Millisecond).String(), "the time of this machine, by NTP on both", "leases of other nodes are judged by the clock")
	}
	set, err := config(ctx, c)
	if unavailable(err) {
		return nil, err // a server that goes down just then says nothing of its settings
	}
	if err != nil {
		bad("CONFIG GET", err.Error(), "allowed for this user", "nobody knows whether data is kept")
		return wrong, nil
	}
	if set["appendonly"] != "yes" {
		bad("appendonly", set["appendonly"], "yes", "else a restart loses what came since the last snapshot, and leads are dialled again")
	}
	if !slices.Contains([]string{"everysec", "always"}, set["appendfsync"]) {
		bad("appendfsync", set["appendfsync"], "everysec (at most 2 s are lost with the power) or always (nothing is)", "else half a minute may be lost with the power")
	}
	if set["maxmemory-policy"] != "noeviction" {
		bad("maxmemory-policy", set["maxmemory-policy"], "noeviction", "else a full memory deletes leads and locks")
	}
	for name, least := range map[string]int{"hash-max-listpack-entries": listpackEntries, "hash-max-listpack-value": listpackValue} {
		if n, _ := strconv.Atoi(set[name]); n < least {
			bad(name, set[name], fmt.Sprint(least, " or more"), "else a lead takes twice the memory")
		}
	}
	return wrong, nil
}

func config(ctx context.Context, c *goredis.Client) (map[string]string, error) {
	all := map[string]string{}
	for _, name := range []string{"append*", "maxmemory-policy", "hash-max-listpack-*"} {
		some, err := c.ConfigGet(ctx, name).Result()
		if err != nil {
			return nil, err
		}
		for k, v := range some {
			all[k] = v
		}
	}
	return all, nil
}

// clockSkew is how far the clock of Redis is ahead of ours.
func clockSkew(ctx context.Context, c *goredis.Client) (time.Duration, error) {
	before := time.Now()
	theirs, err := c.Time(ctx).Result()
	return theirs.Sub(before.Add(time.Since(before) / 2)), err
}
