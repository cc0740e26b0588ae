package oidc

import (
	"errors"
	"net/url"
	"testing"
)

func TestSignOutURL(t *testing.T) {
	for end, want := range map[string]string{
		"":                                      "",
		"https://id.example.com/logout":         "https://id.example.com/logout",
		"https://id.example.com/logout?p=b2c_1": "https://id.example.com/logout",
		"http://127.0.0.1:8080/logout":          "http://127.0.0.1:8080/logout",
		"http://id.example.com/logout":          "", // the token would go over the wire for all to read
		"https://user@id.example.com/logout":    "",
		"https://id.example.com/logout#x":       "",
		"javascript:alert(1)":                   "",
		"//id.example.com/logout":               "",
		"https://id.example.com:port/":          "",
	} {
		p, _ := served(t, func(issuer string) string {
			return `{"issuer":"` + issuer + `","jwks_uri":"` + issuer + `/keys","end_session_endpoint":"` + end + `"}`
		})
		for _, hint := range []string{"", "a.b.c"} {
			got, err := p.SignOutURL(t.Context(), hint)
			if err != nil {
				t.Fatal(err)
			}
			if want == "" {
				if got != "" {
					t.Errorf("%s: %s, want none", end, got)
				}
				continue
			}
			u, err := url.Parse(got)
			if err != nil {
				t.Fatal(err)
			}
			q := u.Query()
			own, _ := url.Parse(end)
			if u.RawQuery = ""; u.String() != want || q.Get("client_id") != "outpace" || q.Get("post_logout_redirect_uri") != "https://dialer.example.com/" ||
				q.Get("id_token_hint") != hint || q.Has("id_token_hint") != (hint != "") || q.Get("p") != own.Query().Get("p") {
				t.Errorf("%s: %s with %v", end, u, q)
			}
		}
	}
}

func TestSignOutHere(t *testing.T) {
	p, asked := served(t, func(issuer string) string {
		return `{"issuer":"` + issuer + `","end_session_endpoint":"https://id.example.com/x"}`
	})
	p.cfg.SignOutHere = true
	if got, err := p.SignOutURL(t.Context(), "a.b.c"); got != "" || err != nil || asked.Load() != 0 {
		t.Errorf("%q, %v; asked %d times", got, err, asked.Load())
	}
	p.cfg.SignOutHere = false
	down, _ := served(t, func(string) string { return "no JSON" })
	if _, err := down.SignOutURL(t.Context(), ""); !errors.Is(err, ErrDown) {
		t.Errorf("a provider that is none: %v", err)
	}
}
