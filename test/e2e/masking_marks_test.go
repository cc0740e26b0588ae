package e2e

import (
	"fmt"
	"maps"
	"net/url"
	"slices"
	"strings"
	"testing"
)

// marks are the numbers of the test's people. Nothing else looks like them, so wherever
// one is found it has leaked.
type marks struct {
	all   []string          // E.164
	cores map[string]string // what no spelling of a number is without: the number
}

// markedPlaces are four countries, as for peopleOfTheDay, with how their numbers begin,
// and what is there of a number in any spelling. It has ten digits or more, since
// fractions of seconds have nine.
var markedPlaces = []struct {
	country, begins string // with the code of the country; three more digits follow
	cores           []string
}{
	{"GB", "+442079460", []string{"2079460"}},
	{"US", "+12135550", []string{"2135550"}},
	{"IN", "+912255550", []string{"2255550"}},
	{"JP", "+81355550", []string{"81355550", "810355550", "0355550"}},
}

const (
	marksInAll   = 1000
	marksInPlace = marksInAll / 4
)

func newMarks() *marks {
	m := &marks{cores: map[string]string{}}
	for i := range marksInPlace { // of each country in turn, so that each list has all
		for _, place := range markedPlaces {
			last := fmt.Sprintf("%03d", i)
			m.all = append(m.all, place.begins+last)
			for _, core := range place.cores {
				m.cores[core+last] = place.begins + last
			}
		}
	}
	return m
}

// file is a list of some of the people, as CSV.
func (m *marks) file(from, to int) string {
	var b strings.Builder
	b.WriteString("external_id,name,phone,country\n")
	for i := from; i < to; i++ {
		fmt.Fprintf(&b, "m%d,Person %d,%s,%s\n", i, i, m.all[i], markedPlaces[i%len(markedPlaces)].country)
	}
	return b.String()
}

// spellings are ways to write a number.
func spellings(e164 string) []string {
	digits := e164[1:]
	own := digits[2:] // all but the country
	if digits[0] == '1' {
		own = digits[1:]
	}
	n := len(own)
	grouped := own[:n-8] + " " + own[n-8:n-4] + " " + own[n-4:]
	country := digits[:len(digits)-n]
	return []string{
		e164, digits, "00" + digits, "0" + own, "sip:" + e164 + "@192.0.2.1", "tel:" + e164, url.QueryEscape(e164),
		"+" + country + " " + grouped, "+" + country + " (0)" + grouped, "0" + strings.ReplaceAll(grouped, " ", "-"),
		"0" + strings.ReplaceAll(grouped, " ", "."), url.PathEscape("+" + country + " " + grouped), "(0" + own[:n-8] + ") " + own[n-8:n-4] + "-" + own[n-4:],
	}
}

// mostBetween is how many signs there may be between two digits of a number, as people
// group them; mostDigits is how long the longest core is.
const (
	mostBetween = 3
	mostDigits  = 12
)

// sign is how many bytes at i are a sign between digits; 0: there is none.
func sign(text []byte, i int) int {
	switch text[i] {
	case '-', '+', '/', '(', ')', ' ':
		return 1
	case '.': // but that of a second's fraction
		if i < 3 || text[i-3] != ':' {
			return 1
		}
	case '%':
		if i+3 <= len(text) && slices.Contains([]string{"%20", "%2B", "%2b", "%28", "%29"}, string(text[i:i+3])) {
			return 3
		}
	case 0xc2:
		if i+2 <= len(text) && text[i+1] == 0xa0 { // no-break space
			return 2
		}
	}
	return 0
}

// in are the numbers in a text, however they are written, each with what stands around it.
func (m *marks) in(text []byte) map[string]string {
	found := map[string]string{}
	var digits []byte
	between := 0
	for i := 0; i < len(text); {
		if b := text[i]; b >= '0' && b <= '9' {
			digits, between = append(digits, b), 0
			digits = digits[max(0, len(digits)-mostDigits):]
			for length := 10; length <= len(digits); length++ {
				if e164, ok := m.cores[string(digits[len(digits)-length:])]; ok && found[e164] == "" {
					found[e164] = string(text[max(0, i-200):min(len(text), i+50)])
				}
			}
			i++
			continue
		}
		n := sign(text, i)
		if between++; n == 0 || between > mostBetween {
			digits = digits[:0]
		}
		i += max(1, n)
	}
	return found
}

// wantNone wants no number in a text.
func (m *marks) wantNone(t *testing.T, where, text string) {
	t.Helper()
	found := m.in([]byte(text))
	if len(found) == 0 {
		return
	}
	one := slices.Min(slices.Collect(maps.Keys(found)))
	t.Errorf("%s shows %d full numbers, %s in\n\t%s", where, len(found), one, found[one])
}

// TestMarksAreFound holds the search to every spelling: where it finds nothing there is
// nothing.
func TestMarksAreFound(t *testing.T) {
	t.Parallel()
	m := newMarks()
	if len(m.all) != marksInAll {
		t.Fatalf("%d numbers", len(m.all))
	}
	for _, e164 := range m.all {
		for _, as := range spellings(e164) {
			if found := m.in([]byte(`{"at":"2026-11-28T09:00:00.123456789Z","why":"no way to ` + as + `, it says"}`)); len(found) != 1 || found[e164] == "" {
				t.Errorf("%s written as %s: found %v", e164, as, found)
			}
		}
	}
	masked := `{"at":"2026-11-28T09:00:00.355550123Z","number":"+4420***0123","id":1764338400123456789,"call":"0195f0c2-2079-7946-8012-21355501ab00"}`
	m.wantNone(t, "what is masked", masked)
}
