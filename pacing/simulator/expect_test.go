package simulator

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each expectation passes on one side of its bound and fails on the other.
func TestCheck(t *testing.T) {
	s := steady(1, 0.2, 1)
	s.Events = []Incident{{Note: "noon"}}
	s.Expect = &Expect{
		Policies: []string{"predictive", "progressive"}, NeverOver: true, Utilisation: 0.8,
		Peak: 0.1, UtilisationAfter: 0.7, Gain: &Gain{Over: "progressive", Least: 0.05},
	}
	report := func(policy string, u, peak float64, over bool) Report {
		p, err := ParsePolicy(policy)
		if err != nil {
			t.Fatal(err)
		}
		return NewReport(s, p, []Run{{Utilisation: u, Over: over, Events: []Aftermath{{Note: "noon", Peak: peak, Utilisation: u}}}})
	}
	passes := func(reports ...Report) (all []bool) {
		for _, c := range s.Check(reports) {
			all = append(all, c.Pass)
		}
		return all
	}
	// of each policy: over, utilisation, peak, utilisation after; of predictive: gain
	got := passes(report("predictive", 0.9, 0.1, false), report("progressive", 0.8, 0.11, true))
	if want := []bool{true, true, true, true, true, false, true, false, true}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	got = passes(report("predictive", 0.69, 0.2, true), report("progressive", 0.65, 0, false))
	if want := []bool{false, false, false, false, false, true, false, true, false}; !cmp.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
}

// What cannot be expected is refused with file, line and key.
func TestParseExpect(t *testing.T) {
	const day = "duration_s: 60\nagents: {schedule: [{t: 0, \"n\": 2}]}\nsegments: [{name: a, outcomes: [{human: 0.1}]}]\nexpect:\n  never_over: true\n"
	s, err := Parse("day.yaml", []byte(day))
	if err != nil || s.Expect.Runs != expectedRuns || len(s.Expect.Policies) != 2 {
		t.Errorf("got %+v, %v", s, err)
	}
	for _, row := range []struct{ more, want string }{
		{"  utilisation: 1.2\n", "day.yaml:6: expect.utilisation: 1.2 is not in [0, 1]"},
		{"  policies: [predictive, guess]\n", "day.yaml:6: expect.policies[1]: policy \"guess\""},
		{"  gain: {over: progressive}\n", "day.yaml:6: expect.gain.over: \"progressive\" is none of predictive"},
		{"  runs: -1\n", "day.yaml:6: expect.runs: -1"},
		{"  peak: 0.1\n", "day.yaml:6: expect.peak: unknown key peak"},
	} {
		if _, err := Parse("day.yaml", []byte(day+row.more)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s got %v, want %s", row.more, err, row.want)
		}
	}
	if _, err := Parse("day.yaml", []byte(strings.Replace(day, "true", "false", 1))); err == nil || !strings.Contains(err.Error(), "nothing is expected") {
		t.Errorf("got %v", err)
	}
}
