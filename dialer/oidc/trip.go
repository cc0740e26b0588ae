package oidc

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
)

// Trip is a browser's way to the provider and back. All that binds the way back to that
// browser follows from one secret, which its cookie holds and nobody else sees: so the
// server keeps nothing for who never comes back, and any node takes who does.
type Trip struct{ secret string }

// NewTrip begins one.
func NewTrip() Trip {
	var b [32]byte
	rand.Read(b[:]) // never fails (crypto/rand)
	return Trip{base64.RawURLEncoding.EncodeToString(b[:])}
}

// tripSize is the length of a secret, in characters.
const tripSize = 43

// ResumeTrip is the trip of a cookie; false where that holds none.
func ResumeTrip(secret string) (Trip, bool) { return Trip{secret}, len(secret) == tripSize }

// Secret is for the cookie alone.
func (t Trip) Secret() string { return t.secret }

// State goes through the browser and comes back with it (RFC 6749, section 10.12).
func (t Trip) State() string { return t.derive("state") }

// IsState says whether a state that came back is of this trip.
func (t Trip) IsState(state string) bool { return same(t.State(), state) }

// nonce comes back inside the token (OpenID Connect Core, section 15.5.2).
func (t Trip) nonce() string { return t.derive("nonce") }

// verifier shows that who exchanges the code is who asked for it (RFC 7636).
func (t Trip) verifier() string { return t.derive("verifier") }

func (t Trip) derive(what string) string {
	mac := hmac.New(sha256.New, []byte(t.secret))
	mac.Write([]byte(what)) // never fails
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

func same(a, b string) bool { return subtle.ConstantTimeCompare([]byte(a), []byte(b)) == 1 }
