package trunk

import (
	"fmt"
	"net"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// pair is a carrier of two targets, the second for when the first fails.
func pair(first, second, transport string) Config {
	cfg := good()
	cfg.Targets = []Target{{Address: first, Transport: transport, Priority: 1}, {Address: second, Priority: 2}}
	cfg.MaxCPS, cfg.OptionsInterval = 1000, -1
	return cfg
}

// again does what the engine does when a call is to go to another target.
func (x *exchange) again(t *testing.T) sip.Diverted {
	t.Helper()
	d := await[sip.Diverted](t, x)
	x.Dial(d.Leg, d.Route.Own.(Route), []byte("v=0\r\n"))
	return d
}

// F-12: a call whose INVITE provably failed is at the next target within 2 s.
func TestFailover(t *testing.T) {
	for name, refusal := range map[string]string{
		"503 and Retry-After": "503 Service Unavailable\r\nRetry-After: 60",
		"500":                 "500 Server Internal Error",
		"502":                 "502 Bad Gateway",
		"503 of the network":  "503 Service Unavailable\r\nReason: Q.850;cause=34",
		"408 of the next hop": "408 Request Timeout",
		"504 of the next hop": "504 Server Time-out",
		"503 after a 100":     "100 Trying\n503 Service Unavailable",
		"TCP reset":           "",
		"challenge, then 503": "401 Unauthorized\r\nWWW-Authenticate: Digest realm=\"a\", nonce=\"b\"\n503 Service Unavailable",
	} {
		t.Run(name, func(t *testing.T) {
			second := newWire(t, "udp")
			cfg := pair(closedPort(t), second.addr, "tcp")
			var first *wire
			if refusal != "" {
				first = newWire(t, "udp")
				cfg = pair(first.addr, second.addr, "udp")
			}
			cfg.Username, cfg.Password = "u", "p"
			x := newExchange(t, cfg)
			x.call(t, "a")
			if first != nil {
				x.refuse(first, refusal)
			}
			began := time.Now()
			d := x.again(t)
			invite := second.expect("INVITE")
			if took := time.Since(began); took > 2*time.Second {
				t.Errorf("at the next target after %s", took)
			}
			if d.Leg != "a" || d.From != "alpha" || d.Route.Dialog.CallID != "id-a-2" || !strings.Contains(invite, "Call-ID: id-a-2\r\n") {
				t.Errorf("diverted %+v, INVITE\n%s", d, invite)
			}
			second.answer(invite, "180 Ringing", "")
			if p := await[sip.Progress](t, x); p.Leg != "a" {
				t.Errorf("progress of leg %s", p.Leg)
			}
			second.answer(invite, "200 OK", "Contact: <sip:far@"+second.addr+">\r\n")
			await[sip.Answered](t, x)
			x.Confirm("a")
			second.expect("ACK")
			x.Hangup("a", sip.Cause{Q850: 16})
			second.answer(second.expect("BYE"), "200 OK", "")
			if end := x.ended(t); end.Leg != "a" || end.Cause.Result != sip.ResultAnswered {
				t.Errorf("end %+v", end)
			}
			if s := x.Stats()[0]; s.Channels != 0 || s.Ringing != 0 || s.Attempts != 2 || s.Answers != 1 {
				t.Errorf("stats %+v", s)
			}
		})
	}
}

// refuse answers the INVITEs of one call by a script: statuses with headers, one
// after the other; a challenge is followed by a new INVITE.
func (x *exchange) refuse(w *wire, script string) {
	w.t.Helper()
	invite := w.expect("INVITE")
	parts := strings.Split(strings.ReplaceAll(script, "\r\n", "|"), "\n")
	for i, p := range parts {
		status, extra, _ := strings.Cut(p, "|")
		if extra != "" {
			extra += "\r\n"
		}
		w.answer(invite, status, extra)
		if strings.HasPrefix(status, "401") && i+1 < len(parts) {
			w.expect("ACK")
			invite = w.expect("INVITE")
		}
	}
}

// closedPort is an address where nobody listens.
func closedPort(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = ln.Close()
	return ln.Addr().String()
}

// F-12: where a phone may have rung, no other target is asked: 0 double rings.
func TestNoFailoverWhereAPhoneMayRing(t *testing.T) {
	for name, tt := range map[string]struct {
		refusal string
		want    sip.Result
	}{
		"503 after 180":           {"180 Ringing\n503 Service Unavailable", sip.ResultCongestion},
		"500 after 183":           {"183 Session Progress\n500 Server Internal Error", sip.ResultCongestion},
		"408 after 100":           {"100 Trying\n408 Request Timeout", sip.ResultNoAnswer},
		"504 after 100":           {"100 Trying\n504 Server Time-out", sip.ResultCongestion},
		"503, and it was busy":    {"503 Service Unavailable\r\nReason: Q.850;cause=17", sip.ResultBusy},
		"502, destination broken": {"502 Bad Gateway\r\nReason: Q.850;cause=27", sip.ResultOutOfOrder},
		"busy":                    {"486 Busy Here", sip.ResultBusy},
		"declined":                {"603 Decline", sip.ResultDeclined},
		"forbidden":               {"403 Forbidden", sip.ResultTrunkRejected},
		"redirected":              {"302 Moved Temporarily", sip.ResultRedirected},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := newWire(t, "udp"), newWire(t, "udp")
			x := newExchange(t, pair(first.addr, second.addr, "udp"))
			x.call(t, "a")
			x.refuse(first, tt.refusal)
			first.expect("ACK")
			for {
				ev := eventually.Comes(t, unhurried, "the end", x.events)
				if _, ok := ev.(sip.Diverted); ok {
					t.Fatal("it went to the next target")
				}
				if end, ok := ev.(sip.Ended); ok {
					if end.Cause.Result != tt.want {
						t.Errorf("result %q, want %q", end.Cause.Result, tt.want)
					}
					break
				}
			}
			if n := len(second.got); n != 0 {
				t.Errorf("%d messages at the second target", n)
			}
		})
	}
}

