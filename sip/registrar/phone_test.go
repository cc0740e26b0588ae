package registrar

import (
	"crypto/md5"
	"crypto/sha256"
	"fmt"
	"hash"
	"regexp"
	"strings"
	"testing"

	sipgosip "github.com/emiago/sipgo/sip"
)

// phone writes requests by hand, so that what it sends is what a phone would
// send and not what our own code makes of it.
type phone struct {
	user, password string
	algorithm      string // "SHA-256" (default), "MD5" or "" for a header without one
	transport      string // "UDP" (default), "TCP"
	contact        string // whole header value; empty: none
	extra          string // whole header lines, each with CRLF
	callID         string
	at             string // host:port the phone believes to be at
	cseq, branch   int
	nc             int
	nonce          string // of the last challenge
}

func newPhone(user, password string) *phone {
	return &phone{
		user: user, password: password, algorithm: "SHA-256", transport: "UDP",
		contact: "<sip:" + user + "@10.0.0.9:5060>", callID: "call-" + user, at: "10.0.0.9:5060",
	}
}

// request writes a request with credentials if there is a nonce.
func (p *phone) request(method, uri, to, auth string) string {
	p.cseq++
	p.branch++
	return p.repeat(method, uri, to, auth)
}

// repeat is request with the numbers of the last one.
func (p *phone) repeat(method, uri, to, auth string) string {
	var b strings.Builder
	line := func(format string, args ...any) { fmt.Fprintf(&b, format+"\r\n", args...) }
	line("%s %s SIP/2.0", method, uri)
	line("Via: SIP/2.0/%s %s;branch=z9hG4bK%s%d;rport", p.transport, p.at, p.callID, p.branch)
	line("Max-Forwards: 70")
	line("From: <sip:%s@outpace>;tag=%s", p.user, p.callID)
	line("To: <%s>", to)
	line("Call-ID: %s", p.callID)
	line("CSeq: %d %s", p.cseq, method)
	if p.contact != "" {
		line("Contact: %s", p.contact)
	}
	if auth != "" {
		line("Authorization: %s", auth)
	}
	b.WriteString(p.extra)
	line("Content-Length: 0")
	line("")
	return b.String()
}

// digest makes credentials for the last challenge.
func (p *phone) digest(method, uri string) string {
	p.nc++
	return p.digestAs(method, uri, p.nc)
}

func (p *phone) digestAs(method, uri string, nc int) string {
	sum := func(s string) string {
		var h hash.Hash = sha256.New()
		if p.algorithm != "SHA-256" {
			h = md5.New()
		}
		h.Write([]byte(s))
		return fmt.Sprintf("%x", h.Sum(nil))
	}
	a1 := sum(p.user + ":outpace:" + p.password)
	a2 := sum(method + ":" + uri)
	response := sum(fmt.Sprintf("%s:%s:%08x:cn:auth:%s", a1, p.nonce, nc, a2))
	algorithm := ""
	if p.algorithm != "" {
		algorithm = ", algorithm=" + p.algorithm
	}
	return fmt.Sprintf(`Digest username="%s", realm="outpace", nonce="%s", uri="%s", qop=auth, nc=%08x, cnonce="cn", response="%s"%s`,
		p.user, p.nonce, uri, nc, response, algorithm)
}

const registerURI = "sip:outpace"

// register writes a REGISTER that answers the last challenge, or has no
// credentials if there was none.
func (p *phone) register() string {
	auth := ""
	if p.nonce != "" {
		auth = p.digest("REGISTER", registerURI)
	}
	return p.request("REGISTER", registerURI, "sip:"+p.user+"@outpace", auth)
}

var nonceField = regexp.MustCompile(`nonce="([^"]*)"`)

// challenged takes the nonce out of a 401.
func (p *phone) challenged(t testing.TB, response string) {
	t.Helper()
	m := nonceField.FindStringSubmatch(response)
	if m == nil {
		t.Fatalf("no challenge in\n%s", response)
	}
	p.nonce, p.nc = m[1], 0
}

// parse reads a request as the agent does.
func parse(t testing.TB, raw, source string) *sipgosip.Request {
	t.Helper()
	msg, err := sipgosip.NewParser().ParseSIP([]byte(raw))
	if err != nil {
		t.Fatalf("%v in\n%s", err, raw)
	}
	req := msg.(*sipgosip.Request)
	req.SetSource(source)
	req.SetTransport(req.Via().Transport)
	return req
}
