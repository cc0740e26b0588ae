package campaigns

import (
	"errors"
	"math"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

func TestDefaultPriority(t *testing.T) {
	fields := func(f map[string]string) Lead { return Lead{Fields: f} }
	graded := func(g Grades) Lead { return Lead{Grades: g} }
	for name, tt := range map[string]struct {
		lead                   Lead
		chance, worth, seconds float64
	}{
		"nothing is known":        {Lead{}, 0.02, 20, 240},
		"hot, wants it, big":      {graded(Grades{CP: 5, PI: 5, Temperature: Hot}), 0.36, 120, 240},
		"cold":                    {graded(Grades{Temperature: Cold}), 0.01, 20, 240},
		"warm":                    {graded(Grades{PI: 1, Temperature: Warm}), 0.06, 20, 240},
		"nearly won":              {graded(Grades{Progress: 75}), 0.375, 20, 240},
		"won: progress says less": {graded(Grades{Progress: 100, Level: 4}), 0.02, 100, 240},
		"its own figures":         {fields(map[string]string{"chance": "0.5", "worth": " 1000 ", "seconds": "60"}), 0.5, 1000, 60},
		"worth nothing":           {fields(map[string]string{"worth": "0"}), 0.02, 0, 240},
		"fields that are none":    {fields(map[string]string{"chance": "1.5", "worth": "-1", "seconds": "0"}), 0.02, 20, 240},
		"fields that are text":    {fields(map[string]string{"chance": "high", "worth": "much", "seconds": "NaN"}), 0.02, 20, 240},
		"fields without end":      {fields(map[string]string{"chance": "Inf", "worth": "+Inf", "seconds": "-Inf"}), 0.02, 20, 240},
	} {
		m, err := Campaign{}.Matcher()
		if err != nil {
			t.Fatal(err)
		}
		want := tt.chance * tt.worth / tt.seconds
		if _, got, ok := m.Place(tt.lead); !ok || math.Abs(got-want) > 1e-12 {
			t.Errorf("%s: priority %v, want %v x %v / %v = %v", name, got, tt.chance, tt.worth, tt.seconds, want)
		}
	}
}

// Better grades never put a lead further back.
func TestDefaultPriorityFollowsGrades(t *testing.T) {
	m, err := Campaign{}.Matcher()
	if err != nil {
		t.Fatal(err)
	}
	grade := rapid.IntRange(0, 5)
	rapid.Check(t, func(t *rapid.T) {
		l := Lead{Grades: Grades{CP: grade.Draw(t, "cp"), PI: grade.Draw(t, "pi"), Level: grade.Draw(t, "level"), Progress: rapid.IntRange(0, 99).Draw(t, "progress")}}
		_, before, _ := m.Place(l)
		l.Grades.CP += rapid.IntRange(0, 5-l.Grades.CP).Draw(t, "more cp")
		l.Grades.PI += rapid.IntRange(0, 5-l.Grades.PI).Draw(t, "more pi")
		l.Grades.Progress += rapid.IntRange(0, 99-l.Grades.Progress).Draw(t, "more progress")
		if _, after, _ := m.Place(l); after < before || before <= 0 {
			t.Fatalf("priority %v, then %v with better grades", before, after)
		}
	})
}

func TestWhosePriority(t *testing.T) {
	m, err := Campaign{
		Priority: "1", Segments: []Segment{{Name: "own", Filter: "cp == 1", Priority: "2"}, {Name: "of the campaign"}},
	}.Matcher()
	if err != nil {
		t.Fatal(err)
	}
	for cp, want := range []float64{1, 2} {
		if _, got, _ := m.Place(Lead{Grades: Grades{CP: cp}}); got != want {
			t.Errorf("cp %d: priority %v, want %v", cp, got, want)
		}
	}
}

func TestNumberInExpressions(t *testing.T) {
	for code, want := range map[string]float64{
		"number(fields.income, 7)":      1200.5,
		"number(fields.city, 7)":        7,
		"number(fields.missing, 0.5)":   0.5,
		"number(fields.income, 1) * cp": 3601.5,
		"worth * 2":                     160,
	} {
		m, err := Campaign{Priority: code}.Matcher()
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		if _, got, _ := m.Place(aLead()); got != want {
			t.Errorf("%s = %v, want %v", code, got, want)
		}
	}
}

// A bad expression of the campaign is refused with its place and the reason.
func TestCampaignPriorityErrors(t *testing.T) {
	for code, want := range map[string]string{
		"cp +\n nope":               "priority: line 2, column 2: unknown name nope",
		"name":                      "priority: line 1, column 1: ",
		`number("x")`:               "priority: line 1, column 1: not enough arguments",
		"created_at.Unix() - now()": "priority: line 1, column 21: unknown name now",
	} {
		c := Campaign{ID: "c", Trunks: "t", Priority: code}
		_, err := c.Matcher()
		if se, ok := errors.AsType[*SegmentError](err); !ok || se.Segment != "" || !strings.Contains(se.Error(), want) {
			t.Errorf("%q: error = %v, want %q", code, err, want)
		}
		if err := c.Validate(); !strings.Contains(err.Error(), want) {
			t.Errorf("%q: validate = %v, want %q", code, err, want)
		}
	}
}
