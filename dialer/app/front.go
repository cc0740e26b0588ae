package app

import (
	"crypto/tls"
	"fmt"
	"net"
	"net/http"
	"os"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/acme"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/sip/keypair"
)

// Bounds on who connects and says little: a header within headerTimeout (so a TLS
// handshake too), and nothing for longer than idleTimeout.
const (
	idleTimeout = 2 * time.Minute
	maxHeader   = 64 << 10 // bytes
)

// newServer is an HTTP server with these bounds. What strangers make it say, each failed
// handshake above all, is for who asks for it.
func newServer(h http.Handler, log *zap.Logger) *http.Server {
	quiet, _ := zap.NewStdLogAt(log.Named("http"), zap.DebugLevel) // a level that there is
	return &http.Server{Handler: h, ReadHeaderTimeout: headerTimeout, IdleTimeout: idleTimeout, MaxHeaderBytes: maxHeader, ErrorLog: quiet}
}

// sipOverWebSocket is what phones over WebSocket connect to, nil where none are taken.
func (a *App) sipOverWebSocket(cfg config.Config) http.Handler {
	if !cfg.Phones.WebSocket.Enabled {
		return nil
	}
	return a.phoneUA.WebSocket(cfg.Phones.WebSocket.Origins)
}

// secureHTTP is the policy of the HTTP listener, nil where that is plain. Certificates
// that cannot be read fail here; those of an authority are fetched while we serve.
func (a *App) secureHTTP(cfg config.Config) (*tls.Config, error) {
	t, policy := cfg.HTTP.TLS, &tls.Config{MinVersion: tls.VersionTLS12, NextProtos: []string{"h2", "http/1.1"}}
	if !t.On() {
		return nil, nil
	}
	pair := keypair.New(t.Certificate, t.Key)
	if t.SelfSigned || t.ACME != nil {
		var err error
		if pair, err = ownPair(cfg); err != nil {
			return nil, err
		}
	}
	fingerprint, err := pair.Fingerprint()
	if err != nil {
		return nil, fmt.Errorf("http.tls: %w", err)
	}
	if t.ACME != nil {
		if a.certifier, err = newCertifier(*t.ACME, cfg.DataDir, pair, a.log.Named("acme")); err != nil {
			return nil, fmt.Errorf("http.tls.acme.%w", err)
		}
		policy.GetCertificate, policy.NextProtos = a.certifier.get, append(policy.NextProtos, acme.ALPNProto)
		return policy, nil
	}
	a.fingerprint = fingerprint
	if t.SelfSigned {
		a.log.Warn("the certificate is our own: browsers warn of it; compare its fingerprint", zap.String("sha256", fingerprint))
	}
	policy.GetCertificate = func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Get() }
	return policy, nil
}

// ownNames are what browsers may call this machine, as far as it knows.
func ownNames(listen string) []string {
	names := []string{"localhost", "127.0.0.1", "::1"}
	if host, err := os.Hostname(); err == nil {
		names = append(names, host)
	}
	host, _, err := net.SplitHostPort(listen)
	if err == nil && host != "" && net.ParseIP(host) != nil && !net.ParseIP(host).IsUnspecified() {
		return append(names, host)
	}
	addresses, err := net.InterfaceAddrs()
	if err != nil {
		return names
	}
	for _, a := range addresses {
		if n, is := a.(*net.IPNet); is && !n.IP.IsLoopback() && !n.IP.IsLinkLocalUnicast() {
			names = append(names, n.IP.String())
		}
	}
	return names
}

// HTTPURL is where the pages are, as this machine knows it.
func (a *App) HTTPURL() string {
	if a.cfg.HTTP.TLS.On() {
		return "https://" + a.HTTPAddr()
	}
	return "http://" + a.HTTPAddr()
}

// Fingerprint is the SHA-256 of the certificate of HTTPS where that is a file; "" else.
func (a *App) Fingerprint() string { return a.fingerprint }
