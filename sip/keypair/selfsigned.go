package keypair

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/sha256"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"errors"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"time"
)

// selfSignedFor is how long a certificate of our own is good. People compare its
// fingerprint once, so a short life would only teach them to click warnings away.
const selfSignedFor = 10 * 365 * 24 * time.Hour

// SelfSigned is a pair that vouches for itself, in the two files, which are made where
// neither is there: for a name, an IP address, or several. Only their owner can read them.
func SelfSigned(certificate, key string, names []string) (*Pair, error) {
	_, noCertificate := os.Stat(certificate)
	_, noKey := os.Stat(key)
	p := New(certificate, key)
	if !errors.Is(noCertificate, os.ErrNotExist) || !errors.Is(noKey, os.ErrNotExist) {
		_, err := p.Get()
		return p, err
	}
	if err := makeSelfSigned(certificate, key, names); err != nil {
		return nil, err
	}
	_, err := p.Get()
	return p, err
}

func makeSelfSigned(certificate, key string, names []string) error {
	private, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		return err
	}
	serial, err := rand.Int(rand.Reader, new(big.Int).Lsh(big.NewInt(1), 127))
	if err != nil {
		return err
	}
	template := &x509.Certificate{
		SerialNumber: serial, Subject: pkix.Name{CommonName: "outpace"},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(selfSignedFor),
		KeyUsage: x509.KeyUsageDigitalSignature, ExtKeyUsage: []x509.ExtKeyUsage{x509.ExtKeyUsageServerAuth}, BasicConstraintsValid: true,
	}
	for _, name := range names {
		if ip := net.ParseIP(name); ip != nil {
			template.IPAddresses = append(template.IPAddresses, ip)
			continue
		}
		template.DNSNames = append(template.DNSNames, name)
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &private.PublicKey, private)
	if err != nil {
		return err
	}
	secret, err := x509.MarshalPKCS8PrivateKey(private)
	if err != nil {
		return err
	}
	for _, path := range []string{certificate, key} {
		if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
			return err
		}
	}
	if err := os.WriteFile(key, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: secret}), 0o600); err != nil {
		return err
	}
	return os.WriteFile(certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600)
}

// Fingerprint is the SHA-256 of the certificate as browsers show it: pairs of
// hexadecimal digits with colons.
func (p *Pair) Fingerprint() (string, error) {
	c, err := p.Get()
	if err != nil {
		return "", err
	}
	return Fingerprint(c.Certificate[0]), nil
}

// Fingerprint is the same of any certificate, in DER.
func Fingerprint(certificate []byte) string {
	return strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(certificate)), " ", ":")
}
