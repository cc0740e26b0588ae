package sip

import (
	"fmt"
	"net"
	"strings"
	"testing"

	sipgosip "github.com/emiago/sipgo/sip"
)

// message6 is a request with IPv6 in it. The scenarios are those of RFC 5118, in words of
// our own.
type message6 struct {
	method, uri string
	via         string // topmost, without the branch
	more        string // headers
	body        string
}

func (m message6) String() string {
	return fmt.Sprintf("%s %s SIP/2.0\r\nVia: %s;branch=z9hG4bK5118\r\nMax-Forwards: 70\r\nFrom: <sip:far@example.com>;tag=f6\r\nTo: <sip:near@example.com>\r\n"+
		"Call-ID: five118\r\nCSeq: 7 %s\r\nContact: <sip:far@[2001:db8::1]>\r\n%sContent-Length: %d\r\n\r\n%s", m.method, m.uri, m.via, m.method, m.more, len(m.body), m.body)
}

// via6 is where most of the messages come from.
const via6 = "SIP/2.0/TCP [2001:db8::9:1]"

// torture6 is what such a message gets, as in torture, and who we find called.
var torture6 = []struct {
	section, why string // of RFC 5118
	message6
	code int
	host string // of the Request-URI
	port int
}{
	{"4.1", "an IPv6 reference", message6{"REGISTER", "sip:[2001:db8::10]", via6, "", ""}, 405, "[2001:db8::10]", 0},
	{"4.2", "an address without brackets: what follows its first colon is no port", message6{"REGISTER", "sip:2001:db8::10", via6, "", ""}, refused, "", 0},
	{"4.3", "a port within the brackets is a part of the address", message6{"REGISTER", "sip:[2001:db8::10:5070]", via6, "", ""}, 405, "[2001:db8::10:5070]", 0},
	{"4.4", "a port", message6{"REGISTER", "sip:[2001:db8::10]:5070", via6, "", ""}, 405, "[2001:db8::10]", 5070},
	{"4.5", "received in brackets", message6{"BYE", "sip:[2001:db8::10]", via6 + ";received=[2001:db8::9:255]", "", ""}, 481, "[2001:db8::10]", 0},
	{"4.5", "received without brackets", message6{"BYE", "sip:[2001:db8::10]", via6 + ";received=2001:db8::9:255", "", ""}, 481, "[2001:db8::10]", 0},
	{"4.6", "a description with IPv6", message6{"INVITE", "sip:near@[2001:db8::10]", via6, "Content-Type: application/sdp\r\n",
		"v=0\r\no=far 1 1 IN IP6 2001:db8::20\r\ns=-\r\nt=0 0\r\nc=IN IP6 2001:db8::20\r\nm=audio 4000 RTP/AVP 0\r\n"}, 403, "[2001:db8::10]", 0},
	{"4.7", "proxies of both families", message6{"BYE", "sip:near@host.example.net", via6 + ":6050", "Via: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bKtwo\r\n" +
		"Via: SIP/2.0/TCP [2001:db8::9:255];branch=z9hG4bKthree;received=2001:db8::9:255\r\nRoute: <sip:[2001:db8::9:255];lr>\r\n", ""}, 481, "host.example.net", 0},
	{"4.8", "a description with both families", message6{"INVITE", "sip:near@[2001:db8::10]", via6, "Content-Type: application/sdp\r\n",
		"v=0\r\no=far 1 1 IN IP6 2001:db8::20\r\ns=-\r\nc=IN IP6 2001:db8::20\r\nt=0 0\r\nm=audio 4000 RTP/AVP 0\r\nm=video 4002 RTP/AVP 31\r\nc=IN IP4 192.0.2.20\r\n"}, 403, "[2001:db8::10]", 0},
	{"4.9", "IPv4 in IPv6", message6{"INVITE", "sip:near@[::ffff:192.0.2.10]:19823", "SIP/2.0/TCP [::ffff:192.0.2.2]:19823", "", ""}, 403, "[::ffff:192.0.2.10]", 19823},
	{"4.10", "IPv4 at the end of IPv6", message6{"OPTIONS", "sip:user@[2001:db8::192.0.2.1]", via6, "", ""}, 200, "[2001:db8::192.0.2.1]", 0},
	{"4.10", "three colons, as a fault in the grammar of RFC 3261 would have it", message6{"OPTIONS", "sip:user@[2001:db8:::192.0.2.1]", via6, "", ""}, 200, "[2001:db8:::192.0.2.1]", 0},
}

