package main

import (
	"cmp"
	"context"
	"fmt"
	"io"
	"runtime"
	"slices"
	"sync"
	"text/tabwriter"
	"time"

	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// The promise of the pacing: of the days that chance makes, at most one in so
// many ends over its limit, those aside that nobody could hold.
const (
	daysForOneOver = 1000
	worstDays      = 10 // that are reported
	maxDays        = 10_000_000
)

// daysReport is what many random days gave.
type daysReport struct {
	Days         int             `json:"days"`
	First        uint64          `json:"first_seed"`
	Over         int             `json:"over_limit"`
	Unavoidable  int             `json:"unavoidable"` // of Over
	ByDetector   int             `json:"over_by_detector"`
	Utilisation  float64         `json:"utilisation"` // mean of the days that had live answers
	Live         int             `json:"live"`
	Abandoned    int             `json:"abandoned"`
	Hours        float64         `json:"simulated_hours"`
	Seconds      float64         `json:"seconds"` // that it took
	Worst        []simulator.Day `json:"worst"`
	answeredDays int
}

// simulateDays simulates n random days, each with its own seed, and fails where
// more end over their limit than the promise allows.
func simulateDays(ctx context.Context, first uint64, n int, asJSON bool, out io.Writer) error {
	began := time.Now()
	bar := newSimulateBar(n)
	r, err := randomDays(ctx, first, n, bar.add)
	bar.done()
	if err != nil {
		return err
	}
	r.Seconds = time.Since(began).Seconds()
	if asJSON {
		err = printJSON(out, r)
	} else {
		err = printDays(out, r)
	}
	if over := r.Over - r.Unavoidable; err == nil && over*daysForOneOver > n {
		err = fmt.Errorf("%d of %d days ended over their limit that could have been held: more than 1 in %d", over, n, daysForOneOver)
	}
	return err
}

// randomDays simulates days side by side. done hears of each.
func randomDays(ctx context.Context, first uint64, n int, done func(int)) (daysReport, error) {
	r := daysReport{Days: n, First: first}
	var mu sync.Mutex
	var failed error
	seeds := make(chan uint64)
	var workers sync.WaitGroup
	for range min(n, runtime.GOMAXPROCS(0)) {
		workers.Go(func() {
			for seed := range seeds {
				day, err := simulateDay(ctx, seed)
				mu.Lock()
				if err != nil {
					failed = cmp.Or(failed, err)
				} else {
					r.add(day)
				}
				mu.Unlock()
				done(1)
			}
		})
	}
	for i := range n {
		seeds <- first + uint64(i)
	}
	close(seeds)
	workers.Wait()
	if r.answeredDays > 0 {
		r.Utilisation /= float64(r.answeredDays)
	}
	return r, failed
}

// simulateDay simulates a random day.
func simulateDay(ctx context.Context, seed uint64) (simulator.Day, error) {
	sim, err := simulator.New(simulator.RandomDay(seed), simulator.DayPolicy(seed), seed)
	if err != nil {
		return simulator.Day{}, fmt.Errorf("day %d: %w", seed, err)
	}
	for to := time.Minute; sim.Advance(to); to += time.Minute {
		if ctx.Err() != nil {
			return simulator.Day{}, context.Cause(ctx)
		}
	}
	return sim.Day(), nil
}

// add counts a day and keeps the worst: those over by most calls, then those
// that came nearest.
func (r *daysReport) add(d simulator.Day) {
	switch d.Verdict {
	case simulator.ByPacing:
		r.Over++
		if d.Unavoidable {
			r.Unavoidable++
		}
	case simulator.ByDetector:
		r.ByDetector++
	}
	r.Live += d.Run.Live
	r.Abandoned += d.Run.Abandoned
	r.Hours += d.Hours
	if d.Run.Live > 0 {
		r.Utilisation += d.Run.Utilisation
		r.answeredDays++
	}
	if d.Verdict != simulator.ByPacing {
		return
	}
	r.Worst = append(r.Worst, d)
	slices.SortFunc(r.Worst, func(a, b simulator.Day) int {
		return cmp.Or(cmp.Compare(b.Excess, a.Excess), cmp.Compare(a.Seed, b.Seed))
	})
	r.Worst = r.Worst[:min(len(r.Worst), worstDays)]
}

func printDays(out io.Writer, r daysReport) error {
	fmt.Fprintf(out, "%d random days, seeds %d to %d: %d over their limit (%d of them by calls whose operators left while they rang), %d more by the detector alone\n",
		r.Days, r.First, r.First+uint64(r.Days)-1, r.Over, r.Unavoidable, r.ByDetector)
	fmt.Fprintf(out, "utilisation %.2f%%, %d of %d live answers abandoned; %.0f hours in %.0f s\n",
		100*r.Utilisation, r.Abandoned, r.Live, r.Hours, r.Seconds)
	if len(r.Worst) == 0 {
		return nil
	}
	fmt.Fprintln(out)
	w := tabwriter.NewWriter(out, 0, 0, 2, ' ', 0)
	fmt.Fprintln(w, "seed\tpolicy\toperators\thours\tlimit\tabandoned\tbeyond it\tcause")
	for _, d := range r.Worst {
		fmt.Fprintf(w, "%d\t%s\t%d\t%.1f\t%.2f%%\t%.2f%%\t%.1f calls\t%s\n", d.Seed, d.Policy, d.Operators, d.Hours, 100*d.Limit, 100*d.Run.Abandonment, d.Excess, d.Cause)
	}
	return w.Flush()
}

// printDay prints a random day as a scenario, and how to simulate it again.
func printDay(out io.Writer, seed uint64) error {
	text, err := simulator.RandomDay(seed).YAML()
	if err != nil {
		return err
	}
	_, err = fmt.Fprintf(out, "# outpace simulate --scenario FILE --runs 1 --policy %s\n%s", simulator.DayPolicy(seed), text)
	return err
}
