package dialer

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/media"
)

// Presence is who hears a manager who listens in: nobody, the operators, everybody.
type Presence = media.Presence

// The ways to listen in; see media.Presence.
const (
	Listen  = media.Listen
	Whisper = media.Whisper
	Barge   = media.Barge
)

// talks are the states in which a call can be listened to.
var talks = []call.State{call.Bridged, call.Held, call.Asking, call.Consulting, call.Conferring, call.Handing, call.Handed}

// ListenIn puts a user who is on duty and paused into a call, by their phone as an
// operator's, until StopListening, the end of the pause or of the call. Asked again it
// changes the presence, or the call. What is said while the customer is on hold is
// not heard.
func (e *Engine) ListenIn(ctx context.Context, user campaigns.UserID, id campaigns.AttemptID, as Presence) error {
	return e.do(ctx, func(now time.Time) error {
		o, c := e.operators[string(user)], e.calls[id]
		switch {
		case o == nil || o.leg == "" || o.State() != operator.Paused:
			return fmt.Errorf("%w: go on duty and stay paused to listen in", ErrState)
		case c == nil || !slices.Contains(talks, c.State()):
			return ErrNoCall
		}
		e.stopListening(o)
		o.listensTo, o.presence = id, as
		c.listeners = append(c.listeners, o)
		e.deps.Audio.Monitor(media.LegID(o.leg), media.LegID(id), as)
		e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
		return nil
	})
}

// StopListening ends what ListenIn began.
func (e *Engine) StopListening(ctx context.Context, user campaigns.UserID) error {
	return e.do(ctx, func(now time.Time) error {
		o := e.operators[string(user)]
		if o == nil || o.listensTo == "" {
			return ErrNoCall
		}
		e.stopListening(o)
		e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
		return nil
	})
}

func (e *Engine) stopListening(o *liveOperator) {
	if o.listensTo == "" {
		return
	}
	if c := e.calls[o.listensTo]; c != nil {
		c.listeners = slices.DeleteFunc(c.listeners, func(other *liveOperator) bool { return other == o })
	}
	o.listensTo, o.presence = "", ""
	e.deps.Audio.Unmonitor(media.LegID(o.leg))
}

// sendListenersAway follows the end of a call that is listened to.
func (e *Engine) sendListenersAway(c *liveCall) {
	for _, o := range slices.Clone(c.listeners) {
		e.stopListening(o)
		e.deps.Observer.Notice(OperatorChanged{e.operatorView(o)})
	}
}
