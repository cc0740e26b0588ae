package trunk

import (
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// silent says that nothing more comes for a while.
func (w *wire) silent(d time.Duration) {
	w.t.Helper()
	select {
	case m := <-w.got:
		w.t.Errorf("too much:\n%s", m)
	case <-time.After(d):
	}
}

func quietly(far *wire) Config {
	cfg := good()
	cfg.Targets[0].Address, cfg.OptionsInterval = far.addr, -1
	return cfg
}

// F-14: the first 200 is lost, or its ACKs are. Each 200 that comes has one ACK, of the
// same dialog, and is one answer only, however often it is repeated (seven times here,
// as a far end does within 64·T1: RFC 3261 section 13.3.1.4).
func TestF14AnswerIsRepeated(t *testing.T) {
	far := newWire(t, "udp")
	x := newExchange(t, quietly(far))
	x.call(t, "a")
	invite := far.expect("INVITE")
	far.answer(invite, "180 Ringing", "")
	contact := "Contact: <sip:far@" + far.addr + ">\r\n"
	far.answer(invite, "200 OK", contact) // what came before it is lost: nobody can tell
	await[sip.Answered](t, x)
	x.Confirm("a")
	first := far.expect("ACK")
	for n := range 7 {
		far.answer(invite, "200 OK", contact)
		ack := far.expect("ACK")
		for _, name := range []string{"Call-ID", "CSeq", "From", "To"} {
			if field(ack, name) != field(first, name) {
				t.Errorf("ACK %d has %s %q, the first %q", n+2, name, field(ack, name), field(first, name))
			}
		}
	}
	far.silent(100 * time.Millisecond)
	if n := len(x.events); n != 0 {
		t.Errorf("%d events more: %+v", n, <-x.events)
	}
	if s := x.agent.Stats(); s.Retransmissions != 7 || s.LateAnswers != 0 || s.ForksEnded != 0 || s.Legs != 1 {
		t.Errorf("stats = %+v", s)
	}
	x.Hangup("a", sip.Cause{Q850: 16})
	far.answer(far.expect("BYE"), "200 OK", "")
	if end := x.ended(t); !end.WasUp || end.LateAnswer || end.Cause.Result != sip.ResultAnswered {
		t.Errorf("end = %+v", end)
	}
	if s := x.Stats()[0]; s.Channels != 0 || s.Answers != 1 {
		t.Errorf("afterwards: %+v", s)
	}
}

// F-14: somebody answers after our CANCEL. They are told at once that nobody is there
// (ACK and BYE within a second), the end says so, and the channel is free; a 200 that
// comes again has an ACK and no second BYE.
func TestF14AnswerAfterCancel(t *testing.T) {
	for name, late := range map[string]time.Duration{"at once": 0, "later": 700 * time.Millisecond} {
		t.Run(name, func(t *testing.T) {
			far := newWire(t, "udp")
			x := newExchange(t, quietly(far))
			x.call(t, "a")
			invite := far.expect("INVITE")
			far.answer(invite, "180 Ringing", "")
			x.Hangup("a", sip.Cause{Q850: 19})
			far.answer(far.expect("CANCEL"), "200 OK", "")
			<-time.After(late)
			answered := time.Now()
			far.answer(invite, "200 OK", "Contact: <sip:far@"+far.addr+">\r\n")
			far.expect("ACK")
			bye := far.expect("BYE")
			if took := time.Since(answered); took > time.Second {
				t.Errorf("BYE after %v", took)
			}
			end := x.ended(t)
			if !end.LateAnswer || !end.ByUs || end.Cause.Result != sip.ResultLateAnswer {
				t.Errorf("end = %+v", end)
			}
			far.answer(invite, "200 OK", "Contact: <sip:far@"+far.addr+">\r\n")
			if ack := far.expect("ACK"); !strings.HasPrefix(field(ack, "CSeq"), "1 ") {
				t.Errorf("ACK = %s", ack)
			}
			far.answer(bye, "200 OK", "")
			far.silent(100 * time.Millisecond)
			if s := x.agent.Stats(); s.LateAnswers != 1 || s.Legs != 0 {
				t.Errorf("stats = %+v", s)
			}
			if s := x.Stats()[0]; s.Channels != 0 || s.Ringing != 0 {
				t.Errorf("afterwards: %+v", s)
			}
		})
	}
}
