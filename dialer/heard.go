package dialer

import (
	"hash/fnv"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/media"
)

// Heard is what the detector made of an answered call, whether or not anybody acted on it.
type Heard struct {
	Kind     media.VerdictKind // empty: nothing was told
	Chance   float64           // of a person when it was told, in [0, 1]
	Beep     bool              // heard of a machine
	Checked  bool              // an operator had the call whatever was heard
	Doubted  bool              // it ended while a machine was in doubt
	HungUp   bool              // the far end ended it
	Said     bool              // its operator said that it was a machine
	Features []float32         // as detect.FeatureNames; nil before anybody spoke
	settled  bool
}

// take keeps a verdict. The one that is acted on counts: a machine in doubt or a person on
// trial only until more is told.
func (h *Heard) take(v media.Verdict) {
	if v.Early || v.Kind == media.Ringback || h.settled || h.Said {
		return
	}
	h.settled = !v.Provisional
	if v.Kind == h.Kind && v.Kind == media.Machine {
		return // no longer in doubt: what put it there counts
	}
	h.Kind, h.Features = v.Kind, v.Features
	if h.Chance = v.Probability; v.Kind != media.Person {
		h.Chance = 1 - v.Probability
	}
}

// over keeps how a call ended.
func (h *Heard) over(from call.State, ev call.Event) {
	if _, ended := ev.(call.Ended); !ended {
		return
	}
	switch from {
	case call.Detecting, call.Doubted, call.Queued, call.Bridged:
		h.HungUp, h.Doubted = true, from == call.Doubted
	}
}

// checks says whether an answered call is one of those that go to an operator whatever is
// heard. Nobody shall be lost for it, so an operator must be ready.
func (e *Engine) checks(now time.Time, c *liveCall) bool {
	if c.campaign.Detection == "off" || !isDrawn(c.ID(), c.campaign.DetectionCheck) {
		return false
	}
	_, ready := e.ready.First(func(user string) bool {
		o := e.operators[user]
		return o.campaign == c.campaign.ID && !o.resting(now)
	})
	return ready && len(e.waiting) == 0
}

// isDrawn says whether an attempt is of a share that is drawn by chance.
func isDrawn(id campaigns.AttemptID, share float64) bool {
	h := fnv.New64a()
	_, _ = h.Write([]byte(id)) // never fails
	return float64(h.Sum64()>>11)/(1<<53) < share
}

// checkFor is how long a checked call is listened to: until machines have beeped.
const checkFor = 30 * time.Second

// loss is the share of live people of a campaign whom the detector loses.
func (e *Engine) loss(r *campaignRun) float64 {
	switch {
	case r.Detection == "off": // whoever answers is taken for a person
		return 0
	case e.deps.DetectorLoss == nil:
		return e.cfg.DetectorLoss
	}
	return min(mostLoss, e.deps.DetectorLoss(r.ID))
}

// mostLoss bounds what a measurement may do to the budget, as Config.DetectorLoss is bounded.
const mostLoss = 0.2

// followLoss tells pacing what the detector loses where that has changed by more than a
// tenth of it.
func (e *Engine) followLoss(now time.Time) {
	for _, r := range e.campaigns {
		if is := e.loss(r); is > 1.1*r.loss || is < r.loss/1.1 {
			r.controller.Adjust(now, e.settings(now, r))
		}
	}
}
