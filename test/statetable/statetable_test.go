package statetable

import (
	"os"
	"path/filepath"
	"testing"
)

type lamp string

func lamps() *Table[lamp] {
	t := New([]lamp{"off", "dim", "on"}, []string{"press", "turn", "cut"})
	t.Add("off", "press", "on")
	t.Add("off", "turn", "dim")
	t.Add("off", "turn", "off")
	t.Add("dim", "turn", "on")
	t.Add("dim", "turn", "off")
	t.Add("dim", "turn", "on")
	t.Add("dim", "cut", "off")
	t.Add("dim", "press", "off")
	return t
}

const lines = "//\toff        press → on; turn → dim\n//\tdim        press, cut → off; turn → off | on\n"

func TestLines(t *testing.T) {
	if got := lamps().String(); got != lines {
		t.Errorf("got\n%swant\n%s", got, lines)
	}
}

// watched is a test that remembers whether it failed.
type watched struct {
	testing.TB
	failed bool
}

func (w *watched) Helper() {}

func (w *watched) Fatalf(string, ...any) {
	w.failed = true
	panic(w)
}

func TestHold(t *testing.T) {
	file := filepath.Join(t.TempDir(), "lamp.go")
	for name, c := range map[string]struct {
		doc   string
		fails bool
	}{
		"as it is":  {"// Package lamp.\n//\n" + lines + "package lamp\n", false},
		"another":   {"// Package lamp.\n//\n//\toff        press → dim\npackage lamp\n", true},
		"one more":  {"// Package lamp.\n//\n" + lines + "//\ton         press → off\npackage lamp\n", true},
		"no table":  {"// Package lamp.\npackage lamp\n", true},
		"not a doc": {"package lamp\n\n" + lines, true},
	} {
		t.Run(name, func(t *testing.T) {
			if err := os.WriteFile(file, []byte(c.doc), 0o600); err != nil {
				t.Fatal(err)
			}
			w := &watched{TB: t}
			func() {
				defer func() {
					if r := recover(); r != nil && r != any(w) {
						panic(r)
					}
				}()
				lamps().Hold(w, file)
			}()
			if w.failed != c.fails {
				t.Errorf("failed: %v, want %v", w.failed, c.fails)
			}
		})
	}
}
