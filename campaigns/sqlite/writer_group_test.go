package sqlite

import (
	"context"
	"errors"
	"testing"
)

// One request of a group that fails takes none of the others with it, and leaves
// nothing of its own, although they share a transaction without savepoints at first.
func TestOneFailsInAGroup(t *testing.T) {
	s := openTest(t)
	failure := errors.New("refused")
	var asked int
	write := func(id string, err error) *request {
		return &request{ctx: t.Context(), name: "test", done: make(chan struct{}), do: func(w *writer) error {
			asked++
			if _, err := w.exec(`INSERT INTO suppression (e164, reason, source, by, at) VALUES (?, 'test', 'test', '', 1)`, id); err != nil {
				return err
			}
			return err
		}}
	}
	gone, leave := context.WithCancel(t.Context())
	leave()
	group := []*request{write("+9991", nil), write("+9992", failure), write("+9993", nil), write("+9994", nil)}
	group[3].ctx = gone
	commit := &request{ctx: t.Context(), name: "test", apart: true, done: make(chan struct{}), do: func(w *writer) error { w.commit(group, nil); return nil }}
	if err := s.submit(commit); err != nil {
		t.Fatal(err)
	}
	for i, want := range []error{nil, failure, nil, context.Canceled} {
		if got := group[i].err; !errors.Is(got, want) {
			t.Errorf("request %d: %v, want %v", i, got, want)
		}
	}
	if asked != 5 { // two plainly, then three in savepoints
		t.Errorf("asked %d times, want 5", asked)
	}
	for number, want := range map[string]bool{"+9991": true, "+9992": false, "+9993": true, "+9994": false} {
		if _, ok, err := s.Suppressed(t.Context(), number); err != nil || ok != want {
			t.Errorf("%s: there %v (%v), want %v", number, ok, err, want)
		}
	}
}
