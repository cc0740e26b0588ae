package campaigns

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"iter"
	"sync"
	"time"
)

// PacingRecords is what the store keeps of the pacing of campaigns. It does not
// know what the bytes mean.
type PacingRecords interface {
	// AppendPacingLog adds a chunk to the log of a campaign.
	AppendPacingLog(ctx context.Context, c PacingChunk) error
	// PacingLog is the log of a campaign between two times, run after run, each
	// from its first chunk on: a replay needs what came before. A chunk belongs
	// to the time if any of its lines does. Zero times are no bounds.
	PacingLog(ctx context.Context, c CampaignID, from, to time.Time) iter.Seq2[PacingChunk, error]
	// PrunePacingLog deletes the chunks whose last line is older and says how
	// many there were.
	PrunePacingLog(ctx context.Context, before time.Time) (int, error)

	// LiveCounts are the live answers of attempts of a campaign that began at or
	// after a time, by quarters of an hour, the oldest first. Who was connected
	// later than within after the end of the greeting, or after the answer where
	// none was heard, counts as abandoned.
	LiveCounts(ctx context.Context, c CampaignID, since time.Time, within time.Duration) ([]LiveCount, error)

	// SaveLearnt keeps what pacing learnt of a campaign, instead of what it had
	// learnt before.
	SaveLearnt(ctx context.Context, c CampaignID, learnt []byte) error
	// Learnt is what SaveLearnt kept last; nil: nothing.
	Learnt(ctx context.Context, c CampaignID) ([]byte, error)
}

// LiveCount is what a quarter of an hour of a campaign saw.
type LiveCount struct {
	At        time.Time // begin of the last attempt in it
	Live      int       // live answers, the abandoned among them
	Abandoned int
}

// LiveStep is how finely live answers are counted.
const LiveStep = 15 * time.Minute

// PacingChunk is a stretch of the lines of one run of a campaign on one node.
type PacingChunk struct {
	Campaign CampaignID
	Node     string
	Run      time.Time // when the run began, which names it
	Seq      int       // in the run, from 1
	From, To time.Time // of its first and last line
	Lines    int
	Gzip     []byte // the lines, compressed
}

// packLevel takes a third of the time of the usual level for 5 % more bytes, by
// BenchmarkPackLines.
const packLevel = 4

// packers are compressors that are not in use: the tables of one are larger than what
// it compresses.
var packers = sync.Pool{New: func() any {
	w, _ := gzip.NewWriterLevel(nil, packLevel) // fails at a level that there is not
	return w
}}

// PackLines compresses lines for a chunk.
func PackLines(lines []byte) []byte {
	var b bytes.Buffer
	w := packers.Get().(*gzip.Writer)
	w.Reset(&b)
	_, _ = w.Write(lines) // a buffer takes everything
	_ = w.Close()
	packers.Put(w)
	return b.Bytes()
}

// WriteTo writes the lines.
func (c PacingChunk) WriteTo(w io.Writer) (int64, error) {
	r, err := gzip.NewReader(bytes.NewReader(c.Gzip))
	if err != nil {
		return 0, fmt.Errorf("chunk %d of the run of %s from %s: %w", c.Seq, c.Campaign, c.Run.Format(time.RFC3339), err)
	}
	n, err := io.Copy(w, r)
	if err != nil {
		return n, fmt.Errorf("chunk %d of the run of %s from %s: %w", c.Seq, c.Campaign, c.Run.Format(time.RFC3339), err)
	}
	return n, nil
}
