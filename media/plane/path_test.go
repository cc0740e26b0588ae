package plane

import (
	"bytes"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

// A phone behind a NAT sends from another port than it describes: it is heard
// and answered there, as long as it is the address we know from signalling.
func TestPhoneBehindNAT(t *testing.T) {
	r := start(t, nil)
	f, described := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 1)
	spec := localOperator
	spec.Signalling = "127.0.0.1:5060"
	answer, err := r.Answer("o", spec, described.describe(1, ""))
	if err != nil {
		t.Fatal(err)
	}
	f.aim(answer)
	described.await("our first packets", func(got []heard) bool { return len(got) >= 2 })
	stop := f.keepTalking()
	got := f.await("our audio at the learned source", func(got []heard) bool { return len(got) >= 5 })
	stop()
	continuous(t, got)
	if n := r.Stats().Foreign; n != 3 {
		t.Errorf("foreign = %d, want the 3 before it proved itself", n)
	}
}

// A second description of early media and a late fork: the latest before the
// answer is heard, none after it.
func TestForks(t *testing.T) {
	r := start(t, nil)
	first, second := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700)
	strict := local
	strict.Strict = true
	offer, err := r.Offer("c", strict)
	if err != nil {
		t.Fatal(err)
	}
	first.aim(offer)
	second.aim(offer)
	if err := r.Early("c", "1", first.describe(1, "")); err != nil {
		t.Fatal(err)
	}
	if err := r.Accept("c", second.describe(1, "")); err != nil {
		t.Fatal(err)
	}
	if err := r.Early("c", "1", first.describe(1, "")); err != nil {
		t.Errorf("a late fork: %v", err)
	}
	first.talk(5)
	second.talk(5)
	second.await("silence", func(got []heard) bool { return len(got) >= 3 })
	if n := len(first.packets()); n != 0 {
		t.Errorf("%d packets to the fork that lost", n)
	}
	if s := r.Stats(); s.Foreign != 5 || s.Received != 5 {
		t.Errorf("foreign %d, received %d, want 5 and 5", s.Foreign, s.Received)
	}
	if err := r.Accept("c", nil); err != nil {
		t.Errorf("a 2xx without a body where early media had one: %v", err)
	}
	if _, err := r.Offer("d", local); err != nil {
		t.Fatal(err)
	}
	if err := r.Accept("d", nil); err != ErrNoAnswer {
		t.Errorf("a 2xx without any description: %v, want ErrNoAnswer", err)
	}
}

// The operator's leg outlives its customers: each new one goes on in the same
// stream, behind a marker.
func TestOperatorTakesOneCustomerAfterTheOther(t *testing.T) {
	r := start(t, nil)
	operator := newFarEnd(t, media.ULaw, 700)
	r.call("o", localOperator, operator)
	for i, id := range []media.LegID{"c1", "c2", "c3"} {
		operator.await("silence between", func(got []heard) bool { return len(got) > 0 && isSilence(got[len(got)-1]) })
		customer := newFarEnd(t, media.ULaw, 440)
		r.call(id, local, customer)
		r.Bridge(id, "o")
		customer.talk(5)
		operator.await("the customer", func(got []heard) bool { return len(relayed(got)) == 5*(i+1) })
		r.Close(id)
	}
	got := operator.packets()
	continuous(t, got)
	markers := 0
	for _, h := range relayed(got) {
		if h.marker {
			markers++
		}
	}
	if markers != 3 {
		t.Errorf("%d markers, want one for each customer", markers)
	}
	if s := r.Stats(); s.Bridged != 0 || s.Customers != 0 || s.Operators != 1 || s.RelayedLost != 0 {
		t.Errorf("stats = %+v", s)
	}
}

// What an idle nailed-up leg costs for a tick, and what a relayed packet does
// inside a leg, is no garbage.
func TestTickDoesNotAllocate(t *testing.T) {
	r := start(t, nil)
	f := newFarEnd(t, media.ULaw, 440)
	r.call("o", localOperator, f)
	r.mu.Lock()
	l := r.legs["o"]
	r.mu.Unlock()
	r.wheel.remove(l)
	f.conn.Close() // it would be counted
	now := time.Now()
	if n := testing.AllocsPerRun(50, func() {
		now = now.Add(media.FrameDuration)
		l.tick(now, true)
	}); n != 0 {
		t.Errorf("allocations per tick = %v, want 0", n)
	}
}

func TestSignallingAddress(t *testing.T) {
	for text, want := range map[string]string{
		"192.0.2.1": "192.0.2.1", "192.0.2.1:5060": "192.0.2.1", "[::ffff:192.0.2.1]:5060": "192.0.2.1", "": "invalid IP", "x": "invalid IP",
	} {
		if got := signalling(text); got.String() != want {
			t.Errorf("signalling(%q) = %v, want %v", text, got, want)
		}
	}
}

// A bad spec or body leaves no leg behind.
func TestRefusedOfferLeavesNothing(t *testing.T) {
	r := start(t, nil)
	f := newFarEnd(t, media.ULaw, 440)
	for name, try := range map[string]func() error{
		"networks": func() error { _, err := r.Offer("x", media.LegSpec{Networks: []string{"ten"}}); return err },
		"address":  func() error { _, err := r.Offer("x", media.LegSpec{Address: "ten"}); return err },
		"body":     func() error { _, err := r.Answer("x", local, []byte("v=1")); return err },
		"codec": func() error {
			_, err := r.Answer("x", local, bytes.ReplaceAll(f.describe(1, ""), []byte("PCMU"), []byte("OPUS")))
			return err
		},
		"no leg": func() error { return r.Accept("x", f.describe(1, "")) },
		"early":  func() error { return r.Early("x", "", f.describe(1, "")) },
	} {
		if try() == nil {
			t.Errorf("%s: no error", name)
		}
	}
	if s := r.Stats(); s.Customers != 0 {
		t.Errorf("%d customers, want none", s.Customers)
	}
}
