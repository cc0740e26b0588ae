package dialer_test

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
	"github.com/outpace-dialer/outpace/sip"
)

// wantCalls says how many calls were placed so far, at this very moment.
func (f *floor) wantCalls(n int, when string) {
	f.t.Helper()
	if got := len(f.trunks.legs()); got != n {
		f.t.Errorf("%s: %d calls, want %d", when, got, n)
	}
}

func (f *floor) until(t time.Time) { f.wait(time.Until(t)) }

// What lets calls be placed again has them placed at that moment, not with the
// next tick.
func TestWakeUps(t *testing.T) {
	inBubble(t, func(f *floor) { // a CPS token
		token := time.Now().Add(5130 * time.Millisecond)
		f.trunks.cps, f.trunks.token = true, token
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann")
		f.until(token.Add(-time.Millisecond))
		f.wantCalls(0, "without a token")
		f.trunks.mu.Lock()
		f.trunks.cps = false
		f.trunks.mu.Unlock()
		f.until(token)
		f.wantCalls(1, "when a token is there")
	})
	inBubble(t, func(f *floor) { // a window
		opens := time.Now().Add(7130 * time.Millisecond)
		f.rules.opens = opens
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann")
		f.until(opens.Add(-time.Millisecond))
		f.wantCalls(0, "before the window")
		f.until(opens)
		f.wantCalls(1, "when the window opens")
	})
	inBubble(t, func(f *floor) { // leads
		due := time.Now().Add(6780 * time.Millisecond)
		f.store.add("spring", 1)
		f.store.leads[0].DueAt = due
		f.run(progressive("spring"))
		f.ready("ann")
		f.until(due.Add(-time.Millisecond))
		f.wantCalls(0, "before a lead is due")
		f.until(due)
		f.wantCalls(1, "when a lead is due")
	})
	inBubble(t, func(f *floor) { // room on a trunk that another campaign had
		f.trunks.set(1)
		f.store.add("autumn", 1)
		f.store.add("spring", 1)
		autumn, spring := progressive("autumn"), progressive("spring")
		autumn.Operators, spring.Operators = []campaigns.UserID{"ann"}, []campaigns.UserID{"bob"}
		f.run(autumn)
		f.ready("ann")
		leg := f.call(0)
		f.run(spring)
		f.ready("bob")
		f.wait(1130 * time.Millisecond)
		f.wantCalls(1, "while the trunk is full")
		f.fails(leg, sip.ResultBusy, 486)
		f.wantCalls(2, "when the other campaign's call is over")
	})
	inBubble(t, func(f *floor) { // the store
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.ready("ann")
		f.store.set(func(s *store) { s.down = true })
		f.fails(f.call(0), sip.ResultBusy, 486)
		f.fails(f.call(1), sip.ResultBusy, 486) // on its way before the store said no
		f.wait(1700 * time.Millisecond)
		f.wantCalls(2, "while an outcome is not durable")
		f.store.set(func(s *store) { s.down = false })
		for f.storeDown() { // a retry comes every second
			f.wait(time.Millisecond)
		}
		f.wantCalls(3, "when it is")
	})
	inBubble(t, func(f *floor) { // an operator
		f.store.add("spring", 3)
		f.run(progressive("spring"))
		f.wait(130 * time.Millisecond)
		f.ready("ann")
		f.wantCalls(1, "when an operator is ready")
	})
}

func (f *floor) storeDown() bool {
	s, err := f.engine.Snapshot(f.ctx)
	f.do(err)
	return s.StoreDown
}

