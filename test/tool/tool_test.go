package tool

import (
	"os"
	"path/filepath"
	"testing"
)

// ended is a test that notes how it ended.
type ended struct {
	testing.TB
	skipped, failed string
}

func (e *ended) Helper()           {}
func (e *ended) Skip(args ...any)  { e.skipped = args[0].(string) }
func (e *ended) Fatal(args ...any) { e.failed = args[0].(string) }

func TestPath(t *testing.T) {
	dir := t.TempDir()
	there := filepath.Join(dir, "there")
	if err := os.WriteFile(there, []byte("#!/bin/sh\n"), 0o755); err != nil {
		t.Fatal(err)
	}
	t.Setenv("PATH", dir)
	const why = "away is not installed: left out: far calls"
	for _, tt := range []struct {
		require, name, path string
		want                ended
	}{
		{"", "there", there, ended{}},
		{"1", "there", there, ended{}},
		{"", "away", "", ended{skipped: why}},
		{"1", "away", "", ended{failed: why}},
	} {
		t.Setenv("OUTPACE_REQUIRE_TOOLS", tt.require)
		var got ended
		if path := Path(&got, tt.name, "far calls"); path != tt.path || got != tt.want {
			t.Errorf("%s, required %q: %q, %+v, want %q, %+v", tt.name, tt.require, path, got, tt.path, tt.want)
		}
	}
}
