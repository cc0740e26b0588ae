package e2e

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/phone"
)

// The judges are judged here: on stories whose figures are known.

var noon = time.Date(2026, 11, 22, 12, 0, 0, 0, time.UTC)

func after(milliseconds int) time.Time {
	return noon.Add(time.Duration(milliseconds) * time.Millisecond)
}

// A customer sends 500 packets from noon on; an operator is there after a
// second, so packet 51 leaves with the bridge and 52 is the first after it.
func TestLostAtBridge(t *testing.T) {
	sent := carrier.Event{FirstAt: noon, LastAt: after(499 * 20), Last: 500}
	tests := []struct {
		name     string
		received carrier.Event
		sent     carrier.Event
		want     int
	}{
		{"all", carrier.Event{First: 52, Last: 500}, sent, 0},
		{"earlier ones too", carrier.Event{First: 50, Last: 500}, sent, 0},
		{"one before the first", carrier.Event{First: 53, Last: 500}, sent, 1},
		{"ten before the first", carrier.Event{First: 62, Last: 500}, sent, 10},
		{"ten under the beep", carrier.Event{First: 62, Mixed: 10, Last: 500}, sent, 0},
		{"two gaps", carrier.Event{First: 52, Lost: 2, Last: 500}, sent, 2},
		{"a sender held up at its start", carrier.Event{First: 53, Last: 500}, carrier.Event{FirstAt: after(200), LastAt: after(499 * 20), Last: 500}, 1},
	}
	for _, tt := range tests {
		s := story{sent: tt.sent, received: tt.received, bridged: after(1000)}
		if got := s.lost(); got != tt.want {
			t.Errorf("%s: %d lost, want %d", tt.name, got, tt.want)
		}
	}
}

func TestTwoWay(t *testing.T) {
	tests := []struct {
		name string
		s    story
		want bool
	}{
		{"both", story{kind: "person", toneHeard: true, toneAtOperator: true}, true},
		{"only the customer hears", story{kind: "person", toneHeard: true, received: carrier.Event{Received: 9}}, false},
		{"only the operator hears", story{kind: "person", toneAtOperator: true}, false},
		{"a machine that is heard", story{kind: "machine", toneHeard: true, received: carrier.Event{Received: 9}}, true},
		{"a machine that is not", story{kind: "machine", toneHeard: true}, false},
	}
	for _, tt := range tests {
		if got := tt.s.twoWay(); got != tt.want {
			t.Errorf("%s: two-way %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestUtilisation(t *testing.T) {
	state := func(ms int, user, state string) carrier.Event {
		return carrier.Event{T: after(ms), Event: "operator_state", User: user, State: state}
	}
	events := []carrier.Event{
		state(0, "a", "ready"), state(1000, "a", "talking"), state(3000, "a", "wrapping"), state(4000, "a", "paused"),
		state(0, "b", "ready"), state(9000, "b", "talking"),
	}
	// a: 1 s ready, 3 s busy; b: 6 s ready until the end.
	if got, want := utilisation(events, after(6000)), 3.0/10; got != want {
		t.Errorf("utilisation %v, want %v", got, want)
	}
}

func TestMarksIn(t *testing.T) {
	var pcm []int16
	pcm = append(pcm, quiet(13)...) // marks need not begin with the file
	said := tone(customerHz, 20*6)
	for n := range 6 {
		payload := encoded(said[n*phone.FrameSamples : (n+1)*phone.FrameSamples])
		phone.Mark{Stream: 7, Number: uint32(n + 1)}.Stamp(payload)
		if n == 3 {
			continue // lost
		}
		frame := make([]int16, len(payload))
		phone.PCMU.Decode(frame, payload)
		pcm = append(pcm, frame...)
	}
	got := marksIn(pcm, map[uint32]bool{7: true})
	if len(got) != 1 || *got[7] != (markRun{first: 1, last: 6, count: 5, tones: 5}) {
		t.Errorf("marks %+v", got[7])
	}
	if got := marksIn(pcm, map[uint32]bool{8: true}); len(got) != 0 {
		t.Errorf("marks %+v of a stream that was not sent", got)
	}
}

func TestRanks(t *testing.T) {
	delays := []time.Duration{1, 2, 3, 4}
	if low, high := ranks(delays, 0.5); low != 2 || high != 4 {
		t.Errorf("median between %d and %d, want 2 and 4", low, high)
	}
	if low, high := ranks(delays[:1], 0.99); low != 1 || high != 1 {
		t.Errorf("of one: %d to %d", low, high)
	}
}
