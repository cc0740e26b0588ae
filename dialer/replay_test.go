package dialer_test

import (
	"fmt"
	"math/rand/v2"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// The decisions of a running engine are those of its controller on the recorded
// log: a quarter of an hour of a predictive campaign, in which people answer,
// hang up, are abandoned, and operators come and go. Every other test of the
// engine is replayed as well, by inBubble.
func TestReplayOfABusyCampaign(t *testing.T) {
	inBubble(t, func(f *floor) {
		rng := rand.New(rand.NewPCG(3, 4))
		f.store.add("spring", 400)
		c := progressive("spring")
		c.Pacing = campaigns.Pacing{Mode: campaigns.Predictive, Cancel: true, AbandonmentLimit: 0.03}
		f.run(c)
		var users []campaigns.UserID
		for i := range 6 {
			users = append(users, campaigns.UserID(fmt.Sprint("o", i)))
		}
		f.ready(users...)
		rest := &carrierByChance{f: f, rng: rng, over: map[sip.LegID]bool{}}
		for second := range 900 {
			f.wait(time.Second + time.Duration(rng.IntN(1e6)))
			rest.move()
			for _, u := range users {
				if f.view(u).State == operator.Wrapping && rng.IntN(8) == 0 {
					f.do(f.engine.Dispose(f.ctx, u, said("sale")))
				}
			}
			if second == 300 { // a manager turns the pace down
				c.Pacing.AbandonmentLimit = 0.01
				f.do(f.engine.SetCampaign(f.ctx, c, campaigns.Tally{}))
			}
		}
		f.stop()
		n := f.wantExactReplay()
		dialled, told := 0, map[string]int{}
		for _, l := range f.paced["spring"] {
			if l.Answer != nil {
				dialled += l.Answer.Dial
			}
			for _, e := range l.Events {
				told[fmt.Sprintf("%T", e.Event)]++
			}
		}
		if dialled < 50 || n < 2000 || len(told) < 8 {
			t.Errorf("%d decisions, %d calls, events %v: too quiet to show anything", n, dialled, told)
		}
	})
}

// carrierByChance lets what rings be answered, refused or left ringing.
type carrierByChance struct {
	f    *floor
	rng  *rand.Rand
	over map[sip.LegID]bool
}

func (c *carrierByChance) move() {
	for _, leg := range c.f.trunks.legs() {
		if c.over[leg] || c.f.trunks.hangups(leg) > 0 {
			continue
		}
		switch c.rng.IntN(24) {
		case 0, 1:
			c.f.signal(sip.Progress{Leg: leg, Code: 180, At: time.Now()})
		case 2:
			c.over[leg] = true
			c.f.fails(leg, sip.ResultBusy, 486)
		case 3, 4:
			c.answer(leg)
		}
	}
}

// answer is a pick-up; what is there says so a moment later.
func (c *carrierByChance) answer(leg sip.LegID) {
	c.over[leg] = true
	c.f.trunks.mu.Lock()
	c.f.trunks.answered[leg] = true
	c.f.trunks.mu.Unlock()
	c.f.signal(sip.Answered{Leg: leg, Body: []byte("sdp"), Dialog: sip.Dialog{CallID: string(leg), Up: true}, At: time.Now()})
	kind := media.Person
	if c.rng.IntN(3) == 0 {
		kind = media.Machine
	}
	lasts := time.Duration(c.rng.IntN(60)) * time.Second
	time.AfterFunc(time.Duration(c.rng.IntN(1500))*time.Millisecond, func() {
		c.f.engine.Sound(media.Verdict{Leg: media.LegID(leg), Kind: kind, GreetingEnd: time.Now(), At: time.Now()})
	})
	if kind == media.Person {
		time.AfterFunc(2*time.Second+lasts, func() {
			if c.f.trunks.hangups(leg) == 0 {
				c.f.trunks.end(sip.Ended{Leg: leg, WasUp: true, At: time.Now()})
			}
		})
	}
	synctest.Wait()
}
