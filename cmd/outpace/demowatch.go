package main

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/test/carrier"
)

// demoWatch counts what the product says while the demo runs.
type demoWatch struct {
	mu        sync.Mutex
	attempts  int
	outcomes  map[campaigns.Outcome]int
	operators map[campaigns.UserID]dialer.OperatorView
	busy      time.Duration // talking, wrapping
	onDuty    time.Duration // the same and ready, reserved
	stopped   bool
}

func newDemoWatch() *demoWatch {
	return &demoWatch{outcomes: map[campaigns.Outcome]int{}, operators: map[campaigns.UserID]dialer.OperatorView{}}
}

// Notice is called by the engine's loop.
func (w *demoWatch) Notice(n dialer.Notice) {
	w.mu.Lock()
	defer w.mu.Unlock()
	switch n := n.(type) {
	case dialer.AttemptBegan:
		w.attempts++
	case dialer.CallEnded:
		w.outcomes[n.Ending.Outcome]++
	case dialer.OperatorChanged:
		w.spend(w.operators[n.Operator.User], n.Operator.Since)
		w.operators[n.Operator.User] = n.Operator
	}
}

// spend adds the time of a state that ended. Utilisation is the share of
// signed-in, unpaused time that operators talk or wrap up.
func (w *demoWatch) spend(was dialer.OperatorView, until time.Time) {
	if w.stopped {
		return
	}
	spent := until.Sub(was.Since)
	switch was.State {
	case operator.Talking, operator.Wrapping:
		w.busy += spent
		w.onDuty += spent
	case operator.Ready, operator.Reserved:
		w.onDuty += spent
	}
}

// stop ends the count of operators' time: the demo's time is over.
func (w *demoWatch) stop(now time.Time) {
	w.mu.Lock()
	defer w.mu.Unlock()
	for _, v := range w.operators {
		w.spend(v, now)
	}
	w.stopped = true
}

// line is one line of progress.
func (w *demoWatch) line() string {
	w.mu.Lock()
	defer w.mu.Unlock()
	states := map[operator.State]int{}
	for _, v := range w.operators {
		states[v.State]++
	}
	return fmt.Sprintf("attempts %d, connected %d, abandoned %d | ready %d, talking %d, wrapping %d, paused %d",
		w.attempts, w.outcomes[campaigns.Connected], w.outcomes[campaigns.Abandoned],
		states[operator.Ready], states[operator.Talking], states[operator.Wrapping], states[operator.Paused])
}

// result reads the outcomes from the store, where they are durable.
func (w *demoWatch) result(ctx context.Context, records campaigns.Records, since time.Time) (*demoResult, error) {
	tally, err := records.Tally(ctx, demoCampaign, since.Add(-time.Second), time.Now().Add(time.Second))
	if err != nil {
		return nil, err
	}
	w.mu.Lock()
	defer w.mu.Unlock()
	r := &demoResult{Outcomes: tally.Outcomes, Open: tally.Open, outcomeOf: map[string]campaigns.Outcome{}}
	for o, n := range tally.Outcomes {
		if o != campaigns.NotPlaced {
			r.Attempts += n
		}
	}
	r.Attempts += tally.Open
	r.Live, r.Abandoned = tally.Live, tally.Abandoned
	if r.Live > 0 {
		r.Abandonment = float64(r.Abandoned) / float64(r.Live)
	}
	if w.onDuty > 0 {
		r.Utilisation = w.busy.Seconds() / w.onDuty.Seconds()
	}
	return r, r.readOutcomes(ctx, records, since)
}

// journal keeps what the far ends write, for the result, and in a file where
// one is wanted.
type journal struct {
	mu   sync.Mutex
	kept bytes.Buffer
	file io.WriteCloser
}

func newJournal(path string) (*journal, error) {
	if path == "" {
		return &journal{}, nil
	}
	file, err := os.Create(path)
	return &journal{file: file}, err
}

// Write takes whole lines.
func (j *journal) Write(p []byte) (int, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	j.kept.Write(p) // never fails (bytes.Buffer)
	if j.file == nil {
		return len(p), nil
	}
	return j.file.Write(p)
}

func (j *journal) Close() error {
	if j.file == nil {
		return nil
	}
	return j.file.Close()
}

func (j *journal) events() ([]carrier.Event, error) {
	j.mu.Lock()
	defer j.mu.Unlock()
	return carrier.ReadLog(bytes.NewReader(j.kept.Bytes()))
}

// demoBar shows the time that has passed, where standard error is a terminal.
type demoBar struct{ bar *progressbar.ProgressBar }

func newDemoBar(total time.Duration) demoBar {
	if !term.IsTerminal(int(os.Stderr.Fd())) {
		return demoBar{}
	}
	seconds := int64(-1)
	if total > 0 {
		seconds = int64(total / time.Second)
	}
	return demoBar{progressbar.NewOptions64(seconds, progressbar.OptionSetWriter(os.Stderr), progressbar.OptionSetPredictTime(false))}
}

func (b demoBar) show(line string) {
	if b.bar == nil {
		return
	}
	b.bar.Describe(line)
	_ = b.bar.Add(1)
}

func (b demoBar) done() {
	if b.bar != nil {
		fmt.Fprintln(os.Stderr)
	}
}
