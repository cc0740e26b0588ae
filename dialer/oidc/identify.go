package oidc

import (
	"context"
	"errors"
	"fmt"

	"github.com/coreos/go-oidc/v3/oidc"
	"golang.org/x/oauth2"
)

// Identify exchanges the code that a browser brought back from a trip, and says who that
// is. *Denied says why somebody is not let in, and the identity then has a subject where
// the provider vouches for them. Else the error wraps ErrDown, or names what is wrong here.
func (p *Provider) Identify(ctx context.Context, t Trip, code string) (Identity, error) {
	found, err := p.discover(ctx)
	if err != nil {
		return Identity{}, err
	}
	secret, err := p.cfg.secret()
	if err != nil {
		return Identity{}, err
	}
	ctx = oidc.ClientContext(ctx, p.client)
	token, err := p.present(found, secret).Exchange(ctx, code, oauth2.VerifierOption(t.verifier()))
	if err != nil {
		return Identity{}, p.failed("exchange the code", err)
	}
	claims, err := p.verify(ctx, found, t, token)
	if err != nil {
		return Identity{}, err
	}
	id, err := p.cfg.identity(claims)
	id.Token, _ = token.Extra("id_token").(string)
	return id, err
}

// verify believes a token that the provider signed for us, now, and for this trip.
func (p *Provider) verify(ctx context.Context, found *oidc.Provider, t Trip, token *oauth2.Token) (claims, error) {
	raw, _ := token.Extra("id_token").(string)
	if raw == "" {
		return nil, &Denied{NotConfirmed, "the provider gave no id_token: is openid among the scopes?"}
	}
	id, err := found.Verifier(&oidc.Config{ClientID: p.cfg.ClientID}).Verify(ctx, raw)
	if err != nil {
		return nil, p.failed("verify the token", err)
	}
	var all claims
	if err := id.Claims(&all); err != nil {
		return nil, &Denied{NotConfirmed, err.Error()}
	}
	switch azp, has := all["azp"].(string); {
	case !same(t.nonce(), id.Nonce):
		return nil, &Denied{NotConfirmed, "the token is of another sign-in: its nonce is not ours"}
	case has && azp != p.cfg.ClientID, !has && len(id.Audience) > 1:
		return nil, &Denied{NotConfirmed, fmt.Sprintf("the token was given to %q, not to us", azp)}
	case id.Subject == "":
		return nil, &Denied{NotConfirmed, "the token names no subject"}
	}
	if p.cfg.knows(all) || found.UserInfoEndpoint() == "" {
		return all, nil
	}
	return p.askMore(ctx, found, token, id, all)
}

// askMore adds what the provider says of the person elsewhere than in the token.
func (p *Provider) askMore(ctx context.Context, found *oidc.Provider, token *oauth2.Token, id *oidc.IDToken, all claims) (claims, error) {
	if id.AccessTokenHash != "" {
		if err := id.VerifyAccessToken(token.AccessToken); err != nil {
			return nil, &Denied{NotConfirmed, err.Error()}
		}
	}
	more, err := found.UserInfo(ctx, oauth2.StaticTokenSource(token))
	if err != nil {
		return nil, p.failed("ask for more of the person", err)
	}
	if more.Subject != id.Subject {
		return nil, &Denied{NotConfirmed, "the provider tells more of somebody else"}
	}
	var said claims
	if err := more.Claims(&said); err != nil {
		return nil, &Denied{NotConfirmed, err.Error()}
	}
	for name, value := range said {
		if _, has := all[name]; !has {
			all[name] = value
		}
	}
	return all, nil
}

// failed tells a provider that is not there from one that says no.
func (p *Provider) failed(what string, err error) error {
	if !p.Up() || errors.Is(err, context.Canceled) {
		return fmt.Errorf("%w: %s: %w", ErrDown, what, err)
	}
	return &Denied{NotConfirmed, what + ": " + err.Error()}
}
