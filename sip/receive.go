package sip

import (
	"crypto/sha256"
	"encoding/hex"
	"math/rand/v2"
	"net/netip"
	"slices"
	"strings"
	"time"

	sipgosip "github.com/emiago/sipgo/sip"
)

// allowed is our Allow header.
const allowed = "INVITE, ACK, CANCEL, BYE, OPTIONS, INFO, UPDATE"

// serverTransaction is a request of the far end that waits for our response.
type serverTransaction struct {
	req *sipgosip.Request
	tx  *sipgosip.ServerTx
}

// onMessage reads responses and ACKs, in the order in which they came, on the
// goroutine that reads the socket.
func (a *Agent) onMessage(msg sipgosip.Message) {
	switch m := msg.(type) {
	case *sipgosip.Response:
		if !a.readable(m) {
			return
		}
		a.count.response(string(m.CSeq().MethodName), "in", m.StatusCode)
		r := readResponse(m)
		e := envelope{tag: m.From().Params.GetOr("tag", ""), in: r}
		if r.method == "INVITE" && r.code >= 200 && r.code < 300 {
			e.stray = strayDialog(m, r)
		}
		a.fromNetwork(e)
	case *sipgosip.Request:
		if m.IsAck() && a.readable(m) {
			a.count.request("ACK", "in")
			r := readRequest(m)
			a.fromNetwork(envelope{tag: r.localTag, in: r})
		}
	}
}

func (a *Agent) fromNetwork(e envelope) bool {
	if e.tag == "" || !a.inbox.offer(e, maxBehind) {
		if e.tag != "" {
			a.count.overflow.Add(1)
		}
		return false
	}
	return true
}

// readable says whether a message is whole and has clean headers.
func (a *Agent) readable(msg sipgosip.Message) bool {
	if !wellFormed(msg) {
		a.count.parseErrors.Add(1)
		return false
	}
	if checkMessage(msg) != nil {
		a.count.refused.Add(1)
		return false
	}
	return true
}

// onRequest takes requests other than ACK, each in a goroutine of its own.
func (a *Agent) onRequest(req *sipgosip.Request, tx *sipgosip.ServerTx) {
	defer func() {
		if p := recover(); p != nil { // a message must never end the process
			a.count.parseErrors.Add(1)
			a.log.Error("request panic", "agent", a.cfg.Name, "panic", p)
			tx.Terminate()
		}
	}()
	if req.IsAck() { // read by onMessage
		tx.Terminate()
		return
	}
	s := &serverTransaction{req: req, tx: tx}
	if !a.readable(req) {
		a.reject(s, 400, "Bad Request")
		return
	}
	a.count.request(string(req.Method), "in")
	if code, phrase, extra := unsupported(req); code != 0 {
		a.reject(s, code, phrase, extra...)
		return
	}
	if req.To().Params.Has("tag") && req.Method != sipgosip.CANCEL {
		r := readRequest(req)
		r.wire = s
		if !a.fromNetwork(envelope{tag: r.localTag, in: r}) {
			a.reject(s, 503, "Service Unavailable", Header{"Retry-After", "5"})
		}
		return
	}
	a.outsideDialog(s)
}

// unsupported is what no part of us understands (RFC 3261 section 8.2).
func unsupported(req *sipgosip.Request) (code int, phrase string, extra []Header) {
	if !strings.EqualFold(req.SipVersion, "SIP/2.0") {
		return 505, "Version Not Supported", nil
	}
	if cseq := req.CSeq(); cseq.MethodName != req.Method {
		return 400, "CSeq Method Mismatch", nil
	}
	if req.Recipient.Scheme != "sip" && req.Recipient.Scheme != "sips" {
		return 416, "Unsupported URI Scheme", nil
	}
	if len(req.Recipient.Headers) > 0 { // RFC 3261 section 19.1.1: not allowed there, and Route could be one
		return 400, "Headers In Request-URI", nil
	}
	if req.IsCancel() {
		return 0, "", nil
	}
	unknown := slices.DeleteFunc(tokens(req, "require"), func(t string) bool { return strings.EqualFold(t, "timer") })
	if len(unknown) > 0 {
		return 420, "Bad Extension", []Header{{"Unsupported", strings.Join(unknown, ", ")}}
	}
	return 0, "", nil
}

func (a *Agent) outsideDialog(s *serverTransaction) {
	a.hooks.RLock()
	hook := a.hooks.methods[string(s.req.Method)]
	a.hooks.RUnlock()
	switch {
	case s.req.IsInvite():
		a.onInvite(s)
	case hook != nil:
		hook(s.req, func(res *sipgosip.Response) { a.write(s, res) })
		s.tx.TerminateGracefully()
	case s.req.Method == sipgosip.OPTIONS:
		a.reject(s, 200, "OK", Header{"Accept", "application/sdp"})
	case s.req.IsCancel() || s.req.Method == sipgosip.BYE || s.req.Method == sipgosip.INFO || s.req.Method == sipgosip.UPDATE:
		a.reject(s, 481, "Call/Transaction Does Not Exist")
	default:
		a.reject(s, 405, "Method Not Allowed")
	}
}

