package operators

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// nudge is how often an operator looks whether the product is waiting for it,
// and how long it waits in a state that it should not be in.
const nudge = 2 * time.Second

// deadAir is how long an operator listens to a call without a customer's tone
// before saying that a machine answered.
const deadAir = 8 * time.Second

// operator is one person: a loop that owns everything below but the ear.
type operator struct {
	room  *Operators
	user  Credential
	draw  *rand.Rand
	phone *phone.Phone
	api   *client
	ear   *ear
	shown atomic.Pointer[string] // state, for Stats

	states chan state
	legs   chan *phone.Call   // the leg that is up, nil when it went down
	renew  chan chan struct{} // register now, and close this: the product may have forgotten the phone
	leg    *phone.Call
	now    state
	since  time.Time // of now
	heard  *hearing  // the tone of the customer on the line
	early  *hearing  // a tone that came before the state that explains it

	hangUpAt time.Time // zero times are never
	formAt   time.Time
	wrapAt   time.Time
	pauseTo  time.Time
}

func newOperator(room *Operators, user Credential, draw *rand.Rand) (*operator, error) {
	o := &operator{room: room, user: user, draw: draw, ear: newEar(room.cfg.CustomerHz), states: make(chan state, 64), legs: make(chan *phone.Call, 8), renew: make(chan chan struct{}),
		api: &client{http: room.cfg.HTTP, base: room.cfg.API, user: user}}
	none := ""
	o.shown.Store(&none)
	var err error
	o.phone, err = phone.New(phone.Config{User: user.User, Password: user.SIPPassword, Registrar: room.cfg.SIP, Transport: room.cfg.Transport,
		TCP: room.cfg.Transport == "tcp", Wheel: room.wheel, OnCall: o.answer,
		OnFault: func(f phone.Fault) { o.fault(f.What, f.Detail) }})
	return o, err
}

func (o *operator) note(e phone.Event) {
	e.User = o.user.User
	o.room.journal.Note(e)
}

func (o *operator) fault(what, detail string) {
	o.room.faults.Add(1)
	o.note(phone.Event{Event: "fault", What: what, Detail: detail})
}

// work is the whole shift, from signing in to leaving.
func (o *operator) work(ctx context.Context) {
	phoneCtx, hangUp := context.WithCancel(context.WithoutCancel(ctx))
	var phoneUp, helpers sync.WaitGroup
	phoneUp.Go(func() { o.phone.Run(phoneCtx) }) //nolint:errcheck // always nil
	registered := make(chan struct{})
	helpers.Go(func() { o.register(ctx, registered) })
	select {
	case <-registered:
		helpers.Go(func() { o.follow(ctx) })
		o.loop(ctx)
		o.leave()
	case <-ctx.Done():
	}
	helpers.Wait()
	hangUp()
	phoneUp.Wait()
}

// follow passes the states on. A stream that came back may be that of a product
// that was started again: the phone registers anew, as people make it do when
// it shows no line.
func (o *operator) follow(ctx context.Context) {
	broken := false
	tell := func(s state) {
		if broken {
			broken = false
			o.registerAgain(ctx)
		}
		o.tell(ctx, s)
	}
	o.api.stream(ctx, tell, func(err error) {
		broken = true
		o.fault("api", err.Error())
	})
}

func (o *operator) tell(ctx context.Context, s state) {
	select {
	case o.states <- s:
	case <-ctx.Done():
	}
}

// loop is the operator at work.
func (o *operator) loop(ctx context.Context) {
	tick := time.NewTicker(nudge)
	defer tick.Stop()
	timer := time.NewTimer(time.Hour)
	defer timer.Stop()
	for {
		timer.Reset(o.untilNext())
		select {
		case <-ctx.Done():
			return
		case s := <-o.states:
			o.enter(ctx, s)
		case leg := <-o.legs:
			o.leg = leg
			o.speak()
		case h := <-o.ear.tone:
			o.hearTone(h)
		case <-timer.C:
			o.act(ctx)
		case <-tick.C:
			o.mind(ctx)
		}
	}
}

