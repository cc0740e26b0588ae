package registrar

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

func TestDisconnected(t *testing.T) {
	o := newOffice(Config{})
	tcp, udp := newPhone("anna", "right"), newPhone("ben", "also right")
	tcp.transport = "TCP"
	wantCode(t, o.login(t, tcp, desk), 200)
	wantCode(t, o.login(t, udp, desk), 200) // the same port number, but not the same flow
	o.Disconnected(netip.MustParseAddrPort("198.51.100.7:1"))
	o.Disconnected(netip.MustParseAddrPort("[::ffff:198.51.100.7]:40001"))
	o.flush()
	if o.Online("anna") || !o.Online("ben") || o.Stats().LostFlows != 1 {
		t.Errorf("bindings = %+v", o.Bindings())
	}
}

func TestExpiry(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		o := runOffice(t, func(string) error { return nil })
		wantCode(t, o.login(t, newPhone("anna", "right"), desk), 200)
		time.Sleep(119 * time.Second)
		synctest.Wait()
		if !o.Online("anna") {
			t.Error("gone before it expired")
		}
		time.Sleep(3 * time.Second)
		synctest.Wait()
		if o.Online("anna") || len(o.events) != 2 {
			t.Errorf("still there after it expired: %v", o.events)
		}
		if n := len(o.agent.asked); n < 3 || n > 6 {
			t.Errorf("asked %d times in 120 s, want about 5", n)
		}
	})
}

func TestLostFlow(t *testing.T) {
	timeout := fmt.Errorf("options: %w", context.DeadlineExceeded)
	tests := []struct {
		transport string
		err       error
		asked     int
	}{
		{"UDP", timeout, 3},
		{"UDP", errors.New("unreachable"), 3},
		{"TCP", timeout, 3},
		{"TCP", errors.New("connection refused"), 1},
	}
	for _, tt := range tests {
		synctest.Test(t, func(t *testing.T) {
			o := runOffice(t, func(string) error { return tt.err })
			p := newPhone("anna", "right")
			p.transport = tt.transport
			wantCode(t, o.login(t, p, desk), 200)
			time.Sleep(110 * time.Second)
			synctest.Wait()
			if o.Online("anna") || o.Stats().LostFlows != 1 || len(o.agent.asked) != tt.asked {
				t.Errorf("%s, %v: asked %d times, want %d; bindings %+v", tt.transport, tt.err, len(o.agent.asked), tt.asked, o.Bindings())
			}
			if _, ok := o.events[len(o.events)-1].(sip.PhoneOffline); !ok {
				t.Errorf("events = %v", o.events)
			}
		})
	}
}
