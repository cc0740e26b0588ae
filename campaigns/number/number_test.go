package number

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/outpace-dialer/outpace/campaigns"
	"pgregory.net/rapid"
)

func TestParse(t *testing.T) {
	for _, tt := range []struct {
		raw, region      string
		e164, country    string
		kind             campaigns.NumberKind
		zones, ruleAreas string
	}{
		{"+48 22 555 01 23", "", "+48225550123", "PL", campaigns.Home, "Europe/Warsaw", "PL"},
		{"22 555 01 23 wew. 12", "PL", "+48225550123", "PL", campaigns.Home, "Europe/Warsaw", "PL"},
		{"+48 22 555 01 23 (wewn. 4)", "", "+48225550123", "PL", campaigns.Home, "Europe/Warsaw", "PL"},
		{"(212) 555-0123 x45", "US", "+12125550123", "US", campaigns.Other, "America/New_York", "US-FED US-NY"},
		{"010-65551234转801", "CN", "+861065551234", "CN", campaigns.Home, "Asia/Shanghai", "CN"},
		{"601 555 012", "PL", "+48601555012", "PL", campaigns.Mobile, "Europe/Warsaw", "PL"},
		{"0048225550123", "", "+48225550123", "PL", campaigns.Home, "Europe/Warsaw", "PL"},
		{"020 7946 0123", "uk", "+442079460123", "GB", campaigns.Home, "Europe/London", "UK"},
		{"(212) 555-0123", "US", "+12125550123", "US", campaigns.Other, "America/New_York", "US-FED US-NY"},
		{"+1 208 466 0000", "", "+12084660000", "US", campaigns.Other, "America/Boise America/Los_Angeles", "US-FED US-ID"},
		{"+1 915 555 0123", "", "+19155550123", "US", campaigns.Other, "America/Chicago America/Denver", "US-FED US-TX"},
		{"+1 787 555 0123", "", "+17875550123", "US", campaigns.Other, "America/Puerto_Rico", "US-FED US-PR"},
		{"+1 236 555 0123", "", "+12365550123", "CA", campaigns.Other, "America/Edmonton America/Vancouver", "CA"},
		{"+1 876 450 1234", "", "+18764501234", "JM", campaigns.Mobile, "America/Jamaica", "JM"},
		{"+34 928 123 456", "", "+34928123456", "ES", campaigns.Home, "Atlantic/Canary", "ES"},
		{"+34 612 345 678", "", "+34612345678", "ES", campaigns.Mobile, "Atlantic/Canary Europe/Madrid", "ES"},
		{"+91 98123 45678", "", "+919812345678", "IN", campaigns.Mobile, "Asia/Kolkata", "IN"},
		{"+86 139 1234 5678", "", "+8613912345678", "CN", campaigns.Mobile, "Asia/Shanghai", "CN"},
		{"＋８６１３９１２３４５６７８", "", "+8613912345678", "CN", campaigns.Mobile, "Asia/Shanghai", "CN"},
		{"+62 812 3456 7890", "", "+6281234567890", "ID", campaigns.Mobile, "Asia/Jakarta Asia/Jayapura Asia/Makassar", "ID"},
		{"+262 692 123 456", "", "+262692123456", "RE", campaigns.Mobile, "Indian/Mayotte Indian/Reunion", "RE"},
	} {
		p, err := Parse(tt.raw, tt.region)
		if err != nil {
			t.Errorf("Parse(%q, %q): %v", tt.raw, tt.region, err)
			continue
		}
		got := []string{p.E164, p.Country, string(p.Kind), strings.Join(p.Zones, " "), strings.Join(p.Regions, " ")}
		want := []string{tt.e164, tt.country, string(tt.kind), tt.zones, tt.ruleAreas}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("Parse(%q, %q) (-want +got):\n%s", tt.raw, tt.region, diff)
		}
	}
}

func TestParseRefuses(t *testing.T) {
	for _, tt := range []struct {
		raw, region string
		want        Reason
	}{
		{"", "PL", Malformed},
		{"no phone", "PL", Malformed},
		{strings.Repeat("1", 65), "PL", Malformed},
		{"4.82E+10", "PL", Malformed},
		{"225550123", "", NoCountry},
		{"+48 22 555", "", WrongLength},
		{"+48 22 555 01 23 45 67", "", WrongLength},
		{"+1 222 555 0123", "", NotAssigned},
		{"112", "PL", Emergency},
		{"911", "US", Emergency},
		{"+48112", "", Emergency},
		{"116111", "DE", ShortCode},
		{"+1 900 555 1234", "", Premium},
		{"+979 1 2345 6789", "", Premium},
		{"+1 800 555 1234", "", TollFree},
		{"1-800-FLOWERS", "US", TollFree},
		{"+800 1234 5678", "", TollFree},
		{"+808 1234 5678", "", SharedCost},
		{"+44 70 1234 5678", "", PersonalLine},
		{"+1 500 555 1234", "", PersonalLine},
		{"+8816 1234 5678", "", Satellite},
		{"+870 773 111 632", "", Satellite},
		{"+882 1312345", "", Satellite},
		{"+49 16955512345", "", NotAPerson},
	} {
		_, err := Parse(tt.raw, tt.region)
		var refused *Error
		if !errors.As(err, &refused) || refused.Reason != tt.want {
			t.Errorf("Parse(%q, %q) = %v, want %s", tt.raw, tt.region, err, tt.want)
		}
	}
}

