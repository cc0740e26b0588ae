package dialer_test

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// A call that came in, and in which a process died, brings no call of ours forward,
// breaks no promise, and gives nobody up, however often it happens; who was cut off
// rests. A call of ours keeps the operator of a promised callback.
func TestPlaceAfterInterruption(t *testing.T) {
	const number = "+12025557001"
	far, soon := 48*time.Hour, time.Minute
	for _, row := range []struct {
		name    string
		inbound bool
		due     time.Duration // the place of the lead, from now; 0: they have none
		back    bool          // a call was promised
		times   int           // that a process died in a call with them before
		after   time.Duration // where they wait then; 0: nowhere
	}{
		{"caller who rests", true, far, false, 0, far},
		{"caller who was promised a call", true, far, true, 0, far},
		{"caller who is due", true, soon, false, 0, 4 * time.Hour},
		{"caller who is due, a third time", true, soon, false, 2, 4 * time.Hour},
		{"caller whom nobody dials", true, 0, false, 0, 0},
		{"called, as promised", false, soon, true, 0, 4 * time.Hour},
		{"called, a second time", false, soon, false, 1, 0},
	} {
		t.Run(row.name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				now, place := time.Now(), campaigns.Next{Done: true}
				if row.due > 0 {
					place = campaigns.Next{At: now.Add(row.due), Number: "+12025557002"}
				}
				if row.back {
					place.Callback = &campaigns.Callback{At: place.At, User: "ann"}
				}
				f.callers.add(number, func(who *dialer.Caller) { who.Place = place })
				f.store.set(func(s *store) {
					s.left = []campaigns.Attempt{{
						ID: "a1", Campaign: "spring", Lead: 1000, Number: number, Node: "n1", Dialog: []byte("{}"), Inbound: row.inbound,
						ByOutcome: map[campaigns.Outcome]int{campaigns.Interrupted: row.times},
					}}
					s.open["a1"] = campaigns.Intent{Attempt: "a1"}
				})
				_, err := f.engine.Settle(f.ctx, func(campaigns.CampaignID) (campaigns.Campaign, error) { return open(progressive("spring")), nil })
				f.do(err)
				e := f.store.ending(0)
				if e.Outcome != campaigns.Interrupted || e.Count == row.inbound || e.Next.Done != (row.after == 0) {
					t.Fatalf("ending %+v", e)
				}
				if row.after > 0 && e.Next.At.Sub(now) != row.after {
					t.Errorf("waits for %v, want %v", e.Next.At.Sub(now), row.after)
				}
				if row.back != (e.Next.Callback != nil) || row.back && e.Next.Callback.User != "ann" {
					t.Errorf("promise: %+v", e.Next.Callback)
				}
				if row.inbound && e.Next.Number != place.Number {
					t.Errorf("waits with the number %s, want %s", e.Next.Number, place.Number)
				}
			})
		})
	}
}

// Whom we abandoned and who then calls us and gives up rests as long as after that: the
// call of theirs brings ours no closer.
func TestAbandonedCallerRests(t *testing.T) {
	for outcome, want := range map[campaigns.Outcome]time.Duration{campaigns.Abandoned: 72 * time.Hour, campaigns.NoAnswer: 15 * time.Minute} {
		inBubble(t, func(f *floor) {
			now := time.Now()
			f.callers.add("+12025557001", func(who *dialer.Caller) {
				who.CalledFor, who.Place = outcome, campaigns.Next{At: now.Add(72 * time.Hour)}
			})
			f.run(open(progressive("spring")))
			f.callsIn(1, "+12025557001")
			f.hangsUp("caller-1")
			f.wantOutcomes(map[campaigns.Outcome]int{campaigns.CallerGaveUp: 1})
			if e := f.store.ending(0); e.Next.At.Sub(now).Round(time.Minute) != want {
				t.Errorf("%s: called in %v, want %v", outcome, e.Next.At.Sub(now), want)
			}
		})
	}
}

// A caller whose attempt may be durable or not is turned away, and waits where they did.
func TestCallerNotTakenKeepsPlace(t *testing.T) {
	inBubble(t, func(f *floor) {
		place := campaigns.Next{At: time.Now().Add(72 * time.Hour), Callback: &campaigns.Callback{User: "ann"}}
		f.callers.add("+12025557001", func(who *dialer.Caller) { who.Place = place })
		f.run(open(progressive("spring")))
		f.store.set(func(s *store) { // it is durable, and nobody heard so
			s.beginErr, s.open["caller-1"] = errStoreDown, campaigns.Intent{Attempt: "caller-1"}
		})
		f.callsIn(1, "+12025557001")
		f.wait(time.Second)
		f.store.mu.Lock()
		defer f.store.mu.Unlock()
		if len(f.store.endings) != 1 || f.store.endings[0].Outcome != campaigns.CallerTurnedAway || f.store.endings[0].Next != place {
			t.Errorf("endings %+v", f.store.endings)
		}
	})
}
