package api

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// Hub passes notices on to event streams. A slow reader is cut off, never
// buffered without end: it comes back and gets the present state first.
type Hub struct {
	mu      sync.Mutex
	streams map[campaigns.UserID]map[*subscriber]struct{}
	open    int
	seq     uint64      // of the last event
	past    []pastEvent // the last of them, oldest first
	epoch   string      // of this process: numbers of another one mean nothing here
	cut     atomic.Uint64
	book    dayBook
}

type subscriber struct {
	user   campaigns.User
	events chan event
	gone   chan struct{}
}

// event is what a stream tells its reader: what they do, or what their phone does.
type event struct {
	seq      uint64
	operator dialer.OperatorView
	phone    *Phone // nil: operator is meant
}

// pastEvent is an event that a stream which was lost for a moment may ask for.
type pastEvent struct {
	user campaigns.UserID
	event
}

// pastEvents is how many are remembered: some seconds of a large floor.
const pastEvents = 1024

// streamBuffer is how many events a stream may lag behind.
const streamBuffer = 64

// NewHub returns a hub without streams.
func NewHub() *Hub {
	return &Hub{streams: map[campaigns.UserID]map[*subscriber]struct{}{}, epoch: rand.Text()}
}

// Notice passes an operator's change on to that operator's streams. It returns
// at once.
func (h *Hub) Notice(n dialer.Notice) {
	h.book.notice(n)
	if changed, ok := n.(dialer.OperatorChanged); ok {
		h.pass(changed.Operator.User, event{operator: changed.Operator})
	}
}

// PhoneChanged passes on what a user's phone is now, to their own streams: a page whose
// session is another one sees that it was taken over.
func (h *Hub) PhoneChanged(user campaigns.UserID, p Phone) { h.pass(user, event{phone: &p}) }

func (h *Hub) pass(user campaigns.UserID, ev event) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.seq++
	ev.seq = h.seq
	if len(h.past) >= 2*pastEvents {
		h.past = append(h.past[:0], h.past[len(h.past)-pastEvents:]...)
	}
	h.past = append(h.past, pastEvent{user, ev})
	for sub := range h.streams[user] {
		select {
		case sub.events <- ev:
		default:
			h.forget(sub)
			close(sub.gone)
			h.cut.Add(1)
		}
	}
}

// Streams is how many are open; Cut is how many were cut off so far.
func (h *Hub) Streams() int {
	h.mu.Lock()
	defer h.mu.Unlock()
	return h.open
}

// Cut counts the streams that were too slow.
func (h *Hub) Cut() uint64 { return h.cut.Load() }

func (h *Hub) subscribe(u campaigns.User) *subscriber {
	sub, _, _ := h.resume(u, "")
	return sub
}

func (h *Hub) unsubscribe(sub *subscriber) {
	h.mu.Lock()
	defer h.mu.Unlock()
	h.forget(sub)
}

func (h *Hub) forget(sub *subscriber) {
	mine := h.streams[sub.user.ID]
	if _, there := mine[sub]; !there {
		return
	}
	h.open--
	delete(mine, sub)
	if len(mine) == 0 {
		delete(h.streams, sub.user.ID)
	}
}

// resume opens a stream. seq is of the last event before it. missed are the user's events
// since a cursor; nil where that is not known any more, or never was.
func (h *Hub) resume(u campaigns.User, cursor string) (sub *subscriber, seq uint64, missed []event) {
	sub = &subscriber{user: u, events: make(chan event, streamBuffer), gone: make(chan struct{})}
	h.mu.Lock()
	defer h.mu.Unlock()
	if h.streams[u.ID] == nil {
		h.streams[u.ID] = map[*subscriber]struct{}{}
	}
	h.streams[u.ID][sub] = struct{}{}
	h.open++
	epoch, text, _ := strings.Cut(cursor, "-")
	from, err := strconv.ParseUint(text, 10, 64)
	first := h.seq + 1
	if len(h.past) > 0 {
		first = h.past[0].seq
	}
	if epoch != h.epoch || err != nil || from+1 < first || from > h.seq {
		return sub, h.seq, nil
	}
	missed = []event{}
	for _, p := range h.past {
		if p.user == u.ID && p.seq > from {
			missed = append(missed, p.event)
		}
	}
	return sub, h.seq, missed
}

// cursor names a place among the events of this process.
func (h *Hub) cursor(seq uint64) string { return h.epoch + "-" + strconv.FormatUint(seq, 10) }

