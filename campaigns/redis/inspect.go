package redis

import (
	"context"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// Health is what one server of Redis says of itself.
type Health struct {
	Server      string
	Version     string
	Skew        time.Duration // its clock ahead of ours
	AppendFsync string        // "" where CONFIG GET is not allowed
	Replica     bool          // it is one: its master is asked, not it
	Replicas    int           // that are online; WAIT waits for one of them
	Wrong       []error       // what Open refuses, each a *SettingError
}

// Inspect asks each server of a store about the settings that Open checks. It
// writes nothing and needs no store to be there.
func Inspect(ctx context.Context, url string) ([]Health, error) {
	s := &Store{options: options{timeout: 5 * time.Second}, keys: keys{space: "outpace"}}
	ctx, cancel := s.within(ctx)
	defer cancel()
	defer func() {
		if s.db != nil {
			_ = s.db.Close()
		}
	}()
	if err := s.connect(ctx, url); err != nil {
		return nil, explain("inspect store", err)
	}
	var mu sync.Mutex
	var all []Health
	err := s.onEach(ctx, func(ctx context.Context, c *goredis.Client) error {
		h, err := healthOf(ctx, c)
		mu.Lock()
		defer mu.Unlock()
		all = append(all, h)
		return err
	})
	return all, explain("inspect store", err)
}

func healthOf(ctx context.Context, c *goredis.Client) (Health, error) {
	h := Health{Server: c.Options().Addr}
	info, err := c.Info(ctx, "server").Result()
	if err != nil {
		return h, err
	}
	h.Version = infoField(info, "redis_version")
	if info, err = c.Info(ctx, "replication").Result(); err != nil {
		return h, err
	}
	h.Replica = infoField(info, "role") == "slave"
	h.Replicas = strings.Count(info, "state=online")
	if h.Skew, err = clockSkew(ctx, c); err != nil {
		return h, err
	}
	if set, err := config(ctx, c); err == nil {
		h.AppendFsync = set["appendfsync"]
	}
	h.Wrong, err = wrongSettings(ctx, c)
	return h, err
}
