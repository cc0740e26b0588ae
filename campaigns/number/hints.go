package number

import (
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Hints are what a list tells about where a person is. All may be empty.
type Hints struct {
	Zone      string // IANA name, also an old alias
	Confirmed bool   // the person told Zone in a call: it alone decides
	State     string // US state or Canadian province: letters or English name
	ZIP       string // US postal code, five or nine digits
}

// Number makes the number of a lead from p. An empty kind takes the guess of p.
//
// Hints widen the zones of a fixed line and of any +1 number, because a moved
// number keeps its area code and some states presume residence from it (Fla.
// Stat. 501.059). For a mobile elsewhere they replace "all zones of the
// country", as long as they name a zone of that country. State rules are joined
// the same way: those of the area code and those of the address.
func (p Parsed) Number(kind campaigns.NumberKind, h Hints) (campaigns.Number, error) {
	if kind == "" {
		kind = p.Kind
	}
	n := campaigns.Number{E164: p.E164, Kind: kind, Zones: p.Zones, Regions: p.Regions, Basis: p.Basis}
	if h == (Hints{}) {
		return n, nil
	}
	given, err := h.zones(p.Country)
	if err != nil {
		return campaigns.Number{}, err
	}
	switch {
	case h.Confirmed && h.Zone != "":
		n.Zones, n.Basis = given, "confirmed zone"
	case len(given) > 0 && p.mobile && within(given, p.Zones):
		n.Zones, n.Basis = given, "address"
	case len(given) > 0:
		n.Zones, n.Basis = union(p.Zones, given), p.Basis+" and address"
	}
	n.Regions = union(p.Regions, h.regions(p.Country))
	return n, nil
}

// zones are the zones that the hints name, canonical and sorted.
func (h Hints) zones(country string) ([]string, error) {
	var found []string
	if zone := strings.TrimSpace(h.Zone); zone != "" {
		name, err := canonicalZone(zone)
		if err != nil {
			return nil, err
		}
		found = append(found, name)
	}
	for _, state := range h.states(country) {
		found = append(found, stateZones[state]...)
	}
	return canonicalZones(found), nil
}

// regions are the rule regions of the address.
func (h Hints) regions(country string) []string {
	var found []string
	for _, state := range h.states(country) {
		home := "US"
		if provinces[state] {
			home = "CA"
		}
		found = append(found, stateRegions(home, state)...)
	}
	return found
}

// states are the state of the address and the state of its ZIP, where the
// number is a North American one.
func (h Hints) states(country string) []string {
	if !nanp[country] {
		return nil
	}
	var found []string
	if s, ok := stateByName(h.State); ok {
		found = append(found, s)
	}
	if s, ok := stateByZIP(h.ZIP); ok && country != "CA" {
		found = append(found, s)
	}
	return found
}

// canonicalZone checks an IANA zone name and replaces an old alias. Names that
// are no place ("Local", "UTC+2") are refused with BadZone.
func canonicalZone(name string) (string, error) {
	if now, ok := zoneAliases[name]; ok {
		return now, nil
	}
	if !strings.Contains(name, "/") && name != "UTC" {
		return "", refuse(BadZone, "%q", name)
	}
	if _, err := loadZone(name); err != nil {
		return "", refuse(BadZone, "%q", name)
	}
	return name, nil
}

// loadZone reads a zone once per name; time.LoadLocation parses it each time.
func loadZone(name string) (*time.Location, error) {
	if loc, ok := zoneCache.Load(name); ok {
		return loc.(*time.Location), nil
	}
	loc, err := time.LoadLocation(name)
	if err != nil {
		return nil, err
	}
	zoneCache.Store(name, loc)
	return loc, nil
}

// within says whether every zone of part keeps the clock of one of all:
// Australia/Melbourne is within a set that names Australia/Sydney.
func within(part, all []string) bool {
	for _, name := range part {
		if !slices.ContainsFunc(all, func(other string) bool { return sameClock(name, other) }) {
			return false
		}
	}
	return true
}

// sameClock says whether two zones show the same time all through two years.
func sameClock(a, b string) bool {
	if a == b {
		return true
	}
	zoneA, errA := loadZone(a)
	zoneB, errB := loadZone(b)
	if errA != nil || errB != nil {
		return false
	}
	for week := range 104 {
		t := time.Date(2026, 1, 1+7*week, 12, 0, 0, 0, time.UTC)
		_, offsetA := t.In(zoneA).Zone()
		_, offsetB := t.In(zoneB).Zone()
		if offsetA != offsetB {
			return false
		}
	}
	return true
}

// union joins two sets of names, sorted.
func union(a, b []string) []string {
	all := slices.Concat(a, b)
	slices.Sort(all)
	return slices.Compact(all)
}
