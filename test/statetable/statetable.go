// Package statetable writes what a state machine does as a table, one line for each
// state, and holds the package doc of the machine to it. It is for tests, and knows
// states and the words of events, not what they mean.
//
//	walk of a machine ─ Add(before, word, after) ─► Table ─► lines ─ Hold ─► package doc
//
// A line is "ready  pause → paused; reserve → reserved": events that lead to the same
// states stand together.
package statetable

import (
	"bytes"
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
)

var update = flag.Bool("update", false, "write the state table into the package doc")

// Table is the changes of state that were seen.
type Table[S ~string] struct {
	states []S
	words  []string
	seen   map[S]map[string][]S
}

// New is an empty table. Lines are in the order of states, events within them in the
// order of words.
func New[S ~string](states []S, words []string) *Table[S] {
	return &Table[S]{states: states, words: words, seen: map[S]map[string][]S{}}
}

// Add notes what an event made of a state. One that stays is no change.
func (t *Table[S]) Add(before S, word string, after S) {
	if before == after {
		return
	}
	if t.seen[before] == nil {
		t.seen[before] = map[string][]S{}
	}
	if !slices.Contains(t.seen[before][word], after) {
		t.seen[before][word] = append(t.seen[before][word], after)
	}
}

// String is one line for each state that can be left.
func (t *Table[S]) String() string {
	var lines strings.Builder
	for _, s := range t.states {
		if len(t.seen[s]) > 0 {
			fmt.Fprintf(&lines, "//\t%-10s %s\n", string(s), t.line(t.seen[s]))
		}
	}
	return lines.String()
}

func (t *Table[S]) line(to map[string][]S) string {
	var parts, done []string
	for _, word := range t.words {
		there := t.destinations(to[word])
		if there == "" || slices.Contains(done, word) {
			continue
		}
		var same []string
		for _, other := range t.words {
			if t.destinations(to[other]) == there && !slices.Contains(same, other) {
				same = append(same, other)
			}
		}
		done = append(done, same...)
		parts = append(parts, strings.Join(same, ", ")+" → "+there)
	}
	return strings.Join(parts, "; ")
}

func (t *Table[S]) destinations(states []S) string {
	var words []string
	for _, s := range t.states {
		if slices.Contains(states, s) {
			words = append(words, string(s))
		}
	}
	return strings.Join(words, " | ")
}

// Hold fails a test where the table in the package doc of a file, which ends that doc,
// is another one; with -update it writes it.
func (t *Table[S]) Hold(tb testing.TB, file string) {
	tb.Helper()
	source, err := os.ReadFile(file)
	if err != nil {
		tb.Fatal(err)
	}
	from := bytes.Index(source, []byte("//\t"+string(t.states[0])))
	to := bytes.Index(source, []byte("\npackage ")) + 1
	if from < 0 || to < from {
		tb.Fatalf("no state table in the package doc of %s", file)
	}
	want := t.String()
	if string(source[from:to]) == want {
		return
	}
	if !*update {
		tb.Fatalf("the package doc differs from what the code does; go test -run TestStateTable -update writes it.\nwant:\n%s", want)
	}
	source = slices.Concat(source[:from], []byte(want), source[to:])
	if err := os.WriteFile(file, source, 0o644); err != nil {
		tb.Fatal(err)
	}
}
