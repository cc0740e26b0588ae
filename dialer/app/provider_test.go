package app

import (
	"net"
	"net/http"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/oidc"
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

// A secret that cannot be read is an error of the configuration, and said at the start.
func TestProviderWithoutItsSecret(t *testing.T) {
	a := &App{}
	err := a.openProvider(oidc.Config{Issuer: "https://id.example.com", ClientSecretFile: filepath.Join(t.TempDir(), "none")})
	if err == nil || !strings.HasPrefix(err.Error(), "oidc.client_secret_file: ") {
		t.Errorf("error = %v", err)
	}
}
