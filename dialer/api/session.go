package api

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"net"
	"net/http"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TokenPrefix begins every token, so that one that leaked can be found.
const TokenPrefix = "dlr_"

// NewToken makes a bearer token and the hash that is kept of it.
func NewToken() (token, hash string) {
	var secret [32]byte
	rand.Read(secret[:]) // never fails (crypto/rand)
	token = TokenPrefix + hex.EncodeToString(secret[:])
	return token, hashToken(token)
}

func hashToken(token string) string {
	sum := sha256.Sum256([]byte(token))
	return hex.EncodeToString(sum[:])
}

type loginIn struct {
	Body struct {
		User     string `json:"user" minLength:"1" maxLength:"64"`
		Password string `json:"password" minLength:"1" maxLength:"256"`
		Cookie   bool   `json:"cookie,omitempty" doc:"the session comes as a cookie that scripts cannot read, and no token is answered: for pages"`
	}
	signingIn
}

// signingIn is who asks for a session, and how.
type signingIn struct {
	from   string
	before string // the bearer token that came along
}

// Resolve keeps where the request came from, and the session that it replaces.
func (in *loginIn) Resolve(ctx huma.Context) []error {
	in.signingIn = signingInBy(ctx)
	return nil
}

func signingInBy(ctx huma.Context) signingIn {
	return signingIn{host(ctx.RemoteAddr()), strings.TrimPrefix(ctx.Header("Authorization"), "Bearer ")}
}

// begun is a session that began.
type begun struct {
	SetCookie string `header:"Set-Cookie"`
	Body      session
	hash      string
}

type session struct {
	Token     string           `json:"token" doc:"empty where the session is a cookie"`
	User      campaigns.UserID `json:"user"`
	Role      campaigns.Role   `json:"role"`
	ExpiresAt time.Time        `json:"expires_at"`
}

func (s *Server) routeSession(api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "session-login", Method: http.MethodPost, Path: "/api/v1/login", Tags: []string{"session"},
		Summary: "Sign in with a password; the answer is a bearer token",
	}, func(ctx context.Context, in *loginIn) (*begun, error) { return s.login(ctx, in) })
	huma.Register(api, huma.Operation{
		OperationID: "session-link", Method: http.MethodPost, Path: "/api/v1/login/link", Tags: []string{"session"},
		Summary: "Sign in with the code of a link, once; the answer is a bearer token",
	}, func(ctx context.Context, in *linkIn) (*begun, error) { return s.followLink(ctx, in) })
	register(s, api, anyone, huma.Operation{
		OperationID: "logout", Method: http.MethodPost, Path: logoutPath, Tags: []string{"session"}, Summary: "Sign out",
	}, s.logout)
	register(s, api, anyone, huma.Operation{
		OperationID: "me", Method: http.MethodGet, Path: "/api/v1/me", Tags: []string{"session"}, Summary: "Who is signed in",
	}, s.me)
}

// login answers the same, and takes the same time, for an unknown user and for
// a wrong password.
func (s *Server) login(ctx context.Context, in *loginIn) (*begun, error) {
	keys := []string{"addr:" + in.from, "user:" + in.Body.User}
	now := time.Now()
	if wait := s.logins.blocked(now, keys...); wait > 0 {
		return nil, tooMany(wait)
	}
	user, err := s.records.User(ctx, campaigns.UserID(in.Body.User))
	if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
		return nil, s.problem("session-login", err)
	}
	hash := user.PasswordHash
	if err != nil || user.Disabled || hash == "" || !s.byPassword(user.ID) {
		hash = dummyHash
	}
	select {
	case s.hashing <- struct{}{}:
		defer func() { <-s.hashing }()
	case <-ctx.Done():
		return nil, huma.Error503ServiceUnavailable("too many people sign in")
	}
	// Once more: guesses that came together waited here together.
	if wait := s.logins.blocked(now, keys...); wait > 0 {
		return nil, tooMany(wait)
	}
	ok := VerifyPassword(hash, in.Body.Password)
	if !ok || hash == dummyHash {
		s.logins.failed(now, keys...)
		return nil, s.wrongPassword()
	}
	begun, err := s.beginSession(ctx, user, in.signingIn, in.Body.Cookie, now)
	return begun, s.problem("session-login", err)
}