// onInvite asks whether a call may come in. Where nobody is there to say yes,
// the answer is no: there is no way from the network to a trunk.
func (a *Agent) onInvite(s *serverTransaction) {
	a.hooks.RLock()
	admit := a.hooks.admit
	a.hooks.RUnlock()
	if admit == nil {
		a.reject(s, 403, "Forbidden")
		return
	}
	r := readRequest(s.req)
	r.wire = s
	in := Incoming{Leg: LegID("in-" + randomToken(8)), Dialed: s.req.Recipient.User, Body: r.body, At: time.Now()}
	in, reject := admit(in, s.req)
	switch limits := a.session(); {
	case reject != nil:
		a.refuse(s, reject)
		return
	case r.contact == "" || r.remoteTag == "":
		a.reject(s, 400, "Contact Or Tag Missing")
		return
	case limits.tooShort(r):
		a.reject(s, 422, "Session Interval Too Small", Header{"Min-SE", seconds(limits.minimum)})
		return
	}
	a.open(s, r, in)
}

// open makes the leg of an admitted call.
func (a *Agent) open(s *serverTransaction, r *request, in Incoming) {
	l := newLeg(in.Leg, a.timing, a.session(), a.cfg.Classify, rand.Float64)
	l.dialog = Dialog{
		CallID: r.callID, Branch: newBranch(), LocalTag: randomToken(12),
		LocalURI: r.localURI, RemoteURI: r.remoteURI, RequestURI: r.uri,
		Agent: a.cfg.Name, Transport: r.transport, Destination: r.source,
	}
	if !a.inbox.offer(envelope{made: &line{leg: l}, tag: l.dialog.LocalTag, in: invited{r, in}}, maxBehind) {
		a.count.overflow.Add(1)
		a.reject(s, 503, "Service Unavailable", Header{"Retry-After", "5"})
		return
	}
	gaveUp := func(c *sipgosip.Request) {
		a.inbox.put(envelope{leg: in.Leg, in: cancelled{parseReason(headerValues(c, "reason"))}})
	}
	if !s.tx.OnCancel(gaveUp) { // it came before we could listen for it
		a.inbox.put(envelope{leg: in.Leg, in: cancelled{}})
	}
}

// reject answers a request that no leg sees.
func (a *Agent) reject(s *serverTransaction, code int, phrase string, extra ...Header) {
	res := sipgosip.NewResponseFromRequest(s.req, code, phrase, nil)
	res.SipVersion = "SIP/2.0" // whatever the request says it is
	a.decorate(res, s.req, extra)
	a.refuse(s, res)
}

// refuse answers without keeping anything: a stranger's request would hold
// memory for another 32 s, and a refused INVITE without an ACK would make us
// repeat the refusal to an address that may be forged. A repeated request gets
// the same answer, tag included (RFC 3261 section 8.2.7).
func (a *Agent) refuse(s *serverTransaction, res *sipgosip.Response) {
	if to := res.To(); to != nil && !s.req.To().Params.Has("tag") && s.req.Via() != nil && s.req.CallID() != nil {
		sum := sha256.Sum256([]byte(a.secret + s.req.Via().Params.GetOr("branch", "") + s.req.CallID().Value()))
		to.Params.Add("tag", hex.EncodeToString(sum[:8]))
	}
	a.write(s, res)
	s.tx.Terminate()
}

// write is the only way of a response to the network.
func (a *Agent) write(s *serverTransaction, res *sipgosip.Response) {
	if err := checkMessage(res); err != nil {
		a.count.refused.Add(1)
		a.log.Error("response refused", "agent", a.cfg.Name, "error", err)
		s.tx.Terminate()
		return
	}
	bracketVias(res)
	a.count.response(string(s.req.Method), "out", res.StatusCode)
	if err := s.tx.Respond(res); err != nil {
		a.log.Debug("respond", "agent", a.cfg.Name, "error", err)
	}
}

// bracketVias repairs each Via with an IPv4 address in IPv6 ("[::ffff:192.0.2.1]:5060"):
// the library reads it, and writes it without the brackets that keep it from its port.
func bracketVias(res *sipgosip.Response) {
	for _, h := range res.GetHeaders("via") {
		via, ok := h.(*sipgosip.ViaHeader)
		if !ok {
			continue
		}
		if addr, err := netip.ParseAddr(via.Host); err == nil && addr.Is4In6() {
			via.Host = "[" + via.Host + "]"
		}
	}
}

// strayDialog is the dialog of a 2xx, if it answers an INVITE of our product;
// nil else.
func strayDialog(m *sipgosip.Response, r *response) *Dialog {
	branch := m.Via().Params.GetOr("branch", "")
	if !strings.HasPrefix(branch, branchPrefix) || r.contact == "" {
		return nil
	}
	return &Dialog{
		CallID: m.CallID().Value(), Branch: branch, CSeq: r.cseq, Up: true,
		LocalTag: m.From().Params.GetOr("tag", ""), RemoteTag: r.tag,
		LocalURI: m.From().Address.String(), RemoteURI: m.To().Address.String(),
		RequestURI: r.contact, RemoteTarget: r.contact, Routes: r.routes,
		Transport: sipgosip.NetworkToLower(m.Transport()), Destination: m.Source(),
	}
}
