package sdp

import (
	"strings"
	"testing"
)

// Any a=crypto line: what is read is of a suite of ours with a key of its size, and
// is written the same.
func FuzzCrypto(f *testing.F) {
	for _, c := range NewCryptos() {
		f.Add(c.String())
	}
	f.Add("1 AES_CM_128_HMAC_SHA1_80 inline:AAAA|2^20|1:4")
	f.Add("999999999 AEAD_AES_128_GCM inline:====")
	f.Fuzz(func(t *testing.T, value string) {
		c, ok := readCrypto(value)
		if !ok {
			return
		}
		if len(c.Key) != keySizes[c.Suite] || strings.ContainsAny(c.String(), "\r\n") {
			t.Errorf("%q: %+v", value, c)
		}
		if again, ok := readCrypto(c.String()); !ok || again != c {
			t.Errorf("%q: %+v became %+v", value, c, again)
		}
	})
}
