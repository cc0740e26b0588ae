package simulator

import (
	"errors"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// morning is the picture after an hour of a steady floor, from a controller that
// has learnt it, and the settings of that hour.
func morning(tb testing.TB, operators int) (pacing.Picture, pacing.Settings) {
	tb.Helper()
	s := steady(operators, 0.2, 2)
	sim, err := New(s, Policy{Mode: pacing.Predictive}, 1)
	if err != nil {
		tb.Fatal(err)
	}
	sim.Advance(time.Hour)
	return sim.controller.Picture(moment(time.Hour)), Policy{Mode: pacing.Predictive}.settings(s)
}

func TestForecastIsLikeTheHourThatComes(t *testing.T) {
	t.Parallel()
	s := steady(20, 0.2, 2)
	sim, err := New(s, Policy{Mode: pacing.Predictive}, 1)
	if err != nil {
		t.Fatal(err)
	}
	sim.Advance(2 * time.Hour)
	came := sim.Result().Utilisation
	p, settings := morning(t, 20)
	f, err := ForecastFrom(p, settings, ForecastOptions{Runs: 6, Leads: 100})
	if err != nil {
		t.Fatal(err)
	}
	if d := f.Utilisation - came; d > 0.06 || d < -0.06 {
		t.Errorf("utilisation: forecast %.3f, came %.3f", f.Utilisation, came)
	}
	if f.Abandonment > 0.06 || f.Dials < 1000 || f.ListLife <= 0 || f.ListLife > 10*time.Minute {
		t.Errorf("forecast %+v", f)
	}
	again, err := ForecastFrom(p, settings, ForecastOptions{Runs: 6, Leads: 100})
	if err != nil || again != f {
		t.Errorf("the same question: %+v, then %+v (%v)", f, again, err)
	}
	settings.Mode = pacing.Progressive
	careful, err := ForecastFrom(p, settings, ForecastOptions{Runs: 6})
	if err != nil || careful.Utilisation > f.Utilisation-0.1 || careful.Abandoned > 1 {
		t.Errorf("progressive %+v (%v), predictive %+v", careful, err, f)
	}
}

func TestForecastNeedsAPicture(t *testing.T) {
	if _, err := ForecastFrom(pacing.Picture{}, pacing.Settings{}, ForecastOptions{}); !errors.Is(err, ErrNoPicture) {
		t.Errorf("error = %v, want %v", err, ErrNoPicture)
	}
	p, _ := morning(t, 5)
	if _, err := ForecastFrom(p, pacing.Settings{Mode: "wild"}, ForecastOptions{}); err == nil {
		t.Error("settings that cannot be followed are")
	}
}

func BenchmarkForecast50(b *testing.B) {
	p, settings := morning(b, 50)
	for b.Loop() {
		if _, err := ForecastFrom(p, settings, ForecastOptions{}); err != nil {
			b.Fatal(err)
		}
	}
}

// The futures are of the very operators: slow ones have their calls longer.
func TestForecastKnowsThePaceOfOperators(t *testing.T) {
	t.Parallel()
	p, settings := morning(t, 10)
	connected := func(pace float64) float64 {
		for i := range p.Operators {
			p.Operators[i].Pace = pace
		}
		f, err := ForecastFrom(p, settings, ForecastOptions{Runs: 4})
		if err != nil {
			t.Fatal(err)
		}
		return f.Connected
	}
	if quick, slow := connected(0.7), connected(1.5); slow > 0.65*quick {
		t.Errorf("%.0f calls are connected at pace 0.7, %.0f at pace 1.5; want about half", quick, slow)
	}
}
