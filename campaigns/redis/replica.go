package redis

import (
	"context"
	"strings"
	"sync"
	"time"

	goredis "github.com/redis/go-redis/v9"
)

// onMaster does something on one connection to the master that has a key: WAIT
// speaks of the writes of its own connection only.
func (s *Store) onMaster(ctx context.Context, key string, do func(*goredis.Conn) error) error {
	client, single := s.db.(*goredis.Client)
	if !single {
		var err error
		if client, err = s.cluster.MasterForKey(ctx, key); err != nil {
			return err
		}
	}
	conn := client.Conn()
	defer conn.Close()
	err := do(conn)
	if err != nil && !single && (strings.Contains(err.Error(), "MOVED ") || strings.Contains(err.Error(), "ASK ")) {
		s.cluster.ReloadState(ctx)
		return errChanged // the slot went to another master
	}
	return err
}

// replicaCheck is how long it is remembered that a master has no replica.
const replicaCheck = 5 * time.Second

// replicas remembers which masters have none, so that single servers do not wait.
type replicas struct {
	mu    sync.Mutex
	alone map[string]time.Time // by address of the master: until when
}

func (r *replicas) knownAlone(master string) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return time.Now().Before(r.alone[master])
}

func (r *replicas) setAlone(master string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.alone == nil {
		r.alone = map[string]time.Time{}
	}
	r.alone[master] = time.Now().Add(replicaCheck)
}

// replicated waits until a replica has what this connection wrote, where the
// master has one.
func (s *Store) replicated(ctx context.Context, c *goredis.Conn) error {
	master := c.String()
	if s.replicas.knownAlone(master) {
		return nil
	}
	info, err := c.Info(ctx, "replication").Result()
	if err != nil {
		return err
	}
	if !strings.Contains(info, "state=online") { // one that is still loading cannot confirm anything
		s.replicas.setAlone(master)
		return nil
	}
	n, err := c.Wait(ctx, 1, s.options.confirm).Result()
	if err == nil && n == 0 {
		err = ErrNotReplicated
	}
	return err
}
