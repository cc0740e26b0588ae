package tone

import "time"

// pulse is one on of a cadence.
type pulse struct {
	from, to int // hops
	hz       float64
}

func (p pulse) on() time.Duration { return hopTime(p.to - p.from) }

// pulses are the last two ons.
type pulses struct {
	last [2]pulse // newest first
	busy bool     // told
}

// hearCadence takes the on that just ended and tells a cadence that is complete.
func (e *Ear) hearCadence(r progressRun) {
	c := &e.cadence
	if !r.isTone() {
		return
	}
	on := r.length()
	c.last[1] = c.last[0]
	c.last[0] = pulse{from: r.from, to: r.from + int(on/(10*ms)), hz: r.centre()}
	if c.doubleRing() {
		e.tellRing(c.last[1].from)
	}
	if !c.busy && c.isBusy() {
		c.busy = true
		kind := BusyTone
		if c.period() < 640*ms {
			kind = ReorderTone
		}
		e.tell(Heard{Kind: kind, From: hopTime(c.last[1].from)})
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

// isBusy is two ons of the same length and pitch with an equal off between
// them: 0.2 to 0.8 s in all countries of ITU-T E.180.
func (c *pulses) isBusy() bool {
	a, b := c.last[1], c.last[0]
	if a.to == 0 || !near(a.hz, b.hz, 15) {
		return false
	}
	off := hopTime(b.from - a.to)
	equal := around(a.on(), b.on()) && around(off, b.on())
	return equal && b.on() > 180*ms && b.on() < 800*ms
}

func (c *pulses) period() time.Duration { return hopTime(c.last[0].from - c.last[1].from) }

// around allows 15 % and 40 ms for windows, jitter and lost packets.
func around(got, want time.Duration) bool {
	return (got - want).Abs() < want*15/100+40*ms
}
