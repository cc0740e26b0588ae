package registrar

import (
	"net/netip"
	"strings"

	"github.com/icholy/digest"

	sipgosip "github.com/emiago/sipgo/sip"
)

// maxUser bounds a user name, in bytes.
const maxUser = 64

// authenticate says who sent the request, or with what to reject it. Whether
// a user exists never shows: the same answers, the same work.
func (r *Registrar) authenticate(req *sipgosip.Request) (user string, reject *sipgosip.Response) {
	source, proxied, err := r.originOf(req)
	if err != nil {
		return "", answer(req, 400, "Bad Request")
	}
	c := credentials(req, r.cfg.Realm)
	if c == nil {
		return "", r.challenge(req, source, false)
	}
	now := r.now()
	r.mu.Lock()
	worth := r.nonces.check(now, c.Nonce, source.Addr())
	own := !proxied && r.bindings.owns(c.Username, source) // who shares its address can write its port into a Via
	r.mu.Unlock()
	switch {
	case worth != fresh:
		return "", r.challenge(req, source, worth == stale)
	case !r.acceptable(c):
		return "", r.challenge(req, source, false)
	case !forThis(req, c):
		return "", answer(req, 400, "Bad Request") // RFC 7616 section 3.4.6
	case !own && r.guard.blocked(now, source.Addr()):
		return "", answer(req, 403, "Forbidden") // over a connection from before the block
	case !own && !r.guard.mayTry(now, source.Addr(), c.Username):
		return "", r.challenge(req, source, false)
	}
	if !r.passwordIsRight(req, c) {
		r.counts.failures.Add(1)
		r.guard.failed(now, source.Addr(), c.Username)
		return "", r.challenge(req, source, false)
	}
	r.mu.Lock()
	rising := r.nonces.use(c.Nonce, c.Nc)
	r.mu.Unlock()
	if !rising {
		r.counts.replays.Add(1)
		return "", r.challenge(req, source, true)
	}
	r.guard.succeeded(now, source.Addr(), c.Username)
	return c.Username, nil
}

func (r *Registrar) passwordIsRight(req *sipgosip.Request, c *digest.Credentials) bool {
	r.counts.digests.Add(1)
	secret, exists := Secret{}, false
	if isUser(c.Username) {
		secret, exists = r.users.Digest(c.Username)
	}
	if !exists {
		secret = r.nobody
	}
	return secret.matches(string(req.Method), c) && exists
}

// challenge asks for credentials: SHA-256 first (RFC 8760 section 2.1), then
// MD5 for old phones.
func (r *Registrar) challenge(req *sipgosip.Request, source netip.AddrPort, tooOld bool) *sipgosip.Response {
	r.counts.challenges.Add(1)
	r.mu.Lock()
	nonce := r.nonces.issue(r.now(), source.Addr())
	r.mu.Unlock()
	res := answer(req, 401, "Unauthorized")
	var algorithms []string
	if *r.cfg.SHA256 {
		algorithms = append(algorithms, "SHA-256")
	}
	if *r.cfg.MD5 {
		algorithms = append(algorithms, "MD5")
	}
	for _, algorithm := range algorithms {
		c := digest.Challenge{Realm: r.cfg.Realm, Nonce: nonce, Stale: tooOld, Algorithm: algorithm, QOP: []string{"auth"}}
		res.AppendHeader(sipgosip.NewHeader("WWW-Authenticate", c.String()))
	}
	return res
}

// sourceOf is where a request came from.
func sourceOf(req *sipgosip.Request) (netip.AddrPort, error) {
	source, err := netip.ParseAddrPort(req.Source())
	return unmapped(source), err
}

// isUser says whether a name can be that of a user: it stands in URIs.
func isUser(name string) bool {
	return name != "" && len(name) <= maxUser && strings.IndexFunc(name, notHostCharacter) < 0
}

func answer(req *sipgosip.Request, code int, phrase string) *sipgosip.Response {
	return sipgosip.NewResponseFromRequest(req, code, phrase, nil)
}
