package dialer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// tiring is a progressive campaign with a breath of n seconds.
func tiring(id campaigns.CampaignID, n float64) campaigns.Campaign {
	c := progressive(id)
	c.Pacing.MinBreath = n
	return c
}

// tired brings an operator through a call of a minute, which ends now.
func (f *floor) tired(user campaigns.UserID, leg sip.LegID) {
	f.t.Helper()
	f.person(leg)
	f.wantState(user, operator.Talking)
	f.wait(time.Minute)
	f.hangsUp(leg)
	f.do(f.engine.Dispose(f.ctx, user, said("sale")))
	f.wantState(user, operator.Ready)
}

func TestBreathBetweenCalls(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		f.run(tiring("spring", 20.1))
		f.ready("ann")
		f.tired("ann", f.call(0)) // the first call needs no breath
		ended := time.Now()
		if v := f.view("ann"); !v.RestUntil.Equal(ended.Add(20100 * time.Millisecond)) {
			t.Errorf("rests until %v, want 20.1 s from %v", v.RestUntil, ended)
		}
		f.wait(20099 * time.Millisecond)
		if n := len(f.trunks.legs()); n != 1 {
			t.Errorf("%d calls before the breath was over", n-1)
		}
		f.wait(time.Millisecond) // not at the next tick
		if n := len(f.trunks.legs()); n != 2 {
			t.Errorf("%d calls when the breath was over, want 1", n-1)
		}
		if v := f.view("ann"); !v.RestUntil.IsZero() {
			t.Errorf("still rests until %v", v.RestUntil)
		}
		told := false
		f.stop()
		for _, o := range f.toldOf("ann") {
			told = told || o.RestUntil.Sub(ended) == 20100*time.Millisecond
		}
		if !told {
			t.Error("pacing was not told of the rest")
		}
	})
}

// A pause is a breath as well.
func TestBreathInAPause(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		f.run(tiring("spring", 20))
		f.ready("ann")
		f.tired("ann", f.call(0))
		f.do(f.engine.Pause(f.ctx, "ann", "tea"))
		f.wait(15 * time.Second)
		f.do(f.engine.Ready(f.ctx, "ann"))
		f.wait(4900 * time.Millisecond)
		if n := len(f.trunks.legs()); n != 1 {
			t.Errorf("%d calls within 20 s", n-1)
		}
		f.wait(100 * time.Millisecond)
		f.call(1)
		f.do(f.engine.Pause(f.ctx, "ann", "tea"))
		f.wait(30 * time.Second)
		f.do(f.engine.Ready(f.ctx, "ann"))
		if v := f.view("ann"); !v.RestUntil.IsZero() {
			t.Errorf("rests until %v after a long pause", v.RestUntil)
		}
	})
}

// stillWaits has one person wait while ann rests for left more, and nobody else
// is there.
func stillWaits(f *floor, left time.Duration) sip.LegID {
	f.store.add("spring", 9)
	f.run(tiring("spring", 30))
	f.ready("ann")
	f.tired("ann", f.call(0))
	f.ready("bob")
	leg := f.call(1)
	f.do(f.engine.Pause(f.ctx, "bob", "tea"))
	f.wait(time.Until(f.view("ann").RestUntil) - left - 3*time.Second)
	f.answer(leg) // takes 3 s
	f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, GreetingEnd: time.Now(), At: time.Now()})
	return leg
}

func TestRestIsBrokenOnlyForWhoWouldBeAbandoned(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := stillWaits(f, 10*time.Second)
		f.wait(1740 * time.Millisecond)
		f.wantState("ann", operator.Ready)
		f.wait(20 * time.Millisecond)
		f.wantState("ann", operator.Talking)
		f.hangsUp(leg)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 2}) // in time
		if v := f.view("ann"); time.Until(v.RestUntil) < 29*time.Second {
			t.Errorf("rests until %v after the call that broke the rest", v.RestUntil)
		}
		broken := 0
		for _, b := range told[dialer.RestBroken](f.observer) {
			if b.Left > 8*time.Second && b.Left < 9*time.Second {
				broken++
			}
		}
		if broken != 1 {
			t.Errorf("%d rests are said to be broken", broken)
		}
	})
}

func TestRestThatEndsInTime(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := stillWaits(f, time.Second)
		f.wait(999 * time.Millisecond)
		f.wantState("ann", operator.Ready)
		f.wait(time.Millisecond)
		f.wantState("ann", operator.Talking)
		f.hangsUp(leg)
	})
}

