package operators

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"time"
)

// requestTime bounds every request but the event stream.
const requestTime = 5 * time.Second

// state is what the API says about an operator.
type state struct {
	User      string    `json:"user"`
	State     string    `json:"state"`
	Reason    string    `json:"reason"`
	Attempt   string    `json:"attempt"`
	CallID    string    `json:"call_id"`
	Number    string    `json:"number"`
	VerdictAt timestamp `json:"verdict_at"`
	BridgedAt timestamp `json:"bridged_at"`
}

// timestamp is an RFC 3339 time that may be empty.
type timestamp struct{ time.Time }

// UnmarshalJSON takes null and "" as no time.
func (t *timestamp) UnmarshalJSON(b []byte) error {
	if s := string(b); s == "null" || s == `""` {
		return nil
	}
	return t.Time.UnmarshalJSON(b)
}

// apiError is a response of the API that is no success.
type apiError struct {
	Status int
	Body   string
}

func (e *apiError) Error() string { return fmt.Sprintf("%d: %s", e.Status, e.Body) }

// client speaks the public API for one operator.
type client struct {
	http  *http.Client
	base  string
	user  Credential
	token atomic.Pointer[string]
}

// do sends a request and decodes the answer into out where that is not nil. A
// refused token is renewed once.
func (c *client) do(ctx context.Context, method, path string, in, out any) error {
	err := c.once(ctx, method, path, in, out)
	if e, ok := err.(*apiError); ok && e.Status == http.StatusUnauthorized {
		if err := c.login(ctx); err != nil {
			return err
		}
		err = c.once(ctx, method, path, in, out)
	}
	return err
}

func (c *client) login(ctx context.Context) error {
	var out struct {
		Token string `json:"token"`
	}
	in := map[string]string{"user": c.user.User, "password": c.user.Password}
	if err := c.once(ctx, http.MethodPost, "/api/v1/login", in, &out); err != nil {
		return fmt.Errorf("login: %w", err)
	}
	c.token.Store(&out.Token)
	return nil
}

func (c *client) once(ctx context.Context, method, path string, in, out any) error {
	ctx, cancel := context.WithTimeout(ctx, requestTime)
	defer cancel()
	resp, err := c.send(ctx, method, path, in)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	body, err := io.ReadAll(io.LimitReader(resp.Body, 1<<20))
	if err != nil {
		return err
	}
	if resp.StatusCode >= 300 {
		return &apiError{resp.StatusCode, strings.TrimSpace(string(body[:min(len(body), 300)]))}
	}
	if out == nil {
		return nil
	}
	return json.Unmarshal(body, out)
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
	req, err := http.NewRequestWithContext(ctx, method, strings.TrimRight(c.base, "/")+path, body)
	if err != nil {
		return nil, err
	}
	if in != nil {
		req.Header.Set("Content-Type", "application/json")
	}
	if token := c.token.Load(); token != nil {
		req.Header.Set("Authorization", "Bearer "+*token)
	}
	return c.http.Do(req)
}

// stream passes the operator's states to tell until ctx ends: the present one
// first, then each change. It signs in and connects again by itself; every
// break is told to broken.
func (c *client) stream(ctx context.Context, tell func(state), broken func(error)) {
	for ctx.Err() == nil {
		err := c.follow(ctx, tell)
		if ctx.Err() != nil {
			return
		}
		broken(err)
		select {
		case <-time.After(500 * time.Millisecond):
		case <-ctx.Done():
		}
	}
}

func (c *client) follow(ctx context.Context, tell func(state)) error {
	if c.token.Load() == nil {
		if err := c.login(ctx); err != nil {
			return err
		}
	}
	resp, err := c.send(ctx, http.MethodGet, "/api/v1/events/stream", nil)
	if err != nil {
		return err
	}
	defer resp.Body.Close() //nolint:errcheck // only read
	if resp.StatusCode != http.StatusOK {
		c.token.Store(nil)
		return &apiError{resp.StatusCode, "event stream"}
	}
	// Changes from here on are in the stream; what was before is asked for.
	var now state
	if err := c.do(ctx, http.MethodGet, "/api/v1/operator", nil, &now); err != nil {
		return err
	}
	tell(now)
	return readEvents(resp.Body, func(event, data string) error {
		var s state
		if event != "operator" {
			return nil
		}
		if err := json.Unmarshal([]byte(data), &s); err != nil {
			return fmt.Errorf("event %q: %w", data, err)
		}
		if s.User == "" || s.User == c.user.User {
			tell(s)
		}
		return nil
	})
}

// readEvents reads server-sent events (HTML standard section 9.2) to the end.
func readEvents(r io.Reader, take func(event, data string) error) error {
	in := bufio.NewScanner(r)
	in.Buffer(nil, 1<<20)
	event, data := "", ""
	for in.Scan() {
		field, value, _ := strings.Cut(in.Text(), ":")
		value = strings.TrimPrefix(value, " ")
		switch {
		case in.Text() == "":
			if data != "" {
				if err := take(event, data); err != nil {
					return err
				}
			}
			event, data = "", ""
		case field == "event":
			event = value
		case field == "data":
			data += value
		}
	}
	if err := in.Err(); err != nil {
		return err
	}
	return io.ErrUnexpectedEOF
}
