// Package eligibility decides whether a lead may be called now, and if not, why
// and when next: legal hours in every zone the person may be in, day kinds and
// holidays, quiet time after an outcome, attempt caps, retry rules.
//
// It is pure: no clock, no store, no log. Time is an argument, rule packs are
// data (config/rules), and the only state is a cache of answers that does not
// change them. It does not hold do-not-call or the caps' counters (stores do,
// in Begin); Check repeats those gates for people who ask "why not?".
//
//	rule packs ─► Load ─► Rules ─┬─ Open    is this window class callable?   (hopper)
//	                             ├─ Decide  may this claim be dialled now?   (engine, twice)
//	                             ├─ Check   every gate with its verdict      (leads explain)
//	                             └─ Caps, Abandonment, Recording             (engine, pacing)
//	outcome ─► Retry ─► campaigns.Next      disposition ─► Resolve ─► campaigns.Disposal
//
// A lead is callable while every plausible zone is inside the hours of every
// rule region and of the campaign, now and until the phone has rung.
package eligibility

import (
	"cmp"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// RingAllowance is how long a call may ring after the INVITE: the window must
// still be open then.
const RingAllowance = 30 * time.Second

// strictID is the region that stands in for every region without a pack.
const strictID = "STRICT"

// Rules are the loaded rule packs. Safe for concurrent use.
type Rules struct {
	version string
	regions map[string][]*Region // by id; several where their validity differs
	cache   windowCache
	zones   sync.Map // name -> *time.Location
	classes struct {
		mu    sync.RWMutex
		zones map[campaigns.WindowClass][]*time.Location
	}

	standIns sync.Map // id of a region without a pack -> *Region, by STRICT
}

// Version names the packs and their state; kept with each attempt.
func (r *Rules) Version() string { return r.version }

// Regions are all entries, ordered by id and start of validity.
func (r *Rules) Regions() []Region {
	var all []Region
	for _, entries := range r.regions {
		for _, e := range entries {
			all = append(all, *e)
		}
	}
	slices.SortFunc(all, func(a, b Region) int {
		return cmp.Or(cmp.Compare(a.ID, b.ID), a.ValidFrom.Compare(b.ValidFrom))
	})
	return all
}

// entry is the rule of a region at a time: its own, or STRICT with the holidays
// of the region's country. The second value is when that may change; zero:
// never.
func (r *Rules) entry(id string, now time.Time) (*Region, time.Time) {
	var changes time.Time
	for _, e := range r.regions[id] {
		if now.Before(e.ValidFrom) {
			changes = sooner(changes, e.ValidFrom)
			continue
		}
		if e.ValidTo.IsZero() || now.Before(e.ValidTo) {
			return e, sooner(changes, e.ValidTo)
		}
	}
	return r.strict(id), changes
}

// strict is the STRICT entry for a region without a pack.
func (r *Rules) strict(id string) *Region {
	if id == strictID {
		return r.regions[strictID][0]
	}
	if e, ok := r.standIns.Load(id); ok {
		return e.(*Region)
	}
	own := *r.regions[strictID][0]
	own.ID, own.Name = id, id+", by the rules of "+strictID
	own.calendar = countryCalendar(id)
	e, _ := r.standIns.LoadOrStore(id, &own)
	return e.(*Region)
}

// resolve gives the entries of a class's regions. Regions without hours only
// add duties; where no region has hours, STRICT applies too.
func (r *Rules) resolve(regions []string, now time.Time) (entries []*Region, changes time.Time) {
	hours := false
	for _, id := range regions {
		e, until := r.entry(id, now)
		entries = append(entries, e)
		changes = sooner(changes, until)
		hours = hours || e.Hours != nil
	}
	if !hours {
		entries = append(entries, r.strict(strictID))
	}
	return entries, changes
}

// Caps are the attempt caps of one person: those of the rule regions and the
// campaign's own, without repeats.
func (r *Rules) Caps(w campaigns.WindowClass, c campaigns.Campaign, now time.Time) []campaigns.Cap {
	caps := slices.Clone(c.Caps)
	for i := range caps {
		caps[i].Source = cmp.Or(caps[i].Source, "campaign "+string(c.ID))
	}
	entries, _ := r.resolve(w.Regions(), now)
	for _, e := range entries {
		for _, cap := range e.Caps {
			caps = append(caps, campaigns.Cap{N: cap.N, Period: cap.Period, Source: e.ID})
		}
	}
	slices.SortStableFunc(caps, func(a, b campaigns.Cap) int {
		return cmp.Or(cmp.Compare(a.Period, b.Period), cmp.Compare(a.N, b.N))
	})
	return slices.CompactFunc(caps, func(a, b campaigns.Cap) bool { return a.Period == b.Period })
}

// The product's own ceiling of abandonment, for regions without a rule and
// above any laxer one. Source: 47 CFR 64.1200(a)(6)-(7).
const (
	maxAbandonment = 0.03
	maxConnect     = 2 * time.Second
	minRing        = 15 * time.Second
)

// Abandonment is the strictest rule of the regions: the share of live answers
// in (0, 0.03], the time to connect after the end of the greeting, and how long
// a phone rings before we may hang up, counted from the first ringing. Without
// regions it is the product's own ceiling: nobody has been called yet.
func (r *Rules) Abandonment(regions []string, now time.Time) (limit float64, connectWithin, ringMin time.Duration) {
	limit, connectWithin, ringMin = maxAbandonment, maxConnect, minRing
	if len(regions) == 0 {
		return limit, connectWithin, ringMin
	}
	entries, _ := r.resolve(regions, now)
	for _, e := range entries {
		a := e.Abandonment
		if a == nil {
			continue
		}
		limit = min(limit, a.Limit)
		connectWithin = min(connectWithin, a.ConnectWithin)
		ringMin = max(ringMin, a.RingMin)
	}
	return limit, connectWithin, ringMin
}

// The spans over which the product itself holds its limit, whatever the regions
// say: the whole campaign (0), a day, and each successive 30 days (16 CFR
// 310.4(b)(4)(i)).
var ownWindows = []time.Duration{0, 24 * time.Hour, 30 * 24 * time.Hour}

// AbandonmentWindows are the spans over which the limit holds, all at once, in
// ascending order: those of every region and the product's own. 0 is the whole
// campaign.
func (r *Rules) AbandonmentWindows(regions []string, now time.Time) []time.Duration {
	windows := slices.Clone(ownWindows)
	if len(regions) > 0 {
		entries, _ := r.resolve(regions, now)
		for _, e := range entries {
			if e.Abandonment != nil {
				windows = append(windows, e.Abandonment.spans...)
			}
		}
	}
	slices.Sort(windows)
	return slices.Compact(windows)
}

// strictness orders the recording policies.
var strictness = map[campaigns.RecordingPolicy]int{
	campaigns.RecordAlways: 1, campaigns.RecordAnnounce: 2, campaigns.RecordNever: 3,
}

// Recording is the strictest policy of the regions and the campaign. A region
// without one, and a campaign that names none, mean announce.
func (r *Rules) Recording(regions []string, p campaigns.RecordingPolicy, now time.Time) campaigns.RecordingPolicy {
	strictest := p
	if strictness[p] == 0 {
		strictest = campaigns.RecordAnnounce
	}
	told := false
	entries, _ := r.resolve(regions, now)
	for _, e := range entries {
		if e.Recording == "" {
			continue
		}
		told = true
		if strictness[e.Recording] > strictness[strictest] {
			strictest = e.Recording
		}
	}
	if !told && strictest == campaigns.RecordAlways {
		return campaigns.RecordAnnounce
	}
	return strictest
}

// sooner is the earlier of two times, where zero means never.
func sooner(a, b time.Time) time.Time {
	if a.IsZero() || !b.IsZero() && b.Before(a) {
		return b
	}
	return a
}

// later is the later of two times.
func later(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
