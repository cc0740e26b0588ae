package webhook

import (
	"context"
	"encoding/json"
	"errors"
	"net"
	"net/http"
	"net/http/httptest"
	"net/netip"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/miekg/dns"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TestS25 names endpoints where they must not be: nothing that is not on the public
// internet hears from us, by whatever name or way.
func TestS25(t *testing.T) {
	var reached atomic.Int64
	inside := httptest.NewServer(http.HandlerFunc(func(http.ResponseWriter, *http.Request) { reached.Add(1) }))
	defer inside.Close()
	_, port, _ := net.SplitHostPort(strings.TrimPrefix(inside.URL, "http://"))

	t.Run("addresses", func(t *testing.T) {
		for _, text := range []string{
			"127.0.0.1", "127.8.8.8", "10.0.0.1", "172.16.0.1", "172.31.255.255", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0", "0.1.2.3",
			"192.0.0.1", "198.18.0.1", "224.0.0.1", "240.0.0.1", "255.255.255.255", "::", "::1", "::ffff:127.0.0.1", "::ffff:10.0.0.1", "::127.0.0.1",
			"fe80::1", "fc00::1", "fd12:3456::1", "ff02::1", "64:ff9b::7f00:1", "2002:7f00:1::", "2001::1", "2001:db8::1", "fec0::1",
		} {
			if err := permit(netip.MustParseAddr(text), nil); err == nil {
				t.Errorf("%s may be reached", text)
			}
		}
		for _, text := range []string{"8.8.8.8", "1.1.1.1", "172.32.0.1", "100.128.0.1", "2606:4700:4700::1111", "::ffff:8.8.8.8"} {
			if err := permit(netip.MustParseAddr(text), nil); err != nil {
				t.Error(err)
			}
		}
	})
	t.Run("urls", func(t *testing.T) {
		for _, text := range []string{
			"gopher://crm.example/", "file:///etc/passwd", "ftp://crm.example/", "http://crm.example/", "https://127.0.0.1/", "https://[::1]/", "https://[::ffff:10.0.0.1]/",
			"https://user:word@crm.example/", "https:crm.example", "https:///path", "crm.example", "",
		} {
			if (Config{}).CheckURL(text) == nil {
				t.Errorf("%q is taken", text)
			}
		}
		if err := (Config{}).CheckURL("https://crm.example:8443/hook?key=1"); err != nil {
			t.Error(err)
		}
	})
	send := func(url string, allow []netip.Prefix, resolver *net.Resolver) (int, error) {
		cfg := Config{AllowHTTP: true}
		for _, p := range allow {
			cfg.Allow = append(cfg.Allow, p.String())
		}
		s := newSender(cfg, strings.ToUpper, transport(allow, resolver))
		return s.send(t.Context(), campaigns.Endpoint{URL: url}, campaigns.NewEvent("1", campaigns.WebhookTest, time.Now(), "k", 1))
	}
	t.Run("names", func(t *testing.T) {
		for _, url := range []string{"http://localhost:" + port, "http://2130706433:" + port, "http://0x7f.1:" + port, "http://127.1:" + port} {
			if _, err := send(url, nil, nil); err == nil {
				t.Errorf("%s was reached", url)
			}
		}
	})
	t.Run("a name that leads elsewhere the next time", func(t *testing.T) {
		names := rebinding(t)
		for range 4 { // whichever answer comes: the public one is none of ours, so nobody may be reached
			_, err := send("http://rebind.example:"+port, []netip.Prefix{netip.MustParsePrefix("127.0.0.2/32")}, names)
			if denied, ok := errors.AsType[*AddressError](err); ok && denied.Address.String() != "127.0.0.1" {
				t.Errorf("denied %s", denied.Address)
			}
		}
	})
	t.Run("redirect", func(t *testing.T) {
		outside := httptest.NewServer(http.RedirectHandler(inside.URL, http.StatusTemporaryRedirect))
		defer outside.Close()
		status, err := send(outside.URL, []netip.Prefix{netip.MustParsePrefix("127.0.0.1/32")}, nil)
		if err != nil || status != http.StatusTemporaryRedirect {
			t.Errorf("%d, %v; want the redirect itself", status, err)
		}
	})
	t.Run("proxy", func(t *testing.T) {
		t.Setenv("HTTP_PROXY", inside.URL)
		if transport(nil, nil).Proxy != nil {
			t.Error("a proxy is used")
		}
	})
	if n := reached.Load(); n > 0 {
		t.Errorf("an address inside was reached %d times", n)
	}
	if status, err := send(inside.URL, []netip.Prefix{netip.MustParsePrefix("127.0.0.0/8")}, nil); err != nil || status != http.StatusOK {
		t.Errorf("what is allowed: %d, %v", status, err)
	}
}

// rebinding is a resolver that leads a name to an allowed address first and to one of
// ours from then on.
func rebinding(t *testing.T) *net.Resolver {
	t.Helper()
	var asked atomic.Int64
	at, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	server := &dns.Server{PacketConn: at, Handler: dns.HandlerFunc(func(w dns.ResponseWriter, q *dns.Msg) {
		m := new(dns.Msg).SetReply(q)
		if q.Question[0].Qtype == dns.TypeA {
			to := "127.0.0.2"
			if asked.Add(1) > 1 {
				to = "127.0.0.1"
			}
			rr, _ := dns.NewRR(q.Question[0].Name + " 0 IN A " + to)
			m.Answer = append(m.Answer, rr)
		}
		_ = w.WriteMsg(m)
	})}
	ran := make(chan struct{})
	go func() { defer close(ran); _ = server.ActivateAndServe() }()
	t.Cleanup(func() { _ = server.Shutdown(); <-ran })
	return &net.Resolver{PreferGo: true, Dial: func(ctx context.Context, _, _ string) (net.Conn, error) {
		return (&net.Dialer{}).DialContext(ctx, "udp", at.LocalAddr().String())
	}}
}

// TestS26 changes what is signed, bit by bit, and sends it again later: a receiver that
// does what the specification says takes neither.
func TestS26(t *testing.T) {
	secret, old := NewSecret(), NewSecret()
	now := time.Unix(1_800_000_000, 0)
	content := []byte(`{"type":"call.finished","data":{"lead":17}}`)
	signature, err := Sign("evt_1", now, content, []campaigns.Secret{{Text: secret}, {Text: old, Until: now.Add(time.Hour)}, {Text: NewSecret(), Until: now}})
	if err != nil || len(strings.Fields(signature)) != 2 {
		t.Fatalf("signature %q, %v; want two", signature, err)
	}
	header := func() http.Header {
		h := http.Header{}
		h.Set("webhook-id", "evt_1")
		h.Set("webhook-timestamp", "1800000000")
		h.Set("webhook-signature", signature)
		return h
	}
	for _, s := range []string{secret, old} {
		if err := verify(header(), content, s, now); err != nil {
			t.Errorf("what was signed: %v", err)
		}
	}
	if verify(header(), content, NewSecret(), now) == nil {
		t.Error("another secret fits")
	}
	if verify(header(), content, secret, now.Add(6*time.Minute)) == nil || verify(header(), content, secret, now.Add(-6*time.Minute)) == nil {
		t.Error("it can be sent again later")
	}
	for i := range content {
		for bit := range 8 {
			changed := append([]byte(nil), content...)
			changed[i] ^= 1 << bit
			if verify(header(), changed, secret, now) == nil {
				t.Fatalf("bit %d of byte %d may change", bit, i)
			}
		}
	}
	for _, field := range []string{"webhook-id", "webhook-timestamp"} {
		value := header().Get(field)
		for i := range value {
			h := header()
			changed := []byte(value)
			changed[i] ^= 1
			h.Set(field, string(changed))
			if verify(h, content, secret, now) == nil {
				t.Errorf("byte %d of %s may change", i, field)
			}
		}
	}
	if again, _ := Sign("evt_1", now, content, []campaigns.Secret{{Text: secret}}); again != strings.Fields(signature)[0] {
		t.Error("a signature is not the same with each try")
	}
}

// The example of the Standard Webhooks specification.
func TestSignExample(t *testing.T) {
	got, err := Sign("msg_p5jXN8AQM9LWM0D4loKWxJek", time.Unix(1614265330, 0), []byte(`{"test": 2432232314}`), []campaigns.Secret{{Text: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw"}})
	if want := "v1,g0hM9SsE+OTPJTGt/tmIKtSyZlE3uFJELVlNIOLJ1OE="; err != nil || got != want {
		t.Errorf("%q, %v; want %q", got, err, want)
	}
}

func TestNumbersAreMasked(t *testing.T) {
	s := newSender(Config{}, func(string) string { return "***" }, nil)
	ev := campaigns.NewEvent("1", campaigns.LeadUpdated, time.Now(), "k", map[string]any{"number": "+48221234567", "numbers": []string{"+48221234567"}, "lead": 1})
	hidden, err := s.message(campaigns.Endpoint{}, ev)
	if err != nil || strings.Contains(string(hidden), "1234567") || !json.Valid(hidden) {
		t.Errorf("%s, %v", hidden, err)
	}
	if whole, err := s.message(campaigns.Endpoint{Numbers: true}, ev); err != nil || strings.Count(string(whole), "1234567") != 2 {
		t.Errorf("%s, %v", whole, err)
	}
}
