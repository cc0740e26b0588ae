package fault

import (
	"maps"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/redistest"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// TestRedisDies (F-4): Redis is killed and started again under a product that
// dials. Nothing is dialled meanwhile; within three seconds of its first answer
// calls are made again; no attempt and no outcome is lost, and nobody is dialled
// early. At appendfsync everysec Redis answers before it writes while a flush is
// under way, for at most two seconds: what is lost is no older than that.
func TestRedisDies(t *testing.T) {
	heavy(t)
	const (
		rounds   = 25
		inTheAir = 100 * time.Millisecond // from our clock to the carrier's log
		goesOn   = 3 * time.Second
	)
	for _, fsync := range []string{"everysec", "always"} {
		t.Run(fsync, func(t *testing.T) {
			t.Parallel()
			server := redistest.Start(t, "--appendfsync", fsync)
			w := newWorldOn(t, server.URL(), carrier.Config{Seed: 4, Behave: busy}, 12_000, 4)
			draw := rand.New(rand.NewPCG(4, 0))
			w.start(t)
			w.operate(t, time.Second)
			w.invites(t, 20)
			var dead []life // of Redis: died and ready again
			slowest := time.Duration(0)
			for range rounds {
				testbed.Pass(within(draw, 700*time.Millisecond))
				server.Kill()
				l := life{died: time.Now()}
				testbed.Pass(within(draw, 1500*time.Millisecond))
				l.started = time.Now() // it may answer the product before it answers us
				server.Run()           // until it answers
				l.ready = time.Now()
				made := w.carrier.Stats().Invites
				testbed.Until(t, 10*time.Second, "calls are made again", func() bool { return w.carrier.Stats().Invites > made })
				slowest = max(slowest, time.Since(l.ready))
				dead = append(dead, l)
			}
			w.stop(t)
			if slowest > goesOn {
				t.Errorf("once it took %v from the first answer to the first call, want at most %v", slowest, goesOn)
			}
			store := w.open(t)
			defer store.Close()
			attempts, calls := allAttempts(t, store), callsOf(t, w.events(t))
			for _, c := range calls {
				for _, l := range dead {
					if c.from.After(l.died.Add(inTheAir)) && c.from.Before(l.started) {
						t.Errorf("call %s left %v after Redis died", c.id, c.from.Sub(l.died))
					}
				}
			}
			if fsync == "everysec" {
				begins, ends := 0, 0
				attempts, calls, begins, ends = withoutLost(attempts, calls, dead)
				t.Logf("lost with Redis: %d attempts, %d outcomes", begins, ends)
			}
			judgeOutcomes(t, attempts, calls)
			judgeTimes(t, attempts, calls)
			t.Logf("Redis died %d times: %d calls, %d attempts; slowest to go on: %v", rounds, len(calls), len(attempts), slowest.Round(time.Millisecond))
		})
	}
}

// withoutLost takes out what Redis may have answered and not written before it
// died: attempts that it does not know, and outcomes.
func withoutLost(attempts []campaigns.Attempt, calls map[string]*dialog, dead []life) (kept []campaigns.Attempt, known map[string]*dialog, begins, ends int) {
	const unwritten, waits, inTheAir = 2500 * time.Millisecond, 1500 * time.Millisecond, 100 * time.Millisecond
	mayBeLost := func(at time.Time) bool {
		written := at // at the latest: an outcome that meets no Redis waits for the next flush of the backlog
		for _, l := range dead {
			if written.After(l.died.Add(-inTheAir)) && written.Before(l.ready) {
				written = l.ready.Add(waits)
			}
		}
		return slices.ContainsFunc(dead, func(l life) bool { return at.Before(l.died) && written.After(l.died.Add(-unwritten)) })
	}
	known = maps.Clone(calls)
	byID := map[string]bool{}
	for _, a := range attempts {
		byID[string(a.ID)] = true
		if c := calls[string(a.ID)]; a.Outcome == "" && c != nil && mayBeLost(c.to) {
			ends++
			continue
		}
		kept = append(kept, a)
	}
	for id, c := range calls {
		switch {
		case !byID[id] && mayBeLost(c.from):
			begins++
			delete(known, id)
		case byID[id] && !slices.ContainsFunc(kept, func(a campaigns.Attempt) bool { return string(a.ID) == id }):
			delete(known, id)
		}
	}
	return kept, known, begins, ends
}
