package calibration

import (
	"math"

	"github.com/outpace-dialer/outpace/media"
)

// tally counts the calls of a campaign on a trunk on one day, or of several days.
type tally struct {
	calls, labelled, checked   int
	columns                    map[media.VerdictKind]*column
	odds                       [oddsBins]bin // all with a label, by the odds of a person
	people                     int           // told to be people, and nobody said otherwise
	suspected                  int           // see Loss
	checkedPeople, checkedLost int
}

// column is one verdict against the labels.
type column struct {
	Calls           int
	People, Nobody  int // by label
	Checked         int // calls
	CheckedPeople   int
	CheckedNobodies int
}

// bin is a stretch of odds.
type bin struct {
	n, people int
	chance    float64 // sum
}

// oddsBins are half a unit of log odds wide.
const (
	binWidth = 0.5
	oddsBins = int(2 * mostOdds / binWidth)
)

func newTally() *tally { return &tally{columns: map[media.VerdictKind]*column{}} }

func (t *tally) add(s Sample) {
	c := t.columns[s.Verdict]
	if c == nil {
		c = &column{}
		t.columns[s.Verdict] = c
	}
	c.Calls++
	t.calls++
	if s.Checked {
		c.Checked++
		t.checked++
	}
	if s.Verdict == media.Person && s.Label != Nobody {
		t.people++
	}
	if s.Label == Unknown {
		return
	}
	t.labelled++
	person := s.Label == Person
	if person {
		c.People++
	} else {
		c.Nobody++
	}
	if s.Checked && person {
		c.CheckedPeople++
		t.checkedPeople++
		if s.lost() {
			t.checkedLost++
		}
	} else if s.Checked {
		c.CheckedNobodies++
	}
	if person && s.lost() && !s.Checked {
		t.suspected++
	}
	if s.byOdds() {
		b := &t.odds[min(oddsBins-1, int(math.Floor((s.odds()+mostOdds)/binWidth)))]
		b.n++
		b.chance += s.Chance
		if person {
			b.people++
		}
	}
}

// plus adds the counts of another day.
func (t *tally) plus(o *tally) {
	t.calls += o.calls
	t.labelled += o.labelled
	t.checked += o.checked
	t.people += o.people
	t.suspected += o.suspected
	t.checkedPeople += o.checkedPeople
	t.checkedLost += o.checkedLost
	for kind, c := range o.columns {
		sum := t.columns[kind]
		if sum == nil {
			sum = &column{}
			t.columns[kind] = sum
		}
		sum.Calls += c.Calls
		sum.People += c.People
		sum.Nobody += c.Nobody
		sum.Checked += c.Checked
		sum.CheckedPeople += c.CheckedPeople
		sum.CheckedNobodies += c.CheckedNobodies
	}
	for i, b := range o.odds {
		t.odds[i].n += b.n
		t.odds[i].people += b.people
		t.odds[i].chance += b.chance
	}
}
