package app

import (
	"crypto/tls"
	"errors"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/sip/keypair"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// TestNodesOverHTTPS: nodes with certificates of their own play each other's recordings
// without any configuration, and believe nobody who has another one.
func TestNodesOverHTTPS(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	first, second := onRedis(t, url, "n1"), onRedis(t, url, "n2")
	for _, cfg := range []*config.Config{&first, &second} {
		nodePorts(t, cfg)
		cfg.HTTP.TLS.SelfSigned, cfg.HTTP.NodeURL = true, "https://"+cfg.HTTP.Listen+"/"
	}
	a, _ := start(t, first)
	b, _ := start(t, second)
	ctx := t.Context()
	const audio = "RIFF0123456789"
	recordedOn(t, a.store, first, "a1", audio)
	if err := AddUser(ctx, a.store, NewUser{ID: "mia", Role: campaigns.RoleManager, Password: "long enough it is"}); err != nil {
		t.Fatal(err)
	}
	token, err := newToken(ctx, a.store, "mia", time.Hour)
	if err != nil {
		t.Fatal(err)
	}
	play := func() (int, string) {
		t.Helper()
		req, err := http.NewRequestWithContext(ctx, "GET", b.HTTPURL()+"/api/v1/recordings/a1", nil)
		if err != nil {
			t.Fatal(err)
		}
		req.Header.Set("Authorization", "Bearer "+token)
		res, text := answer(t, req, &tls.Config{InsecureSkipVerify: true})
		return res.StatusCode, text
	}
	if status, text := play(); status != http.StatusOK || text != audio {
		t.Errorf("played %d %q", status, text)
	}

	// Somebody in between has another certificate for the same address.
	dir := t.TempDir()
	other, err := keypair.SelfSigned(filepath.Join(dir, "other.pem"), filepath.Join(dir, "other.key"), []string{"127.0.0.1"})
	if err != nil {
		t.Fatal(err)
	}
	print, err := other.Fingerprint()
	if err != nil {
		t.Fatal(err)
	}
	nodes, _ := campaigns.As[campaigns.Nodes](b.store)
	published := func(name, url string) {
		t.Helper()
		if err := nodes.Join(ctx, campaigns.Member{Node: name, Term: name, URL: url}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	published("n3", first.HTTP.NodeURL+pinPrefix+print)
	published("n4", first.HTTP.NodeURL) // and nobody vouches for it
	asks := func(node string, authorities string) error {
		t.Helper()
		pool, err := nodeAuthorities(authorities)
		if err != nil {
			t.Fatal(err)
		}
		res, err := newPeers(b.node, pool).Recording(ctx, node, "GET", "a1", http.Header{})
		if err == nil {
			_ = res.Body.Close()
		}
		return err
	}
	for node, want := range map[string]string{"n3": errPin.Error(), "n4": "unknown authority"} {
		err := asks(node, "")
		if err == nil || !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), "#sha256") {
			t.Errorf("%s: %v, want %q", node, err, want)
		}
	}
	// With its certificate among the authorities it is believed: what it does not like then
	// is the signature, which is under a term that it does not have.
	if err := asks("n4", filepath.Join(first.DataDir, "tls", "http.pem")); err == nil || !strings.Contains(err.Error(), "401") {
		t.Errorf("vouched for: %v", err)
	}
	// A pin is not weaker than nothing: an authority does not help who has another one.
	if err := asks("n3", filepath.Join(first.DataDir, "tls", "http.pem")); err == nil || !strings.Contains(err.Error(), errPin.Error()) {
		t.Errorf("vouched for, with another pin: %v", err)
	}
}

func TestPublishedURL(t *testing.T) {
	acme := func(hosts ...string) config.HTTPTLS { return config.HTTPTLS{ACME: &config.ACME{Hosts: hosts}} }
	for name, tc := range map[string]struct {
		url string
		tls config.HTTPTLS
		pin bool
	}{
		"nowhere":               {"", config.HTTPTLS{SelfSigned: true}, false},
		"in the clear":          {"http://10.0.0.5:8080", config.HTTPTLS{}, false},
		"our own":               {"https://10.0.0.5:8443", config.HTTPTLS{SelfSigned: true}, true},
		"from files":            {"https://10.0.0.5:8443", config.HTTPTLS{Certificate: "/c", Key: "/k"}, false},
		"of a proxy in front":   {"https://10.0.0.5:8443", config.HTTPTLS{}, false},
		"of an authority":       {"https://Dialer.example.com", acme("dialer.example.com"), false},
		"beside an authority's": {"https://10.0.0.5", acme("dialer.example.com"), true},
	} {
		cfg := config.Config{DataDir: t.TempDir(), HTTP: config.PublicHTTP{NodeURL: tc.url, TLS: tc.tls}}
		got, err := publishedURL(cfg)
		address, pin, _ := strings.Cut(got, pinPrefix)
		if err != nil || address != tc.url || (pin != "") != tc.pin {
			t.Errorf("%s: %q, %v", name, got, err)
		}
	}
	if _, err := nodeAuthorities(filepath.Join(t.TempDir(), "none")); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
}
