package api

import (
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// TestProviderChangesRole: what people are here follows the provider at each sign-in, and
// so does what the sessions may that they have already.
func TestProviderChangesRole(t *testing.T) {
	w, p := withProvider(t, nil)
	first, second := w.browser(t), w.browser(t)
	first.signIn(t, p, nina(nil), "/")
	second.signIn(t, p, nina(map[string]any{"groups": []string{"leads", "dialer"}}), "/")
	for _, b := range []*browser{first, second} {
		if who := b.me(t); who.Role != campaigns.RoleLead || who.Team != "north" || len(who.Campaigns) != 0 || !who.User.May(campaigns.RightListen) {
			t.Errorf("now %+v", who.User)
		}
	}
	if log := w.audited(t, "user.oidc"); len(log) != 2 || !strings.Contains(log[0].Before, `"role":"operator"`) || !strings.Contains(log[0].After, `"role":"lead"`) {
		t.Errorf("audited %+v", log)
	}
	second.signIn(t, p, nina(map[string]any{"groups": "dialer"}), "/") // some say one of them as a text
	if who := second.me(t); who.Role != campaigns.RoleOperator || who.Team != "" {
		t.Errorf("then %+v", who.User)
	}
	second.signIn(t, p, nina(map[string]any{"groups": "dialer"}), "/")
	if log := w.audited(t, "user.oidc"); len(log) != 3 {
		t.Errorf("nothing changed, and audited is %+v", log)
	}
	// A name or right that somebody gave them here stays.
	u, err := w.store.User(t.Context(), "nina-novak")
	if err != nil {
		t.Fatal(err)
	}
	u.Name, u.SeesNumbers, u.PINHash = "Nina", true, "x"
	if err := w.store.SaveUser(t.Context(), u); err != nil {
		t.Fatal(err)
	}
	second.signIn(t, p, nina(map[string]any{"groups": []string{"leads", "dialer"}}), "/")
	if u, err := w.store.User(t.Context(), "nina-novak"); err != nil || u.Name != "Nina" || !u.SeesNumbers || u.PINHash != "x" || u.Role != campaigns.RoleLead {
		t.Errorf("now %+v, %v", u, err)
	}
}

// TestProviderWithoutGrants leaves people what they are here.
func TestProviderWithoutGrants(t *testing.T) {
	w, p := withProvider(t, func(c *oidc.Config) { c.Grants, c.CreateUsers = nil, false })
	b := w.browser(t)
	b.signIn(t, p, nina(map[string]any{"preferred_username": "lea"}), "/")
	if who := b.me(t); who.ID != "lea" || who.Role != campaigns.RoleLead || who.Team != "north" {
		t.Errorf("signed in as %+v", who.User)
	}
}

// TestProviderSubject: from the first sign-in on people are known by what the provider
// never gives to anybody else, whatever they are called.
func TestProviderSubject(t *testing.T) {
	w, p := withProvider(t, nil)
	b := w.browser(t)
	b.signIn(t, p, nina(nil), "/")
	other := nina(map[string]any{"sub": "s-other"})
	stranger := w.browser(t)
	stranger.refused(t, stranger.signIn(t, p, other, "/"), refusedTaken)
	for _, name := range []string{"NINA-NOVAK", "nina_novak@example.com"} { // would be the same user
		other.claims["preferred_username"] = name
		stranger.refused(t, stranger.signIn(t, p, other, "/"), refusedTaken)
	}
	b.signIn(t, p, nina(map[string]any{"preferred_username": "olga"}), "/") // married, or wants to be olga
	if who := b.me(t); who.ID != "nina-novak" {
		t.Errorf("signed in as %s", who.ID)
	}
	w.api.logins = newThrottle(guesses, time.Minute)

	w.as(t, "ada", "DELETE", "/api/v1/users/nina-novak/identity", nil).want(t, noContent)
	w.as(t, "ada", "DELETE", "/api/v1/users/nina-novak/identity", nil).want(t, 404)
	if log := w.audited(t, "user.unlink"); len(log) != 1 || log[0].By != "ada" {
		t.Errorf("audited %+v", log)
	}
	other.claims["preferred_username"] = "nina-novak"
	stranger.signIn(t, p, other, "/")
	if who := stranger.me(t); who.ID != "nina-novak" {
		t.Errorf("unlinked, and signed in as %q", who.ID)
	}
	b = w.browser(t)
	b.refused(t, b.signIn(t, p, nina(nil), "/"), refusedTaken)
}

// TestProviderElsewhere: groups that are not in the token are asked for, and believed only
// of the same person.
func TestProviderElsewhere(t *testing.T) {
	w, p := withProvider(t, func(c *oidc.Config) { c.GroupsClaim = "realm_access.roles" })
	b := w.browser(t)
	who := nina(map[string]any{"groups": nil})
	who.more = map[string]any{"sub": "s-other", "realm_access": map[string]any{"roles": []string{"dialer"}}}
	b.refused(t, b.signIn(t, p, who, "/"), refusedProof)
	delete(who.more, "sub")
	who.more["preferred_username"] = "ada" // the token has said it
	b.signIn(t, p, who, "/")
	if who := b.me(t); who.ID != "nina-novak" || who.Role != campaigns.RoleOperator {
		t.Errorf("signed in as %+v", who.User)
	}
}

// TestProviderDown: who tries learns it, sign-in by password goes on, and so does the
// provider's once it is there again, which nobody has to be told.
func TestProviderDown(t *testing.T) {
	w, p := withProvider(t, nil)
	w.employ(t, olga)
	p.away.Store(true) // as it is at the start
	b := w.browser(t)
	for range 3 * guesses { // is nobody's failure
		b.refused(t, b.signIn(t, p, nina(nil), "/desk"), refusedDown)
	}
	if w.api.provider.Up() {
		t.Error("it is said to be up")
	}
	w.login(t, "olga", password).want(t, 200)
	p.away.Store(false)
	p.UserQueue.Queue = nil
	b.refused(t, b.signIn(t, p, nina(nil), "/"), refusedDown) // it is not asked again at once
	p.UserQueue.Queue = nil
	p.later.Store(int64(time.Minute))
	b.signIn(t, p, nina(nil), "/")
	if b.me(t).ID != "nina-novak" || !w.api.provider.Up() {
		t.Error("it is not said to be up")
	}
	b = w.browser(t)
	back := b.leave(t, p, nina(nil)) // it goes while somebody is there
	p.away.Store(true)
	for range 2 {
		at, _ := b.visit(t, back)
		want := refusedDown
		if at.Fragment != "refused="+want {
			t.Errorf("at %s", at)
		}
		p.away.Store(false)
		back = b.leave(t, p, nina(nil))
		p.away.Store(true)
	}
	if w.api.provider.Up() {
		t.Error("it is said to be up")
	}
}

// TestProviderAlone: with a break-glass user nobody else has a password, and nobody
// learns from the answer who that is.
func TestProviderAlone(t *testing.T) {
	w, p := withProvider(t, func(c *oidc.Config) { c.BreakGlass = "ada" })
	w.employ(t, olga)
	w.employ(t, campaigns.User{ID: "ada", Role: campaigns.RoleAdmin})
	got := w.login(t, "olga", password).want(t, 401)
	got.code(t, "passwords_off")
	for _, user := range []string{"ada", "nobody"} {
		if other := w.login(t, user, "wrong"); other.status != 401 || other.body != got.body {
			t.Errorf("%s: %d %s, want as for all: %s", user, other.status, other.body, got.body)
		}
	}
	w.api.logins = newThrottle(guesses, time.Minute)
	w.login(t, "ada", password).want(t, 200)
	b := w.browser(t)
	if _, text := b.visit(t, w.URL+"/api/v1/login/ways"); text != `{"provider":"Example","passwords":false}`+"\n" {
		t.Errorf("ways = %s", text)
	}
	b.signIn(t, p, nina(nil), "/")
	if b.me(t).ID != "nina-novak" {
		t.Error("nobody signs in with the provider")
	}
}
