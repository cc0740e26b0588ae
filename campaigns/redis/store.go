package redis

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	goredis "github.com/redis/go-redis/v9"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/background"
)

// Store is a lead store on Redis. Use Open.
type Store struct {
	db      goredis.UniversalClient
	cluster *goredis.ClusterClient // nil on a single server
	keys    keys
	options options
	stats   *campaigns.Operations

	words []*dictionary         // by shard
	plans atomic.Pointer[plans] // nil: to be read
	stale atomic.Bool           // our copies of words and plans are out of date

	replicas replicas

	jobs    *background.Jobs
	seen    sync.Map     // campaign → page that a rebuild of it had come to when we last looked
	running sync.RWMutex // held while an operation runs; closed is under it
	closed  bool
}

var (
	_ campaigns.Store     = (*Store)(nil)
	_ campaigns.Records   = (*Store)(nil)
	_ campaigns.Rebuilder = (*Store)(nil)
)

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	space      string
	shards     int
	timeout    time.Duration
	weaker     bool
	confirm    time.Duration // how long a replica may take
	alone      time.Duration // see aloneAfter
	politeness time.Duration // see freeNumber
	misplaced  time.Duration // see claimPlaced
}

// WithNamespace sets the first part of every key, so that several stores can
// share a Redis; default "outpace".
func WithNamespace(name string) Option { return func(o *options) { o.space = name } }

// WithShards sets over how many slots a new store is spread; default 1 on a
// single server and 16 on a cluster. It cannot be changed later: a store that
// exists keeps what it has.
func WithShards(n int) Option { return func(o *options) { o.shards = max(n, 1) } }

// WithTimeout sets how long an operation may take whose context has no earlier
// deadline; default 5 s.
func WithTimeout(d time.Duration) Option { return func(o *options) { o.timeout = d } }

// AcceptWeakerSettings opens the store even if Redis is not set up to keep what
// it acknowledged. See the package comment for what may then be lost.
func AcceptWeakerSettings() Option { return func(o *options) { o.weaker = true } }

// Open opens the store at a URL: redis://user:password@host:port/0, rediss:// for
// TLS. Where the server is part of a cluster, it is used as such, and further
// nodes may be named as addr=host:port in the query. The error is a *SettingError
// for each setting under which Redis would lose data.
func Open(ctx context.Context, url string, opts ...Option) (*Store, error) {
	o := options{space: "outpace", timeout: 5 * time.Second, confirm: 500 * time.Millisecond, alone: aloneAfter, politeness: 10 * time.Second, misplaced: misplacedFor}
	for _, opt := range opts {
		opt(&o)
	}
	if strings.ContainsAny(o.space, "{}") || o.space == "" {
		return nil, fmt.Errorf("open store: %q is not a namespace", o.space)
	}
	s := &Store{options: o, stats: &campaigns.Operations{}, keys: keys{space: o.space}, jobs: background.New(time.Second)}
	ctx, cancel := s.within(ctx)
	defer cancel()
	if err := s.open(ctx, url); err != nil {
		return nil, errors.Join(explain("open store", err), s.Close())
	}
	return s, nil
}

func (s *Store) open(ctx context.Context, url string) error {
	if err := s.connect(ctx, url); err != nil {
		return err
	}
	if err := s.checkSettings(ctx); err != nil {
		return err
	}
	if err := s.readLayout(ctx); err != nil {
		return err
	}
	for range s.keys.shards {
		s.words = append(s.words, &dictionary{})
	}
	return s.finishRebuilds(ctx)
}

// connect opens connections: first to the one server, then, where that is part of
// a cluster, to all. The client sends nothing twice by itself: after a reply that
// was lost, it is the operation that looks what became of it.
func (s *Store) connect(ctx context.Context, url string) error {
	goredis.SetLogger(silence{})
	many, err := goredis.ParseClusterURL(url)
	if err != nil {
		return err
	}
	one, err := goredis.ParseURL(withoutAddr(url))
	if err != nil {
		return err
	}
	one.DialTimeout, one.ReadTimeout, one.WriteTimeout, one.PoolTimeout = time.Second, 2*time.Second, 2*time.Second, 2*time.Second
	one.MaxRetries, one.DialerRetries, one.ContextTimeoutEnabled, one.Protocol, one.DisableIdentity = -1, 1, true, 2, true
	single := goredis.NewClient(one)
	s.db = single
	info, err := single.Info(ctx, "cluster").Result()
	if err != nil {
		return err
	}
	if !strings.Contains(info, "cluster_enabled:1") {
		return nil
	}
	many.DialTimeout, many.ReadTimeout, many.WriteTimeout, many.PoolTimeout = time.Second, 2*time.Second, 2*time.Second, 2*time.Second
	many.MaxRetries, many.DialerRetries, many.ContextTimeoutEnabled, many.Protocol, many.DisableIdentity = -1, 1, true, 2, true
	many.ClusterStateReloadInterval = 5 * time.Second // a failover is noticed by its errors before
	s.cluster = goredis.NewClusterClient(many)
	s.db = s.cluster
	return single.Close()
}

// withoutAddr drops the further nodes, which only the cluster client knows.
func withoutAddr(url string) string {
	before, query, found := strings.Cut(url, "?")
	if !found {
		return url
	}
	var kept []string
	for part := range strings.SplitSeq(query, "&") {
		if !strings.HasPrefix(part, "addr=") {
			kept = append(kept, part)
		}
	}
	return strings.TrimSuffix(before+"?"+strings.Join(kept, "&"), "?")
}

