package sqlite

import (
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/storetest"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// A long log is copied into the file beside the writer, and begins anew with the next
// write, also while others read and write.
func TestLogIsEmptied(t *testing.T) {
	s := openTest(t)
	fill(t, s, 1)
	long := manyLeads(200)
	for i := range long {
		long[i].Note = strings.Repeat("x", 200_000)
	}
	if _, err := s.AddLeads(t.Context(), "list", long); err != nil {
		t.Fatal(err)
	}
	for deadline := time.Now().Add(20 * time.Second); ; time.Sleep(5 * time.Millisecond) {
		if err := s.Audit(t.Context(), campaigns.AuditEntry{At: start, Action: "test"}); err != nil {
			t.Fatal(err)
		}
		now, err := look(s.read, "NOOP")
		if err != nil {
			t.Fatal(err)
		}
		if now.pages < checkpointCalls {
			break
		}
		if time.Now().After(deadline) {
			t.Fatalf("the log has %d pages, %d of them in the file", now.pages, now.done)
		}
	}
	found, err := s.FindLeads(t.Context(), campaigns.LeadQuery{List: "list", Limit: 300})
	if err != nil || len(found) != 200 || found[199].Note != long[199].Note {
		t.Errorf("%d leads, %v", len(found), err)
	}
}

func TestImportWaitsWhileTheLogIsEmptied(t *testing.T) {
	s := openTest(t)
	fill(t, s, 0)
	s.emptying.Lock()
	added := make(chan error, 1)
	go func() {
		_, err := s.AddLeads(t.Context(), "list", storetest.PlainLeads("list", 0, 10))
		added <- err
	}()
	for range 20 { // calls do not wait
		if err := s.Audit(t.Context(), campaigns.AuditEntry{At: start, Action: "test"}); err != nil {
			t.Fatal(err)
		}
	}
	if len(added) > 0 {
		t.Error("the import did not wait")
	}
	s.emptying.Unlock()
	if err := eventually.Comes(t, 20*time.Second, "the leads are added", added); err != nil {
		t.Error(err)
	}
}
