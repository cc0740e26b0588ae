package app

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/simulator"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// twin is a spender, and a controller that hears the same and shares its budget by the
// book of the simulator.
type twin struct {
	*spender
	simulated pacing.Controller
}

func (w *twin) begin() {
	w.spender.begin(0)
	now := time.Now()
	w.simulated = pacing.New(pacing.Settings{Mode: pacing.Predictive, Limit: theLimit, Windows: []time.Duration{0, 24 * time.Hour}}, now)
	w.simulated.Observe(now, pacing.Shared{Part: 1})
	for i := range 5 {
		w.simulated.Observe(now, pacing.Operator{ID: fmt.Sprint(i), State: pacing.Ready})
	}
}

func (w *twin) answer(lose bool) {
	lost := w.spender.answer(lose)
	now, id := time.Now(), fmt.Sprint("call", w.calls)
	w.simulated.Observe(now, pacing.Dialed{Call: id})
	w.simulated.Observe(now, pacing.Human{Call: id})
	if lost {
		w.simulated.Observe(now, pacing.Abandoned{Call: id})
		return
	}
	w.simulated.Observe(now, pacing.Connected{Call: id, Operator: "0"})
}

func (w *twin) staff(state pacing.OperatorState, n int) {
	for i := range 5 {
		ev := pacing.Operator{ID: fmt.Sprint(i), State: pacing.Ready}
		if i >= n {
			ev.State = state
		}
		w.controller.Observe(time.Now(), ev)
		w.simulated.Observe(time.Now(), ev)
	}
}

// The budget that nodes share is worked out twice, by the scripts of Redis and by the
// simulator: what the simulator says of nodes is true of the product only while both
// give every node the same, whatever happened.
func TestBudgetIsTheSimulators(t *testing.T) {
	t.Parallel()
	for seed := range uint64(4) {
		draw := rand.New(rand.NewPCG(seed, 0))
		n, url := 2+int(seed), redistest.Start(t).URL()
		book := simulator.NewBook(n)
		var all []*twin
		for i := range n {
			all = append(all, &twin{spender: spenderOn(t, url, i)})
		}
		renew := func(i int) {
			all[i].renew(func() {}, func() {})
			book.Renew(i, time.Now(), all[i].simulated)
		}
		for i, w := range all { // renewed at once: who opens a book of which nobody has a part begins a new one
			w.begin()
			renew(i)
		}
		for step := range 400 {
			i := draw.IntN(n)
			w := all[i]
			if draw.IntN(4) == 0 {
				w.staff(pacing.Off, draw.IntN(6))
			}
			for range draw.IntN(12) {
				w.answer(draw.IntN(3) > 0)
			}
			renew(i)
			got, want := w.controller.Balance(time.Now()), w.simulated.Balance(time.Now())
			if got.Live != want.Live || got.Abandoned != want.Abandoned || got.AtWork != want.AtWork ||
				math.Abs(got.Credit-want.Credit) > 1e-6 || math.Abs(got.Mine-want.Mine) > 1e-6 {
				t.Fatalf("seed %d, step %d: node %d has %+v, in the simulator %+v", seed, step, i, got, want)
			}
		}
	}
}
