package app

import (
	"bytes"
	"cmp"
	"context"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/crypto/acme"
	"golang.org/x/crypto/acme/autocert"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/sip/keypair"
)

// certifier has the certificates that an authority gives (ACME, RFC 8555). It fetches
// them before a browser asks; until there is one, and for names that are not ours, our
// own is shown, of which browsers warn. One that was got stays while the authority is
// away, however long.
type certifier struct {
	own   *keypair.Pair
	hosts []*certifiedHost
	retry time.Duration // after the first failure; then twice as long, up to lastACMERetry
	look  time.Duration // how often it is seen whether a certificate was renewed
	over  chan struct{} // closed when run ends: nothing more is asked
	log   *zap.Logger
}

// certifiedHost is one name of ours.
type certifiedHost struct {
	name  string
	begin func() *autocert.Manager // one that has failed at nothing yet

	mu          sync.Mutex
	manager     *autocert.Manager
	certificate *tls.Certificate // the last that was got
	failures    uint64
	problem     string // what went wrong last between us and the authority
}

const (
	firstACMERetry = time.Minute
	lastACMERetry  = time.Hour // who fails five times an hour waits, at Let's Encrypt
	acmeLook       = time.Minute
	acmeAnswers    = 30 * time.Second
	acmeNonces     = 5       // that the authority may hold to be too old, one after the other
	maxProblem     = 4 << 10 // bytes
)

// newCertifier reads what the configuration names and asks nobody.
func newCertifier(c config.ACME, dataDir string, own *keypair.Pair, log *zap.Logger) (*certifier, error) {
	k := &certifier{own: own, retry: firstACMERetry, look: acmeLook, over: make(chan struct{}), log: log}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // weeks lie between
	roots, err := keypair.Authorities(c.Authorities)
	if err != nil {
		return nil, fmt.Errorf("authorities: %w", err)
	}
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	cache := autocert.DirCache(cmp.Or(c.Cache, filepath.Join(dataDir, "tls", "acme")))
	for _, name := range c.Hosts {
		h := &certifiedHost{name: name}
		client := &http.Client{Transport: overheard{transport, h, k.over}, Timeout: acmeAnswers}
		h.begin = func() *autocert.Manager {
			return &autocert.Manager{
				Prompt: autocert.AcceptTOS, Cache: cache, Email: c.Email, HostPolicy: autocert.HostWhitelist(name),
				Client: &acme.Client{DirectoryURL: c.Directory, HTTPClient: client, RetryBackoff: onlyNonces},
			}
		}
		h.manager = h.begin()
		k.hosts = append(k.hosts, h)
	}
	return k, nil
}

// onlyNonces leaves it to us when to ask an authority again that has too much to do.
func onlyNonces(n int, _ *http.Request, res *http.Response) time.Duration {
	if res.StatusCode == http.StatusBadRequest && n <= acmeNonces {
		return 100 * time.Millisecond
	}
	return 0
}

// get is what a handshake is shown; it never waits for the authority.
func (k *certifier) get(hello *tls.ClientHelloInfo) (*tls.Certificate, error) {
	name := strings.TrimSuffix(hello.ServerName, ".")
	at := slices.IndexFunc(k.hosts, func(h *certifiedHost) bool { return strings.EqualFold(h.name, name) })
	if at < 0 {
		return k.own.Get()
	}
	manager, certificate := k.hosts[at].present()
	switch {
	case slices.Equal(hello.SupportedProtos, []string{acme.ALPNProto}): // the authority looks whether the name is ours
		return manager.GetCertificate(hello)
	case certificate != nil:
		return certificate, nil
	}
	return k.own.Get()
}

func (h *certifiedHost) present() (*autocert.Manager, *tls.Certificate) {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.manager, h.certificate
}

// run fetches the certificates and follows their renewal until ctx ends.
func (k *certifier) run(ctx context.Context) error {
	defer close(k.over)
	wait, next := k.retry, time.NewTimer(0)
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-next.C:
		}
		if k.round(ctx) {
			wait = k.retry
			next.Reset(k.look)
			continue
		}
		next.Reset(wait)
		wait = min(2*wait, lastACMERetry)
	}
}

