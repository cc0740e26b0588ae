package trunk

import (
	"errors"
	"net/netip"
	"slices"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/sip"
)

func TestReserveCountsDown(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.MaxChannels, cfg.MaxRinging = 1000, 3, 2
	f := newFloor(t, cfg)
	want := func(channels, ringing int, bound string) {
		t.Helper()
		if got := f.Capacity("default", f.at); got.Channels != channels || got.Ringing != ringing || got.Bound != bound || !got.Up {
			t.Errorf("capacity = %+v, want %d channels, %d ringing, bound %q", got, channels, ringing, bound)
		}
	}
	want(3, 2, "")
	f.dial(t, "a")
	f.reserve(t, "b")
	want(1, 0, BoundRinging)
	if _, err := f.Reserve("default", "+48600100200", nil, "c"); !errors.Is(err, ErrNoCapacity) {
		t.Errorf("third ringing call: %v, want ErrNoCapacity", err)
	}
	f.Handle(sip.Answered{Leg: "a"})
	f.Handle(sip.Answered{Leg: "a"}) // a repeated event changes nothing
	want(1, 1, "")
	third := f.reserve(t, "c")
	want(0, 0, BoundChannels)
	f.Release(third)
	f.Release(third)
	want(1, 1, "")
	f.end("a", sip.Cause{Q850: 16})
	f.end("a", sip.Cause{Q850: 16})
	want(2, 1, "")
	if s := f.Stats()[0]; s.Channels != 1 || s.Ringing != 1 || s.Attempts != 2 || s.Answers != 1 {
		t.Errorf("stats = %+v", s)
	}
}

func TestRingTimeoutOfAGroup(t *testing.T) {
	patient, other := good(), good()
	patient.Name, patient.RingTimeout = "patient", 40*time.Second
	other.Name, other.Group, other.RingTimeout = "other", "other", time.Minute
	f := newFloor(t, good(), patient, other)
	for group, want := range map[string]time.Duration{"default": 40 * time.Second, "other": time.Minute, "none": 0} {
		if got := f.RingTimeout(group); got != want {
			t.Errorf("%s: %v, want %v", group, got, want)
		}
	}
}

func TestReserveRefuses(t *testing.T) {
	f := newFloor(t, good())
	tests := []struct {
		name, group, number string
		callerIDs           []string
		want                error
	}{
		{"unknown group", "other", "+48600100200", nil, ErrNoGroup},
		{"foreign caller ID", "default", "+48600100200", []string{"+48999999999"}, ErrCallerID},
		{"feature code", "default", "*71", nil, ErrNumber},
		{"injection", "default", "+48600\r\nRoute: <sip:evil>", nil, ErrNumber},
	}
	for _, tt := range tests {
		if _, err := f.Reserve(tt.group, tt.number, tt.callerIDs, "x"); !errors.Is(err, tt.want) {
			t.Errorf("%s: %v, want %v", tt.name, err, tt.want)
		}
	}
	f.reserve(t, "x")
	if _, err := f.Reserve("default", "+48600100200", nil, "x"); err == nil {
		t.Error("the same call was reserved twice")
	}
	if got := f.Capacity("other", f.at); got.Up || got.Bound != BoundDown {
		t.Errorf("capacity of an unknown group = %+v", got)
	}
}

func TestCPS(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.MaxChannels = 10, 100
	f := newFloor(t, cfg)
	f.reserve(t, "a")
	f.reserve(t, "b")
	if _, err := f.Reserve("default", "+48600100200", nil, "c"); !errors.Is(err, ErrNoCapacity) {
		t.Fatalf("third call at once at 10 cps: %v, want ErrNoCapacity", err)
	}
	got := f.Capacity("default", f.at)
	if got.Calls != 0 || got.Bound != BoundCPS || got.NextToken.Sub(f.at) != 100*time.Millisecond {
		t.Errorf("capacity = %+v, want the next token in 100ms", got)
	}
	f.at = got.NextToken
	f.reserve(t, "c")
	if s := f.Stats()[0]; s.Throttled != 1 {
		t.Errorf("throttled = %d, want 1", s.Throttled)
	}
}

