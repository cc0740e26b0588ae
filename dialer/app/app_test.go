package app

import (
	"context"
	"crypto/tls"
	"encoding/json"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// An authority that was started in a test has a queue that it never leaves, and is not to
// sleep before it looks whose a name is.
func TestMain(m *testing.M) {
	_ = os.Setenv("PEBBLE_VA_NOSLEEP", "1")
	goleak.VerifyTestMain(m, goleak.IgnoreTopFunction("github.com/letsencrypt/pebble/v2/va.VAImpl.processTasks"))
}

// patience is how long a test waits for what must come.
const patience = 10 * time.Second

// settings are a product on ports of the system's choice, with one trunk.
func settings(t *testing.T, carrier string) config.Config {
	t.Helper()
	text := `
http: {listen: "127.0.0.1:0"}
admin: {listen: "127.0.0.1:0"}
trunk_signalling: {listen: [{transport: udp, address: "127.0.0.1:0"}]}
phones: {listen: [{transport: udp, address: "127.0.0.1:0"}]}
media: {address: 127.0.0.1, ports: {any: true}}
drain: {timeout: 5s}
trunks:
  - name: simulated
    targets: [{address: "` + carrier + `", transport: udp}]
    caller_ids: ["+9995550001"]
    max_cps: 10
    max_channels: 10
    options_interval: 1s
`
	cfg, err := config.Parse("test", []byte(text), nil)
	if err != nil {
		t.Fatal(err)
	}
	cfg.DataDir = t.TempDir()
	return cfg
}

// start runs a product until the test ends or stop is called; stop gives what
// Run gave.
func start(t *testing.T, cfg config.Config) (a *App, stop func() error) {
	t.Helper()
	a, err := Open(t.Context(), cfg, Options{Version: "test", Log: zap.NewNop()})
	if err != nil {
		t.Fatal(err)
	}
	return a, run(t, a)
}

// run is start for a product that is open.
func run(t *testing.T, a *App) (stop func() error) {
	t.Helper()
	ctx, cancel := context.WithCancel(context.WithoutCancel(t.Context()))
	ended := make(chan error, 1)
	go func() { ended <- a.Run(ctx, context.Background()) }() // stop waits for it
	stop = func() error {
		cancel()
		err := eventually.Comes(t, patience, "the product stops", ended)
		ended <- err // for a second stop
		return err
	}
	t.Cleanup(func() { _ = stop() })
	select {
	case <-a.Ready():
	case err := <-ended:
		ended <- err
		t.Fatalf("the product ended before it served: %v", err)
	case <-time.After(patience):
		t.Fatal("the product does not serve")
	}
	return stop
}

// get asks a listener of the product.
func get(t *testing.T, address, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+address+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	res, text := answer(t, req, nil)
	return res.StatusCode, text
}

// answer is what is said to a request, with its text.
func answer(t *testing.T, req *http.Request, policy *tls.Config) (*http.Response, string) {
	t.Helper()
	client := http.Client{Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: policy}, Timeout: patience}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return res, string(text)
}

// TestLife opens the product while its carrier is silent, lets the carrier
// answer, and stops it.
func TestLife(t *testing.T) {
	far, err := carrier.New(carrier.Config{})
	if err != nil {
		t.Fatal(err)
	}
	a, stop := start(t, settings(t, far.Addr()))
	if status, text := get(t, a.AdminAddr(), "/healthz"); status != 200 || text != "ok\n" {
		t.Errorf("healthz = %d %q", status, text)
	}
	if status, text := get(t, a.AdminAddr(), "/readyz"); status != 503 || !strings.Contains(text, `"trunk":"down"`) || !strings.Contains(text, `"store":"ok"`) {
		t.Errorf("readyz before the carrier answers = %d %s", status, text)
	}
	runs(t, far)
	eventually.So(t, patience, "readyz is 200 when the carrier answers OPTIONS", func() bool {
		status, _ := get(t, a.AdminAddr(), "/readyz")
		return status == 200
	})
	checkSeries(t, a)
	if status, _ := get(t, a.HTTPAddr(), "/metrics"); status == 200 {
		t.Error("the public listener shows the metrics")
	}
	if status, _ := get(t, a.HTTPAddr(), "/api/v1/me"); status != 401 {
		t.Errorf("the API answers a stranger %d, want 401", status)
	}
	a.draining.Store(true)
	w := httptest.NewRecorder()
	a.readiness(w, httptest.NewRequest("GET", "/readyz", nil))
	if w.Code != 503 || !strings.Contains(w.Body.String(), `"drain":"draining"`) {
		t.Errorf("readyz while draining = %d %s", w.Code, w.Body)
	}
	if err := stop(); err != nil {
		t.Errorf("stopped with %v", err)
	}
	if c, err := net.DialTimeout("tcp", a.HTTPAddr(), time.Second); err == nil {
		c.Close()
		t.Error("the listener is open after the stop")
	}
}

// runs has a carrier take calls until the test ends.
func runs(t *testing.T, far *carrier.Carrier) {
	t.Helper()
	ctx, hangUp := context.WithCancel(context.Background())
	gone := make(chan error, 1)
	go func() { gone <- far.Run(ctx) }() // ends with hangUp
	t.Cleanup(func() {
		hangUp()
		if err := eventually.Comes(t, patience, "the carrier ends", gone); err != nil {
			t.Error(err)
		}
	})
}

