package e2e

import (
	"bytes"
	"context"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
)

// operatorHz is the tone that operators talk in.
const operatorHz = 1100

// journal keeps what the far end writes down.
type journal struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return j.text.Write(p)
}

func (j *journal) events(t *testing.T) []carrier.Event {
	t.Helper()
	j.mu.Lock()
	defer j.mu.Unlock()
	events, err := carrier.ReadLog(bytes.NewReader(j.text.Bytes()))
	must(t, err)
	return events
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
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- c.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
	return c, j
}
