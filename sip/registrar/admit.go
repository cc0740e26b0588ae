package registrar

import (
	"strings"

	sipgosip "github.com/emiago/sipgo/sip"

	"github.com/outpace-dialer/outpace/sip"
)

// admit lets an initial INVITE in if a user's phone sent it and it goes to
// the user's own leg or to a feature code. From here no phone reaches a trunk:
// there is nobody behind us that would place a call for it.
func (r *Registrar) admit(in sip.Incoming, req *sipgosip.Request) (sip.Incoming, *sipgosip.Response) {
	if r.silenced(req) {
		return in, answer(req, 403, "Forbidden")
	}
	user, reject := r.authenticate(req)
	if reject != nil {
		return in, reject
	}
	if from := req.From(); from == nil || from.Address.User != user || !mayDial(in.Dialed) {
		r.counts.refusedCalls.Add(1)
		return in, answer(req, 403, "Forbidden")
	}
	in.User = user
	return in, nil
}

// maxFeatureCode bounds a feature code with its PIN, in digits.
const maxFeatureCode = 16

// mayDial says whether a phone may call this: its own leg, or a feature code,
// which is "*" and digits.
func mayDial(dialed string) bool {
	code, isFeature := strings.CutPrefix(dialed, "*")
	if !isFeature {
		return dialed == Dialed
	}
	return code != "" && len(code) <= maxFeatureCode &&
		strings.IndexFunc(code, func(r rune) bool { return r < '0' || r > '9' }) < 0
}

// allowed are the methods that a phone may use.
const allowed = "INVITE, ACK, CANCEL, BYE, UPDATE, INFO, OPTIONS, REGISTER"

// options answers a phone that asks whether we are there. A stranger gets
// nothing: scanners look for exactly this answer.
func (r *Registrar) options(req *sipgosip.Request, respond func(*sipgosip.Response)) {
	source, proxied, err := r.originOf(req)
	asksItself := err == nil && !proxied && r.isProxy(source.Addr()) // a proxy, whether we are up
	if err != nil || !asksItself && !r.registeredFrom(source) {
		r.silenced(req)
		return
	}
	res := answer(req, 200, "OK")
	res.AppendHeader(sipgosip.NewHeader("Allow", allowed))
	respond(res)
}
