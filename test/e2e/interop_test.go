package e2e

import (
	"bytes"
	"os"
	"os/exec"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/tool"
)

// interop leaves a test out of `make test`: it wants programs that few machines
// have. `make interop` runs it.
func interop(t *testing.T, tools ...string) {
	t.Helper()
	if os.Getenv("OUTPACE_INTEROP") != "1" {
		t.Skip("`make interop` runs this")
	}
	for _, name := range tools {
		tool.Path(t, name, "calls with it")
	}
}

// peer is a program of others that serves while a test runs.
type peer struct {
	name string
	cmd  *exec.Cmd
	exit chan error

	mu     sync.Mutex
	output bytes.Buffer
}

// startPeer runs a program until the end of the test, after all that is started
// later.
func startPeer(t *testing.T, name string, args ...string) *peer {
	t.Helper()
	return startCommand(t, name, exec.Command(name, args...))
}

// startCommand is startPeer for a program that wants an environment or an input.
func startCommand(t *testing.T, name string, cmd *exec.Cmd) *peer {
	t.Helper()
	p := &peer{name: name, cmd: cmd, exit: make(chan error, 1)}
	p.cmd.Stdout, p.cmd.Stderr, p.cmd.Dir = p, p, t.TempDir()
	must(t, p.cmd.Start())
	go func() { p.exit <- p.cmd.Wait() }()
	t.Cleanup(func() { p.stop(t) })
	return p
}

func (p *peer) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.Write(b)
}

func (p *peer) said() string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.output.String()
}

func (p *peer) stop(t *testing.T) {
	_ = p.cmd.Process.Signal(os.Interrupt) // it may have ended
	select {
	case <-p.exit:
	case <-time.After(10 * time.Second):
		_ = p.cmd.Process.Kill()
		<-p.exit
	}
	if t.Failed() {
		said := p.said()
		t.Logf("%s said:\n%s", p.name, said[max(0, len(said)-6000):])
	}
}

// times counts a text in what the program said.
func (p *peer) times(text string) int { return strings.Count(p.said(), text) }
