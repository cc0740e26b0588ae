package carrier

import (
	"fmt"
	"math"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

func TestPlanKeepsTheShares(t *testing.T) {
	const calls = 20_000
	count := map[Kind]int{}
	var talk time.Duration
	for i := range calls {
		b := Plan(Config{Seed: 7}, fmt.Sprintf("+1555%07d", i), 1)
		count[b.Kind]++
		talk += b.Talk
	}
	m := DefaultMix
	for kind, share := range map[Kind]float64{Person: .3, Machine: m.Machine, Busy: m.Busy, Invalid: m.Invalid, SIT: m.SIT, Congestion: m.Congestion,
		LateAnswer: m.LateAnswer, Fax: m.Fax, Declined: m.Declined, NoAnswer: m.NoAnswer} {
		// Five standard deviations: a fixed seed makes it no matter of luck.
		if got, slack := float64(count[kind])/calls, 5*math.Sqrt(share*(1-share)/calls); math.Abs(got-share) > slack {
			t.Errorf("%s: share = %.4f, want %.4f ± %.4f", kind, got, share, slack)
		}
	}
	if mean := talk / calls; mean < 57*time.Second || mean > 63*time.Second {
		t.Errorf("mean talk = %v, want about a minute", mean)
	}
}

func TestPlanDependsOnSeedNumberAndAttemptOnly(t *testing.T) {
	differs, lines := 0, map[Kind]bool{Invalid: true, SIT: true, Fax: true}
	for i := range 500 {
		number := fmt.Sprintf("+1555%07d", i)
		first, again, second := Plan(Config{Seed: 7}, number, 1), Plan(Config{Seed: 7}, number, 1), Plan(Config{Seed: 7}, number, 2)
		if first != again {
			t.Fatalf("%s: %+v, then %+v", number, first, again)
		}
		if lines[first.Kind] != lines[second.Kind] || lines[first.Kind] && first.Kind != second.Kind {
			t.Errorf("%s is %s, then %s", number, first.Kind, second.Kind)
		}
		if first.Kind != second.Kind {
			differs++
		}
	}
	if differs < 100 {
		t.Errorf("only %d of 500 numbers behave differently on the second attempt", differs)
	}
}

func TestSpeedShortensPeopleOnly(t *testing.T) {
	for i := range 300 {
		number := fmt.Sprintf("+1555%07d", i)
		slow, fast := Plan(Config{Seed: 1}, number, 1), Plan(Config{Seed: 1, Speed: 10}, number, 1)
		if slow.Kind != fast.Kind || slow.Patience != fast.Patience || slow.Greeting != fast.Greeting {
			t.Fatalf("%+v at speed 1, %+v at 10", slow, fast)
		}
		if slow.Kind == Machine && slow.Ring != fast.Ring {
			t.Errorf("machine rings %v at speed 1, %v at 10", slow.Ring, fast.Ring)
		}
		if slow.Kind == Person && fast.Talk > slow.Talk/9 && fast.Talk != 500*time.Millisecond {
			t.Errorf("talk %v at speed 1, %v at 10", slow.Talk, fast.Talk)
		}
	}
}

func TestVoicesSoundLikeTheirKind(t *testing.T) {
	v := newVoices(3)
	within := func(name string, clips [][]int16, from, to time.Duration) {
		for i, clip := range clips {
			length := time.Duration(len(clip)) * time.Second / rate
			if level := phone.Level(clip); length < from || length > to || level < 800 || level > 8000 {
				t.Errorf("%s %d: %v at level %.0f", name, i, length, level)
			}
			for _, hz := range []float64{700, 1100} {
				for at := 0; at+160 <= len(clip); at += 160 {
					if phone.Level(clip[at:at+160]) > loud && phone.ToneShare(clip[at:at+160], hz) > 0.95 {
						t.Errorf("%s %d: a frame at %v is the tone of %.0f Hz", name, i, time.Duration(at)*time.Second/rate, hz)
					}
				}
			}
		}
	}
	within("hello", v.hello, 300*time.Millisecond, time.Second)
	within("business", v.business, 1800*time.Millisecond, 3500*time.Millisecond)
	within("machine", v.machine, 4*time.Second, 13*time.Second)
	for i, hz := range []float64{950, 1400, 1800} {
		at := i*samples(330*time.Millisecond) + 800
		if share := phone.ToneShare(v.sit[at:at+160], hz); share < 0.95 {
			t.Errorf("SIT tone %d: share of %.0f Hz = %.2f", i+1, hz, share)
		}
	}
}
