package e2e

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/outpace-dialer/outpace/test/testbed"
)

// readRoute is a GET of the API's description with what may stand in its place-holders
// and after it; more of either are more requests.
type readRoute struct {
	path    string
	ids     []string
	queries []string
}

// notRead are streams, what leads away from the product, and forecasts, which take seconds
// and are read once.
var notRead = []string{
	"/api/v1/events", "/api/v1/events/stream", "/api/v1/campaigns/{id}/forecast",
	"/api/v1/login/oidc", "/api/v1/login/oidc/callback", "/api/v1/logout/oidc",
}

// readRoutes are all of them, so that a new route is read as soon as it is described.
func readRoutes(t *testing.T, ids, queries map[string][]string) []readRoute {
	t.Helper()
	text, err := os.ReadFile("../../dialer/api/openapi.json")
	must(t, err)
	var described struct{ Paths map[string]map[string]any }
	must(t, json.Unmarshal(text, &described))
	var all []readRoute
	for path, methods := range described.Paths {
		if _, is := methods["get"]; !is || slices.Contains(notRead, path) {
			continue
		}
		r := readRoute{path: path, ids: ids[path], queries: queries[path]}
		if len(r.queries) == 0 {
			r.queries = []string{""}
		}
		if !strings.Contains(path, "{") {
			r.ids = []string{""}
		}
		if len(r.ids) == 0 {
			t.Errorf("%s: nothing to read it with", path)
		}
		all = append(all, r)
	}
	return all
}

// readAll reads everything that there is for c, page by page. It returns what was
// answered, by request, errors too, and how many requests were answered with 200.
func (c *client) readAll(t *testing.T, routes []readRoute) (answers map[string]string, good int) {
	t.Helper()
	answers = map[string]string{}
	for _, r := range routes {
		for _, id := range r.ids {
			path := r.path
			if before, rest, ok := strings.Cut(path, "{"); ok {
				_, after, _ := strings.Cut(rest, "}")
				path = before + url.PathEscape(id) + after
			}
			for _, q := range r.queries {
				good += c.readPages(t, path, q, answers)
			}
		}
	}
	return answers, good
}

func (c *client) readPages(t *testing.T, path, query string, answers map[string]string) (good int) {
	t.Helper()
	for cursor := ""; ; {
		at := path + "?" + query
		if cursor != "" {
			at += "&cursor=" + cursor
		}
		status, header, body := c.read(t, at)
		answers[at] = header + body
		if status == http.StatusTooManyRequests || status >= 500 {
			t.Errorf("%s for %s: %d: %s", at, c.user, status, body)
		}
		if status != http.StatusOK {
			return good
		}
		good++
		var page struct {
			NextCursor string `json:"next_cursor"`
		}
		if json.Unmarshal([]byte(body), &page) != nil || page.NextCursor == "" { // not every answer is a page, or JSON
			return good
		}
		cursor = page.NextCursor
	}
}

// read is the answer to a GET, of a recording without its sound.
func (c *client) read(t *testing.T, at string) (status int, header, body string) {
	t.Helper()
	resp, err := c.send(t.Context(), http.MethodGet, at, nil)
	must(t, err)
	defer resp.Body.Close()
	var h strings.Builder
	must(t, resp.Header.Write(&h))
	if resp.Header.Get("Content-Type") == "audio/wav" {
		return resp.StatusCode, h.String(), ""
	}
	b, err := io.ReadAll(resp.Body)
	must(t, err)
	return resp.StatusCode, h.String(), string(b)
}

// listen keeps what the event streams tell c until the test is over: by WebSocket, and as
// server-sent events in both their forms.
func (c *client) listen(t *testing.T, topics ...string) map[string]*testbed.Lines {
	t.Helper()
	told := map[string]*testbed.Lines{"as WebSocket": {}, "with topics": {}, "without topics": {}}
	ctx, cancel := context.WithCancel(context.Background())
	var readers sync.WaitGroup
	t.Cleanup(func() { cancel(); readers.Wait() })
	for form, query := range map[string]string{"with topics": "?topics=" + strings.Join(topics, ","), "without topics": ""} {
		resp, err := c.send(ctx, http.MethodGet, "/api/v1/events/stream"+query, nil)
		must(t, err)
		if resp.StatusCode != http.StatusOK {
			t.Fatalf("stream %s for %s: %s", form, c.user, resp.Status)
		}
		readers.Go(func() {
			defer resp.Body.Close()
			_, _ = io.Copy(told[form], bufio.NewReader(resp.Body)) // it ends with the product, or with the test
		})
	}
	ws, _, err := websocket.Dial(ctx, strings.Replace(c.base, "http", "ws", 1)+"/api/v1/events", nil)
	must(t, err)
	ws.SetReadLimit(1 << 20)
	must(t, wsjson.Write(ctx, ws, map[string]any{"token": c.token, "topics": topics}))
	readers.Go(func() {
		defer ws.CloseNow()
		for {
			_, message, err := ws.Read(ctx)
			if err != nil {
				return // as above
			}
			fmt.Fprintf(told["as WebSocket"], "%s\n", message)
		}
	})
	return told
}

// toldAll is somebody who is told by webhooks, at one URL with numbers and at one
// without. What they are told at a third they do not take.
type toldAll struct {
	*httptest.Server
	mu sync.Mutex
	at map[string]*testbed.Lines // by path
}

func newToldAll(t *testing.T, boss *client) *toldAll {
	t.Helper()
	r := &toldAll{at: map[string]*testbed.Lines{"/masked": {}, "/whole": {}, "/refusing": {}}}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		body, err := io.ReadAll(q.Body)
		var header strings.Builder
		if err == nil {
			err = q.Header.Write(&header)
		}
		if q.URL.Path == "/refusing" || err != nil {
			w.WriteHeader(http.StatusInternalServerError)
		}
		fmt.Fprintf(r.at[q.URL.Path], "%s%s\n", &header, body)
	}))
	t.Cleanup(r.Close)
	for path := range r.at {
		must(t, boss.do(t.Context(), http.MethodPut, "/api/v1/webhooks"+path, map[string]any{"url": r.URL + path, "numbers": path == "/whole"}, nil))
	}
	return r
}

// wants waits until something was told at a URL.
func (r *toldAll) wants(t *testing.T, path string, types ...string) string {
	t.Helper()
	for _, kind := range types {
		eventually(t, 30*time.Second, "told of "+kind, func() (bool, any) {
			return r.at[path].Count(`"type":"`+kind+`"`) > 0, r.at[path].Count(`"type":`)
		})
	}
	return r.at[path].String()
}
