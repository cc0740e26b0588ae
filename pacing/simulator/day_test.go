package simulator

import (
	"bytes"
	"fmt"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A random day depends on its seed alone, is a valid scenario, and comes out of
// its YAML again as it went in.
func TestRandomDayIsItsSeed(t *testing.T) {
	t.Parallel()
	var before []byte
	for seed := range uint64(400) {
		s := RandomDay(seed)
		text, err := s.YAML()
		if err != nil {
			t.Fatal(err)
		}
		again, err := Parse("day", text)
		if err != nil {
			t.Fatalf("day %d: %v\n%s", seed, err, text)
		}
		if diff := cmp.Diff(RandomDay(seed), again); diff != "" {
			t.Fatalf("day %d: %s", seed, diff)
		}
		if bytes.Equal(text, before) {
			t.Fatalf("days %d and %d are the same", seed-1, seed)
		}
		before = text
	}
}

// Random days reach what they claim to: teams large and small, every kind of
// incident, limits and answer shares from end to end.
func TestRandomDaysAreMany(t *testing.T) {
	seen := map[string]int{}
	for seed := range uint64(1000) {
		s := RandomDay(seed)
		n, p := s.Agents.Schedule[0].N, s.Segments[0].Outcomes[0].Human
		mark := func(is bool, what string) {
			if is {
				seen[what]++
			}
		}
		mark(n <= 8, "small team")
		mark(n > 100, "large team")
		mark(s.Agents.LoginRamp == 0, "one instant")
		mark(p < 0.08, "few answer")
		mark(p > 0.5, "many answer")
		mark(s.Limit.MaxAbandon < 0.008, "strict")
		mark(s.Limit.CountAMD, "detector counts")
		mark(s.Trunks.Channels > 0, "channels")
		mark(s.Trunks.CPS > 0, "cps")
		mark(len(s.TalkScale) > 0, "talk drift")
		mark(len(s.Mix) > 1, "list switch")
		mark(len(s.Segments[0].Outcomes) > 1, "answer jump")
		for _, e := range s.Events {
			seen[fmt.Sprintf("%s silent %v", e.Type, e.Silent)]++
		}
		if n < 2 || n > 200 || p < 0.05 || p > 0.6 || s.Limit.MaxAbandon < 0.005 || s.Duration < 1800 || s.Duration > 14400 {
			t.Errorf("day %d is out of bounds: %d operators, answer share %v, limit %v, %v s", seed, n, p, s.Limit.MaxAbandon, s.Duration)
		}
	}
	for _, what := range []string{"small team", "large team", "one instant", "few answer", "many answer", "strict", "detector counts", "channels", "cps",
		"talk drift", "list switch", "answer jump", "agents_break silent false", "carrier_outage silent false", "carrier_outage silent true"} {
		if seen[what] < 20 {
			t.Errorf("%s: %d of 1000 days", what, seen[what])
		}
	}
}

// A sample of days, those that are cheap to simulate. The aim is that at most 1 in 1,000
// ends over its limit that could have been held, which only many more days can show
// (make days). Were it 1 in 100, 150 days would have more than two in one sample of five.
func TestFewDaysEndOverTheirLimit(t *testing.T) {
	t.Parallel()
	const sample, cheap = 150, 15 // hours of operators
	over := 0
	for seed, n := uint64(0), 0; n < sample; seed++ {
		s := RandomDay(seed)
		if float64(s.Agents.Schedule[0].N)*float64(s.Duration)/3600 > cheap {
			continue
		}
		n++
		_, _, sim := run(t, s, DayPolicy(seed), seed)
		if d := sim.Day(); d.Verdict == ByPacing && !d.Unavoidable {
			over++
			t.Logf("day %d, %s: %s", seed, d.Policy, d.Cause)
		}
	}
	if over > 2 {
		t.Errorf("%d of %d days ended over their limit", over, sample)
	}
}

// One line for each ready operator abandons those calls alone whose operators leave
// while they ring. Where nobody leaves, all that is abandoned was dialled too much.
func TestDeserted(t *testing.T) {
	t.Parallel()
	s := steady(20, 0.5, 1)
	for at := Seconds(300); at < 3600; at += 300 {
		s.Events = append(s.Events, Incident{At: at, Type: AgentsBreak, Fraction: 0.8, Lasts: 60})
	}
	r, _, _ := run(t, s, progressive, 1)
	if r.Deserted == 0 || r.Deserted != r.Abandoned {
		t.Errorf("one line for each operator: %d of %d abandoned calls were deserted, want all", r.Deserted, r.Abandoned)
	}
	r, _, _ = run(t, steady(20, 0.5, 1), ratioThree, 1)
	if r.Abandoned == 0 || r.Deserted != 0 {
		t.Errorf("three lines for each: %d of %d abandoned calls were deserted, want none", r.Deserted, r.Abandoned)
	}
}

// A day is over by the pacing where abandoned calls and the detector's expected
// loss exceed the limit; what the detector loses beyond that is its own doing.
func TestVerdict(t *testing.T) {
	for _, row := range []struct {
		name                  string
		live, abandoned, lost int
		loss                  float64 // of the detector, expected
		want                  Verdict
		deserted              int
		unavoidable           bool
	}{
		{"within", 100, 3, 0, 0, Within, 3, false},
		{"over", 100, 4, 0, 0, ByPacing, 0, false},
		{"with what the detector loses", 100, 3, 0, 0.01, ByPacing, 2, false},
		{"the detector is worse than known", 100, 1, 3, 0.01, ByDetector, 1, false},
		{"nothing is left for the pacing", 100, 1, 4, 0.03, ByDetector, 1, false},
		{"the detector alone", 100, 0, 4, 0.03, ByDetector, 0, false},
		{"nobody answered", 0, 0, 0, 0.01, Within, 0, false},
		{"operators left", 20, 1, 0, 0, ByPacing, 1, true},
		{"operators left and the detector erred", 45, 1, 0, 0.01, ByPacing, 1, true},
		{"operators left after too much was dialled", 100, 4, 0, 0, ByPacing, 3, false},
	} {
		s := steady(1, 0.2, 1)
		s.AMD.Enabled, s.Limit.CountAMD, s.AMD.HumanAsMachine = true, true, row.loss
		s.Events = []Incident{{At: 600, Type: Mark, Note: "noon"}, {At: 3000, Type: Mark, Note: "later"}}
		sim, err := New(s, predictive, 1)
		if err != nil {
			t.Fatal(err)
		}
		sim.tally.minutes[12] = minute{live: row.live, abandoned: row.abandoned, deserted: row.deserted, lost: row.lost}
		d := sim.Day()
		if d.Verdict != row.want {
			t.Errorf("%s: %s, want %s", row.name, d.Verdict, row.want)
		}
		if d.Unavoidable != row.unavoidable {
			t.Errorf("%s: unavoidable %v, want %v", row.name, d.Unavoidable, row.unavoidable)
		}
		if told := strings.Contains(d.Cause, "noon at 0:10"); told != (row.want != Within && row.abandoned > 0) {
			t.Errorf("%s: cause %q", row.name, d.Cause)
		}
		if strings.Contains(d.Cause, "later") {
			t.Errorf("%s: cause %q names what came after", row.name, d.Cause)
		}
	}
}
