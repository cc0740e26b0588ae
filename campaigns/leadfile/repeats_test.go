package leadfile

import (
	"strconv"
	"testing"
)

// What came among the last rows is known, and nothing that did not come; two
// sets are all that is kept.
func TestRepeats(t *testing.T) {
	r := newRepeats()
	const all = remembered + remembered/4
	for i := range all {
		if r.again(strconv.Itoa(i)) {
			t.Fatalf("lead %d comes for the first time", i)
		}
		if before := max(0, i-remembered/2+1); !r.again(strconv.Itoa(before)) { // two rows each time
			t.Fatalf("lead %d came before %d", before, i)
		}
	}
	if r.young.count > remembered || r.old.count > remembered || len(r.young.slots) > 4*remembered || len(r.old.slots) > 4*remembered {
		t.Errorf("%d and %d leads in %d and %d slots", r.young.count, r.old.count, len(r.young.slots), len(r.old.slots))
	}
}
