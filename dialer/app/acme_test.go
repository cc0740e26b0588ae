package app

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"io"
	"log"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/letsencrypt/pebble/v2/ca"
	"github.com/letsencrypt/pebble/v2/db"
	"github.com/letsencrypt/pebble/v2/va"
	"github.com/letsencrypt/pebble/v2/wfe"
	"github.com/miekg/dns"
	"go.uber.org/zap"
	"go.uber.org/zap/zapcore"
	"go.uber.org/zap/zaptest/observer"
	"golang.org/x/crypto/acme"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/sip/keypair"
	"github.com/outpace-dialer/outpace/test/eventually"
)

const certifiedName = "dialer.example.com"

// acmeAuthority is Pebble, the authority that Let's Encrypt tests with, in this process.
type acmeAuthority struct {
	*ca.CAImpl
	address string
	file    string      // of who vouches for its own certificate
	away    atomic.Bool // it answers nobody
	asked   atomic.Int32
}

// newACME starts an authority for a product at a port, whose certificates last for so
// many seconds.
func newACME(t *testing.T, port int, lasts uint64) *acmeAuthority {
	t.Helper()
	quiet := log.New(io.Discard, "", 0)
	store := db.NewMemoryStore()
	a := &acmeAuthority{CAImpl: ca.New(quiet, store, "", "ecdsa", 0, 1, map[string]ca.Profile{"default": {ValidityPeriod: lasts}})}
	front := wfe.New(quiet, store, va.New(quiet, port, port, false, nameServer(t), store), a.CAImpl, []string{"pebble.example"}, false, false, 1, 1)
	dir := t.TempDir()
	a.file = filepath.Join(dir, "acme.pem")
	pair, err := keypair.SelfSigned(a.file, filepath.Join(dir, "acme.key"), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	a.address = l.Addr().String()
	handler := front.Handler()
	s := &http.Server{
		ErrorLog: quiet, TLSConfig: &tls.Config{GetCertificate: func(*tls.ClientHelloInfo) (*tls.Certificate, error) { return pair.Get() }},
		Handler: http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			a.asked.Add(1)
			if a.away.Load() {
				panic(http.ErrAbortHandler)
			}
			handler.ServeHTTP(w, r)
		}),
	}
	go func() { _ = s.ServeTLS(l, "", "") }() // ends with Close
	t.Cleanup(func() { _ = s.Close() })
	return a
}

// nameServer is a server of names that has all of them here; its address.
func nameServer(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	started := make(chan struct{})
	s := &dns.Server{Listener: l, NotifyStartedFunc: func() { close(started) }, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg)
		m.SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			m.Answer = []dns.RR{&dns.A{Hdr: dns.RR_Header{Name: q.Question[0].Name, Rrtype: dns.TypeA, Class: dns.ClassINET, Ttl: 1}, A: net.IPv4(127, 0, 0, 1)}}
		}
		_ = w.WriteMsg(m)
	})}
	go func() { _ = s.ActivateAndServe() }() // ends with Shutdown
	eventually.Comes(t, patience, "the server of names serves", started)
	t.Cleanup(func() { _ = s.Shutdown() })
	return l.Addr().String()
}

// root is who vouches for what the authority gives.
func (a *acmeAuthority) root() *x509.CertPool {
	pool := x509.NewCertPool()
	pool.AddCert(a.GetRootCert(0).Cert)
	return pool
}

// startCertified runs a product that asks an authority, impatiently.
func startCertified(t *testing.T, cfg config.Config, l *zap.Logger) (*App, func() error) {
	t.Helper()
	a, err := Open(t.Context(), cfg, Options{Version: "test", Log: l})
	if err != nil {
		t.Fatal(err)
	}
	a.certifier.retry, a.certifier.look = 200*time.Millisecond, 100*time.Millisecond
	return a, run(t, a)
}

