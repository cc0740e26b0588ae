package oidc

import (
	"errors"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// served is a provider's discovery, and how often it was asked.
func served(t *testing.T, answer func(issuer string) string) (*Provider, *atomic.Int32) {
	t.Helper()
	var asked atomic.Int32
	var issuer string
	s := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		asked.Add(1)
		if r.URL.Path != "/.well-known/openid-configuration" {
			http.NotFound(w, r)
			return
		}
		_, _ = w.Write([]byte(answer(issuer)))
	}))
	t.Cleanup(s.Close)
	issuer = s.URL
	p, err := New(Config{Issuer: issuer, ClientID: "outpace", URL: "https://dialer.example.com", Prompt: "login"}, time.Now)
	if err != nil {
		t.Fatal(err)
	}
	return p, &asked
}

func TestAuthURL(t *testing.T) {
	p, asked := served(t, func(issuer string) string {
		return `{"issuer":"` + issuer + `","authorization_endpoint":"` + issuer + `/authorize","token_endpoint":"` + issuer + `/token","jwks_uri":"` + issuer + `/keys"}`
	})
	if p.Config().Name == "" || asked.Load() != 0 {
		t.Errorf("name %q, asked %d times before somebody signs in", p.Config().Name, asked.Load())
	}
	trip := NewTrip()
	for range 2 {
		to, err := p.AuthURL(t.Context(), trip)
		if err != nil {
			t.Fatal(err)
		}
		u, err := url.Parse(to)
		if err != nil {
			t.Fatal(err)
		}
		q := u.Query()
		for name, want := range map[string]string{
			"response_type": "code", "client_id": "outpace", "redirect_uri": "https://dialer.example.com/api/v1/login/oidc/callback",
			"scope": "openid profile email", "state": trip.State(), "nonce": trip.nonce(), "code_challenge_method": "S256", "prompt": "login",
		} {
			if q.Get(name) != want {
				t.Errorf("%s = %q, want %q", name, q.Get(name), want)
			}
		}
		if strings.Contains(to, trip.Secret()) || strings.Contains(to, trip.verifier()) {
			t.Errorf("the address tells a secret: %s", to)
		}
	}
	if asked.Load() != 1 {
		t.Errorf("asked %d times, want once", asked.Load())
	}
}

// TestExchange: the code goes to the provider once, with the verifier; a client without a
// secret shows its name alone. Who has one is asked for it in a header or in the form, and
// the second time as the provider wants it.
func TestExchange(t *testing.T) {
	for secret, want := range map[string][]int{"": {1, 1}, "s3cret": {2, 1}} {
		var asked []url.Values
		var headers int
		var s *httptest.Server
		s = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			w.Header().Set("Content-Type", "application/json")
			if r.URL.Path != "/token" {
				_, _ = w.Write([]byte(`{"issuer":"` + s.URL + `","token_endpoint":"` + s.URL + `/token"}`))
				return
			}
			_ = r.ParseForm()
			asked = append(asked, r.PostForm)
			if r.Header.Get("Authorization") != "" {
				headers++
				http.Error(w, `{"error":"invalid_client"}`, http.StatusUnauthorized)
				return
			}
			_, _ = w.Write([]byte(`{"access_token":"x","token_type":"bearer"}`))
		}))
		p, err := New(Config{Issuer: s.URL, ClientID: "outpace", ClientSecret: secret, URL: "https://dialer.example.com"}, time.Now)
		if err != nil {
			t.Fatal(err)
		}
		for _, times := range want {
			asked = nil
			trip := NewTrip()
			_, err = p.Identify(t.Context(), trip, "the-code")
			if denied, is := errors.AsType[*Denied](err); !is || denied.Why != NotConfirmed || !strings.Contains(denied.Detail, "no id_token") {
				t.Errorf("error = %v", err)
			}
			if len(asked) != times {
				t.Fatalf("with secret %q: asked %d times, want %d", secret, len(asked), times)
			}
			last := asked[len(asked)-1]
			if last.Get("code") != "the-code" || last.Get("code_verifier") != trip.verifier() || last.Get("client_id") != "outpace" || last.Get("client_secret") != secret {
				t.Errorf("with secret %q: asked with %v", secret, last)
			}
		}
		if (headers > 0) != (secret != "") {
			t.Errorf("with secret %q: %d headers", secret, headers)
		}
		s.Close()
	}
}

// TestNoProvider: what answers otherwise is none, and is not asked each time.
func TestNoProvider(t *testing.T) {
	for name, answer := range map[string]string{
		"a page": "<html>", "another issuer": `{"issuer":"https://evil.example"}`, "without end": strings.Repeat(" ", 2*maxAnswer) + "{}",
	} {
		p, asked := served(t, func(string) string { return answer })
		for range 5 {
			if err := p.Discover(t.Context()); !errors.Is(err, ErrDown) {
				t.Errorf("%s: %v", name, err)
			}
		}
		if asked.Load() != 1 {
			t.Errorf("%s: asked %d times at once", name, asked.Load())
		}
	}
}

// network is one that is away until a time.
type network struct {
	now, back time.Time
	tried     []time.Time
}

func (n *network) RoundTrip(*http.Request) (*http.Response, error) {
	n.tried = append(n.tried, n.now)
	if n.now.Before(n.back) {
		return nil, errors.New("no route")
	}
	w := httptest.NewRecorder()
	_, _ = w.WriteString(`{"issuer":"https://id.example.com"}`)
	return w.Result(), nil
}

// TestBackOff: a provider that is away is asked ever more rarely, however often people
// try, and is found again within lastWait.
func TestBackOff(t *testing.T) {
	began := time.Now()
	n := &network{now: began, back: began.Add(5 * time.Minute)}
	p, err := New(good(), func() time.Time { return n.now })
	if err != nil {
		t.Fatal(err)
	}
	p.client.Transport = watched{n, &p.down}
	for p.Discover(t.Context()) != nil {
		if p.Up() {
			t.Fatal("it is said to be up")
		}
		if n.now = n.now.Add(10 * time.Millisecond); n.now.Sub(n.back) > time.Hour {
			t.Fatal("it is never found")
		}
	}
	if late := n.now.Sub(n.back); late > lastWait || !p.Up() {
		t.Errorf("found %v after it was back", late)
	}
	if len(n.tried) > 20 {
		t.Errorf("asked %d times in %v", len(n.tried), n.now.Sub(began))
	}
	for i := 1; i < len(n.tried); i++ {
		if n.tried[i].Sub(n.tried[i-1]) < firstWait {
			t.Errorf("asked again after %v", n.tried[i].Sub(n.tried[i-1]))
		}
	}
}
