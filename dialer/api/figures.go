package api

import (
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// Figures are an operator's own of a day: since midnight by the clock of the machine,
// or since the product started where that was later.
type Figures struct {
	Since        time.Time      `json:"since"`
	Talks        int            `json:"talks"`
	TalkSeconds  float64        `json:"talk_seconds"`
	WrapSeconds  float64        `json:"wrap_seconds"`
	ReadySeconds float64        `json:"ready_seconds" doc:"waiting for calls, breath and rest included"`
	PauseSeconds float64        `json:"pause_seconds"`
	Dispositions map[string]int `json:"dispositions"`
	// UsualWait is the middle one of the last waits of the operators of the campaign;
	// 0 before the first.
	UsualWait float64 `json:"usual_wait_seconds" doc:"of the campaign's operators for a call, the middle one of the last; 0 before the first"`
}

// dayBook keeps the figures of every operator. It is told what the hub is told.
type dayBook struct {
	mu     sync.Mutex
	people map[campaigns.UserID]*day
	waits  map[campaigns.CampaignID][]time.Duration // the last, oldest first
}

// day is one operator's.
type day struct {
	began       time.Time
	state       operator.State
	since       time.Time
	campaign    campaigns.CampaignID
	spent       map[operator.State]time.Duration
	talks       int
	disposition map[string]int
}

// lastWaits is how many waits of a campaign the usual one is taken from.
const lastWaits = 50

func (b *dayBook) notice(n dialer.Notice) {
	switch n := n.(type) {
	case dialer.OperatorChanged:
		b.mu.Lock()
		defer b.mu.Unlock()
		b.changed(n.Operator)
	case dialer.Disposed:
		b.mu.Lock()
		defer b.mu.Unlock()
		d := b.day(n.Disposal.By, n.Disposal.At)
		d.disposition[n.Disposal.Disposition]++
	}
}

// changed books the state that ended.
func (b *dayBook) changed(v dialer.OperatorView) {
	d := b.day(v.User, v.Since)
	d.campaign = v.Campaign
	if v.State == d.state && v.Since.Equal(d.since) {
		return
	}
	d.spend(v.Since)
	if d.state == operator.Ready && (v.State == operator.Reserved || v.State == operator.Talking) {
		b.waited(v.Campaign, v.Since.Sub(d.since))
	}
	if v.State == operator.Talking {
		d.talks++
	}
	d.state, d.since = v.State, v.Since
}

func (b *dayBook) waited(c campaigns.CampaignID, wait time.Duration) {
	if b.waits == nil {
		b.waits = map[campaigns.CampaignID][]time.Duration{}
	}
	all := append(b.waits[c], wait)
	b.waits[c] = all[max(0, len(all)-lastWaits):]
}

// day is the present day of an operator: a new one after midnight, with the state
// that goes on.
func (b *dayBook) day(user campaigns.UserID, now time.Time) *day {
	midnight := time.Date(now.Year(), now.Month(), now.Day(), 0, 0, 0, 0, now.Location())
	d := b.people[user]
	if d != nil && !d.began.Before(midnight) {
		return d
	}
	fresh := &day{began: now, state: operator.Offline, since: now, spent: map[operator.State]time.Duration{}, disposition: map[string]int{}}
	if d != nil {
		fresh.began, fresh.state, fresh.since, fresh.campaign = midnight, d.state, d.since, d.campaign
	}
	if b.people == nil {
		b.people = map[campaigns.UserID]*day{}
	}
	b.people[user] = fresh
	return fresh
}

// spend books the time of the present state until now that is of this day.
func (d *day) spend(now time.Time) {
	if since := later(d.since, d.began); now.After(since) {
		d.spent[d.state] += now.Sub(since)
	}
}

func (b *dayBook) figures(user campaigns.UserID, now time.Time) Figures {
	b.mu.Lock()
	defer b.mu.Unlock()
	d := *b.day(user, now)
	seconds := func(s operator.State) float64 {
		spent := d.spent[s]
		if since := later(d.since, d.began); s == d.state && now.After(since) {
			spent += now.Sub(since)
		}
		return spent.Seconds()
	}
	f := Figures{
		Since: d.began, Talks: d.talks, Dispositions: map[string]int{},
		TalkSeconds: seconds(operator.Talking), WrapSeconds: seconds(operator.Wrapping),
		ReadySeconds: seconds(operator.Ready), PauseSeconds: seconds(operator.Paused),
	}
	maps.Copy(f.Dispositions, d.disposition)
	if waits := slices.Sorted(slices.Values(b.waits[d.campaign])); len(waits) > 0 {
		f.UsualWait = waits[len(waits)/2].Seconds()
	}
	return f
}

func later(a, b time.Time) time.Time {
	if a.After(b) {
		return a
	}
	return b
}