// beginSession makes a session with a secret of its own. The one that the request came
// with, if any, ends: nobody goes on with what they gave to somebody before.
func (s *Server) beginSession(ctx context.Context, user campaigns.User, in signingIn, asCookie bool, now time.Time) (*begun, error) {
	o, _ := ctx.Value(originKey{}).(origin)
	if asCookie && o.cookie() == "" {
		return nil, coded(http.StatusUnprocessableEntity, "needs_https", "a session as a cookie needs HTTPS, or localhost")
	}
	if in.before != "" {
		old, err := s.records.Token(ctx, hashToken(in.before))
		if err == nil && old.Name == sessionName {
			s.remembered.forget(old.Hash)
			err = s.records.DeleteToken(ctx, old.Hash)
		}
		if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
			return nil, err
		}
	}
	token, hash := NewToken()
	t := campaigns.Token{Hash: hash, User: user.ID, Name: sessionName, CreatedAt: now, ExpiresAt: now.Add(s.cfg.SessionFor)}
	b := &begun{Body: session{Token: token, User: user.ID, Role: user.Role, ExpiresAt: t.ExpiresAt}, hash: hash}
	if asCookie {
		b.Body.Token, b.SetCookie = "", o.set(token)
	}
	if err := s.records.SaveToken(ctx, t); err != nil {
		return nil, err
	}
	return b, nil
}

func tooMany(wait time.Duration) error {
	return huma.ErrorWithHeaders(huma.Error429TooManyRequests("too many attempts"), http.Header{"Retry-After": {retryAfter(wait)}})
}

// anyone stands for the right to be signed in.
const anyone campaigns.Right = ""

// authenticate lets a request in whose token belongs to a user with the right.
func (s *Server) authenticate(api huma.API, right campaigns.Right) func(huma.Context, func(huma.Context)) {
	return func(ctx huma.Context, next func(huma.Context)) {
		by, status := s.whoIs(ctx.Context(), ctx.Header("Authorization"), right)
		if status != http.StatusOK {
			_ = huma.WriteErr(api, ctx, status, denial(status))
			return
		}
		by.from = host(ctx.RemoteAddr())
		next(huma.WithValue(ctx, callerKey{}, by))
	}
}

// whoIs finds the user of a bearer token; a status other than 200 says why not. While the
// store does not answer, those go on whom it let in a while ago.
func (s *Server) whoIs(ctx context.Context, header string, right campaigns.Right) (caller, int) {
	token, ok := strings.CutPrefix(header, "Bearer ")
	if !ok {
		return caller{}, http.StatusUnauthorized
	}
	hash, now := hashToken(token), time.Now()
	before, known, ask := s.remembered.find(hash, now)
	if !ask {
		return letInAs(before, hash, right)
	}
	if known {
		var cancel context.CancelFunc
		ctx, cancel = context.WithTimeout(ctx, answersWithin)
		defer cancel()
	}
	user, expires, err := s.holder(ctx, hash, now)
	switch {
	case errors.Is(err, campaigns.ErrNotFound):
		s.remembered.forget(hash)
		return caller{}, http.StatusUnauthorized
	case err != nil && known:
		s.remembered.failed(now)
		return letInAs(before, hash, right)
	case err != nil:
		s.log.Error("who asks is not known", zap.Error(err))
		return caller{}, http.StatusServiceUnavailable
	}
	s.remembered.add(hash, user, expires, now)
	return letInAs(user, hash, right)
}

// holder is whose a token is, and until when; campaigns.ErrNotFound where it lets nobody in.
func (s *Server) holder(ctx context.Context, hash string, now time.Time) (campaigns.User, time.Time, error) {
	t, err := s.records.Token(ctx, hash)
	if err != nil {
		return campaigns.User{}, time.Time{}, err
	}
	if t.Name == linkName || t.Name == identityName || !t.ExpiresAt.IsZero() && t.ExpiresAt.Before(now) || s.idle(t, now) {
		return campaigns.User{}, time.Time{}, campaigns.ErrNotFound
	}
	user, err := s.records.User(ctx, t.User)
	if err == nil && user.Disabled {
		err = campaigns.ErrNotFound
	}
	user.Only = t.Scopes
	if err == nil {
		err = s.use(ctx, t, now)
	}
	return user, t.ExpiresAt, err
}

func denial(status int) string {
	switch status {
	case http.StatusForbidden:
		return "you have no right to this"
	case http.StatusServiceUnavailable:
		return "the store does not answer"
	}
	return "sign in first"
}

func host(addr string) string {
	if h, _, err := net.SplitHostPort(addr); err == nil {
		return h
	}
	return addr
}
