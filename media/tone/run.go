package tone

import "time"

// quietest is the level in dBFS under which nothing is a tone.
const quietest = -52

// run is a stretch of hops with one and the same tone (or pair of tones).
type run struct {
	from, last int // hops
	n          int // hops that carried the tone
	low, high  track
	purity     float64 // sum over n
	peak       float64 // dBFS, loudest hop
	before     float64 // dBFS, ahead of it
	twist      float64 // dB that the low tone is louder than the high one, sum over n
	missing    int     // hops in a row without it
	told       bool    // a beep or a digit was told of it
	alsoFax    bool
}

// track follows one frequency: its mean, and its last values.
type track struct {
	mean   float64
	recent [6]float64
}

func (t *track) add(hz float64, n int) {
	if n == 1 {
		t.mean = hz
	}
	t.mean += (hz - t.mean) / float64(n)
	t.recent[n%len(t.recent)] = hz
}

// wander is how far the last values lie apart; n is how many there are.
func (t *track) wander(n int) float64 {
	low := t.recent[n%len(t.recent)]
	high := low
	for i := range min(n, len(t.recent)) {
		hz := t.recent[(n-i)%len(t.recent)]
		low, high = min(low, hz), max(high, hz)
	}
	return high - low
}

const (
	startShare = 0.86 // of the power in the lobes begins a run
	stayShare  = 0.72 // and this keeps it: noise and codecs eat some
	driftHz    = 22   // a hop further from the mean is another tone
	maxMissing = 3    // hops: phase reversals of ANSam, lost packets
)

// step takes a hop and gives the run that it ended, if any.
func (r *run) step(m measure, hop int, low, high, share float64) (ended run, ok bool) {
	loud := m.level > quietest
	same := r.n > 0 && near(low, r.low.mean, driftHz) && near(high, r.high.mean, driftHz)
	if loud && same && share > stayShare {
		r.add(m, hop, low, high, share)
		return run{}, false
	}
	if r.n > 0 {
		if r.missing++; r.missing < maxMissing && !(loud && share > startShare) {
			return run{}, false
		}
		ended, ok = *r, true
		*r = run{}
	}
	if loud && share > startShare {
		r.from, r.before = hop, m.before
		r.add(m, hop, low, high, share)
	}
	return ended, ok
}

func (r *run) add(m measure, hop int, low, high, share float64) {
	r.n++
	r.low.add(low, r.n)
	r.high.add(high, r.n)
	r.purity += share
	r.twist += m.twist
	if r.n == 1 || m.level > r.peak {
		r.peak = m.level
	}
	r.last, r.missing = hop, 0
}

// onset and length correct for the window: a tone is seen when it fills about
// half of the 32 ms, and stays until less than half is left.
func (r *run) onset() time.Duration  { return hopTime(r.from) - 20*ms }
func (r *run) length() time.Duration { return hopTime(r.last-r.from+1) - 12*ms }

func (r *run) share() float64 { return r.purity / float64(max(1, r.n)) }

// steady is a tone that no voice holds.
func (r *run) steady() bool {
	return r.n >= 6 && r.missing == 0 && r.low.mean > 370 && r.low.wander(r.n) < 15 && r.share() > 0.85
}

func near(a, b, within float64) bool { return a-b < within && b-a < within }

// progressRun is a stretch of sound in the band of ringback and busy whose
// centre does not move. Two tones 40 Hz apart beat, so a moment of it may be
// silent; power weighs each hop so that such moments do not count.
type progressRun struct {
	from, last, n        int
	weight, sum, squares float64
	missing              int
	ringTold             bool
}

// maxBeat is how many hops a beat or a lost packet may hide the tone.
const maxBeat = 6

func (p *progressRun) step(m measure, hop int) (ended progressRun, ok bool) {
	if m.level > quietest && m.progress > 0.8 {
		if p.n == 0 {
			*p = progressRun{from: hop}
		}
		w := m.weight()
		p.n++
		p.weight += w
		p.sum += w * m.centre
		p.squares += w * m.centre * m.centre
		p.last, p.missing = hop, 0
		return progressRun{}, false
	}
	if p.n == 0 {
		return progressRun{}, false
	}
	if p.missing++; p.missing <= maxBeat {
		return progressRun{}, false
	}
	ended, ok = *p, true
	*p = progressRun{}
	return ended, ok
}

func (p *progressRun) length() time.Duration { return hopTime(p.last-p.from+1) - 12*ms }
func (p *progressRun) centre() float64       { return p.sum / (p.weight + 1e-9) }

// isTone says that the centre held still, as no voice's does.
func (p *progressRun) isTone() bool {
	if p.n < 12 {
		return false
	}
	c := p.centre()
	variance := p.squares/(p.weight+1e-9) - c*c
	return variance < 14*14 && c > 360 && c < 620
}

func (p *progressRun) steady() bool { return p.missing <= maxBeat && p.isTone() }
