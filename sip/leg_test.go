package sip

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

var update = flag.Bool("update", false, "write the state table into the package comment")

// bench drives one leg without a network or a clock.
type bench struct {
	*leg
	now    time.Time
	armed  map[timer]armed
	events []Event
	acts   []action // of the last input
	cseq   uint32   // of the far end
	gone   bool
}

type armed struct {
	at  time.Time
	gen uint32
}

func newBench() *bench {
	l := newLeg("leg", timing{500 * time.Millisecond, 4 * time.Second}, session{interval: 120 * time.Second, minimum: 90 * time.Second},
		Config{}.withDefaults().Classify, func() float64 { return 0.5 })
	return &bench{leg: l, now: time.Unix(1e9, 0), armed: map[timer]armed{}, cseq: 10}
}

func (b *bench) give(in input) {
	b.acts = b.step(b.now, in)
	for _, a := range b.acts {
		switch a := a.(type) {
		case arm:
			delete(b.armed, a.timer)
			if a.after >= 0 {
				b.armed[a.timer] = armed{b.now.Add(a.after), a.gen}
			}
		case tell:
			b.events = append(b.events, a.event)
		case forget:
			b.gone = true
		}
	}
}

// tick lets the next timer fire; false if none runs.
func (b *bench) tick() bool {
	next, found := timer(0), false
	for t, a := range b.armed {
		if !found || a.at.Before(b.armed[next].at) {
			next, found = t, true
		}
	}
	if !found {
		return false
	}
	a := b.armed[next]
	delete(b.armed, next)
	if a.at.After(b.now) {
		b.now = a.at
	}
	b.give(fired{next, a.gen})
	return true
}

func (b *bench) fire(t timer) { b.give(fired{t, b.gens[t]}) }

func (b *bench) response(method string, code int, tag string) *response {
	r := &response{method: method, cseq: b.dialog.CSeq, code: code, phrase: "phrase", tag: tag,
		contact: "sip:far@192.0.2.1", session: sessionExpires{120 * time.Second, "uac"}, body: []byte("v=0")}
	if method == "BYE" && b.main != nil {
		r.cseq = b.main.cseq
	}
	if code == 401 {
		r.challenges = []challenge{{value: `Digest realm="r", nonce="n"`}}
	}
	return r
}

func (b *bench) request(method string, body []byte) *request {
	b.cseq++
	r := &request{method: method, cseq: b.cseq, localTag: "L", remoteTag: "A", contact: "sip:far@192.0.2.1", body: body, raw: body}
	if method == "ACK" && b.unacked != nil {
		r.cseq = b.unacked.req.cseq
	}
	return r
}

func (b *bench) invitation() start {
	return start{Invitation{
		Dialog: NewDialog("trunk", "udp", "192.0.2.1:5060", "sip:1@192.0.2.1", "sip:2@192.0.2.2", "sip:1@192.0.2.1", ""),
		Body:   []byte("v=0"), RingTimeout: 25 * time.Second, AnswerTimeout: 4 * time.Second, Credentials: &Credentials{"u", "p"},
	}}
}

func (b *bench) invited() invited {
	return invited{b.request("INVITE", []byte("v=0")), Incoming{Leg: "leg"}}
}

// named inputs, in the order of the table.
var inputs = []struct {
	name string
	give func(b *bench)
}{
	{"Invite", func(b *bench) { b.give(b.invitation()) }},
	{"Hangup", func(b *bench) { b.give(hangup{Cause{Code: 480}}) }},
	{"Ring", func(b *bench) { b.give(ring{}) }},
	{"Accept", func(b *bench) { b.give(accept{[]byte("v=0")}) }},
	{"INVITE arrives", func(b *bench) { b.give(b.invited()) }},
	{"CANCEL arrives", func(b *bench) { b.give(cancelled{}) }},
	{"ACK arrives", func(b *bench) { b.give(b.request("ACK", nil)) }},
	{"BYE arrives", func(b *bench) { b.give(b.request("BYE", nil)) }},
	{"re-INVITE arrives", func(b *bench) { b.give(b.request("INVITE", []byte("v=0 hold"))) }},
	{"INFO arrives", func(b *bench) { b.give(b.request("INFO", nil)) }},
	{"100", func(b *bench) { b.give(b.response("INVITE", 100, "")) }},
	{"180", func(b *bench) { b.give(b.response("INVITE", 180, "A")) }},
	{"2xx", func(b *bench) { b.give(b.response("INVITE", 200, "A")) }},
	{"2xx of another fork", func(b *bench) { b.give(b.response("INVITE", 200, "B")) }},
	{"401", func(b *bench) { b.give(b.response("INVITE", 401, "A")) }},
	{"486", func(b *bench) { b.give(b.response("INVITE", 486, "A")) }},
	{"no response", func(b *bench) { b.give(failed{method: "INVITE", cseq: b.dialog.CSeq}) }},
	{"200 to BYE", func(b *bench) { b.give(b.response("BYE", 200, "A")) }},
	{"answer timer", func(b *bench) { b.fire(answerTimer) }},
	{"ring timer", func(b *bench) { b.fire(ringTimer) }},
	{"cancel timer", func(b *bench) { b.fire(cancelTimer) }},
	{"ack timer", func(b *bench) { b.fire(ackTimer) }},
	{"refresh timer", func(b *bench) { b.fire(refreshTimer) }},
	{"expire timer", func(b *bench) { b.fire(expireTimer) }},
	{"end timer", func(b *bench) { b.fire(endTimer) }},
	{"forget timer", func(b *bench) { b.fire(forgetTimer) }},
}