func TestRoute(t *testing.T) {
	cfg := good()
	cfg.Targets = []Target{{Address: "192.0.2.1:5080", Transport: "tcp"}}
	cfg.Domain, cfg.AssertedIdentity, cfg.CallerName = "carrier.example", true, "Outpace Ltd"
	cfg.NumberFormat, cfg.National = FormatNational, National{Strip: "48", Prepend: "0"}
	cfg.Username, cfg.Password = "user", "secret"
	cfg.MediaNetworks, cfg.ExternalMedia = []string{"192.0.2.0/24"}, "203.0.113.5"
	f := newFloor(t, cfg)
	r := f.dial(t, "call-1")
	inv := f.agent.invites[0]
	d := inv.Dialog
	for _, pair := range [][2]string{
		{d.CallID, "call-1"}, {d.Agent, "trunk"}, {d.Transport, "tcp"}, {d.Destination, "192.0.2.1:5080"},
		{d.RequestURI, "sip:0600100200@carrier.example;transport=tcp"},
		{d.RemoteURI, "sip:0600100200@carrier.example"},
		{d.LocalURI, `"Outpace Ltd" <sip:0221234567@carrier.example>`},
		{r.CallerID, "+48221234567"}, {r.Trunk, "alpha"}, {r.Address, "203.0.113.5"}, {r.Signalling, "192.0.2.1:5080"},
		{inv.Headers[0].Name, "P-Asserted-Identity"},
		{inv.Headers[0].Value, `"Outpace Ltd" <sip:0221234567@carrier.example>`},
		{inv.Credentials.Username + ":" + inv.Credentials.Password, "user:secret"},
		{string(inv.Body), "offer"}, {inv.RingTimeout.String(), "25s"},
	} {
		if pair[0] != pair[1] {
			t.Errorf("got %q, want %q", pair[0], pair[1])
		}
	}
	if !slices.Equal(r.Networks, cfg.MediaNetworks) {
		t.Errorf("networks = %v", r.Networks)
	}

	plain := newFloor(t, good())
	plain.dial(t, "call-2")
	inv = plain.agent.invites[0]
	if inv.Credentials != nil || len(inv.Headers) != 0 || inv.Dialog.RequestURI != "sip:+48600100200@192.0.2.1:5060" {
		t.Errorf("plain trunk: %+v", inv)
	}
}

func TestCallerIDIsSticky(t *testing.T) {
	cfg := good()
	cfg.CallerIDs = []string{"+48221000001", "+48221000002", "+48221000003"}
	cfg.MaxCPS, cfg.MaxChannels = 10_000, 10_000
	f := newFloor(t, cfg)
	shown := make(map[string]int)
	for i := range 300 {
		f.at = f.at.Add(time.Second)
		number := "+4860010" + string(rune('0'+i/100)) + string(rune('0'+i/10%10)) + string(rune('0'+i%10))
		first, err1 := f.Reserve("default", number, nil, "")
		again, err2 := f.Reserve("default", number, nil, "")
		if err1 != nil || err2 != nil || first.CallerID != again.CallerID {
			t.Fatalf("%s got %s then %s (%v, %v)", number, first.CallerID, again.CallerID, err1, err2)
		}
		shown[first.CallerID]++
	}
	for _, id := range cfg.CallerIDs {
		if shown[id] < 60 {
			t.Errorf("%s was shown %d times of 300", id, shown[id])
		}
	}
	if r, err := f.Reserve("default", "+48600100200", []string{"+48221000002"}, ""); err != nil || r.CallerID != "+48221000002" {
		t.Errorf("asked for a caller ID, got %s, %v", r.CallerID, err)
	}
}

func TestPriorityThenWeight(t *testing.T) {
	cfg := good()
	cfg.MaxCPS, cfg.MaxChannels = 10_000, 10_000
	cfg.Targets = []Target{
		{Address: "192.0.2.9:5060", Priority: 2},
		{Address: "192.0.2.1:5060", Priority: 1, Weight: 3},
		{Address: "192.0.2.2:5060", Priority: 1},
	}
	f := newFloor(t, cfg)
	to := make(map[string]int)
	for range 400 {
		f.at = f.at.Add(time.Second)
		to[f.reserve(t, "").Signalling]++
	}
	if to["192.0.2.1:5060"] != 300 || to["192.0.2.2:5060"] != 100 || to["192.0.2.9:5060"] != 0 {
		t.Errorf("shares = %v, want 300, 100 and 0", to)
	}
	// Both of priority 1 ask for a pause: the next priority takes over.
	for _, tg := range f.carriers[0].targets[1:] {
		tg.breaker.fail(f.at, time.Minute, false)
	}
	if got := f.reserve(t, "").Signalling; got != "192.0.2.9:5060" {
		t.Errorf("with priority 1 paused the call went to %s", got)
	}
}

