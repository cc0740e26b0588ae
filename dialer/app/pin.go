package app

import (
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"net/http"
	"net/url"
	"path/filepath"
	"slices"
	"strings"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/sip/keypair"
)

// A node whose certificate is its own says so where it publishes its URL: the fragment of
// that is the certificate's fingerprint. The store is where nodes trust one another
// anyway, so nobody has to copy certificates between them.
const pinPrefix = "#sha256="

// ownPair is the certificate of our own, made at the first start.
func ownPair(cfg config.Config) (*keypair.Pair, error) {
	dir, names := filepath.Join(cfg.DataDir, "tls"), ownNames(cfg.HTTP.Listen)
	if cfg.HTTP.TLS.ACME != nil {
		names = append(names, cfg.HTTP.TLS.ACME.Hosts...)
	}
	pair, err := keypair.SelfSigned(filepath.Join(dir, "http.pem"), filepath.Join(dir, "http.key"), names)
	if err != nil {
		return nil, fmt.Errorf("http.tls: our own certificate: %w", err)
	}
	return pair, nil
}

// publishedURL is where other nodes reach us, with the pin of a certificate that nobody
// else vouches for.
func publishedURL(cfg config.Config) (string, error) {
	u, err := url.Parse(cfg.HTTP.NodeURL)
	if err != nil || u.Scheme != "https" {
		return cfg.HTTP.NodeURL, err
	}
	t := cfg.HTTP.TLS
	own := t.SelfSigned || t.ACME != nil && !slices.ContainsFunc(t.ACME.Hosts, func(h string) bool { return strings.EqualFold(h, u.Hostname()) })
	if !own { // or a proxy in front has one
		return cfg.HTTP.NodeURL, nil
	}
	pair, err := ownPair(cfg)
	if err != nil {
		return "", err
	}
	print, err := pair.Fingerprint()
	return cfg.HTTP.NodeURL + pinPrefix + print, err
}

var errPin = errors.New("its certificate is not the one that it has published")

// nodeTransport reaches a node whose certificate has a pin, or one that the authorities
// vouch for; nil are those of the system.
func nodeTransport(pin string, authorities *x509.CertPool) *http.Transport {
	policy := &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: authorities}
	if pin != "" {
		policy.InsecureSkipVerify = true // in favour of what is stricter
		policy.VerifyConnection = func(s tls.ConnectionState) error {
			if keypair.Fingerprint(s.PeerCertificates[0].Raw) != pin {
				return errPin
			}
			return nil
		}
	}
	return &http.Transport{TLSClientConfig: policy}
}

// nodeAuthorities are who may vouch for the certificates of nodes; nil: those of the
// system.
func nodeAuthorities(file string) (*x509.CertPool, error) {
	roots, err := keypair.Authorities(file)
	if err != nil {
		return nil, fmt.Errorf("http.node_authorities: %w", err)
	}
	return roots, nil
}
