package rtp

import "time"

// reception is what RFC 3550 appendix A wants to know of a received stream.
type reception struct {
	started   bool
	ssrc      uint32
	base, top uint32 // first and highest sequence number, extended by its cycles
	before    uint64 // packets expected of earlier streams
	transit   int64  // of the last packet, in samples
	jitter    int64  // in samples, times 16 (appendix A.8)
}

// number places a packet by its sequence number and says how far it is ahead of the
// newest before it; anew: it begins another stream.
func (r *reception) number(h *header) (ahead int, anew bool) {
	if !r.started || h.ssrc != r.ssrc || jumped(r.top, h.sequence) {
		*r = reception{started: true, ssrc: h.ssrc, before: r.expected(), jitter: r.jitter,
			base: uint32(h.sequence), top: uint32(h.sequence)}
		return 0, true
	}
	ahead = int(int16(h.sequence - uint16(r.top)))
	if ahead > 0 {
		r.top += uint32(ahead)
	}
	return ahead, false
}

// arrive moves the jitter on by a packet; compare is false for the first after a pause.
func (r *reception) arrive(h *header, now time.Time, compare bool) {
	arrival := now.UnixNano() / 125_000 // in samples
	d := r.transit
	r.transit = int64(int32(uint32(arrival) - h.timestamp))
	d -= r.transit
	if d = max(d, -d); compare && d < 10*8000 {
		r.jitter += d - (r.jitter+8)>>4
	}
}

// jumped: the sequence number is nowhere near, so the far end started anew
// (appendix A.1, MAX_DROPOUT and MAX_MISORDER).
func jumped(top uint32, sequence uint16) bool {
	ahead := int16(sequence - uint16(top))
	return ahead > 3000 || ahead < -100
}

// expected is how many packets the sequence numbers say there were.
func (r *reception) expected() uint64 {
	if !r.started {
		return 0
	}
	return r.before + uint64(r.top-r.base) + 1
}
