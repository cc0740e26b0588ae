package oidc

import (
	"encoding/json"
	"errors"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

func TestUserOf(t *testing.T) {
	for claim, want := range map[string]campaigns.UserID{
		"ann": "ann", "Ann.Lee": "ann-lee", "ann.lee@example.com": "ann-lee", "CORP\\ann": "corp-ann", "-ann_": "ann",
		"Zoë": "zo", "": "", "@": "", "...": "", strings.Repeat("a", 64): campaigns.UserID(strings.Repeat("a", 64)), strings.Repeat("a", 65): "",
	} {
		if got := userOf(claim); got != want {
			t.Errorf("userOf(%q) = %q, want %q", claim, got, want)
		}
	}
}

// FuzzUserOf: whatever a provider says, the user is one that may be here, or none.
func FuzzUserOf(f *testing.F) {
	f.Add("Ann.Lee@example.com")
	f.Fuzz(func(t *testing.T, claim string) {
		u := userOf(claim)
		if u != "" && !campaigns.ValidID(string(u)) {
			t.Errorf("userOf(%q) = %q", claim, u)
		}
		if again := userOf(string(u)); again != u {
			t.Errorf("userOf(%q) = %q, and of that %q", claim, u, again)
		}
	})
}

func TestIdentity(t *testing.T) {
	grants := []Grant{
		{Groups: []string{"admins"}, Role: campaigns.RoleAdmin},
		{Groups: []string{"dialer", "north"}, Role: campaigns.RoleOperator, Team: "north"},
	}
	open := append(grants[:2:2], Grant{Role: campaigns.RoleQA})
	for name, tc := range map[string]struct {
		change func(*Config)
		claims string
		role   campaigns.Role // of the grant; "" is none
		why    string         // "" is let in
	}{
		"no grants":              {claims: `{}`},
		"the first that fits":    {func(c *Config) { c.Grants = grants }, `{"groups":["north","admins","dialer"]}`, campaigns.RoleAdmin, ""},
		"all of its groups":      {func(c *Config) { c.Grants = grants }, `{"groups":["north","dialer"]}`, campaigns.RoleOperator, ""},
		"one of them":            {func(c *Config) { c.Grants = grants }, `{"groups":["north"]}`, "", NotAllowed},
		"groups are no list":     {func(c *Config) { c.Grants = grants }, `{"groups":"admins"}`, campaigns.RoleAdmin, ""},
		"no texts":               {func(c *Config) { c.Grants = grants }, `{"groups":[1,{"a":"admins"},["admins"]]}`, "", NotAllowed},
		"no groups":              {func(c *Config) { c.Grants = grants }, `{}`, "", NotAllowed},
		"a part of a name":       {func(c *Config) { c.Grants = grants }, `{"groups":["admin","admins2","Admins"]}`, "", NotAllowed},
		"everybody":              {func(c *Config) { c.Grants = open }, `{}`, campaigns.RoleQA, ""},
		"a path":                 {func(c *Config) { c.Grants, c.GroupsClaim = grants, "a.b" }, `{"a":{"b":["admins"]}}`, campaigns.RoleAdmin, ""},
		"a name with dots":       {func(c *Config) { c.Grants, c.GroupsClaim = grants, "https://x.example/g" }, `{"https://x.example/g":["admins"]}`, campaigns.RoleAdmin, ""},
		"one of the groups":      {func(c *Config) { c.Groups = []string{"a", "b"} }, `{"groups":["b"]}`, "", ""},
		"none of the groups":     {func(c *Config) { c.Groups = []string{"a", "b"} }, `{"groups":["c"]}`, "", NotAllowed},
		"the domain":             {func(c *Config) { c.Domains = []string{"example.com"} }, `{"email":"a@EXAMPLE.com","email_verified":true}`, "", ""},
		"verified as text":       {func(c *Config) { c.Domains = []string{"example.com"} }, `{"email":"a@example.com","email_verified":"true"}`, "", ""},
		"a domain below":         {func(c *Config) { c.Domains = []string{"example.com"} }, `{"email":"a@x.example.com","email_verified":true}`, "", NotAllowed},
		"a domain in the name":   {func(c *Config) { c.Domains = []string{"example.com"} }, `{"email":"a@example.com@evil.example","email_verified":true}`, "", NotAllowed},
		"verified by nobody":     {func(c *Config) { c.Domains = []string{"example.com"} }, `{"email":"a@example.com"}`, "", NotAllowed},
		"no address":             {func(c *Config) { c.Domains = []string{"example.com"} }, `{"email_verified":true}`, "", NotAllowed},
		"a user that is no text": {func(c *Config) { c.UserClaim = "n" }, `{"n":7}`, "", NotConfirmed},
	} {
		c := Config{Issuer: "https://id.example.com"}
		if tc.change != nil {
			tc.change(&c)
		}
		said := claims{"sub": "s", "preferred_username": "ann"}
		if err := json.Unmarshal([]byte(tc.claims), &said); err != nil {
			t.Fatal(err)
		}
		id, err := c.withDefaults().identity(said)
		denied, _ := errors.AsType[*Denied](err)
		if tc.why != "" && (denied == nil || denied.Why != tc.why) || tc.why == "" && err != nil {
			t.Errorf("%s: %v, want %q", name, err, tc.why)
		}
		var role campaigns.Role
		if id.Grant != nil {
			role = id.Grant.Role
		}
		if role != tc.role || err == nil && (id.User != "ann" || id.Subject != "s" || id.Issuer != c.Issuer) {
			t.Errorf("%s: %+v, want role %q", name, id, tc.role)
		}
	}
}

// TestTrip: what goes through others' hands does not tell what stays in the cookie.
func TestTrip(t *testing.T) {
	one, other := NewTrip(), NewTrip()
	again, ok := ResumeTrip(one.Secret())
	if !ok || !again.IsState(one.State()) || again.nonce() != one.nonce() || again.verifier() != one.verifier() {
		t.Error("a trip that is resumed is another one")
	}
	if one.IsState(other.State()) || one.IsState("") {
		t.Error("another state is taken")
	}
	seen := map[string]bool{}
	for _, word := range []string{one.Secret(), one.State(), one.nonce(), one.verifier(), other.Secret(), other.State()} {
		if seen[word] || len(word) != tripSize { // RFC 7636 wants 43 to 128 of a verifier
			t.Errorf("%q: twice, or of %d characters", word, len(word))
		}
		seen[word] = true
	}
	for _, secret := range []string{"", "x", one.Secret() + "x"} {
		if _, ok := ResumeTrip(secret); ok {
			t.Errorf("%q is taken for a secret", secret)
		}
	}
}
