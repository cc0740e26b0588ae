package trunk

import (
	"strings"
	"testing"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/sip"
)

// invite is an INVITE of a carrier as the agent reads it.
func invite(t *testing.T, source, dialled, from string, headers ...string) *sipgosip.Request {
	t.Helper()
	raw := "INVITE sip:" + dialled + "@192.0.2.9 SIP/2.0\r\nVia: SIP/2.0/UDP " + source + ";branch=z9hG4bKa\r\n" +
		"From: <sip:" + from + "@carrier.example>;tag=a\r\nTo: <sip:" + dialled + "@192.0.2.9>\r\nCall-ID: c\r\nCSeq: 1 INVITE\r\n"
	for _, h := range headers {
		raw += h + "\r\n"
	}
	msg, err := sipgosip.NewParser().ParseSIP([]byte(raw + "Content-Length: 0\r\n\r\n"))
	if err != nil {
		t.Fatal(err)
	}
	req := msg.(*sipgosip.Request)
	req.SetSource(source)
	return req
}

// bringing is a carrier that brings calls to one number.
func bringing() Config {
	return Config{
		Name: "a", Targets: []Target{{Address: "192.0.2.1:5060"}}, CallerIDs: []string{"+48221234567"}, MaxCPS: 10, MaxChannels: 3,
		NumberFormat: FormatNational, National: National{Strip: "48", Prepend: "0"},
		MediaNetworks: []string{"198.51.100.0/24"}, Inbound: Inbound{Numbers: []string{"+48221234567"}, MaxCalls: 2},
	}
}

func TestAdmit(t *testing.T) {
	silent := bringing()
	silent.Name, silent.Targets, silent.Inbound = "b", []Target{{Address: "192.0.2.2:5060"}}, Inbound{}
	trunks, err := New([]Config{bringing(), silent}, Deps{Agent: &fakeAgent{}, Emit: func(sip.Event) {}, NameLeg: func() sip.LegID { return "named" }})
	if err != nil {
		t.Fatal(err)
	}
	const ours, theirs = "0221234567", "0600123456"
	for _, row := range []struct {
		name           string
		source         string
		dialled, from  string
		headers        []string
		status         int
		number, caller string
	}{
		{name: "as the carrier writes it", dialled: ours, from: theirs, number: "+48221234567", caller: "+48600123456"},
		{name: "from another port", source: "192.0.2.1:9999", dialled: "+48221234567", from: "+48600123456", number: "+48221234567", caller: "+48600123456"},
		{name: "from abroad", dialled: ours, from: "0049301234567", number: "+48221234567", caller: "+49301234567"},
		{name: "asserted", dialled: ours, from: "anonymous", headers: []string{`P-Asserted-Identity: "A" <sip:+48600123456;cpc=ordinary@carrier.example;user=phone>`}, number: "+48221234567", caller: "+48600123456"},
		{name: "asserted by tel", dialled: ours, from: theirs, headers: []string{"P-Asserted-Identity: <tel:+48-600-123-457>"}, number: "+48221234567", caller: "+48600123457"},
		{name: "withheld", dialled: ours, from: theirs, headers: []string{"Privacy: id;critical"}, number: "+48221234567"},
		{name: "anonymous", dialled: ours, from: "anonymous", number: "+48221234567"},
		{name: "forged", dialled: ours, from: "+48600123456;verstat=TN-Validation-Failed", number: "+48221234567"},
		{name: "to our contact", dialled: "outpace", from: theirs, status: 404},
		{name: "not ours", dialled: "0221234568", from: theirs, status: 404},
		{name: "a service number by its digits", dialled: "112", from: theirs, status: 404},
		{name: "of a carrier that brings none", source: "192.0.2.2:5060", dialled: ours, from: theirs, status: 403},
		{name: "of a stranger", source: "203.0.113.5:5060", dialled: ours, from: theirs, status: 403},
	} {
		t.Run(row.name, func(t *testing.T) {
			if row.source == "" {
				row.source = "192.0.2.1:5060"
			}
			in, res := trunks.Admit(sip.Incoming{Leg: "in", Dialed: row.dialled}, invite(t, row.source, row.dialled, row.from, row.headers...))
			if res != nil || row.status != 0 {
				if res == nil || res.StatusCode != row.status {
					t.Fatalf("refused with %v, want %d", res, row.status)
				}
				return
			}
			if in.Leg != "named" || in.Dialed != row.number || in.Caller != row.caller || in.Route.Trunk != "a" || in.Route.Signalling != row.source || len(in.Route.MediaNetworks) != 1 {
				t.Errorf("admitted %+v", in)
			}
		})
	}
	if s := trunks.Stats()[0]; s.CallersRefused[RefusedNumber] != 3 || trunks.Strangers() != 2 {
		t.Errorf("%v refused, %d strangers", s.CallersRefused, trunks.Strangers())
	}
}

