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

// replicaCheck is how long it is remembered whether a master has a replica.
const replicaCheck = 5 * time.Second

// replicas remembers which masters have one, so that single servers do not wait.
type replicas struct {
	mu    sync.Mutex
	known map[string]replicaState // by master
}

type replicaState struct {
	has   bool
	until time.Time
}

func (r *replicas) get(master string) (has, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.known[master]
	return s.has, time.Now().Before(s.until)
}

func (r *replicas) set(master string, has bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]replicaState{}
	}
	r.known[master] = replicaState{has, time.Now().Add(replicaCheck)}
}

// forget is for masters that may have been replaced.
func (r *replicas) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.known = nil
}

// hasReplica says whether a master has a replica that can confirm writes: one that
// is still loading cannot.
func (s *Store) hasReplica(ctx context.Context, c *goredis.Conn, ask bool) (bool, error) {
	master := c.String()
	if has, known := s.replicas.get(master); known && !ask {
		return has, nil
	}
	info, err := c.Info(ctx, "replication").Result()
	if err != nil {
		return false, err
	}
	has := strings.Contains(info, "state=online")
	s.replicas.set(master, has)
	return has, nil
}

// replicated waits until a replica has what this connection wrote, where the
// master has one.
func (s *Store) replicated(ctx context.Context, c *goredis.Conn) error {
	if has, err := s.hasReplica(ctx, c, false); err != nil || !has {
		return err
	}
	n, err := c.Wait(ctx, 1, s.options.confirm).Result()
	if err != nil || n > 0 {
		return err
	}
	has, err := s.hasReplica(ctx, c, true)
	if err == nil && has {
		err = ErrNotReplicated
	}
	return err
}
