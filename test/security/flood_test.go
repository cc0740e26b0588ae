package security

import (
	"fmt"
	"net"
	"os"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/testbed"
)

// What S-6 wants of the product beside its calls.
const (
	mayGrow     = 64 << 20               // bytes of memory
	mayBeLate   = 20 * time.Millisecond  // the audio, more than without a flood: 99 of a hundred packets
	recovers    = 2 * time.Second        // a phone that nobody knows is answered after the flood
	answerTime  = 500 * time.Millisecond // it asks again after this (T1 of RFC 3261)
	rateReached = 0.98                   // of the rate that is wanted
)

// TestS06Flood (S-6): INVITEs and REGISTERs without end, to both agents, from one
// address and from many, while people talk: no talk ends and no audio is lost or late,
// the memory stays, and soon after the flood a new phone is answered. In full
// size it fails where the machine has no room for the flood beside the talks, or stands
// still in the middle of it: it has not shown what it says then.
func TestS06Flood(t *testing.T) {
	for _, kind := range []struct {
		name    string
		sources int
	}{{"OneSource", 1}, {"ManySources", 10_000}} {
		t.Run(kind.name, func(t *testing.T) { floodBesideTalks(t, kind.sources) })
	}
}

func floodBesideTalks(t *testing.T, sources int) {
	talking, rate, before, long := 3, 4000, time.Second, 2*time.Second
	if full() {
		talking, rate, before, long = 100, 20_000, 15*time.Second, time.Minute
	}
	w := newWorld(t, talking)
	talks, invites := testbed.Talks(w.events(t)), w.carrier.Stats().Invites
	quiet := w.watch(t, func() { testbed.Pass(before) })
	o := order{To: []string{w.phones, w.trunk}, Sources: sources, Rate: rate, Messages: rate * int(long.Seconds())}
	var sent report
	loud := w.watch(t, func() { sent = flood(t, o) })
	recovery := w.recovery(t)

	reached := float64(o.Messages) / sent.Took.Seconds()
	t.Logf("%d sources: %d messages in %s, %.0f a second, up to %s behind; the sender took %s of a processor",
		sources, o.Messages, sent.Took.Round(time.Millisecond), reached, sent.Behind.Round(time.Millisecond), sent.CPU.Round(time.Millisecond))
	t.Logf("%d talks, quiet: %s; flooded: %s", talking, quiet, loud)
	t.Logf("the product met %.1f %% of the messages, a message took it %.1f µs; a phone was answered %s after the flood",
		100*loud.met/float64(o.Messages), 1e6*(loud.busy-quiet.busy)*sent.Took.Seconds()/float64(o.Messages), recovery.Round(time.Millisecond))
	if loud.memory-quiet.memory > mayGrow {
		t.Errorf("the memory grew by %.1f MiB", (loud.memory-quiet.memory)/(1<<20))
	}
	if n := w.carrier.Stats().Invites; n != invites {
		t.Errorf("%d INVITEs reached the carrier", n-invites)
	}
	if full() {
		if reached < rateReached*float64(rate) {
			t.Errorf("not shown: %d messages a second; this machine had room for %.0f beside the talks", rate, reached)
		}
		if late := loud.late - quiet.late; late > mayBeLate {
			t.Errorf("the audio came %s later than without a flood; the sender, which only sends, was itself up to %s behind", late, sent.Behind.Round(time.Millisecond))
		}
		if recovery > recovers {
			t.Errorf("a phone was answered only %s after the flood", recovery)
		}
	}
	w.checkTalks(t, talks, time.Now())
}

// spell is what was seen of the product over some time.
type spell struct {
	late    time.Duration // see operators.Lateness
	packets int           // of audio, that came to operators
	busy    float64       // processors that the product kept busy
	memory  float64       // bytes, at the end
	met     float64       // SIP messages that were read, or not read for their source
}

func (s spell) String() string {
	return fmt.Sprintf("99 of 100 of %d packets came within %s, %.2f of %d processors busy, %.1f MiB", s.packets, s.late, s.busy, runtime.NumCPU(), s.memory/(1<<20))
}

// watch looks at the product while something is done.
func (w *world) watch(t *testing.T, do func()) (s spell) {
	t.Helper()
	w.room.Lateness()
	busy, met, began := w.sample(t, "process_cpu_seconds_total"), w.met(t), time.Now()
	do()
	s.late, s.packets = w.room.Lateness()
	s.busy = (w.sample(t, "process_cpu_seconds_total") - busy) / time.Since(began).Seconds()
	s.memory, s.met = w.sample(t, "process_resident_memory_bytes"), w.met(t)-met
	return s
}

// met counts messages that came to the product.
func (w *world) met(t *testing.T) float64 {
	t.Helper()
	return w.sample(t, `dialer_sip_blocked_total`) + w.sample(t, `dialer_sip_requests_total`)
}

// recovery is how long it takes until a phone that nobody knows is answered.
func (w *world) recovery(t *testing.T) time.Duration {
	t.Helper()
	began := time.Now()
	testbed.Until(t, 30*time.Second, "a phone is answered", func() bool { return w.challenges(t) })
	return time.Since(began)
}

// register is a REGISTER without credentials.
func register(from string, i int, unique string) string {
	id := fmt.Sprintf("reg-%d-%s-%s", i, from, unique)
	return fmt.Sprintf("REGISTER sip:outpace SIP/2.0\r\nVia: SIP/2.0/UDP %s;rport;branch=z9hG4bK%s\r\nFrom: <sip:op%03d@outpace>;tag=%s\r\nTo: <sip:op%03d@outpace>\r\n"+
		"Call-ID: %s\r\nCSeq: 1 REGISTER\r\nContact: <sip:op@%s>\r\nMax-Forwards: 70\r\nContent-Length: 0\r\n\r\n", from, strings.ReplaceAll(id, ":", "-"), i%100, id, i%100, id, from)
}

// challenges says whether a phone that nobody knows gets a challenge now.
func (w *world) challenges(t *testing.T) bool {
	t.Helper()
	c, err := connect("udp", net.IPv4(127, 88, 0, 1), w.phones) // no home of any phone
	testbed.Must(t, err)
	defer c.Close()
	_, err = c.Write([]byte(register(c.LocalAddr().String(), os.Getpid(), fmt.Sprint(time.Now().UnixNano()))))
	testbed.Must(t, err)
	_ = c.SetReadDeadline(time.Now().Add(answerTime))
	buf := make([]byte, 2048)
	n, _ := c.Read(buf)
	return n > 12 && string(buf[8:11]) == "401"
}
