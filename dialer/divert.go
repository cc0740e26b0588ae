package dialer

import (
	"context"
	"reflect"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// onDiverted takes a call whose INVITE surely rang nobody to another target, within
// the same attempt. The dialog there is durable before its INVITE leaves, as the
// first was.
func (e *Engine) onDiverted(now time.Time, ev sip.Diverted) {
	c := e.callOf(ev.Leg)
	if c == nil || c.State() != call.Dialling { // hung up meanwhile, or a third party: who asked for them hears at once
		e.deps.Trunks.Release(ev.Route)
		e.onEnded(now, sip.Ended{Leg: ev.Leg, Cause: ev.Cause, At: now})
		return
	}
	e.log.Info("call goes to another target", zap.String("call", string(c.ID())),
		zap.String("from", ev.From), zap.String("to", ev.Route.Trunk), zap.Int("code", ev.Cause.Code), zap.String("why", c.unnamed(ev.Cause.Text)))
	again := reflect.DeepEqual(customerSpec(c.route), customerSpec(ev.Route))
	c.route, c.dialog = ev.Route, ev.Route.Dialog
	id, dialog := c.ID(), c.dialogs()
	e.later(func(ctx context.Context) func(time.Time) {
		err := e.deps.Store.SaveDialog(ctx, id, dialog)
		return func(now time.Time) {
			if err != nil {
				e.log.Warn("dialog at another target not durable: the call is not placed there", zap.String("call", string(id)), zap.Error(err))
				e.endDiverted(now, c, ev)
				return
			}
			e.placeAgain(now, c, ev, again)
		}
	})
}

// placeAgain sends the INVITE of a diverted call, as soon as the carrier's rate has
// room for it. What was asked before the first INVITE is asked once more: time has
// passed. The audio port stays where it serves that carrier too.
func (e *Engine) placeAgain(now time.Time, c *liveCall, ev sip.Diverted, samePort bool) {
	if c.State() != call.Dialling {
		return // hung up meanwhile: the trunks have their route back
	}
	if e.mayNotPlace(now, c) != "" {
		e.endDiverted(now, c, ev)
		return
	}
	if wait := e.deps.Trunks.Depart(c.route); wait > 0 {
		e.after(wait, func(now time.Time) { e.placeAgain(now, c, ev, samePort) })
		return
	}
	if leg := media.LegID(c.ID()); !samePort {
		e.deps.Audio.Close(leg)
		offer, err := e.deps.Audio.Offer(leg, customerSpec(c.route))
		if err != nil {
			e.log.Warn("no audio port", zap.String("call", string(c.ID())), zap.Error(err))
			e.endDiverted(now, c, ev)
			return
		}
		c.offer = offer
		if c.campaign.Detection != "off" {
			e.deps.Audio.Detect(leg, c.campaign.Detection)
		}
	}
	e.deps.Trunks.Dial(sip.LegID(c.ID()), c.route, c.offer)
}

// endDiverted ends a call as its first target left it.
func (e *Engine) endDiverted(now time.Time, c *liveCall, ev sip.Diverted) {
	if c.State() != call.Dialling {
		return
	}
	e.deps.Trunks.Release(c.route)
	e.onEnded(now, sip.Ended{Leg: ev.Leg, Cause: ev.Cause, At: now})
}
