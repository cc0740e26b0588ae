package plane

import (
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/codec"
)

const (
	// oneWayAfter is when a leg that should send and does not counts as one-way.
	oneWayAfter = 2500 * time.Millisecond
	// silentAfter is when a bridged leg that sends counts as silent: people let each
	// other speak for longer than packets may be missing.
	silentAfter = 10 * time.Second
	// soundFrom is the peak from which on a packet has something to hear: -48 dBov, above
	// the noise of a line and under any voice.
	soundFrom = 130
	// soundStep: of so many samples one is looked at.
	soundStep = 4
)

// oneWay finds out, for one side of a bridge, whether it is heard by the other, and why
// not. It belongs to the wheel, but for awaited, which the receiver clears.
type oneWay struct {
	of      *pairing          // the bridge it is about
	foreign uint64            // packets from elsewhere when the bridge began
	told    media.OneWayCause // empty: both ways are fine
	awaited atomic.Bool       // nothing to be heard came since the bridge began
}

// look returns OneWay or OneWayOver where one is due, else nil.
func (o *oneWay) look(l *leg, now time.Time) media.Event {
	pair := l.pairing.Load()
	if pair != o.of {
		was := o.told
		o.of, o.foreign, o.told = pair, l.session.Foreign(), ""
		o.awaited.Store(pair != nil)
		if was != "" {
			return media.OneWayOver{Leg: l.id, At: now}
		}
	}
	if pair == nil {
		return nil
	}
	cause := o.cause(l, now)
	if cause == o.told {
		return nil
	}
	o.told = cause
	if cause == "" {
		return media.OneWayOver{Leg: l.id, At: now}
	}
	return media.OneWay{Leg: l.id, Cause: cause, Since: o.of.since, At: now}
}

func (o *oneWay) cause(l *leg, now time.Time) media.OneWayCause {
	if !l.watch.expects() { // it said that it sends nothing: on hold
		return ""
	}
	heard := l.session.LastHeard()
	since := o.of.since
	switch nothing := now.Sub(since) > oneWayAfter && now.Sub(heard) > oneWayAfter; {
	case nothing && l.session.Quiet():
		return ""
	case nothing && l.session.Foreign() > o.foreign:
		return media.FromElsewhere
	case nothing:
		return media.NothingComes
	case now.Sub(since) > silentAfter && o.awaited.Load():
		return media.SilentAudio
	case now.Sub(since) > oneWayAfter && l.session.Unheard(now):
		return media.NotHeard
	}
	return ""
}

// hear looks for sound in a packet of a leg that has had none yet in this bridge.
func (o *oneWay) hear(p *media.Packet) {
	if o.awaited.Load() && sounds(p) {
		o.awaited.Store(false)
	}
}

// sounds says whether there is anything to hear in a packet. It looks at some samples
// only: what is missed in one packet is found in the next.
func sounds(p *media.Packet) bool {
	var few [2 * media.SamplesPerFrame / soundStep]byte
	var pcm [2 * media.SamplesPerFrame / soundStep]int16
	n := 0
	for i := 0; i < len(p.Payload) && n < len(few); i += soundStep {
		few[n] = p.Payload[i]
		n++
	}
	for _, sample := range pcm[:codec.Decode(p.Law, pcm[:], few[:n])] {
		if sample > soundFrom || sample < -soundFrom {
			return true
		}
	}
	return false
}
