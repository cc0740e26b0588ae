package eligibility

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"pgregory.net/rapid"
)

var noWindows = campaigns.Campaign{ID: "c", State: campaigns.Running}

// packZones are zones with awkward clocks, besides one or more of each pack.
var packZones = map[string][]string{
	"US-FED": {"America/New_York", "America/Phoenix", "Pacific/Honolulu"}, "US-IN": {"America/Chicago", "America/Indiana/Indianapolis"},
	"US-FL": {"America/Chicago", "America/New_York"}, "US-AK": {"America/Adak", "America/Anchorage"}, "US-OR": {"America/Boise", "America/Los_Angeles"},
	"CA": {"America/St_Johns", "America/Regina"}, "UK": {"Europe/London"}, "DE": {"Europe/Berlin"}, "PL": {"Europe/Warsaw"},
	"FR": {"Europe/Paris"}, "ES": {"Europe/Madrid", "Atlantic/Canary"}, "IT": {"Europe/Rome"}, "BR": {"America/Sao_Paulo", "America/Manaus"},
	"IN": {"Asia/Kolkata"}, "AU": {"Australia/Lord_Howe", "Australia/Adelaide"}, "JP": {"Asia/Tokyo"}, "CN": {"Asia/Shanghai"},
	"STRICT": {"Africa/Cairo", "Pacific/Chatham"}, "DEMO": {"Africa/Casablanca"}, "CL": {"America/Santiago"}, "LB": {"Asia/Beirut"}, "IR": {"Asia/Tehran"},
}

// slowOpen is an independent oracle: wall-clock strings compared minute by
// minute, holidays looked up by date text, no cache, no arithmetic on instants.
func slowOpen(r *Rules, zones, regions []string, t time.Time) bool {
	for _, zone := range zones {
		loc := location(zone)
		clock, day := t.In(loc).Format("15:04"), t.In(loc).Format("Mon 2006-01-02")
		for _, region := range regions {
			e, _ := r.entry(region, t)
			h := e.Hours
			lists := []DayHours{h.Weekdays}
			if strings.HasPrefix(day, "Sat") {
				lists = []DayHours{h.Saturday}
			} else if strings.HasPrefix(day, "Sun") {
				lists = []DayHours{h.Sunday}
			}
			y, m, d := t.In(loc).Date()
			tomorrow := time.Date(y, m, d+1, 0, 0, 0, 0, time.UTC)
			if h.Holiday != nil && e.calendar != nil && e.calendar.days[y*10000+int(m)*100+d] {
				lists = append(lists, *h.Holiday)
			} else if h.BeforeHoliday != nil && e.calendar != nil && e.calendar.days[dateKey(tomorrow)] {
				lists = append(lists, *h.BeforeHoliday)
			}
			for _, spans := range lists {
				if !slices.ContainsFunc(spans, func(s Span) bool {
					from, to, _ := strings.Cut(s.String(), "-")
					return from <= clock && clock < to
				}) {
					return false
				}
			}
		}
	}
	return true
}

// location loads a zone once; a zone that does not load stops the tests.
func location(name string) *time.Location {
	loc, ok := loaded.Load(name)
	if !ok {
		fresh, err := time.LoadLocation(name)
		if err != nil {
			panic(err)
		}
		loc, _ = loaded.LoadOrStore(name, fresh)
	}
	return loc.(*time.Location)
}

var loaded sync.Map

// TestOpenAgainstOracle walks minute by minute over the days around every clock
// change of 2026 and 2027, for every pack in awkward zones.
func TestOpenAgainstOracle(t *testing.T) {
	t.Parallel()
	r := shipped(t)
	checked := 0
	for region, zones := range packZones {
		class := campaigns.NewWindowClass(zones, []string{region})
		for _, day := range clockChanges(t, zones) {
			start := day.Add(-24 * time.Hour)
			for m := 0; m < 56*60; m += 2 {
				now := start.Add(time.Duration(m)*time.Minute + 29*time.Second)
				want := slowOpen(r, zones, []string{region}, now) && slowOpen(r, zones, []string{region}, now.Add(RingAllowance))
				open, until, opens := r.Open(class, noWindows, now)
				if open != want {
					t.Fatalf("%s %v at %v: open = %v, want %v", region, zones, now, open, want)
				}
				if open && (slowOpen(r, zones, []string{region}, until) || !slowOpen(r, zones, []string{region}, until.Add(-time.Minute))) {
					t.Fatalf("%s %v at %v: closes at %v, which is no closing time", region, zones, now, until)
				}
				if !open && !opens.IsZero() && !slowOpen(r, zones, []string{region}, opens) {
					t.Fatalf("%s %v at %v: opens at %v, which is closed", region, zones, now, opens)
				}
				checked++
			}
		}
	}
	t.Logf("%d instants, no difference", checked)
}

