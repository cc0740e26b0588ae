package redis

import (
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// A master of a cluster dies while two nodes dial. Its replica takes over, dialling
// pauses and goes on, and every attempt and outcome that was acknowledged is there.
// This is one failure that went well; WAIT promises no more.
func TestMasterOfAClusterDies(t *testing.T) {
	t.Parallel()
	servers := redistest.Cluster(t, 3, 1, "--repl-diskless-sync-delay", "0")
	url := "redis://" + servers[1].Addr + "/0?addr=" + servers[2].Addr
	s := openTest(t, url)
	fill(t, s, killLeads)
	journal, err := os.OpenFile(filepath.Join(t.TempDir(), "journal"), os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	var wg sync.WaitGroup
	var nodes []*dialer
	for _, name := range []string{"n0", "n1"} {
		d := &dialer{node: name, dir: filepath.Dir(journal.Name()), store: openTest(t, url, WithTimeout(time.Second)), journal: journal}
		nodes = append(nodes, d)
		for range killWorkers {
			wg.Go(func() {
				if err := d.dialSome(t.Context()); err != nil {
					t.Errorf("%s: %v", d.node, err)
				}
			})
		}
	}
	for end, done := time.Now().Add(time.Minute), 0; done < killLeads/2; { // in the middle of it
		attempts, err := s.Attempts(t.Context(), campaigns.AttemptQuery{Outcome: campaigns.Busy, Limit: 10_000})
		if err != nil || time.Now().After(end) {
			t.Fatalf("%d of %d leads were dialled within a minute: %v", done, killLeads, err)
		}
		done = len(attempts)
	}
	died := time.Now()
	servers[0].Kill()
	wg.Wait()
	t.Logf("all was dialled %v after the master died", time.Since(died).Round(time.Millisecond))
	// What the nodes gave up while nobody answered is settled as after their restart.
	for _, d := range nodes {
		if err := d.settle(t.Context()); err != nil {
			t.Fatal(err)
		}
		if err := d.dialSome(t.Context()); err != nil {
			t.Fatal(err)
		}
	}
	if err := persist(func() error { return s.Ping(t.Context()) }); err != nil { // this one slept through it
		t.Fatal(err)
	}
	judgeKilled(t, s, journal.Name())
}