// untilNext is the time to what the operator means to do next.
func (o *operator) untilNext() time.Duration {
	next := time.Hour
	for _, at := range []time.Time{o.hangUpAt, o.formAt, o.wrapAt, o.pauseTo} {
		if !at.IsZero() {
			next = min(next, max(0, time.Until(at)))
		}
	}
	return next
}

// enter takes a state that the API tells.
func (o *operator) enter(ctx context.Context, s state) {
	was := o.now
	o.now, o.since = s, time.Now()
	o.shown.Store(&s.State)
	if s.State == was.State && s.Attempt == was.Attempt && s.CallID == was.CallID {
		return // the present state told again after a new connection
	}
	o.note(phone.Event{Event: "operator_state", State: s.State, Attempt: s.Attempt, Call: s.CallID, Number: s.Number, Detail: s.Reason,
		VerdictAt: s.VerdictAt.UTC(), BridgedAt: s.BridgedAt.UTC()})
	if was.State == "talking" && (s.State != "talking" || s.CallID != was.CallID) {
		o.endCall(was)
	}
	o.speak()
	switch s.State {
	case "talking":
		o.startCall()
	case "wrapping":
		o.wrapAt = time.Now().Add(o.room.lognormal(o.draw, o.room.cfg.WrapMean, 0.5))
		o.formAt = o.wrapAt.Add(-o.room.lognormal(o.draw, o.room.cfg.FormMean, 0.3))
	case "offline", "paused":
		o.mindNow(ctx)
	}
}

func (o *operator) startCall() {
	o.room.bridges.Add(1)
	o.hangUpAt = time.Now().Add(o.room.cfg.deadAir)
	if h := o.early; h != nil && o.now.CallID != "" && h.stream == phone.StreamID(o.now.CallID) {
		o.hearTone(*h)
	}
	o.early = nil
}

// hearTone is the customer's tone: the talk begins. Half of the calls the
// operator ends; the others it leaves to the customer.
func (o *operator) hearTone(h hearing) {
	if o.now.State != "talking" || h.stream != 0 && o.now.CallID != "" && h.stream != phone.StreamID(o.now.CallID) {
		o.early = &h
		return
	}
	if o.heard != nil {
		return
	}
	o.heard = &h
	o.room.heard.Add(1)
	o.note(phone.Event{T: h.toneAt, Event: "first_tone", From: "customer", Call: o.now.CallID, Attempt: o.now.Attempt, Hz: o.room.cfg.CustomerHz,
		Stream: h.stream, Mark: h.first, FirstAt: h.firstAt.UTC()})
	o.hangUpAt = time.Time{}
	if o.room.cfg.endAll || o.draw.Float64() < 0.5 {
		o.hangUpAt = time.Now().Add(o.room.lognormal(o.draw, o.room.cfg.TalkMean, 0.6))
	}
}

// endCall closes the account of the customer who was on the line.
func (o *operator) endCall(was state) {
	h, stray := o.ear.leave(phone.StreamID(was.CallID))
	if stray > 25 {
		o.fault("audio_after_end", fmt.Sprintf("%d packets of a customer who had left", stray))
	}
	if o.early != nil {
		o.fault("audio_without_call", fmt.Sprintf("stream %d in the call %s", o.early.stream, was.CallID))
	}
	o.heard, o.early, o.hangUpAt = nil, nil, time.Time{}
	if h.received == 0 {
		return
	}
	o.room.lost.Add(uint64(h.lost))
	o.note(phone.Event{Event: "marks", Call: was.CallID, Attempt: was.Attempt, Stream: h.stream, First: h.first, Last: h.last,
		Received: h.received, Lost: h.lost, Mixed: h.mixed, Spread: int(h.delays.spread().Milliseconds()), FirstAt: h.firstAt.UTC(), LastAt: h.lastAt.UTC()})
}

// act does what is due.
func (o *operator) act(ctx context.Context) {
	now := time.Now()
	due := func(at *time.Time) bool {
		if at.IsZero() || now.Before(*at) {
			return false
		}
		*at = time.Time{}
		return true
	}
	if due(&o.hangUpAt) && o.now.State == "talking" {
		o.endTalk(ctx)
	}
	if due(&o.formAt) && o.now.State == "wrapping" {
		if o.post(ctx, "stage", map[string]any{"attempt": o.now.Attempt, "stage": "form"}) {
			o.room.forms.Add(1)
		}
	}
	if due(&o.wrapAt) && o.now.State == "wrapping" {
		o.dispose(ctx)
	}
	if due(&o.pauseTo) && o.now.State == "paused" {
		o.post(ctx, "ready", nil)
	}
}

