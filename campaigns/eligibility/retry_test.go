package eligibility

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/outpace-dialer/outpace/campaigns"
	"pgregory.net/rapid"
)

func numbers(e164 ...string) []campaigns.Number {
	var out []campaigns.Number
	for _, n := range e164 {
		out = append(out, campaigns.Number{E164: n})
	}
	return out
}

func TestRetry(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	two := numbers("+1", "+2")
	oneBad := numbers("+1", "+2")
	oneBad[1].Bad = true
	for _, tt := range []struct {
		name     string
		numbers  []campaigns.Number
		dialled  string
		before   int // earlier attempts that ended so
		outcome  campaigns.Outcome
		rules    []campaigns.RetryRule
		want     campaigns.Next
		bad, dnc bool
	}{
		{"busy again in ten minutes", two, "+1", 0, campaigns.Busy, nil, campaigns.Next{At: now.Add(10 * time.Minute), Number: "+1"}, false, false},
		{"third busy gives the number up", two, "+1", 2, campaigns.Busy, nil, campaigns.Next{At: now.Add(10 * time.Minute), Number: "+2"}, false, false},
		{"third busy of the last number", two, "+2", 2, campaigns.Busy, nil, campaigns.Next{Done: true}, false, false},
		{"no answer: the other number", two, "+1", 0, campaigns.NoAnswer, nil, campaigns.Next{At: now.Add(2 * time.Hour), Number: "+2"}, false, false},
		{"no answer: round to the first", two, "+2", 0, campaigns.NoAnswer, nil, campaigns.Next{At: now.Add(2 * time.Hour), Number: "+1"}, false, false},
		{"no answer: bad numbers are passed", oneBad, "+1", 0, campaigns.NoAnswer, nil, campaigns.Next{At: now.Add(2 * time.Hour), Number: "+1"}, false, false},
		{"invalid: at once the next", two, "+1", 0, campaigns.InvalidNumber, nil, campaigns.Next{At: now, Number: "+2"}, true, false},
		{"invalid: no other", two, "+2", 0, campaigns.InvalidNumber, nil, campaigns.Next{Done: true}, true, false},
		{"unwanted", two, "+1", 0, campaigns.Unwanted, nil, campaigns.Next{Done: true}, false, true},
		{"abandoned rests 72 h", two, "+1", 0, campaigns.Abandoned, nil, campaigns.Next{At: now.Add(72 * time.Hour), Number: "+1"}, false, false},
		{"connected waits for its disposition", two, "+1", 0, campaigns.Connected, nil, campaigns.Next{At: now.Add(24 * time.Hour), Number: "+1"}, false, false},
		{"refused before the INVITE", two, "+1", 5, campaigns.NotPlaced, nil, campaigns.Next{At: now.Add(time.Second), Number: "+1"}, false, false},
		{"campaign's own rule", two, "+1", 0, campaigns.Busy, []campaigns.RetryRule{{Outcome: campaigns.Busy, After: time.Minute, Max: 9}}, campaigns.Next{At: now.Add(time.Minute), Number: "+1"}, false, false},
		{"an outcome without rule", numbers("+1"), "+1", 0, "odd", nil, campaigns.Next{Done: true}, false, false},
		{"a number the lead no longer has", two, "+9", 0, campaigns.InvalidNumber, nil, campaigns.Next{Done: true}, true, false},
	} {
		cl := campaigns.Claim{
			Lead: campaigns.Lead{Numbers: tt.numbers}, Number: campaigns.Number{E164: tt.dialled},
			ByOutcome: map[campaigns.Outcome]int{tt.outcome: tt.before},
		}
		got, bad, dnc := Retry(campaigns.Campaign{Retry: tt.rules}, cl, tt.outcome, now)
		if diff := cmp.Diff(tt.want, got); diff != "" || bad != tt.bad || dnc != tt.dnc {
			t.Errorf("%s: bad %v, do not call %v (-want +got):\n%s", tt.name, bad, dnc, diff)
		}
	}
	cl := campaigns.Claim{Lead: campaigns.Lead{Numbers: two}, Number: two[0], Callback: &campaigns.Callback{User: "ewa"}}
	if got, _, _ := Retry(campaigns.Campaign{}, cl, campaigns.Busy, now); got.Callback == nil || got.Callback.User != "ewa" || !got.Callback.At.Equal(got.At) {
		t.Errorf("a promised callback was lost: %+v", got)
	}
}

