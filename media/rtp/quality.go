package rtp

import (
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// stillFor is how long nothing must have come for a packet with the marker to be the
// first after a pause, where the timestamps do not tell: they stood still.
const stillFor = 100 * time.Millisecond

// meter tells what became of the far end's packets: lost on the way, overtaken, or
// never sent, which is a pause. It belongs to the goroutine that receives.
type meter struct {
	reception
	came  uint64    // which of the 64 newest sequence numbers came, the newest in bit 0
	quiet bool      // the last that came was comfort noise
	keyed bool      // a key was pressed since the last audio
	voice bool      // audio came in this stream
	end   uint32    // timestamp of the end of the newest audio, where voice
	at    time.Time // when the last packet came

	sums
}

// sums are the totals since the session began.
type sums struct {
	runs, reordered, repeated, pauses uint64
	paused                            uint64 // in samples
	jitterSum, jitters                uint64 // in samples times 16, packets
}

// hear takes one packet of a kind that covers samples of time.
func (m *meter) hear(h *header, kind sdp.Kind, samples int, now time.Time) {
	ahead, anew := m.number(h)
	if anew {
		m.came, m.voice, m.keyed, m.quiet = 1, false, false, false
	} else {
		m.order(ahead)
	}
	switch kind {
	case sdp.Noise:
		m.quiet = true
	case sdp.Event: // its timestamp is that of the key's press, however often it is sent
		m.quiet, m.keyed = false, true
	default:
		m.audio(h, ahead, samples, now)
		m.quiet = false
	}
	m.at = now
}

// order notes where in the sequence a packet came. A run is a hole in it, however long:
// the packet that comes late may close, shorten or split one.
func (m *meter) order(ahead int) {
	if ahead > 0 {
		if ahead > 1 {
			m.runs++
		}
		m.came = m.came<<min(ahead, 64) | 1
		return
	}
	place := -ahead
	if place > 62 {
		m.reordered++
		return
	}
	if m.came>>place&1 == 1 {
		m.repeated++
		return
	}
	m.reordered++
	m.came |= 1 << place
	newer, older := m.came>>(place-1)&1 == 1, m.came>>(place+1)&1 == 1
	switch {
	case newer && older:
		m.runs--
	case !newer && !older:
		m.runs++
	}
}

// audio follows the timestamps of what sounds.
func (m *meter) audio(h *header, ahead, samples int, now time.Time) {
	if ahead < 0 {
		m.arrive(h, now, true)
		m.jitters++
		m.jitterSum += uint64(m.jitter)
		return
	}
	pause := m.pause(h, ahead, samples, now)
	if pause > 0 && !m.keyed {
		m.pauses++
		m.paused += uint64(pause)
	}
	if compare := m.voice && pause == 0 && !m.keyed; compare {
		m.arrive(h, now, true)
		m.jitters++
		m.jitterSum += uint64(m.jitter)
	} else {
		m.arrive(h, now, false)
	}
	m.voice, m.keyed, m.end = true, false, h.timestamp+uint32(samples)
}

// pause is how long the far end sent nothing before a packet, in samples; 0: it was not
// to be noticed. Packets that are lost are no pause.
func (m *meter) pause(h *header, ahead, samples int, now time.Time) int {
	if !m.voice || ahead < 1 {
		return 0
	}
	skipped := int(int32(h.timestamp-m.end)) - (ahead-1)*samples
	if skipped >= media.SamplesPerFrame {
		return skipped
	}
	still := now.Sub(m.at)
	if (h.marker || m.quiet) && still > stillFor {
		return media.Samples(still) - samples
	}
	return 0
}

// told are the meter's sums for who asks.
type told struct {
	runs, reordered, repeated, pauses, paused, jitterSum, jitters atomic.Uint64
	quiet                                                         atomic.Bool
}

// tell publishes what has changed: most packets change nothing but the jitter.
func (t *told) tell(m *meter, before sums, wasQuiet bool) {
	if m.jitters != before.jitters {
		t.jitterSum.Store(m.jitterSum)
		t.jitters.Store(m.jitters)
	}
	if m.quiet != wasQuiet {
		t.quiet.Store(m.quiet)
	}
	before.jitters, before.jitterSum = m.jitters, m.jitterSum
	if m.sums == before {
		return
	}
	t.runs.Store(m.runs)
	t.reordered.Store(m.reordered)
	t.repeated.Store(m.repeated)
	t.pauses.Store(m.pauses)
	t.paused.Store(m.paused)
}

func (s *Session) count(h *header, kind sdp.Kind, samples int, now time.Time) {
	before, wasQuiet := s.heard.sums, s.heard.quiet
	s.heard.hear(h, kind, samples, now)
	s.told.tell(&s.heard, before, wasQuiet)
	s.received.Add(1)
	s.expected.Store(s.heard.expected())
	s.heardSSRC.Store(s.heard.ssrc)
	s.heardTop.Store(s.heard.top)
	s.jitter.Store(s.heard.jitter >> 4)
	s.lastHeard.Store(now.UnixNano())
}

// Quality is how the far end's audio came so far.
func (s *Session) Quality() media.Quality {
	q := media.Quality{
		Received: s.received.Load(), Expected: s.expected.Load(), Sent: s.sent.Load(),
		Runs: s.told.runs.Load(), Reordered: s.told.reordered.Load(), Repeated: s.told.repeated.Load(),
		Pauses: s.told.pauses.Load(), Paused: media.Span(int(s.told.paused.Load())),
		Jitters: s.told.jitters.Load(), JitterSum: media.Span(int(s.told.jitterSum.Load() >> 4)),
	}
	s.reports.mu.Lock()
	defer s.reports.mu.Unlock()
	q.FarLost, q.RoundTrip = s.reports.farLost, s.reports.roundTrip
	return q
}

// Quiet says that the far end announced a pause by comfort noise and sent nothing
// since: that nothing comes is as it should be.
func (s *Session) Quiet() bool { return s.told.quiet.Load() }

// Foreign is how many packets came from elsewhere than the far end.
func (s *Session) Foreign() uint64 { return s.foreign.Load() }

// deaf is the share of our packets that are lost, in 1/256, from which on a far end
// hears nothing of us.
const deaf = 250

// Unheard says that by the far end's last report of less than two intervals ago next
// to nothing of what we send reaches it.
func (s *Session) Unheard(now time.Time) bool {
	r := &s.reports
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.farFraction >= deaf && now.Sub(r.farAt) < 2*ReportInterval
}
