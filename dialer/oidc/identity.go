package oidc

import (
	"fmt"
	"slices"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Identity is who somebody is by the word of the provider.
type Identity struct {
	Issuer  string
	Subject string // never given to anybody else by the issuer
	User    campaigns.UserID
	Name    string // may be empty
	Grant   *Grant // nil: the configuration has none
	Token   string // as the provider signed it; for SignOutURL alone
}

// claims are what the provider says of a person.
type claims map[string]any

// identity says who somebody is, or why they stay out; who they are is said all the same,
// as far as it is known.
func (c Config) identity(said claims) (Identity, error) {
	id := Identity{Issuer: c.Issuer, Subject: said.text("sub"), Name: said.text(c.NameClaim)}
	if err := c.allow(said); err != nil {
		return id, err
	}
	value := said.text(c.UserClaim)
	if c.UserClaim == "email" && !said.verified() {
		return id, &Denied{NotAllowed, "the e-mail address is not verified"}
	}
	if id.User = userOf(value); id.User == "" {
		return id, &Denied{NotConfirmed, fmt.Sprintf("claim %s (oidc.user_claim) is %q, and names nobody", c.UserClaim, value)}
	}
	groups := said.list(c.GroupsClaim)
	if len(c.Grants) == 0 {
		return id, nil
	}
	for i, g := range c.Grants {
		if !slices.ContainsFunc(g.Groups, func(name string) bool { return !slices.Contains(groups, name) }) {
			id.Grant = &c.Grants[i]
			return id, nil
		}
	}
	return id, &Denied{NotAllowed, fmt.Sprintf("none of oidc.grants fits the groups %q", groups)}
}

// allow holds people to the domains and groups.
func (c Config) allow(said claims) error {
	if len(c.Domains) > 0 {
		_, domain, _ := strings.Cut(said.text("email"), "@")
		if !said.verified() || !slices.ContainsFunc(c.Domains, func(d string) bool { return strings.EqualFold(d, domain) }) {
			return &Denied{NotAllowed, fmt.Sprintf("no verified e-mail address of oidc.domains, but one of %q", domain)}
		}
	}
	groups := said.list(c.GroupsClaim)
	if len(c.Groups) > 0 && !slices.ContainsFunc(c.Groups, func(g string) bool { return slices.Contains(groups, g) }) {
		return &Denied{NotAllowed, fmt.Sprintf("none of oidc.groups is among the groups %q", groups)}
	}
	return nil
}

// knows says whether the claims hold all that the configuration asks for.
func (c Config) knows(said claims) bool {
	groups := len(c.Groups) == 0 && !slices.ContainsFunc(c.Grants, func(g Grant) bool { return len(g.Groups) > 0 }) || said.find(c.GroupsClaim) != nil
	email := len(c.Domains) == 0 || said.find("email") != nil
	return groups && email && said.find(c.UserClaim) != nil && said.find(c.NameClaim) != nil
}

// longestID is that of a user.
const longestID = 64

// userOf is the user whom a claim names; "" where it names none.
func userOf(claim string) campaigns.UserID {
	local, _, _ := strings.Cut(strings.ToLower(claim), "@")
	id := strings.Trim(strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= '0' && r <= '9' {
			return r
		}
		return '-'
	}, local), "-")
	if len(id) > longestID {
		return ""
	}
	return campaigns.UserID(id)
}

// find is a claim by its name, or by a path of names with dots between; nil is none.
func (c claims) find(name string) any {
	if v, has := c[name]; has {
		return v
	}
	head, rest, deeper := strings.Cut(name, ".")
	inner, is := c[head].(map[string]any)
	if !deeper || !is {
		return nil
	}
	return claims(inner).find(rest)
}

func (c claims) text(name string) string {
	s, _ := c.find(name).(string)
	return s
}

// list is a claim of several texts, or of one.
func (c claims) list(name string) (all []string) {
	switch v := c.find(name).(type) {
	case string:
		return []string{v}
	case []any:
		for _, e := range v {
			if s, is := e.(string); is {
				all = append(all, s)
			}
		}
	}
	return all
}

// verified says whether the provider has verified the e-mail address; some say it as text.
func (c claims) verified() bool {
	switch v := c.find("email_verified").(type) {
	case bool:
		return v
	case string:
		return v == "true"
	}
	return false
}
