package campaigns

import (
	"errors"
	"testing"
	"time"

	"pgregory.net/rapid"
)

func aLead() Lead {
	return Lead{
		ID: 7, List: "spring", Name: "Ada", CreatedAt: time.Date(2026, 5, 2, 0, 0, 0, 0, time.UTC),
		Numbers: []Number{
			{E164: "+48225550100", Kind: Work, Bad: true, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}},
			{E164: "+48225550123", Kind: Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}},
		},
		Grades: Grades{Stage: StageAcquire, CP: 3, PI: 2, Level: 1, Temperature: Hot, Progress: 15},
		Fields: map[string]string{"city": "Gdynia", "income": "1200.5"},
	}
}

func TestPlace(t *testing.T) {
	tests := []struct {
		filter, priority string
		match            bool
		want             float64
	}{
		{"", "", true, 0},
		{`temperature == "hot" && cp >= 3`, "cp * 10 + pi", true, 32},
		{`cp > 3`, "1", false, 0},
		{`fields.city == "Gdynia"`, "float(fields.income)", true, 1200.5},
		{`fields.nothing == ""`, "float(fields.nothing)", true, 0}, // no number: 0
		{`float(fields.city) > 1`, "", false, 0},                   // fails: no match
		{`kind == "mobile" && "PL" in regions && numbers == 1`, "2 ** 70", true, MaxPriority},
		{`created_at > date("2026-05-01")`, "-1e300", true, -MaxPriority},
		{`stage == "acquire" and progress < 50`, "0.0/0", true, 0},
	}
	for _, tt := range tests {
		m, err := Campaign{Segments: []Segment{{Name: "s", Filter: tt.filter, Priority: tt.priority}}, Priority: "0"}.Matcher()
		if err != nil {
			t.Errorf("%q, %q: %v", tt.filter, tt.priority, err)
			continue
		}
		_, got, ok := m.Place(aLead())
		if ok != tt.match || got != tt.want {
			t.Errorf("%q, %q = %v, %v; want %v, %v", tt.filter, tt.priority, got, ok, tt.want, tt.match)
		}
	}
}

func TestPlaceTakesFirstMatch(t *testing.T) {
	m, err := Campaign{Segments: []Segment{{Name: "best", Filter: "cp == 5"}, {Name: "good", Filter: "cp >= 3"}, {Name: "rest"}}}.Matcher()
	if err != nil {
		t.Fatal(err)
	}
	for cp, want := range []string{"rest", "rest", "rest", "good", "good", "best"} {
		l := aLead()
		l.Grades.CP = cp
		if got, _, _ := m.Place(l); got != want {
			t.Errorf("cp %d: segment = %q, want %q", cp, got, want)
		}
	}
}

func TestNoSegmentsIsAll(t *testing.T) {
	m, err := Campaign{Priority: "0"}.Matcher()
	if err != nil {
		t.Fatal(err)
	}
	if got, p, ok := m.Place(Lead{}); got != AllSegment || p != 0 || !ok {
		t.Errorf("place = %q, %v, %v", got, p, ok)
	}
}

func TestSegmentErrors(t *testing.T) {
	tests := []struct {
		segment      Segment
		part         string
		line, column int
	}{
		{Segment{Name: "a", Filter: "cp >"}, "filter", 1, 4},
		{Segment{Name: "b", Filter: "nonsense == 1"}, "filter", 1, 1},
		{Segment{Name: "c", Filter: "cp + 1"}, "filter", 1, 1},
		{Segment{Name: "d", Priority: `name`}, "priority", 1, 1},
		{Segment{Name: "e", Priority: "cp +\n nope"}, "priority", 2, 2},
		{Segment{Name: "f", Filter: "created_at < now()"}, "filter", 1, 14},
	}
	for _, tt := range tests {
		_, err := Campaign{Segments: []Segment{tt.segment}}.Matcher()
		se, ok := errors.AsType[*SegmentError](err)
		if !ok {
			t.Errorf("%s: error = %v", tt.segment.Name, err)
			continue
		}
		if se.Segment != tt.segment.Name || se.Part != tt.part || se.Line != tt.line || se.Column != tt.column {
			t.Errorf("%s: got %q %s %d:%d (%s), want %s %d:%d", tt.segment.Name, se.Segment, se.Part, se.Line, se.Column, se.Message, tt.part, tt.line, tt.column)
		}
	}
}

func TestProgressOnlyRises(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		g := Grades{Progress: rapid.IntRange(0, 100).Draw(t, "before")}
		e := Effect{Progress: rapid.IntRange(0, 100).Draw(t, "effect")}
		if got := e.Apply(g).Progress; got < g.Progress || got < e.Progress {
			t.Fatalf("progress = %d after %d and %d", got, g.Progress, e.Progress)
		}
	})
}

func TestApply(t *testing.T) {
	five := 5
	e := Effect{Stage: StageRetain, Temperature: Cold, CP: &five, Progress: 100}
	want := Grades{Stage: StageRetain, CP: 5, PI: 2, Level: 1, Temperature: Cold, Progress: 100}
	if got := e.Apply(aLead().Grades); got != want {
		t.Errorf("grades = %+v, want %+v", got, want)
	}
	if got := (Effect{}).Apply(aLead().Grades); got != aLead().Grades {
		t.Errorf("an empty effect changed %+v", got)
	}
}

func TestNumberToDial(t *testing.T) {
	l := aLead()
	l.Numbers = append(l.Numbers, Number{E164: "+48225550199", Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}, Number{E164: "+48225550155"})
	tests := []struct{ preferred, want string }{
		{"", "+48225550123"}, {"+48225550199", "+48225550199"},
		{"+48225550100", "+48225550123"}, // bad
		{"+48225550155", "+48225550123"}, // no zones
	}
	for _, tt := range tests {
		if got, ok := l.NumberToDial(tt.preferred); !ok || got.E164 != tt.want {
			t.Errorf("preferred %q: got %q, want %q", tt.preferred, got.E164, tt.want)
		}
	}
}
