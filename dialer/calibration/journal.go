package calibration

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync/atomic"
	"time"
)

// Journal keeps samples in a folder, one file a day, one JSON object a line. It is beside
// the store and not in it: nothing of a call depends on it, it may be deleted at any time,
// and people who learn from it need nothing but the files.
type Journal struct {
	dir   string
	keep  time.Duration
	lines chan Sample
	lost  atomic.Uint64

	day  string
	file *os.File
}

// samplesWaiting may wait for the disk; what does not fit is dropped and counted.
const samplesWaiting = 1024

// NewJournal keeps samples in a folder for a time.
func NewJournal(dir string, keep time.Duration) *Journal {
	return &Journal{dir: dir, keep: keep, lines: make(chan Sample, samplesWaiting)}
}

// Take hands a sample over. It never blocks.
func (j *Journal) Take(s Sample) {
	select {
	case j.lines <- s:
	default:
		j.lost.Add(1)
	}
}

// Lost is how many samples were not written.
func (j *Journal) Lost() uint64 { return j.lost.Load() }

// Run writes until ctx ends, and then what is left. Who takes samples ends before it.
func (j *Journal) Run(ctx context.Context) error {
	defer func() { _ = j.file.Close() }() // of a file that is not open: an error nobody needs
	for {
		select {
		case s := <-j.lines:
			j.write(s)
		case <-ctx.Done():
			for {
				select {
				case s := <-j.lines:
					j.write(s)
				default:
					return context.Cause(ctx)
				}
			}
		}
	}
}

func (j *Journal) write(s Sample) {
	if err := j.open(s.At.UTC().Format(time.DateOnly)); err != nil {
		j.lost.Add(1)
		return
	}
	line, err := json.Marshal(s)
	if err == nil {
		_, err = j.file.Write(append(line, '\n'))
	}
	if err != nil {
		j.lost.Add(1)
	}
}

// open goes on to the file of a day, and deletes those that are old by then.
func (j *Journal) open(day string) error {
	if j.file != nil && day <= j.day {
		return nil // what comes late is written where we are
	}
	if err := os.MkdirAll(j.dir, 0o700); err != nil {
		return err
	}
	file, err := os.OpenFile(filepath.Join(j.dir, day+suffix), os.O_WRONLY|os.O_CREATE|os.O_APPEND, 0o600)
	if err != nil {
		return err
	}
	_ = j.file.Close() // as in Run
	j.file, j.day = file, day
	if info, err := file.Stat(); err == nil && info.Size() > 0 {
		_, _ = file.Write([]byte{'\n'}) // a crash may have cut the last line short
	}
	return j.prune(day)
}

const suffix = ".jsonl"

func (j *Journal) prune(day string) error {
	now, err := time.Parse(time.DateOnly, day)
	if err != nil {
		return err
	}
	all, err := days(j.dir)
	oldest := now.Add(-j.keep).Format(time.DateOnly)
	for _, d := range all {
		if d < oldest {
			err = errors.Join(err, os.Remove(filepath.Join(j.dir, d+suffix)))
		}
	}
	return err
}

// days are those with a file, in order.
func days(dir string) ([]string, error) {
	entries, err := os.ReadDir(dir)
	if errors.Is(err, fs.ErrNotExist) {
		return nil, nil
	}
	var all []string
	for _, e := range entries {
		if d, ok := strings.CutSuffix(e.Name(), suffix); ok {
			all = append(all, d)
		}
	}
	slices.Sort(all)
	return all, err
}

// Read gives every sample of a folder since a day, in order. A last line that a crash cut
// short is left out; so is one that cannot be read.
func Read(dir string, since time.Time, take func(Sample)) error {
	all, err := days(dir)
	if err != nil {
		return fmt.Errorf("samples of the detector: %w", err)
	}
	for _, d := range all {
		if d < since.UTC().Format(time.DateOnly) {
			continue
		}
		b, err := os.ReadFile(filepath.Join(dir, d+suffix))
		if err != nil {
			return fmt.Errorf("samples of the detector: %w", err)
		}
		for lines := bufio.NewScanner(bytes.NewReader(b)); lines.Scan(); {
			var s Sample
			if json.Unmarshal(lines.Bytes(), &s) == nil {
				take(s)
			}
		}
	}
	return nil
}
