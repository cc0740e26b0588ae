package doctor

import (
	"context"
	"time"

	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// checkSignIn asks the provider with whom people sign in what it is.
func (e *examination) checkSignIn(ctx context.Context) {
	cfg := e.cfg.OIDC
	if !cfg.On() {
		e.ok(CheckSignIn, "passwords", "people sign in with passwords alone (oidc)")
		return
	}
	p, err := oidc.New(cfg, time.Now)
	if err != nil {
		e.fail(CheckSignIn, cfg.Issuer, "correct the file that it names", "%v", err)
		return
	}
	began := time.Now()
	if err := p.Discover(ctx); err != nil {
		e.fail(CheckSignIn, cfg.Issuer, "see that oidc.issuer is letter for letter what the provider calls itself, that a firewall lets us there, and that oidc.authorities vouches for its certificate", "%v", err)
		return
	}
	took := time.Since(began).Milliseconds()
	has := "it has to know the redirect URI " + cfg.RedirectURI()
	if to, err := p.SignOutURL(ctx, ""); err == nil && to != "" {
		has += ", and the post-logout redirect URI " + cfg.PostLogoutURI() + " (oidc.sign_out_here does without)"
	}
	e.ok(CheckSignIn, cfg.Issuer, "the provider answers after %d ms; %s", took, has)
}
