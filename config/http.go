package config

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"strings"
)

// HTTPTLS is how the HTTP listener shows who it is: by files, by a certificate of its
// own, or by one that an authority gives. At most one of the three; none is plain HTTP.
type HTTPTLS struct {
	Certificate string `yaml:"certificate"` // PEM, read again when it changes
	Key         string `yaml:"key"`
	// SelfSigned makes a certificate in data_dir/tls at the first start. Browsers warn of
	// it; its fingerprint is logged at each start, to compare with theirs.
	SelfSigned bool `yaml:"self_signed"`
	// ACME fetches certificates and renews them (RFC 8555, by tls-alpn-01): port 443 of
	// each host must lead to http.listen. Until there is one, a certificate of our own is
	// shown, as with SelfSigned; one that was got stays while the authority is away.
	ACME *ACME `yaml:"acme"`
}

// ACME is an authority that gives certificates. Whoever sets it accepts its terms.
type ACME struct {
	Hosts     []string `yaml:"hosts"`     // required; for no other name is one asked for
	Email     string   `yaml:"email"`     // where the authority writes to; may be empty
	Cache     string   `yaml:"cache"`     // folder of keys and certificates; default data_dir/tls/acme
	Directory string   `yaml:"directory"` // URL; default that of Let's Encrypt
	// Authorities is a PEM file of who may vouch for the directory's own certificate, where
	// that is one of your network; empty: those of the system.
	Authorities string `yaml:"authorities"`
}

// On says whether the listener is one of HTTPS.
func (t HTTPTLS) On() bool {
	return t.Certificate != "" || t.Key != "" || t.SelfSigned || t.ACME != nil
}

func (t HTTPTLS) validate() error {
	files := t.Certificate != "" || t.Key != ""
	switch {
	case files && (t.Certificate == "" || t.Key == ""):
		return errors.New("tls: certificate and key go together")
	case files && t.SelfSigned || files && t.ACME != nil || t.SelfSigned && t.ACME != nil:
		return errors.New("tls: one of certificate, self_signed and acme")
	case t.ACME == nil:
		return nil
	case len(t.ACME.Hosts) == 0:
		return errors.New("tls.acme.hosts: required: certificates are asked for these names alone")
	}
	for i, host := range t.ACME.Hosts {
		if net.ParseIP(host) != nil || !strings.Contains(host, ".") || strings.ContainsAny(host, "*/: ") {
			return fmt.Errorf("tls.acme.hosts[%d]: %q is no name such as dialer.example.com", i, host)
		}
	}
	if u, err := url.Parse(t.ACME.Directory); err != nil || t.ACME.Directory != "" && (u.Scheme != "https" || u.Host == "") {
		return fmt.Errorf("tls.acme.directory: %q is not https://HOST/...", t.ACME.Directory)
	}
	return nil
}
