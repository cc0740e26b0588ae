package eligibility

import (
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// daypart is a part of the day, counted from the morning: people who were out in the
// morning may be at home in the evening.
type daypart int

var (
	daypartNames = []string{"morning", "afternoon", "evening"}
	daypartEnds  = []int{12, 17, 24} // hours of local time
)

// daypartAt is the part of the day of a local time, and when the next begins.
func daypartAt(local time.Time) (part daypart, next time.Time) {
	for local.Hour() >= daypartEnds[part] {
		part++
	}
	year, month, day := local.Date()
	return part, time.Date(year, month, day, daypartEnds[part], 0, 0, 0, local.Location())
}

// shiftWithin is how far ahead another part of the day is looked for: over a long
// weekend.
const shiftWithin = 8 * 24 * time.Hour

// Shift moves the next attempt after one that ended with o just now to the first
// open time in another part of the day, where the campaign's rule says Shift: the
// person's morning (before 12:00), afternoon (to 17:00) or evening, in every
// plausible zone of the number that is next. It never becomes earlier. Promised
// calls stay where they are, and so does all where the calling hours of the next 8
// days know no other part of the day.
func (r *Rules) Shift(c campaigns.Campaign, cl campaigns.Claim, o campaigns.Outcome, next campaigns.Next, now time.Time) campaigns.Next {
	if !retryRule(c, o).Shift || next.Done || next.Callback != nil || next.MoveTo != "" {
		return next
	}
	number := cl.Number
	for _, n := range cl.Lead.Numbers {
		if n.E164 == next.Number {
			number = n
		}
	}
	w := number.Window()
	zones := r.zonesOf(w)
	if len(zones) == 0 {
		return next
	}
	for at := next.At; at.Before(next.At.Add(shiftWithin)); {
		if at = r.opening(w, c, at); at.IsZero() {
			return next
		}
		same, change := sameDaypart(zones, at, now)
		if !same {
			next.At = at
			return next
		}
		at = change
	}
	return next
}

// sameDaypart says whether two times are in the same part of the day in any of some
// zones, and when the first of those parts is over after the first time.
func sameDaypart(zones []*time.Location, at, tried time.Time) (same bool, change time.Time) {
	for _, zone := range zones {
		part, over := daypartAt(at.In(zone))
		before, _ := daypartAt(tried.In(zone))
		if part == before {
			same, change = true, sooner(change, over)
		}
	}
	return same, change
}

// daypartsOf names the parts of the day in which a number was tried.
func daypartsOf(n campaigns.Number, tried time.Time) string {
	var names []string
	for _, name := range n.Zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			continue
		}
		part, _ := daypartAt(tried.In(zone))
		if !slices.Contains(names, daypartNames[part]) {
			names = append(names, daypartNames[part])
		}
	}
	return strings.Join(names, " or ")
}

// LocalTime reads a time by the clock of whoever has a number, 2026-03-02T15:04.
// Where the zone is not sure it is the latest that may be meant: nobody is called
// before the time they named.
func LocalTime(n campaigns.Number, clock string) (time.Time, error) {
	var latest time.Time
	for _, name := range n.Zones {
		zone, err := time.LoadLocation(name)
		if err != nil {
			return time.Time{}, fmt.Errorf("zone %q: %w", name, err)
		}
		at, err := time.ParseInLocation("2006-01-02T15:04", clock, zone)
		if err != nil {
			return time.Time{}, fmt.Errorf("%q is not a time like 2026-03-02T15:04", clock)
		}
		latest = later(latest, at)
	}
	if latest.IsZero() {
		return latest, errors.New("the zone of the number is not known") // the number itself stays out of logs and answers
	}
	return latest.UTC(), nil
}
