package api

import (
	"context"
	"encoding/json"
	"strings"
	"sync"
	"testing"
	"testing/synctest"

	"github.com/outpace-dialer/outpace/campaigns"
)

// fakePhones notes what it is told, as "Verb user argument".
type fakePhones struct {
	mu   sync.Mutex
	told []string
	err  error
}

func (f *fakePhones) tell(words ...string) error {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.told = append(f.told, strings.Join(words, " "))
	return f.err
}

func (f *fakePhones) fail(err error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.err = err
}

func (f *fakePhones) heard() string {
	f.mu.Lock()
	defer f.mu.Unlock()
	return strings.Join(f.told, "; ")
}

func (f *fakePhones) Connect(_ context.Context, u campaigns.UserID, offer string) (answer, session string, err error) {
	return "answer", "s1", f.tell("Connect", string(u), offer)
}

func (f *fakePhones) Disconnect(_ context.Context, u campaigns.UserID, session string) {
	f.tell("Disconnect", string(u), session)
}

func (f *fakePhones) Phone(u campaigns.UserID, _ string) Phone {
	return Phone{Kind: PhoneBrowser, Connected: true, Session: "s1 of " + string(u), Jitter: 0.002}
}

// A page connects, is seen and leaves as the user who is signed in, whatever it says.
func TestBrowserPhone(t *testing.T) {
	w := newWorld(t)
	const path = "/api/v1/operator/phone?user=peter"
	got := w.as(t, "olga", "POST", path, map[string]string{"sdp": "offer"}).want(t, 200)
	var answered struct{ SDP, Session string }
	if err := json.Unmarshal([]byte(got.body), &answered); err != nil || answered.SDP != "answer" || answered.Session != "s1" {
		t.Errorf("answer = %s, %v", got.body, err)
	}
	w.as(t, "olga", "DELETE", path+"&session=s1", nil).want(t, noContent)
	w.as(t, "olga", "DELETE", path, nil).want(t, noContent)
	if want := "Connect olga offer; Disconnect olga s1; Disconnect olga "; w.phones.heard() != want {
		t.Errorf("told %q, want %q", w.phones.heard(), want)
	}
	got = w.as(t, "olga", "GET", "/api/v1/operator", nil).want(t, 200)
	var state struct {
		User, State, Number string
		Phone               Phone
	}
	if err := json.Unmarshal([]byte(got.body), &state); err != nil {
		t.Fatal(err)
	}
	if want := (Phone{Kind: PhoneBrowser, Connected: true, Session: "s1 of olga", Jitter: 0.002}); state.Phone != want || state.User != "olga" || state.Number == marker {
		t.Errorf("operator = %+v", state)
	}
}

// Nobody gets a phone without signing in, and nothing is asked of the phones.
func TestBrowserPhoneNeedsSignIn(t *testing.T) {
	w := newWorld(t)
	for _, method := range []string{"POST", "DELETE"} {
		w.as(t, "", method, "/api/v1/operator/phone", map[string]string{"sdp": "offer"}).want(t, 401)
	}
	w.send(t, TokenPrefix+strings.Repeat("0", 64), "POST", "/api/v1/operator/phone", map[string]string{"sdp": "offer"}, nil).want(t, 401)
	if told := w.phones.heard(); told != "" {
		t.Errorf("told %q", told)
	}
}

// What is wrong has a code that a page may branch on.
func TestBrowserPhoneProblems(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		err    error
		status int
		code   string
	}{
		{ErrBrowserPhoneOff, 409, "browser_phone_off"},
		{&PhoneError{Code: "sdp_no_g711", Detail: "neither law"}, 422, "sdp_no_g711"},
	} {
		w.phones.fail(c.err)
		got := w.as(t, "olga", "POST", "/api/v1/operator/phone", map[string]string{"sdp": "offer"}).want(t, c.status)
		var problem struct {
			Status              int
			Title, Detail, Code string
		}
		if err := json.Unmarshal([]byte(got.body), &problem); err != nil {
			t.Fatal(err)
		}
		if problem.Code != c.code || problem.Status != c.status || problem.Detail != c.err.Error() || got.header.Get("Content-Type") != "application/problem+json" {
			t.Errorf("%v: %s %s", c.err, got.header.Get("Content-Type"), got.body)
		}
	}
	w.phones.fail(nil)
	w.as(t, "olga", "POST", "/api/v1/operator/phone", map[string]string{"sdp": ""}).want(t, 422)
	w.as(t, "olga", "POST", "/api/v1/operator/phone", map[string]string{"sdp": strings.Repeat("x", 65537)}).want(t, 422)
}

// What becomes of a phone is told to its user's pages and nobody else's.
func TestStreamTellsOfThePhone(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stream(t, olga, "")
		s.out.read()
		s.hub.PhoneChanged("peter", Phone{Kind: PhoneBrowser, Session: "p1"})
		synctest.Wait()
		if got := s.out.read(); got != "" {
			t.Errorf("of somebody else's phone: %q", got)
		}
		s.hub.PhoneChanged("olga", Phone{Kind: PhoneBrowser, Connected: true, Session: "s2"})
		synctest.Wait()
		if got := s.out.read(); !strings.HasPrefix(got, "id: 2\nevent: phone\ndata: {\"kind\":\"browser\",\"connected\":true,\"session\":\"s2\"") {
			t.Errorf("after a take-over: %q", got)
		}
		s.leave()
		s.ended()
	})
}

// A stream begins with the phone as it is.
func TestStreamShowsThePhone(t *testing.T) {
	w := newWorld(t)
	got := w.firstEvents(t, w.tokens["olga"], 2).body
	if !strings.Contains(got, "event: phone\ndata: {\"kind\":\"browser\",\"connected\":true,\"session\":\"s1 of olga\"") {
		t.Errorf("the first events: %q", got)
	}
}
