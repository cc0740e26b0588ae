package oidc

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func good() Config {
	return Config{Issuer: "https://id.example.com", ClientID: "outpace", URL: "https://dialer.example.com/"}
}

func TestValidate(t *testing.T) {
	for want, change := range map[string]func(*Config){
		"":                                       func(*Config) {},
		"issuer: \"http://id.example.com\"":      func(c *Config) { c.Issuer = "http://id.example.com" },
		"issuer: \"https://u:p@id.example.com\"": func(c *Config) { c.Issuer = "https://u:p@id.example.com" },
		"issuer: \"https://\"":                   func(c *Config) { c.Issuer = "https://" },
		"issuer: required where":                 func(c *Config) { c.Issuer = "" },
		"client_id: required":                    func(c *Config) { c.ClientID = "" },
		"client_secret_file: client_secret is":   func(c *Config) { c.ClientSecret, c.ClientSecretFile = "x", "/y" },
		"url: \"\" is not":                       func(c *Config) { c.URL = "" },
		"url: \"http://dialer.example.com\"":     func(c *Config) { c.URL = "http://dialer.example.com" },
		"url: \"https://example.com/dialer\"":    func(c *Config) { c.URL = "https://example.com/dialer" },
		"scopes: openid":                         func(c *Config) { c.Scopes = []string{"profile"} },
		"prompt: \"none\"":                       func(c *Config) { c.Prompt = "none" },
		"domains[1]: \"@example.com\"":           func(c *Config) { c.Domains = []string{"example.com", "@example.com"} },
		"create_users: needs":                    func(c *Config) { c.CreateUsers = true },
		"break_glass: \"Ada\"":                   func(c *Config) { c.BreakGlass = "Ada" },
		"grants[0].role: \"boss\"":               func(c *Config) { c.Grants = []Grant{{Role: "boss"}} },
		"grants[0].campaigns[1]: \"X\"": func(c *Config) {
			c.Grants = []Grant{{Role: campaigns.RoleAdmin, Campaigns: []campaigns.CampaignID{"x", "X"}}}
		},
		"grants[0].groups: none": func(c *Config) {
			c.Grants = []Grant{{Role: campaigns.RoleOperator}, {Role: campaigns.RoleAdmin, Groups: []string{"a"}}}
		},
	} {
		c := good()
		change(&c)
		err := c.Validate()
		if want == "" && err != nil || want != "" && (err == nil || !strings.HasPrefix(err.Error(), want)) {
			t.Errorf("error %v, want %q", err, want)
		}
	}
	if err := (Config{}).Validate(); err != nil {
		t.Errorf("nothing is set: %v", err)
	}
	local := Config{Issuer: "http://127.0.0.1:9/oidc", ClientID: "x", URL: "http://localhost:8080"}
	if err := local.Validate(); err != nil || local.RedirectURI() != "http://localhost:8080/api/v1/login/oidc/callback" {
		t.Errorf("on this machine: %v, %s", err, local.RedirectURI())
	}
	if got := good().RedirectURI(); got != "https://dialer.example.com/api/v1/login/oidc/callback" {
		t.Errorf("redirect URI = %s", got)
	}
}

// TestSecretFile: the file is read at each sign-in, so that a new secret wants no restart.
func TestSecretFile(t *testing.T) {
	c := good()
	c.ClientSecretFile = filepath.Join(t.TempDir(), "secret")
	if _, err := New(c, time.Now); err == nil || !strings.HasPrefix(err.Error(), "oidc.client_secret_file: open ") {
		t.Errorf("without the file: %v", err)
	}
	for text, want := range map[string]string{"one\n": "one", " two": "two", "\n": ""} {
		if err := os.WriteFile(c.ClientSecretFile, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if got, err := c.secret(); got != want || (err == nil) != (want != "") {
			t.Errorf("secret of %q = %q, %v", text, got, err)
		}
	}
}

func TestAuthorities(t *testing.T) {
	c := good()
	c.Authorities = filepath.Join(t.TempDir(), "ca.pem")
	if _, err := New(c, time.Now); err == nil || !strings.HasPrefix(err.Error(), "oidc.authorities: open ") {
		t.Errorf("without the file: %v", err)
	}
	if err := os.WriteFile(c.Authorities, []byte("no PEM"), 0o600); err != nil {
		t.Fatal(err)
	}
	if _, err := New(c, time.Now); err == nil || !strings.HasSuffix(err.Error(), "no certificate in it") {
		t.Errorf("without a certificate: %v", err)
	}
}
