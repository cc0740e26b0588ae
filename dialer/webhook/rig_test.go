package webhook

import (
	"bytes"
	"context"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"net/http"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/campaigns/sqlite/sqlitetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// receiver is an endpoint as its owner would write it: it believes what is signed with
// its secret, is fresh and did not come before.
type receiver struct {
	secret string
	answer func(n int) int // status of the nth request

	mu   sync.Mutex
	n    int
	seen map[string]int // by id, of those answered 2xx
	told []message
}

type message struct {
	ID   string
	Type string         `json:"type"`
	Data map[string]any `json:"data"`
}

func (r *receiver) RoundTrip(q *http.Request) (*http.Response, error) {
	content, err := io.ReadAll(q.Body)
	if err != nil {
		return nil, err
	}
	if err := verify(q.Header, content, r.secret, time.Now()); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.n++
	status := r.answer(r.n)
	m := message{ID: q.Header.Get("webhook-id")}
	if err := json.Unmarshal(content, &m); err != nil {
		return nil, err
	}
	if status/100 == 2 {
		if r.seen == nil {
			r.seen = map[string]int{}
		}
		r.seen[m.ID]++
		r.told = append(r.told, m)
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(bytes.NewReader(nil)), Request: q, Header: http.Header{}}, nil
}

func (r *receiver) messages() []message {
	r.mu.Lock()
	defer r.mu.Unlock()
	return append([]message(nil), r.told...)
}

// verify is what a receiver does by the specification, written from its side.
func verify(h http.Header, content []byte, secret string, now time.Time) error {
	at, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		return err
	}
	if off := now.Sub(time.Unix(at, 0)); math.Abs(off.Seconds()) > 300 {
		return fmt.Errorf("the timestamp is %s off", off)
	}
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(secret, "whsec_"))
	if err != nil {
		return err
	}
	mac := hmac.New(sha256.New, key)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "."))
	mac.Write(content)
	for _, s := range strings.Fields(h.Get("webhook-signature")) {
		version, text, _ := strings.Cut(s, ",")
		got, err := base64.StdEncoding.DecodeString(text)
		if err == nil && version == "v1" && hmac.Equal(got, mac.Sum(nil)) {
			return nil
		}
	}
	return errors.New("no signature fits")
}

// open makes a store with an endpoint "crm".
func open(t *testing.T, secret string) *sqlite.Store {
	t.Helper()
	store := sqlitetest.Open(t, filepath.Join(t.TempDir(), "store.db"), sqlite.WithCheckpointEvery(time.Hour)) // days pass here
	_, err := store.SaveEndpoint(t.Context(), campaigns.Endpoint{ID: "crm", URL: "https://crm.example/hook", Secrets: []campaigns.Secret{{Text: secret}}})
	if err != nil {
		t.Fatal(err)
	}
	return store
}

// start runs a room, which looks for what is due so often, until the returned function
// is called.
func start(t *testing.T, store *sqlite.Store, cfg Config, over http.RoundTripper, idle time.Duration) (*Room, func()) {
	t.Helper()
	if cfg.MaxBacklog == 0 {
		cfg.MaxBacklog = 1 << 30
	}
	r := New(cfg, Deps{Outbox: store, Records: store, Holder: "here", Node: "n", Mask: func(string) string { return "***" }, Transport: over, LookEvery: idle, Log: zap.NewNop()})
	ctx, cancel := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { _ = r.Run(ctx) })
	return r, func() { cancel(); ran.Wait() }
}