// checkSeries looks for a series of each room.
func checkSeries(t *testing.T, a *App) {
	t.Helper()
	_, text := get(t, a.AdminAddr(), "/metrics")
	for _, want := range []string{
		`dialer_build_info{version="test"} 1`, `dialer_trunk_up{trunk="simulated"} 1`, `dialer_trunk_channels_limit{trunk="simulated"} 10`,
		`dialer_trunk_unusable{trunk="simulated"} 0`, `dialer_trunk_answers_refused_total{trunk="simulated"} 0`,
		`dialer_sip_requests_total{agent="trunk",direction="out",method="OPTIONS"}`, `dialer_sip_parse_errors_total{agent="phones"} 0`,
		`dialer_media_sessions{kind="customer"} 0`, `dialer_engine_mailbox 0`, `dialer_store_operations_total{`, `dialer_event_subscribers 0`,
		`dialer_draining 0`, "go_goroutines ",
	} {
		if !strings.Contains(text, want) {
			t.Errorf("no %s in the metrics", want)
		}
	}
}

// TestOpenFails names what cannot work.
func TestOpenFails(t *testing.T) {
	taken, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close()
	for want, wrong := range map[string]func(*config.Config){
		"http.listen: ":  func(c *config.Config) { c.HTTP.Listen = taken.Addr().String() },
		"admin.listen: ": func(c *config.Config) { c.Admin.Listen = taken.Addr().String() },
		"trunk_signalling: ": func(c *config.Config) {
			c.Trunk.Listen[0] = config.Listener{Transport: "tcp", Address: taken.Addr().String()}
		},
		"phones: ": func(c *config.Config) {
			c.Phones.Listen[0] = config.Listener{Transport: "tcp", Address: taken.Addr().String()}
		},
		"store.url: ": func(c *config.Config) { c.Store.URL = "redis://127.0.0.1:1" },
	} {
		cfg := settings(t, "127.0.0.1:9")
		wrong(&cfg)
		if _, err := Open(t.Context(), cfg, Options{Version: "test", Log: zap.NewNop()}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("error = %v, want %q", err, want)
		}
	}
}

// TestLegJournal keeps a leg while it is up.
func TestLegJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "legs")
	j, err := openLegJournal(dir, zap.NewNop())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- j.run(ctx) }() // ends with cancel
	names := func() string {
		files, err := os.ReadDir(dir)
		if err != nil {
			t.Fatal(err)
		}
		var all []string
		for _, f := range files {
			all = append(all, f.Name())
		}
		return strings.Join(all, " ")
	}
	j.note(sip.Answered{Leg: "../olga", Dialog: sip.Dialog{CallID: "c1"}})
	eventually.So(t, patience, "the leg is on disk, inside the folder", func() bool { return names() == "..%2Folga.json" })
	j.note(sip.Ended{Leg: "never-answered"})
	j.note(sip.Answered{Leg: "two", Dialog: sip.Dialog{CallID: "c2"}})
	j.note(sip.Ended{Leg: "../olga"})
	cancel() // what was noted is written before it ends
	if err := eventually.Comes(t, patience, "the journal ends", done); err != nil || names() != "two.json" {
		t.Errorf("after the end: %q (%v), want two.json", names(), err)
	}
}

// TestStrayLegs has a phone whose leg a dead process left up: it gets a BYE at
// the next start.
func TestStrayLegs(t *testing.T) {
	phone, err := net.ListenPacket("udp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer phone.Close()
	address := phone.LocalAddr().String()
	cfg := settings(t, "127.0.0.1:9")
	legs := filepath.Join(cfg.DataDir, "legs")
	if err := os.MkdirAll(legs, 0o750); err != nil {
		t.Fatal(err)
	}
	d := sip.NewDialog("phones", "udp", address, "sip:olga@"+address, "sip:outpace@127.0.0.1", "sip:olga@"+address, "stray-call")
	d.RemoteTag, d.RemoteTarget, d.Up = "theirs", "sip:olga@"+address, true
	b, err := json.Marshal(d)
	if err != nil {
		t.Fatal(err)
	}
	for name, text := range map[string][]byte{"stray.json": b, "torn.json": b[:20]} {
		if err := os.WriteFile(filepath.Join(legs, name), text, 0o600); err != nil {
			t.Fatal(err)
		}
	}
	bye := make(chan string, 1)
	go func() { bye <- answerOnce(phone) }() // ends with the first request, or with the socket
	_, stop := start(t, cfg)
	select {
	case request := <-bye:
		if !strings.HasPrefix(request, "BYE sip:olga@"+address) || !strings.Contains(request, "stray-call") || !strings.Contains(request, "tag=theirs") {
			t.Errorf("the phone got\n%s\nwant the BYE of its leg", request)
		}
	case <-time.After(patience):
		t.Fatal("no BYE")
	}
	if left, err := os.ReadDir(legs); err != nil || len(left) != 0 {
		t.Errorf("left in the journal: %v (%v)", left, err)
	}
	if err := stop(); err != nil {
		t.Error(err)
	}
}

// answerOnce takes one request and answers it with 200.
func answerOnce(c net.PacketConn) string {
	buf := make([]byte, 4096)
	n, from, err := c.ReadFrom(buf)
	if err != nil {
		return err.Error()
	}
	request := string(buf[:n])
	answer := "SIP/2.0 200 OK\r\n"
	for line := range strings.SplitSeq(request, "\r\n") {
		name, _, _ := strings.Cut(line, ":")
		switch strings.ToLower(name) {
		case "via", "from", "to", "call-id", "cseq":
			answer += line + "\r\n"
		}
	}
	if _, err := c.WriteTo([]byte(answer+"Content-Length: 0\r\n\r\n"), from); err != nil {
		return err.Error()
	}
	return request
}
