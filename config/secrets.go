package config

import (
	"fmt"
	"io/fs"
	"net/url"
	"os"
	"strings"
)

// defaultPassword is what stands in the example.
const defaultPassword = "change-me"

// CheckSecrets says what is wrong with how secrets are kept: a file that
// everybody on the machine may read, or a password that everybody knows. file is
// the one that c was read from. serve does not begin with either.
func CheckSecrets(file string, c Config) error {
	for i, t := range c.Trunks {
		if t.Password == defaultPassword {
			return fmt.Errorf("%s: trunks[%d].password: it is that of the example; write the carrier's", file, i)
		}
	}
	if c.OIDC.ClientSecret == defaultPassword {
		return fmt.Errorf("%s: oidc.client_secret: it is that of the example; write the provider's", file)
	}
	inFile := Default() // without the environment
	if text, err := os.ReadFile(file); err == nil {
		_ = strict(text, &inFile) // Load has told what is wrong
	}
	if key := inFile.secret(); key != "" {
		if err := private(file); err != nil {
			return fmt.Errorf("%w, and it holds %s: chmod o-rwx %s", err, key, file)
		}
	}
	if secret := c.OIDC.ClientSecretFile; secret != "" {
		if err := private(secret); err != nil {
			return fmt.Errorf("%w, and it is oidc.client_secret_file: chmod o-rwx %s", err, secret)
		}
	}
	for _, key := range c.keyFiles() {
		if err := private(key); err != nil {
			return fmt.Errorf("%w, and it is a private key: chmod o-rwx %s", err, key)
		}
	}
	return nil
}

// secret names the first key of the file that holds one; "" where none does.
func (c Config) secret() string {
	for i, t := range c.Trunks {
		if t.Password != "" {
			return fmt.Sprintf("trunks[%d].password", i)
		}
	}
	if c.OIDC.ClientSecret != "" {
		return "oidc.client_secret"
	}
	if u, err := url.Parse(c.Store.URL); err == nil && u.User != nil {
		if password, ok := u.User.Password(); ok && password != "" {
			return "the password in store.url"
		}
	}
	return ""
}

// keyFiles are the private keys that the configuration names.
func (c Config) keyFiles() (all []string) {
	for _, s := range []Signalling{c.Trunk, c.Phones.Signalling} {
		if s.TLS.Key != "" {
			all = append(all, s.TLS.Key)
		}
	}
	if c.HTTP.TLS.Key != "" {
		all = append(all, c.HTTP.TLS.Key)
	}
	for _, t := range c.Trunks {
		if t.Identity.KeyFile != "" {
			all = append(all, t.Identity.KeyFile)
		}
	}
	return all
}

// private refuses a file that others than its owner and its group may read (secrets
// that Kubernetes mounts want defaultMode 0440 and an fsGroup). One
// that is not there is for whoever opens it to complain about.
func private(file string) error {
	info, err := os.Stat(file)
	if err != nil || info.Mode().Perm()&0o007 == 0 {
		return nil //nolint:nilerr // see above
	}
	return fmt.Errorf("%s may be read by everybody (%s)", file, strings.TrimPrefix(fs.FileMode.String(info.Mode().Perm()), "-"))
}