// Where we are registered the Request-URI is our contact, and To has the number.
func TestAdmitByTo(t *testing.T) {
	trunks, err := New([]Config{bringing()}, Deps{Agent: &fakeAgent{}, Emit: func(sip.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	req := invite(t, "192.0.2.1:5060", "0221234567", "0600123456")
	req.Recipient.User = "trunk-7"
	if in, res := trunks.Admit(sip.Incoming{Leg: "in"}, req); res != nil || in.Dialed != "+48221234567" || in.Leg != "in" {
		t.Errorf("%+v, %v", in, res)
	}
}

// A call that comes in holds a channel of the trunk until it is over, and no more come
// in than may.
func TestCallersHoldChannels(t *testing.T) {
	var told []sip.Event
	trunks, err := New([]Config{bringing()}, Deps{Agent: &fakeAgent{}, Emit: func(ev sip.Event) { told = append(told, ev) }})
	if err != nil {
		t.Fatal(err)
	}
	admit := func(leg sip.LegID) *sipgosip.Response {
		in, res := trunks.Admit(sip.Incoming{Leg: leg}, invite(t, "192.0.2.1:5060", "0221234567", "0600123456"))
		if res == nil {
			trunks.Handle(in)
		}
		return res
	}
	for _, leg := range []sip.LegID{"one", "two"} {
		if res := admit(leg); res != nil {
			t.Fatalf("%s: %v", leg, res)
		}
	}
	if res := admit("three"); res == nil || res.StatusCode != 486 || res.GetHeader("Retry-After") == nil {
		t.Errorf("a third call: %v", res)
	}
	if n := trunks.Capacity("default", time.Now()).Channels; n != 1 {
		t.Errorf("%d channels are left for calls of ours, want 1", n)
	}
	trunks.Handle(sip.Ended{Leg: "one", WasUp: true})
	trunks.Handle(sip.Ended{Leg: "one", WasUp: true}) // counted once
	if s := trunks.Stats()[0]; s.Callers != 1 || s.Channels != 1 || s.Came != 2 || s.CallersRefused[RefusedFull] != 1 {
		t.Errorf("stats %+v", s)
	}
	if res := admit("four"); res != nil {
		t.Errorf("after one is over: %v", res)
	}
	if len(told) != 5 {
		t.Errorf("%d events passed on, want 5", len(told))
	}
}

func TestValidateInbound(t *testing.T) {
	cfg := bringing()
	cfg.Inbound = Inbound{Numbers: []string{"+48221234567", "0221234567"}, MaxCalls: 4}
	err := cfg.Validate()
	for _, key := range []string{"inbound.numbers[1]: ", "inbound.max_calls: "} {
		if err == nil || !strings.Contains(err.Error(), key) {
			t.Errorf("error %v says nothing of %s", err, key)
		}
	}
}

// A node that has no share of the carrier's channels yet, or a small one, takes what the
// carrier brings: each such call has a channel at the carrier already.
func TestCallersNeedNoShare(t *testing.T) {
	trunks, err := New([]Config{bringing()}, Deps{Agent: &fakeAgent{}, Emit: func(sip.Event) {}})
	if err != nil {
		t.Fatal(err)
	}
	name := trunks.Stats()[0].Trunk
	for leg, share := range map[sip.LegID]Share{"none": {}, "small": {CPS: 1, Channels: 1, Ringing: 1, Until: time.Now().Add(time.Hour)}} {
		trunks.SetShares(map[string]Share{name: share})
		in, res := trunks.Admit(sip.Incoming{Leg: leg}, invite(t, "192.0.2.1:5060", "0221234567", "0600123456"))
		if res != nil {
			t.Fatalf("%s: refused with %d", leg, res.StatusCode)
		}
		trunks.Handle(in)
	}
	if n := trunks.Capacity("default", time.Now()).Channels; n != 0 {
		t.Errorf("%d channels are left for calls of ours, want 0", n)
	}
}
