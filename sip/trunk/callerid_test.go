package trunk

import (
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// pool is a trunk with caller IDs of three regions.
func pool() Config {
	cfg := good()
	cfg.MaxCPS, cfg.MaxChannels = 10_000, 10_000
	cfg.CallerIDs = []string{"+12125550001", "+12125550002", "+13105550001", "+442079460001", "+441614960001"}
	return cfg
}

func (f *floor) shown(t *testing.T, number string, among ...string) string {
	t.Helper()
	f.at = f.at.Add(time.Second)
	r, err := f.Reserve("default", number, among, "")
	if err != nil {
		t.Fatalf("%s: %v", number, err)
	}
	return r.CallerID
}

func TestLocalPresence(t *testing.T) {
	cfg := pool()
	cfg.LocalPresence = true
	f := newFloor(t, cfg)
	for number, want := range map[string][]string{
		"+12125559999":  {"+12125550001", "+12125550002"},
		"+13105559999":  {"+13105550001"},
		"+12135559999":  {"+12125550001", "+12125550002", "+13105550001"}, // 213 is not near 212
		"+442079469999": {"+442079460001"},
		"+441614969999": {"+441614960001"},
		"+447700900000": {"+442079460001", "+441614960001"},
	} {
		got, ok := f.shown(t, number), false
		for _, id := range want {
			ok = ok || id == got
		}
		if !ok || f.shown(t, number) != got {
			t.Errorf("%s was shown %s, want one of %v, always the same", number, got, want)
		}
	}
	if got := f.shown(t, "+12125559999", "+13105550001"); got != "+13105550001" {
		t.Errorf("a call that may show one number shows %s", got)
	}
}

func TestDailyCap(t *testing.T) {
	cfg := pool()
	cfg.CallerIDs, cfg.CallerIDCap = cfg.CallerIDs[:2], 3
	f := newFloor(t, cfg)
	shown := map[string]int{}
	for range 6 {
		shown[f.shown(t, "+12125559999")]++
	}
	if shown["+12125550001"] != 3 || shown["+12125550002"] != 3 {
		t.Errorf("shown %v", shown)
	}
	_, err := f.Reserve("default", "+12125559999", nil, "")
	if !errors.Is(err, ErrResting) {
		t.Errorf("beyond the caps: %v, want ErrResting", err)
	}
	if c := f.Capacity("default", f.at); c.Calls != 0 || c.Bound != BoundCallerIDs || c.Why != "all caller IDs of trunk alpha rest" {
		t.Errorf("capacity %+v", c)
	}
	f.at = f.at.Add(day)
	r := f.reserve(t, "x")
	f.Release(r)
	if used := f.carriers[0].ids.byNumber[r.CallerID].used; used != 0 {
		t.Errorf("a call that was not dialled counts: %d", used)
	}
}

// A caller ID that the network blocked rests; only the numbers that had it get
// another one, and get it back.
func TestBlockedCallerIDRests(t *testing.T) {
	for _, cause := range []sip.Cause{{Code: 608}, {Code: 603, Text: "Network Blocked"}} {
		f := newFloor(t, pool())
		before := map[string]string{}
		for i := range 100 {
			number := fmt.Sprintf("+1212555%04d", i)
			before[number] = f.shown(t, number)
		}
		f.dial(t, "a")
		blocked := f.carriers[0].ids.byNumber
		var id string
		for number, known := range blocked {
			if f.legs["a"].callerID == number && known.used > 0 {
				id = number
			}
		}
		f.end("a", cause)
		moved := 0
		for number, was := range before {
			got := f.shown(t, number)
			if got == id || was != id && got != was {
				t.Fatalf("%s had %s and now gets %s, while %s rests", number, was, got, id)
			}
			if got != was {
				moved++
			}
		}
		if moved == 0 {
			t.Error("nobody had the number that was blocked: the test shows nothing")
		}
		f.at = f.at.Add(day)
		for number, was := range before {
			if got := f.shown(t, number); got != was {
				t.Fatalf("a day later %s gets %s, not %s", number, got, was)
			}
		}
	}
	// 607 is a person's word about us, not the network's about a number.
	f := newFloor(t, good())
	f.dial(t, "a")
	f.end("a", sip.Cause{Code: 607})
	if got := f.shown(t, "+48600100200"); got != good().CallerIDs[0] {
		t.Errorf("shown %s", got)
	}
}

// A call that goes to another target shows the same number there.
func TestFailoverKeepsTheCallerID(t *testing.T) {
	first, second := pool(), pool()
	second.Name, second.CallerIDs = "beta", []string{"+12125550002"}
	second.Targets = []Target{{Address: "192.0.2.2:5060", Priority: 1}}
	f := newFloor(t, first, second)
	for i := range 20 {
		id := fmt.Sprint("c", i)
		r, err := f.Reserve("default", fmt.Sprintf("+1212555%04d", i), nil, id)
		if err != nil {
			t.Fatal(err)
		}
		f.Dial(sip.LegID(id), r, nil)
		f.Handle(down(id))
		switch ev := f.events[len(f.events)-1].(type) {
		case sip.Diverted:
			if ev.Route.CallerID != r.CallerID || r.CallerID != "+12125550002" {
				t.Errorf("%s became %s", r.CallerID, ev.Route.CallerID)
			}
		case sip.Ended:
			if r.CallerID == "+12125550002" {
				t.Error("the second trunk may show it, and was not asked")
			}
		}
		f.carriers[0].targets[0].breaker = breaker{}
	}
}

// The drift of a caller ID shows in its figures.
func TestSuspectCallerID(t *testing.T) {
	cfg := pool()
	cfg.CallerIDs = cfg.CallerIDs[:2]
	f := newFloor(t, cfg)
	for i := range 1500 {
		id := cfg.CallerIDs[i%2]
		leg := fmt.Sprint("c", i)
		r, err := f.Reserve("default", "+12125559999", []string{id}, leg)
		if err != nil {
			t.Fatal(err)
		}
		f.Dial(sip.LegID(leg), r, nil)
		end := sip.Ended{Leg: sip.LegID(leg), Cause: sip.Cause{Code: 480}, RingingAt: f.at}
		if i%8 < 2 && (i%2 == 1 || i%40 < 2) { // one in four of the second, one in twenty of the first
			end = sip.Ended{Leg: end.Leg, WasUp: true, RingingAt: f.at, AnsweredAt: f.at, At: f.at.Add(time.Minute)}
		}
		f.Handle(end)
		f.at = f.at.Add(time.Second)
	}
	ids := f.Figures()[0].CallerIDs
	if !ids[0].Suspect || ids[1].Suspect {
		t.Errorf("suspect: %t and %t, want the first", ids[0].Suspect, ids[1].Suspect)
	}
}