// TestRetryEnds: whatever the network says, a lead is done after finitely many
// attempts, and never sooner dialled than its rule says.
func TestRetryEnds(t *testing.T) {
	outcomes := []campaigns.Outcome{
		campaigns.Busy, campaigns.NoAnswer, campaigns.Absent, campaigns.MachineHeard, campaigns.InvalidNumber, campaigns.Declined,
		campaigns.Abandoned, campaigns.Cancelled, campaigns.Interrupted, campaigns.Announcement, campaigns.FaxHeard,
	}
	rapid.Check(t, func(t *rapid.T) {
		all := numbers("+1", "+2", "+3")[:rapid.IntRange(1, 3).Draw(t, "numbers")]
		ended := map[string]map[campaigns.Outcome]int{}
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		dialled := all[0].E164
		for range 1000 {
			o := rapid.SampledFrom(outcomes).Draw(t, "outcome")
			if ended[dialled] == nil {
				ended[dialled] = map[campaigns.Outcome]int{}
			}
			cl := campaigns.Claim{Lead: campaigns.Lead{Numbers: all}, Number: campaigns.Number{E164: dialled}, ByOutcome: ended[dialled], ByNumber: ended}
			next, bad, _ := Retry(campaigns.Campaign{}, cl, o, now)
			ended[dialled][o]++
			for i := range all {
				all[i].Bad = all[i].Bad || bad && all[i].E164 == dialled
			}
			if next.Done {
				return
			}
			if next.At.Before(now) || next.Number == "" {
				t.Fatalf("next = %+v at %v", next, now)
			}
			now, dialled = next.At, next.Number
			for _, n := range all {
				if n.E164 == dialled && n.Bad {
					t.Fatalf("the bad number %s is next", dialled)
				}
			}
			for o, times := range ended[dialled] {
				if rule := retryRule(campaigns.Campaign{}, o); rule.Max > 0 && times >= rule.Max {
					t.Fatalf("%s is next, which ended %d times as %s", dialled, times, o)
				}
			}
		}
		t.Fatal("still not done after 1000 attempts")
	})
}

func TestResolve(t *testing.T) {
	now := time.Date(2026, 11, 23, 12, 0, 0, 0, time.UTC)
	talk := Talk{
		Attempt: "a1", Lead: campaigns.Lead{Numbers: numbers("+1", "+2"), Grades: campaigns.Grades{Stage: campaigns.StageAcquire, CP: 3, PI: 2, Temperature: campaigns.Warm, Progress: 50}},
		Number: "+1", By: "ewa", Note: "n", CallbackAt: now.Add(time.Hour), Personal: true,
	}
	want := map[string]campaigns.Disposal{
		"sale":           {Next: campaigns.Next{Done: true}, Grades: campaigns.Grades{Stage: campaigns.StageRetain, CP: 3, PI: 5, Temperature: campaigns.Hot, Progress: 100}},
		"not_interested": {Next: campaigns.Next{Done: true}, Grades: campaigns.Grades{Stage: campaigns.StageAcquire, CP: 3, PI: 0, Temperature: campaigns.Cold, Progress: 50}},
		"callback":       {Next: campaigns.Next{At: now.Add(time.Hour), Number: "+1", Callback: &campaigns.Callback{At: now.Add(time.Hour), User: "ewa"}}, Grades: talk.Lead.Grades},
		"wrong_number":   {Next: campaigns.Next{At: now.Add(time.Hour), Number: "+2"}, Grades: talk.Lead.Grades, BadNumber: true},
		"do_not_call":    {Next: campaigns.Next{Done: true}, Grades: talk.Lead.Grades, Suppress: true},
		"no_decision":    {Next: campaigns.Next{At: now.Add(24 * time.Hour), Number: "+1"}, Grades: talk.Lead.Grades},
		"machine":        {Next: campaigns.Next{At: now.Add(4 * time.Hour), Number: "+1"}, Grades: talk.Lead.Grades},
	}
	for _, d := range campaigns.DefaultDispositions() {
		w, ok := want[d.Code]
		if !ok {
			t.Errorf("no expectation for %s", d.Code)
		}
		w.Attempt, w.Disposition, w.By, w.Note, w.At = "a1", d.Code, "ewa", "n", now
		if diff := cmp.Diff(w, Resolve(d, talk, now)); diff != "" {
			t.Errorf("%s (-want +got):\n%s", d.Code, diff)
		}
	}

	last := talk
	last.Number, last.Personal, last.CallbackAt = "+2", false, now.Add(-time.Hour)
	high := 9
	for _, tt := range []struct {
		name   string
		talk   Talk
		effect campaigns.Effect
		want   campaigns.Next
	}{
		{"wrong number, no other", last, campaigns.Effect{BadNumber: true}, campaigns.Next{Done: true, At: now.Add(24 * time.Hour)}},
		{"callback in the past is now, for anyone", last, campaigns.Effect{Callback: true}, campaigns.Next{At: now, Number: "+2", Callback: &campaigns.Callback{At: now}}},
		{"callback without a time", Talk{Number: "+1"}, campaigns.Effect{Callback: true}, campaigns.Next{At: now.Add(24 * time.Hour), Number: "+1"}},
		{"move", talk, campaigns.Effect{MoveTo: "retain", Final: true}, campaigns.Next{MoveTo: "retain", At: now}},
		{"do not call beats move", talk, campaigns.Effect{MoveTo: "retain", DoNotCall: true}, campaigns.Next{Done: true}},
		{"grades stay in range", talk, campaigns.Effect{Final: true, CP: &high, Progress: 300}, campaigns.Next{Done: true}},
	} {
		got := Resolve(campaigns.Disposition{Code: "x", Effect: tt.effect}, tt.talk, now)
		if diff := cmp.Diff(tt.want, got.Next); diff != "" {
			t.Errorf("%s (-want +got):\n%s", tt.name, diff)
		}
		if got.Grades.CP > 5 || got.Grades.Progress > 100 {
			t.Errorf("%s: grades %+v", tt.name, got.Grades)
		}
	}
}
