package sqlite

import (
	"path/filepath"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns/storetest"
)

func TestConformance(t *testing.T) {
	storetest.Run(t, func(t *testing.T) storetest.Both { return openBoth(t, filepath.Join(t.TempDir(), "store.db")) })
}

// openBoth opens the store at path; what is acknowledged is in the file, so
// closing loses as little and as much as a crash of the process.
func openBoth(t *testing.T, path string) storetest.Both {
	s, err := Open(t.Context(), path)
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
