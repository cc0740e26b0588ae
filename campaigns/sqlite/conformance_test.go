package sqlite_test

import (
	"path/filepath"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/campaigns/sqlite/sqlitetest"
	"github.com/outpace-dialer/outpace/campaigns/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Both {
		path := filepath.Join(t.TempDir(), "store.db")
		sqlitetest.New(t, path)
		return openBoth(t, path)
	})
}

// openBoth opens the store at path; what is acknowledged is in the file, so
// closing loses as little and as much as a crash of the process.
func openBoth(t *testing.T, path string) storetest.Both {
	s, err := sqlite.Open(t.Context(), path)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // mostly the second time
	return storetest.Both{Store: s, Records: s, Reopen: func() storetest.Both {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return openBoth(t, path)
	}}
}