// TestS08TortureIPv6 (S-8): messages as in RFC 5118, by TCP in one piece and byte by byte,
// get the answer of the table; what we read in them is what they say, and their Via comes
// back as it went.
func TestS08TortureIPv6(t *testing.T) {
	t.Parallel()
	for _, m := range torture6 {
		t.Run(m.section+" "+m.why, func(t *testing.T) {
			t.Parallel()
			raw := []byte(m.String())
			for _, piece := range []int{len(raw), 1} {
				n := newNear(t, func(c *Config) { c.Listen = append(c.Listen, Listener{"tcp", "127.0.0.1:0"}) })
				if got := n.answerTo(raw, piece, m.code); got != m.code {
					t.Errorf("over TCP, %d bytes at a time: %d, want %d", piece, got, m.code)
				}
				n.quiet()
			}
			parsed, err := sipgosip.ParseMessage(raw)
			if m.code == refused {
				if err == nil {
					t.Errorf("read as a request to %s", parsed.(*sipgosip.Request).Recipient.String())
				}
				return
			}
			if err != nil {
				t.Fatal(err)
			}
			req := parsed.(*sipgosip.Request)
			if to := req.Recipient; to.Host != m.host || to.Port != m.port {
				t.Errorf("called is %s, port %d; want %s, %d", to.Host, to.Port, m.host, m.port)
			}
			if r := readRequest(req); r.contact != "sip:far@[2001:db8::1]" {
				t.Errorf("Contact %s", r.contact)
			}
			res := sipgosip.NewResponseFromRequest(req, 200, "OK", nil)
			bracketVias(res)
			if answer := res.String(); !strings.HasPrefix(header(answer, "Via"), m.via) {
				t.Errorf("Via %s is answered with %s", m.via, header(answer, "Via"))
			}
		})
	}
}

// TestCallOverIPv6 places a call to an IPv6 address: our own stands in brackets in Via and
// Contact, and what follows goes to the Contact of the far end.
func TestCallOverIPv6(t *testing.T) {
	t.Parallel()
	conn, err := net.ListenUDP("udp6", &net.UDPAddr{IP: net.IPv6loopback})
	if err != nil {
		t.Skipf("this machine has no IPv6: %v", err)
	}
	n, f := newNear(t, func(c *Config) { c.Listen = []Listener{{"udp", "[::1]:0"}} }), newFarEndOn(t, conn)
	f.peer = n.netAddr()
	n.Invite("six", Invitation{Dialog: dialogTo(f), Body: []byte("v=0\r\n")})
	invite := f.expect("INVITE sip:+4205@" + f.addr() + " ")
	own := n.Addr("udp").String()
	if via := header(invite, "Via"); !strings.HasPrefix(via, "SIP/2.0/UDP "+own+";") {
		t.Errorf("Via %s, want %s", via, own)
	}
	if contact := header(invite, "Contact"); !strings.Contains(contact, "@"+own) {
		t.Errorf("Contact %s, want %s", contact, own)
	}
	f.answer(invite, "200 OK", "T6", f.contact(), "v=0\r\n")
	f.expect("ACK sip:far@" + f.addr() + " ")
	event[Answered](n)
	n.Hangup("six", Cause{})
	f.answer(f.expect("BYE sip:far@"+f.addr()+" "), "200 OK", "", "", "")
	event[Ended](n)
	n.quiet()
}
