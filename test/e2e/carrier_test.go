package e2e

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// operatorHz is the tone that operators talk in.
const operatorHz = 1100

// journal is what the far end writes down.
type journal struct{ testbed.Lines }

func (j *journal) events(t *testing.T) []carrier.Event {
	t.Helper()
	return testbed.Events(t, &j.Lines)
}

// count is how many events of a kind there are.
func (j *journal) count(t *testing.T, event string) int {
	n := 0
	for _, e := range j.events(t) {
		if e.Event == event {
			n++
		}
	}
	return n
}

// noFaults wants that the dialer kept to the protocol.
func (j *journal) noFaults(t *testing.T) {
	t.Helper()
	for _, e := range j.events(t) {
		if e.Event == "fault" {
			t.Errorf("breach of protocol: %s: %s (call %s)", e.What, e.Detail, e.Call)
		}
	}
}

// personsOnly is a carrier at whose every number a person answers, talks for a
// while and hangs up. It is gone with the test, after all that was started
// later.
func personsOnly(t *testing.T, talk time.Duration) (*carrier.Carrier, *journal) {
	t.Helper()
	person := carrier.Behaviour{Kind: carrier.Person, Ring: 500 * time.Millisecond, Talk: talk, Patience: 6 * time.Second}
	return startCarrier(t, carrier.Config{Seed: 1, CustomerHz: customerHz, OperatorHz: operatorHz,
		Behave: func(string, int) (carrier.Behaviour, bool) { return person, true }})
}

// startCarrier runs a far end that is gone with the test, after all that was
// started later.
func startCarrier(t *testing.T, cfg carrier.Config) (*carrier.Carrier, *journal) {
	t.Helper()
	j := &journal{}
	cfg.Log = j
	c, err := carrier.New(cfg)
	must(t, err)
	testbed.RunUntilCleanup(t, "carrier", c.Run)
	return c, j
}
