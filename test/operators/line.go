package operators

import (
	"context"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// registerAgain asks register for a new try and waits for what comes of it.
func (o *operator) registerAgain(ctx context.Context) {
	done := make(chan struct{})
	select {
	case o.renew <- done:
	case <-ctx.Done():
		return
	}
	select {
	case <-done:
	case <-time.After(requestTime):
	case <-ctx.Done():
	}
}

// register keeps the phone registered until ctx ends, then removes the binding.
func (o *operator) register(ctx context.Context, registered chan<- struct{}) {
	var binding *phone.Registration
	asked := make(chan struct{}) // by nobody yet
	for {
		var granted time.Duration
		var err error
		if binding == nil {
			binding, granted, err = o.phone.Register(ctx, 2*time.Minute)
		} else {
			granted, err = binding.Refresh(ctx, 2*time.Minute)
		}
		wait := granted * 8 / 10
		switch {
		case ctx.Err() != nil:
		case err != nil:
			o.fault("register", err.Error())
			wait = 2 * time.Second
		case registered != nil:
			close(registered)
			registered = nil
		}
		close(asked)
		asked = make(chan struct{})
		select {
		case <-time.After(wait):
		case asked = <-o.renew:
		case <-ctx.Done():
			if binding != nil {
				o.unregister(ctx, binding)
			}
			return
		}
	}
}

func (o *operator) unregister(ctx context.Context, binding *phone.Registration) {
	last, cancel := context.WithTimeout(context.WithoutCancel(ctx), 2*time.Second)
	defer cancel()
	if _, err := binding.Refresh(last, 0); err != nil {
		o.fault("register", err.Error())
	}
}

// answer takes the nailed-up leg, as a phone does that obeys auto-answer.
func (o *operator) answer(c *phone.Call) {
	c.Audio.Listen(o.ear.hear)
	if err := c.Answer(); err != nil {
		o.fault("leg", err.Error())
		return
	}
	o.room.legs.Add(1)
	defer o.room.legs.Add(-1)
	o.note(phone.Event{Event: "leg_up", Leg: c.ID})
	o.legs <- c
	<-c.Done()
	by := "operator"
	if c.End().By == phone.Remote {
		by = "dialer"
	}
	o.note(phone.Event{Event: "leg_down", Leg: c.ID, By: by})
	select {
	case o.legs <- nil:
	default: // the operator has left
	}
}

// speak sends the operator's tone while a customer is on the line, comfort
// silence otherwise.
func (o *operator) speak() {
	if o.leg == nil {
		return
	}
	if o.now.State == "talking" || o.room.cfg.OpenMic {
		o.leg.Audio.Play(&phone.Tone{Hz: o.room.cfg.OperatorHz, Peak: 8000})
	} else {
		o.leg.Audio.Play(nil)
	}
}
