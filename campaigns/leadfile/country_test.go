package leadfile

import (
	"slices"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

func TestCountryOf(t *testing.T) {
	for text, want := range map[string]string{
		"PL": "PL", "pl": "PL", "POL": "PL", "USA": "US", "uk": "GB", "GBR": "GB", "Poland": "PL", "POLSKA": "PL", "波兰": "PL",
		"United Kingdom": "GB", "the Netherlands": "NL", "Niemcy": "DE", "U.S.A.": "US", "48": "PL", "+44": "GB", "0049": "DE", "1": "US",
		"Mars": "", "999": "", "12345678901234567890": "", "ZZ": "", "EU": "", "-": "",
	} {
		if got := countryOf(text); got != want {
			t.Errorf("countryOf(%q) = %q, want %q", text, got, want)
		}
	}
}

// TestCountryOfRow wants numbers without a code to be those of the row's country, and
// nobody's where that is not known: taken as the file's, they are somebody else's.
func TestCountryOfRow(t *testing.T) {
	text := "name,phone,country,phone_code\n" +
		"A,7400 123456,United Kingdom,\n" + // +1 740 012 3456 is in Ohio
		"B,601234777,,48\n" +
		"C,601234778,USA,48\n" +
		"D,2125550123,n/a,\n" +
		"E,2125550124,Atlantis,\n" +
		"F,+48601234779,Atlantis,\n" +
		"G,2125550125,,0\n"
	leads, report := read(t, []byte(text), "x.csv", Options{DefaultRegion: "US"})
	var got []string
	for _, l := range leads {
		got = append(got, l.Name+" "+l.Numbers[0].E164)
	}
	want := []string{"A +447400123456", "B +48601234777", "C +48601234778", "D +12125550123", "F +48601234779"}
	if !slices.Equal(got, want) {
		t.Errorf("leads %q, want %q", got, want)
	}
	if len(report.Bad) != 2 || !strings.Contains(report.Bad[0].Reason, `"Atlantis" is no country`) || report.Bad[0].Line != 6 {
		t.Errorf("bad rows %+v", report.Bad)
	}
}

// TestListOfVicidial reads the columns that VICIdial's lists have.
func TestListOfVicidial(t *testing.T) {
	text := "vendor_lead_code,phone_code,phone_number,first_name,last_name,postal_code,country_code,alt_phone,comments\n" +
		"V1,48,225550123,Anna,Nowak,00-001,POL,601555012,late\n"
	leads, report := read(t, []byte(text), "x.csv", Options{DefaultRegion: "US"})
	if len(leads) != 1 {
		t.Fatalf("report %+v", report)
	}
	l := leads[0]
	if l.ExternalID != "V1" || l.Name != "Anna Nowak" || l.Note != "late" || len(l.Numbers) != 2 || l.Numbers[1].E164 != "+48601555012" || l.Numbers[1].Kind != campaigns.Mobile {
		t.Errorf("lead %+v", l)
	}
}
