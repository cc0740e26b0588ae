package api

import (
	"bufio"
	"context"
	"net/http"
	"net/http/httptest"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// firstEvent opens the stream, reads the first event and goes.
func (w *world) firstEvent(t *testing.T, token string) reply {
	t.Helper()
	return w.firstEvents(t, token, 1)
}

// firstEvents is the same for more of them.
func (w *world) firstEvents(t *testing.T, token string, n int) reply {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, "GET", w.URL+"/api/v1/events/stream", nil)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	res, err := w.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	var text strings.Builder
	for lines := bufio.NewScanner(res.Body); n > 0 && lines.Scan(); {
		if lines.Text() == "" {
			n--
			continue
		}
		text.WriteString(lines.Text() + "\n")
	}
	return reply{res.StatusCode, res.Header, text.String()}
}

// pipe is the answer of a stream in a bubble: what was written, and a reader
// who may stop reading.
type pipe struct {
	mu       sync.Mutex
	header   http.Header
	text     strings.Builder
	status   int
	stuck    bool
	deadline time.Time
}

func newPipe() *pipe { return &pipe{header: http.Header{}} }

func (p *pipe) Header() http.Header { return p.header }
func (p *pipe) Flush()              {}
func (p *pipe) WriteHeader(status int) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.status = status
}

func (p *pipe) SetWriteDeadline(t time.Time) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.deadline = t
	return nil
}

// Write waits for its deadline where nobody reads, as a full socket does.
func (p *pipe) Write(b []byte) (int, error) {
	p.mu.Lock()
	stuck, wait := p.stuck, time.Until(p.deadline)
	if !stuck {
		p.text.Write(b)
	}
	p.mu.Unlock()
	if stuck {
		time.Sleep(wait)
		return 0, os.ErrDeadlineExceeded
	}
	return len(b), nil
}

func (p *pipe) stopReading() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.stuck = true
}

// read takes what was written since the last time.
func (p *pipe) read() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	text := p.text.String()
	p.text.Reset()
	return text
}

// fewRecords are one user and one token.
type fewRecords struct {
	campaigns.Records
	mu   sync.Mutex
	user campaigns.User
	gone bool // the token
	hung bool // nothing is answered, until the reader gives up or five seconds are over
}

func (r *fewRecords) Token(ctx context.Context, _ string) (campaigns.Token, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.hung {
		r.mu.Unlock()
		select {
		case <-time.After(5 * time.Second):
		case <-ctx.Done():
		}
		r.mu.Lock()
		return campaigns.Token{}, context.DeadlineExceeded
	}
	if r.gone {
		return campaigns.Token{}, campaigns.ErrNotFound
	}
	return campaigns.Token{User: r.user.ID}, nil
}

func (r *fewRecords) User(context.Context, campaigns.UserID) (campaigns.User, error) {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.user, nil
}

func (r *fewRecords) UseToken(context.Context, string, time.Time) error { return nil }

func (r *fewRecords) signOut() {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.gone = true
}

// streaming runs one stream in a bubble.
type streaming struct {
	records *fewRecords
	hub     *Hub
	out     *pipe
	leave   context.CancelFunc
	done    chan struct{}
}

func stream(t *testing.T, u campaigns.User, query string) *streaming {
	t.Helper()
	s := &streaming{records: &fewRecords{user: u}, hub: NewHub(), out: newPipe(), done: make(chan struct{})}
	server := New(Config{}, Deps{Engine: &fakeEngine{}, Records: s.records, Hub: s.hub, Page: http.NotFoundHandler(), Log: zap.NewNop()})
	ctx, cancel := context.WithCancel(t.Context())
	s.leave = cancel
	r := httptest.NewRequestWithContext(ctx, "GET", "/api/v1/events/stream"+query, nil)
	r.Header.Set("Authorization", "Bearer x")
	go func() { // ends with the stream
		defer close(s.done)
		server.Handler().ServeHTTP(s.out, r)
	}()
	synctest.Wait()
	return s
}

// ended says whether the handler has returned.
func (s *streaming) ended() bool {
	synctest.Wait()
	select {
	case <-s.done:
		return true
	default:
		return false
	}
}

func changed(u campaigns.UserID, to operator.State) dialer.OperatorChanged {
	v := talking(u)
	v.State = to
	return dialer.OperatorChanged{Operator: v}
}

var olga = campaigns.User{ID: "olga", Role: campaigns.RoleOperator}