// Whoever does not rest is asked first, however short the others' rest is.
func TestWhoIsFreeSparesWhoRests(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := stillWaits(f, 10*time.Second)
		f.wait(1900*time.Millisecond - lastMomentOfWait)
		f.do(f.engine.Ready(f.ctx, "bob"))
		f.wantState("ann", operator.Ready)
		f.wantState("bob", operator.Talking)
		f.hangsUp(leg)
	})
}

// lastMomentOfWait is before the law's time; then a rest is broken.
const lastMomentOfWait = 250 * time.Millisecond

// Of those who rest, the one whose rest ends soonest is asked.
func TestTheLeastTiredIsAsked(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		f.run(tiring("spring", 30))
		f.ready("ann", "bob")
		first, second := f.call(0), f.call(1)
		f.person(first)
		f.person(second)
		f.wait(time.Minute)
		f.hangsUp(second) // of bob, who was ready later
		f.do(f.engine.Dispose(f.ctx, "bob", said("sale")))
		f.wait(5 * time.Second)
		f.hangsUp(first)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.ready("cas")
		leg := f.call(2)
		f.answer(leg)
		f.do(f.engine.Pause(f.ctx, "cas", "tea"))
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, GreetingEnd: time.Now(), At: time.Now()})
		f.wait(1800 * time.Millisecond)
		f.wantState("bob", operator.Talking)
		f.wantState("ann", operator.Ready)
		f.hangsUp(leg)
	})
}

// A customer whose operator's leg broke is given to who rests, before they lose
// patience.
func TestBrokenLegGoesToWhoRests(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		f.run(tiring("spring", 120))
		f.ready("ann", "bob")
		first, second := f.call(0), f.call(1)
		f.person(second)
		f.person(first)
		f.hangsUp(second)
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.phoneLost("bob")
		f.wait(1900 * time.Millisecond)
		f.wantState("ann", operator.Ready)
		f.wait(200 * time.Millisecond)
		f.wantState("ann", operator.Talking)
		f.hangsUp(first)
	})
}

// The bounds are changed while somebody rests.
func TestFatigueIsAdjustedWhileRunning(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		f.run(tiring("spring", 20))
		f.ready("ann")
		f.tired("ann", f.call(0))
		ended := time.Now()
		f.wait(10 * time.Second)
		f.do(f.engine.SetCampaign(f.ctx, tiring("spring", 60), campaigns.Tally{}))
		f.wait(30 * time.Second) // the timer of the old rest means nothing
		if v := f.view("ann"); !v.RestUntil.Equal(ended.Add(time.Minute)) || len(f.trunks.legs()) != 1 {
			t.Errorf("rests until %v, %d calls; want a minute from %v", v.RestUntil, len(f.trunks.legs()), ended)
		}
		f.do(f.engine.SetCampaign(f.ctx, progressive("spring"), campaigns.Tally{}))
		if n := len(f.trunks.legs()); n != 2 {
			t.Errorf("%d calls when the breath was taken away, want one at once", n-1)
		}
	})
}

// In preview the next lead is shown when the rest is over.
func TestNoPreviewInARest(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		c := tiring("spring", 20)
		c.Pacing.Mode = campaigns.Preview
		f.run(c)
		f.ready("ann")
		f.do(f.engine.DialPreview(f.ctx, "ann"))
		f.tired("ann", f.call(0))
		f.wait(19900 * time.Millisecond)
		if v := f.view("ann"); v.Preview || v.Idle != "resting" {
			t.Errorf("in the rest: %+v", v)
		}
		f.wait(100 * time.Millisecond)
		if v := f.view("ann"); !v.Preview {
			t.Errorf("after the rest: %+v", v)
		}
	})
}

// A shift begins rested, whatever the one before was.
func TestSignInBeginsRested(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		f.run(tiring("spring", 60))
		f.ready("ann")
		f.tired("ann", f.call(0))
		f.do(f.engine.OffDuty(f.ctx, "ann"))
		f.ready("ann")
		if v := f.view("ann"); v.State != operator.Ready || !v.RestUntil.IsZero() {
			t.Errorf("%s, rests until %v", v.State, v.RestUntil)
		}
		f.call(1)
	})
}

