package api

import (
	"context"
	"fmt"
	"net/http"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

// fullStore has no room for the audit log.
type fullStore struct{ campaigns.Records }

func (fullStore) Audit(context.Context, campaigns.AuditEntry) error {
	return fmt.Errorf("audit: commit: %w: /var/lib/outpace/outpace.db", campaigns.ErrFull)
}

// Where the disk is full, whoever changes something is told so, by a code that stays and
// without where the files are; so is who asks for what is audited.
func TestDiskFull(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.api.records = fullStore{w.api.records}
	for _, c := range []struct {
		method, path string
		body         any
	}{
		{"POST", "/api/v1/do-not-call", map[string]string{"number": "+48601100200", "reason": "asked"}},
		{"GET", "/api/v1/recordings/a1", nil},
		{"GET", "/api/v1/campaigns/spring/pacing-log", nil},
		{"GET", "/api/v1/leads/export?campaign=spring", nil},
	} {
		got := w.as(t, "ada", c.method, c.path, c.body).want(t, http.StatusInsufficientStorage)
		if got.header.Get("Content-Type") != problemType || !strings.Contains(got.body, `"code":"storage_full"`) || strings.Contains(got.body, "/var/lib") {
			t.Errorf("%s %s: %s %s", c.method, c.path, got.header.Get("Content-Type"), got.body)
		}
	}
}