// clockChanges finds the changes of two years, or one plain day.
func clockChanges(t *testing.T, zones []string) []time.Time {
	changes := []time.Time{time.Date(2026, 12, 24, 12, 0, 0, 0, time.UTC)}
	for _, name := range zones {
		loc, err := time.LoadLocation(name)
		if err != nil {
			t.Fatal(err)
		}
		at := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC)
		for {
			_, end := at.In(loc).ZoneBounds()
			if end.IsZero() || end.Year() > 2027 {
				break
			}
			changes = append(changes, end.UTC())
			at = end
		}
	}
	return changes
}

// TestOpensIsFirst: no minute before the named opening is open.
func TestOpensIsFirst(t *testing.T) {
	t.Parallel()
	r := shipped(t)
	var regions []string
	for region := range packZones {
		regions = append(regions, region)
	}
	slices.Sort(regions)
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SampledFrom(regions).Draw(t, "region")
		zones := packZones[region]
		now := time.Date(2026, 1, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 730*24*3600).Draw(t, "second")) * time.Second)
		open, _, opens := r.Open(campaigns.NewWindowClass(zones, []string{region}), noWindows, now)
		if open || opens.IsZero() {
			return
		}
		if !slowOpen(r, zones, []string{region}, opens) {
			t.Fatalf("%s: not open at %v", region, opens)
		}
		for at := now.Truncate(time.Minute).Add(time.Minute); at.Before(opens); at = at.Add(7 * time.Minute) {
			if slowOpen(r, zones, []string{region}, at) {
				t.Fatalf("%s: asked at %v: open at %v, before %v", region, now, at, opens)
			}
		}
	})
}

// local reads "2026-11-23 20:59:30" in a zone.
func local(t testing.TB, zone, text string) time.Time {
	t.Helper()
	loc, err := time.LoadLocation(zone)
	if err != nil {
		t.Fatal(err)
	}
	at, err := time.ParseInLocation("2006-01-02 15:04:05", text, loc)
	if err != nil {
		t.Fatal(err)
	}
	return at
}

func TestDayKinds(t *testing.T) {
	r := shipped(t)
	for _, tt := range []struct {
		region, zone, at string
		open             bool
		opens            string
	}{
		{"US-TX", "America/Chicago", "2026-11-22 11:59:59", false, "2026-11-22 12:00:00"}, // Sunday from noon
		{"US-TX", "America/Chicago", "2026-11-22 12:00:00", true, ""},
		{"US-LA", "America/Chicago", "2026-11-22 15:00:00", false, "2026-11-23 08:00:00"}, // Sunday
		{"US-LA", "America/Chicago", "2027-02-09 12:00:00", false, "2027-02-10 08:00:00"}, // Mardi Gras
		{"US-LA", "America/Chicago", "2026-11-26 12:00:00", false, "2026-11-27 08:00:00"}, // Thanksgiving
		{"US-MS", "America/Chicago", "2027-04-26 12:00:00", false, "2027-04-27 08:00:00"}, // last Monday of April
		{"US-RI", "America/New_York", "2027-08-09 12:00:00", false, "2027-08-10 09:00:00"},
		{"US-UT", "America/Denver", "2026-07-24 12:00:00", false, "2026-07-25 08:00:00"},
		{"US-PA", "America/New_York", "2027-03-26 12:00:00", false, "2027-03-27 08:00:00"}, // Good Friday
		{"US-PA", "America/New_York", "2026-11-22 13:29:59", false, "2026-11-22 13:30:00"},
		{"PL", "Europe/Warsaw", "2026-11-11 12:00:00", false, "2026-11-12 08:00:00"}, // Independence Day
		{"PL", "Europe/Warsaw", "2026-12-24 12:00:00", false, "2026-12-28 08:00:00"}, // Christmas Eve to Sunday
		{"UK", "Europe/London", "2026-12-25 08:30:00", false, "2026-12-25 09:00:00"}, // as Sunday
		{"UK", "Europe/London", "2026-12-25 12:00:00", true, ""},
		{"IT", "Europe/Rome", "2026-12-07 09:30:00", false, "2026-12-07 10:00:00"}, // day before the Immaculate Conception
		{"IT", "Europe/Rome", "2026-12-07 19:30:00", false, "2026-12-09 09:00:00"},
		{"FR", "Europe/Paris", "2026-11-23 13:30:00", false, "2026-11-23 14:00:00"}, // noon break
		{"FR", "Europe/Paris", "2026-07-14 15:00:00", false, "2026-07-15 10:00:00"},
		{"DE", "Europe/Berlin", "2026-10-03 12:00:00", false, "2026-10-05 08:00:00"},
		{"AU", "Australia/Sydney", "2026-04-03 12:00:00", false, "2026-04-04 09:00:00"}, // Good Friday
		{"AU", "Australia/Sydney", "2026-04-06 12:00:00", false, "2026-04-07 09:00:00"}, // Easter Monday
		{"AU", "Australia/Perth", "2028-04-25 12:00:00", false, "2028-04-26 09:00:00"},  // Anzac Day
		{"CA", "America/Toronto", "2026-07-01 12:00:00", false, "2026-07-02 09:00:00"},
		{"BR", "America/Sao_Paulo", "2026-09-07 12:00:00", false, "2026-09-08 09:00:00"},
		{"CN", "Asia/Shanghai", "2026-02-17 10:00:00", false, "2026-02-25 09:00:00"}, // Spring Festival
		{"CN", "Asia/Shanghai", "2029-03-01 10:00:00", false, ""},                    // no calendar: closed
		{"SE", "Europe/Stockholm", "2026-12-25 10:30:00", false, "2026-12-28 10:00:00"},
		{"DEMO", "Asia/Tokyo", "2026-12-25 08:00:00", true, ""},
	} {
		now := local(t, tt.zone, tt.at)
		open, _, opens := r.Open(campaigns.NewWindowClass([]string{tt.zone}, []string{tt.region}), noWindows, now)
		if open != tt.open {
			t.Errorf("%s %s: open = %v, want %v", tt.region, tt.at, open, tt.open)
		}
		if want := tt.opens; want != "" && !opens.Equal(local(t, tt.zone, want)) {
			t.Errorf("%s %s: opens %v, want %s", tt.region, tt.at, opens.In(now.Location()), want)
		} else if want == "" && !open && !opens.IsZero() {
			t.Errorf("%s %s: opens %v, want never", tt.region, tt.at, opens)
		}
	}
}

