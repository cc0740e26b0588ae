package sip

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/netip"
	"os"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"
)

// full says whether `make security` runs the tests, in the size that the security
// tests are specified in; without it they are smaller.
func full() bool { return os.Getenv("OUTPACE_SECURITY") != "" }

// injections are 200 strings that would break out of the place they stand in.
func injections() []string {
	pieces := []string{
		"\r\n", "\r", "\n", "\n\r", "\x00", "\x0b", "\x0c", "\x1b[2J", "\x7f", "\u2028", "\u2029", "\u0085", "\u202e",
		"\xc0\x8d\xc0\x8a", "\xe0\x80\x8d", "\xff\xfe", "\xed\xa0\x80", "%0d%0a", "%0D%0AX-Evil:1", `"`, `\"`, `\`, ">", "<", ";", ",", "@", "?", "&", "=", ":", " ",
		"\t", "'", "<sip:evil@192.0.2.66>", ">;lr,<sip:evil@192.0.2.66", `"<sip:evil@192.0.2.66>"`, ";tag=evil", ";transport=tcp", "?Route=%3Csip:evil%3E",
	}
	var all []string
	for _, p := range pieces {
		all = append(all, p, "1"+p, p+"X-Evil: 1", "1"+p+"X-Evil: 1"+p, "1"+p+"\r\nX-Evil: 1\r\n\r\n"+p)
	}
	return all
}

// TestS10HeaderInjection (S-10): each of 200 strings in each place of an INVITE that
// is filled from outside: it is refused, or the INVITE has the headers it should have
// and no more, and goes where it should.
func TestS10HeaderInjection(t *testing.T) {
	all := injections()
	if len(all) != 200 {
		t.Fatalf("%d strings", len(all))
	}
	for name, inject := range map[string]func(*Invitation, string){
		"number":       func(i *Invitation, s string) { i.Dialog.RequestURI = "sip:1" + s + "@" + i.Dialog.Destination },
		"called":       func(i *Invitation, s string) { i.Dialog.RemoteURI = "sip:1" + s + "@far" },
		"caller":       func(i *Invitation, s string) { i.Dialog.LocalURI = "sip:1" + s + "@near" },
		"caller name":  func(i *Invitation, s string) { i.Dialog.LocalURI = `"Joe` + s + `" <sip:1@near>` },
		"header value": func(i *Invitation, s string) { i.Headers = []Header{{"X-Lead", "a" + s}} },
		"Call-ID":      func(i *Invitation, s string) { i.Dialog.CallID += s },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			n, f := newNear(t), newFarEnd(t)
			f.peer = n.netAddr()
			plain := headerNames(n.invite(f, func(i *Invitation) { i.Headers = []Header{{"X-Lead", "a"}} }))
			f.answer(lastOf(f), "486 Busy Here", "T", "", "")
			event[Ended](n)
			f.expect("ACK")
			if name != "header value" {
				plain = slices.DeleteFunc(plain, func(h string) bool { return h == "X-Lead" })
			}
			sent := 0
			for i, s := range all {
				inv := Invitation{Dialog: dialogTo(f), Body: []byte("v=0 our offer\r\n")}
				inject(&inv, s)
				n.Invite(LegID("leg"+strconv.Itoa(i)), inv)
				invite := f.inviteOrEnd(n)
				if invite == "" {
					continue // refused
				}
				sent++
				if got := headerNames(invite); !slices.Equal(got, plain) {
					t.Errorf("%q: headers %q, want %q", s, got, plain)
				}
				if start := firstLine(invite); !strings.HasSuffix(start, "@"+f.addr()+" SIP/2.0") {
					t.Errorf("%q: it goes to %s", s, start)
				}
				if body := bodyOf(invite); body != "v=0 our offer\r\n" {
					t.Errorf("%q: body %q", s, body)
				}
				f.answer(invite, "486 Busy Here", "T", "", "")
				event[Ended](n)
			}
			t.Logf("%d refused, %d sent", len(all)-sent, sent)
		})
	}
}

// headerNames are the names of all headers, in order, those of our own making and
// the injected ones alike: no string above names one.
func headerNames(m string) (names []string) {
	head, _, _ := strings.Cut(m, "\r\n\r\n")
	for line := range strings.SplitSeq(strings.NewReplacer("\r\n", "\n", "\r", "\n").Replace(head), "\n") {
		if name, _, ok := strings.Cut(line, ":"); ok && !strings.Contains(name, " ") {
			names = append(names, name)
		}
	}
	return names
}

// lastOf is the INVITE that f saw last.
func lastOf(f *farEnd) (invite string) {
	for m := range f.seen {
		if strings.HasPrefix(m, "INVITE") {
			invite = m
		}
	}
	return invite
}

// inviteOrEnd is the INVITE that comes of a call, or "" where the call was refused
// before anything was sent.
func (f *farEnd) inviteOrEnd(n *near) string {
	f.t.Helper()
	timeout := time.After(patience)
	for {
		select {
		case m := <-f.got:
			if strings.HasPrefix(m, "INVITE") && !f.seen[m] {
				f.seen[m] = true
				return m
			}
			f.seen[m] = true
		case ev := <-n.events:
			if e, ok := ev.(Ended); !ok || e.Cause.Code != 0 || e.Cause.Result != ResultProtocolFailure {
				f.t.Fatalf("event %+v", ev)
			}
			return ""
		case <-timeout:
			f.t.Fatal("neither an INVITE nor an end")
		}
	}
}

// mutations are 180 ways to spoil the value of a header.
func mutations() []func(string) string {
	var all []func(string) string
	add := func(f func(string) string) { all = append(all, f) }
	for n := 7; n <= 17; n++ { // overflow
		for _, ch := range []string{"A", "9", "%s", ";", "(", "\"", ","} {
			add(func(v string) string { return v + strings.Repeat(ch, min(1<<n, 50_000)/len(ch)) })
		}
	}
	for _, number := range []string{"0", "-1", "255", "256", "65535", "65536", "2147483647", "2147483648", "4294967295", "4294967296", "18446744073709551616", "1e9", "0x10", "٣"} {
		add(func(string) string { return number })
		add(func(v string) string { return v + ";expires=" + number })
		add(func(v string) string { return number + " " + v })
	}
	for _, format := range []string{"%n%n%n%n", "%s%s%s%s", "%x", "%99999d", "${jndi:x}", "`id`", "$(id)", "../../../etc/passwd"} {
		add(func(string) string { return format })
		add(func(v string) string { return v + format })
	}
	for _, text := range []string{"", " ", "\t", ",", ";", ":", "=", "@", "<", ">", "<>", "\"", "\"\"", "*", "[", "]", "[::", "[::1]:99999", "sip:", "sip:@", "sip::@:", "\xff\xfe", "\xc0\xaf", "é", "\u2028", "🦊"} {
		add(func(string) string { return text })
	}
	for depth := 1; depth <= 4096; depth *= 8 { // nesting
		for _, pair := range []string{"<>", "()", "\"\""} {
			add(func(string) string { return strings.Repeat(pair[:1], depth) + strings.Repeat(pair[1:], depth) })
		}
	}
	add(func(v string) string { return v + ", " + v })
	add(func(v string) string { return strings.Repeat(v+",", 500) })
	add(func(v string) string { return v + "\r\n " + v })
	add(func(v string) string { return strings.ToUpper(v) })
	return all[:180]
}

// gridHeaders are 25 headers with a value that is right.
var gridHeaders = [][2]string{
	{"Via", "SIP/2.0/UDP 127.0.0.1:5060;rport;branch=z9hG4bKgrid"}, {"From", "<sip:a@far>;tag=F"}, {"To", "<sip:x@near>"},
	{"Call-ID", "grid"}, {"CSeq", "1 INVITE"}, {"Max-Forwards", "70"}, {"Contact", "<sip:a@127.0.0.1>"}, {"Content-Length", "0"},
	{"Content-Type", "application/sdp"}, {"Route", "<sip:p@127.0.0.1;lr>"}, {"Record-Route", "<sip:p@127.0.0.1;lr>"},
	{"Authorization", `Digest username="a", realm="r", nonce="n", uri="sip:x", response="0"`},
	{"Proxy-Authorization", `Digest username="a", realm="r", nonce="n", uri="sip:x", response="0"`},
	{"Require", "timer"}, {"Proxy-Require", "foo"}, {"Supported", "timer"}, {"Allow", "INVITE"}, {"Session-Expires", "1800;refresher=uac"},
	{"Min-SE", "90"}, {"Expires", "60"}, {"Reason", `Q.850;cause=16;text="x"`}, {"Subject", "s"}, {"User-Agent", "u"},
	{"Date", "Sat, 13 Nov 2010 23:29:00 GMT"}, {"Retry-After", "18;duration=3600"},
}

// TestS12MalformedGrid (S-12): 25 headers with 180 mutations each, in requests and
// responses; after each the agent answers an OPTIONS, and between every fifty a call
// goes through. A ninth of the grid where `make security` does not ask for all.
func TestS12MalformedGrid(t *testing.T) {
	t.Parallel()
	step := 9
	if full() {
		step = 1
	}
	n, f, caller := newNear(t), newFarEnd(t), newFarEnd(t)
	f.peer, caller.peer = n.netAddr(), n.netAddr()
	lines := []string{"INVITE sip:x@near SIP/2.0", "BYE sip:x@near SIP/2.0", "OPTIONS sip:x@near SIP/2.0", "REGISTER sip:near SIP/2.0", "SIP/2.0 200 OK", "CANCEL sip:x@near SIP/2.0"}
	all, sent := mutations(), 0
	for h, header := range gridHeaders {
		for m := h % step; m < len(all); m += step {
			start := lines[(h+m)%len(lines)]
			message := gridMessage(start, header[0], all[m](header[1]), strconv.Itoa(h)+"-"+strconv.Itoa(m))
			f.sendSome(message)
			n.alive(caller)
			if sent++; sent%50 == 0 {
				n.validCall(LegID("valid" + strconv.Itoa(sent)))
			}
		}
	}
	n.quiet()
	t.Logf("%d messages", sent)
	if want := len(gridHeaders) * len(all) / step; sent != want {
		t.Errorf("%d messages, want %d", sent, want)
	}
	if s := n.Stats(); s.Legs != 0 {
		t.Errorf("%d legs", s.Legs)
	}
}

// validCall places a call, which is answered and hung up.
func (n *near) validCall(leg LegID) {
	n.t.Helper()
	f := newFarEnd(n.t)
	f.peer = n.netAddr()
	n.Invite(leg, Invitation{Dialog: dialogTo(f), Body: []byte("v=0\r\n")})
	f.answer(f.expect("INVITE"), "200 OK", "T1", f.contact(), "v=0\r\n")
	f.expect("ACK")
	event[Answered](n)
	n.Hangup(leg, Cause{})
	f.answer(f.expect("BYE"), "200 OK", "", "", "")
	event[Ended](n)
}

// gridMessage is a message with one header spoilt.
func gridMessage(start, name, value, id string) string {
	var b strings.Builder
	b.WriteString(start + "\r\n")
	method, _, _ := strings.Cut(start, " ")
	if strings.HasPrefix(method, "SIP/") {
		method = "INVITE"
	}
	for _, h := range gridHeaders {
		v := h[1]
		switch {
		case h[0] == name:
			v = value
		case h[0] == "CSeq":
			v = "1 " + method
		case h[0] == "Via" || h[0] == "Call-ID":
			v += id
		}
		b.WriteString(h[0] + ": " + v + "\r\n")
	}
	b.WriteString("\r\n")
	return b.String()
}

// sendSome sends what a datagram can hold.
func (f *farEnd) sendSome(m string) {
	f.t.Helper()
	f.send(f.peer, m[:min(len(m), 60_000)])
}

// TestS16SpoofedByeAndCancel (S-16): a BYE or CANCEL with the right Call-ID and wrong
// tags, a wrong branch, or from an address that is nobody's: 481 or nothing, and the
// call stays.
func TestS16SpoofedByeAndCancel(t *testing.T) {
	f, stranger := newFarEnd(t), newFarEnd(t)
	n := newNear(t, func(c *Config) { c.Allow = allowOnly(f.addr()) })
	invite, _ := n.connect(f, "")
	right := f.inDialog(invite, "T1", "BYE", 7, "", "")
	for name, bye := range map[string]string{
		"another tag of ours":      strings.Replace(right, header(right, "To"), header(right, "To")+"x", 1),
		"no tag of ours":           strings.Replace(right, header(right, "To"), between(header(right, "To"), "", ";tag"), 1),
		"another tag of theirs":    strings.Replace(right, ";tag=T1", ";tag=T2", 1),
		"another Call-ID":          strings.Replace(right, header(right, "Call-ID"), header(right, "Call-ID")+"x", 1),
		"both tags swapped":        strings.NewReplacer("From: ", "To: ", "To: ", "From: ").Replace(right),
		"a re-INVITE, another tag": f.inDialog(invite, "wrong", "INVITE", 7, "", ""),
		"a PRACK, another tag":     f.inDialog(invite, "wrong", "PRACK", 7, "", ""),
		"CANCEL, another branch": strings.NewReplacer("BYE sip", "CANCEL sip", "7 BYE", "1 CANCEL", ";tag=T1", "").
			Replace(right),
	} {
		f.send(f.peer, strings.Replace(bye, "branch=", "branch=z9hG4bK"+randomToken(6), 1))
		if m := f.next("an answer"); !strings.HasPrefix(m, "SIP/2.0 481") {
			t.Errorf("%s: %s, want 481", name, firstLine(m))
		}
	}
	stranger.send(f.peer, right)
	stranger.silent(50 * time.Millisecond)
	n.alive(f)
	n.quiet()
	if s := n.Stats(); s.Legs != 1 {
		t.Fatalf("%d legs, want the call", s.Legs)
	}
	f.send(f.peer, right)
	f.expect("SIP/2.0 200")
	event[Ended](n)
}

// TestS37TLS (S-37): what our listener of TLS takes of others, and what it takes as a
// carrier's: TLS 1.2 and 1.3 with forward secrecy, nothing older or weaker.
func TestS37TLS(t *testing.T) {
	a := newAuthority(t)
	n := newNear(t, a.overTLS)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11, tls.VersionTLS12, tls.VersionTLS13} {
		err := agrees(n.Addr("tls"), &tls.Config{MinVersion: version, MaxVersion: version})
		if takes := err == nil; takes != (version >= tls.VersionTLS12) {
			t.Errorf("%s: %v", tls.VersionName(version), err)
		}
	}
	weak := tls.InsecureCipherSuites()
	for _, suite := range weak {
		if slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			if agrees(n.Addr("tls"), &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}) == nil {
				t.Errorf("%s is taken", suite.Name)
			}
		}
	}
	strong := 0
	for _, suite := range tls.CipherSuites() {
		if !slices.Contains(suite.SupportedVersions, tls.VersionTLS12) {
			continue
		}
		if agrees(n.Addr("tls"), &tls.Config{MaxVersion: tls.VersionTLS12, CipherSuites: []uint16{suite.ID}}) == nil {
			strong++
			if !strings.Contains(suite.Name, "ECDHE") {
				t.Errorf("%s is taken and has no forward secrecy", suite.Name)
			}
		}
	}
	if strong == 0 {
		t.Error("no suite of TLS 1.2 is taken")
	}

	a.issue("carrier", "carrier.example", time.Hour)
	for _, version := range []uint16{tls.VersionTLS10, tls.VersionTLS11} {
		ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
			Certificates: []tls.Certificate{a.load("carrier")}, MinVersion: version, MaxVersion: version,
		})
		if err != nil {
			t.Fatal(err)
		}
		go func() { // ends with the listener
			for {
				conn, err := ln.Accept()
				if err != nil {
					return
				}
				_ = conn.(*tls.Conn).Handshake()
				_ = conn.Close()
			}
		}()
		n.Invite(LegID(fmt.Sprint("leg", version)), inviteOver("tls", ln.Addr().String()))
		if e := event[Ended](n); e.Cause.Result != ResultTrunkDown {
			t.Errorf("a carrier with %s: %+v", tls.VersionName(version), e)
		}
		_ = ln.Close()
	}
}

// agrees looks whether an address agrees on keys.
func agrees(to netip.AddrPort, cfg *tls.Config) error {
	cfg.InsecureSkipVerify = true //nolint:gosec // looks only
	if cfg.MinVersion == 0 {
		cfg.MinVersion = tls.VersionTLS10
	}
	raw, err := net.DialTimeout("tcp", to.String(), patience)
	if err != nil {
		return err
	}
	defer func() { _ = raw.Close() }()
	_ = raw.SetDeadline(time.Now().Add(patience))
	return tls.Client(raw, cfg).Handshake()
}
