package main

import (
	"encoding/xml"
	"errors"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// A curve goes through its values, a gap lifts the pen, and what people wrote is
// escaped.
func TestChart(t *testing.T) {
	c := chart{
		title: "a <day> & more", length: 4 * time.Minute, legend: []string{"one"},
		panels: []panel{{title: "share", percent: true, top: 1, curves: []curve{{values: []float64{0, 0.5, math.NaN(), 2}}}}},
		marks:  []mark{{2 * time.Minute, "x < y"}},
	}
	var out strings.Builder
	if err := c.writeSVG(&out); err != nil {
		t.Fatal(err)
	}
	wellFormed(t, out.String())
	// Four minutes are 1010 pixels from 70 on; shares from 1 to 0 are 190 from 80 on; above the top is the top.
	for _, want := range []string{`d="M322.5 270.0L575.0 175.0M1080.0 80.0"`, "a &lt;day&gt; &amp; more", "x &lt; y", "M575.0 80V"} {
		if !strings.Contains(out.String(), want) {
			t.Errorf("no %s in\n%s", want, out.String())
		}
	}
}

func wellFormed(t *testing.T, text string) {
	t.Helper()
	for d := xml.NewDecoder(strings.NewReader(text)); ; {
		if _, err := d.Token(); errors.Is(err, io.EOF) {
			return
		} else if err != nil {
			t.Fatalf("%v in\n%s", err, text)
		}
	}
}

func TestNiceStep(t *testing.T) {
	for _, row := range []struct {
		span float64
		n    int
		want float64
	}{{1, 5, 0.2}, {8, 12, 1}, {3.5, 12, 0.5}, {0.06, 5, 0.02}, {24, 12, 2}} {
		if got := niceStep(row.span, row.n); math.Abs(got-row.want) > 1e-12 {
			t.Errorf("%v in %d: %v, want %v", row.span, row.n, got, row.want)
		}
	}
}

// A figure over a span forgets what is older, and one since the start does not.
func TestOver(t *testing.T) {
	minutes := []simulator.Minute{{Live: 20, Abandoned: 20}, {Live: 5}, {Live: 15}, {Live: 5}}
	equal := cmp.Options{cmpopts.EquateNaNs(), cmpopts.EquateApprox(0, 1e-9)}
	if got, want := over(minutes, 1, abandonedShare), []float64{1, math.NaN(), 0, math.NaN()}; !cmp.Equal(got, want, equal) {
		t.Errorf("one minute: %v, want %v", got, want)
	}
	if got, want := over(minutes, 4, abandonedShare), []float64{1, 0.8, 0.5, 20.0 / 45}; !cmp.Equal(got, want, equal) {
		t.Errorf("since the start: %v, want %v", got, want)
	}
}

// The plot of a comparison has every policy and every event.
func TestPlotDays(t *testing.T) {
	s, err := readScenario(filepath.Join(exampleScenarios, "steady_50.json"))
	if err != nil {
		t.Fatal(err)
	}
	s.Duration, s.Events[0].At, s.Events[1].At = 1800, 600, 1200
	policies, err := parsePolicies("progressive,ratio:2")
	if err != nil {
		t.Fatal(err)
	}
	reports, err := comparePolicies(t.Context(), s, policies, 1, 1)
	if err != nil {
		t.Fatal(err)
	}
	name := filepath.Join(t.TempDir(), "day.svg")
	if err := plotDays(t.Context(), name, s, reports); err != nil {
		t.Fatal(err)
	}
	text, err := os.ReadFile(name)
	if err != nil {
		t.Fatal(err)
	}
	wellFormed(t, string(text))
	for _, want := range []string{">progressive<", ">ratio:2<", ">coffee<", ">the carrier fails at once<", "utilisation", "abandoned", "in flight"} {
		if !strings.Contains(string(text), want) {
			t.Errorf("no %s in the plot", want)
		}
	}
	if n := strings.Count(string(text), `fill="none" stroke="#0072B2"`); n != 4 {
		t.Errorf("%d curves of the first policy, want 4", n)
	}
}
