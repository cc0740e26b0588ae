package redis

import (
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns/storetest"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// TestMastersDie (F-5): masters of a cluster die again and again while two nodes
// dial; every third time the replica did not answer in the moment before, and
// every third time the master does not die but stops, wakes up when another has
// its place, and hears writes that are meant for it (what F-6 is about, without a
// network between them). Nothing that a replica confirmed is lost, no lead is
// dialled twice in a claim, and within 15 s all is dialled: ten of pause, and the
// calls.
func TestMastersDie(t *testing.T) {
	if os.Getenv("OUTPACE_FAULTS") == "" {
		t.Skip("takes minutes: `make fault` runs it (OUTPACE_FAULTS=1, OUTPACE_ROUNDS masters, default 9)")
	}
	rounds := 9
	if n, err := strconv.Atoi(os.Getenv("OUTPACE_ROUNDS")); err == nil && n > 0 {
		rounds = n
	}
	const leads, pause = 200, 15 * time.Second
	servers := redistest.Cluster(t, 3, 1, "--repl-diskless-sync-delay", "0")
	url := "redis://" + servers[0].Addr + "/0?addr=" + servers[1].Addr + "&addr=" + servers[2].Addr + "&addr=" + servers[3].Addr
	first := openTest(t, url)
	fill(t, first, 0)
	path := filepath.Join(t.TempDir(), "journal")
	journal, err := os.OpenFile(path, os.O_APPEND|os.O_CREATE|os.O_WRONLY, 0o600)
	if err != nil {
		t.Fatal(err)
	}
	defer journal.Close()
	var nodes []*dialer
	for _, name := range []string{"n0", "n1"} {
		nodes = append(nodes, &dialer{node: name, store: openTest(t, url, WithTimeout(time.Second)), journal: journal})
	}
	for round := range rounds {
		if err := persist(func() error {
			_, err := first.AddLeads(t.Context(), "list", manyLeads(round*leads, leads))
			return err
		}); err != nil {
			t.Fatal(err)
		}
		master, replica := pairOf(t, servers, round)
		began, size := time.Now(), sizeOf(t, path)
		var wg sync.WaitGroup
		for _, d := range nodes {
			for range killWorkers {
				wg.Go(func() {
					if err := d.dialSome(t.Context()); err != nil {
						t.Errorf("%s: %v", d.node, err)
					}
				})
			}
		}
		for sizeOf(t, path) < size+leads*40 { // in the middle of it
			if time.Since(began) > time.Minute {
				t.Fatalf("round %d: dialling does not go on", round)
			}
			time.Sleep(time.Millisecond) // real processes: no clock of ours
		}
		how := strike(t, round, master, replica)
		struck := time.Now()
		wg.Wait()
		for _, d := range nodes { // what was given up while nobody answered, as after a restart
			if err := persist(func() error { return d.settle(t.Context()) }); err != nil {
				t.Fatal(err)
			}
			if err := d.dialSome(t.Context()); err != nil {
				t.Fatal(err)
			}
		}
		took := time.Since(struck).Round(time.Millisecond)
		t.Logf("round %d: %s after %v; all was dialled %v later", round, how, struck.Sub(began).Round(time.Millisecond), took)
		if took > pause {
			t.Errorf("round %d: dialling went on too late", round)
		}
		if strings.HasPrefix(how, "killed") {
			master.Run()
		}
		settled(t, servers)
	}
	if err := persist(func() error { return first.Ping(t.Context()) }); err != nil {
		t.Fatal(err)
	}
	storetest.JudgeKilled(t, first, path, rounds*leads, killTries)
}

// strike does to a master what the round has for it.
func strike(t *testing.T, round int, master, replica *redistest.Server) (how string) {
	switch round % 3 {
	case 0:
		master.Kill()
		return "killed"
	case 1:
		replica.Freeze()
		time.Sleep(300 * time.Millisecond) // a real process: no clock of ours
		master.Kill()
		replica.Thaw()
		return "killed while its replica did not answer"
	}
	master.Freeze()
	eventually.So(t, 20*time.Second, "the replica takes over", func() bool { return strings.Contains(replica.Ask("INFO replication"), "role:master") })
	master.Thaw()
	return "stopped until its replica had its place"
}

// pairOf is one of the masters, another each time, and its replica.
func pairOf(t *testing.T, servers []*redistest.Server, round int) (master, replica *redistest.Server) {
	t.Helper()
	var masters []*redistest.Server
	for _, s := range servers {
		if strings.Contains(s.Ask("INFO replication"), "role:master") {
			masters = append(masters, s)
		}
	}
	master = masters[round%len(masters)]
	_, port, _ := strings.Cut(master.Addr, ":")
	for _, s := range servers {
		if strings.Contains(s.Ask("INFO replication"), "master_port:"+port+"\r") {
			return master, s
		}
	}
	t.Fatalf("master %s has no replica", master.Addr)
	return nil, nil
}

// settled waits until every master has a replica again.
func settled(t *testing.T, servers []*redistest.Server) {
	t.Helper()
	for end := time.Now().Add(60 * time.Second); ; time.Sleep(50 * time.Millisecond) {
		ready := 0
		for _, s := range servers {
			info := s.Ask("INFO replication")
			if strings.Contains(info, "state=online") || strings.Contains(info, "master_link_status:up") {
				ready++
			}
		}
		if ready == len(servers) {
			return
		}
		if time.Now().After(end) {
			t.Fatalf("%d of %d servers are ready", ready, len(servers))
		}
	}
}

func sizeOf(t *testing.T, path string) int64 {
	t.Helper()
	info, err := os.Stat(path)
	if err != nil {
		t.Fatal(err)
	}
	return info.Size()
}