// layoutVersion is the form of what is kept. A newer one is refused.
const layoutVersion = "1"

// readLayout reads over how many shards the store is spread, deciding it where
// the store is new.
func (s *Store) readLayout(ctx context.Context) error {
	shards := s.options.shards
	if shards == 0 {
		shards = 1
		if s.cluster != nil {
			shards = 16
		}
	}
	key := s.keys.general() + "layout"
	if err := s.db.HSetNX(ctx, key, "shards", shards).Err(); err != nil {
		return err
	}
	if err := s.db.HSetNX(ctx, key, "version", layoutVersion).Err(); err != nil {
		return err
	}
	kept, err := s.db.HMGet(ctx, key, "shards", "version").Result()
	if err != nil {
		return err
	}
	if kept[1] != layoutVersion {
		return fmt.Errorf("the store was written by another version of outpace: layout %v, not %s", kept[1], layoutVersion)
	}
	text, _ := kept[0].(string) // written above
	s.keys.shards, err = strconv.Atoi(text)
	return err
}

// within bounds an operation that nobody else bounds.
func (s *Store) within(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeoutCause(ctx, s.options.timeout, fmt.Errorf("%w: no answer within %v: %w", ErrUnavailable, s.options.timeout, context.DeadlineExceeded))
}

// do runs an operation and counts it.
func (s *Store) do(ctx context.Context, name string, operation func(context.Context) error) error {
	ctx, cancel := s.within(ctx)
	defer cancel()
	return s.doLong(ctx, name, operation)
}

// doLong is do without a bound of ours on the whole, for work over many leads or
// attempts. Each message to Redis is bounded by the client all the same.
func (s *Store) doLong(ctx context.Context, name string, operation func(context.Context) error) error {
	start := time.Now()
	err := context.Cause(ctx)
	if err == nil {
		err = s.whileOpen(ctx, operation)
	}
	if err != nil && unavailable(err) {
		s.stale.Store(true) // another master may answer next time, with other data
		if s.cluster != nil {
			s.cluster.ReloadState(ctx) // in the background: who has the slots now?
		}
	}
	err = explain(name, err)
	s.stats.Add(name, time.Since(start), err)
	return err
}

func (s *Store) whileOpen(ctx context.Context, operation func(context.Context) error) error {
	s.running.RLock()
	defer s.running.RUnlock()
	if s.closed {
		return ErrClosed
	}
	if s.stale.Load() {
		if err := s.refresh(ctx); err != nil {
			return err
		}
	}
	return operation(ctx)
}

// Ping says whether the store can read and write, on every master.
func (s *Store) Ping(ctx context.Context) error {
	return s.do(ctx, "ping", func(ctx context.Context) error {
		return s.onEach(ctx, func(ctx context.Context, c *goredis.Client) error { return c.Ping(ctx).Err() })
	})
}

// onEach does something on the server, or on each master of the cluster.
func (s *Store) onEach(ctx context.Context, do func(context.Context, *goredis.Client) error) error {
	if s.cluster != nil {
		return s.cluster.ForEachMaster(ctx, do)
	}
	return do(ctx, s.db.(*goredis.Client))
}

// eachShard does something in every shard of leads, several at a time.
func (s *Store) eachShard(ctx context.Context, do func(context.Context, int) error) error {
	if s.keys.shards == 1 {
		return do(ctx, 0)
	}
	group, ctx := errgroup.WithContext(ctx)
	group.SetLimit(atOnce)
	for shard := range s.keys.shards {
		group.Go(func() error { return do(ctx, shard) })
	}
	return group.Wait()
}

// readMany sends reads together. That something is not there is no error; but an
// error of any of them is, also behind one that found nothing.
func (s *Store) readMany(ctx context.Context, add func(goredis.Pipeliner) error) ([]goredis.Cmder, error) {
	cmds, err := s.db.Pipelined(ctx, add)
	if err == nil {
		return cmds, nil
	}
	for _, cmd := range cmds {
		if err := cmd.Err(); err != nil && !errors.Is(err, goredis.Nil) {
			return nil, err
		}
	}
	if !errors.Is(err, goredis.Nil) {
		return nil, err
	}
	return cmds, nil
}

// Stats returns what was done so far and how big the append-only files are.
func (s *Store) Stats(ctx context.Context) (campaigns.StoreStats, error) {
	var size atomic.Int64
	err := s.do(ctx, "stats", func(ctx context.Context) error {
		return s.onEach(ctx, func(ctx context.Context, c *goredis.Client) error {
			info, err := c.Info(ctx, "persistence").Result()
			n, _ := strconv.ParseInt(infoField(info, "aof_current_size"), 10, 64) // missing without an append-only file
			size.Add(n)
			return err
		})
	})
	return campaigns.StoreStats{Kind: "redis", Operations: s.stats.Snapshot(), Size: size.Load()}, err
}

// infoField reads a line of INFO; "" where there is none.
func infoField(info, name string) string {
	for line := range strings.Lines(info) {
		if value, ok := strings.CutPrefix(strings.TrimSpace(line), name+":"); ok {
			return value
		}
	}
	return ""
}

// Close waits for the operations that run and closes the connections. Later
// calls of any method give ErrClosed; closing twice is harmless.
func (s *Store) Close() error {
	s.jobs.Close()
	s.running.Lock()
	defer s.running.Unlock()
	if s.closed || s.db == nil {
		return nil
	}
	s.closed = true
	return s.db.Close()
}

// silence keeps the client from writing to standard error: what it says there, it
// returns as well.
type silence struct{}

func (silence) Printf(context.Context, string, ...any) {}
