package fault

import (
	"bytes"
	"cmp"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/testbed"
)

// product is `outpace serve` on fixed loopback ports, which live on from one
// process to the next: after a crash, dialogs are ended from where they began.
type product struct {
	dir, config        string
	trunk, phones      string // UDP and TCP
	http, admin        string
	cmd                *exec.Cmd
	log                *testbed.Lines
	startedAt, readyAt time.Time
	killed, died       time.Time // when kill -9 was sent, and when the process was gone
	program            string    // the binary; "": the one that is tested
	under              []string  // a program that runs the product, and its arguments
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
		dir: filepath.Join(dir, "data"), config: filepath.Join(dir, "outpace.yaml"), log: &testbed.Lines{},
		trunk: testbed.Reserve(t), phones: testbed.Reserve(t), http: testbed.Reserve(t), admin: testbed.Reserve(t),
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

// readyWithin is how long the product may take to serve, with all that a dead
// process left to be ended.
const readyWithin = 30 * time.Second

// start runs the product until it serves.
func (p *product) start(t *testing.T) {
	t.Helper()
	p.launch(t)
	testbed.Until(t, readyWithin, "the product serves", func() bool { return p.healthy() == nil })
	p.readyAt = time.Now()
}

// launch runs the product and does not wait for it.
func (p *product) launch(t *testing.T) {
	t.Helper()
	p.cmd = testbed.Command(cmp.Or(p.program, testbed.Program), "serve", "--config", p.config)
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
func (p *product) tail() string { return p.log.Tail(4000) }

func (p *product) healthy() error {
	_, err := testbed.Get("http://" + p.admin + "/healthz")
	return err
}

// scrape is what /metrics says now.
func (p *product) scrape(t *testing.T) string {
	t.Helper()
	text, err := testbed.Get("http://" + p.admin + "/metrics")
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// outpace runs a command of the product over the same store and returns what
// it printed and its exit status.
func (p *product) outpace(t testing.TB, args ...string) (stdout, stderr string, status int) {
	t.Helper()
	cmd := testbed.Command(testbed.Program, append(args, "--config", p.config)...)
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
