package sip

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/sip/keypair"
)

// tlsFiles are the files of TLS as they were read last.
type tlsFiles struct {
	cfg  *TLS
	pair *keypair.Pair

	mu     sync.Mutex
	pool   *x509.CertPool
	poolAt time.Time
}

func readTLSFiles(cfg *TLS) (*tlsFiles, error) {
	if cfg == nil || cfg.Certificate == "" || cfg.Key == "" {
		return nil, errors.New("tls: certificate and key are required for a tls listener")
	}
	f := &tlsFiles{cfg: cfg, pair: keypair.New(cfg.Certificate, cfg.Key)}
	_, err := f.certificate()
	_, poolErr := f.roots()
	return f, errors.Join(err, poolErr)
}

// certificate is ours.
func (f *tlsFiles) certificate() (*tls.Certificate, error) {
	pair, err := f.pair.Get()
	if err != nil {
		return nil, fmt.Errorf("tls.key: certificate %s and key %s: %w", f.cfg.Certificate, f.cfg.Key, err)
	}
	return pair, nil
}

// roots are the authorities that we believe; nil means those of the system.
func (f *tlsFiles) roots() (*x509.CertPool, error) {
	if f.cfg.Authorities == "" {
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := keypair.Changed(f.cfg.Authorities)
	if f.pool != nil && at.Equal(f.poolAt) {
		return f.pool, nil
	}
	pool, err := keypair.Authorities(f.cfg.Authorities)
	if err != nil {
		if f.pool != nil {
			return f.pool, nil
		}
		return nil, fmt.Errorf("tls.authorities: %w", err)
	}
	f.pool, f.poolAt = pool, at
	return f.pool, nil
}
