package registrar

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/sip"
)

var epoch = time.Date(2026, 3, 1, 9, 0, 0, 0, time.UTC)

// fakeAgent hands requests to the registrar without a network.
type fakeAgent struct {
	handlers map[string]func(*sipgosip.Request, func(*sipgosip.Response))
	admit    func(sip.Incoming, *sipgosip.Request) (sip.Incoming, *sipgosip.Response)
	invites  []sip.Invitation
	commands []string

	mu      sync.Mutex
	asked   []string
	options func(transport string) error
	code    int // of the answer to OPTIONS; 0: 200
}

func (f *fakeAgent) Handle(method string, h func(*sipgosip.Request, func(*sipgosip.Response))) {
	if f.handlers == nil {
		f.handlers = make(map[string]func(*sipgosip.Request, func(*sipgosip.Response)))
	}
	f.handlers[method] = h
}
func (f *fakeAgent) Admit(h func(sip.Incoming, *sipgosip.Request) (sip.Incoming, *sipgosip.Response)) {
	f.admit = h
}
func (f *fakeAgent) Invite(_ sip.LegID, inv sip.Invitation) { f.invites = append(f.invites, inv) }
func (f *fakeAgent) Accept(leg sip.LegID, _ []byte) {
	f.commands = append(f.commands, "accept "+string(leg))
}
func (f *fakeAgent) Hangup(leg sip.LegID, _ sip.Cause) {
	f.commands = append(f.commands, "hangup "+string(leg))
}
func (f *fakeAgent) Reply(leg sip.LegID, _ []byte) {
	f.commands = append(f.commands, "reply "+string(leg))
}
func (f *fakeAgent) OptionsBy(_ context.Context, routes []string, transport, destination, _ string) (int, time.Duration, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.asked = append(f.asked, strings.Join(append(slices.Clone(routes), destination), " "))
	if err := f.options(transport); err != nil {
		return 0, 0, err
	}
	return cmp.Or(f.code, 200), time.Millisecond, nil
}

// book is the users of a test.
type book map[string]Secret

func (b book) Digest(user string) (Secret, bool) { s, ok := b[user]; return s, ok }

func someUsers() book {
	return book{"anna": HA1("anna", "outpace", "right"), "ben": HA1("ben", "outpace", "also right")}
}

// office is a registrar with a fake agent and a clock that stands still.
type office struct {
	*Registrar
	agent  *fakeAgent
	at     time.Time
	events []sip.Event
}

func newOffice(cfg Config) *office {
	o := &office{agent: &fakeAgent{}, at: epoch}
	o.Registrar = New(cfg, o.agent, someUsers(), func(ev sip.Event) { o.events = append(o.events, ev) }, func() time.Time { return o.at })
	return o
}

// runOffice runs a registrar in a bubble and returns how to look at it.
func runOffice(t *testing.T, answers func(transport string) error) *office {
	o := &office{agent: &fakeAgent{options: answers}}
	var mu sync.Mutex
	o.Registrar = New(Config{}, o.agent, someUsers(), func(ev sip.Event) {
		mu.Lock()
		defer mu.Unlock()
		o.events = append(o.events, ev)
	}, time.Now)
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error)
	go func() { done <- o.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Errorf("Run ended with %v", err)
		}
	})
	return o
}

// send gives a request to the registrar as the network would; empty: no answer.
func (o *office) send(t testing.TB, raw, source string) string {
	t.Helper()
	req := parse(t, raw, source)
	from := netip.MustParseAddrPort(source)
	if transportOf(req) == "udp" && !o.Allow(from) {
		return ""
	}
	var res *sipgosip.Response
	if req.Method == sipgosip.INVITE {
		in, reject := o.agent.admit(sip.Incoming{Leg: "in", Dialed: req.Recipient.User}, req)
		if reject == nil {
			return "admitted " + in.User
		}
		res = reject
	} else {
		o.agent.handlers[string(req.Method)](req, func(r *sipgosip.Response) { res = r })
	}
	o.flush()
	if res == nil {
		return ""
	}
	return res.String()
}

// login registers a phone, with the challenge.
func (o *office) login(t testing.TB, p *phone, source string) string {
	t.Helper()
	p.nonce = ""
	p.challenged(t, o.send(t, p.register(), source))
	return o.send(t, p.register(), source)
}

func wantCode(t testing.TB, response string, code int) {
	t.Helper()
	if !strings.HasPrefix(response, fmt.Sprintf("SIP/2.0 %d ", code)) {
		t.Fatalf("want %d, got\n%s", code, response)
	}
}

const desk = "198.51.100.7:40001" // behind NAT: not what the phone's Contact says
