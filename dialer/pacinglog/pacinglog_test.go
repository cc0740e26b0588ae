package pacinglog

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"iter"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// chunkStore keeps chunks in memory. It fails and waits on request.
type chunkStore struct {
	campaigns.PacingRecords // what else there is, is not asked for

	mu     sync.Mutex
	chunks []campaigns.PacingChunk
	pruned time.Time
	err    error
	wait   chan struct{} // writing waits for its end, where there is one
}

func (s *chunkStore) AppendPacingLog(_ context.Context, c campaigns.PacingChunk) error {
	if s.wait != nil {
		<-s.wait
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.err == nil {
		s.chunks = append(s.chunks, c)
	}
	return s.err
}

func (s *chunkStore) PacingLog(context.Context, campaigns.CampaignID, time.Time, time.Time) iter.Seq2[campaigns.PacingChunk, error] {
	s.mu.Lock()
	defer s.mu.Unlock()
	chunks := s.chunks
	return func(yield func(campaigns.PacingChunk, error) bool) {
		for _, c := range chunks {
			if !yield(c, nil) {
				return
			}
		}
	}
}

func (s *chunkStore) PrunePacingLog(_ context.Context, before time.Time) (int, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.pruned = before
	return 0, nil
}

func (s *chunkStore) fail(err error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.err = err
}

// inLog runs a test with a log that writes to a store of memory.
func inLog(t *testing.T, store *chunkStore, test func(t *testing.T, l *Log)) {
	t.Helper()
	synctest.Test(t, func(t *testing.T) {
		l := New(Config{Store: store, Node: "n1", Keep: 24 * time.Hour, Log: zap.NewNop()})
		ctx, cancel := context.WithCancel(t.Context())
		go l.Run(ctx) // ends with cancel
		test(t, l)
		cancel()
		<-l.ended
	})
}

// replay reads the log as the API would.
func replay(t *testing.T, l *Log) eventlog.Report {
	t.Helper()
	var text bytes.Buffer
	for c, err := range l.PacingLog(t.Context(), "c", time.Time{}, time.Time{}) {
		if err != nil {
			t.Fatal(err)
		}
		if _, err := c.WriteTo(&text); err != nil {
			t.Fatal(err)
		}
	}
	report, err := eventlog.Replay(eventlog.NewReader(&text).All(), pacing.New)
	if err != nil {
		t.Fatal(err)
	}
	return report
}

// pace asks a controller once a second.
func pace(c pacing.Controller, times int) {
	for i := range times {
		time.Sleep(time.Second) // the bubble's clock
		c.Observe(time.Now(), pacing.Operator{ID: fmt.Sprint("o", i%7), State: pacing.Ready})
		c.Decide(time.Now(), pacing.View{Room: 5, Records: []pacing.Record{{Segment: "hot"}}})
	}
}

var predictive = pacing.Settings{Mode: pacing.Predictive}

// What is read is whole up to the last decision, and replays exactly, whatever
// the chunks are.
func TestPacingLogReplays(t *testing.T) {
	store := &chunkStore{}
	inLog(t, store, func(t *testing.T, l *Log) {
		c := l.Controller("c", predictive, time.Now())
		pace(c, 1000)
		if got, want := replay(t, l), (eventlog.Report{Runs: 1, Decisions: 1000}); got.Decisions != want.Decisions || got.Different+got.Gaps+got.Skipped > 0 || got.Runs != 1 {
			t.Errorf("report %+v, want %+v", got, want)
		}
		pace(c, 1)
		if got := replay(t, l).Decisions; got != 1001 {
			t.Errorf("%d decisions, want 1001", got)
		}
	})
	if n := len(store.chunks); n < 1000/60 {
		t.Errorf("%d chunks in 1000 s, want one a minute", n)
	}
	lines := 0
	for i, c := range store.chunks {
		lines += c.Lines
		if c.Seq != i+1 || c.Campaign != "c" || c.Node != "n1" || c.To.Before(c.From) || c.To.Sub(c.From) > chunkTime+5*time.Second {
			t.Errorf("chunk %d = %+v", i, c)
		}
	}
	if lines != 1002 {
		t.Errorf("%d lines, want 1002", lines)
	}
	if want := store.chunks[0].From.Add(-24 * time.Hour); store.pruned.Before(want) {
		t.Errorf("pruned up to %v, want at least %v", store.pruned, want)
	}
}

// A full floor fills chunks by their size.
func TestPacingLogCutsBySize(t *testing.T) {
	store := &chunkStore{}
	inLog(t, store, func(t *testing.T, l *Log) {
		c := l.Controller("c", predictive, time.Now())
		for range 3000 {
			time.Sleep(time.Millisecond)
			c.Decide(time.Now(), pacing.View{})
		}
	})
	if n := len(store.chunks); n < 3 {
		t.Errorf("%d chunks in 3 s, want several", n)
	}
	for _, c := range store.chunks {
		var text bytes.Buffer
		if _, err := c.WriteTo(&text); err != nil || text.Len() > chunkBytes+4096 {
			t.Errorf("chunk of %d bytes, %v", text.Len(), err)
		}
	}
}

// A store that fails costs its chunk; what comes after is kept, and the replay
// says that something is missing.
func TestPacingLogCountsLostChunks(t *testing.T) {
	store := &chunkStore{}
	inLog(t, store, func(t *testing.T, l *Log) {
		c := l.Controller("c", predictive, time.Now())
		pace(c, 100)
		store.fail(errors.New("disk full"))
		pace(c, 100)
		store.fail(nil)
		pace(c, 100)
		got := replay(t, l)
		if got.Gaps != 1 || got.Different > 0 || got.Decisions < 50 || l.Stats().LostChunks == 0 {
			t.Errorf("report %+v, %d chunks lost", got, l.Stats().LostChunks)
		}
	})
}

// A store that hangs holds up nobody who decides.
func TestPacingLogNeverBlocks(t *testing.T) {
	store := &chunkStore{}
	synctest.Test(t, func(t *testing.T) {
		store.wait = make(chan struct{})
		l := New(Config{Store: store, Node: "n1", Log: zap.NewNop()})
		ctx, cancel := context.WithCancel(t.Context())
		go l.Run(ctx) // ends with cancel
		c := l.Controller("c", predictive, time.Now())
		for range 3 * linesWaiting {
			c.Decide(time.Now(), pacing.View{})
		}
		if l.Stats().LostLines == 0 {
			t.Error("nothing was dropped while the store hangs")
		}
		close(store.wait)
		cancel()
		<-l.ended
	})
}
