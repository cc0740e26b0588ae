package eligibility

import (
	"fmt"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// DayKind is what a date is in a region.
type DayKind string

// The kinds of days.
const (
	Weekday       DayKind = "weekday"
	Saturday      DayKind = "saturday"
	Sunday        DayKind = "sunday"
	Holiday       DayKind = "holiday"
	BeforeHoliday DayKind = "before_holiday"
	UnknownDay    DayKind = "no_calendar" // the year is outside of the calendar: closed
)

// day gives the kind and the hours of the local date of t.
func (e *Region) day(t time.Time) (DayKind, DayHours) {
	kind, hours := Weekday, e.Hours.Weekdays
	switch t.Weekday() {
	case time.Saturday:
		kind, hours = Saturday, e.Hours.Saturday
	case time.Sunday:
		kind, hours = Sunday, e.Hours.Sunday
	}
	if e.calendar == nil || !e.needsCalendar() {
		return kind, hours
	}
	if y := t.Year(); y < e.calendar.first || y > e.calendar.last {
		return UnknownDay, nil
	}
	if e.calendar.days[dateKey(t)] {
		if e.Hours.Holiday != nil {
			hours = intersect(hours, *e.Hours.Holiday)
		}
		return Holiday, hours
	}
	if e.Hours.BeforeHoliday != nil && e.calendar.days[dateKey(time.Date(t.Year(), t.Month(), t.Day()+1, 0, 0, 0, 0, time.UTC))] {
		return BeforeHoliday, intersect(hours, *e.Hours.BeforeHoliday)
	}
	return kind, hours
}

// at says whether t, a local time, is inside these hours, and until when that surely
// holds. The answer may go on after that: ask again.
//
// Clock changes: between two of them local time runs evenly, so the end is
// never taken beyond the next one.
func (d DayHours) at(t time.Time) (open bool, until time.Time) {
	minute := t.Hour()*60 + t.Minute()
	next := 24 * 60
	for _, s := range d {
		if minute < s.From {
			next = s.From
			break
		}
		if minute < s.To {
			open, next = true, s.To
			break
		}
	}
	start := t.Add(-time.Duration(t.Second())*time.Second - time.Duration(t.Nanosecond()))
	until = start.Add(time.Duration(next-minute) * time.Minute)
	if _, change := t.ZoneBounds(); !change.IsZero() && change.Before(until) {
		until = change
	}
	return open, until
}

// weekHours are a campaign's own windows, one set for each weekday.
type weekHours [7]DayHours

// campaignHours compiles the windows of a campaign; nil where it has none. An
// entry without days holds on every day.
func campaignHours(windows []campaigns.Hours) (*weekHours, error) {
	if len(windows) == 0 {
		return nil, nil
	}
	var week weekHours
	for _, w := range windows {
		span, err := parseSpan(w.From, w.To)
		if err != nil {
			return nil, fmt.Errorf("windows: %w", err)
		}
		days := w.Days
		if len(days) == 0 {
			days = []time.Weekday{0, 1, 2, 3, 4, 5, 6}
		}
		for _, d := range days {
			if d < time.Sunday || d > time.Saturday {
				return nil, fmt.Errorf("windows: day %d: 0 is Sunday, 6 is Saturday", d)
			}
			week[d] = append(week[d], span)
		}
	}
	for d := range week {
		week[d] = merge(week[d])
	}
	return &week, nil
}

// merge sorts spans and joins those that touch.
func merge(hours DayHours) DayHours {
	slices.SortFunc(hours, func(a, b Span) int { return a.From - b.From })
	var merged DayHours
	for _, s := range hours {
		if n := len(merged); n > 0 && s.From <= merged[n-1].To {
			merged[n-1].To = max(merged[n-1].To, s.To)
			continue
		}
		merged = append(merged, s)
	}
	return merged
}

// CampaignRule is the name of a campaign's own windows among the rules.
const CampaignRule = "campaign"

// ZoneHours are the hours that one rule allows in one zone of a number, on the
// day of a moment.
type ZoneHours struct {
	Rule  string // region, or CampaignRule
	Name  string // of the region, in words; empty for CampaignRule
	Zone  string
	Local time.Time // the moment, in the zone
	Day   DayKind   // empty for CampaignRule
	Hours DayHours
	Open  bool

	noCalendar bool // the rule knows holidays, and there is no calendar of them
}

// Hours are the hours of every rule in every zone of a number. It may be called at
// the moment where all are open, and stay so for RingAllowance; see Open.
func (r *Rules) Hours(n campaigns.Number, c campaigns.Campaign, at time.Time) []ZoneHours {
	entries, _ := r.resolve(n.Regions, at)
	week, err := campaignHours(c.Windows)
	var all []ZoneHours
	for _, zone := range r.locations(n.Zones) {
		h := ZoneHours{Zone: zone.String(), Local: at.In(zone)}
		for _, e := range entries {
			if e.Hours == nil {
				continue
			}
			h.Rule, h.Name = e.ID, e.Name
			h.Day, h.Hours = e.day(h.Local)
			h.Open, _ = h.Hours.at(h.Local)
			h.noCalendar = e.needsCalendar() && e.calendar == nil
			all = append(all, h)
		}
		if week != nil && err == nil {
			hours := week[h.Local.Weekday()]
			open, _ := hours.at(h.Local)
			all = append(all, ZoneHours{Rule: CampaignRule, Zone: h.Zone, Local: h.Local, Hours: hours, Open: open})
		}
	}
	return all
}