// TestMobileZones keeps the library's single zone from narrowing a mobile of a
// country with several.
func TestMobileZones(t *testing.T) {
	for _, tt := range []struct {
		raw  string
		want int
	}{
		{"+7 916 123 4567", 11}, {"+61 412 345 678", 7}, {"+55 11 91234 5678", 4}, {"+52 55 1234 5678", 8},
		{"+56 9 6123 4567", 3}, {"+351 912 345 678", 2}, {"+64 21 123 4567", 2}, {"+593 99 123 4567", 2},
	} {
		p, err := Parse(tt.raw, "")
		if err != nil {
			t.Errorf("Parse(%q): %v", tt.raw, err)
			continue
		}
		if len(p.Zones) < tt.want {
			t.Errorf("Parse(%q).Zones = %v, want %d or more", tt.raw, p.Zones, tt.want)
		}
	}
}

func TestHints(t *testing.T) {
	for _, tt := range []struct {
		name, raw      string
		hints          Hints
		zones, regions string
		basis          string
	}{
		{"none", "+12125550123", Hints{}, "America/New_York", "US-FED US-NY", "area code 212"},
		{"zip elsewhere joins", "+12125550123", Hints{ZIP: "90001-1234"}, "America/Los_Angeles America/New_York", "US-CA US-FED US-NY", "area code 212 and address"},
		{"state elsewhere joins", "+13055550123", Hints{State: "Texas"}, "America/Chicago America/Denver America/New_York", "US-FED US-FL US-TX", "area code 305 and address"},
		{"province joins the country's rule", "+12125550123", Hints{State: "ON"}, "America/New_York America/Toronto America/Winnipeg", "CA US-FED US-NY", "area code 212 and address"},
		{"zone joins an area code", "+12125550123", Hints{Zone: "US/Pacific"}, "America/Los_Angeles America/New_York", "US-FED US-NY", "area code 212 and address"},
		{"confirmed zone alone decides", "+12125550123", Hints{Zone: "Asia/Calcutta", Confirmed: true}, "Asia/Kolkata", "US-FED US-NY", "confirmed zone"},
		{"address places a mobile", "+61412345678", Hints{Zone: "Australia/Melbourne"}, "Australia/Melbourne", "AU", "address"},
		{"address abroad does not", "+34612345678", Hints{Zone: "Asia/Tokyo"}, "Asia/Tokyo Atlantic/Canary Europe/Madrid", "ES", "all zones of ES and address"},
		{"a fixed line keeps its place", "+34928123456", Hints{Zone: "Europe/Madrid"}, "Atlantic/Canary Europe/Madrid", "ES", "number prefix and address"},
		{"a state means nothing outside of +1", "+48225550123", Hints{State: "CA", ZIP: "90001"}, "Europe/Warsaw", "PL", "number prefix"},
		{"an unreadable zip says nothing", "+12125550123", Hints{ZIP: "9000A"}, "America/New_York", "US-FED US-NY", "area code 212"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p, err := Parse(tt.raw, "")
			if err != nil {
				t.Fatal(err)
			}
			n, err := p.Number(campaigns.Mobile, tt.hints)
			if err != nil {
				t.Fatal(err)
			}
			got := []string{strings.Join(n.Zones, " "), strings.Join(n.Regions, " "), n.Basis, string(n.Kind)}
			if diff := cmp.Diff([]string{tt.zones, tt.regions, tt.basis, "mobile"}, got); diff != "" {
				t.Errorf("(-want +got):\n%s", diff)
			}
		})
	}
	p, _ := Parse("+12125550123", "")
	for _, zone := range []string{"Mars/Base", "Local", "UTC+2", "../etc/passwd"} {
		if _, err := p.Number("", Hints{Zone: zone}); err == nil {
			t.Errorf("zone %q was taken", zone)
		}
	}
}