// endTalk says of who has not been heard that it is a machine; it hangs up on others, and
// where that cannot be said.
func (o *operator) endTalk(ctx context.Context) {
	if o.heard == nil && o.post(ctx, "machine", map[string]any{"attempt": o.now.Attempt}) {
		o.room.machines.Add(1)
		o.note(phone.Event{Event: "said_machine", Call: o.now.CallID, Attempt: o.now.Attempt})
		return
	}
	o.room.hangups.Add(1)
	o.post(ctx, "hangup", nil)
}

// dispositions are what operators say, with the share of each.
var dispositions = []struct {
	name  string
	share float64
}{{"sale", .1}, {"not_interested", .5}, {"callback", .1}, {"do_not_call", .03}, {"no_decision", .27}}

// dispose gives a disposition, and now and then asks for a pause.
func (o *operator) dispose(ctx context.Context) {
	name, at := "no_decision", o.draw.Float64()
	for _, d := range dispositions {
		if at < d.share {
			name = d.name
			break
		}
		at -= d.share
	}
	in := map[string]any{"attempt": o.now.Attempt, "disposition": name, "note": "", "callback_at": nil}
	if name == "callback" {
		in["callback_at"] = time.Now().Add(2 * time.Hour).UTC().Format(time.RFC3339)
	}
	pause := o.draw.Float64() < o.room.cfg.PauseProbability
	if o.post(ctx, "disposition", in) {
		o.room.dispositions.Add(1)
		o.note(phone.Event{Event: "disposition", Attempt: o.now.Attempt, Disposition: name})
	}
	if pause && o.post(ctx, "pause", map[string]any{"reason": "break"}) {
		o.room.pauses.Add(1)
		o.pauseTo = time.Now().Add(o.room.lognormal(o.draw, o.room.cfg.PauseMean, 0.5))
	}
}

// mind looks for a state that has lasted too long: a request that got lost, a
// product that was started again.
func (o *operator) mind(ctx context.Context) {
	if time.Since(o.since) >= nudge {
		o.mindNow(ctx)
	}
}

func (o *operator) mindNow(ctx context.Context) {
	switch o.now.State {
	case "offline":
		o.post(ctx, "on-duty", nil)
	case "lost":
		if o.leg == nil {
			o.post(ctx, "on-duty", nil)
		}
	case "paused":
		if o.pauseTo.IsZero() {
			o.post(ctx, "ready", nil)
		}
	case "wrapping":
		if o.wrapAt.IsZero() {
			o.dispose(ctx)
		}
	case "talking":
		if o.hangUpAt.IsZero() && o.heard == nil {
			o.hangUpAt = time.Now().Add(o.room.cfg.deadAir)
		}
	}
}

// post sends a wish to the API. A 409 is no fault: the state has moved on. The
// end of the shift does not cut a request that is under way.
func (o *operator) post(ctx context.Context, what string, in any) bool {
	err := o.api.do(context.WithoutCancel(ctx), http.MethodPost, "/api/v1/operator/"+what, in, nil)
	if e, ok := err.(*apiError); ok && e.Status == http.StatusConflict {
		return false
	}
	if err != nil {
		o.fault("api", what+": "+err.Error())
	}
	return err == nil
}

// leave goes off duty; a call that is still up is ended first. The leg is
// closed by the product, or by the phone after two seconds.
func (o *operator) leave() {
	ctx, cancel := context.WithTimeout(context.Background(), requestTime)
	defer cancel()
	if o.now.State == "talking" {
		o.endCall(o.now)
		o.post(ctx, "hangup", nil)
	}
	o.post(ctx, "off-duty", nil)
	if o.leg == nil {
		return
	}
	select {
	case <-o.leg.Done():
	case <-time.After(2 * time.Second):
		o.leg.Hangup()
		select {
		case <-o.leg.Done():
		case <-ctx.Done():
		}
	}
}
