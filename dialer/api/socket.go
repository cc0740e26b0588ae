package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"sync/atomic"
	"time"

	"github.com/coder/websocket"
	"github.com/coder/websocket/wsjson"
)

var (
	errTooSlow    = errors.New("the reader is too slow")
	errNotAllowed = errors.New("the reader may not read any more")
)

// subscription is the first message of a reader.
type subscription struct {
	// Token signs in whoever cannot send a header: pages.
	Token      string   `json:"token,omitempty"`
	Topics     []string `json:"topics"`
	ResumeFrom string   `json:"resume_from,omitempty"` // cursor of the last message that was read
}

const (
	subscribeWithin = 10 * time.Second
	subscribeBytes  = 4 << 10
	pongWithin      = 10 * time.Second
)

// socket is the event stream on a WebSocket. The reader says once what they want; what
// they do goes over HTTP, where it has an answer and is audited. Pages of other origins
// are refused.
func (s *Server) socket(w http.ResponseWriter, r *http.Request) {
	c, err := websocket.Accept(w, r, nil)
	if err != nil {
		return // it has answered
	}
	defer c.CloseNow()
	c.SetReadLimit(subscribeBytes)
	sub, err := readSubscription(r.Context(), c)
	if err != nil {
		_ = c.Close(websocket.StatusPolicyViolation, "subscribe first")
		return
	}
	header := r.Header.Get("Authorization")
	if header == "" {
		header = "Bearer " + sub.Token
	}
	by, status := s.whoIs(r.Context(), header, anyone)
	if status != http.StatusOK {
		_ = c.Close(websocket.StatusCode(4000+status), denial(status))
		return
	}
	topics, ok := topicsOf(sub.Topics, by.User)
	if !ok {
		_ = c.Close(4000+http.StatusForbidden, "topics: operator, phone, and live for managers")
		return
	}
	ctx := c.CloseRead(r.Context()) // whoever says more is closed
	f := &feed{s: s, user: by.User, topics: topics, resume: sub.ResumeFrom, allowed: s.mayRead(header),
		send: func(m feedMessage) error {
			ctx, cancel := context.WithTimeout(ctx, writeWithin)
			defer cancel()
			return wsjson.Write(ctx, c, m)
		},
		ping: func(ctx context.Context) error {
			ctx, cancel := context.WithTimeout(ctx, pongWithin)
			defer cancel()
			return c.Ping(ctx)
		},
	}
	switch err := f.run(ctx); {
	case errors.Is(err, errTooSlow):
		_ = c.Close(websocket.StatusTryAgainLater, err.Error())
	case errors.Is(err, errNotAllowed):
		_ = c.Close(4000+http.StatusUnauthorized, err.Error())
	}
}

func readSubscription(ctx context.Context, c *websocket.Conn) (subscription, error) {
	ctx, cancel := context.WithTimeout(ctx, subscribeWithin)
	defer cancel()
	var sub subscription
	err := wsjson.Read(ctx, c, &sub)
	return sub, err
}

// mayRead asks again whether a token lets its user read.
func (s *Server) mayRead(header string) func(context.Context) bool {
	return func(ctx context.Context) bool {
		_, status := s.whoIs(ctx, header, anyone)
		return status == http.StatusOK || status == http.StatusServiceUnavailable // the store is gone, and calls go on
	}
}

// streamTopics is the same feed as server-sent events: the id of an event is its cursor.
func (s *Server) streamTopics(w http.ResponseWriter, r *http.Request, by caller, header string) {
	topics, ok := topicsOf(strings.Split(r.URL.Query().Get("topics"), ","), by.User)
	if !ok {
		refuse(w, http.StatusForbidden, "topics: operator, phone, and live for managers")
		return
	}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	out := &eventWriter{w: w, flush: http.NewResponseController(w)}
	var comment atomic.Bool // a sign of life is due: only one goroutine writes
	f := &feed{s: s, user: by.User, topics: topics, resume: r.Header.Get("Last-Event-ID"), allowed: s.mayRead(header),
		send: func(m feedMessage) error {
			text, err := json.Marshal(m)
			if err == nil {
				out.write("id: " + m.Cursor + "\nevent: " + m.Topic + "\ndata: " + string(text) + "\n\n")
				err = out.err
			}
			return err
		},
		ping: func(context.Context) error { comment.Store(true); return nil },
		idle: func() error {
			if comment.Swap(false) {
				out.comment()
			}
			return out.err
		},
	}
	_ = f.run(r.Context())
}