// round looks at all names, one after the other, and says whether all is well.
func (k *certifier) round(ctx context.Context) bool {
	well := true
	for _, h := range k.hosts {
		err := h.ask(ctx)
		if err == nil || ctx.Err() != nil {
			continue
		}
		well = false
		_, certificate := h.present()
		k.log.Error("the authority gives no certificate", zap.String("host", h.name), zap.Bool("the_old_one_stays", certificate != nil), zap.Error(err))
	}
	return well
}

// ask is for a certificate, or for the one that was renewed.
func (h *certifiedHost) ask(ctx context.Context) error {
	manager, before := h.present()
	type answer struct {
		*tls.Certificate
		error
	}
	answers := make(chan answer, 1)
	go func() { // ends with its next request once we are over
		c, err := manager.GetCertificate(&tls.ClientHelloInfo{ServerName: h.name, CipherSuites: []uint16{tls.TLS_ECDHE_ECDSA_WITH_AES_128_GCM_SHA256}})
		answers <- answer{c, err}
	}()
	var got answer
	select {
	case <-ctx.Done():
		return ctx.Err()
	case got = <-answers:
	}
	h.mu.Lock()
	defer h.mu.Unlock()
	err := got.error
	switch {
	case err != nil:
		h.manager = h.begin() // the one that failed says the same for a while without asking
		h.certificate = before
	default:
		h.certificate = got.Certificate
		if late := overdue(got.Leaf, time.Now()); late > 0 {
			err = fmt.Errorf("it was to be renewed %v ago: %s", late.Round(time.Second), cmp.Or(h.problem, "no problem was told"))
		}
	}
	if err != nil {
		h.failures++
	}
	return err
}

// overdue is for how long a certificate should have been replaced; 0 while it need not.
// That is begun at a third of its life before its end, 30 days at most, and tried again.
func overdue(leaf *x509.Certificate, now time.Time) time.Duration {
	due := min(leaf.NotAfter.Sub(leaf.NotBefore)/3, 30*24*time.Hour)
	return max(0, now.Sub(leaf.NotAfter.Add(-due*3/4)))
}

// samples are when the certificates end, and how often there was none to be had.
func (k *certifier) samples(now time.Time) []metrics.Sample {
	if k == nil {
		return nil
	}
	var all []metrics.Sample
	for _, h := range k.hosts {
		h.mu.Lock()
		left := time.Duration(0)
		if h.certificate != nil {
			left = h.certificate.Leaf.NotAfter.Sub(now)
		}
		failures := h.failures
		h.mu.Unlock()
		all = append(all,
			gauge("http_certificate_left_seconds", "Until the certificate of the pages ends that an authority gave; 0 while our own is shown in its place.", left.Seconds(), "host", h.name),
			counter("http_certificate_failures_total", "Times that the authority gave no certificate, or had not renewed one that was due.", failures, "host", h.name),
		)
	}
	return all
}

// overheard notes what an authority says that is no success, which a renewal keeps to
// itself, and asks nothing more when we are over.
type overheard struct {
	next http.RoundTripper
	host *certifiedHost
	over chan struct{}
}

var errOver = errors.New("we are stopping")

func (o overheard) RoundTrip(r *http.Request) (*http.Response, error) {
	ctx, cancel := context.WithCancelCause(r.Context())
	go func() { // ends with the request, whose answer may be read after we return
		select {
		case <-o.over:
			cancel(errOver)
		case <-ctx.Done():
			cancel(nil)
		}
	}()
	res, err := o.next.RoundTrip(r.WithContext(ctx))
	problem := ""
	switch {
	case err != nil:
		problem = err.Error()
	case res.StatusCode >= http.StatusBadRequest:
		text, _ := io.ReadAll(io.LimitReader(res.Body, maxProblem))
		_ = res.Body.Close()
		res.Body = io.NopCloser(bytes.NewReader(text))
		problem = res.Status + " " + strings.ToValidUTF8(string(text), "")
	}
	if problem != "" {
		o.host.mu.Lock()
		o.host.problem = problem
		o.host.mu.Unlock()
	}
	return res, err
}
