package number

import (
	_ "embed"
	"fmt"
	"slices"
	"strings"
)

// areaCode is one row of areacodes.txt.
type areaCode struct {
	country string // "US", "CA"
	state   string // "NY"; two letters
	zones   []string
	regions []string
}

//go:embed areacodes.txt
var areaCodeTable string

// areaCodes holds the area codes of the United States and Canada.
var areaCodes = readAreaCodes(areaCodeTable)

func readAreaCodes(table string) map[string]areaCode {
	codes := make(map[string]areaCode, 450)
	for line := range strings.Lines(table) {
		f := strings.Fields(line)
		if len(f) == 0 || f[0] == "#" {
			continue
		}
		if len(f) < 4 {
			panic(fmt.Sprintf("number: area code table: %q", line))
		}
		codes[f[0]] = areaCode{country: f[1], state: f[2], zones: f[3:], regions: stateRegions(f[1], f[2])}
	}
	return codes
}

// areaCodeOf finds the row of a +1 number, if it is in the table.
func areaCodeOf(e164 string) (areaCode, bool) {
	if len(e164) != 12 || e164[:2] != "+1" {
		return areaCode{}, false
	}
	a, ok := areaCodes[e164[2:5]]
	return a, ok
}

// stateRegions are the rule regions of a state: federal law and the state's own
// in the United States; Canada has one rule for all provinces.
func stateRegions(country, state string) []string {
	if country == "CA" {
		return []string{"CA"}
	}
	regions := []string{"US-" + state, "US-FED"}
	slices.Sort(regions)
	return regions
}
