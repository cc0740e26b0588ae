package registrar

import (
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

func TestRegister(t *testing.T) {
	for _, algorithm := range []string{"SHA-256", "MD5", ""} {
		for _, transport := range []string{"UDP", "TCP"} {
			o := newOffice(Config{})
			p := newPhone("anna", "right")
			p.algorithm, p.transport = algorithm, transport
			p.extra = "User-Agent: Desk 3000\r\nExpires: 300\r\n"
			answer := o.login(t, p, desk)
			wantCode(t, answer, 200)
			if !strings.Contains(answer, "Contact: <sip:anna@10.0.0.9:5060>;expires=120\r\n") {
				t.Errorf("answer has no binding cut down to 120 s:\n%s", answer)
			}
			b := o.Bindings()
			if len(b) != 1 || b[0].Source.String() != desk || b[0].Transport != strings.ToLower(transport) ||
				b[0].UserAgent != "Desk 3000" || !b[0].Expires.Equal(epoch.Add(2*time.Minute)) {
				t.Errorf("bindings = %+v", b)
			}
			if len(o.events) != 1 || o.events[0].(sip.PhoneOnline).User != "anna" || !o.Online("anna") {
				t.Errorf("events = %v", o.events)
			}
		}
	}
}

func TestRegisterRefuses(t *testing.T) {
	tests := []struct {
		name  string
		spoil func(*phone)
		want  int
	}{
		{"for another user", func(p *phone) { p.extra = "" }, 403}, // To is changed below
		{"star among others", func(p *phone) { p.contact, p.extra = "*", "Contact: <sip:anna@10.0.0.9>\r\nExpires: 0\r\n" }, 400},
		{"star without expires 0", func(p *phone) { p.contact = "*" }, 400},
		{"too brief", func(p *phone) { p.contact += ";expires=59" }, 423},
		{"a tel URI", func(p *phone) { p.contact = "<tel:+48221234567>" }, 400},
		{"nine contacts", func(p *phone) { p.contact = strings.Repeat("<sip:a@h>,", 8) + "<sip:a@h>" }, 400},
	}
	for _, tt := range tests {
		o := newOffice(Config{})
		p := newPhone("anna", "right")
		p.challenged(t, o.send(t, p.register(), desk))
		tt.spoil(p)
		to := "sip:anna@outpace"
		if tt.want == 403 {
			to = "sip:ben@outpace"
		}
		answer := o.send(t, p.request("REGISTER", registerURI, to, p.digest("REGISTER", registerURI)), desk)
		if !strings.HasPrefix(answer, fmt.Sprintf("SIP/2.0 %d ", tt.want)) || len(o.Bindings()) != 0 {
			t.Errorf("%s: want %d and no binding, got\n%s", tt.name, tt.want, answer)
		}
		if tt.want == 423 && !strings.Contains(answer, "Min-Expires: 60\r\n") {
			t.Errorf("423 without Min-Expires:\n%s", answer)
		}
	}
}

func TestUnregister(t *testing.T) {
	for name, leave := range map[string]func(*phone){
		"contact":        func(p *phone) { p.contact += ";expires=0" },
		"expires header": func(p *phone) { p.extra = "Expires: 0\r\n" },
		"star":           func(p *phone) { p.contact, p.extra = "*", "Expires: 0\r\n" },
		"among others":   func(p *phone) { p.contact = "<sip:old@10.9.9.9>;expires=0, " + p.contact + ";expires=0" },
	} {
		o := newOffice(Config{})
		p := newPhone("anna", "right")
		wantCode(t, o.login(t, p, desk), 200)
		leave(p)
		answer := o.send(t, p.register(), desk)
		wantCode(t, answer, 200)
		if strings.Contains(answer, "Contact:") || o.Online("anna") || len(o.events) != 2 || o.events[1].(sip.PhoneOffline).User != "anna" {
			t.Errorf("%s: events %v, answer\n%s", name, o.events, answer)
		}
	}
}

func TestNewestPhoneWins(t *testing.T) {
	o := newOffice(Config{})
	old, next := newPhone("anna", "right"), newPhone("anna", "right")
	next.callID, next.contact = "other", "<sip:anna@10.0.0.10:5062>"
	wantCode(t, o.login(t, old, desk), 200)
	wantCode(t, o.login(t, next, "198.51.100.8:5062"), 200)
	old.contact += ";expires=0"
	wantCode(t, o.login(t, old, desk), 200) // it says goodbye, but is not the one any more
	b := o.Bindings()
	if len(b) != 1 || b[0].Contact != "sip:anna@10.0.0.10:5062" || len(o.events) != 1 {
		t.Errorf("bindings %+v, events %v", b, o.events)
	}
	// A query changes nothing and tells the binding.
	next.contact = ""
	if answer := o.send(t, next.register(), "198.51.100.8:5062"); !strings.Contains(answer, "10.0.0.10:5062>;expires=120") {
		t.Errorf("query:\n%s", answer)
	}
}

func TestOldRegisterOutOfOrder(t *testing.T) {
	o := newOffice(Config{})
	p := newPhone("anna", "right")
	wantCode(t, o.login(t, p, desk), 200)
	p.cseq--
	wantCode(t, o.send(t, p.repeat("REGISTER", registerURI, "sip:anna@outpace", p.digest("REGISTER", registerURI)), desk), 500)
}

func TestS02PhonesReachOnlyTheirLeg(t *testing.T) {
	tests := []struct {
		dialed string
		want   string
	}{
		{"outpace", "admitted anna"},
		{"*71", "admitted anna"},
		{"*711234", "admitted anna"},
		{"*", "SIP/2.0 403"},
		{"*71*", "SIP/2.0 403"},
		{"71", "SIP/2.0 403"},
		{"Outpace", "SIP/2.0 403"},
		{"outpace2", "SIP/2.0 403"},
		{"+48600100200", "SIP/2.0 403"},
		{"00882123456", "SIP/2.0 403"},
		{"ben", "SIP/2.0 403"},
		{"*12345678901234567", "SIP/2.0 403"},
	}
	for _, tt := range tests {
		o := newOffice(Config{})
		p := newPhone("anna", "right")
		uri := "sip:" + tt.dialed + "@outpace"
		first := o.send(t, p.request("INVITE", uri, uri, ""), desk)
		wantCode(t, first, 401)
		p.challenged(t, first)
		if got := o.send(t, p.request("INVITE", uri, uri, p.digest("INVITE", uri)), desk); !strings.HasPrefix(got, tt.want) {
			t.Errorf("%s: want %s, got\n%s", tt.dialed, tt.want, got)
		}
	}
	// From must be the user who has the password.
	o := newOffice(Config{})
	p := newPhone("anna", "right")
	uri := "sip:outpace@outpace"
	p.challenged(t, o.send(t, p.request("INVITE", uri, uri, ""), desk))
	auth := p.digest("INVITE", uri)
	p.user = "ben"
	wantCode(t, o.send(t, p.request("INVITE", uri, uri, auth), desk), 403)
}

func TestOptions(t *testing.T) {
	o := newOffice(Config{})
	p := newPhone("anna", "right")
	ask := func(source string) string {
		return o.send(t, p.request("OPTIONS", "sip:outpace", "sip:outpace", ""), source)
	}
	if got := ask(desk); got != "" {
		t.Errorf("a stranger got\n%s", got)
	}
	wantCode(t, o.login(t, p, desk), 200)
	if got := ask(desk); !strings.HasPrefix(got, "SIP/2.0 200") || !strings.Contains(got, "Allow: INVITE") {
		t.Errorf("a registered phone got\n%s", got)
	}
}

func TestCall(t *testing.T) {
	o := newOffice(Config{})
	o.Call("leg-0", "anna", nil, "")
	if len(o.events) != 0 {
		t.Fatal("Call emitted by itself: the engine's loop would wait for its own inbox")
	}
	o.flush()
	if ended, ok := o.events[0].(sip.Ended); !ok || ended.Leg != "leg-0" || ended.Cause.Result != sip.ResultAbsent {
		t.Errorf("without a phone: %+v", o.events)
	}
	p := newPhone("anna", "right")
	p.transport = "TCP"
	wantCode(t, o.login(t, p, desk), 200)
	o.Call("leg-1", "anna", []byte("offer"), "id-1")
	inv := o.agent.invites[0]
	if d := inv.Dialog; d.Destination != desk || d.Transport != "tcp" || d.RequestURI != "sip:anna@10.0.0.9:5060" ||
		d.CallID != "id-1" || d.Agent != "phones" || d.RemoteURI != "sip:anna@outpace" || d.LocalURI != "sip:outpace@outpace" {
		t.Errorf("dialog = %+v", d)
	}
	want := []sip.Header{
		{Name: "Answer-Mode", Value: "Auto"},
		{Name: "Call-Info", Value: "<sip:outpace>;answer-after=0"},
		{Name: "Alert-Info", Value: "<http://www.notused.com>;info=alert-autoanswer;delay=0"},
	}
	if !slices.Equal(inv.Headers, want) || string(inv.Body) != "offer" || inv.RingTimeout != 30*time.Second {
		t.Errorf("invitation = %+v", inv)
	}
	o.Accept("a", nil)
	o.Hangup("b", sip.Cause{})
	o.Reply("c", nil)
	if got := strings.Join(o.agent.commands, ","); got != "accept a,hangup b,reply c" {
		t.Errorf("commands = %s", got)
	}
}

func TestValidate(t *testing.T) {
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("zero configuration: %v", err)
	}
	for key, cfg := range map[string]Config{
		"realm":        {Realm: "a b"},
		"expires":      {Expires: 59 * time.Second},
		"block_after":  {BlockAfter: -1},
		"block_for":    {BlockFor: time.Millisecond},
		"offices":      {Offices: []string{"198.51.100.7/24x"}},
		"keep_alive":   {KeepAlive: time.Hour},
		"ring_timeout": {RingTimeout: time.Millisecond},
	} {
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), key+":") {
			t.Errorf("error = %v, want it to name %s", err, key)
		}
	}
}

func TestSplitList(t *testing.T) {
	got := splitList(`"Doe, Jane" <sip:a@h;x=1,2>;q=1, <sip:b@h>,*`)
	if want := []string{`"Doe, Jane" <sip:a@h;x=1,2>;q=1`, "<sip:b@h>", "*"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}

func FuzzContacts(f *testing.F) {
	f.Add("<sip:a@h>;expires=60, *")
	f.Add(`"\",<" <sip:a@h>`)
	f.Add("\x00<>\"")
	f.Fuzz(func(t *testing.T, value string) {
		for _, part := range splitList(value) {
			c, err := parseContact(part, -1)
			if err == nil && !c.all && strings.ContainsAny(c.uri, "<>\" ") {
				t.Errorf("%q gives the URI %q, which would break out of its brackets", value, c.uri)
			}
		}
	})
}