// ways leads a new leg into each state by named inputs.
var ways = [states][]string{
	idle:       {},
	calling:    {"Invite"},
	proceeding: {"Invite", "100"},
	early:      {"Invite", "180"},
	abandoning: {"Invite", "Hangup"},
	cancelling: {"Invite", "180", "Hangup"},
	deserted:   {"Invite", "answer timer"},
	incoming:   {"INVITE arrives"},
	ringing:    {"INVITE arrives", "Ring"},
	accepted:   {"INVITE arrives", "Accept"},
	closing:    {"INVITE arrives", "Accept", "Hangup"},
	up:         {"Invite", "2xx"},
	ending:     {"Invite", "2xx", "Hangup"},
	ended:      {"Invite", "486"},
}

func (b *bench) named(name string) {
	for _, in := range inputs {
		if in.name == name {
			in.give(b)
			return
		}
	}
	panic(name)
}

func inState(t *testing.T, s state) *bench {
	t.Helper()
	b := newBench()
	for _, name := range ways[s] {
		b.named(name)
	}
	if b.state != s {
		t.Fatalf("the way to %s leads to %s", s, b.state)
	}
	return b
}

// did says what the last input brought about.
func (b *bench) did() string {
	var all []string
	for _, a := range b.acts {
		switch a := a.(type) {
		case send:
			all = append(all, a.method)
		case respond:
			all = append(all, fmt.Sprint(a.code))
		case tell:
			name := strings.TrimPrefix(fmt.Sprintf("%T", a.event), "sip.")
			if e, ok := a.event.(Ended); ok && e.LateAnswer {
				name += " (late answer)"
			}
			all = append(all, name)
		case stopInvite:
			all = append(all, "stop INVITE")
		case forget:
			all = append(all, "forget")
		}
	}
	return strings.Join(all, ", ")
}

