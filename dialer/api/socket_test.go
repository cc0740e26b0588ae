package api

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"

	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// gotMessage is a message as a reader sees it.
type gotMessage struct {
	Topic, Kind, Cursor string
	Seq                 uint64
	Data                map[string]any
}

// socket opens a stream and subscribes.
func (w *world) socket(t *testing.T, sub subscription, header http.Header) *websocket.Conn {
	t.Helper()
	c, _, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.URL, "http")+"/api/v1/events", &websocket.DialOptions{HTTPHeader: header})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { c.CloseNow() })
	c.SetReadLimit(1 << 20)
	if err := wsjson.Write(t.Context(), c, sub); err != nil {
		t.Fatal(err)
	}
	return c
}

func next(t *testing.T, c *websocket.Conn) gotMessage {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	var m gotMessage
	if err := wsjson.Read(ctx, c, &m); err != nil {
		t.Fatal(err)
	}
	return m
}

func (w *world) notice(state operator.State, number string) {
	v := talking("olga")
	v.State, v.Number = state, number
	w.hub.Notice(dialer.OperatorChanged{Operator: v})
}

func TestSocketRights(t *testing.T) {
	w := newWorld(t)
	for name, c := range map[string]struct {
		sub  subscription
		want websocket.StatusCode
	}{
		"nobody":              {subscription{Topics: []string{"operator"}}, 4401},
		"a wrong token":       {subscription{Token: "dlr_wrong", Topics: []string{"operator"}}, 4401},
		"the floor, operator": {subscription{Token: w.tokens["olga"], Topics: []string{"live"}}, 4403},
		"an unknown topic":    {subscription{Token: w.tokens["mia"], Topics: []string{"secrets"}}, 4403},
		"no topic":            {subscription{Token: w.tokens["mia"]}, 4403},
	} {
		conn := w.socket(t, c.sub, nil)
		_, _, err := conn.Read(t.Context())
		if got := websocket.CloseStatus(err); got != c.want {
			t.Errorf("%s: closed with %d (%v), want %d", name, got, err, c.want)
		}
	}
	_, answer, err := websocket.Dial(t.Context(), "ws"+strings.TrimPrefix(w.URL, "http")+"/api/v1/events", &websocket.DialOptions{HTTPHeader: http.Header{"Origin": {"https://evil.example"}}})
	if err == nil || answer == nil || answer.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin: %v, %v; want 403", answer, err)
	}
}

// TestSocketResumes sees the present state, what changes, and after a break only what
// was missed.
func TestSocketResumes(t *testing.T) {
	w := newWorld(t)
	c := w.socket(t, subscription{Token: w.tokens["olga"], Topics: []string{"operator"}}, nil)
	first := next(t, c)
	if first.Topic != "operator" || first.Kind != "snapshot" || first.Seq != 1 {
		t.Fatalf("first = %+v", first)
	}
	w.notice(operator.Paused, marker)
	second := next(t, c)
	if second.Kind != "delta" || second.Seq != 2 || second.Data["state"] != "paused" || second.Data["number"] == marker {
		t.Fatalf("second = %+v; want paused, with a masked number", second)
	}
	c.CloseNow()
	w.notice(operator.Ready, marker)
	w.notice(operator.Talking, marker)
	again := w.socket(t, subscription{Token: w.tokens["olga"], Topics: []string{"operator"}, ResumeFrom: second.Cursor}, nil)
	for _, want := range []string{"ready", "talking"} {
		m := next(t, again)
		if m.Kind != "delta" || m.Data["state"] != want {
			t.Errorf("resumed with %+v, want %s", m, want)
		}
		if want == "ready" { // and is lost again
			amid := w.socket(t, subscription{Token: w.tokens["olga"], Topics: []string{"operator"}, ResumeFrom: m.Cursor}, nil)
			if m := next(t, amid); m.Kind != "delta" || m.Data["state"] != "talking" {
				t.Errorf("resumed amid what was missed with %+v, want talking", m)
			}
		}
	}
	other := w.socket(t, subscription{Token: w.tokens["olga"], Topics: []string{"operator"}, ResumeFrom: "otherprocess-7"}, nil)
	if m := next(t, other); m.Kind != "snapshot" {
		t.Errorf("after a restart: %+v, want a snapshot", m)
	}
}

func TestSocketShowsTheFloor(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	c := w.socket(t, subscription{Topics: []string{"live"}}, http.Header{"Authorization": {"Bearer " + w.tokens["mia"]}})
	if m := next(t, c); m.Topic != "live" || m.Kind != "snapshot" {
		t.Errorf("first = %+v", m)
	}
}

// TestStreamOfTopics is the same over server-sent events.
func TestStreamOfTopics(t *testing.T) {
	w := newWorld(t)
	ctx, cancel := context.WithCancel(t.Context())
	defer cancel()
	r := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/events/stream?topics=live", nil)
	r.Header.Set("Authorization", "Bearer "+w.tokens["olga"])
	out := httptest.NewRecorder()
	w.api.Handler().ServeHTTP(out, r)
	if out.Code != http.StatusForbidden {
		t.Errorf("the floor for an operator: %d", out.Code)
	}
	q, err := http.NewRequestWithContext(ctx, "GET", w.URL+"/api/v1/events/stream?topics=operator", nil)
	if err != nil {
		t.Fatal(err)
	}
	q.Header.Set("Authorization", "Bearer "+w.tokens["olga"])
	answer, err := http.DefaultClient.Do(q)
	if err != nil {
		t.Fatal(err)
	}
	defer http.DefaultClient.CloseIdleConnections()
	defer answer.Body.Close()
	text := make([]byte, 1024)
	n, err := answer.Body.Read(text)
	if err != nil || !strings.Contains(string(text[:n]), "id: "+w.hub.epoch) || !strings.Contains(string(text[:n]), `"kind":"snapshot"`) {
		t.Errorf("%v, %s", err, text[:n])
	}
}

func TestDeltaOfTheFloor(t *testing.T) {
	var sent liveSent
	one, two := dialer.OperatorView{User: "ann", State: operator.Ready}, dialer.OperatorView{User: "bob", State: operator.Ready}
	at := func(all ...dialer.OperatorView) live { return live{Snapshot: dialer.Snapshot{Operators: all}} }
	if d, changed := sent.delta(at(one, two)); !changed || len(d.Operators) != 2 {
		t.Errorf("at first: %+v", d)
	}
	if d, changed := sent.delta(at(one, two)); changed {
		t.Errorf("nothing changed: %+v", d)
	}
	two.State = operator.Talking
	if d, changed := sent.delta(at(one, two)); !changed || len(d.Operators) != 1 || !strings.Contains(string(d.Operators[0]), "bob") {
		t.Errorf("bob talks: %+v", d)
	}
	if d, changed := sent.delta(at(two)); !changed || len(d.Operators) != 0 || len(d.OperatorsGone) != 1 || d.OperatorsGone[0] != "ann" {
		t.Errorf("ann went: %+v", d)
	}
}
