package media

import (
	"math"
	"time"
)

// The constants of the E-model for G.711 between phones that conceal what is lost.
const (
	// bestRating is R of a narrow-band call with every other parameter at its
	// default (ITU-T G.107, clause 7.7).
	bestRating = 93.2
	// lossRobustness is Bpl of G.711 with packet loss concealment (ITU-T G.113,
	// appendix I); its Ie is 0.
	lossRobustness = 25.1
	// delayKnee is from where on a delay is noticed as such, in milliseconds.
	delayKnee = 177.3
)

// Rating is the transmission rating R of the E-model, in [0, 100]: 93.2 is as good
// as G.711 gets, under 60 nearly all are dissatisfied. loss is the share of packets
// that are lost, in [0, 1]; burst is BurstR, how much longer the runs of lost packets
// are than they would be by chance, 1 at least; delay is from mouth to ear.
//
// It is ITU-T G.107 (06/2015), clause 7, at the default values of everything that a
// dialer cannot measure: noise, loudness, sidetone, echo. The impairment by loss is
// Ie,eff of clause 7.5 with the values of G.113 appendix I. That by delay, Id, is the
// fit of R. G. Cole and J. H. Rosenbluth, "Voice over IP performance monitoring",
// ACM SIGCOMM CCR 31 (2001), to clause 7.4.
func Rating(loss, burst float64, delay time.Duration) float64 {
	percent := 100 * min(max(loss, 0), 1)
	byLoss := 95 * percent / (percent/max(burst, 1) + lossRobustness)
	ms := float64(max(delay, 0)) / float64(time.Millisecond)
	byDelay := 0.024*ms + 0.11*max(0, ms-delayKnee)
	return min(max(bestRating-byLoss-byDelay, 0), 100)
}

// MOS is the mean opinion score that a rating stands for, in [1, 4.5] (ITU-T G.107,
// annex B). It is an estimate of what people would say (MOS-CQE), nobody was asked.
func MOS(rating float64) float64 {
	r := min(max(rating, 0), 100)
	return max(1, 1+0.035*r+r*(r-60)*(100-r)*7e-6)
}

// playout is how long a phone holds audio back: a packet, and twice the jitter so that
// few packets come too late.
func playout(jitter time.Duration) time.Duration { return FrameDuration + 2*max(jitter, 0) }

// burstRatio is BurstR of ITU-T G.107: the mean length of the runs in which packets
// were lost against that of random loss, 1/(1-loss). 1 where nothing was lost.
func burstRatio(lost, runs uint64, loss float64) float64 {
	if lost == 0 || runs == 0 {
		return 1
	}
	return math.Max(1, float64(lost)/float64(runs)*(1-loss))
}
