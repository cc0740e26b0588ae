package calibration

import (
	"slices"
	"strings"
	"sync"
	"time"
)

// keepDays is how far back a book reaches: the span of the law's abandonment rate.
const keepDays = 30

// Reach is the same as a time.
const Reach = keepDays * 24 * time.Hour

// Book keeps the counts of the last 30 days by campaign and trunk. It is safe for use by
// several goroutines.
type Book struct {
	assumed float64 // share of people lost before anything is known

	mu     sync.Mutex
	pages  map[key]*page
	losses map[string]Loss // by campaign, until its next call
}

type key struct{ campaign, trunk string }

type page struct {
	days  map[int64]*tally // by day since 1970, UTC
	drift Drift
}

// NewBook returns an empty book. assumed is the share of people lost to the detector where
// nothing was measured, in [0, 1].
func NewBook(assumed float64) *Book {
	return &Book{assumed: assumed, pages: map[key]*page{}, losses: map[string]Loss{}}
}

func dayOf(t time.Time) int64 { return t.Unix() / 86400 }

// Add takes a call. It says what an alarm is about where this is the call that raises it.
func (b *Book) Add(s Sample) (alarm string) {
	b.mu.Lock()
	defer b.mu.Unlock()
	k, day := key{s.Campaign, s.Trunk}, dayOf(s.At)
	p := b.pages[k]
	if p == nil {
		p = &page{days: map[int64]*tally{}}
		b.pages[k] = p
	}
	if p.days[day] == nil {
		p.days[day] = newTally()
		for d := range p.days {
			if d <= day-keepDays {
				delete(p.days, d)
			}
		}
	}
	p.days[day].add(s)
	delete(b.losses, s.Campaign)
	if p.drift.add(s) {
		return p.drift.what
	}
	return ""
}

// sum is what the days until now have.
func (p *page) sum(now time.Time) *tally {
	all := newTally()
	for d, t := range p.days {
		if d > dayOf(now)-keepDays {
			all.plus(t)
		}
	}
	return all
}

// Loss is the share of people of a campaign whom the detector loses. It answers at once.
func (b *Book) Loss(campaign string, now time.Time) Loss {
	b.mu.Lock()
	defer b.mu.Unlock()
	l, known := b.losses[campaign]
	if !known {
		l = b.whole(campaign, now).loss(b.assumed)
		b.losses[campaign] = l
	}
	return l
}

func (b *Book) whole(campaign string, now time.Time) *tally {
	all := newTally()
	for k, p := range b.pages {
		if k.campaign == campaign {
			all.plus(p.sum(now))
		}
	}
	return all
}

// Campaigns are those with calls, sorted.
func (b *Book) Campaigns() []string {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []string
	for k := range b.pages {
		if !slices.Contains(all, k.campaign) {
			all = append(all, k.campaign)
		}
	}
	slices.Sort(all)
	return all
}

// Report is what is known of a campaign.
func (b *Book) Report(campaign string, now time.Time) Report {
	b.mu.Lock()
	defer b.mu.Unlock()
	r := Report{Campaign: campaign, At: now, Days: keepDays, Page: pageOf(b.whole(campaign, now))}
	whole := b.whole(campaign, now)
	r.Loss, r.Prices = whole.loss(b.assumed), whole.suggest()
	for k, p := range b.pages {
		if k.campaign != campaign {
			continue
		}
		one := TrunkReport{Trunk: k.trunk, Page: pageOf(p.sum(now)), Learning: !p.drift.learnt(now)}
		one.Alarm, one.Drifted = p.drift.alarmed(now)
		r.Trunks = append(r.Trunks, one)
	}
	slices.SortFunc(r.Trunks, func(a, b TrunkReport) int { return strings.Compare(a.Trunk, b.Trunk) })
	return r
}

// learnt says that something is compared already.
func (d *Drift) learnt(now time.Time) bool {
	return d.share.n >= learnCalls && now.Sub(d.from) >= learnFor
}
