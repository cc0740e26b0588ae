package eligibility

import (
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
	var buffer [128]byte // the engine asks for many leads in one decision: no garbage
	windows := appendWindows(buffer[:0], c.Windows)
	s, ok := r.cache.get(w, windows, now)
	if !ok {
		s = r.stretch(w, c.Windows, now)
		r.cache.put(cacheKey{w, string(windows)}, s)
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

// appendWindows appends what tells the windows of campaigns apart.
func appendWindows(b []byte, windows []campaigns.Hours) []byte {
	for _, w := range windows {
		for _, d := range w.Days {
			b = append(b, '0'+byte(d))
		}
		b = append(b, ' ')
		b = append(b, w.From...)
		b = append(b, '-')
		b = append(b, w.To...)
		b = append(b, ';')
	}
	return b
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

func (c *windowCache) get(class campaigns.WindowClass, windows []byte, now time.Time) (stretch, bool) {
	c.mu.RLock()
	defer c.mu.RUnlock()
	s, ok := c.entries[cacheKey{class, string(windows)}]
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

// LocalHour is the hour of the day at numbers of class w, 1 (from midnight) to
// 24. Where they may be in several zones that are at most an hour apart, the
// earlier; 0 where they are further apart, or nothing is known of them.
func (r *Rules) LocalHour(w campaigns.WindowClass, now time.Time) int {
	zones := r.zonesOf(w)
	if len(zones) == 0 {
		return 0
	}
	first, last := offset(zones[0], now), offset(zones[0], now)
	for _, zone := range zones[1:] {
		first, last = min(first, offset(zone, now)), max(last, offset(zone, now))
	}
	if last-first > time.Hour {
		return 0
	}
	return now.UTC().Add(first).Hour() + 1
}

// zonesOf are the zones of a class, kept: the loop asks for several leads in one
// decision.
func (r *Rules) zonesOf(w campaigns.WindowClass) []*time.Location {
	r.classes.mu.RLock()
	zones, ok := r.classes.zones[w]
	r.classes.mu.RUnlock()
	if ok {
		return zones
	}
	zones = r.locations(w.Zones())
	r.classes.mu.Lock()
	defer r.classes.mu.Unlock()
	if r.classes.zones == nil || len(r.classes.zones) >= maxCached {
		r.classes.zones = map[campaigns.WindowClass][]*time.Location{}
	}
	r.classes.zones[w] = zones
	return zones
}

// offset is how far a zone is ahead of UTC.
func offset(zone *time.Location, now time.Time) time.Duration {
	_, seconds := now.In(zone).Zone()
	return time.Duration(seconds) * time.Second
}
