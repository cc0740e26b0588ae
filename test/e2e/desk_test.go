package e2e

import (
	"context"
	"net/http"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// desk is an operator in the test's hand: a client of the public API and the
// states it has seen. The phone is whatever registers for them.
type desk struct {
	*client
	states *watch
	at     int // states looked at
}

// sitDown signs an operator in to the API.
func (p *product) sitDown(t *testing.T, user string) *desk {
	t.Helper()
	c := p.signIn(t, user, apiPassword(user))
	return &desk{client: c, states: c.operatorStates(t)}
}

// ask posts a wish of the operator.
func (d *desk) ask(ctx context.Context, what string, in any) error {
	return d.do(ctx, http.MethodPost, "/api/v1/operator/"+what, in, nil)
}

// await waits for the next time the operator is in a state.
func (d *desk) await(ctx context.Context, state string, limit time.Duration) (view, error) {
	ctx, cancel := context.WithTimeout(ctx, limit)
	defer cancel()
	v, at, err := d.states.after(ctx, d.at, state)
	d.at = at
	return v, err
}

// softphone is a phone of the test's own kind that is registered and answers
// its leg by itself. It is gone with the test.
type softphone struct {
	*phone.Phone
	legs chan *phone.Call
}

func newSoftphone(t *testing.T, p *product, user string) *softphone {
	t.Helper()
	s := &softphone{legs: make(chan *phone.Call, 4)}
	answer := func(c *phone.Call) {
		if err := c.Answer(); err != nil {
			return // the dialer was faster to leave
		}
		s.legs <- c
		<-c.Done()
	}
	var err error
	s.Phone, err = phone.New(phone.Config{User: user, Password: sipPassword(user), Registrar: p.phones, OnCall: answer,
		OnFault: func(f phone.Fault) { t.Errorf("%s: the dialer broke protocol: %+v", user, f) }})
	must(t, err)
	testbed.RunUntilCleanup(t, "the phone of "+user, s.Run)
	if _, _, err := s.Register(t.Context(), 5*time.Minute); err != nil {
		t.Fatal(err)
	}
	return s
}

// takeLeg waits for the leg that the dialer opens, or that the phone opened.
func (s *softphone) takeLeg(t *testing.T) *phone.Call {
	t.Helper()
	select {
	case c := <-s.legs:
		return c
	case <-time.After(10 * time.Second):
		t.Fatal("the phone was not called")
		return nil
	}
}
