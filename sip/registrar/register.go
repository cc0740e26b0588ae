package registrar

import (
	"fmt"
	"net/netip"
	"strconv"
	"strings"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/sip"
)

// register answers a REGISTER (RFC 3261 section 10.3).
func (r *Registrar) register(req *sipgosip.Request, respond func(*sipgosip.Response)) {
	if r.silenced(req) {
		respond(answer(req, 403, "Forbidden"))
		return
	}
	user, reject := r.authenticate(req)
	if reject != nil {
		respond(reject)
		return
	}
	if to := req.To(); to == nil || to.Address.User != user {
		respond(answer(req, 403, "Forbidden")) // nobody registers for another
		return
	}
	respond(r.update(req, user))
}

// silenced counts a request over a connection or through a proxy, where Allow has
// seen only the connection or the proxy, and says whether its source is being
// ignored.
func (r *Registrar) silenced(req *sipgosip.Request) bool {
	source, proxied, err := r.originOf(req)
	switch {
	case err != nil:
		return true
	case proxied: // a port that a Via says is nobody's own: as a stranger of that address
		return !r.guard.hear(r.now(), source.Addr())
	case r.isProxy(source.Addr()) || transportOf(req) == "udp":
		return false
	}
	return !r.hear(source)
}

// update does what the REGISTER of an authenticated user asks.
func (r *Registrar) update(req *sipgosip.Request, user string) *sipgosip.Response {
	contacts, err := contactsOf(req)
	if err != nil || len(contacts) > maxContacts {
		return answer(req, 400, "Bad Request")
	}
	path, reject := r.acceptedPath(req)
	if reject != nil {
		return reject
	}
	var bind *contact
	for i, c := range contacts {
		switch {
		case c.all && (len(contacts) > 1 || c.expires != 0):
			return answer(req, 400, "Bad Request")
		case c.all || c.expires == 0:
		case c.expires > 0 && c.expires < minExpires:
			res := answer(req, 423, "Interval Too Brief")
			res.AppendHeader(sipgosip.NewHeader("Min-Expires", strconv.Itoa(int(minExpires.Seconds()))))
			return res
		default:
			bind = &contacts[i]
		}
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	last := r.bindings.users[user]
	if last != nil && last.callID == callIDOf(req) && cseqOf(req) <= last.cseq && len(contacts) > 0 {
		return answer(req, 500, "Server Internal Error") // out of order: RFC 3261 section 10.3 step 7
	}
	if bind != nil {
		r.bind(req, user, *bind, path)
	} else if last != nil && leaves(contacts, last) {
		r.bindings.unbind(last)
		r.tell(sip.PhoneOffline{User: user, At: r.now()})
	}
	r.counts.registers.Add(1)
	return r.registered(req, user)
}

// acceptedPath is the Path that a proxy of ours has made. That of anybody else is
// as if we did not know Path, or refused where it is required.
func (r *Registrar) acceptedPath(req *sipgosip.Request) (path []string, reject *sipgosip.Response) {
	if source, err := sourceOf(req); err != nil || !r.isProxy(source.Addr()) {
		if requiresPath(req) {
			res := answer(req, 420, "Bad Extension")
			res.AppendHeader(sipgosip.NewHeader("Unsupported", "path"))
			return nil, res
		}
		return nil, nil
	}
	path, err := pathOf(req)
	if err != nil {
		return nil, answer(req, 400, "Bad Request")
	}
	return path, nil
}

// bind makes the contact the user's only binding. The caller holds mu.
func (r *Registrar) bind(req *sipgosip.Request, user string, c contact, path []string) {
	now := r.now()
	source, _ := sourceOf(req) // authenticate has seen both
	origin, _, _ := r.originOf(req)
	transport, hop := r.hopOf(path, transportOf(req), source)
	lifetime := r.cfg.Expires
	if c.expires > 0 {
		lifetime = min(lifetime, c.expires)
	}
	b := Binding{
		User: user, Contact: c.uri, Transport: transport, Source: hop, Path: path, origin: origin,
		Since: now, Expires: now.Add(lifetime),
		callID: callIDOf(req), cseq: cseqOf(req),
		nextAt: now.Add(spread(r.cfg.KeepAlive)),
	}
	if h := req.GetHeader("User-Agent"); h != nil {
		b.UserAgent = printable(h.Value())
	}
	if last := r.bindings.users[user]; last != nil && last.Source == b.Source && last.origin == b.origin {
		b.nextAt, b.asking = last.nextAt, last.asking
	}
	if r.bindings.bind(b) {
		r.tell(sip.PhoneOnline{User: user, At: now})
	}
}

// leaves says whether contacts that are all being removed include the bound
// one. A phone whose place another has taken removes nothing.
func leaves(contacts []contact, last *Binding) bool {
	for _, c := range contacts {
		if c.all || c.uri == last.Contact {
			return true
		}
	}
	return false
}

// registered is the 200: what is bound now. The caller holds mu.
func (r *Registrar) registered(req *sipgosip.Request, user string) *sipgosip.Response {
	res := answer(req, 200, "OK")
	if len(r.proxies) > 0 {
		res.AppendHeader(sipgosip.NewHeader("Supported", "path"))
	}
	if b := r.bindings.users[user]; b != nil {
		left := max(0, b.Expires.Sub(r.now()).Round(time.Second))
		for _, uri := range b.Path {
			res.AppendHeader(sipgosip.NewHeader("Path", "<"+uri+">"))
		}
		res.AppendHeader(sipgosip.NewHeader("Contact", fmt.Sprintf("<%s>;expires=%d", b.Contact, int(left.Seconds()))))
	}
	return res
}

// contact is one value of the Contact headers.
type contact struct {
	uri     string
	expires time.Duration // -1: the phone leaves it to us
	all     bool          // "*"
}

const maxContacts = 8

// contactsOf reads all Contact headers, each of which may hold a list.
func contactsOf(req *sipgosip.Request) ([]contact, error) {
	general := time.Duration(-1)
	if h := req.GetHeader("Expires"); h != nil {
		general = seconds(h.Value())
	}
	var contacts []contact
	for _, name := range []string{"Contact", "m"} {
		for _, h := range req.GetHeaders(name) {
			for _, value := range splitList(h.Value()) {
				c, err := parseContact(value, general)
				if err != nil {
					return nil, err
				}
				contacts = append(contacts, c)
			}
		}
	}
	return contacts, nil
}

func parseContact(value string, general time.Duration) (contact, error) {
	if value == "*" {
		return contact{all: true, expires: general}, nil
	}
	var uri sipgosip.Uri
	params := sipgosip.NewParams()
	if _, err := sipgosip.ParseAddressValue(value, &uri, &params); err != nil {
		return contact{}, err
	}
	if uri.Scheme != "sip" || uri.Host == "" || strings.ContainsAny(uri.String(), "<>\" ") {
		return contact{}, fmt.Errorf("contact %q: not a sip URI", value)
	}
	c := contact{uri: uri.String(), expires: general}
	if own, ok := params.Get("expires"); ok {
		c.expires = seconds(own)
	}
	return c, nil
}

// splitList cuts a header value at its commas, but not inside quotes or angle
// brackets.
func splitList(value string) []string {
	var parts []string
	start, quoted, inside := 0, false, false
	for i := range len(value) {
		switch ch := value[i]; {
		case ch == '"' && (i == 0 || value[i-1] != '\\'):
			quoted = !quoted
		case quoted:
		case ch == '<':
			inside = true
		case ch == '>':
			inside = false
		case ch == ',' && !inside:
			parts = append(parts, strings.TrimSpace(value[start:i]))
			start = i + 1
		}
	}
	return append(parts, strings.TrimSpace(value[start:]))
}

// seconds reads delta-seconds; what is no number leaves it to us (RFC 3261
// section 20.19 says to take 3600 then, which we would cut down anyway).
func seconds(value string) time.Duration {
	n, err := strconv.ParseUint(strings.TrimSpace(value), 10, 32)
	if err != nil {
		return -1
	}
	return time.Duration(n) * time.Second
}

func transportOf(req *sipgosip.Request) string { return strings.ToLower(req.Transport()) }

func callIDOf(req *sipgosip.Request) string {
	if h := req.CallID(); h != nil {
		return h.Value()
	}
	return ""
}

func cseqOf(req *sipgosip.Request) uint32 {
	if h := req.CSeq(); h != nil {
		return h.SeqNo
	}
	return 0
}

// printable keeps what may stand in a log or on a page, 128 bytes of it.
func printable(s string) string {
	clean := strings.Map(func(r rune) rune {
		if r < ' ' || r > '~' {
			return -1
		}
		return r
	}, s)
	return clean[:min(len(clean), 128)]
}

// registeredFrom says whether any phone is registered from this source.
func (r *Registrar) registeredFrom(source netip.AddrPort) bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.bindings.sources[source] > 0
}