func TestOpen(t *testing.T) {
	r := shipped(t)
	weekdays := []time.Weekday{time.Monday, time.Tuesday, time.Wednesday, time.Thursday, time.Friday}
	for _, tt := range []struct {
		name    string
		class   campaigns.WindowClass
		windows []campaigns.Hours
		at      string // New York
		open    bool
		edge    string // closes, or opens; New York
	}{
		{"inside", "America/New_York|US-FED", nil, "2026-11-23 12:00:00", true, "2026-11-23 21:00:00"},
		{"still rings at the end", "America/New_York|US-FED", nil, "2026-11-23 20:59:29", true, "2026-11-23 21:00:00"},
		{"would ring past the end", "America/New_York|US-FED", nil, "2026-11-23 20:59:30", false, "2026-11-24 08:00:00"},
		{"first second", "America/New_York|US-FED", nil, "2026-11-23 08:00:00", true, "2026-11-23 21:00:00"},
		{"both zones", "America/Los_Angeles,America/New_York|US-FED", nil, "2026-11-23 10:59:59", false, "2026-11-23 11:00:00"},
		{"both states", "America/New_York|US-FED,US-FL,US-RI", nil, "2026-11-23 12:00:00", true, "2026-11-23 18:00:00"},
		{"unknown region", "America/New_York|XX", nil, "2026-11-23 13:15:00", false, "2026-11-23 14:00:00"},
		{"unknown state is strict", "America/New_York|US-FED,US-XX", nil, "2026-11-23 19:00:00", false, "2026-11-24 10:00:00"},
		{"no region", "America/New_York|", nil, "2026-11-23 19:00:00", false, "2026-11-24 10:00:00"},
		{"duties alone are strict", "America/New_York|US-FED-RECORDS", nil, "2026-11-23 19:00:00", false, "2026-11-24 10:00:00"},
		{"no zone", "|US-FED", nil, "2026-11-23 12:00:00", false, ""},
		{"unknown zone", "Mars/Base|US-FED", nil, "2026-11-23 12:00:00", false, ""},
		{"zones that never meet", "Asia/Kamchatka,Europe/Kaliningrad|RU", nil, "2026-11-23 12:00:00", false, ""},
		{"campaign narrows", "America/New_York|US-FED", []campaigns.Hours{{Days: weekdays, From: "10:00", To: "16:00"}}, "2026-11-20 16:30:00", false, "2026-11-23 10:00:00"},
		{"campaign never widens", "America/New_York|US-FED", []campaigns.Hours{{From: "00:00", To: "24:00"}}, "2026-11-23 21:30:00", false, "2026-11-24 08:00:00"},
		{"touching windows join", "America/New_York|US-FED", []campaigns.Hours{{From: "12:00", To: "15:00"}, {From: "09:00", To: "12:00"}}, "2026-11-23 11:59:45", true, "2026-11-23 15:00:00"},
		{"a broken window closes", "America/New_York|US-FED", []campaigns.Hours{{From: "9am", To: "5pm"}}, "2026-11-23 12:00:00", false, ""},
		{"the day of 25 hours", "America/New_York|US-FED", nil, "2026-11-01 00:30:00", false, "2026-11-01 08:00:00"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			now := local(t, "America/New_York", tt.at)
			c := noWindows
			c.Windows = tt.windows
			for range 2 { // the second answer is from the cache
				open, until, opens := r.Open(tt.class, c, now)
				if open != tt.open {
					t.Fatalf("open = %v, want %v", open, tt.open)
				}
				edge := opens
				if open {
					edge = until
				}
				if tt.edge == "" && !edge.IsZero() || tt.edge != "" && !edge.Equal(local(t, "America/New_York", tt.edge)) {
					t.Errorf("edge = %v, want %q", edge.In(now.Location()), tt.edge)
				}
			}
		})
	}
}

