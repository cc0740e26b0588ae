package fault

import (
	"bytes"
	"cmp"
	"context"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// product is `outpace serve` on fixed loopback ports, which live on from one
// process to the next: after a crash, dialogs are ended from where they began.
type product struct {
	dir, config        string
	trunk, phones      string // UDP and TCP
	http, admin        string
	cmd                *exec.Cmd
	log                *lines
	startedAt, readyAt time.Time
	killed, died       time.Time // when kill -9 was sent, and when the process was gone
	program            string    // the binary; "": the one that is tested
	under              []string  // a program that runs the product, and its arguments
}

// lines keeps the product's log for a test that fails.
type lines struct {
	mu   sync.Mutex
	text bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.text.String()
}

// configText is the product's file: one trunk, everything on loopback.
const configText = `data_dir: %q
http: {listen: %q}
admin: {listen: %q}
trunk_signalling:
  listen: [{transport: udp, address: %[4]q}, {transport: tcp, address: %[4]q}]
phones:
  listen: [{transport: udp, address: %[5]q}, {transport: tcp, address: %[5]q}]
media:
  address: 127.0.0.1
  ports: {any: true}
engine:
  node: fault
  phone_networks: [127.0.0.0/8]
store: {url: %[7]q}
trunks:
  - name: simulated
    targets: [{address: %[6]q, transport: udp}]
    caller_ids: ["+9995550001"]
    asserted_identity: true
    max_cps: 50
    max_channels: 500
    media_networks: [127.0.0.0/8]
    options_interval: 1s
drain: {timeout: 5s}
`

// embedded is the URL of the store that is in the product itself.
const embedded = "sqlite:outpace.db"

// newProduct writes the configuration of a product that dials a carrier.
func newProduct(t testing.TB, carrier string) *product { return newProductOn(t, embedded, carrier) }

// newProductOn is newProduct with a store of its own.
func newProductOn(t testing.TB, store, carrier string) *product {
	t.Helper()
	dir := t.TempDir()
	p := &product{
		dir: filepath.Join(dir, "data"), config: filepath.Join(dir, "outpace.yaml"), log: &lines{},
		trunk: reserve(t), phones: reserve(t), http: reserve(t), admin: reserve(t),
	}
	text := fmt.Sprintf(configText, p.dir, p.http, p.admin, p.trunk, p.phones, carrier, store)
	if err := os.WriteFile(p.config, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if t.Failed() {
			t.Logf("the end of the product's log:\n%s", p.tail())
		}
	})
	return p
}

// reserved are the ports that are given away already.
var reserved sync.Map

// reserve finds a port that is free for UDP and TCP. It is outside of the range
// that systems take ports from for others (from 32768 on Linux, 49152
// elsewhere), so that nobody takes it while the product is down.
func reserve(t testing.TB) string {
	t.Helper()
	for range 200 {
		address := fmt.Sprintf("127.0.0.1:%d", 15000+rand.IntN(15000))
		if _, taken := reserved.LoadOrStore(address, true); taken {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		c, err := net.ListenPacket("udp", address)
		l.Close()
		if err == nil {
			c.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}

// command is the product with the environment of the tests, without what would
// be taken for its configuration.
func command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "OUTPACE_") })
	return cmd
}

// readyWithin is how long the product may take to serve, with all that a dead
// process left to be ended.
const readyWithin = 30 * time.Second

// start runs the product until it serves.
func (p *product) start(t *testing.T) {
	t.Helper()
	p.launch(t)
	until(t, readyWithin, "the product serves", func() bool { return p.healthy() == nil })
	p.readyAt = time.Now()
}

// launch runs the product and does not wait for it.
func (p *product) launch(t *testing.T) {
	t.Helper()
	p.cmd = command(cmp.Or(p.program, program), "serve", "--config", p.config)
	if len(p.under) > 0 {
		serve := p.cmd
		p.cmd = exec.Command(p.under[0], append(slices.Clone(p.under[1:]), serve.Args...)...)
		p.cmd.Env = serve.Env
	}
	p.cmd.Stderr, p.cmd.Stdout = p.log, p.log
	p.startedAt = time.Now()
	if err := p.cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(p.kill) // before what it needs is gone
}

// kill ends the process as a power cut does: nothing of it runs any more.
func (p *product) kill() {
	if p.cmd == nil {
		return
	}
	p.killed = time.Now()
	_ = p.cmd.Process.Kill()
	_ = p.cmd.Wait()
	p.died, p.cmd = time.Now(), nil
}

// stop ends the process as an operating system does, and waits.
func (p *product) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	done := make(chan error, 1)
	cmd := p.cmd
	go func() { done <- cmd.Wait() }()
	select {
	case err := <-done:
		if err != nil {
			t.Errorf("the product ended with %v\n%s", err, p.tail())
		}
	case <-time.After(20 * time.Second):
		t.Errorf("the product did not stop\n%s", p.tail())
		_ = cmd.Process.Kill()
		<-done
	}
	p.cmd = nil
}

// tail is the end of the log.
func (p *product) tail() string {
	text := p.log.String()
	return text[max(0, len(text)-4000):]
}

func (p *product) healthy() error {
	_, err := p.get("http://" + p.admin + "/healthz")
	return err
}

// scrape is what /metrics says now.
func (p *product) scrape(t *testing.T) string {
	t.Helper()
	text, err := p.get("http://" + p.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

func (p *product) get(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = errors.New(resp.Status)
	}
	return string(body), err
}

// outpace runs a command of the product over the same store and returns what
// it printed and its exit status.
func (p *product) outpace(t testing.TB, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := command(program, append(args, "--config", p.config)...)
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	err := cmd.Run()
	if exit, failed := errors.AsType[*exec.ExitError](err); failed {
		return out.String(), bad.String(), exit.ExitCode()
	}
	if err != nil {
		t.Fatal(err)
	}
	return out.String(), bad.String(), 0
}

// until waits for something to become true.
func until(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// pass lets time go by: the faults here happen to a process that works.
func pass(d time.Duration) { <-time.After(d) }
