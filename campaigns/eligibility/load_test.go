package eligibility

import (
	"slices"
	"strings"
	"testing"
	"testing/fstest"
	"time"

	"github.com/outpace-dialer/outpace/config/rules"
)

// shipped loads the rule packs of the product.
func shipped(t testing.TB) *Rules {
	t.Helper()
	r, err := Load(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	return r
}

// TestShippedPacks holds the packs against the list of regions we promise.
func TestShippedPacks(t *testing.T) {
	r := shipped(t)
	var ids []string
	for _, e := range r.Regions() {
		ids = append(ids, e.ID)
		if e.Basis == "" || e.Cite == "" {
			t.Errorf("%s: basis %q, cite %q", e.ID, e.Basis, e.Cite)
		}
	}
	for id := range strings.FieldsSeq(`US-FED US-FED-REVOKE US-FED-RND US-FED-PRERECORDED-EXEMPT US-FED-RECORDS US-DEBT-REGF
		US-FL US-OK US-MD US-WA US-TX US-CT US-LA US-AL US-MS US-UT US-RI US-KY US-NV US-MA US-MI US-MN US-NM US-PA US-OR US-VA
		CA UK DE PL FR ES IT BR IN AU JP CN STRICT DEMO US-NY US-CA US-DC US-PR`) {
		if !slices.Contains(ids, id) {
			t.Errorf("no pack %s", id)
		}
	}
	if want := "2026-11-22"; r.Version() != want {
		t.Errorf("version = %q, want %q", r.Version(), want)
	}
}

const strictPack = "version: v1\nregions:\n  - id: STRICT\n    hours: {weekdays: [\"10:00-18:00\"], saturday: none, sunday: none}\n"

func TestLoadErrors(t *testing.T) {
	for _, tt := range []struct{ name, text, want string }{
		{"no version", "regions: []\n", "own.yaml: line 1: version"},
		{"unknown key", "version: v1\nregions:\n  - id: X\n    hourz: 3\n", "hourz"},
		{"bad clock", "version: v1\nregions:\n  - id: X\n    hours:\n      weekdays: [\"9-25:00\"]\n", "line 5"},
		{"bad order", "version: v1\nregions:\n  - id: X\n    hours: {weekdays: [\"14:00-18:00\", \"09:00-12:00\"], saturday: none, sunday: none}\n", "does not follow"},
		{"missing day", "version: v1\nregions:\n  - id: X\n    hours: {weekdays: [\"09:00-12:00\"]}\n", "line 4: X: hours"},
		{"bad cap", "version: v1\nregions:\n  - id: X\n    caps: [{n: 0, period: 24h}]\n", "line 4: X: caps"},
		{"bad limit", "version: v1\nregions:\n  - id: X\n    name: x\n    abandonment: {limit: 3, connect_within: 2s}\n", "line 5: X: abandonment"},
		{"bad window", "version: v1\nregions:\n  - id: X\n    abandonment: {limit: 0.03, windows: [week], connect_within: 2s}\n", "line 4: X: abandonment: window \"week\""},
		{"bad recording", "version: v1\nregions:\n  - id: X\n    recording: sometimes\n", "line 4: X: recording"},
		{"bad cooldown", "version: v1\nregions:\n  - id: X\n    cooldowns: [{after: abandoned}]\n", "line 4: X: cooldowns"},
		{"bad calendar", "version: v1\nregions:\n  - id: X\n    holidays: {calendar: XX}\n", "line 4: X: holidays"},
		{"bad day", "version: v1\nregions:\n  - id: X\n    holidays: {fixed: [\"13-40\"]}\n", "fixed"},
		{"bad nth", "version: v1\nregions:\n  - id: X\n    holidays: {nth: [\"7 monday may\"]}\n", "nth"},
		{"bad range", "version: v1\nregions:\n  - id: X\n    holidays: {ranges: [{from: 2026-05-02, to: 2026-05-01}]}\n", "ranges"},
		{"no calendar", "version: v1\nregions:\n  - id: X\n    hours: {weekdays: none, saturday: none, sunday: none, holiday: none}\n", "X: holidays"},
		{"twice", "version: v1\nregions:\n  - {id: X}\n  - {id: X}\n", "line 4: X: id"},
		{"nobody", "version: v1\nregions:\n  - {id: X, same_as: Y}\n", "same_as"},
		{"bad id", "version: v1\nregions:\n  - {id: \"A+B\"}\n", "id"},
	} {
		_, err := Load(fstest.MapFS{"own.yaml": {Data: []byte(tt.text)}, "strict.yaml": {Data: []byte(strictPack)}})
		if err == nil || !strings.Contains(err.Error(), tt.want) || !strings.Contains(err.Error(), "rule pack") {
			t.Errorf("%s: error %v, want %q", tt.name, err, tt.want)
		}
	}
	if _, err := Load(fstest.MapFS{}); err == nil {
		t.Error("no packs at all were taken")
	}
	if _, err := Load(fstest.MapFS{"a.yaml": {Data: []byte("version: v1\n")}}); err == nil {
		t.Error("packs without STRICT were taken")
	}
}

// TestValidity: a rule changes at an instant, and the version that holds then
// decides.
func TestValidity(t *testing.T) {
	r, err := Load(fstest.MapFS{"strict.yaml": {Data: []byte(strictPack)}, "x.yaml": {Data: []byte(`version: v2
regions:
  - {id: X, valid_to: 2027-01-01, hours: {weekdays: ["08:00-20:00"], saturday: none, sunday: none}}
  - {id: X, valid_from: 2027-01-01, hours: {weekdays: ["09:00-17:00"], saturday: none, sunday: none}}
`)}})
	if err != nil {
		t.Fatal(err)
	}
	for _, tt := range []struct {
		at   string
		open bool
	}{
		{"2026-12-31T08:30:00Z", true}, {"2027-01-01T08:30:00Z", false}, {"2027-01-01T16:00:00Z", true}, {"2026-12-31T19:00:00Z", true}, {"2027-01-04T17:30:00Z", false},
	} {
		now, _ := time.Parse(time.RFC3339, tt.at)
		if open, _, _ := r.Open("Etc/UTC|X", noWindows, now); open != tt.open {
			t.Errorf("%s: open = %v, want %v", tt.at, open, tt.open)
		}
	}
}
