package carrier

import (
	"fmt"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/phone"
)

// TestHundredCallsAtOnce holds the far end to its promise: a hundred people
// who talk at the same time, none of whose packets is lost, and cheap enough
// to share a core with the product.
func TestHundredCallsAtOnce(t *testing.T) {
	t.Parallel()
	const calls = 100
	f := start(t, Config{Behave: behave(Behaviour{Kind: Person, Talk: 3 * time.Second, Patience: 5 * time.Second})}, phone.Config{})
	began, cpu := time.Now(), cpuTime()
	var ears []*personEar
	var placed []*phone.Call
	for i := range calls {
		c, ear := f.callPerson(t, fmt.Sprintf("+1555%07d", i))
		ears, placed = append(ears, ear), append(placed, c)
	}
	for i, c := range placed {
		wait(t, ears[i].greeted, "greeting")
		c.Audio.Play(&phone.Tone{Hz: 1100, Peak: 8000})
	}
	for _, c := range placed {
		wait(t, c.Done(), "end")
	}
	used, passed := cpuTime()-cpu, time.Since(began)
	sent := map[string]uint32{}
	for _, e := range f.stop() {
		switch e.Event {
		case "marks":
			sent[e.Call] = e.Sent
		case "fault":
			t.Errorf("fault = %+v", e)
		}
	}
	for i, c := range placed {
		// Up to 25 packets (500 ms) may still wait in the socket of a busy
		// machine when the call ends.
		if first, gaps, last := ears[i].marks(); first != 1 || gaps != 0 || last+25 < sent[c.ID] || sent[c.ID] < 50 {
			t.Errorf("call %d: heard marks %d to %d with %d gaps, sent %d", i, first, last, gaps, sent[c.ID])
		}
	}
	t.Logf("%d calls, both ends: %.0f %% of a core over %v", calls, 100*used.Seconds()/passed.Seconds(), passed.Round(time.Millisecond))
}

func cpuTime() time.Duration {
	var u syscall.Rusage
	syscall.Getrusage(syscall.RUSAGE_SELF, &u) //nolint:errcheck // a figure for the log
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

func TestFalseAnswerHasNoAudio(t *testing.T) {
	t.Parallel()
	f := start(t, Config{Behave: behave(Behaviour{Kind: FalseAnswer})}, phone.Config{})
	c := f.call(t, "+15550001")
	wait(t, c.Done(), "end")
	events := f.stop()
	answer, bye := of(events, c.ID, "answer"), of(events, c.ID, "bye")
	if len(answer) != 1 || len(bye) != 1 || bye[0].By != "carrier" || bye[0].T.Sub(answer[0].T) > time.Second {
		t.Errorf("answer = %+v, bye = %+v", answer, bye)
	}
}
