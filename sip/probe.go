package sip

import (
	"context"
	"fmt"
	"net/http"
	"net/netip"
	"strconv"
	"strings"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// Reply is what a far end's answer to a question outside any call says of it.
type Reply struct {
	Code      int
	Text      string
	RoundTrip time.Duration
	Server    string    // Server, else User-Agent; "" where it does not say
	Allow     []string  // the methods it takes; nil where it does not say
	Date      time.Time // by its clock, to a second; zero where it does not say
	// Seen is where it saw our request come from: received and rport of our Via (RFC
	// 3581). The zero value where it does not say; port 0 where it says no port.
	Seen netip.AddrPort
	// SentBy is what we called ourselves in that Via.
	SentBy string
}

// Probe sends OPTIONS and tells all that the answer says. It blocks as Options does.
func (a *Agent) Probe(ctx context.Context, transport, destination, requestURI string) (Reply, error) {
	d := NewDialog(a.cfg.Name, transport, destination, requestURI, "sip:outpace@"+a.sentBy[transport], requestURI, "")
	res, rtt, err := a.ask(ctx, d, send{method: "OPTIONS", cseq: 1, peer: &peer{target: requestURI}})
	if err != nil {
		return Reply{}, fmt.Errorf("options %s: %w", destination, err)
	}
	r := readReply(res)
	r.RoundTrip, r.SentBy = rtt, a.sentBy[transport]
	return r, nil
}

func readReply(res *sipgosip.Response) Reply {
	r := Reply{Code: res.StatusCode, Text: clean(res.Reason), Allow: tokens(res, "allow"), Seen: seenIn(res.Via())}
	r.Server = clean(firstValue(res, "server", "user-agent"))
	if at, err := http.ParseTime(headerValue(res, "date")); err == nil { // RFC 3261 section 20.17: as in HTTP
		r.Date = at
	}
	return r
}

func seenIn(via *sipgosip.ViaHeader) netip.AddrPort {
	if via == nil {
		return netip.AddrPort{}
	}
	addr, err := netip.ParseAddr(strings.Trim(via.Params.GetOr("received", ""), "[]"))
	if err != nil {
		return netip.AddrPort{}
	}
	port, _ := strconv.ParseUint(via.Params.GetOr("rport", ""), 10, 16) // 0 where it is not said
	return netip.AddrPortFrom(addr.Unmap(), uint16(port))
}

// Bindings asks a registrar which contacts it holds for an address, and changes
// none: a REGISTER without Contact (RFC 3261 section 10.2.3). Challenges are
// answered. Contacts are URIs; a refusal is no error.
func (a *Agent) Bindings(ctx context.Context, b *Binding) (answer Registered, contacts []string, err error) {
	res, err := a.challenged(ctx, b, func() []Header { return nil })
	if err != nil {
		return Registered{}, nil, fmt.Errorf("register %s: %w", b.Destination, err)
	}
	for _, value := range headerValues(res, "contact") {
		for _, contact := range splitQuoted(value, ',') {
			uri, _, _ := strings.Cut(contact, ">")
			contacts = append(contacts, strings.TrimSpace(uri[strings.Index(uri, "<")+1:]))
		}
	}
	return a.registered(res, 0), contacts, nil
}
