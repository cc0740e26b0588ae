package redis

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// lexicon is a dictionary without Redis.
type lexicon struct{ words []string }

func (l *lexicon) number(word string) (uint64, error) {
	for i, w := range l.words {
		if w == word {
			return uint64(i) + 1, nil
		}
	}
	l.words = append(l.words, word)
	return uint64(len(l.words)), nil
}

func (l *lexicon) word(n uint64) (string, error) {
	if n > uint64(len(l.words)) {
		return "", errRecord
	}
	return l.words[n-1], nil
}

func anyTime(r *rapid.T, name string) time.Time {
	return rapid.SampledFrom([]time.Time{start, start.Add(1), start.Add(-time.Hour), {}, time.Unix(-5, 7).UTC()}).Draw(r, name)
}

func anyRecord(r *rapid.T) record {
	text := rapid.SampledFrom([]string{"", "a", "Zażółć", strings.Repeat("x", 300), "a\x1fb\x00"})
	x := record{lead: campaigns.Lead{
		ID: 7, List: "l", ExternalID: text.Draw(r, "external id"), Name: text.Draw(r, "name"), Note: text.Draw(r, "note"),
		CreatedAt: anyTime(r, "created"), UpdatedAt: anyTime(r, "updated"),
		Grades: campaigns.Grades{Stage: "odd", CP: rapid.IntRange(-1, 1000).Draw(r, "cp"), Progress: 100, Temperature: campaigns.Hot},
	}}
	for _, e164 := range rapid.SliceOfN(rapid.SampledFrom([]string{"+48600100200", "+4860010020", "+1", "911", "+48Ada", "", "+"}), 0, 3).Draw(r, "numbers") {
		x.lead.Numbers = append(x.lead.Numbers, campaigns.Number{E164: e164, Kind: campaigns.Home, Zones: []string{"A/B", "C/D"}, Regions: []string{"X"},
			Basis: "area code 2", Bad: rapid.Bool().Draw(r, "bad")})
	}
	if rapid.Bool().Draw(r, "fields") {
		x.lead.Fields = map[string]string{"city": "Gdynia", "": text.Draw(r, "field")}
	}
	if rapid.Bool().Draw(r, "tried") {
		x.lastOutcome, x.lastAt = campaigns.Busy, anyTime(r, "last")
	}
	x.row[3], x.grades[5] = 1, 2
	for _, c := range []campaigns.CampaignID{"c", "d"}[:rapid.IntRange(0, 2).Draw(r, "campaigns")] {
		e := entry{campaign: c, state: entryState(rapid.IntRange(0, 2).Draw(r, "state")), segment: text.Draw(r, "segment"), due: anyTime(r, "due"),
			number: rapid.SampledFrom([]string{"", "+48600100200", "+999"}).Draw(r, "number"), moved: rapid.Bool().Draw(r, "moved"), untried: rapid.Bool().Draw(r, "untried"),
			priority: rapid.SampledFrom([]float64{0, 1, -3, 0.1, campaigns.CallbackPriority, -campaigns.MaxPriority, 1e-300}).Draw(r, "priority")}
		if rapid.Bool().Draw(r, "history") {
			e.attempts, e.lastOutcome, e.lastAt = 3, campaigns.NoAnswer, anyTime(r, "last at")
			e.operator = rapid.SampledFrom([]campaigns.UserID{"", "ann"}).Draw(r, "operator")
			e.lastAttempt = rapid.SampledFrom([]campaigns.AttemptID{"", "a-1", "01970f3e-8a3c-7d5e-9b1a-0123456789ab", "01970F3E-8A3C-7D5E-9B1A-0123456789AB"}).Draw(r, "attempt")
		}
		if rapid.Bool().Draw(r, "callback") {
			e.callbackAt, e.callbackUser = start, "ann"
		}
		x.entries = append(x.entries, e)
	}
	return x
}

// Whatever is packed is read again.
func TestPackedRecords(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		l := &lexicon{}
		want := anyRecord(r)
		packed, err := pack(want, l.number)
		if err != nil {
			r.Fatal(err)
		}
		got, err := unpack(7, packed, l.word)
		if err != nil {
			r.Fatal(err)
		}
		if diff := cmp.Diff(want, got, cmp.AllowUnexported(record{}, entry{})); diff != "" {
			r.Fatalf("(-packed +read):\n%s", diff)
		}
	})
}

// Bytes that are no record are refused; nothing else happens.
func FuzzUnpack(f *testing.F) {
	l := &lexicon{}
	whole, err := pack(record{lead: campaigns.Lead{Name: "Ada", Numbers: person("", 0, "+48600100200").Numbers, CreatedAt: start},
		entries: []entry{{campaign: "c", due: start, number: "+48600100200", priority: 2}}}, l.number)
	if err != nil {
		f.Fatal(err)
	}
	for n := range whole {
		f.Add(whole[:n])
	}
	f.Add(whole)
	f.Fuzz(func(t *testing.T, b []byte) {
		r, err := unpack(7, b, l.word)
		if err != nil {
			return
		}
		if _, err := pack(r, l.number); err != nil {
			t.Errorf("read, and cannot be written: %v", err)
		}
	})
}
