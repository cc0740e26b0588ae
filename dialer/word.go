package dialer

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A talk that was handed from one operator to another has one disposition like any
// other: what the last who had the customer says. Where they say nothing, what the
// one before them said holds. Who says that the person must not be called is heard in
// any case.

// newTalk is what an operator who comes into a call has on the screen.
func newTalk(now time.Time, c *liveCall, o *liveOperator) *talk {
	return &talk{
		operator: o.ID(), attempt: c.ID(), claim: c.claim, campaign: c.campaign.Campaign, callID: c.route.Dialog.CallID,
		verdictAt: c.VerdictAt(), bridgedAt: now, calledIn: c.calledIn(),
	}
}

// chain makes t the talk of an attempt, after the one whose operator handed the
// customer over, if there is one.
func (e *Engine) chain(id campaigns.AttemptID, t *talk) {
	if before := e.talks[id]; before != nil {
		t.before, before.next = before, t
	}
	e.talks[id] = t
}

// last is the talk whose operator had the customer last.
func (t *talk) last() *talk {
	for t.next != nil {
		t = t.next
	}
	return t
}

// word is the disposition that holds, nil while the last operator may yet give one.
func (t *talk) word() *campaigns.Disposal {
	t = t.last()
	if !t.disposed {
		return nil
	}
	var word *campaigns.Disposal
	suppress := false
	for at := t; at != nil; at = at.before {
		if at.said == nil {
			continue
		}
		if word == nil {
			word = at.said
		}
		suppress = suppress || at.said.Suppress
	}
	if word == nil {
		word = t.fallback
	}
	if word == nil {
		return nil
	}
	resolved := *word
	resolved.Suppress = resolved.Suppress || suppress
	return &resolved
}
