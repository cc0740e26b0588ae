package rtp

import (
	"fmt"

	pion "github.com/pion/rtp"
	"github.com/pion/srtp/v3"

	"github.com/outpace-dialer/outpace/media/sdp"
)

// replayWindow is how many packets a late one may be behind (RFC 3711 section 3.3.2
// wants 64 at least).
const replayWindow = 128

// tagSize is what SRTP adds to a packet of RTP at most, SRTCP 4 bytes more.
const tagSize = 16

// protection is SRTP of one direction (RFC 3711). It is not safe for concurrent use:
// RTP and RTCP of a direction, which have goroutines of their own, have one each. It
// outlives a description while the key stays the same: its count of packets goes on.
type protection struct {
	plain  bool // packets pass as they are
	of     pairing
	ctx    *srtp.Context
	header pion.Header // what the library reads of a packet
}

// pairing is a key and what it is for.
type pairing struct {
	suite sdp.Suite
	key   string
}

var profiles = map[sdp.Suite]struct {
	profile srtp.ProtectionProfile
	key     int // bytes of the master key; the rest is the master salt
}{
	sdp.GCM128:   {srtp.ProtectionProfileAeadAes128Gcm, 16},
	sdp.CM128SHA: {srtp.ProtectionProfileAes128CmHmacSha1_80, 16},
}

// follow takes over the key of a description. After an error nothing may pass: the
// far end does not expect plain RTP.
func (p *protection) follow(suite sdp.Suite, key string) error {
	if p.plain = suite == ""; p.plain {
		return nil // the count of a key that comes back goes on
	}
	next := pairing{suite, key}
	if next == p.of {
		return nil
	}
	profile, ok := profiles[suite]
	if !ok || len(key) < profile.key {
		return fmt.Errorf("rtp: no SRTP suite %q", suite)
	}
	ctx, err := srtp.CreateContext([]byte(key[:profile.key]), []byte(key[profile.key:]), profile.profile,
		srtp.SRTPReplayProtection(replayWindow), srtp.SRTCPReplayProtection(replayWindow))
	if err != nil {
		return fmt.Errorf("rtp: SRTP: %w", err)
	}
	p.of, p.ctx = next, ctx
	return nil
}

// sealPacket protects a packet of RTP in place: its first n bytes, with room for a
// tag behind. It returns the bytes to send.
func (p *protection) sealPacket(b []byte, n int) ([]byte, error) {
	if p.plain {
		return b[:n], nil
	}
	return p.ctx.EncryptRTP(b[:0], b[:n], &p.header)
}

// openPacket undoes sealPacket in place; an error where the packet is not of who has
// the key, or came before.
func (p *protection) openPacket(b []byte) ([]byte, error) {
	if p.plain {
		return b, nil
	}
	return p.ctx.DecryptRTP(b[:0], b, &p.header)
}

func (p *protection) sealReport(b []byte) ([]byte, error) {
	if p.plain {
		return b, nil
	}
	return p.ctx.EncryptRTCP(nil, b, nil)
}

func (p *protection) openReport(b []byte) ([]byte, error) {
	if p.plain {
		return b, nil
	}
	return p.ctx.DecryptRTCP(nil, b, nil)
}