func TestFullTrunkOverflowsToTheNext(t *testing.T) {
	first, second := good(), good()
	first.MaxChannels = 1
	second.Name, second.Targets = "beta", []Target{{Address: "192.0.2.2:5060", Priority: 1}}
	f := newFloor(t, first, second)
	if a, b := f.reserve(t, "a").Trunk, f.reserve(t, "b").Trunk; a != "alpha" || b != "beta" {
		t.Errorf("calls went to %s and %s, want alpha and beta", a, b)
	}
}

func TestRetryAfterPausesTheTrunk(t *testing.T) {
	f := newFloor(t, good())
	f.dial(t, "a")
	f.end("a", sip.Cause{Code: 503, RetryAfter: 10 * time.Second})
	got := f.Capacity("default", f.at)
	if !got.Up || got.Calls != 0 || got.Bound != BoundPaused || got.NextToken.Sub(f.at) != 10*time.Second {
		t.Errorf("capacity = %+v, want a pause of 10 s", got)
	}
	if _, err := f.Reserve("default", "+48600100200", nil, "b"); !errors.Is(err, ErrNoCapacity) {
		t.Errorf("reserve in a pause: %v, want ErrNoCapacity", err)
	}
	f.at = f.at.Add(10 * time.Second)
	if got := f.Capacity("default", f.at).Calls; got != 1 {
		t.Errorf("after the pause %d calls may leave, want 1 probe", got)
	}
	f.dial(t, "b")
	if _, err := f.Reserve("default", "+48600100200", nil, "c"); !errors.Is(err, ErrNoCapacity) {
		t.Errorf("reserve beside the probe: %v, want ErrNoCapacity", err)
	}
	f.Handle(sip.Progress{Leg: "b", Code: 180})
	f.reserve(t, "c")
}

func TestEndedSaysWhatItMeans(t *testing.T) {
	at := epoch
	tests := []struct {
		name string
		in   sip.Ended
		want sip.Result
	}{
		{"busy", sip.Ended{Cause: sip.Cause{Code: 486}}, sip.ResultBusy},
		{"cause over code", sip.Ended{Cause: sip.Cause{Code: 503, Q850: 1}}, sip.ResultInvalidNumber},
		{"the agent knows better", sip.Ended{Cause: sip.Cause{Result: sip.ResultTrunkDown}, ByUs: true}, sip.ResultTrunkDown},
		{"no response", sip.Ended{}, sip.ResultTrunkDown},
		{"we hung up before anything came", sip.Ended{ByUs: true}, sip.ResultNone},
		{"we cancelled it", sip.Ended{ByUs: true, Cause: sip.Cause{Code: 487}}, sip.ResultNone},
		{"ring timeout", sip.Ended{ByUs: true, Cause: sip.Cause{Code: 487, Q850: 19, Result: sip.ResultNoAnswer}}, sip.ResultNoAnswer},
		{"the network gave up", sip.Ended{Cause: sip.Cause{Code: 487}}, sip.ResultNoAnswer},
		{"late answer", sip.Ended{ByUs: true, LateAnswer: true, Cause: sip.Cause{Code: 487}}, sip.ResultLateAnswer},
		{"was up, broken", sip.Ended{WasUp: true, Cause: sip.Cause{Q850: 38}}, sip.ResultAnswered},
	}
	for _, tt := range tests {
		f := newFloor(t, good())
		f.dial(t, "x")
		tt.in.Leg, tt.in.At = "x", at
		f.Handle(tt.in)
		got := f.events[0].(sip.Ended)
		if got.Cause.Result != tt.want {
			t.Errorf("%s: %q, want %q", tt.name, got.Cause.Result, tt.want)
		}
		if s := f.Stats()[0]; s.Results[tt.want] != 1 || s.Channels != 0 || s.Ringing != 0 {
			t.Errorf("%s: stats = %+v", tt.name, s)
		}
	}
}

func TestQuickBye(t *testing.T) {
	up := sip.Ended{WasUp: true, AnsweredAt: epoch, At: epoch.Add(999 * time.Millisecond)}
	if !QuickBye(up) {
		t.Error("a BYE after 0.999 s is not quick")
	}
	later, ours := up, up
	later.At, ours.ByUs = epoch.Add(time.Second), true
	if QuickBye(later) || QuickBye(ours) || QuickBye(sip.Ended{At: epoch}) {
		t.Error("a BYE after 1 s, or of ours, or of a call never up, is quick")
	}
	f := newFloor(t, good())
	f.dial(t, "x")
	up.Leg = "x"
	f.Handle(up)
	if got := f.Stats()[0].QuickByes; got != 1 {
		t.Errorf("quick BYEs = %d, want 1", got)
	}
}

