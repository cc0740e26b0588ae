package doctor

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns/redis"
)

const (
	// littleSpace is what a day of calls with recordings may need.
	littleSpace = 1 << 30
	// slowSync is a disk on which the writes of a busy second do not fit in one.
	slowSync  = 50 * time.Millisecond
	syncTries = 7
)

// checkStore looks at what keeps an acknowledged write: the disk of SQLite, the
// settings of Redis.
func (e *examination) checkStore(ctx context.Context) {
	e.checkDisk(e.cfg.DataDir, "data_dir")
	if e.cfg.Store.Redis() {
		e.checkRedis(ctx)
		return
	}
	if dir := filepath.Dir(e.StoreFile); dir != filepath.Clean(e.cfg.DataDir) {
		e.checkDisk(dir, "store.url")
	}
	e.checkSQLite(e.StoreFile)
}

// nearest is the path, or of what is there on the way to it the last.
func nearest(path string) string {
	for {
		if _, err := os.Stat(path); err == nil || path == filepath.Dir(path) {
			return path
		}
		path = filepath.Dir(path)
	}
}

// unfit says why a store must not be on a kind of file system.
var unfit = map[string]string{
	"tmpfs": "it is gone when the machine restarts", "ramfs": "it is gone when the machine restarts",
	"nfs": "locks and shared memory of SQLite do not work over a network", "cifs": "locks and shared memory of SQLite do not work over a network",
	"smb": "locks and shared memory of SQLite do not work over a network", "smb2": "locks and shared memory of SQLite do not work over a network",
	"9p": "locks and shared memory of SQLite do not work over a network",
}

func (e *examination) checkDisk(path, key string) {
	at := nearest(path)
	kind, free, err := fileSystem(at)
	if err != nil {
		e.fail(CheckStore, path, "see that the folder can be reached ("+key+")", "%v", err)
		return
	}
	switch why := unfit[kind]; {
	case why != "":
		e.fail(CheckStore, path, "put "+key+" on a disk of this machine", "it is on %s: %s", kind, why)
	case kind == "overlay":
		e.warn(CheckStore, path, "mount a volume there", "it is inside a container's own layer (overlay), which goes with the container (%s)", key)
	case free < littleSpace:
		e.warn(CheckStore, path, "free some, or move "+key, "only %d MB are free", free>>20)
	}
	e.checkSync(at, path, key)
}

// checkSync measures how long a small write takes to be safe.
func (e *examination) checkSync(dir, subject, key string) {
	took, err := syncTimes(dir)
	if err != nil {
		e.fail(CheckStore, subject, "give the product's user the right to write there ("+key+")", "nothing can be written: %v", err)
		return
	}
	median := took[len(took)/2]
	f := Finding{Check: CheckStore, Subject: subject, Verdict: OK, Figures: map[string]float64{"sync_ms": milliseconds(median)}}
	f.Cause = fmt.Sprintf("a small write is safe after %v (median of %d)", median.Round(100*time.Microsecond), len(took))
	if median > slowSync {
		f.Verdict, f.Next = Warn, "use a faster disk for "+key+": calls wait for it before they are placed"
	}
	e.tell(f)
}

func syncTimes(dir string) (took []time.Duration, err error) {
	file, err := os.CreateTemp(dir, ".outpace-doctor-*")
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, file.Close(), os.Remove(file.Name())) }()
	for range syncTries {
		began := time.Now()
		if _, err := file.Write(make([]byte, 4096)); err != nil {
			return nil, err
		}
		if err := file.Sync(); err != nil {
			return nil, err
		}
		took = append(took, time.Since(began))
	}
	slices.Sort(took)
	return took, nil
}

// checkSQLite reads the head of the file (SQLite file format, section 1.3): it does
// not open the database, which the product may have.
func (e *examination) checkSQLite(path string) {
	head := make([]byte, 100)
	file, err := os.Open(path)
	if errors.Is(err, os.ErrNotExist) {
		e.ok(CheckStore, path, "not there yet: the first start makes it, with write-ahead log and synchronous=FULL")
		return
	}
	if err == nil {
		defer func() { _ = file.Close() }()
		_, err = io.ReadFull(file, head)
	}
	const restore = "put the last copy back with `outpace store restore FILE`"
	switch {
	case err != nil:
		e.fail(CheckStore, path, "see that it can be read, or "+restore, "%v", err)
	case !bytes.HasPrefix(head, []byte("SQLite format 3\x00")):
		e.fail(CheckStore, path, restore, "it is no database of SQLite")
	case head[18] != 2 || head[19] != 2:
		e.warn(CheckStore, path, "start the product once: it sets the write-ahead log", "it has no write-ahead log")
	default:
		e.ok(CheckStore, path, "it has a write-ahead log; the product writes with synchronous=FULL, so what it acknowledged survives a power cut")
	}
}

func (e *examination) checkRedis(ctx context.Context) {
	servers, err := redis.Inspect(ctx, e.cfg.Store.URL)
	if err != nil {
		e.fail(CheckStore, "redis", "see that store.url is right, and that Redis runs and lets this machine in", "%v", err)
		return
	}
	for _, h := range servers {
		for _, wrong := range h.Wrong {
			e.wrongSetting(h, wrong)
		}
		e.checkDurability(h)
		e.checkRedisClock(h.Server, h.Skew)
	}
}

func (e *examination) wrongSetting(h redis.Health, wrong error) {
	f := Finding{Check: CheckStore, Subject: "redis " + h.Server, Verdict: Fail, Cause: wrong.Error(), Next: "see to it: the product does not start"}
	if s, ok := errors.AsType[*redis.SettingError](wrong); ok {
		f.Cause = fmt.Sprintf("%s is %q: %s", s.Setting, s.Found, s.Why)
		f.Next = fmt.Sprintf("set %s to %s: the product does not start before", s.Setting, s.Want)
	}
	if e.cfg.Store.AcceptWeakerSettings {
		f.Verdict, f.Next = Warn, "set it all the same: store.accept_weaker_settings lets the product start and lose what it acknowledged"
	}
	e.tell(f)
}

// checkDurability says what a death of the server may cost.
func (e *examination) checkDurability(h redis.Health) {
	subject := "redis " + h.Server
	switch {
	case h.Replica:
		e.fail(CheckStore, subject, "name the master in store.url, or every node of the cluster", "it is a replica: nothing can be written to it")
	case h.AppendFsync == "always":
		e.ok(CheckStore, subject, "version %s, appendfsync always: it loses nothing that it acknowledged; %d replicas", h.Version, h.Replicas)
	case h.Replicas > 0:
		e.ok(CheckStore, subject, "version %s, appendfsync %s: each write waits (WAIT) for one of %d replicas", h.Version, cmp.Or(h.AppendFsync, "hidden"), h.Replicas)
	default:
		e.warn(CheckStore, subject, "set appendfsync to always, or give it a replica",
			"version %s, appendfsync %s and no replica: up to 2 s are lost with the server, and people who were called in them may be called again", h.Version, cmp.Or(h.AppendFsync, "hidden"))
	}
}
