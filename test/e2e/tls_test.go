package e2e

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// listenTLS gives the phones of a product that does not run yet a listener of TLS,
// under a certificate for 127.0.0.1 that vouches for itself.
func (p *product) listenTLS(t *testing.T) {
	t.Helper()
	p.phonesTLS = fmt.Sprintf("127.0.0.1:%d", freePort(t))
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "phones.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	p.certificate = filepath.Join(p.dir, "phones.pem")
	must(t, os.WriteFile(p.certificate, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(p.certificate+".key", pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))

	text, err := os.ReadFile(p.config)
	must(t, err)
	plain := "phones:\n  listen:\n"
	secure := fmt.Sprintf("phones:\n  tls: {certificate: %q, key: %q}\n  listen:\n    - {transport: tls, address: %q}\n", p.certificate, p.certificate+".key", p.phonesTLS)
	if !strings.Contains(string(text), plain) {
		t.Fatalf("the configuration has no %q", plain)
	}
	must(t, os.WriteFile(p.config, []byte(strings.Replace(string(text), plain, secure, 1)), 0o600))
}
