package campaigns

import (
	"slices"
	"testing"
)

// Zones with a plus sign in their name must come back as they were.
func TestWindowClassKeepsNames(t *testing.T) {
	w := NewWindowClass([]string{"Etc/GMT+6", "America/Chicago", "Etc/GMT+6"}, []string{"US-TX", "US-FED"})
	if got, want := w.Zones(), []string{"America/Chicago", "Etc/GMT+6"}; !slices.Equal(got, want) {
		t.Errorf("zones = %q, want %q", got, want)
	}
	if got, want := w.Regions(), []string{"US-FED", "US-TX"}; !slices.Equal(got, want) {
		t.Errorf("regions = %q, want %q", got, want)
	}
	if again := NewWindowClass(w.Regions(), nil); again.Zones() == nil || again.Regions() != nil {
		t.Errorf("class %q", again)
	}
}
