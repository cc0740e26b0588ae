package browser

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"sync"
	"sync/atomic"
	"time"
)

// Many is pages in a process of their own, so that what they take is not counted as the
// dialer's.
//
//	test ─► StartMany ─► process: ServeIfAsked ─► offers
//	     ─► Accept(answers) ─────────────────────► all are up
//	     ─► Count ───────────────────────────────► what they said and heard so far
type Many struct {
	Offers []string

	process *exec.Cmd
	in      io.WriteCloser
	ask     *json.Encoder
	answers *json.Decoder
}

// Counts are of one page, since it was opened.
type Counts struct {
	Sent    uint64 // packets
	Heard   uint64
	Missing uint64 // sequence numbers between the first and the last heard that did not come
}

// asked is the variable that makes a process of a test pages, and how many.
const asked = "OUTPACE_PAGES"

// upWithin is how long all pages may take to be connected.
const upWithin = 2 * time.Minute

// StartMany makes a process of the running test binary, which calls ServeIfAsked.
func StartMany(pages int) (*Many, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	m := &Many{process: exec.Command(self)}
	m.process.Env = append(os.Environ(), fmt.Sprintf("%s=%d", asked, pages))
	m.process.Stderr = os.Stderr
	var out io.ReadCloser
	if m.in, err = m.process.StdinPipe(); err == nil {
		out, err = m.process.StdoutPipe()
	}
	if err == nil {
		err = m.process.Start()
	}
	if err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	m.ask, m.answers = json.NewEncoder(m.in), json.NewDecoder(out)
	if err := m.answers.Decode(&m.Offers); err != nil {
		return nil, errors.Join(fmt.Errorf("browser: %w", err), m.Stop())
	}
	return m, nil
}

// Accept hands each page the answer to its offer and waits until all are connected and
// talk.
func (m *Many) Accept(answers []string) error {
	if err := m.ask.Encode(answers); err != nil {
		return fmt.Errorf("browser: %w", err)
	}
	_, err := m.read()
	return err
}

// Count asks each page what it said and heard.
func (m *Many) Count() ([]Counts, error) {
	if err := m.ask.Encode([]string{}); err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	return m.read()
}

func (m *Many) read() ([]Counts, error) {
	var counts []Counts
	if err := m.answers.Decode(&counts); err != nil {
		return nil, fmt.Errorf("browser: %w", err)
	}
	return counts, nil
}

// Stop closes the pages and ends the process.
func (m *Many) Stop() error {
	m.in.Close()
	return m.process.Wait()
}

// ServeIfAsked turns the process of a test binary into pages where StartMany made it,
// and ends it. Call it from an init function of the tests.
func ServeIfAsked() {
	var pages int
	if _, err := fmt.Sscan(os.Getenv(asked), &pages); err != nil {
		return
	}
	if err := serve(pages, os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}

// counter counts what one page hears.
type counter struct {
	heard, missing atomic.Uint64
	last           uint16 // of the one who hears
}

func (c *counter) hear(p Packet) {
	if ahead := int16(p.Sequence - c.last); c.heard.Load() > 0 && ahead > 1 {
		c.missing.Add(uint64(ahead - 1))
	}
	c.last = p.Sequence
	c.heard.Add(1)
}

func serve(n int, in io.Reader, out io.Writer) error {
	answer, ask := json.NewEncoder(out), json.NewDecoder(in)
	pages, counters, offers := make([]*Browser, n), make([]counter, n), make([]string, n)
	for i := range pages {
		var err error
		if pages[i], err = Open(Config{Hz: 300 + float64(i), Hear: counters[i].hear}); err != nil {
			return err
		}
		if offers[i], err = pages[i].Offer(); err != nil {
			return err
		}
	}
	if err := answer.Encode(offers); err != nil {
		return err
	}
	for connected := false; ; connected = true {
		var answers []string
		switch err := ask.Decode(&answers); {
		case errors.Is(err, io.EOF):
			return closeAll(pages)
		case err != nil:
			return err
		}
		if !connected {
			if err := accept(pages, answers); err != nil {
				return err
			}
		}
		counts := make([]Counts, n)
		for i := range counts {
			counts[i] = Counts{pages[i].Sent(), counters[i].heard.Load(), counters[i].missing.Load()}
		}
		if err := answer.Encode(counts); err != nil {
			return err
		}
	}
}

func accept(pages []*Browser, answers []string) error {
	if len(answers) != len(pages) {
		return fmt.Errorf("browser: %d answers to %d pages", len(answers), len(pages))
	}
	ctx, cancel := context.WithTimeout(context.Background(), upWithin)
	defer cancel()
	for i, b := range pages {
		if err := b.Accept(answers[i]); err != nil {
			return err
		}
	}
	for _, b := range pages {
		if err := b.Await(ctx); err != nil {
			return err
		}
	}
	return nil
}

func closeAll(pages []*Browser) error {
	problems := make([]error, len(pages))
	var closing sync.WaitGroup
	for i, b := range pages {
		closing.Go(func() { problems[i] = b.Close() })
	}
	closing.Wait()
	return errors.Join(problems...)
}
