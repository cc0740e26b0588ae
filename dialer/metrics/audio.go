package metrics

import (
	"github.com/prometheus/client_golang/prometheus"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// audio are the series of how calls sounded: those of customers by trunk, those of
// operators by what they talk with.
type audio struct {
	mos, loss, jitter, roundTrip                                 *prometheus.HistogramVec
	operatorMOS, operatorLoss, operatorJitter, operatorRoundTrip *prometheus.HistogramVec
	oneWay, operatorOneWay                                       *prometheus.CounterVec
}

// Buckets of the figures of a leg: MOS, share of lost packets, seconds.
var (
	mosBuckets    = []float64{1, 2, 2.5, 3, 3.3, 3.6, 3.8, 4, 4.2, 4.3, 4.4}
	lossBuckets   = []float64{0, .001, .0025, .005, .01, .02, .03, .05, .1, .2, .5}
	jitterBuckets = []float64{.001, .002, .005, .01, .015, .02, .03, .05, .1, .2}
	tripBuckets   = []float64{.005, .01, .02, .05, .1, .15, .2, .3, .4, .6, 1}
)

type makeHistogram func(name, help string, buckets []float64, labels ...string) *prometheus.HistogramVec

func newAudio(histogram makeHistogram, counter func(name, help string, labels ...string) *prometheus.CounterVec) audio {
	return audio{
		mos:               histogram("audio_mos", "Estimated opinion of the customers' audio (MOS, ITU-T G.107) of answered calls.", mosBuckets, "trunk"),
		loss:              histogram("audio_loss_ratio", "Share of the customers' RTP packets that never came.", lossBuckets, "trunk"),
		jitter:            histogram("audio_jitter_seconds", "Mean jitter of the customers' audio (RFC 3550).", jitterBuckets, "trunk"),
		roundTrip:         histogram("audio_round_trip_seconds", "Round trip to the carriers by RTCP; only where they report.", tripBuckets, "trunk"),
		operatorMOS:       histogram("audio_operator_mos", "Estimated opinion of the operators' audio (MOS, ITU-T G.107) of talks.", mosBuckets, "kind"),
		operatorLoss:      histogram("audio_operator_loss_ratio", "Share of the operators' RTP packets that never came, of talks.", lossBuckets, "kind"),
		operatorJitter:    histogram("audio_operator_jitter_seconds", "Mean jitter of the operators' audio (RFC 3550), of talks.", jitterBuckets, "kind"),
		operatorRoundTrip: histogram("audio_operator_round_trip_seconds", "Round trip to the operators by RTCP; only where they report.", tripBuckets, "kind"),
		oneWay:            counter("audio_one_way_total", "Bridges in which a customer was not heard, or did not hear, by cause.", "trunk", "cause"),
		operatorOneWay:    counter("audio_operator_one_way_total", "Bridges in which an operator was not heard, or did not hear, by cause.", "kind", "cause"),
	}
}

// kindOf is what an operator talks with.
func kindOf(browser bool) string {
	if browser {
		return "browser"
	}
	return "phone"
}

// ended counts the audio of a call; nil where nobody answered.
func (a audio) ended(trunk string, kept *campaigns.Audio) {
	if kept == nil {
		return
	}
	observe(kept.Customer, trunk, a.mos, a.loss, a.jitter, a.roundTrip)
	if o := kept.Operator; o != nil {
		observe(o, kindOf(o.Browser), a.operatorMOS, a.operatorLoss, a.operatorJitter, a.operatorRoundTrip)
	}
}

// observe counts a leg. One from which nothing came has no figures: see one_way.
func observe(l *campaigns.LegAudio, label string, mos, loss, jitter, roundTrip *prometheus.HistogramVec) {
	if l == nil || l.Received == 0 {
		return
	}
	mos.WithLabelValues(label).Observe(l.MOS)
	loss.WithLabelValues(label).Observe(l.Loss)
	jitter.WithLabelValues(label).Observe(l.JitterSeconds)
	if l.RoundTrip > 0 {
		roundTrip.WithLabelValues(label).Observe(l.RoundTrip)
	}
}

func (a audio) onOneWay(trunk string, n dialer.AudioOneWay) {
	if n.Side == campaigns.OperatorSide {
		a.operatorOneWay.WithLabelValues(kindOf(n.Browser), n.Cause).Inc()
		return
	}
	a.oneWay.WithLabelValues(trunk, n.Cause).Inc()
}
