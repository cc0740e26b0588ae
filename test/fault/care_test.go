package fault

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// fleeting answers with people who talk for a second, machines and busy lines.
func fleeting(number string, n int) (carrier.Behaviour, bool) {
	b, ok := mixed(number, n)
	if b.Kind == carrier.Person {
		b.Talk = time.Second
	}
	return b, ok
}

// invites waits until the carrier saw so many calls.
func (w *world) invites(t *testing.T, n uint64) {
	t.Helper()
	testbed.Until(t, 60*time.Second, "enough calls", func() bool { return w.carrier.Stats().Invites >= n })
}

// TestRestoreOfAnOldCopy (F-28): a copy is made while the product dials, which
// then goes on; the copy is put back. Nothing that was dialled since is dialled
// before its time, and the store knows every call the carrier saw.
func TestRestoreOfAnOldCopy(t *testing.T) {
	t.Parallel()
	w := newWorld(t, carrier.Config{Seed: 28, Behave: fleeting}, 400, 6)
	w.start(t)
	w.operate(t, time.Second)
	w.invites(t, 10)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if out, bad, status := w.outpace(t, "store", "backup", copied); status != 0 {
		t.Fatalf("exit status %d: %s%s", status, out, bad)
	}
	before := w.carrier.Stats().Invites
	if _, bad, status := w.outpace(t, "store", "restore", copied); status != 1 || !strings.Contains(bad, "stop it first") {
		t.Errorf("restore under the product: exit status %d: %s", status, bad)
	}
	w.invites(t, before+25)
	w.kill()
	since := w.carrier.Stats().Invites - before
	if out, bad, status := w.outpace(t, "store", "restore", copied); status != 0 {
		t.Fatalf("exit status %d: %s%s", status, out, bad)
	}
	w.start(t)
	if text := w.log.String(); !strings.Contains(text, "calls made since were written to it again") {
		t.Error("the log does not say that calls were written again")
	}
	again := w.carrier.Stats().Invites
	w.invites(t, again+10)
	w.stop(t)
	store := w.open(t)
	defer store.Close()
	attempts, calls := allAttempts(t, store), callsOf(t, w.events(t))
	t.Logf("%d calls after the copy and before the restore, %d after it", since, w.carrier.Stats().Invites-again)
	judgeOutcomes(t, attempts, calls)
	judgeTimes(t, attempts, calls)
}

// TestRestoreWithoutJournal (F-28): where the journal is gone nothing is dialled,
// and it is said why.
func TestRestoreWithoutJournal(t *testing.T) {
	t.Parallel()
	w := newWorld(t, carrier.Config{Seed: 28, Behave: fleeting}, 200, 4)
	copied := filepath.Join(t.TempDir(), "copy.db")
	w.start(t)
	w.operate(t, time.Second)
	w.invites(t, 5)
	if out, bad, status := w.outpace(t, "store", "backup", copied); status != 0 {
		t.Fatalf("exit status %d: %s%s", status, out, bad)
	}
	w.invites(t, 20)
	w.stop(t)
	if err := os.RemoveAll(filepath.Join(w.dir, "outpace.db.journal")); err != nil {
		t.Fatal(err)
	}
	if out, bad, status := w.outpace(t, "store", "restore", copied); status != 0 {
		t.Fatalf("exit status %d: %s%s", status, out, bad)
	}
	dialled := w.carrier.Stats().Invites
	w.start(t)
	testbed.Pass(5 * time.Second)
	if n := w.carrier.Stats().Invites - dialled; n > 0 {
		t.Errorf("%d calls were made", n)
	}
	w.stop(t)
	out, bad, status := w.outpace(t, "campaign", "explain", "--campaign", campaign, "--json")
	var found struct{ Why string }
	if err := json.Unmarshal([]byte(out), &found); err != nil || status != 0 || !strings.Contains(found.Why, "nobody can say who was called since this store was copied") {
		t.Errorf("exit status %d, %v: %s%s", status, err, out, bad)
	}
	store := w.open(t)
	defer store.Close()
	if c, err := store.Campaign(t.Context(), campaign); err != nil || c.State != campaigns.OnHold {
		t.Errorf("the campaign is %s, %v", c.State, err)
	}
}

// refusesToStart runs the product, which must end by itself with exit status 1.
func (p *product) refusesToStart(t *testing.T) (says string) {
	t.Helper()
	began := time.Now()
	_, bad, status := p.outpace(t, "serve")
	if status != 1 || time.Since(began) > 10*time.Second {
		t.Errorf("exit status %d after %v, want 1", status, time.Since(began))
	}
	return bad
}

// TestTwoProducts (F-26): the second on one store ends with exit status 1 and
// says who has it; the first goes on.
func TestTwoProducts(t *testing.T) {
	t.Parallel()
	w := newWorld(t, carrier.Config{Behave: fleeting}, 200, 3)
	w.start(t)
	w.operate(t, time.Second)
	w.invites(t, 5)
	for range 3 {
		if says := w.refusesToStart(t); !strings.Contains(says, "in use by process") {
			t.Errorf("the second says %q", says)
		}
	}
	w.invites(t, w.carrier.Stats().Invites+5)
	w.stop(t)
	store := w.open(t)
	defer store.Close()
	judgeOutcomes(t, allAttempts(t, store), callsOf(t, w.events(t)))
}

// TestBitFlip (F-29): a damaged store is refused before anything is dialled, and
// what to do is said; doing it helps.
func TestBitFlip(t *testing.T) {
	t.Parallel()
	w := newWorld(t, carrier.Config{Behave: fleeting}, 500, 3)
	copied := filepath.Join(t.TempDir(), "copy.db")
	if out, bad, status := w.outpace(t, "store", "backup", copied); status != 0 {
		t.Fatalf("exit status %d: %s%s", status, out, bad)
	}
	path := filepath.Join(w.dir, "outpace.db")
	whole, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	found, flips := 0, 0
	for at := 4096; at < len(whole); at += 20 * 4096 { // the kind of a page, in its first byte
		flips++
		damaged := []byte(string(whole))
		damaged[at] ^= 1 << (flips % 8)
		if err := os.WriteFile(path, damaged, 0o600); err != nil {
			t.Fatal(err)
		}
		says := w.refusesToStart(t)
		if strings.Contains(says, "outpace store restore FILE") {
			found++
		} else {
			t.Errorf("a flip at %d: %s", at, says)
		}
	}
	t.Logf("%d of %d flips were found", found, flips)
	if n := w.carrier.Stats().Invites; n > 0 {
		t.Errorf("%d calls were made", n)
	}
	if out, bad, status := w.outpace(t, "store", "restore", copied); status != 0 {
		t.Fatalf("exit status %d: %s%s", status, out, bad)
	}
	w.start(t)
	w.operate(t, time.Second)
	w.invites(t, 3)
	w.stop(t)
}
