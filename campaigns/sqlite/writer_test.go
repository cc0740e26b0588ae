package sqlite

import (
	"testing"
	"time"
)

// Requests that come together wait for each other; one who writes alone waits for
// nobody, and soon after the others are gone neither.
func TestBreath(t *testing.T) {
	if got := nextBreath(0, 1); got != 0 {
		t.Errorf("alone: %v, want 0", got)
	}
	breath := nextBreath(0, 2)
	if breath != fullBreath {
		t.Errorf("together: %v, want %v", breath, fullBreath)
	}
	var waited time.Duration
	for range 10 {
		breath = nextBreath(breath, 1)
		waited += breath
	}
	if breath != 0 || waited >= fullBreath {
		t.Errorf("alone again: %v after %v of waiting", breath, waited)
	}
}