// shown is the certificate that a browser gets for a name, and whether it believes it.
func shown(t *testing.T, a *App, name string, root *x509.CertPool) (leaf *x509.Certificate, err error) {
	t.Helper()
	conn, err := tls.DialWithDialer(&net.Dialer{Timeout: patience}, "tcp", a.HTTPAddr(), &tls.Config{ServerName: name, InsecureSkipVerify: true, NextProtos: []string{"h2", "http/1.1"}})
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	state := conn.ConnectionState()
	inter := x509.NewCertPool()
	for _, c := range state.PeerCertificates[1:] {
		inter.AddCert(c)
	}
	_, err = state.PeerCertificates[0].Verify(x509.VerifyOptions{DNSName: name, Roots: root, Intermediates: inter})
	return state.PeerCertificates[0], err
}

// certified are the settings of a product whose names an authority vouches for, with
// certificates that last so many seconds.
func certified(t *testing.T, lasts uint64, names ...string) (config.Config, *acmeAuthority) {
	t.Helper()
	cfg := settings(t, "127.0.0.1:5999")
	nodePorts(t, &cfg)
	_, text, err := net.SplitHostPort(cfg.HTTP.Listen)
	if err != nil {
		t.Fatal(err)
	}
	port, err := strconv.Atoi(text)
	if err != nil {
		t.Fatal(err)
	}
	authority := newACME(t, port, lasts)
	cfg.HTTP.TLS.ACME = &config.ACME{Hosts: names, Directory: "https://" + authority.address + "/dir", Authorities: authority.file}
	return cfg, authority
}

