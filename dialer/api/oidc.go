package api

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// Why a browser comes back from a provider without a session: what follows #refused= in
// the address of the page, which has the words.
const (
	refusedDown    = "provider_down"
	refusedLate    = "not_begun_here" // another browser, another address of ours, or too long ago
	refusedProof   = oidc.NotConfirmed
	refusedGroup   = oidc.NotAllowed
	refusedUnknown = "unknown_user"
	refusedOff     = "disabled"
	refusedTaken   = "name_taken"
	refusedPlain   = "needs_https"
	refusedOften   = "too_many"
	refusedStill   = "provider_still" // signed out here, and not there
	refusedError   = "internal"
)

// tripLasts is how long somebody may take at the provider.
const tripLasts = 10 * time.Minute

// pageForm is what the page may be called to which a browser comes back: nothing that
// leads to another host.
var pageForm = regexp.MustCompile(`^/[a-z]*$`)

// ways is how people may sign in.
type ways struct {
	Provider  string `json:"provider,omitempty" doc:"whom people may sign in with, at /api/v1/login/oidc, as the page calls it; empty: nobody"`
	Passwords bool   `json:"passwords" doc:"people may sign in with a password; false: the emergency account alone"`
}

func (s *Server) routeProvider(mux *http.ServeMux, api huma.API) {
	huma.Register(api, huma.Operation{
		OperationID: "session-ways", Method: http.MethodGet, Path: "/api/v1/login/ways", Tags: []string{"session"}, Summary: "How people may sign in",
	}, func(context.Context, *empty) (*body[ways], error) {
		if s.provider == nil {
			return answer(ways{Passwords: true}, nil)
		}
		cfg := s.provider.Config()
		return answer(ways{Provider: cfg.Name, Passwords: cfg.BreakGlass == ""}, nil)
	})
	register(s, api, campaigns.RightUsers, huma.Operation{
		OperationID: "unlink", Method: http.MethodDelete, Path: "/api/v1/users/{id}/identity", Tags: []string{"users"},
		Summary: "Forget who a user is at the provider: the next who comes under that name is linked",
	}, s.unlink)
	query := func(name, what string) *huma.Param {
		return &huma.Param{Name: name, In: "query", Description: what, Schema: &huma.Schema{Type: huma.TypeString}}
	}
	redirects := func(id, path, summary string, h http.HandlerFunc, parameters ...*huma.Param) {
		api.OpenAPI().AddOperation(&huma.Operation{
			OperationID: id, Method: http.MethodGet, Path: path, Tags: []string{"session"}, Summary: summary, Parameters: parameters,
			Responses: map[string]*huma.Response{"303": {Description: "See Other"}, "404": {Description: "Not Found"}},
		})
		mux.HandleFunc("GET "+path, func(w http.ResponseWriter, r *http.Request) {
			if s.provider == nil {
				refuse(w, http.StatusNotFound, "people sign in with passwords here")
				return
			}
			h(w, r)
		})
	}
	redirects("session-oidc", "/api/v1/login/oidc", "Sign in with the provider: for browsers, which are sent there", s.beginTrip,
		query("page", "where to go then, such as /desk; default /"))
	redirects("session-oidc-callback", "/api/v1/login/oidc/callback", "Where the provider sends browsers back to; the session is a cookie", s.endTrip,
		query("code", ""), query("state", ""), query("error", ""), query("iss", ""))
	redirects("session-oidc-logout", signOutPath, "Sign out at the provider as well: for browsers, which are sent there after the sign-out here", s.signOut)
}

// tripCookie is the name of the cookie of who is on the way. The provider sends them back
// from its own site, so it is not as strict as that of a session.
func (o origin) tripCookie() string { return o.cookie() + "-oidc" }

func (o origin) setTrip(value string) string {
	c := http.Cookie{
		Name: o.tripCookie(), Value: value, Path: "/", HttpOnly: true, Secure: o.secure, SameSite: http.SameSiteLaxMode,
		MaxAge: int(tripLasts / time.Second),
	}
	if value == "" {
		c.MaxAge = -1
	}
	return c.String()
}

// beginTrip sends a browser to the provider.
func (s *Server) beginTrip(w http.ResponseWriter, r *http.Request) {
	page := r.URL.Query().Get("page")
	if !pageForm.MatchString(page) {
		page = "/"
	}
	o := s.originOf(r)
	// The provider sends browsers back to one address of ours, and there the cookie must
	// be. Once only: a proxy may hide which address the browser knows.
	if home, err := url.Parse(s.provider.Config().URL); err == nil && home.Host != r.Host && !r.URL.Query().Has("moved") {
		http.Redirect(w, r, strings.TrimRight(home.String(), "/")+r.URL.Path+"?moved&page="+url.QueryEscape(page), http.StatusSeeOther)
		return
	}
	if o.cookie() == "" {
		turnAway(w, r, page, refusedPlain)
		return
	}
	trip := oidc.NewTrip()
	to, err := s.provider.AuthURL(r.Context(), trip)
	if err != nil {
		turnAway(w, r, page, s.whyNot(err))
		return
	}
	w.Header().Add("Set-Cookie", o.setTrip(trip.Secret()+"."+page))
	http.Redirect(w, r, to, http.StatusSeeOther)
}