// streamParameters describe what the stream is asked with.
var streamParameters = []*huma.Param{
	{Name: "topics", In: "query", Description: "operator, phone and, for managers, live, with commas between", Schema: &huma.Schema{Type: huma.TypeString}},
	{Name: "live", In: "query", Description: "without topics: 0 leaves live out", Schema: &huma.Schema{Type: huma.TypeString}},
	{Name: "Last-Event-ID", In: "header", Description: "with topics: the id of the last event that was read", Schema: &huma.Schema{Type: huma.TypeString}},
}

// livePeriod is how often managers get the live state.
const livePeriod = 500 * time.Millisecond

// keepAlive keeps proxies from closing an idle stream.
const keepAlive = 15 * time.Second

// stream is the server-sent event stream: `operator` and `phone` events of the signed-in
// operator at once; `live` snapshots at 2 Hz for managers.
func (s *Server) stream(w http.ResponseWriter, r *http.Request) {
	header := r.Header.Get("Authorization")
	by, status := s.whoIs(r.Context(), header, anyone)
	if status != http.StatusOK {
		refuse(w, status, denial(status))
		return
	}
	if r.Method == http.MethodHead { // which has no body to stream
		w.Header().Set("Content-Type", "text/event-stream")
		return
	}
	if r.URL.Query().Has("topics") {
		s.streamTopics(w, r, by, header)
		return
	}
	out := &eventWriter{w: w, flush: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "text/event-stream")
	w.Header().Set("Cache-Control", "no-store")
	sub := s.hub.subscribe(by.User)
	defer s.hub.unsubscribe(sub)
	if v, err := s.engine.Operator(r.Context(), by.ID); err == nil {
		out.send("operator", masked(v, by.User))
		if s.phones != nil {
			out.send("phone", s.phones.Phone(by.ID, v.Leg))
		}
	}
	s.follow(r, by.User, sub, out, s.mayRead(header))
}

// follow writes events until the reader goes, is too slow, or may no longer
// read: allowed is asked with each sign of life, beside it, because a store that does
// not answer must not hold up what an operator is to see.
func (s *Server) follow(r *http.Request, u campaigns.User, sub *subscriber, out *eventWriter, allowed func(context.Context) bool) {
	var asking sync.WaitGroup
	defer asking.Wait()
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	var answer chan bool // nil: nothing is asked
	var live <-chan time.Time
	if u.May(campaigns.RightLive) && r.URL.Query().Get("live") != "0" {
		t := time.NewTicker(livePeriod)
		defer t.Stop()
		live = t.C
		s.sendLive(r, u, out)
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	for out.err == nil {
		select {
		case ev := <-sub.events:
			if ev.phone != nil {
				out.send("phone", ev.phone)
				continue
			}
			out.send("operator", masked(ev.operator, u))
		case <-live:
			s.sendLive(r, u, out)
		case <-alive.C:
			out.comment()
			if answer == nil {
				asked := make(chan bool, 1)
				asking.Go(func() { asked <- allowed(ctx) })
				answer = asked
			}
		case may := <-answer:
			if !may { // signed out, or disabled
				return
			}
			answer = nil
		case <-sub.gone:
			return
		case <-r.Context().Done():
			return
		}
	}
}

func (s *Server) sendLive(r *http.Request, u campaigns.User, out *eventWriter) {
	if now, err := s.live(r.Context(), u); err == nil {
		out.send("live", now)
	}
}

// writeWithin is how long one event may take to leave: a reader that does not
// read holds no goroutine for longer.
const writeWithin = 10 * time.Second

// eventWriter writes one event after another; the first error ends it.
type eventWriter struct {
	w     http.ResponseWriter
	flush *http.ResponseController
	seq   uint64
	err   error
}

func (e *eventWriter) send(name string, v any) {
	b, err := json.Marshal(v)
	if err != nil {
		e.err = err
		return
	}
	e.seq++
	e.write(fmt.Sprintf("id: %d\nevent: %s\ndata: %s\n\n", e.seq, name, b))
}

func (e *eventWriter) comment() { e.write(": alive\n\n") }

func (e *eventWriter) write(text string) {
	if e.err != nil {
		return
	}
	_ = e.flush.SetWriteDeadline(time.Now().Add(writeWithin)) // not every server can; then TCP decides
	if _, e.err = io.WriteString(e.w, text); e.err == nil {
		e.err = e.flush.Flush()
	}
}
