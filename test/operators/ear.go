package operators

import (
	"math"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

const (
	loud      = 300 // root mean square of a frame that sounds, of 32767
	toneShare = 0.8
	toneRun   = 3 // frames in a row: 60 ms
)

// hearing is what came to the ear of one customer. Without marks (another
// codec on the customer's leg) only the tone is known.
type hearing struct {
	stream         uint32
	first, last    uint32 // marks
	received, lost uint32
	mixed          uint32
	firstAt        time.Time
	lastAt         time.Time
	toneAt         time.Time
	delays         delays
	lately         lateness // since Lateness was last asked for
}

// delays count packets by how much later they came than the first did, against an
// even clock of 20 ms a packet; by milliseconds, from -delayZero.
type delays [512]uint32

const delayZero = 128

func (d *delays) add(late time.Duration) {
	d[max(0, min(len(d)-1, int(late.Milliseconds())+delayZero))]++
}

// at is the slot that a share of the packets, in (0, 1], came before; or in it.
func (d *delays) at(share float64) int {
	seen, wanted := uint32(0), max(uint32(math.Ceil(share*float64(d.count()))), 1)
	for ms, n := range d {
		if seen += n; seen >= wanted {
			return ms
		}
	}
	return 0
}

func (d *delays) count() (all uint32) {
	for _, n := range d {
		all += n
	}
	return all
}

// spread is how much later the slowest of a hundred packets comes than the fastest.
func (d *delays) spread() time.Duration {
	return time.Duration(d.at(0.99)-d.at(0.01)) * time.Millisecond
}

// lateness holds each packet against the fastest of its leg in the same second: a far end
// that stood still, and leaves out what it missed, is late once and not ever after.
type lateness struct {
	second int64
	zero   time.Duration // how late the first of this second was
	now    delays        // in this second, from there
	late   delays        // in those before, from 0
}

func (l *lateness) add(at time.Time, late time.Duration) {
	if second := at.Unix(); second != l.second {
		l.settle()
		l.second, l.zero = second, late
	}
	l.now.add(late - l.zero)
}

// settle ends a second.
func (l *lateness) settle() {
	fastest := slices.IndexFunc(l.now[:], func(n uint32) bool { return n > 0 })
	for ms, n := range l.now {
		if n > 0 {
			l.late[ms-fastest] += n
		}
	}
	l.now = delays{}
}

// ear listens on an operator's leg. hear runs on the receiving goroutine.
type ear struct {
	hz   float64
	tone chan hearing // one value for each customer, when its tone is heard

	mu       sync.Mutex
	now      hearing
	before   hearing // who was on the line before now: the API may tell it later than the audio
	gone     uint32  // stream of the customer that has left
	stray    int     // packets of the customer that has left
	sounding uint32
	quiet    int // unmarked packets that do not sound, in a row
	run      int
	began    time.Time
}

func newEar(hz float64) *ear { return &ear{hz: hz, tone: make(chan hearing, 16)} }

func (e *ear) hear(p *phone.Packet) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if p.Marked {
		e.count(p)
	}
	e.listen(p)
}

// count follows the marks of the customer on the line.
func (e *ear) count(p *phone.Packet) {
	m, h := p.Mark, &e.now
	if m.Stream == e.gone {
		e.stray++
		return
	}
	if h.stream != m.Stream {
		if h.stream != 0 {
			e.before = *h
		}
		*h = hearing{stream: m.Stream, first: m.Number, last: m.Number, received: 1, mixed: e.sounding, firstAt: p.At, lastAt: p.At}
		return
	}
	if m.Number <= h.last {
		return // doubled or overtaken; the gap has been counted
	}
	h.lost += m.Number - h.last - 1
	h.last, h.lastAt = m.Number, p.At
	h.received++
	late := p.At.Sub(h.firstAt) - time.Duration(m.Number-h.first)*20*time.Millisecond
	h.delays.add(late)
	h.lately.add(p.At, late)
}

// listen looks for the customer's tone, and counts sounding packets that carry
// no mark.
func (e *ear) listen(p *phone.Packet) {
	sounds := phone.Level(p.PCM) > loud
	e.countSounding(sounds, p.Marked)
	if !sounds || !e.now.toneAt.IsZero() || phone.ToneShare(p.PCM, e.hz) < toneShare {
		e.run = 0
		return
	}
	if e.run++; e.run == 1 {
		e.began = p.At
	}
	if e.run < toneRun || p.Marked && p.Mark.Stream == e.gone {
		return
	}
	e.now.toneAt = e.began
	select {
	case e.tone <- e.now:
	default: // nobody has asked for 16 customers
	}
}

// fill is how many quiet packets the product may put between a customer's
// packets where one of them comes late, in a row.
const fill = 3

// countSounding counts the sounding packets without a mark since the last mark
// or the last silence.
func (e *ear) countSounding(sounds, marked bool) {
	switch {
	case marked:
		e.sounding, e.quiet = 0, 0
	case sounds:
		e.sounding++
		e.quiet = 0
	default:
		if e.quiet++; e.quiet > fill {
			e.sounding = 0
		}
	}
}

// leave ends a customer and says what was heard of it, and how many packets
// had come of the one before after its end.
func (e *ear) leave(stream uint32) (h hearing, stray int) {
	e.mu.Lock()
	defer e.mu.Unlock()
	switch stream {
	case e.now.stream:
		h, e.now = e.now, hearing{}
	case e.before.stream:
		h, e.before = e.before, hearing{}
	}
	if e.now.stream == 0 { // the tone of a call without marks
		e.now = hearing{}
	}
	stray = e.stray
	e.gone, e.stray, e.run, e.sounding = stream, 0, 0, 0
	return h, stray
}

// takeLately adds what came lately to all, and begins anew.
func (e *ear) takeLately(all *delays) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.now.lately.settle()
	for ms, n := range e.now.lately.late {
		all[ms] += n
	}
	e.now.lately = lateness{}
}
