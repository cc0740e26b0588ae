package e2e

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// client is a user of the public API.
type client struct {
	base, user, token string
}

// view is what the API says about an operator.
type view struct {
	User      string    `json:"user"`
	State     string    `json:"state"`
	Reason    string    `json:"reason"`
	Attempt   string    `json:"attempt"`
	CallID    string    `json:"call_id"`
	Number    string    `json:"number"`
	TakenBack string    `json:"taken_back"`
	VerdictAt time.Time `json:"verdict_at"`
	BridgedAt time.Time `json:"bridged_at"`
}

// signIn returns a client with a token.
func (p *product) signIn(t *testing.T, user, password string) *client {
	t.Helper()
	c := &client{base: "http://" + p.http, user: user}
	var out struct {
		Token string `json:"token"`
	}
	must(t, c.do(t.Context(), http.MethodPost, "/api/v1/login", map[string]string{"user": user, "password": password}, &out))
	c.token = out.Token
	return c
}

// do sends a request; out, where it is not nil, takes the answer.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	body, err := c.raw(ctx, method, path, in)
	if err != nil || out == nil {
		return err
	}
	return json.Unmarshal(body, out)
}

func (c *client) raw(ctx context.Context, method, path string, in any) ([]byte, error) {
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return nil, err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		return nil, err
	}
	if resp.StatusCode >= 300 {
		return nil, fmt.Errorf("%s %s: %d: %s", method, path, resp.StatusCode, body)
	}
	return body, nil
}

func (c *client) send(ctx context.Context, method, path string, in any) (*http.Response, error) {
	var body io.Reader
	if in != nil {
		b, err := json.Marshal(in)
		if err != nil {
			return nil, err
		}
		body = bytes.NewReader(b)
	}
	req, err := http.NewRequestWithContext(ctx, method, c.base+path, body)
	if err != nil {
		return nil, err
	}
	req.Header.Set("Content-Type", "application/json")
	if method == http.MethodPatch { // over whatever there is
		req.Header.Set("If-Match", "*")
	}
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	return http.DefaultClient.Do(req)
}

// attempts are those of a campaign, newest first.
func (c *client) attempts(t *testing.T, campaign campaigns.CampaignID) []campaigns.Attempt {
	t.Helper()
	var page struct {
		Items      []campaigns.Attempt
		NextCursor string `json:"next_cursor"`
	}
	must(t, c.do(t.Context(), http.MethodGet, "/api/v1/attempts?limit=1000&campaign="+url.QueryEscape(string(campaign)), nil, &page))
	if page.NextCursor != "" {
		t.Fatal("there are more attempts than fit on a page")
	}
	return page.Items
}

// watch keeps the states of the signed-in operator.
type watch struct {
	mu     sync.Mutex
	seen   []view
	more   chan struct{} // closed and made anew with each view
	closed error
}

// operatorStates opens the event stream; it ends with the test.
func (c *client) operatorStates(t *testing.T) *watch {
	t.Helper()
	ctx, cancel := context.WithCancel(context.Background())
	resp, err := c.send(ctx, http.MethodGet, "/api/v1/events/stream?live=0", nil)
	if err != nil || resp.StatusCode != http.StatusOK {
		cancel()
		t.Fatalf("event stream: %v %v", resp, err)
	}
	w := &watch{more: make(chan struct{})}
	var reader sync.WaitGroup
	reader.Go(func() { w.read(resp.Body) })
	t.Cleanup(func() {
		cancel()
		reader.Wait()
		resp.Body.Close()
	})
	return w
}

// read takes server-sent events (HTML standard section 9.2) to the end.
func (w *watch) read(r io.Reader) {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	event := ""
	for in.Scan() {
		field, value, _ := strings.Cut(in.Text(), ": ")
		switch {
		case field == "event":
			event = value
		case field == "data" && event == "operator":
			var v view
			if err := json.Unmarshal([]byte(value), &v); err == nil {
				w.add(v, nil)
			}
		}
	}
	w.add(view{}, fmt.Errorf("event stream closed: %v", in.Err()))
}

func (w *watch) add(v view, end error) {
	w.mu.Lock()
	defer w.mu.Unlock()
	if w.closed = end; end == nil {
		w.seen = append(w.seen, v)
	}
	close(w.more)
	w.more = make(chan struct{})
}

// all are the states so far.
func (w *watch) all() []view {
	w.mu.Lock()
	defer w.mu.Unlock()
	return w.seen
}

// after waits for a state, beginning at position from, and returns it with the
// position after it.
func (w *watch) after(ctx context.Context, from int, state string) (view, int, error) {
	for {
		w.mu.Lock()
		seen, more, closed := w.seen, w.more, w.closed
		w.mu.Unlock()
		for ; from < len(seen); from++ {
			if seen[from].State == state {
				return seen[from], from + 1, nil
			}
		}
		if closed != nil {
			return view{}, from, closed
		}
		select {
		case <-more:
		case <-ctx.Done():
			return view{}, from, fmt.Errorf("waiting for %s after %d states: %w", state, len(seen), context.Cause(ctx))
		}
	}
}
