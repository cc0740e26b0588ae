package e2e

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/netip"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/testbed"
)

const (
	manager         = "boss"
	managerPassword = "boss-of-the-test"
	callerID        = "+9995550001"
)

// product is `outpace serve` in a process of its own.
type product struct {
	http, admin, phones string // host:port

	phonesTLS, certificate string // of listenTLS: host:port, PEM file

	dir    string
	env    []string // further, for what the file does not say
	config string
	cmd    *exec.Cmd
	log    *os.File
	done   chan error
}

// freePort is a port of loopback that nobody has now and gets by asking for any, neither
// of UDP nor of TCP.
func freePort(t *testing.T) int {
	t.Helper()
	at, err := netip.ParseAddrPort(testbed.Reserve(t))
	must(t, err)
	return int(at.Port())
}

// configText is a whole configuration on loopback, with the given trunks.
func configText(dir string, phonesPort int, trunks string) string {
	return fmt.Sprintf(`
data_dir: %[1]s
http: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
trunk_signalling:
  listen:
    - {transport: udp, address: "127.0.0.1:0"}
    - {transport: tcp, address: "127.0.0.1:0"}
phones:
  listen:
    - {transport: udp, address: "127.0.0.1:%[2]d"}
    - {transport: tcp, address: "127.0.0.1:%[2]d"}
  browser: {enabled: true, listen: "127.0.0.1:0"}
media:
  address: 127.0.0.1
  ports: {any: true}
engine:
  phone_networks: ["127.0.0.0/8"]
drain: {timeout: 10s}
trunks:
%[3]s`, dir, phonesPort, trunks)
}

// trunkText is one carrier at an address; more are further keys of it.
func trunkText(name, address, more string) string {
	return fmt.Sprintf(`  - name: %s
    group: %s
    targets: [{address: "%s"}]
    caller_ids: ["%s"]
    max_cps: 20
    max_channels: 50
    media_networks: ["127.0.0.0/8"]
    %s
`, name, name, address, callerID, more)
}

// newProduct writes a configuration and fills the store by fill; serve starts
// the process.
func newProduct(t *testing.T, trunks string, fill func(app.Store)) *product {
	t.Helper()
	p := &product{dir: t.TempDir()}
	p.config = filepath.Join(p.dir, "outpace.yaml")
	if err := os.WriteFile(p.config, []byte(configText(p.dir, freePort(t), trunks)), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg, err := config.Load(p.config, nil)
	if err != nil {
		t.Fatal(err)
	}
	store, err := app.OpenStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	boss := app.NewUser{ID: manager, Name: "Boss", Role: campaigns.RoleManager, Password: managerPassword, SeesNumbers: new(true)}
	must(t, app.AddUser(t.Context(), store, boss))
	fill(store)
	must(t, store.Close())
	return p
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// serve starts the product and waits until it serves. It is stopped with the
// test.
func (p *product) serve(t *testing.T) {
	t.Helper()
	p.cmd = testbed.Command(testbed.Program, "serve", "--config", p.config, "--announce")
	p.cmd.Env = append(p.cmd.Env, p.env...)
	var err error
	p.log, err = os.Create(filepath.Join(p.dir, "serve.log"))
	must(t, err)
	p.cmd.Stderr = p.log
	out, err := p.cmd.StdoutPipe()
	must(t, err)
	must(t, p.cmd.Start())
	p.done = make(chan error, 1)
	t.Cleanup(func() { p.stop(t) })
	announced := make(chan struct{})
	go func() { // ends with the process: its output closes
		p.read(out, announced)
		p.done <- p.cmd.Wait()
	}()
	select {
	case <-announced:
	case err := <-p.done:
		p.done <- err
		t.Fatalf("serve ended: %v\n%s", err, p.logged(t))
	case <-time.After(20 * time.Second):
		t.Fatalf("not serving after 20 s\n%s", p.logged(t))
	}
}

// read takes the announced addresses.
func (p *product) read(out io.Reader, announced chan<- struct{}) {
	in := bufio.NewScanner(out)
	for in.Scan() {
		what, address, _ := strings.Cut(in.Text(), " ")
		switch what {
		case "http":
			p.http = address
		case "admin":
			p.admin = address
		case "phones":
			p.phones = address
			close(announced) // the last of the three
		}
	}
}

// stop ends the product as an operating system does, once. It must drain and
// leave with status 0.
func (p *product) stop(t *testing.T) {
	t.Helper()
	if p.cmd == nil {
		return
	}
	_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended
	select {
	case err := <-p.done:
		if err != nil {
			t.Errorf("serve: %v\n%s", err, p.logged(t))
		}
	case <-time.After(30 * time.Second):
		t.Errorf("not stopped 30 s after SIGTERM\n%s", p.logged(t))
		_ = p.cmd.Process.Kill()
		<-p.done
	}
	p.cmd = nil
	if t.Failed() {
		t.Logf("log of the product:\n%s", p.logged(t))
	}
	must(t, p.log.Close())
}

// logged is the end of the product's log.
func (p *product) logged(t *testing.T) string {
	b, err := os.ReadFile(p.log.Name())
	if err != nil {
		t.Log(err)
	}
	return string(b[max(0, len(b)-8000):])
}

// errNoSeries says that a scrape lacks a series.
var errNoSeries = errors.New("no such series")

// metric is one series of a scrape, such as `dialer_sip_legs{agent="trunk"}`.
func (p *product) metric(ctx context.Context, series string) (float64, error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+p.admin+"/metrics", nil)
	if err != nil {
		return 0, err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, err
	}
	defer resp.Body.Close()
	in := bufio.NewScanner(resp.Body)
	for in.Scan() {
		if value, ok := strings.CutPrefix(in.Text(), series+" "); ok {
			return strconv.ParseFloat(value, 64)
		}
	}
	return 0, errors.Join(in.Err(), fmt.Errorf("%s: %w", series, errNoSeries))
}

// wantMetric waits until a series has a value.
func (p *product) wantMetric(t *testing.T, limit time.Duration, series string, want float64) {
	t.Helper()
	eventually(t, limit, fmt.Sprintf("%s = %v", series, want), func() (bool, any) {
		got, err := p.metric(t.Context(), series)
		if err != nil {
			return false, err
		}
		return got == want, got
	})
}
