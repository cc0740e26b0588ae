package app

import (
	"net"
	"net/http"
	"net/http/cookiejar"
	"path/filepath"
	"strings"
	"testing"

	"github.com/oauth2-proxy/mockoidc"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/oidc"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// TestProviderAway: the product starts, serves and lets people in with their passwords
// while the provider is not there, and says so where ops look.
func TestProviderAway(t *testing.T) {
	t.Parallel()
	cfg := settings(t, "127.0.0.1:5999")
	away, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	_ = away.Close()
	cfg.OIDC = oidc.Config{Issuer: "http://" + away.Addr().String(), ClientID: "outpace", URL: "http://127.0.0.1:1", BreakGlass: "ada"}
	a, _ := start(t, cfg) // without ada, too, which is in the log
	if err := AddUser(t.Context(), a.store, NewUser{ID: "ada", Role: campaigns.RoleAdmin, Password: "long enough it is"}); err != nil {
		t.Fatal(err)
	}
	up := func(want string) {
		t.Helper()
		if _, text := get(t, a.AdminAddr(), "/metrics"); !strings.Contains(text, "\ndialer_oidc_provider_up "+want+"\n") {
			t.Errorf("dialer_oidc_provider_up is not %s", want)
		}
	}
	up("1") // nobody has asked
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse }}
	res, err := client.Get("http://" + a.HTTPAddr() + "/api/v1/login/oidc?moved&page=/live")
	if err != nil {
		t.Fatal(err)
	}
	_ = res.Body.Close()
	if to := res.Header.Get("Location"); to != "/live#refused=provider_down" {
		t.Errorf("sent to %s", to)
	}
	up("0")
	login := func(user string, status int) {
		t.Helper()
		res, err := client.Post("http://"+a.HTTPAddr()+"/api/v1/login", "application/json", strings.NewReader(`{"user":"`+user+`","password":"long enough it is"}`))
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if res.StatusCode != status {
			t.Errorf("%s: %s, want %d", user, res.Status, status)
		}
	}
	login("ada", http.StatusOK)
	if err := AddUser(t.Context(), a.store, NewUser{ID: "mia", Role: campaigns.RoleManager, Password: "long enough it is"}); err != nil {
		t.Fatal(err)
	}
	login("mia", http.StatusUnauthorized)
}

// TestProviderOnRedis: whoever came first to one node is known at another.
func TestProviderOnRedis(t *testing.T) {
	t.Parallel()
	idp, err := mockoidc.NewServer(nil)
	if err != nil {
		t.Fatal(err)
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := idp.Start(l, nil); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = idp.Server.Close() })
	url := redistest.Start(t).URL()
	var store Store
	for node, who := range map[string]string{"n1": "nina", "n2": "nina-who-married"} {
		cfg := onRedis(t, url, node)
		nodePorts(t, &cfg)
		cfg.OIDC = oidc.Config{
			Issuer: idp.Issuer(), ClientID: idp.ClientID, ClientSecret: idp.ClientSecret, URL: cfg.HTTP.NodeURL,
			CreateUsers: true, Grants: []oidc.Grant{{Role: campaigns.RoleOperator}},
		}
		a, _ := start(t, cfg)
		idp.QueueUser(&mockoidc.MockUser{Subject: "s-nina", PreferredUsername: who})
		jar, err := cookiejar.New(nil)
		if err != nil {
			t.Fatal(err)
		}
		client := http.Client{Transport: &http.Transport{DisableKeepAlives: true}, Jar: jar, Timeout: patience}
		res, err := client.Get(cfg.HTTP.NodeURL + "/api/v1/login/oidc?page=/desk")
		if err != nil {
			t.Fatal(err)
		}
		_ = res.Body.Close()
		if at := res.Request.URL.String(); at != cfg.HTTP.NodeURL+"/desk" {
			t.Errorf("%s: at %s", node, at)
		}
		store = a.store
	}
	users, err := store.Users(t.Context())
	if err != nil || len(users) != 1 || users[0].Role != campaigns.RoleOperator {
		t.Errorf("users %+v, %v; want one", users, err)
	}
}

// A secret that cannot be read is an error of the configuration, and said at the start.
func TestProviderWithoutItsSecret(t *testing.T) {
	a := &App{}
	err := a.openProvider(oidc.Config{Issuer: "https://id.example.com", ClientSecretFile: filepath.Join(t.TempDir(), "none")})
	if err == nil || !strings.HasPrefix(err.Error(), "oidc.client_secret_file: ") {
		t.Errorf("error = %v", err)
	}
}
