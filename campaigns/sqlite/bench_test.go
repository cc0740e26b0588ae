package sqlite

import (
	"fmt"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// BenchmarkCall claims, begins and ends leads one after the other: three
// flushes to disk for each. A store twenty times as big should cost about the
// same; compare the two.
func BenchmarkCall(b *testing.B) {
	for _, leads := range []int{10_000, 200_000} {
		b.Run(fmt.Sprintf("leads=%d", leads), func(b *testing.B) {
			s := openTest(b)
			began := time.Now()
			fill(b, s, leads)
			took := time.Since(began)
			n := 0
			for b.Loop() {
				n++
				callOnce(b, s, n)
			}
			b.ReportMetric(took.Seconds(), "import-s")
		})
	}
}

func callOnce(b *testing.B, s *Store, n int) {
	b.Helper()
	now := start.Add(time.Duration(n) * time.Second)
	queues, err := s.Queues(b.Context(), "camp", now)
	if err != nil {
		b.Fatal(err)
	}
	q := campaigns.ClaimRequest{Limit: 1, Node: "n", Lease: time.Minute, Now: now}
	for _, info := range queues {
		q.Queues = append(q.Queues, info.QueueID)
	}
	claims, err := s.Claim(b.Context(), q)
	if err != nil || len(claims) != 1 {
		b.Fatalf("%d claims, %v", len(claims), err)
	}
	id := campaigns.AttemptID(fmt.Sprintf("%016d", n))
	caps := []campaigns.Cap{{N: 3, Period: 24 * time.Hour}}
	if err := s.Begin(b.Context(), campaigns.Intent{Attempt: id, Claim: claims[0], Caps: caps, At: now}); err != nil {
		b.Fatal(err)
	}
	err = s.End(b.Context(), campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{At: now.Add(time.Hour)}, At: now})
	if err != nil {
		b.Fatal(err)
	}
}

// BenchmarkGroupCommit writes from many callers at once.
func BenchmarkGroupCommit(b *testing.B) {
	s := openTest(b)
	b.SetParallelism(32)
	b.RunParallel(func(pb *testing.PB) {
		for pb.Next() {
			if err := s.Audit(b.Context(), campaigns.AuditEntry{At: start, Action: "bench"}); err != nil {
				b.Error(err)
				return
			}
		}
	})
}

// The queries of the dial path use an index and sort nothing: what keeps a
// claim quick in a queue of millions.
func TestDialPathScansNothing(t *testing.T) {
	s, err := Open(t.Context(), filepath.Join(t.TempDir(), "store.db"))
	if err != nil {
		t.Fatal(err)
	}
	defer s.Close()
	fill(t, s, 100)
	used := map[string]bool{}
	err = s.write(t.Context(), "learn", func(w *writer) error {
		if err := dialPath(w); err != nil {
			return err
		}
		for query := range w.prepared {
			used[query] = true
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	checked := 0
	for query := range used {
		if !strings.Contains(query, "entry") && !strings.Contains(query, "attempt") && !strings.Contains(query, "lead") {
			continue
		}
		checked++
		for _, step := range planOfQuery(t, s, query) {
			if strings.HasPrefix(step, "SCAN entry") || strings.HasPrefix(step, "SCAN a") || strings.HasPrefix(step, "SCAN l") ||
				strings.Contains(step, "attempt_campaign") || // as many as the campaign ever made
				(strings.Contains(step, "TEMP B-TREE") && strings.Contains(query, "rank, due_at, lead")) {
				t.Errorf("%s\n  in %s", step, query)
			}
		}
	}
	if checked < 10 {
		t.Errorf("only %d queries were looked at", checked)
	}
}

// dialPath runs each query of a call once, inside the writer.
func dialPath(w *writer) error {
	q := campaigns.ClaimRequest{Limit: 2, Node: "n", Lease: time.Minute, Now: start}
	for id := range w.queues {
		q.Queues = append(q.Queues, id)
	}
	leases, err := w.claim(q)
	if err != nil {
		return err
	}
	if len(leases) == 0 {
		return fmt.Errorf("nothing to claim")
	}
	claims, err := loadClaims(w.statements, leases, q)
	if err != nil {
		return err
	}
	in := campaigns.Intent{Attempt: "a", Claim: claims[0], Caps: []campaigns.Cap{{N: 1, Period: time.Hour}}, At: start}
	if refusal, err := w.begin(in); err != nil || refusal != nil {
		return fmt.Errorf("begin: %v, %w", refusal, err)
	}
	return w.end(campaigns.Ending{Attempt: "a", Outcome: campaigns.Busy, BadNumber: true, At: start})
}

func planOfQuery(t *testing.T, s *Store, query string) []string {
	t.Helper()
	arguments := strings.Count(query, "?")
	for n := range 10 { // numbered ones are used several times
		if strings.Contains(query, fmt.Sprintf("?%d", n)) {
			arguments = n
		}
	}
	rows, err := s.readDB.QueryContext(t.Context(), "EXPLAIN QUERY PLAN "+query, make([]any, arguments)...)
	if err != nil {
		t.Fatalf("%s\n  in %s", err, query)
	}
	defer rows.Close()
	var steps []string
	for rows.Next() {
		var id, parent, unused int
		var detail string
		if err := rows.Scan(&id, &parent, &unused, &detail); err != nil {
			t.Fatal(err)
		}
		steps = append(steps, detail)
	}
	return steps
}
