package api

import (
	"context"
	"net"
	"net/http"
	"strings"
)

// Names of the session cookie. A browser takes __Host- only with Secure, without Domain
// and for the whole host, so no other host can set it (RFC 6265bis, section 4.1.3.2).
const (
	secureCookie = "__Host-outpace"
	plainCookie  = "outpace" // on loopback without TLS, where __Host- cannot be; the port follows
)

// origin is how a request came, as far as cookies go.
type origin struct {
	secure   bool // by HTTPS, at us or at the proxy in front
	loopback bool
	port     string // that was asked for, "" for that of the scheme
}

func (s *Server) originOf(r *http.Request) origin {
	name, port := r.Host, ""
	if h, p, err := net.SplitHostPort(name); err == nil {
		name, port = h, p
	}
	ip := net.ParseIP(strings.Trim(name, "[]"))
	return origin{secure: r.TLS != nil || s.cfg.BehindHTTPS, loopback: name == "localhost" || ip != nil && ip.IsLoopback(), port: port}
}

// cookie is the name of the session cookie, "" where there can be none. Browsers keep
// cookies apart by host and not by port, and several products may share a loopback.
func (o origin) cookie() string {
	switch {
	case o.secure:
		return secureCookie
	case o.loopback && o.port != "":
		return plainCookie + "-" + o.port
	case o.loopback:
		return plainCookie
	}
	return ""
}

// set makes the header that gives a browser its session; an empty token takes it.
func (o origin) set(token string) string {
	c := http.Cookie{Name: o.cookie(), Value: token, Path: "/", HttpOnly: true, Secure: o.secure, SameSite: http.SameSiteStrictMode}
	if token == "" {
		c.MaxAge = -1
	}
	return c.String() // "" without a name
}

type originKey struct{}

// cookies lets a session cookie stand for a bearer token. What changes anything must come
// from a page of ours then: a browser says so with each such request.
func (s *Server) cookies(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		o := s.originOf(r)
		r = r.WithContext(context.WithValue(r.Context(), originKey{}, o))
		if c, err := r.Cookie(o.cookie()); err == nil && c.Value != "" && r.Header.Get("Authorization") == "" {
			if unsafe(r.Method) && r.Header.Get("Sec-Fetch-Site") == "" && r.Header.Get("Origin") == "" {
				refuse(w, http.StatusForbidden, "a request by cookie says where it comes from: a script has a token")
				return
			}
			r.Header.Set("Authorization", "Bearer "+c.Value)
		}
		next.ServeHTTP(w, r)
	})
}

func unsafe(method string) bool {
	return method != http.MethodGet && method != http.MethodHead && method != http.MethodOptions
}
