package tone

import "time"

// pulse is one on of a cadence.
type pulse struct {
	from, to int // hops
	hz       float64
}

func (p pulse) on() time.Duration { return hopTime(p.to - p.from) }

// pulses are the last ons.
type pulses struct {
	last [4]pulse // newest first
	busy bool     // told
}

// hearCadence takes the on that just ended and tells a cadence that is complete.
func (e *Ear) hearCadence(r progressRun) {
	c := &e.cadence
	if !r.isTone() {
		return
	}
	on := r.length()
	copy(c.last[1:], c.last[:])
	c.last[0] = pulse{from: r.from, to: r.from + int(on/(10*ms)), hz: r.centre()}
	if c.doubleRing() {
		e.tellRing(c.last[1].from)
	}
	if c.busy {
		return
	}
	switch {
	case c.isBusy():
		c.busy = true
		kind := BusyTone
		if c.period() < fastest {
			kind = ReorderTone
		}
		e.tell(Heard{Kind: kind, From: hopTime(c.last[1].from)})
	case c.repeats():
		c.busy = true
		e.tell(Heard{Kind: ReorderTone, From: hopTime(c.last[3].from)})
	}
}

// hearProgress tells ringback while its first long on still sounds.
func (e *Ear) hearProgress() {
	r := &e.progress
	if !r.ringTold && r.length() >= 850*ms && r.isTone() && r.centre() < 520 {
		r.ringTold = true
		e.tellRing(r.from)
	}
}

func (e *Ear) tellRing(from int) {
	e.tell(Heard{Kind: RingbackTone, From: hopTime(from)})
}

// doubleRing is the British ring: 0.4 s, 0.2 s of silence, 0.4 s.
func (c *pulses) doubleRing() bool {
	a, b := c.last[1], c.last[0]
	return b.hz < 520 && around(a.on(), 400*ms) && around(b.on(), 400*ms) && around(hopTime(b.from-a.to), 200*ms)
}

// fastest is the period of a busy tone in most countries; what is faster is
// reorder, though a few are busy that fast.
const fastest = 640 * ms

// isBusy is two ons of the same length and pitch with an equal off between
// them: 0.2 to 0.8 s in all countries of ITU-T E.180. Shorter ones must repeat.
func (c *pulses) isBusy() bool {
	a, b := c.last[1], c.last[0]
	if a.to == 0 || !near(a.hz, b.hz, 15) {
		return false
	}
	off := hopTime(b.from - a.to)
	equal := around(a.on(), b.on()) && around(off, b.on())
	return equal && b.on() > 178*ms && b.on() < 800*ms
}

// repeats is two rounds of an on, an off, an on and an off, of any lengths that
// a refusal has: the uneven ones, and those too short to be told by two.
func (c *pulses) repeats() bool {
	for i, p := range c.last {
		if p.to == 0 || !near(p.hz, c.last[0].hz, 15) || p.on() < 110*ms || p.on() > 800*ms {
			return false
		}
		if i > 0 && hopTime(c.last[i-1].from-p.to) > 800*ms {
			return false
		}
	}
	d, b, a, n := c.last[3], c.last[2], c.last[1], c.last[0]
	return around(n.on(), b.on()) && around(a.on(), d.on()) && around(hopTime(n.from-a.to), hopTime(b.from-d.to))
}

func (c *pulses) period() time.Duration { return hopTime(c.last[0].from - c.last[1].from) }

// around allows 15 % and 40 ms for windows, jitter and lost packets.
func around(got, want time.Duration) bool {
	return (got - want).Abs() < want*15/100+40*ms
}