// turnAway shows a page that says why nobody is signed in.
func turnAway(w http.ResponseWriter, r *http.Request, page, why string) {
	http.Redirect(w, r, page+"#refused="+why, http.StatusSeeOther)
}

// endTrip begins the session of a browser that comes back from the provider.
func (s *Server) endTrip(w http.ResponseWriter, r *http.Request) {
	o := s.originOf(r)
	kept, err := r.Cookie(o.tripCookie())
	if err != nil { // nothing is done for it, so nothing is to be counted
		turnAway(w, r, "/", refusedLate)
		return
	}
	w.Header().Add("Set-Cookie", o.setTrip("")) // it is good for one way back
	secret, page, _ := strings.Cut(kept.Value, ".")
	trip, ok := oidc.ResumeTrip(secret)
	if !pageForm.MatchString(page) {
		page, ok = "/", false
	}
	now, from := time.Now(), host(r.RemoteAddr)
	key := "oidc:" + from
	if s.logins.blocked(now, key) > 0 {
		turnAway(w, r, page, refusedOften)
		return
	}
	q := r.URL.Query()
	iss := q.Get("iss") // RFC 9207
	if !ok || !trip.IsState(q.Get("state")) || iss != "" && iss != s.provider.Config().Issuer {
		s.logins.failed(now, key)
		turnAway(w, r, page, refusedLate)
		return
	}
	cookies, err := s.arrive(r, trip, from, now)
	if err == nil {
		for _, c := range cookies {
			w.Header().Add("Set-Cookie", c)
		}
		http.Redirect(w, r, page, http.StatusSeeOther)
		return
	}
	why := s.whyNot(err)
	if why != refusedDown && why != refusedError {
		s.logins.failed(now, key)
	}
	turnAway(w, r, page, why)
}

// arrive begins the session of who has come back with a code: its cookie, and that of its
// end at the provider.
func (s *Server) arrive(r *http.Request, trip oidc.Trip, from string, now time.Time) (cookies []string, err error) {
	q, ctx := r.URL.Query(), r.Context()
	if problem := q.Get("error"); problem != "" {
		return nil, &oidc.Denied{Why: refusedProof, Detail: "the provider says " + problem + ": " + q.Get("error_description")}
	}
	id, err := s.provider.Identify(ctx, trip, q.Get("code"))
	var user campaigns.User
	if err == nil {
		user, err = s.userOf(ctx, id, from, now)
	}
	if denied, is := errors.AsType[*oidc.Denied](err); is && id.Subject != "" {
		// Who the provider vouches for is no stranger, so the log cannot be flooded.
		err = errors.Join(err, s.auditOIDC(ctx, "login.oidc.refused", id, from, nil, map[string]string{"subject": id.Subject, "why": denied.Why}))
	}
	if err != nil {
		return nil, err
	}
	before := strings.TrimPrefix(r.Header.Get("Authorization"), "Bearer ")
	begun, err := s.beginSession(ctx, user, signingIn{from, before}, true, now)
	if err != nil {
		return nil, err
	}
	cookies = append(cookies, begun.SetCookie)
	if hint := s.hintFor(ctx, s.originOf(r), begun.hash, id); hint != "" {
		cookies = append(cookies, hint)
	}
	return cookies, nil
}

// whyNot is the word for an error, whose detail is for the log alone.
func (s *Server) whyNot(err error) string {
	problem, isProblem := errors.AsType[*Problem](err)
	denied, isDenied := errors.AsType[*oidc.Denied](err)
	switch {
	case errors.Is(err, oidc.ErrDown):
		if s.providerDown.CompareAndSwap(false, true) { // not once for each who tries
			s.log.Warn("people cannot sign in with the provider", zap.Error(err))
		}
		return refusedDown
	case isDenied:
		s.log.Info("sign-in refused", zap.String("why", denied.Why), zap.String("detail", shorten(denied.Detail)))
		return denied.Why
	case isProblem && problem.Code == refusedPlain:
		return refusedPlain
	}
	s.log.Error("sign-in failed", zap.Error(err))
	return refusedError
}

// longestDetail bounds what of somebody else's words goes into the log, in bytes.
const longestDetail = 500

func shorten(text string) string {
	return strings.ToValidUTF8(text[:min(len(text), longestDetail)], "")
}

// byPassword says whether a user may sign in with a password.
func (s *Server) byPassword(user campaigns.UserID) bool {
	if s.provider == nil {
		return true
	}
	only := s.provider.Config().BreakGlass
	return only == "" || only == user
}

// wrongPassword is the same for all, whoever may sign in with one.
func (s *Server) wrongPassword() error {
	if s.byPassword("") {
		return huma.Error401Unauthorized("unknown user or wrong password")
	}
	return coded(http.StatusUnauthorized, "passwords_off", "unknown user or wrong password; people sign in with "+s.provider.Config().Name+" here")
}
