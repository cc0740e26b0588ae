package pacing

import (
	"fmt"
	"testing"
	"time"
)

// carrier feeds a controller with calls of which, in each thousand, so many are
// answered live after ten seconds and so many by machines; the rest rings out.
type carrier struct {
	c      Controller
	now    float64
	dialed int
	due    map[int][]Event // by the second
	busy   int             // of a thousand, after three seconds
	rate   int             // calls a second, 0: one
}

func (n *carrier) run(seconds int, live, machines int) {
	for range seconds {
		n.now++
		for _, ev := range n.due[int(n.now)] {
			n.c.Observe(at(n.now), ev)
		}
		for range max(1, n.rate) {
			n.dial(live, machines)
		}
		n.c.Decide(at(n.now), View{Room: 0, Bound: BoundLeads, Records: mainRecord})
	}
}

func (n *carrier) dial(live, machines int) {
	id := fmt.Sprint("call", n.dialed)
	n.c.Observe(at(n.now), Dialed{Call: id, Record: mainRecord[0]})
	after := func(s int, ev Event) { n.due[int(n.now)+s] = append(n.due[int(n.now)+s], ev) }
	switch fate := n.dialed * 377 % 1000; {
	case fate < live:
		after(10, Human{Call: id})
		after(10, Connected{Call: id, Operator: "op0"})
	case fate < live+machines:
		after(14, Answered{Call: id})
		after(14, Machine{Call: id})
	case fate < live+machines+n.busy:
		after(3, Ended{Call: id, Cause: CauseBusy})
	default:
		after(25, Ended{Call: id, Cause: CauseNoAnswer})
	}
	n.dialed++
}

// That a silent carrier is back shows in the first busy signals, long before anybody has
// picked up: from then on fresh calls count as they used to.
func TestPulseShowsTheEndOfASilence(t *testing.T) {
	ctl := New(Settings{Mode: Predictive, RingTimeout: 25 * time.Second}, monday).(*controller)
	ready(ctl, monday, 1)
	n := &carrier{c: ctl, due: map[int][]Event{}, busy: 200, rate: 5}
	n.run(1200, 300, 250)
	n.busy = 0
	n.run(90, 20, 20)
	lift, after := ctl.model.recovery(0, 1)
	_, older := ctl.model.recovery(0, 10)
	if lift != 1 || after < 2 || older != 1 {
		t.Fatalf("in the silence: lift %.2f, after it %.2f, of older calls %.2f; want 1, more than 2 and 1", lift, after, older)
	}
	n.busy = 200
	for took := 1; lift < 2; took++ {
		if took == 9 { // people pick up after ten
			t.Fatal("nobody has seen in 8 s that the carrier is back")
		}
		n.run(1, 300, 250)
		lift, _ = ctl.model.recovery(0, 1)
	}
}

// At a cold start a list that answers less often than was assumed, on a carrier that gives
// no early signs, is no silence whose end would show: all young calls are held against the
// operators.
func TestNoPulseAtAColdStart(t *testing.T) {
	ctl := New(Settings{Mode: Predictive, RingTimeout: 25 * time.Second}, monday).(*controller)
	ready(ctl, monday, 1)
	n := &carrier{c: ctl, due: map[int][]Event{}, rate: 5}
	held := 0
	for range 300 {
		n.run(1, 20, 20)
		if ctl.model.segments[0].mute {
			t.Fatalf("after %v s the carrier is taken for silent", n.now)
		}
		if _, after := ctl.model.recovery(0, 10); after > 1 {
			held++
		}
	}
	if held < 100 {
		t.Errorf("calls of ten seconds were held against the operators in %d of 300 s", held)
	}
}

// A silent carrier is met with care for as long as it is silent; a list that has
// become poorer only until the machines have shown that the carrier works.
func TestPoorerListIsNoSilence(t *testing.T) {
	for _, c := range []struct {
		name     string
		machines int
		careful  bool
	}{
		{"the list is poorer", 500, false},
		{"the carrier is silent", 20, true},
	} {
		ctl := New(Settings{Mode: Predictive, RingTimeout: 25 * time.Second}, monday).(*controller)
		ready(ctl, monday, 1)
		n := &carrier{c: ctl, due: map[int][]Event{}}
		n.run(1200, 300, 350)
		if _, r := ctl.model.recovery(0, 1); r != 1 {
			t.Errorf("%s: recovery %v before", c.name, r)
		}
		n.run(240, 30, c.machines)
		if _, r := ctl.model.recovery(0, 1); r > 1 != c.careful {
			t.Errorf("%s: recovery %.2f, careful should be %v", c.name, r, c.careful)
		}
	}
}
