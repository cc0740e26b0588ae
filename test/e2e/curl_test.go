package e2e

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"
)

// streamed is a message of the event stream, as far as it is looked at.
type streamed struct {
	ID, Topic, Kind string
	Seq             int
	Data            streamedData
	raw             string // of Data
}

type streamedData struct {
	State     string
	Campaigns []floorCampaign
}

type floorCampaign struct{ ID, State string }

// curl is the program curl that reads the event stream.
type curl struct {
	cmd    *exec.Cmd
	reader sync.WaitGroup

	mu    sync.Mutex
	seen  []streamed
	more  chan struct{} // closed and made anew with each message
	fault error
}

// curl starts reading topics, after the event with an id where there is one. It is ended
// with the test.
func (c *client) curl(t *testing.T, topics, lastID string) *curl {
	t.Helper()
	// What names the user comes by standard input: arguments are for everyone to see.
	config := fmt.Sprintf("header = \"Authorization: Bearer %s\"\n", c.token)
	if lastID != "" {
		config += fmt.Sprintf("header = \"Last-Event-ID: %s\"\n", lastID)
	}
	r := &curl{more: make(chan struct{})}
	r.cmd = exec.Command("curl", "-sS", "-N", "--fail", "--config", "-", c.base+"/api/v1/events/stream?topics="+topics)
	r.cmd.Stdin = strings.NewReader(config)
	out, err := r.cmd.StdoutPipe()
	must(t, err)
	must(t, r.cmd.Start())
	r.reader.Go(func() { r.read(out) })
	t.Cleanup(r.stop)
	return r
}

// stop ends curl, once.
func (c *curl) stop() {
	_ = c.cmd.Process.Kill() // it may have ended
	c.reader.Wait()
	_ = c.cmd.Wait()
}

// read takes server-sent events (HTML standard section 9.2) to the end. What ends in the
// middle of an event is no event.
func (c *curl) read(out io.Reader) {
	in := bufio.NewScanner(out)
	in.Buffer(nil, 1<<20)
	var id, event, data string
	for in.Scan() {
		field, value, _ := strings.Cut(in.Text(), ": ")
		switch {
		case in.Text() == "" && data != "":
			c.add(id, event, data)
			data = ""
		case field == "id":
			id = value
		case field == "event":
			event = value
		case field == "data":
			data = value
		}
	}
}

func (c *curl) add(id, event, data string) {
	m := streamed{}
	err := json.Unmarshal([]byte(data), &m)
	var raw struct{ Data json.RawMessage }
	_ = json.Unmarshal([]byte(data), &raw) // it was read before
	m.ID, m.raw = id, string(raw.Data)
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case err != nil:
		c.fault = err
	case event != m.Topic || m.Seq != len(c.seen)+1:
		c.fault = fmt.Errorf("event %q is message %d of %q, after %d", event, m.Seq, m.Topic, len(c.seen))
	}
	c.seen = append(c.seen, m)
	close(c.more)
	c.more = make(chan struct{})
}

// await waits until messages have come that are so, one after another, wherever others
// lie between them.
func (c *curl) await(t *testing.T, what string, each ...func(streamed) bool) {
	t.Helper()
	over := time.After(2 * time.Minute)
	for at := 0; ; {
		c.mu.Lock()
		seen, more, fault := c.seen[at:], c.more, c.fault
		c.mu.Unlock()
		if fault != nil {
			t.Fatal(fault)
		}
		for _, m := range seen {
			if at++; each[0](m) {
				if each = each[1:]; len(each) == 0 {
					return
				}
			}
		}
		select {
		case <-more:
		case <-over:
			t.Fatalf("%s: not after %d messages", what, at)
		}
	}
}

// inState is a message that the operator is in a state now.
func inState(state string) func(streamed) bool {
	return func(m streamed) bool { return m.Topic == "operator" && m.Data.State == state }
}

// lastID is where curl can go on.
func (c *curl) lastID() string {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.seen[len(c.seen)-1].ID
}

// deltas are what came after the present state, each with its id.
func (c *curl) deltas() []string {
	c.mu.Lock()
	defer c.mu.Unlock()
	var all []string
	for _, m := range c.seen {
		if m.Kind == "delta" {
			all = append(all, m.ID+" "+m.Topic+" "+m.raw)
		}
	}
	return all
}
