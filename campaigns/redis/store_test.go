package redis

import (
	"errors"
	"io"
	"net"
	"strings"
	"testing"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

func TestSettingsAreChecked(t *testing.T) {
	cases := []struct {
		set     []string
		setting string // "" where it is fine
		found   string
	}{
		{nil, "", ""},
		{[]string{"--appendfsync", "always"}, "", ""},
		{[]string{"--appendonly", "no"}, "appendonly", "no"},
		{[]string{"--appendfsync", "no"}, "appendfsync", "no"},
		{[]string{"--maxmemory-policy", "allkeys-lru"}, "maxmemory-policy", "allkeys-lru"},
		{[]string{"--hash-max-listpack-value", "64"}, "hash-max-listpack-value", "64"},
		{[]string{"--hash-max-listpack-entries", "16"}, "hash-max-listpack-entries", "16"},
	}
	for _, c := range cases {
		t.Run(strings.Join(c.set, " "), func(t *testing.T) {
			server := redistest.Start(t, c.set...)
			s, err := Open(t.Context(), server.URL())
			if c.setting == "" {
				if err != nil {
					t.Fatal(err)
				}
				if err := s.Close(); err != nil {
					t.Error(err)
				}
				return
			}
			wrong, ok := errors.AsType[*SettingError](err)
			if !ok || wrong.Setting != c.setting || wrong.Found != c.found || wrong.Server != server.Addr || wrong.Want == "" {
				t.Fatalf("open: %v, want %s %q refused", err, c.setting, c.found)
			}
			openTest(t, server.URL(), AcceptWeakerSettings())
		})
	}
}

// A server that goes down while its settings are read is not blamed for them.
func TestGoneAmidSettings(t *testing.T) {
	server := redistest.Start(t)
	cut := cutAt(t, server.Addr, "config")
	if _, err := Open(t.Context(), "redis://"+cut+"/0"); !errors.Is(err, ErrUnavailable) {
		t.Errorf("open: %v, want ErrUnavailable", err)
	}
}

// cutAt passes connections on to a server, each until its client says a word, and
// returns where it listens.
func cutAt(t *testing.T, server, word string) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = l.Close() })
	go func() { // ends with the listener
		for {
			client, err := l.Accept()
			if err != nil {
				return
			}
			go passUntil(client, server, word)
		}
	}()
	return l.Addr().String()
}

func passUntil(client net.Conn, server, word string) {
	defer client.Close()
	to, err := net.Dial("tcp", server)
	if err != nil {
		return
	}
	defer to.Close()
	go func() { _, _ = io.Copy(client, to) }() // ends with the connection
	said := make([]byte, 4096)
	for {
		n, err := client.Read(said)
		if err != nil || strings.Contains(strings.ToLower(string(said[:n])), word) {
			return
		}
		if _, err := to.Write(said[:n]); err != nil {
			return
		}
	}
}

func TestOtherLayoutIsRefused(t *testing.T) {
	url := redistest.Start(t).URL()
	s := openTest(t, url, WithShards(3))
	if again := openTest(t, url, WithShards(7)); again.keys.shards != 3 {
		t.Errorf("a store of 3 shards is opened with %d", again.keys.shards)
	}
	if err := s.db.HSet(t.Context(), s.keys.general()+"layout", "version", "99").Err(); err != nil {
		t.Fatal(err)
	}
	if _, err := Open(t.Context(), url); err == nil || !strings.Contains(err.Error(), "layout 99") {
		t.Errorf("open a store of a newer version: %v", err)
	}
	for _, bad := range []string{"", "a{b"} {
		if _, err := Open(t.Context(), url, WithNamespace(bad)); err == nil {
			t.Errorf("namespace %q is taken", bad)
		}
	}
}

// Nothing hangs on a Redis that is gone, and it goes on when it is back.
func TestRedisGone(t *testing.T) {
	server := redistest.Start(t)
	s := openTest(t, server.URL(), WithTimeout(300*time.Millisecond))
	fill(t, s, 10)
	quick := func(state string) {
		t.Helper()
		began := time.Now()
		_, err := s.Claim(t.Context(), campaigns.ClaimRequest{Queues: queuesOfCamp("best"), Limit: 1, Node: "n", Lease: time.Minute, Now: start})
		if !errors.Is(err, ErrUnavailable) {
			t.Errorf("%s: claim = %v, want ErrUnavailable", state, err)
		}
		if took := time.Since(began); took > 2*time.Second {
			t.Errorf("%s: the answer took %v", state, took)
		}
	}
	server.Freeze()
	quick("frozen")
	if _, err := Open(t.Context(), server.URL(), WithTimeout(300*time.Millisecond)); !errors.Is(err, ErrUnavailable) {
		t.Errorf("open a frozen server: %v", err)
	}
	server.Thaw()
	if err := s.Ping(t.Context()); err != nil {
		t.Errorf("thawed: %v", err)
	}
	server.Kill()
	quick("killed")
	if err := s.Ping(t.Context()); !errors.Is(err, ErrUnavailable) {
		t.Errorf("ping = %v", err)
	}
	server.Run()
	claims, err := s.Claim(t.Context(), campaigns.ClaimRequest{Queues: queuesOfCamp("rest"), Limit: 10, Node: "n", Lease: time.Minute, Now: start})
	if err != nil || len(claims) == 0 {
		t.Errorf("started again: %d claims, %v", len(claims), err)
	}
	stats, err := s.Stats(t.Context())
	if err != nil || stats.Operations["claim"].Errors != 2 || stats.Size == 0 {
		t.Errorf("stats = %+v, %v", stats, err)
	}
}

