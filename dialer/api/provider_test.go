package api

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/http/cookiejar"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/oauth2-proxy/mockoidc"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// person is somebody at the provider: claims come over those of every token, and nil
// takes one out.
type person struct {
	claims map[string]any
	more   map[string]any // what the provider says elsewhere than in the token
}

func (p person) ID() string { return fmt.Sprint(p.claims["sub"]) }

func (p person) Userinfo([]string) ([]byte, error) {
	return json.Marshal(with(map[string]any{"sub": p.ID()}, p.more))
}

func (p person) Claims(_ []string, base *mockoidc.IDTokenClaims) (jwt.Claims, error) {
	text, err := json.Marshal(base)
	all := jwt.MapClaims{}
	if err == nil {
		err = json.Unmarshal(text, &all)
	}
	return jwt.MapClaims(with(all, p.claims)), err
}

func with(claims, over map[string]any) map[string]any {
	claims = maps.Clone(claims)
	for name, value := range over {
		if claims[name] = value; value == nil {
			delete(claims, name)
		}
	}
	return claims
}

// nina is at the provider, and not here.
func nina(over map[string]any) person {
	all := map[string]any{
		"sub": "s-nina", "preferred_username": "Nina.Novak", "name": "Nina Novak",
		"email": "nina@example.com", "email_verified": true, "groups": []string{"dialer", "north"},
	}
	maps.Copy(all, over)
	return person{claims: all}
}

// idp is a provider in this process.
type idp struct {
	*mockoidc.MockOIDC
	away  atomic.Bool         // it answers nobody
	later atomic.Int64        // how far the clock of who asks it is ahead, in ns
	forge func(string) string // changes a token that was signed; nil does not
	ends  string              // its end_session_endpoint; empty: it has none
}

func newIDP(t *testing.T) *idp {
	t.Helper()
	m, err := mockoidc.NewServer(nil)
	p := &idp{MockOIDC: m}
	if err == nil {
		err = m.AddMiddleware(p.stand)
	}
	l, errListen := net.Listen("tcp", "127.0.0.1:0")
	if err != nil || errListen != nil {
		t.Fatal(err, errListen)
	}
	if err := m.Start(l, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = m.Server.Close() })
	return p
}

// stand is between the provider and those who ask it.
func (p *idp) stand(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if p.away.Load() {
			panic(http.ErrAbortHandler)
		}
		forges, ends := p.forge != nil && r.URL.Path == mockoidc.TokenEndpoint, p.ends != "" && r.URL.Path == mockoidc.DiscoveryEndpoint
		if !forges && !ends {
			next.ServeHTTP(w, r)
			return
		}
		said := httptest.NewRecorder()
		next.ServeHTTP(said, r)
		var answer map[string]any
		if err := json.Unmarshal(said.Body.Bytes(), &answer); err == nil && forges && answer["id_token"] != nil {
			answer["id_token"] = p.forge(answer["id_token"].(string))
		}
		if ends {
			answer["end_session_endpoint"] = p.ends
		}
		w.Header().Set("Content-Type", "application/json")
		w.WriteHeader(said.Code)
		_ = json.NewEncoder(w).Encode(answer)
	})
}

// withProvider is a world whose people may sign in with a provider.
func withProvider(t *testing.T, change func(*oidc.Config)) (*world, *idp) {
	t.Helper()
	w, p := newWorld(t), newIDP(t)
	w.believe(t, p, change)
	return w, p
}

func (p *idp) clock() time.Time { return time.Now().Add(time.Duration(p.later.Load())) }

// believe gives a world its provider, as a start of the product does.
func (w *world) believe(t *testing.T, p *idp, change func(*oidc.Config)) {
	t.Helper()
	cfg := oidc.Config{
		Issuer: p.Issuer(), Name: "Example", ClientID: p.ClientID, ClientSecret: p.ClientSecret, URL: w.URL, CreateUsers: true,
		Grants: []oidc.Grant{{Groups: []string{"dialer", "leads"}, Role: campaigns.RoleLead, Team: "north"}, {Groups: []string{"dialer"}, Role: campaigns.RoleOperator, Campaigns: []campaigns.CampaignID{"spring"}}},
	}
	if change != nil {
		change(&cfg)
	}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	var err error
	if w.api.provider, err = oidc.New(cfg, p.clock); err != nil {
		t.Fatal(err)
	}
}

// browser is one that keeps cookies and goes where it is sent.
type browser struct {
	*http.Client
	w *world
}

func (w *world) browser(t *testing.T) *browser {
	t.Helper()
	jar, err := cookiejar.New(nil)
	if err != nil {
		t.Fatal(err)
	}
	transport := &http.Transport{DisableKeepAlives: true}
	return &browser{&http.Client{Jar: jar, Transport: transport}, w}
}

// visit goes to an address and says where that led to, and what was there.
func (b *browser) visit(t *testing.T, address string) (*url.URL, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "GET", address, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := b.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res.Request.URL, string(text)
}

// signIn presses the button as somebody at the provider.
func (b *browser) signIn(t *testing.T, p *idp, who person, page string) *url.URL {
	t.Helper()
	p.QueueUser(who)
	at, _ := b.visit(t, b.w.URL+"/api/v1/login/oidc?page="+url.QueryEscape(page))
	return at
}

// leave goes to the provider and stops before it comes back: the address where that is.
func (b *browser) leave(t *testing.T, p *idp, who person) string {
	t.Helper()
	p.QueueUser(who)
	b.CheckRedirect = func(req *http.Request, _ []*http.Request) error {
		if req.URL.Path == "/api/v1/login/oidc/callback" {
			return http.ErrUseLastResponse
		}
		return nil
	}
	defer func() { b.CheckRedirect = nil }()
	res, err := b.Get(b.w.URL + "/api/v1/login/oidc")
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	return res.Header.Get("Location")
}

// me is who is signed in in a browser, "" where nobody is.
func (b *browser) me(t *testing.T) me {
	t.Helper()
	var who me
	if _, text := b.visit(t, b.w.URL+"/api/v1/me"); strings.Contains(text, `"may"`) {
		reply{body: text}.into(t, &who)
	}
	return who
}

// cookie is the value of one of the browser's; name is how it ends.
func (b *browser) cookie(t *testing.T, name string) *http.Cookie {
	t.Helper()
	home, _ := url.Parse(b.w.URL)
	for _, c := range b.Jar.Cookies(home) {
		if strings.HasSuffix(c.Name, name) {
			return c
		}
	}
	return &http.Cookie{}
}

// refused holds a browser to have come back without a session, and to a reason.
func (b *browser) refused(t *testing.T, at *url.URL, why string) {
	t.Helper()
	if at.Fragment != "refused="+why {
		t.Errorf("at %s, want #refused=%s", at, why)
	}
	if who := b.me(t); who.ID != "" {
		t.Errorf("signed in all the same, as %s", who.ID)
	}
}
