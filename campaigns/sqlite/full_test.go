package sqlite

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Where there is no room for what is written, the store says that it is full, and goes on
// as soon as there is room.
func TestFull(t *testing.T) {
	s := openTest(t)
	most := func(pages int64) {
		t.Helper()
		err := s.submit(&request{ctx: t.Context(), name: "test", apart: true, done: make(chan struct{}), do: func(w *writer) error {
			_, err := w.exec(fmt.Sprintf(`PRAGMA max_page_count = %d`, pages))
			return err
		}})
		if err != nil {
			t.Fatal(err)
		}
	}
	suppress := func(n int) error {
		return s.Suppress(t.Context(), campaigns.Suppression{E164: fmt.Sprintf("+999%07d", n), Reason: "asked", Source: "test", At: time.Unix(1, 0)})
	}
	most(1) // SQLite takes the present number of pages, where that is higher
	var err error
	kept := 0
	for ; err == nil && kept < 10_000; kept++ {
		err = suppress(kept)
	}
	if !errors.Is(err, campaigns.ErrFull) {
		t.Fatalf("after %d entries: %v, want that there is no room", kept, err)
	}
	last := fmt.Sprintf("+999%07d", kept-1)
	if _, there, err := s.Suppressed(t.Context(), last); err != nil || there {
		t.Errorf("what was refused is there: %v, %v", there, err)
	}
	most(1 << 30)
	if err := suppress(kept - 1); err != nil {
		t.Errorf("with room again: %v", err)
	}
}
