package eligibility

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/rickar/cal/v2"
	"github.com/rickar/cal/v2/ar"
	"github.com/rickar/cal/v2/at"
	"github.com/rickar/cal/v2/au"
	"github.com/rickar/cal/v2/be"
	"github.com/rickar/cal/v2/bg"
	"github.com/rickar/cal/v2/br"
	"github.com/rickar/cal/v2/ca"
	"github.com/rickar/cal/v2/ch"
	"github.com/rickar/cal/v2/cz"
	"github.com/rickar/cal/v2/de"
	"github.com/rickar/cal/v2/dk"
	"github.com/rickar/cal/v2/es"
	"github.com/rickar/cal/v2/fr"
	"github.com/rickar/cal/v2/gb"
	"github.com/rickar/cal/v2/gr"
	"github.com/rickar/cal/v2/hr"
	"github.com/rickar/cal/v2/ie"
	"github.com/rickar/cal/v2/it"
	"github.com/rickar/cal/v2/jp"
	"github.com/rickar/cal/v2/lt"
	"github.com/rickar/cal/v2/lv"
	"github.com/rickar/cal/v2/nl"
	"github.com/rickar/cal/v2/no"
	"github.com/rickar/cal/v2/nz"
	"github.com/rickar/cal/v2/pl"
	"github.com/rickar/cal/v2/ro"
	"github.com/rickar/cal/v2/ru"
	"github.com/rickar/cal/v2/se"
	"github.com/rickar/cal/v2/si"
	"github.com/rickar/cal/v2/sk"
	"github.com/rickar/cal/v2/ua"
	"github.com/rickar/cal/v2/us"
	"github.com/rickar/cal/v2/za"
)

// countryHolidays are the national holidays we have rules for. Countries that
// are missing (India, China, most of Asia, Africa and South America) have none
// here: a pack lists its own dates.
var countryHolidays = map[string][]*cal.Holiday{
	"AR": ar.Holidays, "AT": at.Holidays, "AU": auHolidays(), "BE": be.Holidays, "BG": bg.Holidays, "BR": br.Holidays, "CA": ca.Holidays,
	"CH": ch.Holidays, "CZ": cz.Holidays, "DE": de.Holidays, "DK": dk.Holidays, "ES": es.Holidays, "FR": fr.Holidays,
	"GB": gb.Holidays, "GR": gr.Holidays, "HR": hr.Holidays, "IE": ie.Holidays, "IT": it.Holidays, "JP": jp.Holidays,
	"LT": lt.Holidays, "LV": lv.Holidays, "NL": nl.Holidays, "NO": no.Holidays, "NZ": nz.Holidays, "PL": pl.Holidays,
	"RO": ro.Holidays, "RU": ru.Holidays, "SE": se.Holidays, "SI": si.Holidays, "SK": sk.Holidays, "UA": ua.Holidays, "US": us.Holidays,
	"ZA": za.Holidays,
}

// auHolidays are the national public holidays of Australia: those that every
// state and territory keeps.
func auHolidays() []*cal.Holiday {
	states := [][]*cal.Holiday{au.HolidaysNSW, au.HolidaysNT, au.HolidaysQLD, au.HolidaysSA, au.HolidaysTAS, au.HolidaysVIC, au.HolidaysWA}
	return slices.DeleteFunc(slices.Clone(au.HolidaysACT), func(h *cal.Holiday) bool {
		return slices.ContainsFunc(states, func(state []*cal.Holiday) bool {
			return !slices.ContainsFunc(state, func(other *cal.Holiday) bool { return other.Name == h.Name })
		})
	})
}

// Holidays says which days are holidays of a region.
type Holidays struct {
	Calendar string      `yaml:"calendar"` // a country whose holidays we have, ISO 3166
	Fixed    []string    `yaml:"fixed"`    // "12-24", each year
	Easter   []int       `yaml:"easter"`   // days from Easter Sunday (Gregorian), each year
	Nth      []string    `yaml:"nth"`      // "2 monday august", "last monday april"
	Ranges   []DateRange `yaml:"ranges"`   // single stretches
	Years    []int       `yaml:"years"`    // first and last year known; default the calendar's
}

// DateRange is a stretch of days, both ends included.
type DateRange struct {
	From string `yaml:"from"` // "2026-02-14"
	To   string `yaml:"to"`
}

// The years for which holidays are worked out. A day outside of the years of
// its calendar has no known kind and is closed.
const (
	firstYear = 2020
	lastYear  = 2050
)

// calendar is the holidays of a region, worked out.
type calendar struct {
	first, last int          // years known
	days        map[int]bool // yyyymmdd
}

