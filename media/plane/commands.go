package plane

import (
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/bridge"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/wav"
)

// Commands for a leg that is gone do nothing: its end is on its way to the
// engine as Closed.

// Detect starts the detector on a leg in a mode ("" is that of the configuration). It
// may come before Early and Accept.
func (p *Plane) Detect(id media.LegID, mode string) {
	if p.NewDetector == nil {
		return
	}
	p.with(id, func(l *leg) { l.ear.listen(p.NewDetector(mode)) })
}

// StopDetect ends the detector: no verdict and no beep comes after it but
// those already on their way.
func (p *Plane) StopDetect(id media.LegID) {
	p.with(id, func(l *leg) { l.ear.stop() })
}

// ListenForBeep tells the detector of a leg that a machine answered, as somebody heard; it
// starts one where none listens.
func (p *Plane) ListenForBeep(id media.LegID) {
	if p.NewDetector == nil {
		return
	}
	p.with(id, func(l *leg) {
		l.ear.listen(p.NewDetector(string(detect.Before)))
		l.ear.machine()
	})
}

// flowing is how recent a leg's last packet must be for its next to be near.
const flowing = 2 * media.FrameDuration

// Bridge lets customer and operator hear each other from their next packets
// on. Bridged follows when both directions have passed a packet, at the latest
// after one second. A bridge that either was in ends.
func (p *Plane) Bridge(customer, operator media.LegID) {
	p.mu.Lock()
	defer p.mu.Unlock()
	c, o := p.leg(customer), p.leg(operator)
	if c == nil || o == nil || c == o {
		return
	}
	p.part(c)
	p.part(o)
	now := time.Now()
	pair := &pairing{customer: c, operator: o, since: now, Pair: bridge.Join(c.output, o.output, now,
		now.Sub(c.session.LastHeard()) < flowing, now.Sub(o.session.LastHeard()) < flowing)}
	c.path.Store(&pair.ToOperator)
	o.path.Store(&pair.ToCustomer)
	c.pairing.Store(pair)
	o.pairing.Store(pair)
	c.ear.connect()
	p.relisten(c, o)
}

// Unbridge takes a leg out of its bridge or conference. The legs of a bridge stay up
// and hear silence; a conference goes on for the others.
func (p *Plane) Unbridge(leg media.LegID) {
	p.with(leg, p.part)
}

// part takes l out of the bridge or conference that it is in, if any. p.mu is held.
func (p *Plane) part(l *leg) {
	p.leave(l)
	pair := l.pairing.Load()
	if pair == nil {
		return
	}
	for _, side := range []*leg{pair.customer, pair.operator} {
		side.path.Store(nil)
		side.pairing.Store(nil)
	}
	if !pair.ToOperator.First().IsZero() { // it was a bridge, however short
		pair.tell(l.post, time.Now())
	}
	pair.Part()
	p.relisten(pair.customer, pair.operator)
}

// Mute lets nobody hear a leg, whatever it is joined with: they hear silence in its
// place. Its keys are heard here all the same.
func (p *Plane) Mute(id media.LegID, on bool) {
	p.with(id, func(l *leg) { l.muted.Store(on) })
}

// Play lets a leg hear a prompt, after those it hears already; what is relayed
// to it goes on below the prompt. Played follows, at once with Cut where the
// plane does not have the prompt.
func (p *Plane) Play(id media.LegID, prompt string) {
	p.with(id, func(l *leg) {
		done := func(cut bool) {
			l.post(media.Played{Leg: id, Prompt: prompt, Cut: cut, At: time.Now()})
		}
		clip := p.prompts[prompt]
		if clip == nil {
			p.log.Warn("no such prompt", "prompt", prompt)
			done(true)
			return
		}
		l.output.Play(clip, done)
	})
}

// StopPlaying cuts the prompts of a leg; Played follows for each, with Cut.
func (p *Plane) StopPlaying(id media.LegID) {
	p.with(id, func(l *leg) { l.output.StopPlaying() })
}

// Loop plays a prompt to a leg over and over, whenever no other plays: music on
// hold, ringback. It takes the place of the one before; empty, or one that the plane
// does not have, ends it. No event follows.
func (p *Plane) Loop(id media.LegID, prompt string) {
	p.with(id, func(l *leg) {
		clip := p.prompts[prompt]
		if clip == nil {
			if prompt != "" {
				p.log.Warn("no such prompt", "prompt", prompt)
			}
			l.output.Loop(nil)
			return
		}
		l.output.Loop(clip)
	})
}

// SendDigits presses keys (0-9, *, #, A-D) towards a leg by telephone-event,
// 220 ms each. A far end that did not agree to them hears nothing.
func (p *Plane) SendDigits(id media.LegID, digits string) {
	p.with(id, func(l *leg) { l.output.SendDigits(digits) })
}

// rightSide records what a leg hears.
type rightSide struct{ *wav.Recorder }

func (r rightSide) Hear(now time.Time, law media.Law, payload []byte) {
	r.Recorder.Hear(wav.Right, now, law, payload)
}

// Record writes a call to path inside the recording directory: left what
// comes from the leg, right what it hears. Recorded follows when the file is
// complete or cannot be written. A leg has one recording at a time.
func (p *Plane) Record(id media.LegID, path string) {
	p.with(id, func(l *leg) {
		if p.records == nil {
			p.recordFailures.Add(1)
			l.post(media.Recorded{Leg: id, Path: path, Err: ErrNoRecordings})
			return
		}
		now := time.Now()
		stopRecording(l, now)
		l.running.Add(1)
		r := p.writer.Record(p.records, path, now, func(r *wav.Recorder) {
			defer l.running.Done()
			p.recorded(l, r, path)
		})
		p.recordings[r] = struct{}{}
		l.recorder.Store(r)
		l.output.SetTap(rightSide{r})
	})
}

// StopRecord completes the leg's recording.
func (p *Plane) StopRecord(id media.LegID) {
	p.with(id, func(l *leg) { stopRecording(l, time.Now()) })
}

func stopRecording(l *leg, now time.Time) {
	l.output.SetTap(nil)
	if r := l.recorder.Swap(nil); r != nil {
		r.Stop(now)
	}
}

// recorded is called when a recording is complete or has failed.
func (p *Plane) recorded(l *leg, r *wav.Recorder, path string) {
	duration, err := r.Result()
	if err != nil {
		p.recordFailures.Add(1)
	}
	p.mu.Lock()                            // which Record held until it was known
	if l.recorder.CompareAndSwap(r, nil) { // it failed before it was stopped
		l.output.SetTap(nil)
	}
	delete(p.recordings, r)
	p.dropped += r.Dropped()
	p.mu.Unlock()
	l.post(media.Recorded{Leg: l.id, Path: path, Duration: duration, Err: err})
}
