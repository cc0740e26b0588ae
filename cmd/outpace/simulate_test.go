package main

import (
	"context"
	"errors"
	"io"
	"path/filepath"
	"sync/atomic"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/simulator"
)

const exampleScenarios = "../../config/examples/scenarios"

// Runs side by side give what each gives alone, in the order of their seeds.
func TestSimulateRunsInOrder(t *testing.T) {
	f := simulateFlags{scenario: filepath.Join(exampleScenarios, "small_5.json"), policy: "predictive", runs: 1}
	s, p, err := f.check()
	if err != nil {
		t.Fatal(err)
	}
	s.Duration = 1800
	parts := make(chan int, 5*simulateSteps)
	together, err := simulateRuns(t.Context(), s, p, 40, 4, func(n int) { parts <- n })
	if err != nil {
		t.Fatal(err)
	}
	if len(parts) != 4*simulateSteps {
		t.Errorf("the bar moved %d times, want %d", len(parts), 4*simulateSteps)
	}
	for i, got := range together {
		alone, err := simulateRuns(t.Context(), s, p, 40+uint64(i), 1, func(int) {})
		if err != nil || !cmp.Equal(got, alone[0]) {
			t.Errorf("run %d: %+v, alone %+v, %v", i, got, alone[0], err)
		}
	}
}

// A signal ends the work.
func TestSimulateStops(t *testing.T) {
	ctx, stop := context.WithCancel(t.Context())
	stop()
	f := simulateFlags{scenario: filepath.Join(exampleScenarios, "steady_50.json"), policy: "progressive", runs: 50}
	if err := simulate(ctx, f, false, io.Discard); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v", err)
	}
}

// A policy that cannot be followed is refused, not simulated.
func TestSimulateRefusesPolicy(t *testing.T) {
	s := &simulator.Scenario{Duration: 60}
	if _, err := simulateRuns(t.Context(), s, simulator.Policy{Mode: pacing.Mode("guess")}, 1, 1, func(int) {}); err == nil {
		t.Error("no error")
	}
}

// The bar of a search has room for all that it may try.
func TestSearchKeepsWithinItsBar(t *testing.T) {
	s, err := readScenario(filepath.Join(exampleScenarios, "small_5.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.Duration = 300
	for _, text := range []string{"oracle", "vici:tuned", "progressive"} {
		p, err := simulator.ParsePolicy(text)
		if err != nil {
			t.Fatal(err)
		}
		var done atomic.Int64
		if _, err := simulatePolicy(t.Context(), s, p, 1, 2, func(n int) { done.Add(int64(n)) }); err != nil {
			t.Fatal(err)
		}
		most := int64(stepsOf(p, 2))
		if got := done.Load(); got > most || text != "oracle" && got != most { // the oracle may find it sooner
			t.Errorf("%s: %d steps, the bar has %d", text, got, most)
		}
	}
}
