package registrar

import (
	"context"
	"errors"
	"fmt"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

const (
	edge     = "192.0.2.10:5060" // our proxy
	edgePath = "<sip:192.0.2.10;lr>"
)

// throughEdge is a request as the proxy sends it on: its Via and Path before those of
// the phone, whose Via says where the proxy saw it.
func throughEdge(raw, path, seen string) string {
	host, port, _ := strings.Cut(seen, ":")
	raw = strings.Replace(raw, ";rport\r\n", fmt.Sprintf(";rport=%s;received=%s\r\n", port, host), 1)
	_, own, _ := strings.Cut(raw, "branch=")
	branch, _, _ := strings.Cut(own, ";")
	head := "Via: SIP/2.0/UDP " + edge + ";branch=" + branch + "edge\r\n"
	if path != "" {
		head += "Path: " + path + "\r\n"
	}
	return strings.Replace(raw, "Via:", head+"Via:", 1)
}

func behindEdge() *office { return newOffice(Config{Proxies: []string{"192.0.2.10"}}) }

// loginThrough registers a phone through the proxy.
func (o *office) loginThrough(t *testing.T, p *phone, path, seen string) string {
	t.Helper()
	p.nonce = ""
	p.challenged(t, o.send(t, throughEdge(p.register(), path, seen), edge))
	return o.send(t, throughEdge(p.register(), path, seen), edge)
}

// A phone behind proxies is called, and asked, along its Path.
func TestPathIsTheWayToThePhone(t *testing.T) {
	o := behindEdge()
	o.agent.options = func(string) error { return nil }
	path := "<sip:192.0.2.10:5062;lr;received=sip:198.51.100.7:40001>, \"Inner\" <sip:inner.example;lr>"
	got := o.loginThrough(t, newPhone("anna", "right"), path, desk)
	wantCode(t, got, 200)
	for _, line := range []string{"Supported: path", "Path: <sip:192.0.2.10:5062;lr;received=sip:198.51.100.7:40001>\r\nPath: <sip:inner.example;lr>"} {
		if !strings.Contains(got, line+"\r\n") {
			t.Errorf("no %q in\n%s", line, got)
		}
	}
	routes := []string{"sip:192.0.2.10:5062;lr;received=sip:198.51.100.7:40001", "sip:inner.example;lr"}
	o.Call("leg", "anna", nil, "")
	d := o.agent.invites[0].Dialog
	if !slices.Equal(d.Routes, routes) || d.Destination != "192.0.2.10:5062" || d.Transport != "udp" || d.RequestURI != "sip:anna@10.0.0.9:5060" {
		t.Errorf("called by %+v", d)
	}
	o.ask(t.Context(), o.Bindings()[0])
	if want := strings.Join(append(routes, "192.0.2.10:5062"), " "); len(o.agent.asked) != 1 || o.agent.asked[0] != want {
		t.Errorf("asked by %q, want %q", o.agent.asked, want)
	}

	again := newPhone("anna", "right") // moves into the office, without the proxy
	again.callID = "moved"
	wantCode(t, o.login(t, again, "203.0.113.9:5060"), 200)
	o.Call("leg2", "anna", nil, "")
	if d := o.agent.invites[1].Dialog; d.Routes != nil || d.Destination != "203.0.113.9:5060" {
		t.Errorf("after it moved it is called by %+v", d)
	}
}

// TestPathHop: what the proxy says of itself is followed only to proxies of ours.
func TestPathHop(t *testing.T) {
	o := behindEdge()
	source := netip.MustParseAddrPort("192.0.2.10:49152")
	for _, row := range []struct{ path, transport, want string }{
		{"sip:192.0.2.10;lr", "udp", "udp 192.0.2.10:5060"},
		{"sip:192.0.2.10:5064;transport=tcp;lr", "tcp", "tcp 192.0.2.10:5064"},
		{"sip:192.0.2.10;transport=TCP;lr", "udp", "tcp 192.0.2.10:5060"},
		{"sip:192.0.2.10;lr", "tls", "tls 192.0.2.10:49152"},
		{"sips:192.0.2.10;lr", "tcp", "tcp 192.0.2.10:49152"},
		{"sip:192.0.2.10;transport=ws;lr", "tcp", "tcp 192.0.2.10:49152"},
		{"sip:198.51.100.99;lr", "udp", "udp 192.0.2.10:49152"},
		{"sip:edge.example;lr", "udp", "udp 192.0.2.10:49152"},
		{"", "udp", "udp 192.0.2.10:49152"},
	} {
		var path []string
		if row.path != "" {
			path = []string{row.path}
		}
		if transport, hop := o.hopOf(path, row.transport, source); transport+" "+hop.String() != row.want {
			t.Errorf("%q over %s goes to %s %s, want %s", row.path, row.transport, transport, hop, row.want)
		}
	}
}

// Only a proxy that the configuration names sets a Path.
func TestPathOfAStranger(t *testing.T) {
	for _, o := range []*office{newOffice(Config{}), behindEdge()} {
		p := newPhone("anna", "right")
		p.extra = "Path: <sip:203.0.113.66;lr>\r\n"
		got := o.login(t, p, desk)
		wantCode(t, got, 200)
		o.Call("leg", "anna", nil, "")
		if d := o.agent.invites[0].Dialog; d.Routes != nil || d.Destination != desk || strings.Contains(got, "203.0.113.66") {
			t.Errorf("a stranger's Path is kept: %+v\n%s", d, got)
		}
		p.extra += "Require: outbound, Path\r\n"
		got = o.login(t, p, desk)
		wantCode(t, got, 420)
		if !strings.Contains(got, "Unsupported: path\r\n") {
			t.Errorf("it does not say what is not supported:\n%s", got)
		}
	}
}

func TestPathThatIsNone(t *testing.T) {
	long := strings.Repeat("<sip:192.0.2.10;lr>, ", maxPath) + "<sip:192.0.2.10;lr>"
	for _, path := range []string{"sip:192.0.2.10;lr", "<sip:192.0.2.10>", "<tel:+999;lr>", "<sip:;lr>", "<sip:192.0.2.10;lr", "<sip:192.0.2.10;lr?Route=x>", "<sip:192.0.2.10;lr;x=\"<\">", long} {
		o := behindEdge()
		wantCode(t, o.loginThrough(t, newPhone("anna", "right"), path, desk), 400)
		if o.Online("anna") {
			t.Errorf("Path %q binds", path)
		}
	}
}

// TestOrigin: the word of a proxy is believed, of nobody else.
func TestOrigin(t *testing.T) {
	o := newOffice(Config{Proxies: []string{"192.0.2.0/28", "2001:db8::10"}})
	phoneVia := "SIP/2.0/UDP 10.0.0.9:5070;branch=z9hG4bKa;"
	for _, row := range []struct {
		source string
		vias   []string
		want   string // "": refused
	}{
		{desk, []string{phoneVia + "received=203.0.113.1;rport=99"}, desk},
		{edge, []string{"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKe"}, edge},
		{edge, []string{"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKe", phoneVia + "received=198.51.100.7;rport=40001"}, desk},
		{edge, []string{"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKe", phoneVia + "x"}, "10.0.0.9:5070"},
		{edge, []string{"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKe", "SIP/2.0/TLS 10.0.0.9;branch=z9hG4bKa"}, "10.0.0.9:5061"},
		{edge, []string{"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKe", "SIP/2.0/UDP 192.0.2.11;branch=z9hG4bKf", phoneVia + "received=198.51.100.7;rport=40001"}, desk},
		// beneath the phone's own Via anything may stand
		{edge, []string{"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKe", phoneVia + "received=198.51.100.7;rport=40001", "SIP/2.0/UDP 203.0.113.1;branch=z9hG4bKx"}, desk},
		{"[2001:db8::10]:5060", []string{"SIP/2.0/UDP [2001:db8::10];branch=z9hG4bKe", "SIP/2.0/UDP [2001:db8::77]:5070;branch=z9hG4bKa"}, "[2001:db8::77]:5070"},
		{edge, []string{"SIP/2.0/UDP 192.0.2.10;branch=z9hG4bKe", "SIP/2.0/UDP phone.example;branch=z9hG4bKa"}, ""},
	} {
		raw := "REGISTER sip:outpace SIP/2.0\r\n"
		for _, v := range row.vias {
			raw += "Via: " + v + "\r\n"
		}
		raw += "From: <sip:a@outpace>;tag=a\r\nTo: <sip:a@outpace>\r\nCall-ID: a\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
		origin, _, err := o.originOf(parse(t, raw, row.source))
		if row.want == "" && err == nil || row.want != "" && (err != nil || origin.String() != row.want) {
			t.Errorf("from %s by %q: origin %v, %v; want %s", row.source, row.vias, origin, err, row.want)
		}
	}
}

// Behind a proxy who guesses or floods is blocked alone; the others, and the proxy,
// go on.
func TestGuardBehindAProxy(t *testing.T) {
	o := behindEdge()
	wantCode(t, o.loginThrough(t, newPhone("anna", "right"), edgePath, desk), 200)
	const thief = "203.0.113.66:5060"
	for range 50 {
		guess := newPhone("anna", "wrong")
		guess.callID = "guess"
		if challenge := o.send(t, throughEdge(guess.register(), edgePath, thief), edge); strings.HasPrefix(challenge, "SIP/2.0 401 ") {
			guess.challenged(t, challenge)
			o.send(t, throughEdge(guess.register(), edgePath, thief), edge)
		}
		o.at = o.at.Add(2 * time.Second)
	}
	if s := o.Stats(); s.Failures != 5 || s.Guessers != 1 {
		t.Errorf("stats %+v, want 5 wrong passwords and the guesser blocked", s)
	}
	again := newPhone("anna", "right")
	again.callID = "after-a-restart"
	wantCode(t, o.loginThrough(t, again, edgePath, "198.51.100.7:40002"), 200)

	// Somebody at anna's address who writes her port is not anna.
	digests := o.Stats().Digests
	for range 50 {
		guess := newPhone("anna", "wrong")
		guess.callID = "guess-too"
		if challenge := o.send(t, throughEdge(guess.register(), edgePath, "198.51.100.7:40002"), edge); strings.HasPrefix(challenge, "SIP/2.0 401 ") {
			guess.challenged(t, challenge)
			o.send(t, throughEdge(guess.register(), edgePath, "198.51.100.7:40002"), edge)
		}
		o.at = o.at.Add(2 * time.Second)
	}
	if n := o.Stats().Digests - digests; n != 5 {
		t.Errorf("%d passwords of a neighbour were checked, want 5", n)
	}

	stranger := newPhone("nobody", "x")
	heard := 0
	for range 1000 {
		if strings.HasPrefix(o.send(t, throughEdge(stranger.register(), edgePath, "203.0.113.67:5060"), edge), "SIP/2.0 401 ") {
			heard++
		}
	}
	if heard != floodLimit || o.Stats().Flooders != 1 {
		t.Errorf("heard %d of a flood through the proxy, want %d; stats %+v", heard, floodLimit, o.Stats())
	}
	wantCode(t, o.loginThrough(t, newPhone("ben", "also right"), edgePath, "198.51.100.8:5060"), 200)
}

// A whole floor registers at once through a proxy that we have never heard of before.
func TestManyPhonesBehindAProxy(t *testing.T) {
	o := newBigOffice(Config{Proxies: []string{"192.0.2.10"}})
	for i := range officeSize {
		wantCode(t, o.loginThrough(t, newPhone(colleague(i), "right"), edgePath, fmt.Sprintf("198.51.100.%d:5060", i)), 200)
	}
	if s := o.Stats(); s.Phones != officeSize || s.Crowded+s.Dropped+s.Flooders != 0 {
		t.Errorf("stats %+v, want %d phones and nobody blocked", s, officeSize)
	}
}

// A proxy answers in the place of a phone that is gone: that is no sign of life.
func TestProxyAnswersForThePhone(t *testing.T) {
	for code, stays := range map[int]bool{200: true, 404: true, 501: true, 408: false, 430: false, 480: false, 503: false} {
		o := behindEdge()
		o.agent.options = func(string) error { return nil }
		o.agent.code = code
		wantCode(t, o.loginThrough(t, newPhone("anna", "right"), edgePath, desk), 200)
		for range lostAfter {
			o.ask(t.Context(), o.Bindings()[0])
		}
		if o.Online("anna") != stays {
			t.Errorf("after %d answers of %d online is %v", lostAfter, code, !stays)
		}
	}
}

// The connection of a REGISTER through a proxy may end: the next request opens one.
func TestProxyOverTCP(t *testing.T) {
	o := behindEdge()
	refused := errors.New("connection refused")
	o.agent.options = func(string) error { return refused }
	p := newPhone("anna", "right")
	p.transport = "TCP"
	const connection = "192.0.2.10:49152"
	path := "<sip:192.0.2.10;transport=tcp;lr>"
	viaTCP := func(raw string) string {
		return strings.Replace(throughEdge(raw, path, desk), "UDP "+edge, "TCP "+edge, 1)
	}
	p.challenged(t, o.send(t, viaTCP(p.register()), connection))
	wantCode(t, o.send(t, viaTCP(p.register()), connection), 200)
	o.Disconnected(netip.MustParseAddrPort(connection))
	if !o.Online("anna") {
		t.Error("the phone went with the proxy's connection")
	}
	for i := range lostAfter {
		if !o.Online("anna") {
			t.Fatalf("the phone is lost after %d questions", i)
		}
		o.ask(context.Background(), o.Bindings()[0])
	}
	o.flush()
	if _, offline := o.events[len(o.events)-1].(sip.PhoneOffline); !offline || o.Online("anna") {
		t.Errorf("a proxy that is gone leaves the phone online: %v", o.events)
	}
}

// A proxy may ask whether we are up; a stranger behind it gets nothing.
func TestOptionsOfAProxy(t *testing.T) {
	o := behindEdge()
	p := newPhone("anna", "right")
	p.contact = ""
	own := strings.Replace(p.request("OPTIONS", registerURI, registerURI, ""), "10.0.0.9:5060", edge, 1)
	wantCode(t, o.send(t, own, edge), 200)
	strangers := p.request("OPTIONS", registerURI, registerURI, "")
	if got := o.send(t, throughEdge(strangers, "", desk), edge); got != "" {
		t.Errorf("a stranger behind the proxy got\n%s", got)
	}
	if got := o.send(t, p.request("OPTIONS", registerURI, registerURI, ""), desk); got != "" {
		t.Errorf("a stranger got\n%s", got)
	}
}

func TestProxiesAreAddresses(t *testing.T) {
	if err := (Config{Proxies: []string{"192.0.2.10", "2001:db8::/64", "192.0.2.0/28"}}).Validate(); err != nil {
		t.Error(err)
	}
	err := Config{Proxies: []string{"edge.example"}}.Validate()
	if err == nil || !strings.Contains(err.Error(), "proxies: \"edge.example\"") {
		t.Errorf("a name is taken: %v", err)
	}
}

// On the wire INVITE, its ACK, and OPTIONS carry the Path as their Route.
func TestPathOnTheWire(t *testing.T) {
	s := newSwitchboard(t, Config{Proxies: []string{"127.0.0.1"}, KeepAlive: time.Second}, time.Now)
	w := s.dial(t, "udp") // the proxy
	own := w.conn.LocalAddr().String()
	path := "<sip:" + own + ";lr;received=sip:198.51.100.7:40001>"
	p := newPhone("anna", "right")
	through := func(raw string) string { return strings.ReplaceAll(throughEdge(raw, path, desk), edge, own) }
	p.challenged(t, w.exchange(through(p.register())))
	wantCode(t, w.exchange(through(p.register())), 200)
	if ev, ok := s.next(t).(sip.PhoneOnline); !ok || ev.User != "anna" {
		t.Fatalf("got %+v, want anna online", ev)
	}
	s.Call("leg", "anna", []byte("v=0\r\n"), "")
	missing := map[string]bool{"INVITE": true, "ACK": true, "OPTIONS": true}
	for len(missing) > 0 {
		req := w.receive(patience)
		method, rest, _ := strings.Cut(req, " ")
		if !strings.HasPrefix(rest, "sip:anna@10.0.0.9:5060 ") || !strings.Contains(req, "\r\nRoute: "+path+"\r\n") {
			t.Fatalf("%v still to come; got\n%s", missing, req)
		}
		switch method {
		case "INVITE":
			w.reply(req, "486 Busy Here", "", "")
		case "OPTIONS":
			w.reply(req, "200 OK", "", "")
		}
		delete(missing, method)
	}
}
