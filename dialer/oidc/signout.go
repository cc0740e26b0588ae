package oidc

import (
	"context"
	"fmt"
	"net/url"
	"strings"
)

// PostLogoutURI is where the provider sends browsers back to that have signed out there;
// it has to know it.
func (c Config) PostLogoutURI() string { return strings.TrimRight(c.URL, "/") + "/" }

// SignOutURL is where a browser is sent that has signed out here, so that it is signed out
// at the provider as well (OpenID Connect RP-Initiated Logout 1.0, section 2). hint is
// Identity.Token; without it the provider may ask people whether they mean it. The URL is
// empty where the provider has none, or the configuration wants none. The error wraps
// ErrDown.
func (p *Provider) SignOutURL(ctx context.Context, hint string) (string, error) {
	if p.cfg.SignOutHere {
		return "", nil
	}
	found, err := p.discover(ctx)
	if err != nil {
		return "", err
	}
	var said struct {
		EndSession string `json:"end_session_endpoint"`
	}
	if err := found.Claims(&said); err != nil {
		return "", fmt.Errorf("%w: %w", ErrDown, err)
	}
	u, err := url.Parse(said.EndSession)
	if err != nil {
		return "", nil //nolint:nilerr // an address that is none cannot be gone to
	}
	q := u.Query() // some have one of their own
	u.RawQuery = ""
	if !safeURL(u.String()) { // the token is for the provider alone
		return "", nil
	}
	q.Set("client_id", p.cfg.ClientID)
	q.Set("post_logout_redirect_uri", p.cfg.PostLogoutURI())
	if hint != "" {
		q.Set("id_token_hint", hint)
	}
	u.RawQuery = q.Encode()
	return u.String(), nil
}
