package trunk

import (
	"context"
	"errors"
	"strings"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/test/eventually"
)

func TestRegistrationSteps(t *testing.T) {
	r := registration{asks: 10 * time.Minute}
	at := epoch
	step := func(a sip.Registered) (pause time.Duration) {
		r.answered(at, at, a, 0.5)
		return r.next.Sub(at)
	}
	for i, tt := range []struct {
		answer sip.Registered
		pause  time.Duration
		bound  bool
	}{
		{sip.Registered{Code: 423, MinExpires: 20 * time.Minute}, 0, false}, // at once, for longer
		{sip.Registered{Code: 423, MinExpires: 20 * time.Minute}, 5 * time.Second, false},
		{sip.Registered{Code: 500}, 10 * time.Second, false},
		{sip.Registered{Code: 503, RetryAfter: 2 * time.Minute}, 2 * time.Minute, false},
		{sip.Registered{Code: 503, RetryAfter: 24 * time.Hour}, longestRetry, false},
		{sip.Registered{Code: 200, Expires: 20 * time.Minute}, 17 * time.Minute, true},
		{sip.Registered{Code: 500}, 5 * time.Second, true}, // there is time left
		{sip.Registered{Code: 403, Text: "Forbidden"}, time.Minute, true},
		{sip.Registered{Code: 200}, 20 * time.Second, true}, // and holds none of our contacts
		{sip.Registered{Code: 200, Expires: 20 * time.Minute}, 17 * time.Minute, true},
	} {
		if got := step(tt.answer); got != tt.pause || r.bound(at) != tt.bound {
			t.Errorf("step %d: next in %s, bound %t; want %s, %t", i, got, r.bound(at), tt.pause, tt.bound)
		}
	}
	if r.asks != 20*time.Minute {
		t.Errorf("asks for %s, want what the 423 wanted", r.asks)
	}
	if !r.bound(at.Add(20*time.Minute-1)) || r.bound(at.Add(20*time.Minute)) {
		t.Error("bound for another time than was granted")
	}
}

// Whatever a registrar answers, a refresh leaves between 80 and 90 % of what it
// granted, and no failure is followed by a storm or by silence.
func TestRegistrationLaws(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		r, at := registration{asks: 10 * time.Minute}, epoch
		for range rapid.IntRange(1, 40).Draw(rt, "steps") {
			a := sip.Registered{
				Code:       rapid.SampledFrom([]int{200, 401, 403, 404, 423, 500, 503}).Draw(rt, "code"),
				MinExpires: time.Duration(rapid.IntRange(0, 86_400).Draw(rt, "min")) * time.Second,
				RetryAfter: time.Duration(rapid.IntRange(0, 86_400).Draw(rt, "after")) * time.Second,
			}
			if a.Code == 200 {
				a.Expires = time.Duration(rapid.IntRange(1, 86_400).Draw(rt, "expires")) * time.Second
			}
			asked := r.asks
			r.answered(at, at, a, rapid.Float64Range(0, 0.999).Draw(rt, "chance"))
			pause := r.next.Sub(at)
			switch {
			case a.Code == 200:
				if pause < a.Expires*8/10 || pause > a.Expires*9/10 {
					rt.Fatalf("refresh after %s of %s", pause, a.Expires)
				}
			case a.Code == 423 && r.asks > asked:
				if pause != 0 {
					rt.Fatalf("423: %s", pause)
				}
			case pause < firstRetry*9/10 || pause > longestRetry*11/10:
				rt.Fatalf("%d: next after %s", a.Code, pause)
			}
			at = r.next
		}
	})
}

func registering() Config {
	cfg := good()
	cfg.Username, cfg.Password, cfg.OptionsInterval = "acme", "secret", -1
	cfg.Register = Register{Enabled: true}
	return cfg
}

