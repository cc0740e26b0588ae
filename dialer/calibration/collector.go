package calibration

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/media"
)

// Collector makes samples of the engine's notices. The engine's loop calls it; nobody else
// may.
type Collector struct {
	take     func(Sample)
	features map[campaigns.CampaignID]bool // whether a campaign keeps them
	waiting  map[campaigns.AttemptID]Sample
	swept    time.Time
}

const (
	// hangsUpWithin is how soon after an operator came nobody but a person hangs up.
	hangsUpWithin = 3 * time.Second
	// disposedWithin is how long a talk may wait for its disposition.
	disposedWithin = 2 * time.Hour
)

// NewCollector returns one that gives each sample to take once, when its label is known or
// will not be.
func NewCollector(take func(Sample)) *Collector {
	return &Collector{take: take, features: map[campaigns.CampaignID]bool{}, waiting: map[campaigns.AttemptID]Sample{}}
}

// Notice implements dialer.Observer.
func (c *Collector) Notice(n dialer.Notice) {
	switch n := n.(type) {
	case dialer.CampaignChanged:
		c.features[n.Campaign.ID] = n.Campaign.DetectionFeatures
	case dialer.CallEnded:
		c.sweep(n.Ending.At)
		if n.Ending.AnsweredAt.IsZero() || n.Heard.Kind == "" && !n.Heard.Checked {
			return // nobody answered, or nobody listened for long enough
		}
		c.ended(n)
	case dialer.Disposed:
		if s, ok := c.waiting[n.Disposal.Attempt]; ok {
			delete(c.waiting, n.Disposal.Attempt)
			c.take(disposed(s, n))
		}
	}
}

func (c *Collector) ended(n dialer.CallEnded) {
	h, e := n.Heard, n.Ending
	s := Sample{
		At: e.AnsweredAt, Attempt: string(e.Attempt), Campaign: string(n.Campaign), Trunk: n.Trunk,
		Verdict: h.Kind, Chance: h.Chance, Checked: h.Checked,
	}
	if c.features[n.Campaign] {
		s.Features = h.Features
	}
	switch {
	case h.Kind == media.Machine && h.Beep:
		s.Label, s.Basis = Nobody, ByBeep
	case h.Said: // the call was taken back at this word: no disposition follows
		s.Label, s.Basis = Nobody, ByDisposition
	case h.Doubted && h.HungUp, h.HungUp && !e.BridgedAt.IsZero() && e.At.Sub(e.BridgedAt) < hangsUpWithin:
		s.Label, s.Basis = Person, ByHangUp
	}
	if e.Operator == "" || s.Basis == ByBeep {
		c.take(s)
		return
	}
	c.waiting[e.Attempt] = s
}

// disposed labels a talk by what its operator says; what is written because nobody said
// anything is no label.
func disposed(s Sample, n dialer.Disposed) Sample {
	if n.Disposal.By == "" {
		return s
	}
	s.Label, s.Basis = Person, ByDisposition
	if n.Nobody {
		s.Label = Nobody
	}
	return s
}

// sweep lets go of talks that got no disposition: their operator is gone.
func (c *Collector) sweep(now time.Time) {
	if now.Sub(c.swept) < disposedWithin/10 {
		return
	}
	c.swept = now
	for id, s := range c.waiting {
		if now.Sub(s.At) > disposedWithin {
			delete(c.waiting, id)
			c.take(s)
		}
	}
}
