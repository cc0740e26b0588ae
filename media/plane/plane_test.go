package plane

import (
	"bytes"
	"errors"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/sdp"
)

// Everything the customer says from the bridge on reaches the operator, byte
// for byte, in the operator's own unbroken stream.
func TestBridgeLosesNothing(t *testing.T) {
	r := start(t, nil)
	customer, operator := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	operator.await("comfort silence", func(got []heard) bool { return len(got) >= 10 })
	customer.talk(3)
	r.Bridge("c", "o")
	sent := customer.talk(50)
	stop := operator.keepTalking()
	got := operator.await("the customer's audio", func(got []heard) bool { return len(relayed(got)) >= 50 })
	stop()

	r.Unbridge("c")
	operator.await("silence again", func(got []heard) bool { return isSilence(got[len(got)-1]) })
	continuous(t, operator.packets())

	audio := relayed(got)
	for i, want := range sent {
		if !bytes.Equal(audio[i].payload, want) {
			t.Fatalf("packet %d of the customer was changed or lost", i)
		}
		if audio[i].marker != (i == 0) {
			t.Errorf("packet %d: marker = %v", i, audio[i].marker)
		}
	}
	if stats := r.Stats(); stats.RelayedLost != 0 || stats.Relayed < 50 {
		t.Errorf("relayed %d, lost %d, want >= 50 and 0", stats.Relayed, stats.RelayedLost)
	}
	e := next[media.Bridged](r)
	if e.Customer != "c" || e.Operator != "o" || e.FirstToOperator.IsZero() {
		t.Errorf("Bridged = %+v", e)
	}
	r.Close("c")
	if closed := next[media.Closed](r); closed.Leg != "c" || closed.Stats.RelayedFromThere != 50 || closed.Stats.RelayedLost != 0 {
		t.Errorf("Closed = %+v, want 50 relayed", closed)
	}
}

// relayed are the packets that carry more than silence.
func relayed(got []heard) []heard {
	var audio []heard
	for _, h := range got {
		if !isSilence(h) {
			audio = append(audio, h)
		}
	}
	return audio
}

