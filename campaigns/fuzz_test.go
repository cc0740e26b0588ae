package campaigns

import (
	"errors"
	"testing"
)

// Any filter and priority: an error that names its place, or a segment that takes
// leads or leaves them.
func FuzzMatcher(f *testing.F) {
	f.Add(`temperature == "hot" && cp >= 3`, "cp * 2")
	f.Add(`name matches "(a+)+$"`, "1/0")
	f.Add(`map(1..1000000, # * 2) == nil`, "len(name)")
	f.Add(`number("x") in ["a"]`, "-cp")
	f.Fuzz(func(t *testing.T, filter, priority string) {
		if len(filter)+len(priority) > 1000 {
			return
		}
		m, err := Campaign{Segments: []Segment{{Name: "a", Filter: filter, Priority: priority}}}.Matcher()
		if err != nil {
			if e, ok := errors.AsType[*SegmentError](err); !ok || e.Segment != "a" {
				t.Errorf("%q, %q: %v", filter, priority, err)
			}
			return
		}
		m.Place(Lead{Name: "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa!"})
	})
}
