package main

import (
	"bytes"
	"fmt"
	"io"
	"os"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
	"golang.org/x/term"

	"github.com/outpace-dialer/outpace/test/carrier"
)

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
