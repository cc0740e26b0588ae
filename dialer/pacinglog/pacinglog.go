// Package pacinglog writes down the pacing of every campaign beside the engine's loop, in
// the words of pacing/eventlog, for people who ask why so many calls were placed, and for
// replays against other settings. The loop hands over lines and never waits: what does not
// fit is dropped and counted, and shows as a gap in the log.
//
//	loop ─► Recorder ─► lines ─► Run ─► chunk by chunk ─► store
package pacinglog

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

// Config is what a log works with.
type Config struct {
	Store campaigns.PacingRecords
	Node  string        // who paces
	Keep  time.Duration // how long chunks are kept; 0: for ever
	Log   *zap.Logger
	// Start makes the controllers that are recorded; nil: pacing.New.
	Start func(pacing.Settings, time.Time) pacing.Controller
}

// Log is the pacing log of one node. Use New.
type Log struct {
	cfg Config

	lines chan lineOfRun
	flush chan chan struct{}
	ended chan struct{} // closed when Run has returned
	open  map[*run]bool

	stats struct{ lines, lostLines, chunks, lostChunks, bytes atomic.Uint64 }
}

// Stats counts since the start.
type Stats struct {
	Lines, LostLines   uint64 // taken from the loop; dropped because too many waited
	Chunks, LostChunks uint64 // written; dropped because the store did not take them
	Bytes              uint64 // of the chunks that were written, compressed
}

// lineOfRun is a line on its way.
type lineOfRun struct {
	run  *run
	line eventlog.Line
}

// run is the life of one controller, with the lines that wait for the end of their chunk.
// Only Log.Run touches it.
type run struct {
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

// lastWithin is how long the last chunks may take when the log ends.
const lastWithin = 2 * time.Second

// New makes a log, which writes once it runs.
func New(c Config) *Log {
	if c.Start == nil {
		c.Start = pacing.New
	}
	return &Log{
		cfg: c, open: map[*run]bool{},
		lines: make(chan lineOfRun, linesWaiting), flush: make(chan chan struct{}), ended: make(chan struct{}),
	}
}

// Controller makes the pacing of a campaign, recorded; see dialer.Deps.
func (l *Log) Controller(c campaigns.CampaignID, s pacing.Settings, now time.Time) pacing.Controller {
	r := &run{chunk: campaigns.PacingChunk{Campaign: c, Node: l.cfg.Node, Run: now.Round(0).UTC()}}
	return eventlog.Record(s, now, l.cfg.Start, func(line eventlog.Line) {
		select {
		case l.lines <- lineOfRun{r, line}:
			l.stats.lines.Add(1)
		default:
			l.stats.lostLines.Add(1)
		}
	})
}

// Run writes until ctx ends, and then what is left. The engine ends before it.
func (l *Log) Run(ctx context.Context) error {
	defer close(l.ended)
	tick := time.NewTicker(chunkTime / 12)
	defer tick.Stop()
	pruned := time.Time{}
	for {
		select {
		case p := <-l.lines:
			l.take(ctx, p)
		case now := <-tick.C:
			l.end(ctx, func(r *run) bool { return now.Sub(r.opened) >= chunkTime })
			if now.Sub(pruned) >= time.Hour {
				pruned = now
				l.prune(ctx, now)
			}
		case done := <-l.flush:
			l.takeAll(ctx)
			close(done)
		case <-ctx.Done():
			last, cancel := context.WithTimeout(context.WithoutCancel(ctx), lastWithin)
			defer cancel()
			l.takeAll(last)
			return context.Cause(ctx)
		}
	}
}

// takeAll writes everything that was handed over so far.
func (l *Log) takeAll(ctx context.Context) {
	for {
		select {
		case p := <-l.lines:
			l.take(ctx, p)
		default:
			l.end(ctx, func(*run) bool { return true })
			return
		}
	}
}

// take adds a line to the chunk of its run.
func (l *Log) take(ctx context.Context, p lineOfRun) {
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
func (l *Log) end(ctx context.Context, due func(*run) bool) {
	for r := range l.open {
		if due(r) {
			l.write(ctx, r)
		}
	}
}

// write ends the chunk of a run. One that cannot be written is dropped: the
// next must not wait for it.
func (l *Log) write(ctx context.Context, r *run) {
	r.chunk.Seq++
	c := r.chunk
	c.Gzip = campaigns.PackLines(r.text)
	r.text, r.chunk.Lines = r.text[:0], 0
	delete(l.open, r)
	if err := l.cfg.Store.AppendPacingLog(ctx, c); err != nil {
		l.stats.lostChunks.Add(1)
		l.cfg.Log.Warn("pacing log: chunk dropped", zap.String("campaign", string(c.Campaign)), zap.Int("lines", c.Lines), zap.Error(err))
		return
	}
	l.stats.chunks.Add(1)
	l.stats.bytes.Add(uint64(len(c.Gzip)))
}

func (l *Log) prune(ctx context.Context, now time.Time) {
	if l.cfg.Keep <= 0 {
		return
	}
	if _, err := l.cfg.Store.PrunePacingLog(ctx, now.Add(-l.cfg.Keep)); err != nil {
		l.cfg.Log.Warn("pacing log: old chunks not deleted", zap.Error(err))
	}
}

// Stats is what became of the lines so far.
func (l *Log) Stats() Stats {
	return Stats{
		Lines: l.stats.lines.Load(), LostLines: l.stats.lostLines.Load(),
		Chunks: l.stats.chunks.Load(), LostChunks: l.stats.lostChunks.Load(), Bytes: l.stats.bytes.Load(),
	}
}

// PacingLog is the log of a campaign up to this moment; see api.PacingLog.
func (l *Log) PacingLog(ctx context.Context, c campaigns.CampaignID, from, to time.Time) iter.Seq2[campaigns.PacingChunk, error] {
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
	return l.cfg.Store.PacingLog(ctx, c, from, to)
}
