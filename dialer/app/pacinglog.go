package app

import (
	"context"
	"fmt"
	"iter"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// pacingLog writes down the pacing of every campaign beside the engine's loop.
// The loop hands over lines and never waits: what does not fit is dropped and
// counted, and shows as a gap in the log.
//
//	loop ─► Recorder ─► lines ─► run ─► chunk by chunk ─► store
type pacingLog struct {
	store campaigns.PacingRecords
	node  string
	keep  time.Duration
	log   *zap.Logger
	start func(pacing.Settings, time.Time) pacing.Controller // makes what is recorded

	lines chan pacingLine
	flush chan chan struct{}
	ended chan struct{} // closed when run has returned
	open  map[*pacingRun]bool

	stats struct{ lines, lostLines, chunks, lostChunks, bytes atomic.Uint64 }
}

// pacingLine is a line on its way.
type pacingLine struct {
	run  *pacingRun
	line eventlog.Line
}

// pacingRun is the life of one controller, with the lines that wait for the end
// of their chunk. Only pacingLog.run touches it.
type pacingRun struct {
	chunk  campaigns.PacingChunk // without its bytes
	text   []byte
	opened time.Time
}

// A chunk ends after this many bytes of lines or this time: what a crash loses
// of the log, and how many writes there are.
const (
	chunkBytes = 256 << 10
	chunkTime  = time.Minute
)

// linesWaiting is how many lines may wait while the store is slow: some ten
// seconds of a full floor.
const linesWaiting = 4096

func newPacingLog(store campaigns.PacingRecords, node string, keep time.Duration, log *zap.Logger) *pacingLog {
	return &pacingLog{
		store: store, node: node, keep: keep, log: log, start: pacing.New, open: map[*pacingRun]bool{},
		lines: make(chan pacingLine, linesWaiting), flush: make(chan chan struct{}), ended: make(chan struct{}),
	}
}

// controller makes the pacing of a campaign, recorded.
func (l *pacingLog) controller(c campaigns.CampaignID, s pacing.Settings, now time.Time) pacing.Controller {
	run := &pacingRun{chunk: campaigns.PacingChunk{Campaign: c, Node: l.node, Run: now.Round(0).UTC()}}
	return eventlog.Record(s, now, l.start, func(line eventlog.Line) {
		select {
		case l.lines <- pacingLine{run, line}:
			l.stats.lines.Add(1)
		default:
			l.stats.lostLines.Add(1)
		}
	})
}

// run writes until ctx ends, and then what is left. The engine ends before it.
func (l *pacingLog) run(ctx context.Context) error {
	defer close(l.ended)
	tick := time.NewTicker(chunkTime / 12)
	defer tick.Stop()
	pruned := time.Time{}
	for {
		select {
		case p := <-l.lines:
			l.take(ctx, p)
		case now := <-tick.C:
			l.end(ctx, func(r *pacingRun) bool { return now.Sub(r.opened) >= chunkTime })
			if now.Sub(pruned) >= time.Hour {
				pruned = now
				l.prune(ctx, now)
			}
		case done := <-l.flush:
			l.takeAll(ctx)
			close(done)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), sampling)
			defer cancel()
			l.takeAll(last)
			return context.Cause(ctx)
		}
	}
}

// takeAll writes everything that was handed over so far.
func (l *pacingLog) takeAll(ctx context.Context) {
	for {
		select {
		case p := <-l.lines:
			l.take(ctx, p)
		default:
			l.end(ctx, func(*pacingRun) bool { return true })
			return
		}
	}
}

// take adds a line to the chunk of its run.
func (l *pacingLog) take(ctx context.Context, p pacingLine) {
	r := p.run
	if r.chunk.Lines == 0 {
		r.opened, r.chunk.From = time.Now(), p.line.At
		l.open[r] = true
	}
	r.text = appendLine(r.text, p.line)
	r.chunk.Lines++
	r.chunk.To = p.line.At
	if len(r.text) >= chunkBytes {
		l.write(ctx, r)
	}
}

// end writes the chunks that are due.
func (l *pacingLog) end(ctx context.Context, due func(*pacingRun) bool) {
	for r := range l.open {
		if due(r) {
			l.write(ctx, r)
		}
	}
}

// write ends the chunk of a run. One that cannot be written is dropped: the
// next must not wait for it.
func (l *pacingLog) write(ctx context.Context, r *pacingRun) {
	r.chunk.Seq++
	c := r.chunk
	c.Gzip = campaigns.PackLines(r.text)
	r.text, r.chunk.Lines = r.text[:0], 0
	delete(l.open, r)
	if err := l.store.AppendPacingLog(ctx, c); err != nil {
		l.stats.lostChunks.Add(1)
		l.log.Warn("pacing log: chunk dropped", zap.String("campaign", string(c.Campaign)), zap.Int("lines", c.Lines), zap.Error(err))
		return
	}
	l.stats.chunks.Add(1)
	l.stats.bytes.Add(uint64(len(c.Gzip)))
}

func (l *pacingLog) prune(ctx context.Context, now time.Time) {
	if l.keep <= 0 {
		return
	}
	if _, err := l.store.PrunePacingLog(ctx, now.Add(-l.keep)); err != nil {
		l.log.Warn("pacing log: old chunks not deleted", zap.Error(err))
	}
}

// PacingLog is the log of a campaign up to this moment; see api.PacingLog.
func (l *pacingLog) PacingLog(ctx context.Context, c campaigns.CampaignID, from, to time.Time) iter.Seq2[campaigns.PacingChunk, error] {
	done := make(chan struct{})
	select {
	case l.flush <- done:
		<-done
	case <-l.ended:
	case <-ctx.Done():
		return func(yield func(campaigns.PacingChunk, error) bool) {
			yield(campaigns.PacingChunk{}, fmt.Errorf("pacing log: %w", context.Cause(ctx)))
		}
	}
	return l.store.PacingLog(ctx, c, from, to)
}
