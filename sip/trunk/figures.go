package trunk

import (
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/figures"
)

// Figures are those of one trunk over the last hour.
type Figures struct {
	Trunk string
	figures.Figures
	CallerIDs []CallerFigures // of those that were shown, in the order of the configuration
}

// CallerFigures are those of one caller ID of a trunk over the last hour.
type CallerFigures struct {
	CallerID string // E.164
	Place    int    // in the configuration, from 1: a name for it in labels
	figures.Figures
	Suspect    bool      // answered less than the others: phones may call it spam
	RestsUntil time.Time // after the network blocked it; in the past, or zero: it does not
}

// Figures sums up the last hour of every trunk, in the order of the configuration.
func (t *Trunks) Figures() []Figures {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	all := make([]Figures, 0, len(t.carriers))
	for _, c := range t.carriers {
		f := Figures{Trunk: c.cfg.Name, Figures: c.hour.Figures(now)}
		for i, id := range c.cfg.CallerIDs {
			if known := c.ids.byNumber[id]; known.hour != nil {
				f.CallerIDs = append(f.CallerIDs, CallerFigures{
					CallerID: id, Place: i + 1, Figures: known.hour.Figures(now),
					Suspect: c.ids.drift.Suspect(id), RestsUntil: known.until,
				})
			}
		}
		all = append(all, f)
	}
	return all
}

// FalseAnswer notes that a call over a trunk was answered for nobody: only the
// engine knows that no audio came (see QuickBye).
func (t *Trunks) FalseAnswer(trunk, callerID string) {
	now := t.now()
	t.mu.Lock()
	defer t.mu.Unlock()
	for _, c := range t.carriers {
		if c.cfg.Name != trunk {
			continue
		}
		c.hour.Unheard(now)
		if id := c.ids.byNumber[callerID]; id != nil && id.hour != nil {
			id.hour.Unheard(now)
		}
	}
}

// count adds the end of a call to the figures of its trunk and caller ID.
func (s *slot) count(e sip.Ended, now time.Time) {
	if e.ByUs && !e.WasUp && e.RingingAt.IsZero() && e.Cause.Result == sip.ResultNone {
		return // we gave it up before anything could come of it
	}
	call := figures.Call{Code: e.Cause.Code, Answered: e.WasUp, Effective: effective(e), Quick: QuickBye(e)}
	sign := e.RingingAt
	if sign.IsZero() {
		sign = e.AnsweredAt
	}
	if !sign.IsZero() {
		call.Delay = max(sign.Sub(s.left), time.Millisecond)
	}
	if e.WasUp {
		call.Code, call.Talk = 200, max(0, e.At.Sub(e.AnsweredAt))
	}
	s.carrier.hour.Add(now, call)
	if id := s.carrier.ids.byNumber[s.callerID]; id != nil {
		if id.hour == nil {
			id.hour = &figures.Hour{}
		}
		id.hour.Add(now, call)
	}
}

// effective says whether a call reached the called side (ITU-T E.425): whether
// somebody was there, and wanted it, is not the network's to answer for.
func effective(e sip.Ended) bool {
	switch e.Cause.Result {
	case sip.ResultAnswered, sip.ResultBusy, sip.ResultNoAnswer, sip.ResultAbsent, sip.ResultDeclined,
		sip.ResultUnwanted, sip.ResultLateAnswer, sip.ResultFalseAnswer:
		return true
	}
	return !e.RingingAt.IsZero()
}
