// Package oidc lets a provider say who somebody is (OpenID Connect Core 1.0: code flow
// with PKCE), and makes of that who they are here.
//
// It keeps no users and no sessions: whoever asks has those. It makes no promise that the
// provider is there: that is looked for when somebody signs in, and nothing else waits.
//
//	page ─► NewTrip ─► AuthURL ─► browser at the provider ─► code ─► Identify ─► Identity
//	                      │                                             │
//	                  discovery, once                     token, its keys, claims
package oidc

import (
	"context"
	"crypto/tls"
	"errors"
	"fmt"
	"io"
	"net/http"
	"sync"
	"sync/atomic"
	"time"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"

	"github.com/outpace-dialer/outpace/sip/keypair"
)

// ErrDown means that the provider does not answer as one. Retry later.
var ErrDown = errors.New("the provider does not answer")

// Denied is why somebody is not let in. Why is one of the constants below.
type Denied struct {
	Why    string
	Detail string // for the log
}

func (d *Denied) Error() string { return d.Why + ": " + d.Detail }

// Why somebody is not let in.
const (
	NotConfirmed = "not_confirmed" // the provider does not say who it is, or not in a way to be believed
	NotAllowed   = "not_allowed"   // no domain, group or grant of the configuration fits
)

const (
	// answersWithin bounds each request to the provider: a browser waits.
	answersWithin = 10 * time.Second
	// A provider that does not answer is asked again after firstWait, then after twice
	// as long, up to lastWait: whoever presses the button cannot make us flood it.
	firstWait = time.Second
	lastWait  = 30 * time.Second
	// maxAnswer bounds an answer of the provider, in bytes.
	maxAnswer = 1 << 20
)

// Provider is the one of a configuration. Safe for concurrent use.
type Provider struct {
	cfg    Config
	client *http.Client
	now    func() time.Time

	down atomic.Bool // it did not answer when it was last asked

	mu    sync.Mutex // held while the provider is looked for: nobody looks beside
	found *oidc.Provider
	err   error     // of the last search
	again time.Time // not asked before
	wait  time.Duration
	shown *oauth2.Config // see present
}

// New reads what the configuration names, and asks nobody. now says when a provider that
// did not answer may be asked again.
func New(cfg Config, now func() time.Time) (*Provider, error) {
	cfg = cfg.withDefaults()
	if _, err := cfg.secret(); err != nil {
		return nil, err
	}
	transport := http.DefaultTransport.(*http.Transport).Clone()
	transport.DisableKeepAlives = true // a sign-in is rare
	roots, err := keypair.Authorities(cfg.Authorities)
	if err != nil {
		return nil, fmt.Errorf("oidc.authorities: %w", err)
	}
	transport.TLSClientConfig = &tls.Config{MinVersion: tls.VersionTLS12, RootCAs: roots}
	p := &Provider{cfg: cfg, now: now}
	p.client = &http.Client{Transport: watched{transport, &p.down}, Timeout: answersWithin}
	return p, nil
}

// Config is the configuration with its defaults.
func (p *Provider) Config() Config { return p.cfg }

// Up says whether the provider answered when it was last asked; true before that.
func (p *Provider) Up() bool { return !p.down.Load() }

// Discover asks the provider for what is to be known of it, unless it has said it, or
// did not answer a moment ago. The error wraps ErrDown.
func (p *Provider) Discover(ctx context.Context) error {
	_, err := p.discover(ctx)
	return err
}

func (p *Provider) discover(ctx context.Context) (*oidc.Provider, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.found != nil || p.now().Before(p.again) {
		return p.found, p.err
	}
	// The answer is for all, so a browser that goes away does not end it.
	found, err := oidc.NewProvider(oidc.ClientContext(context.WithoutCancel(ctx), p.client), p.cfg.Issuer)
	if err != nil {
		p.wait = min(max(2*p.wait, firstWait), lastWait)
		p.again = p.now().Add(p.wait)
		p.err = fmt.Errorf("%w: %w", ErrDown, err)
		return nil, p.err
	}
	p.found, p.err = found, nil
	return found, nil
}

// AuthURL is where a browser is sent on a trip. The error wraps ErrDown.
func (p *Provider) AuthURL(ctx context.Context, t Trip) (string, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	options := []oauth2.AuthCodeOption{oidc.Nonce(t.nonce()), oauth2.S256ChallengeOption(t.verifier())}
	if p.cfg.Prompt != "" {
		options = append(options, oauth2.SetAuthURLParam("prompt", p.cfg.Prompt))
	}
	return p.newClient(found, "").AuthCodeURL(t.State(), options...), nil
}

func (p *Provider) newClient(found *oidc.Provider, secret string) *oauth2.Config {
	c := &oauth2.Config{ClientID: p.cfg.ClientID, ClientSecret: secret, Endpoint: found.Endpoint(), RedirectURL: p.cfg.RedirectURI(), Scopes: p.cfg.Scopes}
	if secret == "" { // there is nothing to put into a header
		c.Endpoint.AuthStyle = oauth2.AuthStyleInParams
	}
	return c
}

// present is the client with a secret. It learns how the provider wants to be shown that,
// so it stays the same while the secret does.
func (p *Provider) present(found *oidc.Provider, secret string) *oauth2.Config {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.shown == nil || p.shown.ClientSecret != secret {
		p.shown = p.newClient(found, secret)
	}
	return p.shown
}

// watched notes whether the provider answers, and cuts off what is longer than any of its
// answers.
type watched struct {
	next http.RoundTripper
	down *atomic.Bool
}

func (w watched) RoundTrip(r *http.Request) (*http.Response, error) {
	res, err := w.next.RoundTrip(r)
	if !errors.Is(err, context.Canceled) { // by a browser that went away
		w.down.Store(err != nil || res.StatusCode >= http.StatusInternalServerError)
	}
	if err == nil {
		res.Body = struct {
			io.Reader
			io.Closer
		}{io.LimitReader(res.Body, maxAnswer), res.Body}
	}
	return res, err
}