// TestCacheIsInvisible: asking in any order gives what a fresh Rules gives.
func TestCacheIsInvisible(t *testing.T) {
	r := shipped(t)
	rapid.Check(t, func(t *rapid.T) {
		region := rapid.SampledFrom([]string{"US-FED", "PL", "FR", "IT", "AU"}).Draw(t, "region")
		class := campaigns.NewWindowClass(packZones[region], []string{region})
		now := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC).Add(time.Duration(rapid.IntRange(0, 60*24*3600).Draw(t, "second")) * time.Second)
		open, until, opens := r.Open(class, noWindows, now)
		r.cache = windowCache{}
		open2, until2, opens2 := r.Open(class, noWindows, now)
		if open != open2 || !until.Equal(until2) || !opens.Equal(opens2) {
			t.Fatalf("%s at %v: %v %v %v, fresh %v %v %v", region, now, open, until, opens, open2, until2, opens2)
		}
	})
}

func BenchmarkOpenCached(b *testing.B) {
	r := shipped(b)
	now := time.Date(2026, 11, 23, 18, 0, 0, 0, time.UTC)
	for b.Loop() {
		r.Open("America/Chicago,America/New_York|US-FED,US-FL", noWindows, now)
	}
}

func TestLocalHour(t *testing.T) {
	r := shipped(t)
	now := time.Date(2026, 7, 1, 15, 30, 0, 0, time.UTC)
	for _, tt := range []struct {
		zones []string
		want  int
	}{
		{[]string{"America/New_York"}, 12},
		{[]string{"Asia/Kolkata"}, 22}, // 21:00
		{[]string{"Asia/Tokyo"}, 1},    // 00:30
		{[]string{"Pacific/Kiritimati"}, 6},
		{[]string{"America/Chicago", "America/New_York"}, 11},
		{[]string{"America/Denver", "America/New_York"}, 0},
		{[]string{"Nowhere/At_All"}, 0},
		{nil, 0},
	} {
		w := campaigns.NewWindowClass(tt.zones, []string{"US-FED"})
		for range 2 { // worked out, then kept
			if got := r.LocalHour(w, now); got != tt.want {
				t.Errorf("%v: hour %d, want %d", tt.zones, got, tt.want)
			}
		}
	}
}

// The engine asks for many leads in one decision.
func TestOpenMakesNoGarbage(t *testing.T) {
	r := shipped(t)
	now := time.Date(2026, 7, 1, 15, 30, 0, 0, time.UTC)
	w := campaigns.NewWindowClass([]string{"America/New_York"}, []string{"US-FED"})
	c := campaigns.Campaign{Windows: []campaigns.Hours{{Days: []time.Weekday{1, 2, 3, 4, 5}, From: "09:00", To: "20:00"}, {Days: []time.Weekday{6}, From: "10:00", To: "14:00"}}}
	if n := testing.AllocsPerRun(100, func() {
		r.Open(w, c, now)
		r.LocalHour(w, now)
	}); n != 0 {
		t.Errorf("allocs per question = %v, want 0", n)
	}
}
