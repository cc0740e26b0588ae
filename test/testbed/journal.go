package testbed

import (
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/test/phone"
)

// Events is what far ends saw so far, by the journal that they write.
func Events(t testing.TB, journal *Lines) []phone.Event {
	t.Helper()
	events, err := phone.ReadJournal(strings.NewReader(journal.String()))
	Must(t, err)
	return events
}

// Talks are the calls that came to an operator's ear, by Call-ID.
func Talks(events []phone.Event) map[string]bool {
	calls := map[string]bool{}
	for _, e := range events {
		if e.Event == "first_tone" && e.From == "customer" {
			calls[e.Call] = true
		}
	}
	return calls
}