// splitAreaCodes are area codes that straddle zones, with the two that an
// honest answer must hold.
var splitAreaCodes = map[string]string{
	"208": "Boise Los_Angeles", "986": "Boise Los_Angeles", "270": "Chicago New_York", "364": "Chicago New_York",
	"308": "Chicago Denver", "423": "New_York Chicago", "541": "Los_Angeles Boise", "458": "Los_Angeles Boise",
	"574": "New_York Chicago", "605": "Chicago Denver", "606": "New_York Chicago", "620": "Chicago Denver",
	"701": "Chicago Denver", "775": "Los_Angeles Boise", "785": "Chicago Denver", "812": "New_York Chicago",
	"930": "New_York Chicago", "850": "New_York Chicago", "448": "New_York Chicago", "906": "New_York Chicago",
	"907": "Anchorage Adak", "928": "Phoenix Denver", "931": "Chicago New_York",
	"867": "Whitehorse Edmonton Rankin_Inlet Iqaluit", "250": "Vancouver Edmonton", "778": "Vancouver Edmonton",
	"236": "Vancouver Edmonton", "672": "Vancouver Edmonton", "807": "Toronto Winnipeg", "709": "St_Johns Goose_Bay",
	"879": "St_Johns Goose_Bay", "418": "Toronto Halifax", "581": "Toronto Halifax", "367": "Toronto Halifax",
	"306": "Regina Edmonton", "639": "Regina Edmonton", "432": "Chicago Denver", "915": "Denver Chicago", "219": "Chicago New_York",
}

func TestSplitAreaCodes(t *testing.T) {
	for code, zones := range splitAreaCodes {
		p, err := Parse("+1"+code+"5550123", "")
		if err != nil {
			t.Errorf("%s: %v", code, err)
			continue
		}
		for zone := range strings.FieldsSeq(zones) {
			if !slices.Contains(p.Zones, "America/"+zone) {
				t.Errorf("%s: zones %v lack America/%s", code, p.Zones, zone)
			}
		}
	}
}

// TestAreaCodeTable holds the table against everything it refers to: each zone
// loads, is no alias, and each state is one whose zones overlap the row's.
func TestAreaCodeTable(t *testing.T) {
	if len(areaCodes) < 415 {
		t.Errorf("%d area codes, want 415 or more", len(areaCodes))
	}
	for code, a := range areaCodes {
		for _, zone := range a.zones {
			if now, err := canonicalZone(zone); err != nil || now != zone {
				t.Errorf("%s: zone %s: now %q, %v", code, zone, now, err)
			}
		}
		if !slices.ContainsFunc(a.zones, func(z string) bool { return slices.Contains(stateZones[a.state], z) }) {
			t.Errorf("%s: zones %v have none of %s %v", code, a.zones, a.state, stateZones[a.state])
		}
		if provinces[a.state] != (a.country == "CA") {
			t.Errorf("%s: %s is not in %s", code, a.state, a.country)
		}
	}
	for alias, now := range zoneAliases {
		if _, err := time.LoadLocation(now); err != nil || zoneAliases[now] != "" {
			t.Errorf("alias %s -> %s: %v", alias, now, err)
		}
	}
	for country, zones := range countryZones {
		if !slices.Equal(canonicalZones(zones), zones) {
			t.Errorf("%s: zones %v are not sorted and canonical", country, zones)
		}
	}
	for state, zones := range stateZones {
		if !slices.Equal(canonicalZones(zones), zones) {
			t.Errorf("%s: zones %v are not sorted and canonical", state, zones)
		}
	}
}

// TestParseLaws: what is taken is well formed and reads back as itself.
func TestParseLaws(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		raw := rapid.StringMatching(`(\+|00)?[0-9 ()-]{3,18}`).Draw(t, "raw")
		region := rapid.SampledFrom([]string{"", "US", "PL", "GB", "CN", "RU"}).Draw(t, "region")
		p, err := Parse(raw, region)
		if err != nil {
			var refused *Error
			if !errors.As(err, &refused) {
				t.Fatalf("error %v is not an *Error", err)
			}
			return
		}
		if len(p.Zones) == 0 || len(p.Regions) == 0 || !slices.IsSorted(p.Zones) || !slices.IsSorted(p.Regions) {
			t.Fatalf("zones %v regions %v", p.Zones, p.Regions)
		}
		for _, zone := range p.Zones {
			if _, err := time.LoadLocation(zone); err != nil {
				t.Fatalf("zone %s: %v", zone, err)
			}
		}
		again, err := Parse(p.E164, "")
		if err != nil || again.E164 != p.E164 || !slices.Equal(again.Zones, p.Zones) {
			t.Fatalf("%q parsed to %q, which parses to %q, %v", raw, p.E164, again.E164, err)
		}
	})
}

func FuzzParse(f *testing.F) {
	f.Add("+48 22 555 01 23", "PL")
	f.Add("1-800-FLOWERS;ext=1", "US")
	f.Add("\x00\xff＋", "")
	f.Fuzz(func(t *testing.T, raw, region string) {
		p, err := Parse(raw, region)
		if err == nil && !strings.HasPrefix(p.E164, "+") {
			t.Errorf("Parse(%q, %q) = %q", raw, region, p.E164)
		}
	})
}

func BenchmarkParse(b *testing.B) {
	for i := 0; b.Loop(); i++ {
		if _, err := Parse(fmt.Sprintf("+1212555%04d", i%10000), ""); err != nil {
			b.Fatal(err)
		}
	}
}
