package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

// sessionName marks the sessions of people among the tokens.
const sessionName = "session"

// useEvery is how exactly it is known when a token was last used: each use would be a
// write.
const useEvery = time.Minute

// idle says whether a session was not used for too long.
func (s *Server) idle(t campaigns.Token, now time.Time) bool {
	last := t.CreatedAt
	if t.UsedAt.After(last) {
		last = t.UsedAt
	}
	return t.Name == sessionName && now.Sub(last) > s.cfg.IdleFor
}

// use notes that a token is used, where that is not known already.
func (s *Server) use(ctx context.Context, t campaigns.Token, now time.Time) error {
	if now.Sub(t.UsedAt) < useEvery {
		return nil
	}
	return s.records.UseToken(ctx, t.Hash, now)
}

// longestToken is how long a token lasts that ends at all, in years. Stores keep no time
// beyond the year 2262: one that ends in 9999 would have ended in 1816.
const longestToken = 100

// endSessions ends all sessions of a user but the one that asks for it. Tokens of
// scripts stay: they are taken back by name.
func (s *Server) endSessions(ctx context.Context, by caller, user campaigns.UserID) error {
	tokens, err := s.records.Tokens(ctx, user)
	for _, t := range tokens {
		if t.Name != sessionName && t.Name != linkName || t.Hash == by.token {
			continue
		}
		s.remembered.forget(t.Hash)
		err = errors.Join(err, s.records.DeleteToken(ctx, t.Hash))
	}
	return err
}

// apiToken is a token as its owner sees it.
type apiToken struct {
	ID        string            `json:"id" doc:"the beginning of its hash"`
	Name      string            `json:"name"`
	Scopes    []campaigns.Right `json:"scopes,omitempty" doc:"what of its owner's rights it has; none: all"`
	CreatedAt time.Time         `json:"created_at"`
	ExpiresAt time.Time         `json:"expires_at,omitzero"`
	UsedAt    time.Time         `json:"used_at,omitzero" doc:"to a minute or so"`
}

type newToken struct {
	apiToken
	Token string `json:"token" doc:"shown now and never again"`
}

type tokenIn struct {
	Body struct {
		Name      string            `json:"name" minLength:"1" maxLength:"100"`
		Scopes    []campaigns.Right `json:"scopes,omitempty" maxItems:"50" doc:"rights of yours; none: all"`
		ExpiresAt *time.Time        `json:"expires_at,omitempty" doc:"left out: never"`
	}
}

type tokenPath struct {
	ID string `path:"id" minLength:"16" maxLength:"64"`
}

type passwordIn struct {
	Body struct {
		Present string `json:"present" minLength:"1" maxLength:"256"`
		New     string `json:"new" minLength:"10" maxLength:"256"`
	}
}

// shownHash is how much of a hash names a token: nobody finds the token by it.
const shownHash = 16

func shownToken(t campaigns.Token) apiToken {
	return apiToken{t.Hash[:shownHash], t.Name, t.Scopes, t.CreatedAt, t.ExpiresAt, t.UsedAt}
}

// routeTokens adds what people do with their own password and tokens.
func (s *Server) routeTokens(api huma.API) {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Tags: []string{"tokens"}, Summary: summary}
	}
	register(s, api, campaigns.RightTokens, op("list", http.MethodGet, "/tokens", "Your tokens for scripts, and your sessions"),
		func(ctx context.Context, by caller, in *Page) (*body[page[apiToken]], error) {
			tokens, err := s.records.Tokens(ctx, by.ID)
			var all []apiToken
			for _, t := range tokens {
				if t.Name != linkName && t.Name != identityName {
					all = append(all, shownToken(t))
				}
			}
			return pagedOf(ctx, s, *in, func(t apiToken) string { return t.ID }, all, err)
		})
	create := op("create", http.MethodPost, "/tokens", "Make a token for a script")
	create.Metadata = map[string]any{unkept: true} // what is kept of a secret is its hash
	register(s, api, campaigns.RightTokens, create, s.createToken)
	register(s, api, campaigns.RightTokens, op("delete", http.MethodDelete, "/tokens/{id}", "Take a token of yours back, or end a session"), s.deleteToken)
	change := op("password", http.MethodPost, "/me/password", "Change your password; your other sessions end")
	change.Metadata = map[string]any{unkept: true}
	register(s, api, anyone, change, s.changePassword)
}

func (s *Server) createToken(ctx context.Context, by caller, in *tokenIn) (*body[newToken], error) {
	if in.Body.Name == sessionName || in.Body.Name == linkName || in.Body.Name == identityName {
		return nil, &campaigns.FieldError{Field: "name", Problem: "this name is taken"}
	}
	if err := knownRights("scopes", in.Body.Scopes); err != nil {
		return nil, err
	}
	if slices.ContainsFunc(in.Body.Scopes, func(r campaigns.Right) bool { return !by.May(r) }) {
		return nil, huma.Error403Forbidden("you have not all of these rights yourself")
	}
	if at := in.Body.ExpiresAt; at != nil && (!at.After(time.Now()) || at.After(time.Now().AddDate(longestToken, 0, 0))) {
		return nil, &campaigns.FieldError{Field: "expires_at", Problem: fmt.Sprintf("%s is not within the next %d years; left out: never", at.Format(time.RFC3339), longestToken)}
	}
	token, hash := NewToken()
	t := campaigns.Token{Hash: hash, User: by.ID, Name: in.Body.Name, Scopes: in.Body.Scopes, CreatedAt: time.Now()}
	if len(t.Scopes) == 0 {
		t.Scopes = by.Only
	}
	if in.Body.ExpiresAt != nil {
		t.ExpiresAt = *in.Body.ExpiresAt
	}
	if err := s.records.SaveToken(ctx, t); err != nil {
		return nil, err
	}
	return answer(newToken{shownToken(t), token}, s.audit(ctx, by, "token.create", t.Hash[:shownHash], nil, t))
}

func (s *Server) deleteToken(ctx context.Context, by caller, in *tokenPath) (*empty, error) {
	tokens, err := s.records.Tokens(ctx, by.ID)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(tokens, func(t campaigns.Token) bool {
		return t.Hash[:min(shownHash, len(t.Hash))] == in.ID && t.Name != identityName
	})
	if at < 0 {
		return nil, campaigns.ErrNotFound
	}
	s.remembered.forget(tokens[at].Hash)
	if err := s.records.DeleteToken(ctx, tokens[at].Hash); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, by, "token.delete", in.ID, tokens[at], nil)
}

// changePassword counts wrong guesses as sign-in does.
func (s *Server) changePassword(ctx context.Context, by caller, in *passwordIn) (*empty, error) {
	key, now := "user:"+string(by.ID), time.Now()
	if wait := s.logins.blocked(now, key); wait > 0 {
		return nil, tooMany(wait)
	}
	u, err := s.records.User(ctx, by.ID)
	if err != nil {
		return nil, err
	}
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return nil, huma.Error503ServiceUnavailable("too many people sign in")
	}
	if !VerifyPassword(u.PasswordHash, in.Body.Present) {
		s.logins.failed(now, key)
		return nil, coded(http.StatusForbidden, "wrong_password", "that is not your password")
	}
	u.PasswordHash = HashPassword(in.Body.New)
	if err := s.records.SaveUser(ctx, u); err != nil {
		return nil, err
	}
	if err := s.endSessions(ctx, by, by.ID); err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, by, "user.password", string(by.ID), nil, nil)
}
