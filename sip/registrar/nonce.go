package registrar

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/binary"
	"net/netip"
	"time"
)

const (
	nonceValid = 30 * time.Second // RFC 7616 section 5.4: short, so that replays are of little use
	nonceSalt  = 8                // bytes; two challenges in one moment differ
	nonceSum   = 16               // bytes of the HMAC
	nonceUsed  = 100_000          // nonces whose count we remember
)

// verdict is what a nonce is worth.
type verdict int

const (
	forged verdict = iota // not from us, or given to another address
	stale                 // from us, too old
	fresh
)

// nonces makes and checks nonces. Nothing is stored for a challenge: a nonce
// is time ‖ salt ‖ HMAC(key, time ‖ salt ‖ realm ‖ address). What is stored is
// the count (nc) of nonces that went with a right password, so that strangers
// cannot fill the table. Not safe for concurrent use.
type nonces struct {
	key   [32]byte
	realm string
	used  *lru[string, int]
	floor time.Time // nonces of this time or before are stale: their counts are forgotten
}

func newNonces(realm string) *nonces {
	n := &nonces{realm: realm, used: newLRU[string, int](nonceUsed)}
	_, _ = rand.Read(n.key[:]) // never returns an error
	return n
}

// issue makes a nonce for an address.
func (n *nonces) issue(now time.Time, to netip.Addr) string {
	raw := make([]byte, 8+nonceSalt, 8+nonceSalt+nonceSum)
	binary.BigEndian.PutUint64(raw, uint64(now.UnixNano()))
	_, _ = rand.Read(raw[8:])
	return base64.RawURLEncoding.EncodeToString(append(raw, n.sum(raw, to)...))
}

// check says what a nonce from an address is worth.
func (n *nonces) check(now time.Time, nonce string, from netip.Addr) verdict {
	raw, err := base64.RawURLEncoding.Strict().DecodeString(nonce)
	if err != nil || len(raw) != 8+nonceSalt+nonceSum {
		return forged
	}
	if !hmac.Equal(raw[8+nonceSalt:], n.sum(raw[:8+nonceSalt], from)) {
		return forged
	}
	issued := issuedAt(raw)
	if now.Sub(issued) > nonceValid || !issued.After(n.floor) {
		return stale
	}
	return fresh
}

// use notes that a fresh nonce was used with a count, and says false if the
// count has not risen: a replay (RFC 7616 section 3.4).
func (n *nonces) use(nonce string, count int) bool {
	last, evicted := n.used.put(nonce)
	if evicted != nil {
		if raw, err := base64.RawURLEncoding.DecodeString(evicted.key); err == nil {
			if at := issuedAt(raw); at.After(n.floor) {
				n.floor = at
			}
		}
	}
	if count <= *last {
		return false
	}
	*last = count
	return true
}

func (n *nonces) sum(head []byte, addr netip.Addr) []byte {
	mac := hmac.New(sha256.New, n.key[:])
	mac.Write(head)
	mac.Write([]byte(n.realm))
	mac.Write([]byte{0})
	address := addr.As16()
	mac.Write(address[:])
	return mac.Sum(nil)[:nonceSum]
}

func issuedAt(raw []byte) time.Time { return time.Unix(0, int64(binary.BigEndian.Uint64(raw))) }
