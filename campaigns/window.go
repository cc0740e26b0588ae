package campaigns

import (
	"slices"
	"strings"
)

// WindowClass is the canonical name of a set of plausible zones and of the rule
// regions of a number: "America/Denver,America/Phoenix|US-AZ,US-FED". All
// numbers of a class may be called at exactly the same times, so a queue is
// opened or closed as a whole.
type WindowClass string

// NewWindowClass makes the class of zones and regions; order and repeats do
// not matter.
func NewWindowClass(zones, regions []string) WindowClass {
	return WindowClass(canonical(zones) + "|" + canonical(regions))
}

// Zones are the IANA zones that all must be inside their hours.
func (w WindowClass) Zones() []string {
	zones, _, _ := strings.Cut(string(w), "|")
	return split(zones)
}

// Regions are the rule regions that all must allow the call.
func (w WindowClass) Regions() []string {
	_, regions, _ := strings.Cut(string(w), "|")
	return split(regions)
}

// separator stands in no zone and no region; a plus sign does (Etc/GMT+6).
const separator = ","

func canonical(names []string) string {
	if inOrder(names) { // nearly always: stores keep them so
		return strings.Join(names, separator)
	}
	sorted := slices.Clone(names)
	slices.Sort(sorted)
	return strings.Join(slices.Compact(sorted), separator)
}

// inOrder says whether names are sorted, without repeats.
func inOrder(names []string) bool {
	for i := 1; i < len(names); i++ {
		if names[i-1] >= names[i] {
			return false
		}
	}
	return true
}

func split(joined string) []string {
	if joined == "" {
		return nil
	}
	return strings.Split(joined, separator)
}
