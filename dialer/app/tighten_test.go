package app

import (
	"io/fs"
	"os"
	"path/filepath"
	"testing"

	"go.uber.org/zap"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/sys/unix"

	"github.com/outpace-dialer/outpace/config"
)

// readable are the files and folders under dir that others than the owner have rights to.
func readable(t *testing.T, dir string) (open []string) {
	t.Helper()
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		info, err := entry.Info()
		if err == nil && info.Mode().Type() != fs.ModeSymlink && info.Mode().Perm()&0o077 != 0 {
			open = append(open, path+" "+info.Mode().String())
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return open
}

// What the product makes holds people's data: it is for its own user alone, whatever the
// umask lets through, and so is the log that SQLite makes while it runs.
func TestDataIsPrivate(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	cfg := settings(t, "127.0.0.1:1")
	cfg.DataDir = filepath.Join(cfg.DataDir, "new")
	_, stop := start(t, cfg)
	for _, name := range []string{"outpace.db", "outpace.db-wal", "outpace.db-shm", "recordings", "legs", "outpace.db.journal"} {
		if _, err := os.Stat(filepath.Join(cfg.DataDir, name)); err != nil {
			t.Errorf("while it runs: %v", err)
		}
	}
	if open := readable(t, cfg.DataDir); len(open) > 0 {
		t.Errorf("while it runs others have rights to %q", open)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	if open := readable(t, cfg.DataDir); len(open) > 0 {
		t.Errorf("afterwards others have rights to %q", open)
	}
}

// What an earlier version left open is closed at the start, with one line of log; what is
// stricter stays so, and what is not the product's is left alone.
func TestOldDataIsTightened(t *testing.T) {
	defer unix.Umask(unix.Umask(0))
	top := t.TempDir()
	cfg := config.Default()
	cfg.DataDir = filepath.Join(top, "data")
	cfg.Media.RecordDir = filepath.Join(top, "audio")
	write := func(mode fs.FileMode, path ...string) {
		t.Helper()
		name := filepath.Join(append([]string{top}, path...)...)
		if err := os.MkdirAll(filepath.Dir(name), 0o750); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(name, nil, 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(name, mode); err != nil {
			t.Fatal(err)
		}
	}
	for _, path := range [][]string{
		{"data", "outpace.db"}, {"data", "outpace.db-wal"}, {"data", "outpace.db-shm"}, {"data", "outpace.db.replaced-1"}, {"data", "phones.json"},
		{"data", "outpace.db.journal", "1"}, {"data", "legs", "a"}, {"data", "tls", "acme", "key"}, {"audio", "2026", "11", "a.wav"},
	} {
		write(0o644, path...)
	}
	write(0o400, "data", "drafts", "olga")
	write(0o644, "data", "notes.txt")
	write(0o644, "elsewhere")
	if err := os.Symlink(filepath.Join(top, "elsewhere"), filepath.Join(cfg.DataDir, "tls", "link")); err != nil {
		t.Fatal(err)
	}
	core, lines := observer.New(zap.InfoLevel)
	tightenData(cfg, zap.New(core))
	mode := func(path ...string) fs.FileMode {
		t.Helper()
		info, err := os.Stat(filepath.Join(append([]string{top}, path...)...))
		if err != nil {
			t.Fatal(err)
		}
		return info.Mode().Perm()
	}
	if err := os.Remove(filepath.Join(cfg.DataDir, "notes.txt")); err != nil {
		t.Fatal(err)
	}
	for _, dir := range []string{cfg.DataDir, cfg.Media.RecordDir} {
		if open := readable(t, dir); len(open) > 0 {
			t.Errorf("others have rights to %q", open)
		}
	}
	if got := mode("data", "drafts", "olga"); got != 0o400 {
		t.Errorf("what was stricter is %v, want it left", got)
	}
	if got := mode("elsewhere"); got != 0o644 {
		t.Errorf("what a link leads to is %v, want it left", got)
	}
	if lines.Len() != 1 || lines.All()[0].ContextMap()["files"] != int64(18) {
		t.Errorf("logged %v, want one line of 18 files and folders", lines.All())
	}
	tightenData(cfg, zap.New(core))
	if lines.Len() != 1 {
		t.Errorf("a second start says %v", lines.All()[1:])
	}
}
