package calibration

import (
	"cmp"
	"maps"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// Report is how good the detector is on the calls of a campaign.
type Report struct {
	Campaign string    `json:"campaign"`
	At       time.Time `json:"at"`
	Days     int       `json:"days"` // until then
	Page
	Loss   Loss          `json:"loss"`
	Prices Suggestion    `json:"prices"`
	Trunks []TrunkReport `json:"trunks"`
}

// TrunkReport is the part of it on one trunk.
type TrunkReport struct {
	Trunk string `json:"trunk"`
	Page
	Learning bool      `json:"learning"`          // what is usual is not known yet
	Alarm    time.Time `json:"alarm,omitzero"`    // when verdicts began to come otherwise; it goes after a week
	Drifted  string    `json:"drifted,omitempty"` // what did
}

// Page are counts.
type Page struct {
	Calls       int           `json:"calls"` // answered, with detection
	Labelled    int           `json:"labelled"`
	Checked     int           `json:"checked"` // went to an operator whatever was heard
	Verdicts    []Verdict     `json:"verdicts"`
	People      Confusion     `json:"people"`
	Nobody      Confusion     `json:"nobody"`
	Reliability []Reliability `json:"reliability"`
}

// Verdict is one kind of verdict: how often, and who was there by the labels.
type Verdict struct {
	Verdict media.VerdictKind `json:"verdict"` // empty: none before the far end hung up
	Calls   int               `json:"calls"`
	People  Share             `json:"people"` // of those with a label
}

// Confusion is what the checked calls of one kind were taken for.
type Confusion map[media.VerdictKind]Share

// Reliability compares the chances that were told with what came out.
type Reliability struct {
	From   float64 `json:"odds_from"` // log odds of a person; the first stretch and the last are open
	To     float64 `json:"odds_to"`
	Told   float64 `json:"told"`   // mean chance of a person
	People Share   `json:"people"` // by the labels
}

func pageOf(t *tally) Page {
	p := Page{Calls: t.calls, Labelled: t.labelled, Checked: t.checked, People: Confusion{}, Nobody: Confusion{}}
	people, nobody := 0, 0
	for _, c := range t.columns {
		people += c.CheckedPeople
		nobody += c.CheckedNobodies
	}
	for _, kind := range slices.SortedFunc(maps.Keys(t.columns), func(a, b media.VerdictKind) int {
		return cmp.Or(t.columns[b].Calls-t.columns[a].Calls, cmp.Compare(a, b))
	}) {
		c := t.columns[kind]
		p.Verdicts = append(p.Verdicts, Verdict{kind, c.Calls, shareOf(c.People, c.People+c.Nobody)})
		if people > 0 {
			p.People[kind] = shareOf(c.CheckedPeople, people)
		}
		if nobody > 0 {
			p.Nobody[kind] = shareOf(c.CheckedNobodies, nobody)
		}
	}
	for i, b := range t.odds {
		if b.n > 0 {
			from := -mostOdds + float64(i)*binWidth
			p.Reliability = append(p.Reliability, Reliability{from, from + binWidth, b.chance / float64(b.n), shareOf(b.people, b.n)})
		}
	}
	return p
}
