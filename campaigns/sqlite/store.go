// Package sqlite keeps leads, queues and attempts in one SQLite file: the
// default store, with no server to install. It implements campaigns.Store and
// campaigns.Records. It is not for several machines: a second process that writes
// the same file is refused. One may read beside the first (OpenBeside).
//
// One goroutine writes. It gathers the requests that wait, runs them in one
// transaction (each in a savepoint where one of them fails), commits them together
// (one flush to disk for all), then answers all. So what is acknowledged is durable
// (WAL, synchronous=FULL), and a thousand waiting callers cost little more than one.
// Long work, such as an import, writes while the next calls gather, and shares their
// commits. Reads go past the writer on connections of their own.
//
// What that is worth: kill -9 and, where the disk keeps what it says it flushed,
// a power cut lose nothing acknowledged. A full disk refuses writes and is over
// when there is room again. Damage to the structure of the file is found when it
// is opened with WithCheck; SQLite has no checksums, so a bit that flips inside a
// text is not. Copies are made with Backup while the store is in use; what was
// dialled since a copy was made is told by campaigns/journal.
//
// What it costs, by `make bench` on two cores that others used at times: a claim of 100
// takes 117, 102, 102 and 134 µs a lead at 10 thousand, 100 thousand, a million and 10
// million leads, 1.15 times as much at the most as at the fewest (most of it is the
// flush). A lead without custom fields, with two numbers and in one campaign, takes 243 to 268
// bytes of the file, 73 of them the row and 85 its numbers and their index; a store of
// before schema 8 keeps its size, and fills the room that became free. `outpace leads
// import` writes 22,000 to 25,000 of 200,000 rows a second where little else runs,
// 18,600 of a million, and 14,000 where others want the two cores. Beside a hundred
// calls a second an import writes some 1,000 leads a second. While a million went in so
// (OUTPACE_BENCH_IMPORT=1000000, 22 minutes, a quarter of it without the import) half of the
// claims took 15.2 ms in place of 14.9, nine in ten 18.2 in place of 17.1 and ninety-nine in
// a hundred 23.3 in place of 21.1.
//
//	Begin, End, Claim ... ─► requests ─► writer: BEGIN, writes, COMMIT ─► answers
//	                                      log ─► checkpoints ─► file
//	Queues, Lead, Attempts ... ─► readers
package sqlite

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"sync"
	"time"

	_ "modernc.org/sqlite" // the driver, pure Go

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/background"
)

// ErrClosed means that the store was closed.
var ErrClosed = errors.New("sqlite: store is closed")

// Store is one SQLite file. Use Open.
type Store struct {
	path            string
	checkpointEvery time.Duration
	lock            *os.File // nil: it is read beside another process
	writeDB         *sql.DB  // nil like lock, and checkDB and requests
	readDB          *sql.DB
	checkDB         *sql.DB // copies the log into the file
	read            *statements
	check           *statements // of checkDB
	stats           *campaigns.Operations

	sending    sync.RWMutex // held while a request is handed over; closed is under it
	closed     bool
	requests   chan *request
	written    sync.WaitGroup
	checked    sync.WaitGroup // the emptying of the log, until stopChecks
	stopChecks context.CancelFunc
	emptying   sync.RWMutex // held while it is emptied beside calls
	jobs       *background.Jobs
}

var (
	_ campaigns.Store     = (*Store)(nil)
	_ campaigns.Records   = (*Store)(nil)
	_ campaigns.Rebuilder = (*Store)(nil)
)

// Option changes how a store is opened.
type Option func(*options)

type options struct {
	readers    int
	check      bool
	checkpoint time.Duration
}

// WithReaders sets how many read connections there are; default 4.
func WithReaders(n int) Option { return func(o *options) { o.readers = max(n, 1) } }

// WithCheckpointEvery sets how often the log is looked at to copy it into the file;
// default 100 ms.
func WithCheckpointEvery(d time.Duration) Option { return func(o *options) { o.checkpoint = d } }

// WithCheck reads the whole file at the start and refuses one that is damaged
// (*DamagedError).
func WithCheck() Option { return func(o *options) { o.check = true } }

// Open opens the store in the file at path, creating it where there is none,
// and brings its tables up to date. The error is a *InUseError where another
// process has it, a *NewerError where a later version of the product wrote it.
func Open(ctx context.Context, path string, opts ...Option) (*Store, error) {
	o := options{readers: 4, checkpoint: checkpointEvery}
	for _, opt := range opts {
		opt(&o)
	}
	lock, err := lockFile(path + ".lock")
	if err != nil {
		return nil, err
	}
	if err := makePrivate(path); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), lock.Close())
	}
	s := &Store{path: path, checkpointEvery: o.checkpoint, lock: lock, stats: &campaigns.Operations{}, requests: make(chan *request, maxGroup), jobs: background.New(rebuildAgain)}
	if err := s.open(ctx, o); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), s.release())
	}
	if err := s.finishRebuilds(ctx); err != nil {
		return nil, errors.Join(fmt.Errorf("open store %s: %w", path, err), s.Close())
	}
	return s, nil
}

