package api

import (
	"context"
	"errors"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

// linkName marks the code of a sign-in link among the tokens: it is good for one
// sign-in and nothing else.
const linkName = "link"

// NewLink makes the code of a sign-in link, and what is kept of it.
func NewLink(user campaigns.UserID, now time.Time, lasts time.Duration) (code string, kept campaigns.Token) {
	code, hash := NewToken()
	return code, campaigns.Token{Hash: hash, User: user, Name: linkName, CreatedAt: now, ExpiresAt: now.Add(lasts)}
}

type linkIn struct {
	Body struct {
		Code   string `json:"code" minLength:"1" maxLength:"256"`
		Cookie bool   `json:"cookie,omitempty" doc:"the session comes as a cookie that scripts cannot read, and no token is answered: for pages"`
	}
	signingIn
}

// Resolve keeps where the request came from, and the session that it replaces.
func (in *linkIn) Resolve(ctx huma.Context) []error {
	in.signingIn = signingInBy(ctx)
	return nil
}

// followLink begins a session with a code, which is good for nothing from then on.
func (s *Server) followLink(ctx context.Context, in *linkIn) (*begun, error) {
	s.linking.Lock()
	defer s.linking.Unlock()
	key, now := "link:"+in.from, time.Now()
	if wait := s.logins.blocked(now, key); wait > 0 {
		return nil, tooMany(wait)
	}
	refused := func() (*begun, error) {
		s.logins.failed(now, key)
		return nil, huma.Error401Unauthorized("this link was used, or is too old")
	}
	kept, err := s.records.Token(ctx, hashToken(in.Body.Code))
	switch {
	case errors.Is(err, campaigns.ErrNotFound), err == nil && (kept.Name != linkName || kept.ExpiresAt.Before(now)):
		return refused()
	case err != nil:
		return nil, s.problem("session-link", err)
	}
	user, err := s.records.User(ctx, kept.User)
	if errors.Is(err, campaigns.ErrNotFound) || err == nil && user.Disabled {
		return refused()
	}
	if err == nil {
		err = s.records.DeleteToken(ctx, kept.Hash)
	}
	if err != nil {
		return nil, s.problem("session-link", err)
	}
	begun, err := s.beginSession(ctx, user, in.signingIn, in.Body.Cookie, now)
	return begun, s.problem("session-link", err)
}
