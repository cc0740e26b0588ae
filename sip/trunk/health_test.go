package trunk

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

func TestHealth(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		answer := func(string, string) (int, error) { return 404, nil } // any final response but 503 is a living server
		agent := &fakeAgent{options: func(d, u string) (int, error) { return answer(d, u) }}
		trunks, err := New([]Config{good()}, Deps{Agent: agent, Emit: func(sip.Event) {}})
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- trunks.Run(ctx) }()
		set := func(code int, err error) {
			agent.mu.Lock()
			defer agent.mu.Unlock()
			answer = func(string, string) (int, error) { return code, err }
		}
		// after n more checks the trunk is up or not
		after := func(n int, up bool) {
			t.Helper()
			agent.mu.Lock()
			until := agent.asked + n
			agent.mu.Unlock()
			for asked := 0; asked < until; {
				time.Sleep(100 * time.Millisecond) // fake clock
				synctest.Wait()
				agent.mu.Lock()
				asked = agent.asked
				agent.mu.Unlock()
			}
			if got := trunks.Stats()[0].Up; got != up {
				t.Errorf("after %d checks up = %v, want %v", n, got, up)
			}
		}
		after(1, true)
		if got := trunks.Stats()[0].OptionsRTT; got != 3*time.Millisecond {
			t.Errorf("rtt = %s", got)
		}
		set(503, nil)
		after(2, true)
		after(1, false)
		if _, err := trunks.Reserve("default", "+48600100200", nil, ""); !errors.Is(err, ErrDown) {
			t.Errorf("reserve on a dead trunk: %v, want ErrDown", err)
		}
		if got := trunks.Capacity("default", time.Now()); got.Up || got.Calls != 0 || got.Bound != BoundDown {
			t.Errorf("capacity of a dead trunk = %+v", got)
		}
		set(200, nil)
		after(1, false)
		set(0, errors.New("timeout"))
		after(1, false)
		set(405, nil)
		after(2, true)
		set(0, errors.New("timeout"))
		after(2, true)
		set(486, nil)
		after(1, true)
		asked := func() int {
			agent.mu.Lock()
			defer agent.mu.Unlock()
			return agent.asked
		}
		started := asked()
		time.Sleep(10 * time.Minute)
		synctest.Wait()
		if n := asked() - started; n < 18 || n > 23 {
			t.Errorf("%d checks in 10 minutes, want about 20", n)
		}
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
}

func TestNoHealthChecksWhenOff(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		cfg := good()
		cfg.OptionsInterval = -1
		agent := &fakeAgent{options: func(string, string) (int, error) { return 200, nil }}
		trunks, _ := New([]Config{cfg}, Deps{Agent: agent, Emit: func(sip.Event) {}})
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Minute)
		defer cancel()
		_ = trunks.Run(ctx)
		if agent.asked != 0 || !trunks.Stats()[0].Up {
			t.Errorf("%d checks although they are off, up = %v", agent.asked, trunks.Stats()[0].Up)
		}
	})
}
