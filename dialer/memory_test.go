package dialer_test

import (
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// The past of a campaign is recalled once, when its run starts: not when it is
// changed, nor when it runs again after a pause.
func TestThePastIsRecalledOnce(t *testing.T) {
	inBubble(t, func(f *floor) {
		at := time.Now().Add(-time.Hour).UTC()
		old := at.Add(-100 * time.Hour)
		f.store.set(func(s *store) {
			s.past = []campaigns.LiveCount{
				{At: old.Add(-time.Hour), Live: 50, Abandoned: 1}, {At: old, Live: 60}, {At: at.Add(-time.Hour), Live: 7}, {At: at, Live: 100, Abandoned: 2},
			}
		})
		c := progressive("spring")
		f.run(c)
		c.Pacing.Mode = campaigns.Predictive
		f.run(c)
		c.State = campaigns.Paused
		f.run(c)
		c.State = campaigns.Running
		f.run(c)
		f.stop()
		if want := []string{"spring-62135596800 2s"}; !slices.Equal(f.store.recalled, want) {
			t.Errorf("the store was asked %q, want %q", f.store.recalled, want)
		}
		var recalled []pacing.Past
		for _, l := range f.paced["spring"] {
			if l.Kind == eventlog.Recall {
				recalled = append(recalled, l.Past)
			}
		}
		want := []pacing.Past{{Counts: []pacing.Count{ // what is older than two days is one
			{At: old, Live: 110, Abandoned: 1}, {At: at.Add(-time.Hour), Live: 7}, {At: at, Live: 100, Abandoned: 2},
		}}}
		if diff := cmp.Diff(want, recalled); diff != "" {
			t.Errorf("recalled (-want +got):\n%s", diff)
		}
	})
}

// Without its past a campaign cannot keep the limit, and does not start.
func TestNoStartWithoutThePast(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		f.store.set(func(s *store) { s.pastErr = errStoreDown })
		if err := f.engine.SetCampaign(f.ctx, progressive("spring"), campaigns.Tally{}); !errors.Is(err, errStoreDown) {
			t.Errorf("error = %v, want %v", err, errStoreDown)
		}
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n > 0 {
			t.Errorf("%d calls", n)
		}
	})
}

// The windows of the regions that are met are added to those in force from the
// first call.
func TestWindowsOfTheRegionsMet(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		f.call(0)
		f.stop()
		lines := f.paced["spring"]
		if got := lines[0].Settings.RingTimeout; got != 31*time.Second {
			t.Errorf("ring timeout %v, want the trunk group's 31 s", got)
		}
		if want := []time.Duration{0, 24 * time.Hour}; !slices.Equal(lines[0].Settings.Windows, want) {
			t.Errorf("at the start %v, want %v", lines[0].Settings.Windows, want)
		}
		last := pacing.Settings{}
		for _, l := range lines {
			if l.Kind == eventlog.Adjust {
				last = l.Settings
			}
		}
		if want := []time.Duration{0, 24 * time.Hour, 720 * time.Hour}; !slices.Equal(last.Windows, want) {
			t.Errorf("after the first call %v, want %v", last.Windows, want)
		}
	})
}

// Pacing learns when the last open window closes, once for each change.
func TestTheEndOfTheWindowIsTold(t *testing.T) {
	inBubble(t, func(f *floor) {
		evening := time.Now().Add(time.Hour).UTC()
		later := evening.Add(3 * time.Hour)
		f.store.add("spring", 30)
		f.rules.set(func(r *rules) { r.until = evening })
		f.run(progressive("spring"))
		f.wait(5 * time.Second)
		f.rules.set(func(r *rules) { r.until = later })
		f.wait(5 * time.Second)
		f.rules.set(func(r *rules) { r.closed = true })
		f.wait(5 * time.Second)
		f.stop()
		var told []time.Time
		for _, l := range f.paced["spring"] {
			if l.Kind == eventlog.Adjust {
				told = append(told, l.Settings.WindowEnd)
			}
		}
		if want := []time.Time{{}, evening, later, {}}; !slices.EqualFunc(told, want, time.Time.Equal) {
			t.Errorf("told %v, want %v", told, want)
		}
	})
}

// What was learnt is kept every few minutes and when the process stops, and the
// next process starts with it.
func TestWarmStart(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.learnt = []byte("first")
		f.run(progressive("spring"))
		f.wait(4 * time.Minute)
		if n := f.store.kept(); n != 0 {
			t.Errorf("kept %d times in 4 minutes", n)
		}
		f.wait(7 * time.Minute)
		if n := f.store.kept(); n != 2 {
			t.Errorf("kept %d times in 11 minutes, want 2", n)
		}
		f.stop()
		if n := f.store.kept(); n != 3 {
			t.Errorf("kept %d times after the stop, want 3", n)
		}
		f.wantRecalled("spring", "")
		clear(f.paced)
		f.learnt = nil // a controller that learns nothing spoils nothing
		f.start()
		f.run(progressive("spring"))
		f.stop()
		f.wantRecalled("spring", "first")
		clear(f.paced)
		f.store.set(func(s *store) { s.learntErr = errStoreDown })
		f.start()
		f.run(progressive("spring")) // cold, but it runs
	})
}

// wantRecalled is what the controller of a campaign was told it had learnt.
func (f *floor) wantRecalled(c campaigns.CampaignID, want string) {
	f.t.Helper()
	for _, l := range f.paced[c] {
		if l.Kind == eventlog.Recall {
			if got := string(l.Past.Learnt); got != want {
				f.t.Errorf("recalled %q, want %q", got, want)
			}
			return
		}
	}
	f.t.Error("nothing was recalled")
}
