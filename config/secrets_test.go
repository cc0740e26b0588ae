package config

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/sip/trunk"
)

// TestS33Secrets (S-33): nothing begins with secrets of trunks that everybody can
// read, or knows.
func TestS33Secrets(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string, mode os.FileMode) string {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		if err := os.Chmod(path, mode); err != nil {
			t.Fatal(err)
		}
		return path
	}
	const trunks = "trunks: [{name: a, targets: [{address: 192.0.2.1}], username: u, password: %, caller_ids: [\"+48221234567\"], max_cps: 1, max_channels: 1}]\n"
	with := func(password string) string { return strings.Replace(trunks, "%", password, 1) }
	withKey := func(path string) Config {
		c := Default()
		c.Trunks = make([]trunk.Config, 1)
		c.Trunks[0].Identity.KeyFile = path
		return c
	}
	phones := Default()
	phones.Phones.TLS.Key = write("tls.pem", "x", 0o644)
	page := Default()
	page.HTTP.TLS.Key = write("page.pem", "x", 0o644)
	provided := Default()
	provided.OIDC.ClientSecretFile = write("oidc.secret", "x", 0o644)
	for name, tt := range map[string]struct {
		text string
		mode os.FileMode
		cfg  *Config
		want string // part of the error; "" is none
	}{
		"own":                    {text: with("s3cret"), mode: 0o600},
		"of the group":           {text: with("s3cret"), mode: 0o640},
		"everybody's":            {text: with("s3cret"), mode: 0o644, want: "trunks[0].password: chmod o-rwx"},
		"everybody may write":    {text: with("s3cret"), mode: 0o602, want: "trunks[0].password: chmod o-rwx"},
		"nothing secret":         {text: with(`""`), mode: 0o644},
		"the example's password": {text: with("change-me"), mode: 0o600, want: "trunks[0].password: it is that of the example"},
		"of the store":           {text: "store: {url: \"redis://:s3cret@192.0.2.1/0\"}\n", mode: 0o644, want: "the password in store.url: chmod"},
		"of the provider":        {text: "oidc: {client_secret: s3cret}\n", mode: 0o644, want: "oidc.client_secret: chmod"},
		"of the provider, own":   {text: "oidc: {client_secret: s3cret}\n", mode: 0o600},
		"the provider's example": {text: "oidc: {client_secret: change-me}\n", mode: 0o600, want: "oidc.client_secret: it is that of the example"},
		"a file of the provider": {mode: 0o600, cfg: &provided, want: "oidc.secret may be read by everybody"},
		"store without":          {text: "store: {url: \"redis://192.0.2.1/0\"}\n", mode: 0o644},
		"a signing key":          {mode: 0o600, cfg: new(withKey(write("shaken.pem", "x", 0o604))), want: "shaken.pem may be read by everybody"},
		"a signing key, own":     {mode: 0o600, cfg: new(withKey(write("own.pem", "x", 0o600)))},
		"the key of the page":    {mode: 0o600, cfg: &page, want: "page.pem may be read by everybody"},
		"the key of phones":      {mode: 0o600, cfg: &phones, want: "tls.pem may be read by everybody"},
	} {
		file := write("outpace.yaml", tt.text, tt.mode)
		cfg := tt.cfg
		if cfg == nil {
			c := Default()
			if err := strict([]byte(tt.text), &c); err != nil {
				t.Fatal(err)
			}
			cfg = &c
		}
		err := CheckSecrets(file, *cfg)
		if tt.want == "" && err != nil || tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)) {
			t.Errorf("%s: %v, want %q", name, err, tt.want)
		}
		if err != nil && strings.Contains(err.Error(), "s3cret") {
			t.Errorf("%s: the error tells the secret: %v", name, err)
		}
	}
	// From the environment: the file holds nothing.
	c := Default()
	c.Trunks = []trunk.Config{{Password: "s3cret"}}
	if err := CheckSecrets(write("outpace.yaml", "", 0o644), c); err != nil {
		t.Errorf("a password of the environment: %v", err)
	}
}
