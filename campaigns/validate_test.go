package campaigns

import (
	"math"
	"strings"
	"testing"
	"time"
)

func aCampaign() Campaign {
	return Campaign{
		ID: "spring-sale", Lists: []ListID{"spring"}, Trunks: "main", CallerIDs: []string{"+48225550100"},
		Pacing: Pacing{Mode: Predictive, AbandonmentLimit: 0.03}, SafeHarbor: "safe-harbor",
	}
}

func TestValidate(t *testing.T) {
	six := 6
	tests := []struct {
		field  string // "" is valid
		change func(*Campaign)
	}{
		{"", func(c *Campaign) {}},
		{"", func(c *Campaign) { c.Pacing = Pacing{Mode: Preview}; c.SafeHarbor = "" }},
		{"", func(c *Campaign) {
			c.Windows = []Hours{{Days: []time.Weekday{1}, From: "09:00", To: "24:00"}}
			c.Wrap.Default = "no_decision"
		}},
		{"id", func(c *Campaign) { c.ID = "Spring Sale" }},
		{"state", func(c *Campaign) { c.State = "asleep" }},
		{"lists[0]", func(c *Campaign) { c.Lists = []ListID{""} }},
		{"trunks", func(c *Campaign) { c.Trunks = "" }},
		{"transfer_numbers[0]", func(c *Campaign) { c.TransferNumbers = []string{"+4*"} }},
		{"transfer_numbers[1]", func(c *Campaign) { c.TransferNumbers = []string{"+4822555*", "*"} }},
		{"transfer_numbers[0]", func(c *Campaign) { c.TransferNumbers = []string{"911"} }},
		{"", func(c *Campaign) {
			c.Inbound = Inbound{Numbers: []string{"+48225550100"}, MaxWait: time.Minute, MaxWaiting: 3, Unknown: UnknownTaken}
		}},
		{"inbound.numbers[0]", func(c *Campaign) { c.Inbound.Numbers = []string{"0225550100"} }},
		{"inbound.numbers[1]", func(c *Campaign) { c.Inbound.Numbers = []string{"+48225550100", "+48225550100"} }},
		{"inbound.max_wait", func(c *Campaign) { c.Inbound.MaxWait = time.Second }},
		{"inbound.max_waiting", func(c *Campaign) { c.Inbound.MaxWaiting = -1 }},
		{"inbound.unknown", func(c *Campaign) { c.Inbound.Unknown = "maybe" }},
		{"lists[1]", func(c *Campaign) { c.Lists = []ListID{"a", InboundList} }},
		{"caller_ids[0]", func(c *Campaign) { c.CallerIDs = []string{"anonymous"} }},
		{"detection", func(c *Campaign) { c.Detection = "after" }},
		{"recording", func(c *Campaign) { c.Recording = "maybe" }},
		{"segments[0].filter", func(c *Campaign) { c.Segments = []Segment{{Name: "a", Filter: "cp >"}} }},
		{"segments[1].priority", func(c *Campaign) { c.Segments = []Segment{{Name: "a"}, {Name: "b", Priority: "name"}} }},
		{"segments[1].name", func(c *Campaign) { c.Segments = []Segment{{Name: "a"}, {Name: "a"}} }},
		{"segments[0].weight", func(c *Campaign) { c.Segments = []Segment{{Name: "a", Weight: -1}} }},
		{"pacing.mode", func(c *Campaign) { c.Pacing.Mode = "fast" }},
		{"pacing.ratio", func(c *Campaign) { c.Pacing = Pacing{Mode: Ratio, Ratio: 0.5, AbandonmentLimit: 0.03} }},
		{"pacing.max_ratio", func(c *Campaign) { c.Pacing.MinRatio, c.Pacing.MaxRatio = 3, 2 }},
		{"pacing.abandonment_limit", func(c *Campaign) { c.Pacing.AbandonmentLimit = 0.05 }},
		{"pacing.abandonment_limit", func(c *Campaign) { c.Pacing.AbandonmentLimit = 0 }},
		{"pacing.target_utilisation", func(c *Campaign) { c.Pacing.TargetUtilisation = 2 }},
		{"", func(c *Campaign) {
			c.Pacing.MaxOccupancy, c.Pacing.MinBreath, c.Pacing.AnswerScoreField = 0.85, 7.5, "answer score"
		}},
		{"pacing.max_occupancy", func(c *Campaign) { c.Pacing.MaxOccupancy = 85 }},
		{"pacing.max_occupancy", func(c *Campaign) { c.Pacing.MaxOccupancy = math.NaN() }},
		{"pacing.min_breath", func(c *Campaign) { c.Pacing.MinBreath = -1 }},
		{"pacing.min_breath", func(c *Campaign) { c.Pacing.MinBreath = 5000 }},
		{"pacing.answer_score_field", func(c *Campaign) { c.Pacing.AnswerScoreField = " score" }},
		{"pacing.answer_score_field", func(c *Campaign) { c.Pacing.AnswerScoreField = "cp" }},
		{"safe_harbor", func(c *Campaign) { c.SafeHarbor = "" }},
		{"windows[0]", func(c *Campaign) { c.Windows = []Hours{{From: "20:00", To: "09:00"}} }},
		{"windows[0]", func(c *Campaign) { c.Windows = []Hours{{From: "9:00", To: "20:00"}} }},
		{"windows[0]", func(c *Campaign) { c.Windows = []Hours{{Days: []time.Weekday{7}, From: "09:00", To: "20:00"}} }},
		{"retry[0].outcome", func(c *Campaign) { c.Retry = []RetryRule{{Outcome: "sad"}} }},
		{"retry[0]", func(c *Campaign) { c.Retry = []RetryRule{{Outcome: Busy, Max: -1}} }},
		{"caps[0]", func(c *Campaign) { c.Caps = []Cap{{N: 0, Period: time.Hour}} }},
		{"wrap.timeout", func(c *Campaign) { c.Wrap.Timeout = -1 }},
		{"wrap.default", func(c *Campaign) { c.Wrap.Default = "nothing" }},
		{"dispositions[0].code", func(c *Campaign) { c.Dispositions = []Disposition{{Code: "A b"}} }},
		{"dispositions[1].digit", func(c *Campaign) {
			c.Dispositions = []Disposition{{Code: "a", Digit: "1"}, {Code: "b", Digit: "1"}}
		}},
		{"dispositions[0].effect.cp", func(c *Campaign) { c.Dispositions = []Disposition{{Code: "a", Effect: Effect{CP: &six}}} }},
		{"dispositions[0].effect.move_to", func(c *Campaign) {
			c.Dispositions = []Disposition{{Code: "a", Effect: Effect{MoveTo: "spring-sale"}}}
		}},
	}
	for _, tt := range tests {
		c := aCampaign()
		tt.change(&c)
		err := c.Validate()
		switch {
		case tt.field == "" && err != nil:
			t.Errorf("a good campaign is refused: %v", err)
		case tt.field != "" && (err == nil || !strings.HasPrefix(err.Error(), tt.field+": ")):
			t.Errorf("%s: error = %v", tt.field, err)
		}
	}
}