// What a manager changes is in force with the next decision, which comes at once.
func TestControlsActAtOnce(t *testing.T) {
	for name, tt := range map[string]struct {
		change func(p *campaigns.Pacing)
		is     func(s pacing.Settings) bool
	}{
		"mode":    {func(p *campaigns.Pacing) { p.Mode = campaigns.Progressive }, func(s pacing.Settings) bool { return s.Mode == pacing.Progressive }},
		"ratio":   {func(p *campaigns.Pacing) { p.Mode, p.Ratio = campaigns.Ratio, 2.5 }, func(s pacing.Settings) bool { return s.Mode == pacing.Ratio && s.Ratio == 2.5 }},
		"floor":   {func(p *campaigns.Pacing) { p.MinRatio = 1.5 }, func(s pacing.Settings) bool { return s.MinRatio == 1.5 }},
		"ceiling": {func(p *campaigns.Pacing) { p.MaxRatio = 3 }, func(s pacing.Settings) bool { return s.MaxRatio == 3 }},
		"limit":   {func(p *campaigns.Pacing) { p.AbandonmentLimit = 0.01 }, func(s pacing.Settings) bool { return s.Limit == 0.01 }},
		"law":     {func(p *campaigns.Pacing) { p.AbandonmentLimit = 0.05 }, func(s pacing.Settings) bool { return s.Limit == 0.03 }},
		"target":  {func(p *campaigns.Pacing) { p.TargetUtilisation = 0.7 }, func(s pacing.Settings) bool { return s.TargetUtilisation == 0.7 }},
		"cancel":  {func(p *campaigns.Pacing) { p.Cancel = true }, func(s pacing.Settings) bool { return s.Cancel }},
		"fatigue": {func(p *campaigns.Pacing) { p.MaxOccupancy, p.MinBreath = 0.8, 5 }, func(s pacing.Settings) bool {
			return s.Fatigue == pacing.Fatigue{MaxOccupancy: 0.8, MinBreath: 5 * time.Second}
		}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				f.store.add("spring", 20)
				c := progressive("spring")
				c.Pacing = campaigns.Pacing{Mode: campaigns.Predictive, AbandonmentLimit: 0.03}
				f.run(c)
				f.ready("ann")
				f.person(f.call(0)) // she talks: no operator is the reason to ask
				f.wait(230 * time.Millisecond)
				tt.change(&c.Pacing)
				changed := time.Now()
				f.do(f.engine.SetCampaign(f.ctx, c, campaigns.Tally{}))
				f.stop()
				var inForce bool
				var decided *pacing.Decision
				for _, l := range f.paced["spring"] {
					switch {
					case l.Kind == eventlog.Adjust:
						inForce = tt.is(l.Settings)
					case l.Kind == eventlog.Decide && l.At.Equal(changed.UTC()) && decided == nil && inForce:
						decided = l.Answer
					}
				}
				if decided == nil || string(decided.Mode) != string(c.Pacing.Mode) {
					t.Errorf("no decision under the new settings at the moment of the change: %+v", decided)
				}
			})
		})
	}
}

// The pace itself follows: more lines at once, and none over the ceiling.
func TestPaceFollowsTheControls(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 20)
		f.store.past = []campaigns.LiveCount{{At: time.Now().Add(-time.Hour), Live: 1000}} // the budget is not what binds
		c := progressive("spring")
		f.run(c)
		f.ready("ann")
		f.wait(130 * time.Millisecond)
		f.wantCalls(1, "progressive")
		c.Pacing = campaigns.Pacing{Mode: campaigns.Ratio, Ratio: 3, AbandonmentLimit: 0.03}
		f.do(f.engine.SetCampaign(f.ctx, c, campaigns.Tally{}))
		f.wantCalls(3, "ratio 3")
		c.Pacing.Ratio, c.Pacing.MaxRatio = 6, 5
		f.do(f.engine.SetCampaign(f.ctx, c, campaigns.Tally{}))
		f.wantCalls(5, "ratio 6 under a ceiling of 5")
		if v := f.spring(); v.Bound != pacing.BoundRatio {
			t.Errorf("bound by %s", v.Bound)
		}
		c.State = campaigns.Paused
		f.do(f.engine.SetCampaign(f.ctx, c, campaigns.Tally{}))
		for _, leg := range f.trunks.legs() {
			f.fails(leg, sip.ResultBusy, 486)
		}
		f.wantCalls(5, "paused")
		if v := f.spring(); v.Bound != dialer.BoundStopped {
			t.Errorf("bound by %s", v.Bound)
		}
	})
}