func TestStreamShowsThePresentThenChanges(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stream(t, olga, "")
		if got := s.out.read(); !strings.HasPrefix(got, "id: 1\nevent: operator\ndata: {\"user\":\"olga\",\"state\":\"talking\"") {
			t.Errorf("first event = %q, want the present state", got)
		}
		before := time.Now()
		s.hub.Notice(changed("olga", operator.Wrapping))
		synctest.Wait()
		got := s.out.read()
		if !strings.HasPrefix(got, "id: 2\nevent: operator\n") || !strings.Contains(got, `"state":"wrapping"`) || !time.Now().Equal(before) {
			t.Errorf("after a change: %q after %v, want it at once", got, time.Since(before))
		}
		if strings.Contains(got, marker[1:]) {
			t.Errorf("a full number in %q", got)
		}
		s.hub.Notice(changed("peter", operator.Ready))
		s.hub.Notice(dialer.AttemptBegan{Number: marker})
		synctest.Wait()
		if got := s.out.read(); got != "" {
			t.Errorf("what is not the operator's: %q", got)
		}
		time.Sleep(keepAlive)
		synctest.Wait()
		if got := s.out.read(); got != ": alive\n\n" {
			t.Errorf("an idle stream says %q, want a sign of life only", got)
		}
		s.leave()
		if !s.ended() || s.hub.Streams() != 0 {
			t.Errorf("the stream lives on after its request, %d known", s.hub.Streams())
		}
	})
}

// A store that does not answer neither ends a stream nor holds it up: operators go on
// talking, and must see with whom.
func TestStreamOutlivesTheStore(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stream(t, olga, "")
		set := func(hung bool) {
			s.records.mu.Lock()
			defer s.records.mu.Unlock()
			s.records.hung = hung
		}
		set(true)
		for range 3 { // a sign of life is asked for, and not answered
			time.Sleep(keepAlive)
			synctest.Wait()
			s.out.read()
			s.hub.Notice(changed("olga", operator.Talking))
			synctest.Wait()
			if got := s.out.read(); !strings.Contains(got, `"state":"talking"`) || s.ended() {
				t.Fatalf("while the store does not answer: %q, ended %v", got, s.ended())
			}
		}
		time.Sleep(6 * time.Second)
		set(false)
		s.records.signOut()
		time.Sleep(keepAlive)
		if !s.ended() {
			t.Error("who signed out reads on when the store is back")
		}
		s.leave()
	})
	synctest.Test(t, func(t *testing.T) {
		s := stream(t, olga, "")
		s.records.mu.Lock()
		s.records.hung = true
		s.records.mu.Unlock()
		time.Sleep(keepAlive)
		synctest.Wait()
		s.leave() // in the middle of a question
		if !s.ended() {
			t.Error("a stream without a reader waits for the store")
		}
	})
}

func TestStreamOfManagers(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		mia := campaigns.User{ID: "mia", Role: campaigns.RoleManager}
		s := stream(t, mia, "")
		defer func() { s.leave(); <-s.done }()
		if got := s.out.read(); strings.Count(got, "event: live\n") != 1 || strings.Contains(got, marker[1:]) {
			t.Errorf("first events = %q, want one live state without full numbers", got)
		}
		time.Sleep(2 * time.Second)
		synctest.Wait()
		if got := strings.Count(s.out.read(), "event: live\n"); got != 4 {
			t.Errorf("live states in 2 s = %d, want 4", got)
		}
	})
	synctest.Test(t, func(t *testing.T) {
		s := stream(t, campaigns.User{ID: "max", Role: campaigns.RoleManager, SeesNumbers: true}, "?live=0")
		defer func() { s.leave(); <-s.done }()
		if got := s.out.read(); strings.Contains(got, "event: live") || !strings.Contains(got, marker) {
			t.Errorf("without live: %q", got)
		}
	})
}

// TestSlowReader has a reader who stops reading: the hub forgets them when the
// buffer is full, and the handler ends when the write is out of time.
func TestSlowReader(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stream(t, olga, "")
		s.out.stopReading()
		start := time.Now()
		for range streamBuffer + 1 { // one is being written
			s.hub.Notice(changed("olga", operator.Ready))
			synctest.Wait()
		}
		if s.hub.Streams() != 1 || s.hub.Cut() != 0 {
			t.Fatalf("cut off with a buffer that is just full: %d streams, %d cut", s.hub.Streams(), s.hub.Cut())
		}
		s.hub.Notice(changed("olga", operator.Ready))
		if s.hub.Streams() != 0 || s.hub.Cut() != 1 {
			t.Errorf("streams = %d, cut = %d, want 0 and 1", s.hub.Streams(), s.hub.Cut())
		}
		if took := time.Since(start); took != 0 {
			t.Errorf("telling a slow reader held the engine for %v", took)
		}
		<-s.done
		if took := time.Since(start); took > writeWithin {
			t.Errorf("the handler ended after %v, want %v at most", took, writeWithin)
		}
		s.leave()
	})
}

func TestSigningOutEndsTheStream(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		s := stream(t, olga, "")
		defer s.leave()
		s.records.signOut()
		if s.ended() {
			t.Fatal("ended before it was asked")
		}
		time.Sleep(keepAlive)
		if !s.ended() {
			t.Error("the stream lives on without its token")
		}
	})
}
