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

const (
	// replicaCheck is how long it is remembered whether a master has a replica.
	replicaCheck = 5 * time.Second
	// aloneAfter is how long a master that had a replica must be without one before it is
	// taken to be alone for good. Until then its replica may be one that a partition keeps
	// from it, and may be the master that others dial by.
	aloneAfter = time.Minute
)

// replicas remembers which masters have one, so that single servers do not wait.
type replicas struct {
	mu    sync.Mutex
	known map[string]replicaState // by master
}

type replicaState struct {
	history string    // master_replid: another one where it became master anew
	has     bool      // or had until aloneAfter ago
	missed  time.Time // since when there is none, of what has one; zero while there is
	until   time.Time // when to ask again
}

func (r *replicas) get(master string) (has, known bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	s := r.known[master]
	return s.has, time.Now().Before(s.until)
}

// saw notes what a master said of its replicas, and returns whether one must confirm.
func (r *replicas) saw(master, history string, online bool, alone time.Duration) (has bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.known == nil {
		r.known = map[string]replicaState{}
	}
	now := time.Now()
	s := replicaState{history: history, has: online, until: now.Add(replicaCheck)}
	if before := r.known[master]; !online && before.has && before.history == history {
		if s.missed = before.missed; s.missed.IsZero() {
			s.missed = now
		}
		s.has = now.Before(s.missed.Add(alone))
	}
	r.known[master] = s
	return s.has
}

// forget has masters asked again that may have been replaced. That they had a replica
// is not forgotten.
func (r *replicas) forget() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for master, s := range r.known {
		s.until = time.Time{}
		r.known[master] = s
	}
}

// hasReplica says whether a master has a replica that is to confirm writes, or had one
// until a moment ago. One that is still loading cannot confirm.
func (s *Store) hasReplica(ctx context.Context, c *goredis.Conn, ask bool) (bool, error) {
	master := c.String()
	if has, known := s.replicas.get(master); known && !ask {
		return has, nil
	}
	info, err := c.Info(ctx, "replication").Result()
	if err != nil {
		return false, err
	}
	online := strings.Contains(info, "state=online")
	return s.replicas.saw(master, infoField(info, "master_replid"), online, s.options.alone), nil
}

// replicated waits until a replica has what this connection wrote, where the
// master has one, or had.
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
