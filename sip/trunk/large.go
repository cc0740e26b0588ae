package trunk

import (
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// An INVITE of more than 1,300 bytes goes over TCP where the target takes that
// (RFC 3261 section 18.1.1): IP fragments get lost at firewalls. Which transport a
// call takes is a part of its dialog, so it is settled before the INVITE is
// written, by what it will hold.

const (
	largest = 1300 // bytes over UDP

	// What an INVITE holds besides what is counted: header names, Via, Contact, tags
	// and Call-ID; and an offer of the codecs that we have.
	headersSize = 700
	offerSize   = 400
	// An answer to a challenge, and a signed identity with its certificate's URL.
	credentialsSize = 300
	identitySize    = 650
)

// transport is how a call to the target goes: over TCP where the INVITE is large
// and the target takes that.
func (c candidate) transport(uris ...string) string {
	cfg := &c.carrier.cfg
	size := headersSize + offerSize
	for _, uri := range uris {
		size += len(uri)
	}
	if cfg.Username != "" {
		size += credentialsSize
	}
	if c.carrier.signer != nil {
		size += identitySize + len(cfg.Identity.CertificateURL)*7/3 // it stands there twice, once in base64
	}
	if c.target.transport == "udp" && c.target.tcp && size > largest {
		return "tcp"
	}
	return c.target.transport
}

// signed adds the Identity header to those of a route that leaves now.
func (t *Trunks) signed(c *carrier, r Route, number string, now time.Time) []sip.Header {
	if c.signer == nil {
		return r.headers
	}
	value, err := c.signer.Header(r.CallerID, number, now)
	if err != nil {
		t.log.Error("call not signed", "trunk", c.cfg.Name, "error", err)
		return r.headers
	}
	return append(r.headers[:len(r.headers):len(r.headers)], sip.Header{Name: "Identity", Value: value})
}