// makePrivate makes the file where there is none, for us alone: it holds people's data.
// SQLite gives its log and the log's index the rights of the file.
func makePrivate(path string) error {
	made, err := os.OpenFile(path, os.O_WRONLY|os.O_CREATE|os.O_EXCL, 0o600)
	if errors.Is(err, os.ErrExist) {
		return nil
	}
	if err != nil {
		return err
	}
	return made.Close()
}

func (s *Store) open(ctx context.Context, o options) error {
	var err error
	s.writeDB, err = sql.Open("sqlite", dataSource(s.path, "journal_mode(WAL)", "synchronous(FULL)", "foreign_keys(ON)",
		"journal_size_limit(67108864)", "wal_autocheckpoint(0)", "cache_size(-65536)"))
	if err != nil {
		return err
	}
	s.writeDB.SetMaxOpenConns(1)
	if o.check { // before anything is written to it
		if err := check(ctx, s.writeDB, s.path); err != nil {
			return err
		}
	}
	if err := migrate(ctx, s.writeDB); err != nil {
		return damage(s.path, err)
	}
	s.readDB, err = sql.Open("sqlite", dataSource(s.path, "query_only(ON)", "cache_size(-16384)"))
	if err != nil {
		return err
	}
	s.checkDB, err = sql.Open("sqlite", dataSource(s.path, "synchronous(FULL)", "wal_autocheckpoint(0)"))
	if err != nil {
		return err
	}
	s.checkDB.SetMaxOpenConns(1)
	s.check = newStatements(s.checkDB, newWords())
	s.readDB.SetMaxOpenConns(o.readers)
	s.readDB.SetMaxIdleConns(o.readers)
	s.read = newStatements(s.readDB, newWords())
	conn, err := s.writeDB.Conn(ctx)
	if err != nil {
		return err
	}
	w := newWriter(conn, s.stats)
	s.written.Go(func() { w.run(s.requests) })
	var checking context.Context
	checking, s.stopChecks = context.WithCancel(context.WithoutCancel(ctx))
	s.checked.Go(func() { s.checkpoints(checking, w) })
	return nil
}

// dataSource names the file and what each of its connections sets.
func dataSource(path string, pragmas ...string) string {
	q := url.Values{"_pragma": append([]string{"busy_timeout(5000)", "trusted_schema(OFF)"}, pragmas...)}
	return (&url.URL{Scheme: "file", Opaque: (&url.URL{Path: path}).EscapedPath(), RawQuery: q.Encode()}).String()
}

// Ping says whether the store can read and write.
func (s *Store) Ping(ctx context.Context) error {
	var one int
	if err := s.readDB.QueryRowContext(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("ping: %w", err)
	}
	return s.write(ctx, "ping", func(*writer) error { return nil })
}

// Stats returns what was done so far and how big the file is.
func (s *Store) Stats(ctx context.Context) (campaigns.StoreStats, error) {
	var pages, pageSize int64
	if err := s.readDB.QueryRowContext(ctx, "PRAGMA page_count").Scan(&pages); err != nil {
		return campaigns.StoreStats{}, fmt.Errorf("size of store: %w", err)
	}
	if err := s.readDB.QueryRowContext(ctx, "PRAGMA page_size").Scan(&pageSize); err != nil {
		return campaigns.StoreStats{}, fmt.Errorf("size of store: %w", err)
	}
	return campaigns.StoreStats{Kind: "sqlite", Operations: s.stats.Snapshot(), Size: pages * pageSize}, nil
}

// Close finishes the writes that wait and closes the file. Later calls of any
// method give ErrClosed; closing twice is harmless.
func (s *Store) Close() error {
	s.jobs.Close()
	s.stopChecks()
	s.checked.Wait()
	s.sending.Lock()
	already := s.closed
	if !already {
		s.closed = true
		if s.requests != nil {
			close(s.requests)
		}
	}
	s.sending.Unlock()
	s.written.Wait()
	if already {
		return nil
	}
	return s.release()
}

func (s *Store) release() error {
	var errs []error
	for _, prepared := range []*statements{s.read, s.check} {
		if prepared != nil {
			prepared.close()
		}
	}
	for _, db := range []*sql.DB{s.checkDB, s.readDB, s.writeDB} {
		if db != nil {
			errs = append(errs, db.Close())
		}
	}
	if s.lock != nil {
		errs = append(errs, s.lock.Close())
	}
	return errors.Join(errs...)
}

// stamp gives the form in which a time is kept.
func stamp(t time.Time) int64 {
	if t.IsZero() {
		return 0
	}
	return t.UnixNano()
}

// moment reads what stamp made.
func moment(ns int64) time.Time {
	if ns == 0 {
		return time.Time{}
	}
	return time.Unix(0, ns).UTC()
}
