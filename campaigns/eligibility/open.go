package eligibility

import (
	"strings"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// horizon is how far ahead the next opening is looked for. A class that has
// none by then (eleven Russian zones under STRICT hours) is never open.
const horizon = 40 * 24 * time.Hour

// Open says whether all numbers of class w may be dialled for campaign c at
// now: every zone inside the hours of every region and of the campaign, now and
// until RingAllowance later. Open: until is when it closes, opens is now.
// Closed: until is zero and opens the next opening; zero if none comes in the
// next 40 days. Both are in UTC. Cheap: answers are kept until they change.
func (r *Rules) Open(w campaigns.WindowClass, c campaigns.Campaign, now time.Time) (open bool, until, opens time.Time) {
	key := cacheKey{w, windowsKey(c.Windows)}
	s, ok := r.cache.get(key, now)
	if !ok {
		s = r.stretch(w, c.Windows, now)
		r.cache.put(key, s)
	}
	if s.open && now.Add(RingAllowance).Before(s.until) {
		return true, s.until.UTC(), now
	}
	return false, time.Time{}, s.opens.UTC()
}

// stretch is a time over which a class is open or closed without a break.
type stretch struct {
	open        bool
	from, until time.Time
	opens       time.Time // next opening at or after until; zero: none
}

// stretch works out the stretch that holds now, and the next opening.
func (r *Rules) stretch(w campaigns.WindowClass, windows []campaigns.Hours, now time.Time) stretch {
	s := stretch{from: now, until: now}
	week, err := campaignHours(windows)
	zones := r.locations(w.Zones())
	if err != nil || len(zones) == 0 {
		s.until = now.Add(horizon)
		return s
	}
	last := now.Add(horizon)
	s.open, s.until = r.edge(zones, w.Regions(), week, now, last)
	if !s.open {
		if s.until.Before(last) {
			s.opens = s.until
		}
		return s
	}
	if closedTo := s.until; closedTo.Before(last) {
		if _, s.opens = r.edge(zones, w.Regions(), week, closedTo, last); !s.opens.Before(last) {
			s.opens = time.Time{}
		}
	}
	return s
}

// edge gives the state at t and the first later time at which it changes, at
// most last.
func (r *Rules) edge(zones []*time.Location, regions []string, week *weekHours, t, last time.Time) (open bool, change time.Time) {
	open, change = r.state(zones, regions, week, t)
	for change.Before(last) {
		next, until := r.state(zones, regions, week, change)
		if next != open {
			return open, change
		}
		change = until
	}
	return open, last
}

// state says whether the class is open at t and until when that surely holds.
// It opens when the last closed pair of zone and region does, and closes with
// the first.
func (r *Rules) state(zones []*time.Location, regions []string, week *weekHours, t time.Time) (open bool, until time.Time) {
	entries, changes := r.resolve(regions, t)
	open = true
	var closes, opens time.Time
	note := func(inside bool, until time.Time) {
		if inside {
			closes = sooner(closes, until)
			return
		}
		open, opens = false, later(opens, until)
	}
	for _, zone := range zones {
		local := t.In(zone)
		for _, e := range entries {
			if e.Hours != nil {
				_, hours := e.day(local)
				note(hours.at(local))
			}
		}
		if week != nil {
			note(week[local.Weekday()].at(local))
		}
	}
	if open {
		return true, sooner(closes, changes)
	}
	return false, sooner(opens, changes)
}

// locations loads zones; nil where one is unknown, so that the class stays
// closed.
func (r *Rules) locations(names []string) []*time.Location {
	var zones []*time.Location
	for _, name := range names {
		cached, ok := r.zones.Load(name)
		if !ok {
			loc, err := time.LoadLocation(name)
			if err != nil || name == "" || name == "Local" {
				return nil
			}
			r.zones.Store(name, loc)
			cached = loc
		}
		zones = append(zones, cached.(*time.Location))
	}
	return zones
}

// windowsKey tells the windows of campaigns apart.
func windowsKey(windows []campaigns.Hours) string {
	if len(windows) == 0 {
		return ""
	}
	var b strings.Builder
	for _, w := range windows {
		for _, d := range w.Days {
			b.WriteByte('0' + byte(d))
		}
		b.WriteByte(' ')
		b.WriteString(w.From)
		b.WriteByte('-')
		b.WriteString(w.To)
		b.WriteByte(';')
	}
	return b.String()
}

// windowCache keeps the present stretch of each class. A leaf cache: an answer
// from it is the one that would be worked out again.
type windowCache struct {
	mu      sync.RWMutex
	entries map[cacheKey]stretch
}

type cacheKey struct {
	class   campaigns.WindowClass
	windows string
}

// maxCached bounds the cache; past it, the cache starts over.
const maxCached = 50_000

func (c *windowCache) get(key cacheKey, now time.Time) (stretch, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s, ok := c.entries[key]
	return s, ok && !now.Before(s.from) && now.Before(s.until)
}

func (c *windowCache) put(key cacheKey, s stretch) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.entries == nil || len(c.entries) >= maxCached {
		c.entries = map[cacheKey]stretch{}
	}
	c.entries[key] = s
}
