package sqlite

import (
	"errors"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TestCapsWhenTheClockSteps (F-19): whatever the clock says, no more calls are
// made than a cap allows in any of its periods, by the times that were written.
func TestCapsWhenTheClockSteps(t *testing.T) {
	s := openTest(t)
	fill(t, s, 1)
	queues, err := s.Queues(t.Context(), "camp", start)
	if err != nil {
		t.Fatal(err)
	}
	var made []time.Time
	clock := start.Add(10 * 24 * time.Hour)
	for i, step := range []time.Duration{0, time.Hour, -time.Hour, -time.Hour, 24 * time.Hour, -24 * time.Hour, 2 * time.Hour, 22 * time.Hour, time.Hour, -3 * time.Hour, 48 * time.Hour} {
		clock = clock.Add(step)
		if _, err := s.Reclaim(t.Context(), "n", clock); err != nil {
			t.Fatal(err)
		}
		claims, err := s.Claim(t.Context(), campaigns.ClaimRequest{Queues: []campaigns.QueueID{queues[0].QueueID}, Limit: 1, Node: "n", Lease: time.Minute, Now: clock})
		if err != nil {
			t.Fatal(err)
		}
		if len(claims) == 0 {
			continue // waits until a refusal's time
		}
		id := campaigns.AttemptID(rune('a' + i))
		err = s.Begin(t.Context(), campaigns.Intent{Attempt: id, Claim: claims[0], Caps: []campaigns.Cap{{N: 2, Period: 24 * time.Hour}}, At: clock})
		if _, refused := errors.AsType[*campaigns.Refusal](err); refused {
			continue
		}
		if err != nil {
			t.Fatal(err)
		}
		made = append(made, clock)
		if err := s.End(t.Context(), campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, Count: true, Next: campaigns.Next{At: start}, At: clock}); err != nil {
			t.Fatal(err)
		}
	}
	for _, from := range made {
		n := 0
		for _, at := range made {
			if !at.Before(from) && at.Before(from.Add(24*time.Hour)) {
				n++
			}
		}
		if n > 2 {
			t.Errorf("%d calls in the 24 h from %v: %v", n, from, made)
		}
	}
	if len(made) < 3 {
		t.Errorf("%d calls: nothing was tested", len(made))
	}
	t.Log(made)
}
