package dialer

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// outside is a leg to a number that an operator asked for. It is no attempt on a
// lead, and pacing does not count it; it takes a channel and a token of the
// carrier's rate like any call, and its dialog is kept with the attempt's, so that a
// restart ends both.
type outside struct {
	leg     sip.LegID
	route   Route
	dialog  sip.Dialog
	placed  bool // the INVITE left
	dropped bool // nobody wants it any more
}

// keptDialogs is what the store keeps for an attempt: the customer's dialog, and
// those of legs to numbers outside.
type keptDialogs struct {
	sip.Dialog
	Outside []sip.Dialog `json:"outside,omitempty"`
}

// all are every dialog, the customer's first.
func (k keptDialogs) all() []sip.Dialog { return append([]sip.Dialog{k.Dialog}, k.Outside...) }

// reserveOutside takes a way out to a number, under the caller ID that the customer
// has seen.
func (e *Engine) reserveOutside(now time.Time, c *liveCall, number string) (*outside, error) {
	if e.draining || e.storeDown() || e.term(now) == 0 {
		return nil, ErrNoChannel
	}
	route, err := e.deps.Trunks.Reserve(c.campaign.Trunks, number, []string{c.route.CallerID}, string(newAttemptID()))
	if err != nil {
		return nil, fmt.Errorf("%w: %w", ErrNoChannel, err)
	}
	c.thirds++
	leg := sip.LegID(fmt.Sprintf("third:%s:%d", c.ID(), c.thirds))
	return &outside{leg: leg, route: route, dialog: route.Dialog}, nil
}

// dialOutside sends the INVITE once a crash could no longer leave it up.
func (e *Engine) dialOutside(c *liveCall, out *outside) {
	c.outside = append(c.outside, out)
	e.outside[out.leg] = c
	e.saveDialogs(c, func(now time.Time, err error) {
		switch {
		case out.dropped:
		case err != nil:
			e.log.Error("a third party is not called: its dialog would not survive a crash", zap.String("call", string(c.ID())), zap.Error(err))
			e.outsideGone(now, c, out)
		default:
			e.placeOutside(now, c, out)
		}
	})
}

func (e *Engine) placeOutside(now time.Time, c *liveCall, out *outside) {
	if out.dropped {
		return
	}
	if wait := e.deps.Trunks.Depart(out.route); wait > 0 {
		e.after(wait, func(now time.Time) { e.placeOutside(now, c, out) })
		return
	}
	offer, err := e.deps.Audio.Offer(media.LegID(out.leg), customerSpec(out.route))
	if err != nil {
		e.log.Warn("no audio port", zap.String("leg", string(out.leg)), zap.Error(err))
		e.outsideGone(now, c, out)
		return
	}
	out.placed = true
	e.deps.Trunks.Dial(out.leg, out.route, offer)
}

// outsideOf is the leg to a number of a call, nil if it is none.
func (e *Engine) outsideOf(leg string) (*liveCall, *outside) {
	c := e.outside[sip.LegID(leg)]
	if c == nil {
		return nil, nil
	}
	return c, c.outside[slices.IndexFunc(c.outside, func(o *outside) bool { return string(o.leg) == leg })]
}

func (e *Engine) outsideAnswered(now time.Time, c *liveCall, out *outside, ev sip.Answered) {
	out.dialog = ev.Dialog
	if err := e.deps.Audio.Accept(media.LegID(out.leg), ev.Body); err != nil {
		e.log.Warn("answer refused", zap.String("leg", string(out.leg)), zap.String("trunk", out.route.Trunk), zap.Error(err))
		e.deps.Trunks.Hangup(out.leg, noUsableAudio(err))
		return
	}
	e.saveDialogs(c, func(time.Time, error) { e.deps.Trunks.Confirm(out.leg) })
	if c.third == nil || c.third.out != out {
		return // it is being hung up on
	}
	c.third.up = true
	e.step(now, c, call.ThirdUp{})
}

// hangUpOutside ends a leg. It is gone with its sip.Ended, or at once where its
// INVITE never left.
func (e *Engine) hangUpOutside(c *liveCall, out *outside) {
	out.dropped = true
	if out.placed {
		e.deps.Trunks.Hangup(out.leg, sip.Cause{Code: 487, Q850: 16, Text: "normal call clearing"})
		return
	}
	e.forgetOutside(c, out)
}

// outsideGone follows the end of a leg, whoever ended it.
func (e *Engine) outsideGone(now time.Time, c *liveCall, out *outside) {
	e.forgetOutside(c, out)
	if c.third != nil && c.third.out == out {
		c.third = nil
		e.step(now, c, call.ThirdGone{})
	}
}

func (e *Engine) forgetOutside(c *liveCall, out *outside) {
	out.dropped = true
	delete(e.outside, out.leg)
	c.outside = slices.DeleteFunc(c.outside, func(o *outside) bool { return o == out })
	if out.placed {
		e.deps.Audio.Close(media.LegID(out.leg))
	} else {
		e.deps.Trunks.Release(out.route)
	}
	e.touchCrowdedOut()
	if c.State() != call.Over {
		e.saveDialogs(c, nil)
	} else if !c.endedAt.IsZero() {
		c.endingMayGo()
	}
}

// endingMayGo writes the ending that waited for the legs outside: until they are
// gone a restart must find them.
func (c *liveCall) endingMayGo() {
	if c.writeEnding != nil && len(c.outside) == 0 {
		c.writeEnding()
		c.writeEnding = nil
	}
}

// saveDialogs makes the dialogs of a call durable as they are now, one write after
// the other, and then tells.
func (e *Engine) saveDialogs(c *liveCall, then func(now time.Time, err error)) {
	c.unsaved = append(c.unsaved, then)
	if len(c.unsaved) == 1 && !c.saving {
		e.saveNext(c)
	}
}

func (e *Engine) saveNext(c *liveCall) {
	id, dialogs, waiting := c.ID(), c.dialogs(), c.unsaved
	c.unsaved, c.saving = nil, true
	e.later(func(ctx context.Context) func(time.Time) {
		err := e.deps.Store.SaveDialog(ctx, id, dialogs)
		if err != nil {
			e.log.Warn("dialog not kept: a crash would leave this call to the session timer", zap.String("call", string(id)), zap.Error(err))
		}
		return func(now time.Time) {
			c.saving = false
			for _, then := range waiting {
				if then != nil {
					then(now, err)
				}
			}
			if len(c.unsaved) > 0 && !c.saving {
				e.saveNext(c)
			}
		}
	})
}

// dialogs are what the store keeps of a call.
func (c *liveCall) dialogs() []byte {
	kept := keptDialogs{Dialog: c.dialog}
	for _, out := range c.outside {
		kept.Outside = append(kept.Outside, out.dialog)
	}
	b, err := json.Marshal(kept)
	if err != nil {
		panic(err) // strings and numbers only
	}
	return b
}