// TestStateTable compares the table in the package comment with what the leg
// does: each input in each state, where anything happens.
func TestStateTable(t *testing.T) {
	var rows strings.Builder
	line := func(a, b, c, d string) {
		rows.WriteString(strings.TrimRight(fmt.Sprintf("//\t%-11s %-20s %-11s %s", a, b, c, d), " ") + "\n")
	}
	line("state", "input", "next", "does")
	for s := range states {
		for _, in := range inputs {
			b := inState(t, s)
			in.give(b)
			if did := b.did(); did != "" || b.state != s {
				line(s.String(), in.name, b.state.String(), did)
			}
		}
	}
	const head = `package sip

// # The states of a leg
//
// What each input does in each state; what is not in the table is ignored.
// "2xx" comes from the fork that "180" came from. Words in capitals are
// requests, numbers are responses, the rest are events. Written by
// go test -run TestStateTable -update.
//
`
	want := strings.TrimPrefix(head, "package sip\n\n") + rows.String() + "package sip\n"
	if *update {
		if err := os.WriteFile("statetable.go", []byte(want), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	got, err := os.ReadFile("statetable.go")
	if err != nil {
		t.Fatal(err)
	}
	if string(got) != want {
		t.Error("the state table in statetable.go is not what the leg does: run go test -run TestStateTable -update")
	}
}

// Whatever comes in whatever order: the engine hears Ended exactly once, every
// request is answered, every 2xx acknowledged, and nothing is kept for ever.
func TestLegLaws(t *testing.T) {
	extra := []func(b *bench){
		func(b *bench) { b.give(reply{[]byte("v=0 answer")}) },
		func(b *bench) { b.give(reply{nil}) },
		func(b *bench) { b.give(b.request("UPDATE", nil)) },
		func(b *bench) { b.give(b.request("INVITE", nil)) },
		func(b *bench) { b.give(b.request("PRACK", nil)) },
		func(b *bench) { b.give(b.response("UPDATE", 200, "A")) },
		func(b *bench) { b.give(b.response("BYE", 401, "A")) },
		func(b *bench) { b.give(b.response("INVITE", 491, "A")) },
		func(b *bench) { b.give(failed{method: "BYE", tag: "A"}) },
		func(b *bench) { b.tick() },
	}
	rapid.Check(t, func(rt *rapid.T) {
		b := newBench()
		if rapid.Bool().Draw(rt, "outbound") {
			b.named("Invite")
		} else {
			b.named("INVITE arrives")
		}
		pending := 0 // requests of the far end without a final response
		if b.call != nil {
			pending++
		}
		count := func() {
			for _, a := range b.acts {
				if r, ok := a.(respond); ok && r.code >= 200 {
					pending--
				}
			}
		}
		for i := range rapid.IntRange(0, 30).Draw(rt, "steps") {
			n := rapid.IntRange(0, len(inputs)+len(extra)-1).Draw(rt, fmt.Sprint("input", i))
			before := b.cseq
			if n < len(inputs) {
				if inputs[n].name == "Invite" || inputs[n].name == "INVITE arrives" {
					continue
				}
				inputs[n].give(b)
			} else {
				extra[n-len(inputs)](b)
			}
			isAck := n < len(inputs) && inputs[n].name == "ACK arrives"
			if b.cseq > before && !isAck {
				pending++
			}
			if n < len(inputs) && strings.HasPrefix(inputs[n].name, "2xx") && b.call == nil && b.own == nil {
				if !slices.ContainsFunc(b.acts, func(a action) bool { s, ok := a.(send); return ok && s.method == "ACK" }) {
					rt.Fatalf("a 2xx is not acknowledged in state %s", b.state)
				}
			}
			for _, a := range b.acts { // a repeated 2xx answers no second request
				if r, ok := a.(respond); ok && r.code >= 200 && b.unacked != nil && r.to == b.unacked.req && len(b.acts) > 1 {
					if _, again := b.acts[0].(tally); again {
						pending++
					}
				}
			}
			count()
		}
		b.give(hangup{})
		count()
		b.give(failed{method: "INVITE", cseq: b.dialog.CSeq})
		for range 200 {
			if b.gone {
				break
			}
			if !b.tick() {
				break
			}
		}
		if !b.gone {
			rt.Fatalf("kept for ever in state %s, timers %v", b.state, b.armed)
		}
		var ends int
		for i, e := range b.events {
			if _, ok := e.(Ended); ok {
				if ends++; i != len(b.events)-1 {
					rt.Errorf("%T after Ended", b.events[i+1])
				}
			}
		}
		if ends != 1 {
			rt.Errorf("%d times Ended in %v", ends, b.events)
		}
	})
}

func TestGlareBackOff(t *testing.T) {
	b := inState(t, up)
	b.main.update = false
	b.fire(refreshTimer)
	b.give(b.response("INVITE", 491, "A"))
	if got := b.armed[refreshTimer].at.Sub(b.now); got != 3050*time.Millisecond {
		t.Errorf("the owner of the Call-ID waits %s", got)
	}
}

func TestRefreshFallsBackToInvite(t *testing.T) {
	b := inState(t, up)
	b.main.update = true
	b.fire(refreshTimer)
	b.give(&response{method: "UPDATE", cseq: b.dialog.CSeq, code: 501})
	if got := b.did(); got != "INVITE" {
		t.Errorf("did %q", got)
	}
}

func TestNobodyAnswersTheOffer(t *testing.T) {
	b := inState(t, up)
	b.named("re-INVITE arrives")
	b.fire(offerTimer)
	if got := b.did(); got != "500" {
		t.Errorf("did %q", got)
	}
}

// A 100 that nothing follows counts as alerting after 4 s.
func TestRingClock(t *testing.T) {
	b := inState(t, proceeding)
	if got := b.armed[ringTimer].at.Sub(b.now); got != 29*time.Second {
		t.Errorf("after 100: %s", got)
	}
	b.now = b.now.Add(time.Second)
	b.named("180")
	if got := b.armed[ringTimer].at.Sub(b.now); got != 25*time.Second {
		t.Errorf("after 180: %s", got)
	}
	b.now = b.now.Add(time.Second)
	b.named("180")
	if got := b.armed[ringTimer].at.Sub(b.now); got != 24*time.Second {
		t.Errorf("a second 180 starts the clock again: %s", got)
	}
}
