package trunk

import (
	"context"
	"net/netip"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// fakeAgent remembers what it was asked and answers OPTIONS by script.
type fakeAgent struct {
	mu        sync.Mutex
	invites   []sip.Invitation
	hungUp    []sip.LegID
	confirmed []sip.LegID
	replied   []sip.LegID
	options   func(destination, uri string) (int, error)
	asked     int
	registers []registered
	register  func(expires time.Duration) (sip.Registered, error)
}

// registered is one REGISTER that the agent was asked for.
type registered struct {
	binding sip.Binding
	expires time.Duration
}

func (f *fakeAgent) Register(_ context.Context, b *sip.Binding, expires time.Duration) (sip.Registered, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.registers = append(f.registers, registered{*b, expires})
	return f.register(expires)
}

func (f *fakeAgent) Addr(transport string) netip.AddrPort {
	if transport == "udp" {
		return netip.MustParseAddrPort("127.0.0.1:5060")
	}
	return netip.AddrPort{}
}

func (f *fakeAgent) Invite(_ sip.LegID, inv sip.Invitation) { f.invites = append(f.invites, inv) }
func (f *fakeAgent) Confirm(leg sip.LegID)                  { f.confirmed = append(f.confirmed, leg) }
func (f *fakeAgent) Hangup(leg sip.LegID, _ sip.Cause)      { f.hungUp = append(f.hungUp, leg) }
func (f *fakeAgent) Reply(leg sip.LegID, _ []byte)          { f.replied = append(f.replied, leg) }
func (f *fakeAgent) Ring(sip.LegID)                         {}
func (f *fakeAgent) Accept(sip.LegID, []byte)               {}

func (f *fakeAgent) Options(_ context.Context, _, destination, uri string) (int, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked++
	code, err := f.options(destination, uri)
	return code, 3 * time.Millisecond, err
}

// floor is a Trunks with a fake agent and a clock that stands still.
type floor struct {
	*Trunks
	agent  *fakeAgent
	at     time.Time
	events []sip.Event
}

func newFloor(t testing.TB, cfgs ...Config) *floor {
	t.Helper()
	f := &floor{agent: &fakeAgent{}, at: epoch}
	var err error
	f.Trunks, err = New(cfgs, Deps{
		Agent: f.agent, Emit: func(ev sip.Event) { f.events = append(f.events, ev) }, Now: func() time.Time { return f.at },
	})
	if err != nil {
		t.Fatal(err)
	}
	return f
}

// reserve reserves a call that must succeed.
func (f *floor) reserve(t testing.TB, callID string) Route {
	t.Helper()
	r, err := f.Reserve("default", "+48600100200", nil, callID)
	if err != nil {
		t.Fatalf("reserve %s: %v", callID, err)
	}
	return r
}

// dial reserves and dials; the leg has the name of the call.
func (f *floor) dial(t testing.TB, callID string) Route {
	t.Helper()
	r := f.reserve(t, callID)
	f.Dial(sip.LegID(callID), r, []byte("offer"))
	return r
}

func (f *floor) end(callID string, cause sip.Cause) {
	f.Handle(sip.Ended{Leg: sip.LegID(callID), Cause: cause})
}