// Two laws: each side hears the other's tone in its own law.
func TestBridgeAcrossLaws(t *testing.T) {
	r := start(t, nil)
	customer, operator := newFarEnd(t, media.ALaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	r.Bridge("c", "o")
	stops := []func(){customer.keepTalking(), operator.keepTalking()}
	for _, side := range []struct {
		ear  *farEnd
		freq float64
	}{{operator, 440}, {customer, 700}} {
		got := side.ear.await("the other's tone", func(got []heard) bool { return len(relayed(got)) >= 10 })
		for _, h := range relayed(got)[1:10] {
			if h.payloadType != side.ear.payloadType() {
				t.Errorf("payload type %d, want %d", h.payloadType, side.ear.payloadType())
			}
			if l := level(h.payload, side.ear.law, side.freq); l < 0.9 {
				t.Errorf("tone of %v Hz at %.2f, want about 1", side.freq, l)
			}
		}
	}
	for _, stop := range stops {
		stop()
	}
}

// A gap of the customer is filled, and the stream goes on without a seam.
func TestGapIsFilledWithSilence(t *testing.T) {
	r := start(t, nil)
	customer, operator := newFarEnd(t, media.ULaw, 440), newFarEnd(t, media.ULaw, 700)
	r.call("c", local, customer)
	r.call("o", localOperator, operator)
	r.Bridge("c", "o")
	customer.talk(10)
	operator.await("talk", func(got []heard) bool { return len(relayed(got)) == 10 })
	operator.forget()
	got := operator.await("filled gap", func(got []heard) bool { return len(got) >= 20 })
	if len(relayed(got)) != 0 {
		t.Errorf("%d packets of audio in the gap", len(relayed(got)))
	}
	customer.timestamp += 400 * 8 // it kept its clock running
	customer.talk(10)
	got = operator.await("talk again", func(got []heard) bool { return len(relayed(got)) == 10 })
	continuous(t, got)
	span := got[len(got)-1].at.Sub(got[0].at)
	if frames := int(span / media.FrameDuration); len(got) > frames+8 || len(got) < frames-8 {
		t.Errorf("%d packets in %v: the stream is doubled or has holes", len(got), span)
	}
}

func TestHoldAndResume(t *testing.T) {
	r := start(t, nil)
	f := newFarEnd(t, media.ULaw, 440)
	r.call("c", local, f)
	f.await("silence", func(got []heard) bool { return len(got) >= 3 })

	answer, err := r.Answer("c", local, f.describe(2, "a=sendonly\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	if !bytes.Contains(answer, []byte("a=recvonly")) {
		t.Errorf("answer to hold: %s", answer)
	}
	f.talk(5) // what was under way has come by now
	f.forget()
	f.talk(10)
	if n := len(f.packets()); n != 0 {
		t.Errorf("%d packets while on hold", n)
	}
	if got := r.Stats().Received; got != 15 {
		t.Errorf("received = %d while on hold, want 15: music is allowed", got)
	}
	if answer, err = r.Answer("c", local, f.describe(3, "")); err != nil || !bytes.Contains(answer, []byte("a=sendrecv")) {
		t.Errorf("answer to resume: %s, %v", answer, err)
	}
	f.await("silence again", func(got []heard) bool { return len(got) >= 3 })

	if _, err = r.Answer("c", local, bytes.Replace(f.describe(4, ""), []byte("c=IN IP4 127.0.0.1"), []byte("c=IN IP4 0.0.0.0"), 1)); err != nil {
		t.Errorf("hold by 0.0.0.0: %v", err)
	}
	f.talk(5)
	f.forget()
	f.talk(10)
	if n := len(f.packets()); n != 0 {
		t.Errorf("%d packets while on hold by 0.0.0.0", n)
	}
}

func TestForbiddenAddress(t *testing.T) {
	r := start(t, nil)
	f := newFarEnd(t, media.ULaw, 440)
	if _, err := r.Offer("c", media.LegSpec{}); err != nil {
		t.Fatal(err)
	}
	err := r.Accept("c", f.describe(1, ""))
	if address, ok := errors.AsType[*sdp.AddressError](err); !ok || address.Why != "loopback" {
		t.Errorf("Accept = %v, want an AddressError for loopback", err)
	}
	ours, err := r.Offer("d", local)
	if err != nil {
		t.Fatal(err)
	}
	if err := r.Accept("c", ours); err == nil {
		t.Error("an answer that points to our own port was taken")
	}
	if _, err := r.Answer("new", media.LegSpec{}, f.describe(1, "")); err == nil {
		t.Error("an offer that points to loopback was taken")
	}
	r.Play("new", "x")
	r.Close("c")
	if e := next[media.Closed](r); e.Leg != "c" {
		t.Errorf("event of %q, want none for the leg that never came to be", e.Leg)
	}
}

func TestAnswerThenReoffer(t *testing.T) {
	r := start(t, nil)
	f := newFarEnd(t, media.ALaw, 440)
	first, err := r.Answer("o", localOperator, f.describe(1, ""))
	if err != nil {
		t.Fatal(err)
	}
	f.aim(first)
	got := f.await("silence", func(got []heard) bool { return len(got) >= 3 })
	if got[0].payloadType != 8 || !got[0].marker || got[1].marker {
		t.Errorf("first packets: %+v, %+v", got[0], got[1])
	}
	same, err := r.Answer("o", localOperator, f.describe(1, ""))
	if err != nil || !bytes.Equal(same, first) {
		t.Errorf("a session refresh changed our answer: %s, %v, want %s", same, err, first)
	}
	offer, err := r.Reoffer("o")
	if err != nil || !bytes.Contains(offer, []byte("a=sendrecv")) || bytes.Equal(offer, first) {
		t.Errorf("reoffer: %s, %v", offer, err)
	}
	if err := r.Accept("o", f.describe(2, "")); err != nil {
		t.Error(err)
	}
	if _, err := r.Reoffer("nobody"); !errors.Is(err, ErrNoLeg) {
		t.Errorf("reoffer of no leg: %v", err)
	}
}

func TestAudioLostAndBack(t *testing.T) {
	r := start(t, func(c *Config) { c.OperatorLost = 200 * time.Millisecond })
	f := newFarEnd(t, media.ULaw, 440)
	r.call("o", localOperator, f)
	f.talk(5)
	if e := next[media.AudioLost](r); e.Leg != "o" || e.For < 200*time.Millisecond || e.For > time.Second {
		t.Errorf("AudioLost = %+v", e)
	}
	stop := f.keepTalking()
	defer stop()
	if e := next[media.AudioBack](r); e.Leg != "o" {
		t.Errorf("AudioBack = %+v", e)
	}
}