// queuesOfCamp are the queues of a segment of the campaign that fill makes.
func queuesOfCamp(segment string) []campaigns.QueueID {
	var queues []campaigns.QueueID
	for _, class := range []campaigns.WindowClass{"Europe/Warsaw|PL", "America/New_York|US-FED", "Asia/Tokyo|JP"} {
		queues = append(queues, campaigns.QueueID{Campaign: "camp", Segment: segment, Window: class})
	}
	return queues
}

// A full memory refuses writes, says so, and is over as soon as there is room.
func TestMemoryFull(t *testing.T) {
	server := redistest.Start(t)
	s := openTest(t, server.URL())
	entry := campaigns.AuditEntry{At: start, Action: "test", After: strings.Repeat("x", 3000)}
	if err := s.Audit(t.Context(), entry); err != nil {
		t.Fatal(err)
	}
	server.Ask("CONFIG SET maxmemory 1mb")
	if err := s.Audit(t.Context(), entry); !errors.Is(err, ErrUnavailable) {
		t.Errorf("full: %v", err)
	}
	// A transaction of which a command was refused is called off, and does not say why.
	_, err := s.db.TxPipelined(t.Context(), func(tx goredis.Pipeliner) error {
		return tx.Set(t.Context(), s.keys.general()+"x", "1", 0).Err()
	})
	if err := explain("test", err); !errors.Is(err, ErrUnavailable) {
		t.Errorf("full, in a transaction: %v", err)
	}
	server.Ask("CONFIG SET maxmemory 0")
	if err := s.Audit(t.Context(), entry); err != nil {
		t.Errorf("with room again: %v", err)
	}
	if log, err := s.AuditLog(t.Context(), 10); err != nil || len(log) != 2 {
		t.Errorf("%d entries, %v; 2 were acknowledged", len(log), err)
	}
}

func TestClosedStore(t *testing.T) {
	s := openTest(t, redistest.Start(t).URL())
	for range 2 {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := s.Campaigns(t.Context()); !errors.Is(err, ErrClosed) {
		t.Errorf("read after close: %v", err)
	}
	if err := s.SaveList(t.Context(), campaigns.List{ID: "a"}); !errors.Is(err, ErrClosed) {
		t.Errorf("write after close: %v", err)
	}
}

// The index is a tree that grows: everything in it is found again.
func TestImportIsIdempotent(t *testing.T) {
	s := openTest(t, redistest.Start(t).URL(), WithShards(2))
	fill(t, s, 3000)
	again, err := s.AddLeads(t.Context(), "list", manyLeads(0, 3000))
	if want := (campaigns.AddResult{Same: 3000}); err != nil || again != want {
		t.Errorf("second import = %+v, %v; want %+v", again, err, want)
	}
	for _, l := range manyLeads(0, 3000)[:50] {
		found, err := s.FindLeads(t.Context(), campaigns.LeadQuery{Number: l.Numbers[1].E164})
		if err != nil || len(found) != 1 || found[0].ExternalID != l.ExternalID {
			t.Fatalf("by its second number: %+v, %v; want %s", found, err, l.ExternalID)
		}
	}
	queues, err := s.Queues(t.Context(), "camp", start)
	sum := 0
	for _, q := range queues {
		sum += q.Ready
	}
	if err != nil || len(queues) != 6 || sum != 3000 {
		t.Errorf("%d leads ready in %d queues, %v", sum, len(queues), err)
	}
}

// While anybody has leads, an import goes in small chunks: a claim waits for one of
// them at most.
func TestImportGivesWay(t *testing.T) {
	s := openTest(t, redistest.Start(t).URL())
	fill(t, s, 100)
	chunks := func(from int) uint64 {
		t.Helper()
		before := s.stats.Snapshot()["add_leads"].Count
		if done, err := s.AddLeads(t.Context(), "list", manyLeads(from, chunk)); err != nil || done.Added != chunk {
			t.Fatalf("%+v, %v", done, err)
		}
		return uint64(s.stats.Snapshot()["add_leads"].Count - before)
	}
	if n := chunks(100); n != 1 {
		t.Errorf("nobody dials: %d chunks, want 1", n)
	}
	if _, err := s.Claim(t.Context(), claimRequest(1, start)); err != nil {
		t.Fatal(err)
	}
	if n := chunks(200); n != chunk/chunkBeside {
		t.Errorf("somebody dials: %d chunks, want %d", n, chunk/chunkBeside)
	}
}
