package simulator

import (
	"math"
	"testing"
)

// The figures of an incident are those of the minutes after it and no others.
func TestAftermath(t *testing.T) {
	s := steady(1, 0.2, 2)
	s.Events = []Incident{{At: 1800, Type: Mark, Note: "now"}, {At: 7000, Type: Mark}}
	d := newTally(s)
	for i := range d.minutes {
		d.minutes[i] = minute{idle: 30, talking: 30, live: 10}
	}
	d.minutes[10].abandoned = 10 // before: no window that ends after the incident has it
	d.minutes[40].abandoned = 5  // 5 of 100 in ten minutes
	d.minutes[100].abandoned = 9 // later
	d.minutes[35].idle = 0
	got := d.aftermath(s)
	if len(got) != 2 || got[0].Note != "now" || got[1].Note != Mark {
		t.Fatalf("got %+v", got)
	}
	a := got[0]
	if math.Abs(a.Peak-0.05) > 1e-12 || math.Abs(a.Excess-(5-0.03*300)) > 1e-9 || math.Abs(a.Utilisation-450.0/870) > 1e-12 {
		t.Errorf("got %+v", a)
	}
}