// After a restart operators sign in again, rested.
func TestRestartBeginsRested(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 9)
		c := tiring("spring", 60)
		c.Pacing.MaxOccupancy = 0.5
		f.run(c)
		f.ready("ann")
		f.tired("ann", f.call(0))
		f.stop()
		f.wantExactReplay()
		clear(f.paced)
		f.start()
		f.run(c)
		f.ready("ann")
		if v := f.view("ann"); !v.RestUntil.IsZero() {
			t.Errorf("rests until %v", v.RestUntil)
		}
		f.call(1)
	})
}

// spell is how one operator spent their time, from the notices.
type spell struct {
	busy, ready  time.Duration
	breath       time.Duration // the shortest between two calls
	calls        int
	state        operator.State
	since, ended time.Time
}

func (f *floor) spells() map[campaigns.UserID]*spell {
	now := time.Now()
	all := map[campaigns.UserID]*spell{}
	for _, o := range told[dialer.OperatorChanged](f.observer) {
		v := o.Operator
		s := all[v.User]
		if s == nil {
			s = &spell{breath: time.Hour}
			all[v.User] = s
		}
		if v.State == s.state {
			continue
		}
		switch s.state {
		case operator.Reserved, operator.Talking, operator.Wrapping:
			s.busy += v.Since.Sub(s.since)
		case operator.Ready:
			s.ready += v.Since.Sub(s.since)
		}
		switch v.State {
		case operator.Talking:
			if s.calls++; s.calls > 1 {
				s.breath = min(s.breath, v.Since.Sub(s.ended))
			}
		case operator.Ready:
			s.ended = v.Since
		}
		s.state, s.since = v.State, v.Since
	}
	for _, s := range all {
		if s.state == operator.Ready {
			s.ready += now.Sub(s.since)
		}
	}
	return all
}

// A simulated hour with more people than can be talked to: occupancy stays at its
// bound, the breath is kept, and nobody works much more than the others.
func TestFatigueOverAnHour(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3000)
		c := progressive("spring")
		c.Pacing.MaxOccupancy, c.Pacing.MinBreath = 0.8, 5
		f.run(c)
		users := []campaigns.UserID{"ann", "bob", "cas", "dee"}
		f.ready(users...)
		rng := rand.New(rand.NewPCG(1, 2))
		over := map[sip.LegID]bool{}
		for end := time.Now().Add(time.Hour); time.Now().Before(end); {
			f.wait(200 * time.Millisecond)
			for _, leg := range f.trunks.legs() {
				if !over[leg] {
					over[leg] = true
					f.talksFor(leg, 20*time.Second+time.Duration(rng.IntN(100))*time.Second)
				}
			}
			for _, u := range users {
				if v := f.view(u); v.State == operator.Wrapping && time.Since(v.Since) > 8*time.Second {
					f.do(f.engine.Dispose(f.ctx, u, said("sale")))
				}
			}
		}
		text, calls := "", []int{}
		for _, u := range users {
			s := f.spells()[u]
			occupancy := s.busy.Seconds() / (s.busy + s.ready).Seconds()
			text += fmt.Sprintf("%s: %d calls, occupancy %.3f, shortest breath %v\n", u, s.calls, occupancy, s.breath)
			calls = append(calls, s.calls)
			if occupancy < 0.77 || occupancy > 0.81 {
				t.Errorf("%s: occupancy %.3f, want 0.8", u, occupancy)
			}
			if s.breath < 5*time.Second {
				t.Errorf("%s: a breath of %v, want 5 s at least", u, s.breath)
			}
		}
		t.Log(text)
		if least, most := slices.Min(calls), slices.Max(calls); most > least+least/5 {
			t.Errorf("calls are not shared fairly: %v", calls)
		}
	})
}

// talksFor has a person answer at once and talk for a while.
func (f *floor) talksFor(leg sip.LegID, d time.Duration) {
	f.trunks.mu.Lock()
	f.trunks.answered[leg] = true
	f.trunks.mu.Unlock()
	f.signal(sip.Answered{Leg: leg, Body: []byte("sdp"), Dialog: sip.Dialog{CallID: string(leg), Up: true}, At: time.Now()})
	f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, GreetingEnd: time.Now(), At: time.Now()})
	time.AfterFunc(d, func() {
		if f.trunks.hangups(leg) == 0 {
			f.trunks.end(sip.Ended{Leg: leg, WasUp: true, At: time.Now()})
		}
	})
	synctest.Wait()
}
