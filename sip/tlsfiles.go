package sip

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"
)

// tlsFiles are the files of TLS as they were read last.
type tlsFiles struct {
	cfg *TLS

	mu     sync.Mutex
	pair   *tls.Certificate
	pairAt [2]time.Time // when certificate and key had been changed
	pool   *x509.CertPool
	poolAt time.Time
}

func readTLSFiles(cfg *TLS) (*tlsFiles, error) {
	if cfg == nil || cfg.Certificate == "" || cfg.Key == "" {
		return nil, errors.New("tls: certificate and key are required for a tls listener")
	}
	f := &tlsFiles{cfg: cfg}
	_, err := f.certificate()
	_, poolErr := f.roots()
	return f, errors.Join(err, poolErr)
}

// certificate is ours. While its files cannot be read, halfway through being
// replaced, it is the one before.
func (f *tlsFiles) certificate() (*tls.Certificate, error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	at := [2]time.Time{changed(f.cfg.Certificate), changed(f.cfg.Key)}
	if f.pair != nil && at == f.pairAt {
		return f.pair, nil
	}
	pair, err := tls.LoadX509KeyPair(f.cfg.Certificate, f.cfg.Key)
	if err != nil {
		if f.pair != nil {
			return f.pair, nil
		}
		return nil, fmt.Errorf("tls.certificate %s, tls.key %s: %w", f.cfg.Certificate, f.cfg.Key, err)
	}
	f.pair, f.pairAt = &pair, at
	return f.pair, nil
}

// roots are the authorities that we believe; nil means those of the system.
func (f *tlsFiles) roots() (*x509.CertPool, error) {
	if f.cfg.Authorities == "" {
		return nil, nil
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	at := changed(f.cfg.Authorities)
	if f.pool != nil && at.Equal(f.poolAt) {
		return f.pool, nil
	}
	pem, err := os.ReadFile(f.cfg.Authorities)
	pool := x509.NewCertPool()
	if err == nil && !pool.AppendCertsFromPEM(pem) {
		err = errors.New("no certificate in it")
	}
	if err != nil {
		if f.pool != nil {
			return f.pool, nil
		}
		return nil, fmt.Errorf("tls.authorities %s: %w", f.cfg.Authorities, err)
	}
	f.pool, f.poolAt = pool, at
	return f.pool, nil
}

func changed(path string) time.Time {
	info, err := os.Stat(path)
	if err != nil {
		return time.Time{}
	}
	return info.ModTime()
}
