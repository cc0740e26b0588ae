package tone

import (
	"fmt"
	"testing"
	"time"
)

// Every row of the table is heard as what it is: in quiet, with noise 20 dB
// under the tone, and cut into by neither. Fast busy tones may be told as
// reorder: the ear does not know the country.
func TestHearsEveryCountry(t *testing.T) {
	for _, c := range countries {
		for _, noise := range []float64{-90, -36} {
			for _, row := range []struct {
				name    string
				pattern Pattern
				ring    bool
			}{{"ring", c.ring, true}, {"busy", c.busy, false}, {"reorder", c.reorder, false}} {
				name := fmt.Sprintf("%s %s, noise %v dBFS", c.code, row.name, noise)
				all := hear(row.pattern.Samples(7*time.Second), noise)
				rings, _ := count(all, RingbackTone, "")
				busy, _ := count(all, BusyTone, "")
				fast, _ := count(all, ReorderTone, "")
				if row.ring && (rings == 0 || busy+fast > 0) || !row.ring && (rings > 0 || busy+fast != 1) {
					t.Errorf("%s: ringback %d, busy %d, reorder %d times", name, rings, busy, fast)
				}
				if n, _ := count(all, DigitTone, ""); n > 0 {
					t.Errorf("%s: %d digits", name, n)
				}
			}
		}
	}
}

// The table is complete, and says for each row where it comes from.
func TestCountries(t *testing.T) {
	seen := map[string]bool{}
	for _, c := range countries {
		if len(c.code) != 2 || c.name == "" || c.source == "" || seen[c.code] {
			t.Errorf("row %q (%s): code, name or source is missing or double", c.code, c.name)
		}
		seen[c.code] = true
		for _, p := range []Pattern{c.ring, c.busy, c.reorder} {
			if len(p.Parts) < 2 || len(p.Parts)%2 != 0 || !p.Loop {
				t.Errorf("%s: %d parts, loop %v", c.code, len(p.Parts), p.Loop)
			}
		}
	}
	for _, code := range []string{"PL", "GB", "US", "CN", "JP", "DE", "FR", "IT", "AU", "IN"} {
		if !seen[code] {
			t.Errorf("%s is missing", code)
		}
	}
}
