package sip

import (
	"slices"
	"strings"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// response is what a leg needs of a response. It holds nothing of the library,
// so that a leg can be tested with plain values.
type response struct {
	method     string // of CSeq
	cseq       uint32
	code       int
	phrase     string
	tag        string   // To tag: which fork
	contact    string   // URI of a 2xx; "" if none
	routes     []string // Record-Route reversed: the route set of a UAC
	body       []byte   // SDP
	reason     reason
	session    sessionExpires
	minSE      time.Duration
	retryAfter time.Duration
	update     bool // Allow lists UPDATE
	challenges []challenge
	overload   *Overload // nil where it asks for nothing
}

// request is what a leg needs of a request of the far end.
type request struct {
	method      string
	cseq        uint32
	callID      string
	localTag    string // To tag; "" outside a dialog
	remoteTag   string // From tag
	localURI    string // To, outside a dialog
	remoteURI   string // From, likewise
	uri         string // Request-URI, likewise
	contact     string
	routes      []string // Record-Route in its order: the route set of a UAS
	contentType string   // without parameters
	raw         []byte   // body as it came
	body        []byte   // SDP in it
	reason      reason
	session     sessionExpires
	minSE       time.Duration
	timer       bool // Supported or Require lists timer
	update      bool // Allow lists UPDATE
	transport   string
	source      string

	// wire is the transaction to answer; the leg only carries it.
	wire *serverTransaction
}

// challenge is one WWW-Authenticate or Proxy-Authenticate header.
type challenge struct {
	proxy bool
	value string
}

func readResponse(res *sipgosip.Response) *response {
	r := &response{
		method:  string(res.CSeq().MethodName),
		cseq:    res.CSeq().SeqNo,
		code:    res.StatusCode,
		phrase:  clean(res.Reason),
		tag:     res.To().Params.GetOr("tag", ""),
		routes:  recordRoutes(res),
		body:    sessionBody(headerValue(res, "content-type"), res.Body()),
		reason:  parseReason(headerValues(res, "reason")),
		session: parseSessionExpires(firstValue(res, "session-expires", "x")),
		minSE:   parseDelta(headerValue(res, "min-se")),
		// "18000;duration=3600" and "120 (I'm in a meeting)" are both legal.
		retryAfter: parseDelta(withoutComment(headerValue(res, "retry-after"))),
		update:     lists(res, "UPDATE", "allow"),
	}
	if r.method == "INVITE" {
		r.overload = readOverload(res.Via())
	}
	if r.code >= 200 && r.code < 300 { // else there is no dialog that it could be the target of
		r.contact = contactURI(res.Contact())
	}
	slices.Reverse(r.routes)
	r.challenges = challengesOf(res)
	return r
}

func readRequest(req *sipgosip.Request) *request {
	contentType := firstValue(req, "content-type", "c")
	r := &request{
		method:      string(req.Method),
		cseq:        req.CSeq().SeqNo,
		callID:      req.CallID().Value(),
		localTag:    req.To().Params.GetOr("tag", ""),
		remoteTag:   req.From().Params.GetOr("tag", ""),
		contact:     contactURI(req.Contact()),
		routes:      recordRoutes(req),
		contentType: mediaType(contentType),
		raw:         req.Body(),
		body:        sessionBody(contentType, req.Body()),
		reason:      parseReason(headerValues(req, "reason")),
		session:     parseSessionExpires(firstValue(req, "session-expires", "x")),
		minSE:       parseDelta(headerValue(req, "min-se")),
		timer:       lists(req, "timer", "supported", "k", "require"),
		update:      lists(req, "UPDATE", "allow"),
		transport:   sipgosip.NetworkToLower(req.Transport()),
		source:      req.Source(),
	}
	if r.localTag == "" { // only of these a dialog is made
		r.localURI, r.remoteURI, r.uri = req.To().Address.String(), req.From().Address.String(), req.Recipient.String()
	}
	return r
}

// wellFormed says whether a message has what every message must have (RFC 3261
// section 8.1.1); without it no leg looks at it.
func wellFormed(msg sipgosip.Message) bool {
	return msg.CSeq() != nil && msg.From() != nil && msg.To() != nil &&
		msg.CallID() != nil && msg.Via() != nil
}

// withoutComment cuts a "(comment)" and what follows.
func withoutComment(value string) string {
	value, _, _ = strings.Cut(value, "(")
	return value
}

func contactURI(c *sipgosip.ContactHeader) string {
	if c == nil || c.Address.Wildcard || c.Address.Host == "" {
		return ""
	}
	return c.Address.String()
}

func recordRoutes(msg sipgosip.Message) []string {
	var routes []string
	for _, h := range headersOf(msg) {
		if rr, ok := h.(*sipgosip.RecordRouteHeader); ok {
			routes = append(routes, rr.Address.String())
		}
	}
	return routes
}

// headersOf are all headers of a message, in their order. A dozen of them are asked for in
// each message, and most are not there: the library's own look-up writes names anew.
func headersOf(msg sipgosip.Message) []sipgosip.Header {
	switch m := msg.(type) {
	case *sipgosip.Request:
		return m.Headers()
	case *sipgosip.Response:
		return m.Headers()
	}
	return nil
}

// named says whether a header has a name, in whatever case (RFC 3261 section 7.3.1).
func named(h sipgosip.Header, name string) bool {
	its := h.Name()
	return len(its) == len(name) && strings.EqualFold(its, name)
}

func headerValues(msg sipgosip.Message, name string) []string {
	var values []string
	for _, h := range headersOf(msg) {
		if named(h, name) {
			values = append(values, h.Value())
		}
	}
	return values
}

func headerValue(msg sipgosip.Message, name string) string {
	return firstValue(msg, name)
}

// firstValue returns the first header of any of the names (long and compact).
func firstValue(msg sipgosip.Message, names ...string) string {
	for _, name := range names {
		for _, h := range headersOf(msg) {
			if named(h, name) {
				return h.Value()
			}
		}
	}
	return ""
}

// lists says whether a comma-separated header holds a token.
func lists(msg sipgosip.Message, token string, names ...string) bool {
	for _, h := range headersOf(msg) {
		if !slices.ContainsFunc(names, func(name string) bool { return named(h, name) }) {
			continue
		}
		for t := range strings.SplitSeq(h.Value(), ",") {
			if strings.EqualFold(strings.TrimSpace(t), token) {
				return true
			}
		}
	}
	return false
}

func tokens(msg sipgosip.Message, names ...string) []string {
	var all []string
	for _, name := range names {
		for _, v := range headerValues(msg, name) {
			for t := range strings.SplitSeq(v, ",") {
				if t = strings.TrimSpace(t); t != "" {
					all = append(all, t)
				}
			}
		}
	}
	return all
}

// address reads "sip:1@host" or `"Name" <sip:1@host>`.
func address(s string, uri *sipgosip.Uri) (name string, err error) {
	if hasControl(s) {
		return "", errControl
	}
	if !strings.Contains(s, "<") {
		return "", sipgosip.ParseUri(s, uri)
	}
	var params sipgosip.HeaderParams
	return sipgosip.ParseAddressValue(s, uri, &params)
}
