package sip

import (
	"context"
	"strings"
	"testing"
	"time"

	"github.com/icholy/digest"

	"github.com/outpace-dialer/outpace/test/eventually"
)

// registering runs one Register beside the test, which plays the registrar.
func registering(n *near, b *Binding, expires time.Duration) func() Registered {
	type result struct {
		Registered
		err error
	}
	done := make(chan result, 1)
	go func() {
		r, err := n.Register(n.t.Context(), b, expires)
		done <- result{r, err}
	}()
	return func() Registered {
		n.t.Helper()
		r := eventually.Comes(n.t, patience, "Register returns", done)
		if r.err != nil {
			n.t.Fatal(r.err)
		}
		return r.Registered
	}
}

func bindingAt(f *farEnd) *Binding {
	return &Binding{
		Transport: "udp", Destination: f.addr(), RequestURI: "sip:carrier.example", Address: "sip:acme@carrier.example",
		Credentials: &Credentials{Username: "acme", Password: "secret"},
	}
}

// proves says whether a request carries the right answer to a challenge.
func proves(t *testing.T, req, challenge string) bool {
	t.Helper()
	chal, err := digest.ParseChallenge(challenge)
	if err != nil {
		t.Fatal(err)
	}
	got, err := digest.ParseCredentials(header(req, "Authorization"))
	if err != nil {
		return false
	}
	want, err := digest.Digest(chal, digest.Options{
		Method: "REGISTER", URI: got.URI, Username: "acme", Password: "secret", Cnonce: got.Cnonce, Count: got.Nc,
	})
	if err != nil {
		t.Fatal(err)
	}
	return got.Response == want.Response
}

func TestRegister(t *testing.T) {
	for _, algorithm := range []string{"MD5", "SHA-256"} {
		t.Run(algorithm, func(t *testing.T) {
			n, f := newNear(t), newFarEnd(t)
			f.peer = n.netAddr()
			b := bindingAt(f)
			challenge := `Digest realm="carrier", nonce="n1", algorithm=` + algorithm + `, qop="auth"`

			result := registering(n, b, 600*time.Second)
			first := f.expect("REGISTER sip:carrier.example SIP/2.0")
			if header(first, "Authorization") != "" || header(first, "Expires") != "600" ||
				header(first, "Contact") != "<sip:outpace@"+n.Addr("udp").String()+">" || header(first, "To") != "<sip:acme@carrier.example>" {
				t.Errorf("first REGISTER:\n%s", first)
			}
			f.answer(first, "401 Unauthorized", "r", "WWW-Authenticate: "+challenge+"\r\n", "")
			second := f.expect("REGISTER")
			if !proves(t, second, challenge) {
				t.Errorf("no proof in\n%s", second)
			}
			own := "<sip:outpace@" + n.Addr("udp").String() + ">"
			f.answer(second, "200 OK", "r", "Contact: <sip:other@192.0.2.9>;expires=900, "+own+";expires=300\r\nExpires: 1200\r\n", "")
			if got := result(); got.Code != 200 || got.Expires != 300*time.Second {
				t.Errorf("got %+v, want 200 for 300 s", got)
			}

			// The next one answers the challenge that is known, in the same series.
			result = registering(n, b, 600*time.Second)
			again := f.expect("REGISTER")
			if !proves(t, again, challenge) || header(again, "Call-ID") != header(first, "Call-ID") || header(again, "CSeq") != "3 REGISTER" {
				t.Errorf("refresh:\n%s", again)
			}
			f.answer(again, "423 Interval Too Brief", "r", "Min-Expires: 1800\r\n", "")
			if got := result(); got.Code != 423 || got.MinExpires != 1800*time.Second || got.Expires != 0 {
				t.Errorf("got %+v", got)
			}

			result = registering(n, b, 0)
			away := f.expect("REGISTER")
			if header(away, "Expires") != "0" {
				t.Errorf("removal:\n%s", away)
			}
			f.answer(away, "200 OK", "r", "", "")
			if got := result(); got.Code != 200 || got.Expires != 0 {
				t.Errorf("got %+v", got)
			}
		})
	}
}

// A wrong password is asked twice at most: registrars lock out those who try on.
func TestRegisterRefused(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	f.peer = n.netAddr()
	result := registering(n, bindingAt(f), time.Minute)
	challenge := "WWW-Authenticate: Digest realm=\"carrier\", nonce=\"n1\", qop=\"auth\"\r\n"
	f.answer(f.expect("REGISTER"), "401 Unauthorized", "r", challenge, "")
	f.answer(f.expect("REGISTER"), "401 Unauthorized", "r", challenge, "")
	if got := result(); got.Code != 401 || got.Text != "Unauthorized" || got.Expires != 0 {
		t.Errorf("got %+v", got)
	}
	f.silent(50 * time.Millisecond)
}

func TestRegisterSilence(t *testing.T) {
	n, f := newNear(t), newFarEnd(t)
	ctx, cancel := context.WithTimeout(t.Context(), 100*time.Millisecond)
	defer cancel()
	if _, err := n.Register(ctx, bindingAt(f), time.Minute); err == nil || !strings.Contains(err.Error(), f.addr()) {
		t.Errorf("error %v, want one that names the registrar", err)
	}
}

func TestOwnExpires(t *testing.T) {
	a := &Agent{sentBy: map[string]string{"udp": "203.0.113.9:5060"}}
	for contact, want := range map[string]struct {
		expires time.Duration
		own     bool
	}{
		"<sip:outpace@203.0.113.9:5060>;q=1;expires=60":       {time.Minute, true},
		"<sip:outpace@203.0.113.9:5060;ob>;Expires=\"60\"":    {time.Minute, true},
		"<sip:outpace@203.0.113.99:5060>;expires=60":          {time.Minute, false},
		"<sip:outpace@203.0.113.9:5060>":                      {0, true},
		"<sip:outpace@203.0.113.9:5060>;expires=-1":           {0, true},
		"<sip:outpace@203.0.113.9:5060>;expires=999999999999": {24 * time.Hour, true},
	} {
		got, _ := contactExpires(contact)
		if own := a.isOwn(contact); got != want.expires || own != want.own {
			t.Errorf("%s: %s, own %t, want %+v", contact, got, own, want)
		}
	}
}
