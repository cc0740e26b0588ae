package oidc

import (
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"slices"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Config says who is believed about people, and what they may do here. It is in use
// where Issuer is set.
type Config struct {
	// Issuer is the provider's address as its tokens name it: https, or http on this
	// machine. What else is to be known is read below it, at the first sign-in.
	Issuer string `yaml:"issuer"`
	// Name is what the page calls the provider; default the host of Issuer.
	Name     string `yaml:"name"`
	ClientID string `yaml:"client_id"` // required
	// ClientSecret is what the provider gave with ClientID, or ClientSecretFile a file that
	// holds it, which is read at each sign-in. None: PKCE alone proves who we are.
	ClientSecret     string `yaml:"client_secret"`
	ClientSecretFile string `yaml:"client_secret_file"`
	// URL is where browsers reach the pages, https://dialer.example.com; required. The
	// provider is to know URL/api/v1/login/oidc/callback as a redirect URI.
	URL string `yaml:"url"`
	// Authorities is a PEM file of who may vouch for the provider's certificate; empty:
	// those of the system.
	Authorities string   `yaml:"authorities"`
	Scopes      []string `yaml:"scopes"` // default openid, profile, email
	// Prompt is asked of the provider: login makes it ask for a password each time, where
	// several people share a computer; select_account; empty, the default, as it likes.
	Prompt string `yaml:"prompt"`

	// SignOutHere leaves people signed in at the provider who sign out here. By default they
	// are signed out there as well, where the provider says how: it is to know URL/ as a
	// post-logout redirect URI then.
	SignOutHere bool `yaml:"sign_out_here"`

	// UserClaim names the user here: in lower case, and all that is not a-z, 0-9 or - as -;
	// of an e-mail address the part before @. Default preferred_username. It counts until
	// somebody has signed in once: then they are known by the provider's subject. It must
	// be one that people cannot change themselves.
	UserClaim   string `yaml:"user_claim"`
	NameClaim   string `yaml:"name_claim"`   // of the person's name; default name
	GroupsClaim string `yaml:"groups_claim"` // a text or a list; a.b is b inside a; default groups

	// Domains are those of verified e-mail addresses, one of which is needed; none: any.
	Domains []string `yaml:"domains"`
	// Groups are those one of which is needed; none: any.
	Groups []string `yaml:"groups"`
	// Grants say at each sign-in what people are here: the first that fits does, and whom
	// none fits stays out. Without any, people are what the users' page says.
	Grants []Grant `yaml:"grants"`
	// CreateUsers makes users of people who are not known here; else they stay out. It
	// needs grants.
	CreateUsers bool `yaml:"create_users"`

	// BreakGlass is the one user who signs in by a password still, and never by the
	// provider. Empty: all may sign in by either.
	BreakGlass campaigns.UserID `yaml:"break_glass"`
}

// Grant is what people are who are in all of its groups.
type Grant struct {
	Groups    []string               `yaml:"groups"` // none: everybody
	Role      campaigns.Role         `yaml:"role"`   // required
	Team      string                 `yaml:"team"`
	Campaigns []campaigns.CampaignID `yaml:"campaigns"` // none: all
}

// On says whether anybody is signed in by a provider.
func (c Config) On() bool { return c.Issuer != "" }

// callback is where the provider sends browsers back to, below Config.URL.
const callback = "/api/v1/login/oidc/callback"

// RedirectURI is what the provider has to know.
func (c Config) RedirectURI() string { return strings.TrimRight(c.URL, "/") + callback }

func (c Config) withDefaults() Config {
	if c.Name == "" {
		c.Name = c.Issuer
		if u, err := url.Parse(c.Issuer); err == nil && u.Host != "" {
			c.Name = u.Host
		}
	}
	if len(c.Scopes) == 0 {
		c.Scopes = []string{"openid", "profile", "email"}
	}
	for key, def := range map[*string]string{&c.UserClaim: "preferred_username", &c.NameClaim: "name", &c.GroupsClaim: "groups"} {
		if *key == "" {
			*key = def
		}
	}
	return c
}

// Validate says everything that is wrong, each with its key.
func (c Config) Validate() error {
	if !c.On() {
		if c.ClientID != "" || c.BreakGlass != "" || c.URL != "" {
			return errors.New("issuer: required where anything else of oidc is set")
		}
		return nil
	}
	var errs []error
	add := func(format string, args ...any) { errs = append(errs, fmt.Errorf(format, args...)) }
	if !safeURL(c.Issuer) {
		add("issuer: %q is not https://HOST/... (http is for this machine alone)", c.Issuer)
	}
	if c.ClientID == "" {
		add("client_id: required: the provider gives it")
	}
	if c.ClientSecret != "" && c.ClientSecretFile != "" {
		add("client_secret_file: client_secret is set too: one of the two")
	}
	if u, err := url.Parse(c.URL); !safeURL(c.URL) || err == nil && strings.Trim(u.Path, "/") != "" {
		add("url: %q is not where browsers reach the pages, https://HOST (http is for this machine alone)", c.URL)
	}
	if len(c.Scopes) > 0 && !slices.Contains(c.Scopes, "openid") {
		add("scopes: openid is needed")
	}
	if !slices.Contains([]string{"", "login", "select_account", "consent"}, c.Prompt) {
		add("prompt: %q is none of login, select_account, consent", c.Prompt)
	}
	for i, d := range c.Domains {
		if d == "" || strings.ContainsAny(d, "@*/ ") {
			add("domains[%d]: %q is no domain such as example.com", i, d)
		}
	}
	if c.CreateUsers && len(c.Grants) == 0 {
		add("create_users: needs grants, which say what new people are")
	}
	if c.BreakGlass != "" && !campaigns.ValidID(string(c.BreakGlass)) {
		add("break_glass: %q is no user", c.BreakGlass)
	}
	for i, g := range c.Grants {
		if len(g.Role.Rights()) == 0 {
			add("grants[%d].role: %q is none of operator, lead, manager, qa, compliance, admin", i, g.Role)
		}
		for j, id := range g.Campaigns {
			if !campaigns.ValidID(string(id)) {
				add("grants[%d].campaigns[%d]: %q is no campaign", i, j, id)
			}
		}
		if len(g.Groups) == 0 && i < len(c.Grants)-1 {
			add("grants[%d].groups: none fits everybody: no grant after it is ever reached", i)
		}
	}
	return errors.Join(errs...)
}

// safeURL says whether what is sent to a URL reaches its host and nobody else.
func safeURL(text string) bool {
	u, err := url.Parse(text)
	if err != nil || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	local := u.Hostname() == "localhost" || ip != nil && ip.IsLoopback()
	return u.Scheme == "https" || u.Scheme == "http" && local
}

// secret is the client's present one.
func (c Config) secret() (string, error) {
	if c.ClientSecretFile == "" {
		return c.ClientSecret, nil
	}
	text, err := os.ReadFile(c.ClientSecretFile)
	if err != nil {
		return "", fmt.Errorf("oidc.client_secret_file: %w", err)
	}
	if s := strings.TrimSpace(string(text)); s != "" {
		return s, nil
	}
	return "", fmt.Errorf("oidc.client_secret_file: %s is empty", c.ClientSecretFile)
}
