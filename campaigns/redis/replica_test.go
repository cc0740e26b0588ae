package redis

import (
	"errors"
	"net"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// follow starts a replica of a master, and waits until the master counts it: it answers
// with what it loaded before, and only who is counted is waited for.
func follow(t *testing.T, master *redistest.Server) *redistest.Server {
	t.Helper()
	host, port, _ := net.SplitHostPort(master.Addr)
	replica := redistest.Start(t, "--replicaof", host, port)
	eventually.So(t, 30*time.Second, "the replica follows", func() bool { return strings.Contains(master.Ask("INFO replication"), "state=online") })
	return replica
}

// Where there is a replica, an attempt that it does not confirm must not be
// dialled; where there is none, nobody waits for one.
func TestBeginWaitsForAReplica(t *testing.T) {
	master := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	s := openTest(t, master.URL())
	fill(t, s, 100)
	begin := func() (campaigns.AttemptID, error) {
		t.Helper()
		claims, err := s.Claim(t.Context(), campaigns.ClaimRequest{Queues: queuesOfCamp("rest"), Limit: 1, Node: "n", Lease: time.Minute, Now: start})
		if err != nil || len(claims) != 1 {
			t.Fatalf("%d claims, %v", len(claims), err)
		}
		id := campaigns.AttemptID(claims[0].Lead.Name)
		return id, s.Begin(t.Context(), campaigns.Intent{Attempt: id, Claim: claims[0], At: start})
	}
	// A replica that has to catch up on a busy machine may not confirm in time, which is
	// no fault of the store.
	soon := func() error {
		t.Helper()
		_, err := begin()
		for tries := 0; errors.Is(err, ErrNotReplicated) && tries < 20; tries++ {
			_, err = begin()
		}
		return err
	}
	if _, err := begin(); err != nil {
		t.Fatalf("without a replica: %v", err)
	}
	replica := follow(t, master)
	s.replicas.forget() // as after some seconds
	if err := soon(); err != nil {
		t.Fatalf("with a replica: %v", err)
	}
	replica.Freeze()
	began := time.Now()
	id, err := begin()
	if !errors.Is(err, ErrNotReplicated) || !errors.Is(err, ErrUnavailable) {
		t.Errorf("with a replica that does not answer: %v, want ErrNotReplicated", err)
	}
	if took := time.Since(began); took > 3*time.Second { // it waits for half a second
		t.Errorf("it took %v", took)
	}
	err = s.End(t.Context(), campaigns.Ending{Attempt: id, Outcome: campaigns.NotPlaced, At: start, Next: campaigns.Next{Done: true}})
	if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
		t.Errorf("end as not placed: %v", err)
	}
	replica.Thaw()
	if err := soon(); err != nil {
		t.Errorf("with the replica back: %v", err)
	}
}

// Whoever asked not to be called, or said how a talk went, is told that it is kept only
// where a failover keeps it, however often it is said.
func TestWishesWaitForAReplica(t *testing.T) {
	master := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	replica := follow(t, master)
	s := openTest(t, master.URL())
	fill(t, s, 10)
	claims, err := s.Claim(t.Context(), campaigns.ClaimRequest{Queues: queuesOfCamp("rest"), Limit: 1, Node: "n", Lease: time.Minute, Now: start})
	if err != nil || len(claims) != 1 {
		t.Fatalf("%d claims, %v", len(claims), err)
	}
	lead := claims[0].Lead
	steps := []struct {
		name string
		do   func() error
	}{
		{"begin", func() error {
			return s.Begin(t.Context(), campaigns.Intent{Attempt: "a", Claim: claims[0], At: start})
		}},
		{"end", func() error {
			return s.End(t.Context(), campaigns.Ending{Attempt: "a", Outcome: campaigns.Connected, At: start, Next: campaigns.Next{Done: true}})
		}},
		{"dispose", func() error {
			return s.Dispose(t.Context(), campaigns.Disposal{Attempt: "a", Disposition: "no", Suppress: true, At: start, Next: campaigns.Next{Done: true}})
		}},
		{"suppress", func() error {
			return s.Suppress(t.Context(), campaigns.Suppression{E164: "+4899", Reason: "asked", At: start})
		}},
	}
	for i, step := range steps {
		if i > 1 { // a lead is begun and ended with the replica there: that is tested above
			replica.Freeze()
			for range 2 {
				if err := step.do(); !errors.Is(err, ErrNotReplicated) {
					t.Errorf("%s, and the replica does not answer: %v, want ErrNotReplicated", step.name, err)
				}
			}
			replica.Thaw()
		}
		err := step.do()
		for tries := 0; errors.Is(err, ErrNotReplicated) && tries < 20; tries++ {
			err = step.do() // it may have to catch up
		}
		if err != nil {
			t.Fatalf("%s: %v", step.name, err)
		}
	}
	replica.Ask("REPLICAOF NO ONE")
	now := openTest(t, replica.URL())
	for _, e164 := range []string{lead.Numbers[0].E164, "+4899"} {
		if _, found, err := now.Suppressed(t.Context(), e164); err != nil || !found {
			t.Errorf("the replica, now the master, has %s on its list: %t, %v", e164, found, err)
		}
	}
	if all, err := now.Attempts(t.Context(), campaigns.AttemptQuery{ID: "a", Limit: 1}); err != nil || len(all) != 1 || all[0].Disposition != "no" {
		t.Errorf("the replica, now the master, has %+v, %v", all, err)
	}
}

// A master whose replica is gone may be one that was cut off, and its replica may be the
// master by now: it dials nobody by itself until it was alone for long.
func TestBeginWaitsForAReplicaThatIsGone(t *testing.T) {
	const alone = 3 * time.Second
	master := redistest.Start(t, "--repl-diskless-sync-delay", "0")
	replica := follow(t, master)
	s := openTest(t, master.URL())
	s.options.alone = alone
	fill(t, s, 100)
	begin := func() error {
		t.Helper()
		claims, err := s.Claim(t.Context(), campaigns.ClaimRequest{Queues: queuesOfCamp("rest"), Limit: 1, Node: "n", Lease: time.Minute, Now: start})
		if err != nil || len(claims) != 1 {
			t.Fatalf("%d claims, %v", len(claims), err)
		}
		return s.Begin(t.Context(), campaigns.Intent{Attempt: campaigns.AttemptID(claims[0].Lead.Name), Claim: claims[0], At: start})
	}
	for tries := 0; ; tries++ {
		err := begin()
		if err == nil {
			break
		}
		if !errors.Is(err, ErrNotReplicated) || tries > 20 {
			t.Fatalf("with a replica: %v", err)
		}
	}
	replica.Kill()
	gone := time.Now()
	if err := begin(); !errors.Is(err, ErrNotReplicated) {
		t.Errorf("the replica is gone: %v, want ErrNotReplicated", err)
	}
	s.replicas.forget() // as after an operation that Redis did not answer
	if err := begin(); !errors.Is(err, ErrNotReplicated) && time.Since(gone) < alone {
		t.Errorf("the replica is still gone: %v, want ErrNotReplicated", err)
	}
	for {
		err, since := begin(), time.Since(gone)
		if err == nil && since < alone {
			t.Fatalf("the master was alone for %v and dialled", since)
		}
		if err == nil {
			return
		}
		if !errors.Is(err, ErrNotReplicated) || since > 10*alone {
			t.Fatalf("alone for %v: %v", since, err)
		}
	}
}