// A target that says nothing is left after failover_after. What it says too late
// is ended at once: a 1xx by CANCEL, an answer by ACK and BYE.
func TestFailoverFromSilence(t *testing.T) {
	for _, late := range []string{"180 Ringing", "200 OK"} {
		t.Run(late, func(t *testing.T) {
			t.Parallel()
			first, second := newWire(t, "udp"), newWire(t, "udp")
			cfg := pair(first.addr, second.addr, "udp")
			cfg.FailoverAfter = failoverFloor
			x := newExchange(t, cfg)
			x.call(t, "a")
			lost := first.expect("INVITE")
			x.again(t)
			invite := second.expect("INVITE")
			first.answer(lost, late, "Contact: <sip:far@"+first.addr+">\r\n")
			if late == "180 Ringing" {
				first.expect("CANCEL")
			} else {
				first.expect("ACK")
				first.expect("BYE")
			}
			second.answer(invite, "486 Busy Here", "")
			if end := x.ended(t); end.Leg != "a" || end.Cause.Result != sip.ResultBusy {
				t.Errorf("end %+v", end)
			}
		})
	}
}

// One target alone is given all the time that the protocol has.
func TestSilenceOfTheOnlyTarget(t *testing.T) {
	f := newFloor(t, good())
	f.dial(t, "a")
	two := newFloor(t, pair("192.0.2.1:5060", "192.0.2.2:5060", "udp"))
	two.dial(t, "a")
	if a, b := f.agent.invites[0].AnswerTimeout, two.agent.invites[0].AnswerTimeout; a != 0 || b != defaultFailover {
		t.Errorf("answer timeouts %s and %s", a, b)
	}
}

func down(leg string) sip.Ended {
	return sip.Ended{Leg: sip.LegID(leg), Cause: sip.Cause{Result: sip.ResultTrunkDown}}
}

// A call goes to three targets at most, to none twice, and holds one channel.
func TestFailoverEnds(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.Targets = 1000, nil
	for i := range 5 {
		cfg.Targets = append(cfg.Targets, Target{Address: fmt.Sprintf("192.0.2.%d:5060", i+1)})
	}
	f := newFloor(t, cfg)
	f.dial(t, "a")
	for _, agentLeg := range []string{"a", "a/2", "a/3"} {
		f.Handle(down(agentLeg))
		if d, ok := f.events[len(f.events)-1].(sip.Diverted); ok {
			if s := f.Stats()[0]; s.Channels != 1 || s.Ringing != 1 {
				t.Errorf("between targets: %+v", s)
			}
			f.Dial(d.Leg, d.Route.Own.(Route), nil)
		}
	}
	var to []string
	for _, inv := range f.agent.invites {
		to = append(to, inv.Dialog.Destination)
	}
	slices.Sort(to)
	if len(to) != 3 || len(slices.Compact(to)) != 3 {
		t.Errorf("INVITEs went to %v, want three targets", to)
	}
	if _, ok := f.events[len(f.events)-1].(sip.Ended); !ok || f.Stats()[0].Channels != 0 {
		t.Errorf("the last event is %T, stats %+v", f.events[len(f.events)-1], f.Stats()[0])
	}
}

func TestHangupBetweenTargets(t *testing.T) {
	f := newFloor(t, pair("192.0.2.1:5060", "192.0.2.2:5060", "udp"))
	f.dial(t, "a")
	f.Handle(down("a"))
	d := f.events[0].(sip.Diverted)
	f.Hangup("a", sip.Cause{Code: 487})
	end, ok := f.events[1].(sip.Ended)
	if !ok || end.Leg != "a" || !end.ByUs || end.Cause.Result != sip.ResultNone || len(f.agent.hungUp) != 0 {
		t.Errorf("end %+v, hung up %v", end, f.agent.hungUp)
	}
	f.Release(d.Route.Own.(Route)) // the engine may still do so
	if s := f.Stats()[0]; s.Channels != 0 || s.Ringing != 0 || len(f.legs) != 0 || len(f.reserved) != 0 {
		t.Errorf("left over: %+v", s)
	}

	f.dial(t, "b")
	f.Hangup("b", sip.Cause{})
	f.Handle(down("b"))
	if _, ok := f.events[2].(sip.Ended); !ok {
		t.Errorf("a call that we hung up goes on: %+v", f.events[2])
	}
}

// F-13: a storm of 503 at 50 calls a second. The carrier is left alone but for a
// probe a second at most, and no lead pays for it.
func TestStormOf503(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.MaxChannels = 50, 500
	f := newFloor(t, cfg)
	perSecond := make([]int, 120)
	id := 0
	for f.at.Sub(epoch) < 120*time.Second {
		if c := f.Capacity("default", f.at); c.Calls > 0 {
			id++
			f.dial(t, fmt.Sprint(id))
			perSecond[int(f.at.Sub(epoch)/time.Second)]++
			f.end(fmt.Sprint(id), sip.Cause{Code: 503, Result: sip.ResultCongestion})
		}
		f.at = f.at.Add(20 * time.Millisecond)
	}
	if perSecond[0] > patience {
		t.Errorf("%d calls in the first second, want %d", perSecond[0], patience)
	}
	for s, n := range perSecond[1:] {
		if n > 1 {
			t.Errorf("%d probes in second %d", n, s+1)
		}
	}
	if id > 12 {
		t.Errorf("%d calls in two minutes: no back-off", id)
	}
	if CountsAsAttempt(sip.ResultCongestion) {
		t.Error("a 503 counts against the lead")
	}
}
