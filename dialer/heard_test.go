package dialer_test

import (
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
	"github.com/outpace-dialer/outpace/sip"
)

// A checked call goes to an operator who is ready whatever is heard; what was heard is told
// when it ends. Where nobody is ready, it is a call like any other.
func TestCheckedCall(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 3)
		spring := progressive("spring")
		spring.DetectionCheck = 1
		f.run(spring)
		f.ready("ann")
		machine := func(leg sip.LegID, provisional bool) {
			f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, Probability: 0.97, Provisional: provisional, Features: []float32{1}, At: time.Now()})
		}
		leg := f.call(0)
		f.answer(leg)
		f.wantState("ann", operator.Talking)
		machine(leg, true)
		f.sound(media.Beep{Leg: media.LegID(leg), At: time.Now()})
		f.wantState("ann", operator.Talking)
		if f.audio.was("stop detect "+string(leg)) != 0 {
			t.Error("nobody listens to a checked call")
		}
		f.wait(time.Minute)
		if f.audio.was("stop detect "+string(leg)) == 0 {
			t.Error("a checked call is listened to for ever")
		}
		f.hangsUp(leg)
		f.do(f.engine.Dispose(f.ctx, "ann", said("machine")))
		if h := told[dialer.CallEnded](f.observer)[0].Heard; h.Kind != media.Machine || !h.Checked || !h.Beep || !h.HungUp || h.Doubted || h.Chance > 0.031 || h.Chance < 0.029 || len(h.Features) != 1 {
			t.Errorf("heard %+v", h)
		}
		if !f.observer.saidNobody() {
			t.Error("the disposition does not say that nobody was there")
		}

		leg = f.call(1)
		f.do(f.engine.Pause(f.ctx, "ann", "lunch"))
		f.answer(leg)
		machine(leg, true)
		machine(leg, false)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1, campaigns.MachineHeard: 1})
		if h := told[dialer.CallEnded](f.observer)[1].Heard; h.Kind != media.Machine || h.Checked || h.HungUp {
			t.Errorf("heard %+v", h)
		}
	})
}

// saidNobody says whether a disposition was that nobody was there.
func (o *observer) saidNobody() bool {
	return slices.ContainsFunc(told[dialer.Disposed](o), func(d dialer.Disposed) bool { return d.Nobody })
}

// Who hangs up in doubt is told as such.
func TestHangsUpInDoubt(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		f.answer(leg)
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Ringback, Probability: 0.9, At: time.Now()})
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, Probability: 0.8, Provisional: true, At: time.Now()})
		f.hangsUp(leg)
		if h := told[dialer.CallEnded](f.observer)[0].Heard; h.Kind != media.Machine || !h.HungUp || !h.Doubted || h.Beep {
			t.Errorf("heard %+v", h)
		}
	})
}

// Of a person on trial, what ends the trial counts.
func TestHeardOnTrial(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		f.answer(leg)
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, Probability: 0.5, Provisional: true, GreetingEnd: time.Now(), At: time.Now()})
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Person, Probability: 0.9, GreetingEnd: time.Now(), At: time.Now()})
		f.sound(media.Verdict{Leg: media.LegID(leg), Kind: media.Machine, Probability: 0.9, Revised: true, At: time.Now()})
		f.wait(time.Minute)
		f.hangsUp(leg)
		if h := told[dialer.CallEnded](f.observer)[0].Heard; h.Kind != media.Person || h.Chance != 0.9 || h.Checked {
			t.Errorf("heard %+v", h)
		}
	})
}

// What the detector loses, as it is measured, comes off the abandonment limit of campaigns
// that detect, within bounds; who does not measure has the configured share.
func TestMeasuredLoss(t *testing.T) {
	for name, tt := range map[string]struct {
		measured  []float64 // one after the other; none: nobody measures
		detection string
		want      []float64
	}{
		"assumed":           {nil, "before", []float64{0.01}},
		"measured":          {[]float64{0.002, 0.0021, 0.02}, "before", []float64{0.002, 0.02}},
		"with":              {[]float64{0.004}, "with", []float64{0.004}},
		"out of all bounds": {[]float64{0.9}, "before", []float64{0.2}},
		"off":               {[]float64{0.02}, "off", []float64{0}},
	} {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				f.cfg.DetectorLoss = 0.01
				if tt.measured != nil {
					f.loss.Store(&tt.measured[0])
				}
				f.stop()
				f.start()
				spring := progressive("spring")
				spring.Detection = tt.detection
				f.run(spring)
				for i := range tt.measured {
					f.loss.Store(&tt.measured[i])
					f.wait(time.Second)
				}
				f.stop()
				var got []float64
				for _, l := range f.paced["spring"] {
					if l.Kind != eventlog.Init && l.Kind != eventlog.Adjust {
						continue
					}
					if n := len(got); n == 0 || got[n-1] != l.Settings.DetectorLoss {
						got = append(got, l.Settings.DetectorLoss)
					}
				}
				if len(got) != len(tt.want) {
					t.Fatalf("losses told to pacing %v, want %v", got, tt.want)
				}
				for i := range got {
					if got[i] != tt.want[i] {
						t.Errorf("losses told to pacing %v, want %v", got, tt.want)
					}
				}
			})
		})
	}
}
