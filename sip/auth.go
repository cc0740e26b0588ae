package sip

import (
	"bytes"
	"io"
	"strings"

	"github.com/icholy/digest"
)

// nonces remembers the challenges of each far end, so that the next INVITE
// carries credentials at once: one round trip less for each call. The agent's
// loop owns it.
type nonces map[nonceKey][]*nonce

type nonceKey struct{ destination, username string }

type nonce struct {
	proxy     bool
	challenge *digest.Challenge
	count     int // nc of the last use
}

// maxNonces bounds the realms kept for one destination.
const maxNonces = 4

// strength orders the algorithms we answer; RFC 8760 prefers SHA-256 to MD5.
var strength = map[string]int{"": 1, "MD5": 1, "SHA-512-256": 2, "SHA-256": 3}

// parseChallenge reads one header; nil if we cannot answer it.
func parseChallenge(value string) *digest.Challenge {
	c, err := digest.ParseChallenge(value)
	if err != nil {
		return nil
	}
	c.Algorithm = strings.ToUpper(c.Algorithm)
	for i := range c.QOP {
		c.QOP[i] = strings.ToLower(strings.TrimSpace(c.QOP[i]))
	}
	if strength[c.Algorithm] == 0 || !digest.CanDigest(c) {
		return nil
	}
	return c
}

// answerable says whether a 401 or 407 can be answered. onlyStale: we did
// answer before, so only a nonce that ran out is worth another try.
func answerable(challenges []challenge, onlyStale bool) bool {
	for _, c := range challenges {
		if parsed := parseChallenge(c.value); parsed != nil && (parsed.Stale || !onlyStale) {
			return true
		}
	}
	return false
}

// learn keeps the strongest challenge of each realm.
func (n nonces) learn(destination string, who *Credentials, challenges []challenge) {
	key := nonceKey{destination, who.Username}
	fresh := map[string]*nonce{}
	for _, c := range challenges {
		parsed := parseChallenge(c.value)
		if parsed == nil {
			continue
		}
		realm := parsed.Realm
		if c.proxy {
			realm = "proxy " + realm
		}
		if old := fresh[realm]; old == nil || strength[parsed.Algorithm] > strength[old.challenge.Algorithm] {
			fresh[realm] = &nonce{proxy: c.proxy, challenge: parsed}
		}
	}
	for _, next := range fresh {
		n.keep(key, next)
	}
}

func (n nonces) keep(key nonceKey, next *nonce) {
	for i, old := range n[key] {
		if old.proxy == next.proxy && old.challenge.Realm == next.challenge.Realm {
			n[key][i] = next
			return
		}
	}
	n[key] = append(n[key], next)
	if len(n[key]) > maxNonces {
		n[key] = n[key][1:]
	}
}

// authorize makes the credentials of one request from what was learnt; none
// if the far end never challenged us.
func (n nonces) authorize(destination string, who *Credentials, method, uri string, body []byte) []Header {
	if who == nil {
		return nil
	}
	var headers []Header
	for _, one := range n[nonceKey{destination, who.Username}] {
		one.count++
		answer, err := digest.Digest(one.challenge, digest.Options{
			Method: method, URI: uri, Count: one.count,
			Username: who.Username, Password: who.Password,
			GetBody: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader(body)), nil },
		})
		if err != nil {
			continue // parseChallenge has let only those through that work
		}
		name := "Authorization"
		if one.proxy {
			name = "Proxy-Authorization"
		}
		headers = append(headers, Header{name, answer.String()})
	}
	return headers
}