func TestDispositionLookup(t *testing.T) {
	c := aCampaign()
	if d, ok := c.Disposition("sale"); !ok || !d.Effect.Final {
		t.Errorf("default sale = %+v, %v", d, ok)
	}
	c.Dispositions = []Disposition{{Code: "maybe"}}
	if _, ok := c.Disposition("sale"); ok {
		t.Error("sale is known to a campaign that does not name it")
	}
}

// Every outcome has a default rule: what Known relies on.
func TestEveryOutcomeHasARule(t *testing.T) {
	all := []Outcome{Connected, Abandoned, HungUpEarly, MachineHeard, ScreenedCall, FaxHeard, Announcement, SilentAnswer,
		Busy, NoAnswer, Absent, InvalidNumber, NumberChanged, BadFormat, OutOfOrder, Declined, Blocked, Unwanted, FalseAnswer,
		Cancelled, Congestion, TrunkRejected, TrunkDown, Redirected, Failed, NotPlaced, Interrupted}
	for _, o := range all {
		if !o.Known() {
			t.Errorf("%s has no default rule", o)
		}
	}
}

func TestScore(t *testing.T) {
	p := Pacing{AnswerScoreField: "score"}
	for text, want := range map[string]float64{
		"0.25": 0.25, " 1 ": 1, "1e-3": 0.001, "": 0, "0": 0, "-0.5": 0, "1.01": 0, "25%": 0, "NaN": 0, "Inf": 0, "high": 0, "0,25": 0,
	} {
		if got := p.Score(Lead{Fields: map[string]string{"score": text}}); got != want {
			t.Errorf("score of %q = %v, want %v", text, got, want)
		}
	}
	if got := (Pacing{}).Score(Lead{Fields: map[string]string{"": "0.5", "score": "0.5"}}); got != 0 {
		t.Errorf("score without a field = %v", got)
	}
	if got := p.Score(Lead{}); got != 0 {
		t.Errorf("score of a lead without fields = %v", got)
	}
}
