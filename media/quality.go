package media

import "time"

// Quality is how the audio of one far end came to us, since its leg is there or, of
// Since, over a part of that. What the far end meant not to send is no loss: a pause
// that comfort noise (RFC 3389), a marker or the timestamps announce.
type Quality struct {
	Received  uint64 // RTP packets, repeated ones included
	Expected  uint64 // by sequence numbers
	Runs      uint64 // of packets in a row that never came
	Reordered uint64 // came after one that was sent later
	Repeated  uint64 // came twice

	Pauses uint64        // between audio
	Paused time.Duration // their sum; one that has not ended is not in it

	JitterSum time.Duration // of RFC 3550's running estimate, at each of Jitters packets
	Jitters   uint64

	Sent      uint64        // packets of ours
	FarLost   uint64        // of these, as the far end says by RTCP
	RoundTrip time.Duration // by RTCP; 0 before the far end reported
}

// Since is what came after before was taken, of the same leg.
func (q Quality) Since(before Quality) Quality {
	part := q
	for _, f := range []struct {
		to   *uint64
		less uint64
	}{
		{&part.Received, before.Received}, {&part.Expected, before.Expected}, {&part.Runs, before.Runs},
		{&part.Reordered, before.Reordered}, {&part.Repeated, before.Repeated}, {&part.Pauses, before.Pauses},
		{&part.Jitters, before.Jitters}, {&part.Sent, before.Sent}, {&part.FarLost, before.FarLost},
	} {
		*f.to -= min(*f.to, f.less)
	}
	part.Paused, part.JitterSum = q.Paused-before.Paused, q.JitterSum-before.JitterSum
	return part
}

// Lost is how many packets never came.
func (q Quality) Lost() uint64 {
	came := q.Received - min(q.Received, q.Repeated)
	return q.Expected - min(q.Expected, came)
}

// Loss is the share of packets that never came, in [0, 1].
func (q Quality) Loss() float64 { return share(q.Lost(), q.Expected) }

// FarLoss is the share of our packets that the far end says never came, in [0, 1].
func (q Quality) FarLoss() float64 { return share(q.FarLost, q.Sent) }

// Jitter is the mean of the running estimate (RFC 3550 section 6.4.1).
func (q Quality) Jitter() time.Duration {
	if q.Jitters == 0 {
		return 0
	}
	return q.JitterSum / time.Duration(q.Jitters)
}

// MOS is the estimated opinion of whoever hears this far end's audio, in [1, 4.5]; 0
// where nothing came. The delay in it is that of this leg: half the round trip and
// what a phone holds back against the jitter.
func (q Quality) MOS() float64 {
	if q.Received == 0 {
		return 0
	}
	loss := q.Loss()
	return MOS(Rating(loss, burstRatio(q.Lost(), q.Runs, loss), q.RoundTrip/2+playout(q.Jitter())))
}

func share(part, whole uint64) float64 {
	if whole == 0 {
		return 0
	}
	return min(1, float64(part)/float64(whole))
}
