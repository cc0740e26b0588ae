package crowd

import (
	"encoding/json"
	"fmt"
	"io"
	"os"
	"os/exec"
	"time"
)

// Crowd is a crowd in a process of its own.
type Crowd struct {
	Ports [Sockets]int // on 127.0.0.1

	process *exec.Cmd
	in      io.WriteCloser
	ask     *json.Encoder
	answers *json.Decoder
}

// Start makes a process of the running test binary, which calls ServeIfAsked.
func Start() (*Crowd, error) {
	self, err := os.Executable()
	if err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	c := &Crowd{process: exec.Command(self)}
	c.process.Env = append(os.Environ(), asked+"=1", "GOMAXPROCS=1")
	c.process.Stderr = os.Stderr
	if c.in, err = c.process.StdinPipe(); err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	out, err := c.process.StdoutPipe()
	if err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	if err := c.process.Start(); err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	c.ask, c.answers = json.NewEncoder(c.in), json.NewDecoder(out)
	var h hello
	if err := c.answers.Decode(&h); err != nil {
		return nil, fmt.Errorf("crowd: %w", err)
	}
	c.Ports = h.Ports
	return c, nil
}

// Run has every End send for a while and waits for the figures.
func (c *Crowd) Run(ends []End, lasts time.Duration) (Report, error) {
	if err := c.ask.Encode(order{ends, lasts}); err != nil {
		return Report{}, fmt.Errorf("crowd: %w", err)
	}
	var r Report
	if err := c.answers.Decode(&r); err != nil {
		return Report{}, fmt.Errorf("crowd: %w", err)
	}
	return r, nil
}

// Stop ends the process.
func (c *Crowd) Stop() error {
	c.in.Close()
	return c.process.Wait()
}
