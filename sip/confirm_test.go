package sip

import "testing"

// TestHeldAck: an answer that is to be made durable first is acknowledged when
// our side says so, when a second is over, and before anything that ends it.
func TestHeldAck(t *testing.T) {
	for _, c := range []struct {
		name  string
		do    func(b *bench)
		want  string
		state state
	}{
		{"confirmed", func(b *bench) { b.give(confirm{}) }, "ACK", up},
		{"a second is over", func(b *bench) { b.fire(confirmTimer) }, "ACK", up},
		{"the answer again", func(b *bench) { b.give(b.response("INVITE", 200, "A")) }, "", up},
		{"another fork", func(b *bench) { b.give(b.response("INVITE", 200, "B")) }, "ACK, BYE", up},
		{"hung up by us", func(b *bench) { b.give(hangup{}) }, "ACK, BYE", ending},
		{"hung up by them", func(b *bench) { b.give(b.request("BYE", nil)) }, "200, ACK, Ended", ended},
		{"confirmed twice", func(b *bench) { b.give(confirm{}); b.give(confirm{}) }, "", up},
		{"the answer again after its ACK", func(b *bench) { b.give(confirm{}); b.give(b.response("INVITE", 200, "A")) }, "ACK", up},
	} {
		t.Run(c.name, func(t *testing.T) {
			b := newBench()
			in := b.invitation()
			in.inv.HoldAck = true
			b.give(in)
			b.give(b.response("INVITE", 180, "A"))
			b.give(b.response("INVITE", 200, "A"))
			if did := b.did(); did != "Answered" || b.state != up {
				t.Fatalf("the answer: %q, state %s", did, b.state)
			}
			c.do(b)
			if did := b.did(); did != c.want || b.state != c.state {
				t.Errorf("did %q, state %s; want %q, %s", did, b.state, c.want, c.state)
			}
		})
	}
}

// TestConfirmWithoutHold: a leg that holds nothing back has nothing to confirm.
func TestConfirmWithoutHold(t *testing.T) {
	for s := range states {
		b := inState(t, s)
		b.give(confirm{})
		if did := b.did(); did != "" || b.state != s {
			t.Errorf("in state %s: %q, state %s", s, did, b.state)
		}
	}
}
