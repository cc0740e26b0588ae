// Package keypair is a certificate with its key in two PEM files that are read again when
// they change: a new certificate needs no restart. Beside it is whose certificates are
// believed.
//
// It is not a policy of TLS: whoever listens or connects has that.
package keypair

import (
	"crypto/tls"
	"os"
	"sync"
	"time"
)

// Pair are the files as they were read last. Safe for concurrent use.
type Pair struct {
	certificate, key string

	mu   sync.Mutex
	pair *tls.Certificate
	at   [2]time.Time // when certificate and key had been changed
}

// New names the files; nothing is read before Get.
func New(certificate, key string) *Pair { return &Pair{certificate: certificate, key: key} }

// Get is the certificate. While its files cannot be read, halfway through being
// replaced, it is the one before; the error is that of the first reading.
func (p *Pair) Get() (*tls.Certificate, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	at := [2]time.Time{Changed(p.certificate), Changed(p.key)}
	if p.pair != nil && at == p.at {
		return p.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(p.certificate, p.key)
	if err != nil {
		return p.pair, unless(p.pair, err)
	}
	p.pair, p.at = &pair, at
	return p.pair, nil
}

func unless(before *tls.Certificate, err error) error {
	if before != nil {
		return nil
	}
	return err
}

// Changed is when a file was changed; zero where that cannot be said.
func Changed(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
