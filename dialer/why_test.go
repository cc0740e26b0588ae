package dialer_test

import (
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/sip"
)

// spring is the campaign as the live page shows it.
func (f *floor) spring() dialer.CampaignView {
	f.t.Helper()
	s, err := f.engine.Snapshot(f.ctx)
	f.do(err)
	return s.Campaigns[0]
}

// Each of the words for what binds is reached by what it means, and shown with
// the reason: to managers, to metrics, and to the operator who waits.
func TestWhatBinds(t *testing.T) {
	predictive := progressive("spring")
	predictive.Pacing = campaigns.Pacing{Mode: campaigns.Predictive, AbandonmentLimit: 0.03, MaxRatio: 1}
	start := func(f *floor, c campaigns.Campaign, leads int) {
		f.store.add("spring", leads)
		f.run(c)
		f.ready("ann")
	}
	for _, tt := range []struct {
		bound   pacing.Bound
		why     string // part of it
		prepare func(f *floor)
	}{
		{pacing.BoundFree, "1 free operators, 1 calls in flight", func(f *floor) { start(f, progressive("spring"), 5) }},
		{pacing.BoundAbandonment, "may still be abandoned", func(f *floor) {
			f.store.past = []campaigns.LiveCount{{At: time.Now().Add(-time.Hour), Live: 100, Abandoned: 20}}
			wide := predictive
			wide.Pacing.MaxRatio = 5
			start(f, wide, 5)
		}},
		{pacing.BoundRatio, "1 of 1 operators free", func(f *floor) { start(f, predictive, 5) }},
		{pacing.BoundChannels, "room for 0 more calls (channels)", func(f *floor) {
			f.trunks.set(0)
			start(f, progressive("spring"), 5)
		}},
		{pacing.BoundChannels, "nodes share the carrier: its share is 0 of 9 channels; room for 0 more calls (channels)", func(f *floor) {
			f.trunks.share = "its share is 0 of 9 channels"
			f.trunks.set(0)
			start(f, progressive("spring"), 5)
		}},
		{pacing.BoundChannels, "trunk a is not registered: 403 Forbidden; room for 0 more calls (channels)", func(f *floor) {
			f.trunks.why = "trunk a is not registered: 403 Forbidden"
			f.trunks.set(0)
			start(f, progressive("spring"), 5)
		}},
		{pacing.BoundCPS, "room for 0 more calls (cps)", func(f *floor) {
			f.trunks.cps = true
			start(f, progressive("spring"), 5)
		}},
		{pacing.BoundLeads, "no lead is left", func(f *floor) { start(f, progressive("spring"), 0) }},
		{pacing.BoundWindow, "outside their calling hours, the next at 2000-01-01 01:00:", func(f *floor) {
			f.rules.closed = true
			start(f, progressive("spring"), 5)
		}},
		{pacing.BoundOperators, "no operator is at work", func(f *floor) {
			start(f, progressive("spring"), 5)
			f.fails(f.call(0), sip.ResultBusy, 486)
			f.do(f.engine.Pause(f.ctx, "ann", "tea"))
		}},
		{pacing.BoundFatigue, "1 operators rest", func(f *floor) {
			start(f, tiring("spring", 60), 5)
			f.tired("ann", f.call(0))
		}},
		{dialer.BoundStopped, "the campaign is paused", func(f *floor) {
			start(f, progressive("spring"), 5)
			c := progressive("spring")
			c.State = campaigns.Paused
			f.run(c)
		}},
		{dialer.BoundStore, "the store did not take an outcome", func(f *floor) {
			start(f, progressive("spring"), 5)
			f.store.set(func(s *store) { s.down = true })
			f.fails(f.call(0), sip.ResultBusy, 486)
		}},
		{dialer.BoundNode, "the lease of this node", func(f *floor) {
			start(f, progressive("spring"), 5)
			f.fails(f.call(0), sip.ResultBusy, 486)
			f.term.Store(-1)
		}},
	} {
		t.Run(string(tt.bound), func(t *testing.T) {
			inBubble(t, func(f *floor) {
				tt.prepare(f)
				f.wait(600 * time.Millisecond) // a tick
				c := f.spring()
				if c.Bound != tt.bound || !strings.Contains(c.Why, tt.why) {
					t.Errorf("bound %s: %s; want %s: %s", c.Bound, c.Why, tt.bound, tt.why)
				}
				if got := f.observer.bound(); got != tt.bound {
					t.Errorf("metrics are told %s", got)
				}
				ann := f.view("ann")
				switch {
				case tt.bound == pacing.BoundOperators:
					if ann.Idle != "" {
						t.Errorf("on pause, and idle because: %s", ann.Idle)
					}
				case tt.bound == pacing.BoundFatigue:
					if ann.Idle != "resting" || ann.RestUntil.IsZero() || c.Resting != 1 {
						t.Errorf("idle because: %s until %v, %d rest", ann.Idle, ann.RestUntil, c.Resting)
					}
				case ann.Idle != string(tt.bound)+": "+c.Why:
					t.Errorf("idle because: %s", ann.Idle)
				}
				f.store.set(func(s *store) { s.down = false })
				f.wait(2 * time.Second)
			})
		})
	}
	if len(dialer.Bounds) != 12 {
		t.Errorf("%d bounds, 12 are tried", len(dialer.Bounds))
	}
}

// bound is what the last decision was told to be bound by.
func (o *observer) bound() (b pacing.Bound) {
	for _, p := range told[dialer.Paced](o) {
		b = p.Bound
	}
	return b
}

// The names that programs read.
func TestNamesOfTheLiveView(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		f.run(tiring("spring", 60))
		f.ready("ann")
		f.tired("ann", f.call(0))
		s, err := f.engine.Snapshot(f.ctx)
		f.do(err)
		text, err := json.Marshal(s)
		f.do(err)
		var got struct {
			Campaigns []map[string]any `json:"campaigns"`
			Operators []map[string]any `json:"operators"`
		}
		f.do(json.Unmarshal(text, &got))
		decision, _ := got.Campaigns[0]["decision"].(map[string]any)
		for _, key := range []string{"bound", "why", "resting", "connected_late", "limit"} {
			if _, ok := got.Campaigns[0][key]; !ok {
				t.Errorf("no %s of a campaign in %s", key, text)
			}
		}
		for _, key := range []string{"ratio", "wanted", "abandon_chance", "threshold", "credit", "live"} {
			if _, ok := decision[key]; !ok {
				t.Errorf("no %s of a decision in %s", key, text)
			}
		}
		for _, key := range []string{"idle", "rest_until"} {
			if _, ok := got.Operators[0][key]; !ok {
				t.Errorf("no %s of an operator in %s", key, text)
			}
		}
	})
}

func TestIdleWithoutACampaign(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.ready("ann")
		if got := f.view("ann").Idle; got != "no campaign that runs takes this operator" {
			t.Errorf("idle because: %s", got)
		}
		f.store.add("spring", 3)
		c := progressive("spring")
		c.Pacing.Mode = campaigns.Preview
		f.run(c)
		if got := f.view("ann").Idle; got != "a lead is shown: it is for the operator to dial" {
			t.Errorf("idle in preview because: %s", got)
		}
	})
}
