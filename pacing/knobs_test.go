package pacing

import (
	"testing"
	"time"

	"pgregory.net/rapid"
)

// calls is what the controller would place now under other settings, the past
// being the same.
func calls(t *rapid.T, events []Event, gaps []float64, history, s Settings) Decision {
	c := New(history, monday)
	now := 0.0
	for i, ev := range events {
		now += gaps[i%len(gaps)]
		c.Observe(at(now), ev)
		c.Decide(at(now), View{Room: -1, Records: mainRecord})
	}
	c.Adjust(at(now), s)
	return c.Decide(at(now), View{Room: -1, Records: mainRecord})
}

// Whatever happened: more of a manager's knob never means fewer calls, and nobody
// is dialled for whom no operator is at work.
func TestMonotoneInTheKnobs(t *testing.T) {
	knobs := map[string]func(*Settings, float64){
		"limit":     func(s *Settings, x float64) { s.Limit = 0.005 + 0.04*x },
		"max ratio": func(s *Settings, x float64) { s.MaxRatio = 1 + 5*x },
		"min ratio": func(s *Settings, x float64) { s.MinRatio = 3 * x },
		"window": func(s *Settings, x float64) {
			s.WindowEnd = monday.Add(4*time.Hour + time.Duration(x*float64(4*time.Hour)))
		},
		"ratio": func(s *Settings, x float64) { s.Mode = Ratio; s.Ratio = 1 + 4*x },
	}
	for name, turn := range knobs {
		t.Run(name, func(t *testing.T) {
			rapid.Check(t, func(t *rapid.T) {
				events := script(t)
				gaps := rapid.SliceOfN(rapid.Float64Range(0, 20), 1, 8).Draw(t, "gaps")
				history := Settings{Mode: Predictive, Limit: 0.03, WindowEnd: monday.Add(6 * time.Hour)}
				low, high := history, history
				x := rapid.Float64Range(0, 1).Draw(t, "low")
				y := rapid.Float64Range(x, 1).Draw(t, "high")
				turn(&low, x)
				turn(&high, y)
				less, more := calls(t, events, gaps, history, low), calls(t, events, gaps, history, high)
				if less.Dial > more.Dial {
					t.Fatalf("%.3f: %d calls (%s); %.3f: %d calls (%s)", x, less.Dial, less.Why(), y, more.Dial, more.Why())
				}
				if more.AtWork == 0 && more.Dial > 0 {
					t.Fatalf("%d calls while nobody is at work", more.Dial)
				}
			})
		})
	}
}

// Beyond one call for each free operator none is placed whose answer would more
// likely than allowed find nobody.
func TestNoCallWithoutAnOperator(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := New(Settings{Mode: Predictive, Limit: rapid.Float64Range(0.005, 0.05).Draw(t, "limit"), WindowEnd: monday.Add(6 * time.Hour)}, monday)
		now := 0.0
		for i, ev := range script(t) {
			now += rapid.Float64Range(0, 10).Draw(t, "gap")
			c.Observe(at(now), ev)
			d := c.Decide(at(now), View{Room: 1, Records: mainRecord})
			if d.Dial == 0 {
				continue
			}
			before := c.(*controller).risks[0]
			if free := d.Free - d.InFlight; free < 1 && before.chance > before.threshold && before.threshold > 0 {
				t.Fatalf("event %d: a call at %.3f, allowed %.3f, %d free of whom %d are dialled for", i, before.chance, before.threshold, d.Free, d.InFlight)
			}
			if before.chance > maxRisk && d.Free-d.InFlight < 1 {
				t.Fatalf("event %d: a call that finds nobody with chance %.2f", i, before.chance)
			}
		}
	})
}