// TestACME has a real authority give a certificate and renew it. It is away at first, when
// our own is shown, and goes away again, when the old one stays, also over a restart.
func TestACME(t *testing.T) {
	t.Parallel()
	cfg, authority := certified(t, 9, certifiedName)
	authority.away.Store(true)
	core, logged := observer.New(zapcore.ErrorLevel)
	a, stop := startCertified(t, cfg, zap.New(core))

	complains := func(oldStays bool) {
		t.Helper()
		eventually.So(t, patience, "the failure is logged", func() bool {
			for _, l := range logged.FilterMessage("the authority gives no certificate").All() {
				if l.ContextMap()["the_old_one_stays"] == oldStays {
					return true
				}
			}
			return false
		})
		if _, text := get(t, a.AdminAddr(), "/metrics"); strings.Contains(text, `dialer_http_certificate_failures_total{host="`+certifiedName+`"} 0`) {
			t.Error("no failure is counted")
		}
	}
	complains(false)
	own, err := shown(t, a, certifiedName, authority.root())
	if err == nil || own.VerifyHostname(certifiedName) != nil || own.Issuer.CommonName != "outpace" {
		t.Errorf("while the authority is away: %v of %v, %v", own.DNSNames, own.Issuer, err)
	}
	if _, text := get(t, a.AdminAddr(), "/metrics"); !strings.Contains(text, `dialer_http_certificate_left_seconds{host="`+certifiedName+`"} 0`) {
		t.Error("a certificate of nobody is counted")
	}

	authority.away.Store(false)
	var first *x509.Certificate
	eventually.So(t, patience, "there is a certificate", func() bool { first, err = shown(t, a, certifiedName, authority.root()); return err == nil })
	if upper, err := shown(t, a, strings.ToUpper(certifiedName), authority.root()); upper.Issuer.String() != first.Issuer.String() {
		t.Errorf("in capitals: %v", err)
	}
	for _, name := range []string{"evil.example.com", "localhost", ""} { // our own, and nobody is asked
		asked := authority.asked.Load()
		if leaf, _ := shown(t, a, name, authority.root()); leaf.SerialNumber.Cmp(own.SerialNumber) != 0 || authority.asked.Load() != asked {
			t.Errorf("%q: shown %v; asked %d times", name, leaf.DNSNames, authority.asked.Load()-asked)
		}
	}
	var second *x509.Certificate
	eventually.So(t, patience, "it is renewed", func() bool {
		second, err = shown(t, a, certifiedName, authority.root())
		return err == nil && second.SerialNumber.Cmp(first.SerialNumber) != 0
	})

	authority.away.Store(true)
	complains(true) // it is due again
	if late, err := shown(t, a, certifiedName, authority.root()); late.SerialNumber.Cmp(own.SerialNumber) == 0 {
		t.Errorf("our own takes the place of the old one: %v", err)
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
}

// TestACMEAfterRestart: a certificate that is good is shown again without the authority.
func TestACMEAfterRestart(t *testing.T) {
	t.Parallel()
	cfg, authority := certified(t, 3600, certifiedName, "www."+certifiedName)
	var serials []*big.Int
	for range 2 {
		a, stop := startCertified(t, cfg, zap.NewNop())
		for _, name := range cfg.HTTP.TLS.ACME.Hosts {
			var leaf *x509.Certificate
			eventually.So(t, patience, "there is a certificate for "+name, func() (ok bool) {
				var err error
				leaf, err = shown(t, a, name, authority.root())
				return err == nil
			})
			serials = append(serials, leaf.SerialNumber)
		}
		if err := stop(); err != nil {
			t.Fatal(err)
		}
		authority.away.Store(true)
	}
	if serials[0].Cmp(serials[2]) != 0 || serials[1].Cmp(serials[3]) != 0 {
		t.Errorf("serial numbers %v: the second start has others", serials)
	}
}

// TestOverdue: nobody complains before the renewal was tried.
func TestOverdue(t *testing.T) {
	at := time.Date(2026, 3, 1, 0, 0, 0, 0, time.UTC)
	const day = 24 * time.Hour
	for name, tc := range map[string]struct{ life, age, want time.Duration }{
		"fresh":           {90 * day, day, 0},
		"renewal begins":  {90 * day, 60 * day, 0},
		"renewal is late": {90 * day, 68 * day, 12 * time.Hour},
		"expired":         {90 * day, 91 * day, 23*day + 12*time.Hour},
		"short, fresh":    {6 * day, 4 * day, 0},
		"short, late":     {6 * day, 5 * day, 12 * time.Hour},
		"a year, fresh":   {365 * day, 335 * day, 0},
		"a year, late":    {365 * day, 343 * day, 12 * time.Hour},
	} {
		leaf := &x509.Certificate{NotBefore: at, NotAfter: at.Add(tc.life)}
		if got := overdue(leaf, at.Add(tc.age)); got != tc.want {
			t.Errorf("%s: overdue for %v, want %v", name, got, tc.want)
		}
	}
}

// TestACMEStops: an authority that takes the request and says nothing does not keep the
// product from stopping.
func TestACMEStops(t *testing.T) {
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	dir := t.TempDir()
	own, err := keypair.SelfSigned(filepath.Join(dir, "c"), filepath.Join(dir, "k"), []string{certifiedName})
	if err != nil {
		t.Fatal(err)
	}
	k, err := newCertifier(config.ACME{Hosts: []string{certifiedName}, Directory: "https://" + l.Addr().String()}, dir, own, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- k.run(ctx) }()
	conn, err := l.Accept() // it is asked
	if err != nil {
		t.Fatal(err)
	}
	defer conn.Close()
	cancel()
	if err := eventually.Comes(t, patience, "it stops", done); err != nil {
		t.Error(err)
	}
	if c, err := k.get(&tls.ClientHelloInfo{ServerName: certifiedName}); err != nil || c == nil {
		t.Errorf("shown %v, %v", c, err)
	}
	if _, err := k.get(&tls.ClientHelloInfo{ServerName: certifiedName, SupportedProtos: []string{acme.ALPNProto}}); err == nil {
		t.Error("a challenge that nobody set is answered")
	}
}

func TestACMEWithoutItsAuthorities(t *testing.T) {
	cfg := settings(t, "127.0.0.1:5999")
	a := &App{log: zap.NewNop()}
	cfg.HTTP.TLS.ACME = &config.ACME{Hosts: []string{certifiedName}, Authorities: filepath.Join(cfg.DataDir, "none.pem")}
	if _, err := a.secureHTTP(cfg); !errors.Is(err, os.ErrNotExist) || !strings.HasPrefix(err.Error(), "http.tls.acme.authorities: ") {
		t.Errorf("error = %v", err)
	}
	if err := os.WriteFile(cfg.HTTP.TLS.ACME.Authorities, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := a.secureHTTP(cfg); err == nil || !strings.HasSuffix(err.Error(), "no certificate in it") {
		t.Errorf("error = %v", err)
	}
}
