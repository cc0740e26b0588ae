package simulator

import (
	"bytes"
	"fmt"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// A random day depends on its seed alone, is a valid scenario, and comes out of
// its YAML again as it went in.
func TestRandomDayIsItsSeed(t *testing.T) {
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