// A trunk that must register takes calls only while it is, says why not, keeps
// its registration up, and takes it back before it goes.
func TestRegisteredTrunk(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		agent := &fakeAgent{register: func(d time.Duration) (sip.Registered, error) {
			return sip.Registered{Code: 403, Text: "Forbidden"}, nil
		}}
		trunks, err := New([]Config{registering()}, Deps{Agent: agent, Emit: func(sip.Event) {}})
		if err != nil {
			t.Fatal(err)
		}
		set := func(f func(time.Duration) (sip.Registered, error)) {
			agent.mu.Lock()
			defer agent.mu.Unlock()
			agent.register = f
		}
		asked := func() []registered {
			agent.mu.Lock()
			defer agent.mu.Unlock()
			return agent.registers
		}
		grant := func(d time.Duration) (sip.Registered, error) { return sip.Registered{Code: 200, Expires: d}, nil }
		why := func(want string) {
			t.Helper()
			got := trunks.Capacity("default", time.Now())
			_, err := trunks.Reserve("default", "+48600100200", nil, "")
			if got.Up || got.Why != want || !errors.Is(err, ErrDown) || trunks.Stats()[0].Up || trunks.Stats()[0].Why != want {
				t.Errorf("capacity %+v, reserve %v, want down: %s", got, err, want)
			}
		}
		why("trunk alpha is not registered yet")

		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- trunks.Run(ctx) }()
		synctest.Wait()
		why("trunk alpha is not registered: 403 Forbidden")
		if b := asked()[0].binding; b.Destination != "192.0.2.1:5060" || b.RequestURI != "sip:192.0.2.1:5060" ||
			b.Address != "sip:acme@192.0.2.1" || b.Credentials.Password != "secret" {
			t.Errorf("binding %+v", b)
		}
		set(grant)
		time.Sleep(40 * time.Second)
		synctest.Wait()
		r, err := trunks.Reserve("default", "+48600100200", nil, "")
		if err != nil || trunks.Stats()[0].RegisteredUntil.IsZero() {
			t.Fatalf("reserve when registered: %v", err)
		}
		trunks.Release(r)

		before := len(asked())
		time.Sleep(time.Hour)
		synctest.Wait()
		if n := len(asked()) - before; n < 6 || n > 8 {
			t.Errorf("%d REGISTERs in an hour of intervals of 10 minutes", n)
		}
		set(func(time.Duration) (sip.Registered, error) { return sip.Registered{}, errors.New("timeout") })
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		why("trunk alpha is not registered: no answer")
		set(grant)
		time.Sleep(longestRetry * 2)
		synctest.Wait()
		if !trunks.Stats()[0].Up {
			t.Error("still down after the registrar came back")
		}

		trunks.Leave(ctx)
		all := asked()
		if last := all[len(all)-1]; last.expires != 0 {
			t.Errorf("the last REGISTER asks for %s, want 0", last.expires)
		}
		why("trunk alpha is not registered: the product stops")
		cancel()
		<-done
	})
}

// The whole way over sockets: challenge, registration, call, removal.
func TestRegistrationOnTheWire(t *testing.T) {
	far, registrar := newWire(t, "udp"), newWire(t, "udp")
	cfg := registering()
	cfg.Targets[0].Address = far.addr
	cfg.Domain, cfg.Register.Registrar = "carrier.example", registrar.addr
	x := newExchange(t, cfg)

	first := registrar.expect("REGISTER")
	registrar.answer(first, "401 Unauthorized", `WWW-Authenticate: Digest realm="c", nonce="n", qop="auth", algorithm=SHA-256`+"\r\n")
	second := registrar.expect("REGISTER")
	for _, want := range []string{
		"REGISTER sip:carrier.example SIP/2.0\r\n", "To: <sip:acme@carrier.example>\r\n", `username="acme"`, "algorithm=SHA-256",
		"Contact: <sip:outpace@" + x.agent.Addr("udp").String() + ">\r\n", "Expires: 600\r\n",
	} {
		if !strings.Contains(second, want) {
			t.Errorf("REGISTER has no %q:\n%s", want, second)
		}
	}
	registrar.answer(second, "200 OK", "Expires: 600\r\n")
	eventually.So(t, unhurried, "the trunk is up", func() bool { return x.Stats()[0].Up })

	x.call(t, "a")
	far.answer(far.expect("INVITE"), "486 Busy Here", "")
	if end := x.ended(t); end.Cause.Result != sip.ResultBusy {
		t.Errorf("end = %+v", end.Cause)
	}

	left := make(chan struct{})
	go func() { defer close(left); x.Leave(t.Context()) }()
	away := registrar.expect("REGISTER")
	if !strings.Contains(away, "Expires: 0\r\n") {
		t.Errorf("the last REGISTER:\n%s", away)
	}
	registrar.answer(away, "200 OK", "")
	eventually.Comes(t, unhurried, "Leave returns", left)
}
