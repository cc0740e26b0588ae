package sdp

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"slices"
	"strings"

	pion "github.com/pion/sdp/v3"
)

var (
	// ErrNotSecure means that one side wants SRTP and the other does not have it
	// (SIP: 488).
	ErrNotSecure = errors.New("sdp: no SRTP")
	// ErrNoSuite means SRTP without a crypto suite in common (SIP: 488).
	ErrNoSuite = errors.New("sdp: no SRTP crypto suite in common")
)

// Suite is how SRTP protects packets, by its name in a=crypto.
type Suite string

// The suites that we have, the preferred first: GCM costs a fifth of the other.
const (
	GCM128   Suite = "AEAD_AES_128_GCM"        // RFC 7714 section 14
	CM128SHA Suite = "AES_CM_128_HMAC_SHA1_80" // RFC 4568 section 6.2.1
)

var suites = []Suite{GCM128, CM128SHA}

// keySizes are the bytes of master key and master salt together.
var keySizes = map[Suite]int{GCM128: 16 + 12, CM128SHA: 16 + 14}

// Crypto is one a=crypto line (RFC 4568): how the describing side protects what it
// sends.
type Crypto struct {
	Tag   string // 1 to 9 digits; the answer repeats that of the offer
	Suite Suite
	Key   string // master key and master salt, raw bytes
}

// Secret are the keys of both directions; the zero value means plain RTP.
type Secret struct {
	Suite       Suite
	Ours, Their string // master key and master salt, raw bytes
}

// NewCryptos makes our side of SRTP: a line with keys of its own for each suite.
func NewCryptos() []Crypto {
	var lines []Crypto
	for i, suite := range suites {
		key := make([]byte, keySizes[suite])
		_, _ = rand.Read(key) // never fails
		lines = append(lines, Crypto{Tag: string(rune('1' + i)), Suite: suite, Key: string(key)})
	}
	return lines
}

// Secure says whether this side wants SRTP.
func (s Session) Secure() bool { return s.Protocol == savp }

// RequireSRTP makes a session one of SRTP under these lines.
func (s *Session) RequireSRTP(lines []Crypto) { s.Protocol, s.Cryptos = savp, lines }

// readCryptos keeps the a=crypto lines that we can use: of a suite of ours, one key,
// no session parameters (each of which changes what is on the wire).
func (s *Session) readCryptos(m *pion.MediaDescription) {
	for _, a := range m.Attributes {
		if a.Key != "crypto" {
			continue
		}
		if line, ok := readCrypto(a.Value); ok && len(s.Cryptos) < maxFormats {
			s.Cryptos = append(s.Cryptos, line)
		}
	}
}

// readCrypto reads "1 AEAD_AES_128_GCM inline:KEY|2^31". The lifetime is not asked
// for: no call lasts 2^31 packets. A key index (MKI) is not taken.
func readCrypto(value string) (Crypto, bool) {
	words := strings.Fields(value)
	if len(words) != 3 || strings.Trim(words[0], "0123456789") != "" || len(words[0]) > 9 {
		return Crypto{}, false
	}
	inline, ok := strings.CutPrefix(words[2], "inline:")
	text, rest, _ := strings.Cut(inline, "|")
	if !ok || strings.Contains(inline, ";") || strings.Contains(rest, ":") {
		return Crypto{}, false
	}
	key, err := base64.RawStdEncoding.DecodeString(strings.TrimRight(text, "="))
	size, known := keySizes[Suite(words[1])]
	if err != nil || !known || len(key) != size {
		return Crypto{}, false
	}
	return Crypto{words[0], Suite(words[1]), string(key)}, true
}

func (c Crypto) String() string {
	return c.Tag + " " + string(c.Suite) + " inline:" + base64.StdEncoding.EncodeToString([]byte(c.Key))
}

// chooseCrypto is the line of our answer: the suite that we like best of the
// offered ones, under the offer's tag.
func chooseCrypto(offer, ours Session) ([]Crypto, error) {
	for _, line := range ours.Cryptos {
		i := slices.IndexFunc(offer.Cryptos, func(theirs Crypto) bool { return theirs.Suite == line.Suite })
		if i >= 0 {
			line.Tag = offer.Cryptos[i].Tag
			return []Crypto{line}, nil
		}
	}
	return nil, ErrNoSuite
}

// secret finds the keys: the answer has one line, and its tag is that of the line
// of the offer which it takes.
func secret(ours, theirs Session) (Secret, error) {
	switch {
	case !ours.Secure() && !theirs.Secure():
		return Secret{}, nil
	case ours.Secure() != theirs.Secure():
		return Secret{}, ErrNotSecure
	}
	for _, line := range ours.Cryptos {
		i := slices.IndexFunc(theirs.Cryptos, func(c Crypto) bool { return c.Tag == line.Tag && c.Suite == line.Suite })
		if i >= 0 {
			return Secret{line.Suite, line.Key, theirs.Cryptos[i].Key}, nil
		}
	}
	return Secret{}, ErrNoSuite
}