func dateKey(t time.Time) int {
	y, m, d := t.Date()
	return y*10000 + int(m)*100 + d
}

// countryCalendar is the calendar of a country without a pack; nil where we
// have none.
func countryCalendar(country string) *calendar {
	c, err := newCalendar(&Holidays{Calendar: country})
	if err != nil {
		return nil
	}
	return c
}

// newCalendar works holidays out; nil for nil.
func newCalendar(h *Holidays) (*calendar, error) {
	if h == nil {
		return nil, nil
	}
	c := &calendar{first: firstYear, last: lastYear, days: map[int]bool{}}
	if len(h.Years) == 2 && h.Years[0] <= h.Years[1] {
		c.first, c.last = h.Years[0], h.Years[1]
	} else if len(h.Years) != 0 {
		return nil, fmt.Errorf("years: want [first, last], got %v", h.Years)
	}
	country, ok := countryHolidays[h.Calendar]
	if h.Calendar != "" && !ok {
		return nil, fmt.Errorf("calendar: no holidays of %q", h.Calendar)
	}
	for year := c.first - 1; year <= c.last+1; year++ { // a neighbour's holiday may be observed in this year
		for _, holiday := range country {
			actual, observed := holiday.Calc(year)
			c.add(actual)
			c.add(observed)
		}
		if err := c.addYear(h, year); err != nil {
			return nil, err
		}
	}
	return c, c.addRanges(h.Ranges)
}

// add adds the date of day. The library makes dates as local midnights; where
// the machine's zone has none on that day, Go gives the hour before, so the date
// is read two hours later.
func (c *calendar) add(day time.Time) {
	if !day.IsZero() {
		c.days[dateKey(day.Add(2*time.Hour))] = true
	}
}

// addYear adds the rules of a pack for one year.
func (c *calendar) addYear(h *Holidays, year int) error {
	for _, text := range h.Fixed {
		day, err := time.Parse("2006-01-02", fmt.Sprintf("%04d-%s", year, text))
		if err != nil && text != "02-29" {
			return fmt.Errorf("fixed: %q is no day like 12-24", text)
		}
		c.add(day)
	}
	for _, offset := range h.Easter {
		c.add(easter(year).AddDate(0, 0, offset))
	}
	for _, text := range h.Nth {
		day, err := nthWeekday(text, year)
		if err != nil {
			return err
		}
		c.add(day)
	}
	return nil
}

func (c *calendar) addRanges(ranges []DateRange) error {
	for _, r := range ranges {
		from, errFrom := time.Parse(time.DateOnly, r.From)
		to, errTo := time.Parse(time.DateOnly, r.To)
		if errFrom != nil || errTo != nil || to.Before(from) || to.Sub(from) > 366*24*time.Hour {
			return fmt.Errorf("ranges: from %q to %q", r.From, r.To)
		}
		for day := from; !day.After(to); day = day.AddDate(0, 0, 1) {
			c.add(day)
		}
	}
	return nil
}

// nthWeekday reads "2 monday august" and "last monday april" for a year.
func nthWeekday(text string, year int) (time.Time, error) {
	f := strings.Fields(text)
	if len(f) != 3 {
		return time.Time{}, fmt.Errorf("nth: %q is no day like 2 monday august", text)
	}
	for month := time.January; month <= time.December; month++ {
		if !strings.EqualFold(month.String(), f[2]) {
			continue
		}
		var found []time.Time
		for day := time.Date(year, month, 1, 0, 0, 0, 0, time.UTC); day.Month() == month; day = day.AddDate(0, 0, 1) {
			if strings.EqualFold(day.Weekday().String(), f[1]) {
				found = append(found, day)
			}
		}
		n := slices.Index([]string{"1", "2", "3", "4", "last"}, f[0])
		if n == 4 {
			n = len(found) - 1
		}
		if n >= 0 && n < len(found) {
			return found[n], nil
		}
	}
	return time.Time{}, fmt.Errorf("nth: %q is no day like 2 monday august", text)
}

// easter is Easter Sunday of the Gregorian calendar (Meeus, Jones, Butcher).
func easter(year int) time.Time {
	a, b, c := year%19, year/100, year%100
	h := (19*a + b - b/4 - (b-(b+8)/25+1)/3 + 15) % 30
	l := (32 + 2*(b%4) + 2*(c/4) - h - c%4) % 7
	m := (a + 11*h + 22*l) / 451
	return time.Date(year, time.Month((h+l-7*m+114)/31), (h+l-7*m+114)%31+1, 0, 0, 0, 0, time.UTC)
}
