package redis

import (
	"maps"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/test/redistest"
)

// scene is a stage before anything is done on it. It is set once, and put up in two
// messages for each of the many hundred times that it is played. It has a server to
// itself.
type scene struct {
	url  string
	db   *goredis.Client
	set  *stage
	kept []keptKey
}

// keptKey is a key as Redis gives and takes it.
type keptKey struct {
	name, dump string
	ttl        time.Duration // 0: for ever
}

func newScene(t *testing.T) *scene {
	t.Helper()
	server := redistest.Start(t)
	s := &scene{url: server.URL(), db: goredis.NewClient(&goredis.Options{Addr: server.Addr})}
	t.Cleanup(func() { _ = s.db.Close() })
	s.set = newStage(t, s.url, sceneSpace)
	names, err := s.db.Keys(t.Context(), "*").Result()
	s.set.ok(err)
	for _, name := range names {
		dump, err := s.db.Dump(t.Context(), name).Result()
		s.set.ok(err)
		ttl, err := s.db.PTTL(t.Context(), name).Result()
		s.set.ok(err)
		s.kept = append(s.kept, keptKey{name, dump, max(0, ttl)})
	}
	s.set.ok(s.set.Close())
	return s
}

const sceneSpace = "scene"

// put gives the stage to a process that knows what the one that set it knew. All that
// were there before must be closed.
func (s *scene) put(t *testing.T) *stage {
	t.Helper()
	_, err := s.db.Pipelined(t.Context(), func(p goredis.Pipeliner) error {
		p.FlushAll(t.Context())
		for _, k := range s.kept {
			p.Restore(t.Context(), k.name, k.ttl, k.dump)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	x := *s.set
	x.t, x.Store, x.claims = t, s.open(t), maps.Clone(s.set.claims)
	x.plans.Store(s.set.plans.Load())
	for shard, known := range s.set.words {
		for word, n := range known.numbers {
			x.words[shard].add(word, n)
		}
	}
	return &x
}

// open is another process, which knows nothing yet.
func (s *scene) open(t *testing.T) *Store {
	t.Helper()
	return openTest(t, s.url, WithNamespace(sceneSpace))
}
