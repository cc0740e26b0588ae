package bridge

import "github.com/outpace-dialer/outpace/media"

// numbers keeps one sequence and timestamp line going, whoever's packets are
// sent: relayed ones keep their distances, so that the far end's jitter
// buffer sees loss and disorder as they were; ours go on where the last ended.
type numbers struct {
	sequence  uint16 // of the next packet
	timestamp uint32 // of the next packet
	marker    bool   // the next relayed packet is the first of a splice

	anchored bool // the two distances below hold
	toSeq    uint16
	toTime   uint32
	anchor   uint16 // incoming sequence number at the anchor
	top      uint16 // highest incoming sequence number since
}

// Further than this from what is expected, the far end has started anew.
const (
	maxJump     = 100                   // packets
	maxForward  = media.SampleRate      // 1 s
	maxBackward = 10 * media.SampleRate // a key may be pressed for 8 s
)

// splice lets the next relayed packet follow the last one sent, with a marker.
func (n *numbers) splice() { n.anchored, n.marker = false, true }

// next numbers a packet of our own that covers samples of time.
func (n *numbers) next(p *media.Packet, samples int) {
	p.Sequence, p.Timestamp = n.sequence, n.timestamp
	n.sequence++
	n.timestamp += uint32(samples)
	n.anchored = false
}

// follow renumbers a relayed packet; false where it is a duplicate, or so late
// that its place in the line is taken.
func (n *numbers) follow(p *media.Packet) bool {
	samples := len(p.Payload)
	if p.Event {
		samples = media.EventDuration(p.Payload)
	}
	if !n.anchored || n.startedAnew(p) {
		n.anchored, n.anchor, n.top = true, p.Sequence, p.Sequence-1
		n.toSeq, n.toTime = n.sequence-p.Sequence, n.timestamp-p.Timestamp
	}
	ahead := int16(p.Sequence - n.top)
	if ahead == 0 || int16(p.Sequence-n.anchor) < 0 {
		return false
	}
	if ahead > 0 {
		n.top = p.Sequence
		n.anchor = max16(n.anchor, p.Sequence-maxJump)
	}
	p.Sequence += n.toSeq
	p.Timestamp += n.toTime
	p.Marker = p.Marker || n.marker
	n.marker = false
	n.sequence = max16(n.sequence, p.Sequence+1)
	if end := p.Timestamp + uint32(samples); int32(end-n.timestamp) > 0 {
		n.timestamp = end
	}
	return true
}

func (n *numbers) startedAnew(p *media.Packet) bool {
	ahead := int16(p.Sequence - n.top)
	jump := int32(p.Timestamp + n.toTime - n.timestamp)
	return ahead > maxJump || ahead < -maxJump || jump > maxForward || jump < -maxBackward
}

// max16 is the later of two sequence numbers.
func max16(a, b uint16) uint16 {
	if int16(b-a) > 0 {
		return b
	}
	return a
}
