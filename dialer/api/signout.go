package api

import (
	"context"
	"net/http"
	"strings"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// A session that began at a provider ends there too, where the provider lets it: else who
// sits down next is signed in as who sat there before. The provider knows which one is
// meant by the token that it gave at sign-in. The browser keeps that, in a cookie which no
// script reads and which goes to the sign-out alone: the server keeps nothing.
//
//	POST /logout ─► session over, Location ─► GET /logout/oidc ─► the provider ─► our page

const (
	logoutPath  = "/api/v1/logout"
	signOutPath = logoutPath + "/oidc"
	// longestHint bounds the token in the cookie, in bytes: browsers keep 4096 of name and
	// value (RFC 6265, section 6.1). Without it the provider may ask what is meant.
	longestHint = 3500
	// boundTo is how much of a session's hash says whose a hint is, in characters.
	boundTo = 16
)

// hint is by what the provider knows the session that a session here began with.
type hint struct {
	session string // the beginning of its hash; empty: there is no hint
	token   string // may be empty
}

// of says whether a hint is of a session, which is named by its hash.
func (h hint) of(session string) bool {
	return h.session != "" && strings.HasPrefix(session, h.session)
}

// hintCookie is the name of its cookie. It goes to one path only, which __Host- forbids.
func (o origin) hintCookie() string {
	if o.secure {
		return "__Secure-outpace-hint"
	}
	return o.cookie() + "-hint"
}

func (o origin) setHint(value string) string {
	c := http.Cookie{Name: o.hintCookie(), Value: value, Path: logoutPath, HttpOnly: true, Secure: o.secure, SameSite: http.SameSiteStrictMode}
	if value == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// hintIn reads a Cookie header.
func (o origin) hintIn(header string) hint {
	all, err := http.ParseCookie(header)
	if err != nil {
		return hint{}
	}
	for _, c := range all {
		if session, token, ok := strings.Cut(c.Value, "."); c.Name == o.hintCookie() && ok && len(session) == boundTo {
			return hint{session, token}
		}
	}
	return hint{}
}

// hintFor is the header that gives a browser the hint of a session that begins; empty
// where it cannot end at the provider.
func (s *Server) hintFor(ctx context.Context, o origin, session string, id oidc.Identity) string {
	to, err := s.provider.SignOutURL(ctx, "")
	if err != nil || to == "" {
		return ""
	}
	token := id.Token
	if len(token) > longestHint {
		token = ""
	}
	return o.setHint(session[:boundTo] + "." + token)
}

type logoutIn struct{ hint hint }

// Resolve keeps the hint that came along.
func (in *logoutIn) Resolve(ctx huma.Context) []error {
	o, _ := ctx.Context().Value(originKey{}).(origin)
	in.hint = o.hintIn(ctx.Header("Cookie"))
	return nil
}

// ended takes the cookie of a session.
type ended struct {
	SetCookie string `header:"Set-Cookie"`
	Location  string `header:"Location" doc:"where a browser goes now, to be signed out at the provider as well; not there: nowhere"`
}

func (s *Server) logout(ctx context.Context, by caller, in *logoutIn) (*ended, error) {
	s.remembered.forget(by.token)
	s.endShift(ctx, by)
	o, _ := ctx.Value(originKey{}).(origin)
	left := &ended{SetCookie: o.set("")}
	if s.provider != nil && in.hint.of(by.token) {
		left.Location = signOutPath
	}
	return left, s.records.DeleteToken(ctx, by.token)
}

// signOut sends a browser that has signed out here to the provider, once.
func (s *Server) signOut(w http.ResponseWriter, r *http.Request) {
	o := s.originOf(r)
	h := o.hintIn(r.Header.Get("Cookie"))
	if h.session == "" {
		http.Redirect(w, r, "/", http.StatusSeeOther)
		return
	}
	w.Header().Add("Set-Cookie", o.setHint(""))
	to, err := s.provider.SignOutURL(r.Context(), h.token)
	switch {
	case err != nil:
		s.log.Warn("somebody is not signed out at the provider", zap.Error(err))
		turnAway(w, r, "/", refusedStill)
	case to == "": // it had one at sign-in
		http.Redirect(w, r, "/", http.StatusSeeOther)
	default:
		http.Redirect(w, r, to, http.StatusSeeOther)
	}
}
