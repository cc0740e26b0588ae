package webrtc

import (
	"errors"
	"os"
	"regexp"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/test/browser"
)

// chromium is an offer as Chromium makes it for one microphone, codecs as they come.
func chromium(t testing.TB) string {
	t.Helper()
	b, err := os.ReadFile("testdata/chromium.sdp")
	if err != nil {
		t.Fatal(err)
	}
	return strings.ReplaceAll(string(b), "\n", "\r\n")
}

// The answer takes G.711 of all that a browser offers, and names our addresses only.
func TestAnswer(t *testing.T) {
	r := start(t, Config{Listen: "0.0.0.0:0", Addresses: []string{"203.0.113.10", "10.0.0.5"}})
	answer, session, err := r.Connect("anna", chromium(t))
	if err != nil {
		t.Fatal(err)
	}
	if len(session) < 20 {
		t.Errorf("session %q can be guessed", session)
	}
	port := r.Addr()[strings.LastIndex(r.Addr(), ":")+1:]
	for _, want := range []string{
		"a=ice-lite\r\n", "a=setup:passive\r\n", "a=fingerprint:sha-256 ", "a=rtcp-mux\r\n", "a=sendrecv\r\n", "a=rtpmap:126 telephone-event/8000\r\n",
		" udp 2130706431 203.0.113.10 " + port + " typ host\r\n", " udp 2130706175 10.0.0.5 " + port + " typ host\r\n", "a=end-of-candidates\r\n",
	} {
		if !strings.Contains(answer, want) {
			t.Errorf("no %q in\n%s", want, answer)
		}
	}
	if media := regexp.MustCompile(`m=.*`).FindAllString(answer, -1); len(media) != 1 || strings.TrimSpace(media[0]) != "m=audio 9 UDP/TLS/RTP/SAVPF 0 8 126" {
		t.Errorf("media %q", media)
	}
	if n := strings.Count(answer, "a=candidate:"); n != 2 {
		t.Errorf("%d candidates, want our 2:\n%s", n, answer)
	}
}

// Every session has credentials of its own, and so does every user.
func TestCredentialsAreOfOneSession(t *testing.T) {
	r := start(t, Config{})
	seen := map[string]bool{}
	for _, user := range []string{"anna", "anna", "bob"} {
		answer, _, err := r.Connect(user, chromium(t))
		if err != nil {
			t.Fatal(err)
		}
		for _, key := range []string{"ice-ufrag", "ice-pwd"} {
			value := attribute(t, answer, key)
			if len(value) < 16 || seen[value] {
				t.Errorf("%s of %s: %q", key, user, value)
			}
			seen[value] = true
		}
	}
}

// What we cannot answer is refused, with a code for the page.
func TestRefusedOffers(t *testing.T) {
	r := start(t, Config{})
	offer := chromium(t)
	section := offer[strings.Index(offer, "m=audio"):]
	for name, c := range map[string]struct{ offer, code string }{
		"nothing":           {"", NoAudio},
		"text":              {"hello", BadSDP},
		"too long":          {offer + strings.Repeat("a=x:y\r\n", 10_000), BadSDP},
		"no section":        {offer[:strings.Index(offer, "m=audio")], NoAudio},
		"a refused section": {strings.Replace(offer, "m=audio 9 ", "m=audio 0 ", 1), NoAudio},
		"video":             {strings.Replace(offer, "m=audio", "m=video", 1), NoAudio},
		"video too":         {offer + strings.Replace(section, "m=audio", "m=video", 1), OnlyAudio},
		"two microphones":   {offer + section, OnlyAudio},
		"Opus alone":        {browser.Without(strings.Replace(offer, " 9 0 8 13 ", " ", 1), "a=rtpmap:0 ", "a=rtpmap:8 "), NoG711},
		"no fingerprint":    {browser.Without(offer, "a=fingerprint"), NoTLS},
		"plain RTP":         {strings.Replace(offer, "UDP/TLS/RTP/SAVPF", "RTP/AVP", 1), NoTLS},
		"no ICE":            {browser.Without(offer, "a=ice-ufrag"), NoICE},
		"no ICE password":   {browser.Without(offer, "a=ice-pwd"), NoICE},
		"hears only":        {strings.Replace(offer, "a=sendrecv", "a=recvonly", 1), OneWayAudio},
		"says only":         {strings.Replace(offer, "a=sendrecv", "a=sendonly", 1), OneWayAudio},
		"waits for us":      {strings.Replace(offer, "a=setup:actpass", "a=setup:passive", 1), BadSDP},
	} {
		_, _, err := r.Connect("anna", c.offer)
		if refused, is := errors.AsType[*OfferError](err); !is || refused.Code != c.code || refused.Detail == "" {
			t.Errorf("%s: %v, want %s", name, err, c.code)
		}
	}
	if s := r.Stats(); s.Pending != 0 || r.Phone("anna") != nil {
		t.Errorf("a refused offer left something: %+v", s)
	}
}

func TestConfigNamesTheKey(t *testing.T) {
	for _, c := range []struct {
		cfg  Config
		want string
	}{
		{Config{}, ""},
		{Config{Listen: ":3478", Addresses: []string{"203.0.113.10"}}, ""},
		{Config{Listen: "[::1]:0"}, ""},
		{Config{Listen: "3478"}, "listen: "},
		{Config{Listen: "localhost:3478"}, "listen: "},
		{Config{Listen: "127.0.0.1:70000"}, "listen: "},
		{Config{Listen: ":3478"}, "addresses: "},
		{Config{Addresses: []string{"127.0.0.1", "dialer.example"}}, "addresses[1]: "},
		{Config{Addresses: []string{"0.0.0.0"}}, "addresses[0]: "},
	} {
		err := c.cfg.Validate()
		if c.want == "" && err != nil || c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), c.want)) {
			t.Errorf("Validate(%+v) = %v, want %q", c.cfg, err, c.want)
		}
	}
}

// Refusing is fine, panicking is not; what is taken has no candidate left.
func FuzzReadOffer(f *testing.F) {
	f.Add(chromium(f))
	f.Add("v=0\r\no=- 1 1 IN IP4 0.0.0.0\r\ns=-\r\nt=0 0\r\nm=audio 9 UDP/TLS/RTP/SAVPF 0\r\n")
	f.Fuzz(func(t *testing.T, text string) {
		offer, err := readOffer(text)
		if err == nil && strings.Contains(offer, "\na=candidate") {
			t.Errorf("a candidate in %q", offer)
		}
	})
}
