package sip

import (
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

func TestStrictRoute(t *testing.T) {
	for _, tt := range []struct {
		routes     []string
		wantTarget string
		wantRoutes []string
	}{
		{nil, "sip:t@h", nil},
		{[]string{"sip:p;lr", "sip:q;lr"}, "sip:t@h", []string{"sip:p;lr", "sip:q;lr"}},
		{[]string{"sip:p", "sip:q;lr"}, "sip:p", []string{"sip:q;lr", "sip:t@h"}},
		{[]string{"sip:p;x=lr"}, "sip:p;x=lr", []string{"sip:t@h"}},
	} {
		target, routes := strictRoute("sip:t@h", tt.routes)
		if target != tt.wantTarget || !slices.Equal(routes, tt.wantRoutes) {
			t.Errorf("strictRoute(%q) = %q, %q", tt.routes, target, routes)
		}
	}
}

func TestNextHop(t *testing.T) {
	own := netip.MustParseAddrPort("127.0.0.1:1")
	a := &Agent{contact: map[string]netip.AddrPort{"udp": own, "tcp": own}}
	d := Dialog{Transport: "udp", Destination: "192.0.2.1:5062"}
	for _, tt := range []struct {
		name   string
		s      send
		target string
		routes []string
		want   string
	}{
		{"INVITE", send{method: "INVITE", peer: &peer{}}, "sip:t@198.51.100.1", nil, "udp 192.0.2.1:5062"},
		{"ACK of a refusal", send{method: "ACK", branch: "b", peer: &peer{tag: "A"}}, "sip:t@198.51.100.1", nil, "udp 192.0.2.1:5062"},
		{"BYE", send{method: "BYE", peer: &peer{tag: "A"}}, "sip:t@198.51.100.1", nil, "udp 198.51.100.1:5060"},
		{"BYE by a proxy", send{method: "BYE", peer: &peer{tag: "A"}}, "sip:t@198.51.100.1", []string{"sip:198.51.100.2:5070;lr"}, "udp 198.51.100.2:5070"},
		{"BYE over TCP", send{method: "BYE", peer: &peer{tag: "A"}}, "sip:t@198.51.100.1;transport=tcp", nil, "tcp 198.51.100.1:5060"},
		{"BYE over what we have not", send{method: "BYE", peer: &peer{tag: "A"}}, "sip:t@198.51.100.1;transport=tls", nil, "udp 198.51.100.1:5060"},
		{"BYE on IPv6", send{method: "BYE", peer: &peer{tag: "A"}}, "sip:t@[2001:db8::1]:5061", nil, "udp [2001:db8::1]:5061"},
		{"BYE to nonsense", send{method: "BYE", peer: &peer{tag: "A"}}, "tel:+1", nil, "udp 192.0.2.1:5062"},
	} {
		transport, destination := a.nextHop(d, tt.s, tt.target, tt.routes)
		if got := transport + " " + destination; got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestExternalAddress(t *testing.T) {
	for external, want := range map[string]string{"sip.example.com": "sip.example.com:PORT", "203.0.113.9:7000": "203.0.113.9:7000"} {
		t.Run(external, func(t *testing.T) {
			n, f := newNear(t, func(c *Config) { c.External = external }), newFarEnd(t)
			inv := n.invite(f)
			_, port, _ := strings.Cut(n.Addr("udp").String(), ":")
			want = strings.Replace(want, "PORT", port, 1)
			if got := header(inv, "Contact"); got != "<sip:outpace@"+want+">" {
				t.Errorf("Contact = %s", got)
			}
			if via := header(inv, "Via"); !strings.HasPrefix(via, "SIP/2.0/UDP "+want+";rport;") {
				t.Errorf("Via = %s", via)
			}
		})
	}
}

// A name in the Contact is looked up outside the loop; ACK and BYE still leave
// in their order.
func TestContactByName(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	inv := n.invite(f)
	_, port, _ := strings.Cut(f.addr(), ":")
	f.answer(inv, "200 OK", "T1", "Contact: <sip:far@localhost:"+port+">\r\n", "v=0\r\n")
	event[Answered](n)
	n.Hangup("leg", Cause{})
	f.expect("ACK sip:far@localhost:")
	f.answer(f.expect("BYE sip:far@localhost:"), "200 OK", "", "", "")
	event[Ended](n)
}

func TestConfig(t *testing.T) {
	good := Config{Listen: []Listener{{"udp", "127.0.0.1:0"}}}
	if err := good.Validate(); err != nil {
		t.Error(err)
	}
	for _, change := range []func(*Config){
		func(c *Config) { c.Listen = nil },
		func(c *Config) { c.Listen = []Listener{{"sctp", "127.0.0.1:0"}} },
		func(c *Config) { c.Listen = []Listener{{"udp", "localhost"}} },
		func(c *Config) { c.External = "a b" },
		func(c *Config) { c.UserAgent = "x\r\ny" },
		func(c *Config) { c.SessionExpires, c.MinSE = time.Minute, time.Hour },
	} {
		c := good
		change(&c)
		if c.Validate() == nil {
			t.Errorf("%+v is taken", c)
		}
	}
	if c := (Config{MinSE: time.Hour}).withDefaults(); c.SessionExpires != time.Hour {
		t.Errorf("interval = %s", c.SessionExpires)
	}
}

func TestTwoLegsOfOneName(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	n.invite(f)
	n.Invite("leg", Invitation{Dialog: dialogTo(f)}) // a mistake of ours: nothing is sent
	n.Invite("other", Invitation{})
	if e := event[Ended](n); e.Leg != "other" || e.Cause.Result != ResultProtocolFailure {
		t.Errorf("ended = %+v", e)
	}
	f.silent(30 * time.Millisecond)
}

func TestParse(t *testing.T) {
	for in, want := range map[string]reason{
		`Q.850;cause=16;text="Terminated"`:               {16, "Terminated"},
		`SIP;cause=200;text="Call completed elsewhere"`:  {0, "Call completed elsewhere"},
		`SIP;cause=486;text="a, b;c",q.850 ; cause = 17`: {17, "a, b;c"},
		`Q.850;cause=999`:                                {},
		`Q.850;cause=21;text="v=analytics1;url=\"x\""`:   {21, `v=analytics1;url="x"`},
		`;;;,,"`: {},
	} {
		if got := parseReason([]string{in}); got != want {
			t.Errorf("parseReason(%s) = %+v, want %+v", in, got, want)
		}
	}
	for in, want := range map[string]sessionExpires{
		"1800;refresher=uas":   {1800 * time.Second, "uas"},
		" 90 ; Refresher=UAC ": {90 * time.Second, "uac"},
		"90;refresher=me":      {90 * time.Second, ""},
		"0":                    {},
		"-5;refresher=uac":     {},
		"99999999":             {},
	} {
		if got := parseSessionExpires(in); got != want {
			t.Errorf("parseSessionExpires(%q) = %+v, want %+v", in, got, want)
		}
	}
	multipart := "--b\r\nContent-Type: application/isup\r\n\r\n\x01\x02\r\n--b\r\nContent-Type: application/sdp\r\n\r\nv=0\r\n\r\n--b--\r\n"
	if got := sessionBody(`multipart/mixed; boundary="b"`, []byte(multipart)); string(got) != "v=0\r\n" {
		t.Errorf("SDP in a multipart body = %q", got)
	}
	if got := sessionBody("text/plain", []byte("v=0")); got != nil {
		t.Errorf("text taken for SDP: %q", got)
	}
}
