package doctor

import (
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"net"
	"net/http"
	"net/netip"
	"net/url"
	"strings"
	"time"

	"golang.org/x/crypto/acme"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/sip/keypair"
)

const (
	// soonExpired leaves time to see to it.
	soonExpired = 21 * 24 * time.Hour
	// tlsTimeout is how long a far end may take to show its certificate.
	tlsTimeout = 5 * time.Second
)

// checkCertificates looks at our own.
func (e *examination) checkCertificates(ctx context.Context) {
	e.checkOwn("trunk_signalling.tls", e.cfg.Trunk)
	e.checkOwn("phones.tls", e.cfg.Phones.Signalling)
	pages := e.cfg.HTTP.TLS
	e.checkOwn("http.tls", config.Signalling{TLS: config.TLS{Certificate: pages.Certificate, Key: pages.Key}})
	if pages.ACME != nil {
		e.checkAuthority(ctx, *pages.ACME)
	}
}

// checkAuthority asks the one that gives the certificate of the pages what it is.
func (e *examination) checkAuthority(ctx context.Context, c config.ACME) {
	const key = "http.tls.acme"
	roots, err := keypair.Authorities(c.Authorities)
	if err != nil {
		e.fail(CheckCertificates, key, "correct http.tls.acme.authorities", "%v", err)
		return
	}
	transport := &http.Transport{Proxy: http.ProxyFromEnvironment, DisableKeepAlives: true, TLSClientConfig: &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}}
	client := acme.Client{DirectoryURL: c.Directory, HTTPClient: &http.Client{Transport: transport, Timeout: tlsTimeout}}
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	if _, err := client.Discover(ctx); err != nil {
		e.fail(CheckCertificates, key, "see that http.tls.acme.directory is right, and that a firewall lets us there; until then a certificate of our own is shown, or the old one", "the authority does not answer: %v", err)
		return
	}
	e.ok(CheckCertificates, key, "the authority answers; port 443 of %s has to lead to http.listen", strings.Join(c.Hosts, ", "))
}

func (e *examination) checkOwn(key string, s config.Signalling) {
	if s.TLS.Certificate == "" {
		return
	}
	const next = "have it issued anew; the product reads it again when the file changes"
	pair, err := tls.LoadX509KeyPair(s.TLS.Certificate, s.TLS.Key)
	if err != nil {
		e.fail(CheckCertificates, key, "see that certificate and key are PEM files that belong together", "%v", err)
		return
	}
	if why := datesOf(pair.Leaf, time.Now()); why != "" {
		e.fail(CheckCertificates, key, next, "our certificate %s", why)
		return
	}
	host, _, err := net.SplitHostPort(s.External)
	if err != nil {
		host = s.External
	}
	if host != "" && pair.Leaf.VerifyHostname(host) != nil {
		e.warn(CheckCertificates, key, "have it issued for "+host, "our certificate is for %s, not for the external address %s: who checks names refuses it", namesIn(pair.Leaf), host)
		return
	}
	e.tellDates(CheckCertificates, key, "our certificate for "+namesIn(pair.Leaf), next, pair.Leaf)
}

// tellDates says until when a good certificate is good.
func (e *examination) tellDates(check, subject, what, next string, leaf *x509.Certificate) {
	left := time.Until(leaf.NotAfter)
	if left < soonExpired {
		e.warn(check, subject, next, "%s ends in %d days, on %s", what, int(left.Hours()/24), leaf.NotAfter.Format(time.DateOnly))
		return
	}
	e.ok(check, subject, "%s is good until %s", what, leaf.NotAfter.Format(time.DateOnly))
}

// datesOf says what is wrong with the time of a certificate, "" if nothing is.
func datesOf(leaf *x509.Certificate, now time.Time) string {
	switch {
	case now.After(leaf.NotAfter):
		return "expired on " + leaf.NotAfter.Format(time.DateOnly)
	case now.Before(leaf.NotBefore):
		return "is not good before " + leaf.NotBefore.Format(time.DateOnly) + " (or our clock is wrong)"
	}
	return ""
}

func namesIn(leaf *x509.Certificate) string {
	names := leaf.DNSNames
	for _, ip := range leaf.IPAddresses {
		names = append(names, ip.String())
	}
	if len(names) == 0 {
		return "no name"
	}
	return strings.Join(names, ", ")
}