func TestCommandsAndForeignEventsPass(t *testing.T) {
	f := newFloor(t, good())
	f.Hangup("x", sip.Cause{})
	f.Confirm("x")
	f.Reply("y", nil)
	f.Handle(sip.Offered{Leg: "z"})
	f.Handle(sip.Ended{Leg: "not ours", Cause: sip.Cause{Code: 486}})
	f.Dial("twice", Route{Dialog: sip.Dialog{CallID: "unknown"}}, nil)
	if len(f.agent.confirmed) != 1 || !f.agent.invites[0].HoldAck {
		t.Errorf("confirmed %v; an ACK waits for that: %v", f.agent.confirmed, f.agent.invites[0].HoldAck)
	}
	if len(f.agent.hungUp) != 1 || len(f.agent.replied) != 1 || len(f.agent.invites) != 1 || len(f.events) != 2 {
		t.Errorf("hangups %v, replies %v, invites %d, events %d", f.agent.hungUp, f.agent.replied, len(f.agent.invites), len(f.events))
	}
	if s := f.Stats()[0]; s.Channels != 0 || len(s.Results) != 0 {
		t.Errorf("stats moved: %+v", s)
	}
}

// Whatever calls do and in whatever order events come, the counts stay inside
// their limits and all room is free again at the end.
func TestCountsAlwaysComeBack(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		cfg := good()
		cfg.MaxCPS, cfg.MaxChannels, cfg.MaxRinging = 5, 6, 4
		f := newFloor(t, cfg)
		reserved, legs := map[string]Route{}, map[string]bool{}
		pick := func(n int) string { return string(rune('a' + rapid.IntRange(0, n).Draw(rt, "which"))) }
		for range rapid.IntRange(0, 80).Draw(rt, "steps") {
			f.at = f.at.Add(time.Duration(rapid.IntRange(0, 2000).Draw(rt, "ms")) * time.Millisecond)
			id := pick(11)
			capacity := f.Capacity("default", f.at)
			switch rapid.IntRange(0, 5).Draw(rt, "what") {
			case 0, 1:
				if legs[id] || reserved[id].Trunk != "" {
					break
				}
				r, err := f.Reserve("default", "+48600100200", nil, id)
				if (err == nil) != (capacity.Calls > 0) {
					rt.Fatalf("reserve: %v with capacity %+v", err, capacity)
				}
				if err == nil {
					reserved[id] = r
				}
			case 2:
				if r, ok := reserved[id]; ok {
					f.Dial(sip.LegID(id), r, nil)
					delete(reserved, id)
					legs[id] = true
				}
			case 3:
				f.Release(reserved[id])
				delete(reserved, id)
			case 4:
				f.Handle(sip.Answered{Leg: sip.LegID(id)})
			case 5:
				code := rapid.SampledFrom([]int{0, 486, 503, 200}).Draw(rt, "code")
				f.end(id, sip.Cause{Code: code})
				delete(legs, id)
			}
			if s := f.Stats()[0]; s.Channels != len(reserved)+len(legs) || s.Channels > 6 || s.Ringing > 4 || s.Ringing > s.Channels || s.Ringing < 0 {
				rt.Fatalf("stats = %+v with %d reserved and %d legs", s, len(reserved), len(legs))
			}
		}
		for _, r := range reserved {
			f.Release(r)
		}
		for id := range legs {
			f.end(id, sip.Cause{Code: 486})
		}
		if s := f.Stats()[0]; s.Channels != 0 || s.Ringing != 0 || len(f.legs) != 0 || len(f.reserved) != 0 {
			rt.Fatalf("left over: %+v", s)
		}
		f.at = f.at.Add(maxPause + time.Minute)
		if got := f.Capacity("default", f.at); got.Calls < 1 {
			rt.Fatalf("capacity at rest = %+v", got)
		}
	})
}

func TestAllow(t *testing.T) {
	f := newFloor(t, good())
	for source, want := range map[string]bool{
		"192.0.2.1:5060":          true,
		"192.0.2.1:1024":          true,
		"[::ffff:192.0.2.1]:5060": true,
		"192.0.2.2:5060":          false,
		"[2001:db8::1]:5060":      false,
	} {
		if got := f.Allow(netip.MustParseAddrPort(source)); got != want {
			t.Errorf("Allow(%s) = %v, want %v", source, got, want)
		}
	}
	source := netip.MustParseAddrPort("192.0.2.2:5060")
	if n := testing.AllocsPerRun(100, func() { f.Allow(source) }); n != 0 {
		t.Errorf("allocs per datagram = %v, want 0", n)
	}
}
