package keypair

import (
	"bytes"
	"os"
	"path/filepath"
	"testing"
	"time"
)

// A pair is made once, only for its owner to read; it is read again when it is replaced,
// and one that is broken does not take the place of one that is not.
func TestSelfSigned(t *testing.T) {
	at := func(name string) string { return filepath.Join(t.TempDir(), "tls", name) }
	certificate, key := at("http.pem"), at("http.key")
	p, err := SelfSigned(certificate, key, []string{"127.0.0.1", "dialer.example"})
	if err != nil {
		t.Fatal(err)
	}
	for _, path := range []string{certificate, key} {
		if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
			t.Errorf("%s: %v, %v", path, info.Mode(), err)
		}
	}
	first, _ := p.Get()
	for _, name := range []string{"127.0.0.1", "dialer.example"} {
		if err := first.Leaf.VerifyHostname(name); err != nil {
			t.Error(err)
		}
	}
	print, err := p.Fingerprint()
	if err != nil || len(print) != 32*3-1 {
		t.Errorf("fingerprint %q, %v", print, err)
	}
	again, err := SelfSigned(certificate, key, nil)
	if err != nil {
		t.Fatal(err)
	}
	if same, _ := again.Fingerprint(); same != print {
		t.Errorf("the next start has another certificate: %s, then %s", print, same)
	}

	other, otherKey := at("other.pem"), at("other.key")
	if _, err := SelfSigned(other, otherKey, nil); err != nil {
		t.Fatal(err)
	}
	replace := func(from, to string, later time.Duration) {
		b, err := os.ReadFile(from)
		if err == nil {
			err = os.WriteFile(to, b, 0o600)
		}
		if err == nil {
			err = os.Chtimes(to, time.Time{}, time.Now().Add(later))
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	replace(other, certificate, time.Hour) // halfway: the key is still the old one
	if now, err := p.Get(); err != nil || !bytes.Equal(now.Certificate[0], first.Certificate[0]) {
		t.Errorf("halfway through: %v", err)
	}
	replace(otherKey, key, 2*time.Hour)
	if now, err := p.Get(); err != nil || bytes.Equal(now.Certificate[0], first.Certificate[0]) {
		t.Errorf("replaced, and the old one is given: %v", err)
	}
	if _, err := New(certificate, other).Get(); err == nil {
		t.Error("a certificate without its key is taken")
	}
}