// checkFar shakes hands with a far end and says whether the product will believe it.
// False: no call can go there.
func (e *examination) checkFar(ctx context.Context, check, subject, address, name, authorities string) bool {
	const theirs = "have them renew it: no connection is made until then"
	roots, err := keypair.Authorities(authorities)
	if err != nil {
		e.fail(check, subject, "correct trunk_signalling.tls.authorities", "%v", err)
		return false
	}
	leaf, err := handshake(ctx, address, &tls.Config{MinVersion: tls.VersionTLS12, ServerName: name, RootCAs: roots, Certificates: e.ownPair()})
	invalid, isInvalid := errors.AsType[x509.CertificateInvalidError](err)
	stranger, isStranger := errors.AsType[x509.UnknownAuthorityError](err)
	misnamed, isMisnamed := errors.AsType[x509.HostnameError](err)
	switch {
	case err == nil:
		e.tellDates(check, subject, "the far end's certificate for "+name, "tell them", leaf)
		return true
	case isInvalid && invalid.Reason == x509.Expired:
		why := datesOf(invalid.Cert, time.Now())
		if why == "" {
			why = "is out of its time"
		}
		e.fail(check, subject, theirs, "the certificate of the far end (%s) %s", namesIn(invalid.Cert), why)
	case isStranger:
		issuer := "nobody"
		if stranger.Cert != nil {
			issuer = stranger.Cert.Issuer.String()
		}
		e.fail(check, subject, "name their authority in trunk_signalling.tls.authorities", "nobody whom we believe vouches for the certificate of the far end, issued by %q", issuer)
	case isMisnamed:
		e.fail(check, subject, "name the target as the certificate does, or have them correct it", "the certificate of the far end is for %s, not for %s", namesIn(misnamed.Certificate), name)
	default:
		e.fail(check, subject, "see that the port takes TLS, and that a firewall lets us there", "no TLS: %v", err)
	}
	return false
}

// handshake is TLS as the product does it with carriers.
func handshake(ctx context.Context, address string, cfg *tls.Config) (*x509.Certificate, error) {
	ctx, cancel := context.WithTimeout(ctx, tlsTimeout)
	defer cancel()
	d := tls.Dialer{Config: cfg}
	conn, err := d.DialContext(ctx, "tcp", address)
	if err != nil {
		return nil, err
	}
	defer func() { _ = conn.Close() }()
	return conn.(*tls.Conn).ConnectionState().PeerCertificates[0], nil
}

// ownPair is what we show to carriers that ask for a certificate.
func (e *examination) ownPair() []tls.Certificate {
	pair, err := tls.LoadX509KeyPair(e.cfg.Trunk.TLS.Certificate, e.cfg.Trunk.TLS.Key)
	if err != nil {
		return nil // checkOwn tells
	}
	return []tls.Certificate{pair}
}

// checkBrowser looks at what a browser asks for before it gives the microphone: HTTPS
// before the page.
func (e *examination) checkBrowser(ctx context.Context) {
	if !e.cfg.Phones.Browser.Enabled {
		e.ok(CheckBrowser, "browser phone", "off (phones.browser.enabled)")
		return
	}
	if e.Page != "" {
		e.checkPage(ctx)
		return
	}
	host, _, _ := net.SplitHostPort(e.cfg.HTTP.Listen)
	if addr, err := netip.ParseAddr(host); host != "localhost" && (err != nil || !addr.IsLoopback()) {
		e.warn(CheckBrowser, e.cfg.HTTP.Listen, "listen on loopback and put a proxy with TLS before it; doctor --page https://... looks at that",
			"the pages are reachable without HTTPS, and browsers give the microphone to pages under HTTPS only")
		return
	}
	e.ok(CheckBrowser, e.cfg.HTTP.Listen, "the pages are for this machine and a proxy with TLS on it; --page https://... looks at that")
}

func (e *examination) checkPage(ctx context.Context) {
	u, err := url.Parse(e.Page)
	if err != nil || u.Scheme != "https" || u.Hostname() == "" {
		e.fail(CheckBrowser, e.Page, "put a proxy with TLS before the pages", "browsers give the microphone to pages under HTTPS only")
		return
	}
	port := u.Port()
	if port == "" {
		port = "443"
	}
	e.checkFar(ctx, CheckBrowser, e.Page, net.JoinHostPort(u.Hostname(), port), u.Hostname(), "")
}
