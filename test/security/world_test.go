package security

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"io"
	"math/big"
	mathrand "math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/operators"
)

// full says whether `make security` runs the tests, in full size.
func full() bool { return os.Getenv("OUTPACE_SECURITY") != "" }

// program is the product, built once, without the race detector.
var program string

func TestMain(m *testing.M) { os.Exit(run(m)) }

func run(m *testing.M) int {
	dir, err := os.MkdirTemp("", "outpace-security-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	program = filepath.Join(dir, "outpace")
	build := exec.Command("go", "build", "-o", program, "github.com/outpace-dialer/outpace/cmd/outpace")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// mediaFrom and mediaTo are the product's ports for audio.
const (
	mediaFrom = 20_000
	mediaTo   = 29_999
)

const configText = `data_dir: %q
http: {listen: %q}
admin: {listen: %q}
trunk_signalling:
  tls: {certificate: %[8]q, key: %[9]q}
  listen: [{transport: udp, address: %[4]q}, {transport: tcp, address: %[4]q}, {transport: tls, address: %[6]q}]
phones:
  tls: {certificate: %[8]q, key: %[9]q}
  listen: [{transport: udp, address: %[5]q}, {transport: tcp, address: %[5]q}, {transport: tls, address: %[7]q}]
media:
  address: 127.0.0.1
  ports: {from: %[11]d, to: %[12]d}
engine: {node: security, phone_networks: [127.0.0.0/8]}
trunks:
  - name: simulated
    targets: [{address: %[10]q, transport: udp}]
    caller_ids: ["+9995550001"]
    max_cps: 50
    max_channels: 500
    media_networks: [127.0.0.1/32]
    options_interval: 1s
drain: {timeout: 5s}
`

// lines is a log that many write.
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

// world is the product with a carrier, operators, and somebody at each of them.
type world struct {
	dir, file                          string
	trunk, phones, trunkTLS, phonesTLS string
	http, admin                        string
	carrier                            *carrier.Carrier
	journal, log                       *lines
	people                             []operators.Credential
	thief                              operators.Credential // has a phone, and works for nobody
	process                            *exec.Cmd
	leave                              func() // of the operators
}

// newWorld is a product in which each operator talks, so that nobody is dialled any more.
func newWorld(t *testing.T, talking int) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), journal: &lines{}, log: &lines{}}
	var err error
	w.carrier, err = carrier.New(carrier.Config{Log: w.journal, Behave: func(string, int) (carrier.Behaviour, bool) {
		return carrier.Behaviour{Kind: carrier.Person, Ring: 300 * time.Millisecond, Talk: time.Hour, Patience: time.Minute}, true
	}})
	must(t, err)
	runUntilCleanup(t, w.carrier.Run)
	for _, a := range []*string{&w.trunk, &w.phones, &w.trunkTLS, &w.phonesTLS, &w.http, &w.admin} {
		*a = reserve(t)
	}
	certificate, key := w.certificate(t)
	w.file = filepath.Join(w.dir, "outpace.yaml")
	text := fmt.Sprintf(configText, filepath.Join(w.dir, "data"), w.http, w.admin, w.trunk, w.phones, w.trunkTLS, w.phonesTLS, certificate, key, w.carrier.Addr(), mediaFrom, mediaTo)
	must(t, os.WriteFile(w.file, []byte(text), 0o600))
	w.seed(t, talking)
	w.start(t)
	room, err := operators.New(operators.Config{
		API: "http://" + w.http, SIP: w.phones, Users: w.people, Seed: 7,
		TalkMean: time.Hour, WrapMean: 500 * time.Millisecond, PauseProbability: -1, Log: w.journal,
	})
	must(t, err)
	w.leave = runUntilCleanup(t, room.Run)
	deadline := time.Now().Add(time.Minute + time.Duration(talking)*5*time.Second)
	for n := 0; n < talking; n = len(w.talks(t)) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d operators talk", n, talking)
		}
		pass(100*time.Millisecond + time.Duration(talking)*5*time.Millisecond) // reading the journal takes time of the far ends
	}
	return w
}

// seed fills the store: leads where it is day, a campaign, operators.
func (w *world) seed(t *testing.T, people int) {
	t.Helper()
	cfg, err := config.Load(w.file, nil)
	must(t, err)
	store, err := app.OpenStore(t.Context(), cfg)
	must(t, err)
	defer store.Close()
	now, ctx := time.Now(), t.Context()
	must(t, store.SaveList(ctx, campaigns.List{ID: "list", Name: "List", Source: "made up", ConsentBasis: "fictitious people", Verified: true, CreatedAt: now}))
	_, err = store.SaveCampaign(ctx, campaigns.Campaign{
		ID: "security", Name: "Security", State: campaigns.Running, Lists: []campaigns.ListID{"list"},
		Trunks: "default", CallerIDs: []string{"+9995550001"},
		Pacing:    campaigns.Pacing{Mode: campaigns.Progressive, AbandonmentLimit: 0.03},
		Detection: "before", Dispositions: campaigns.DefaultDispositions(),
		Wrap:       campaigns.Wrap{Timeout: 10 * time.Second, Default: "no_decision"},
		SafeHarbor: "safe-harbor", Recording: campaigns.RecordAlways, CreatedAt: now,
	})
	must(t, err)
	var leads []campaigns.Lead
	for i := range 3*people + 20 {
		leads = append(leads, campaigns.Lead{
			List: "list", ExternalID: fmt.Sprint("lead", i), Name: fmt.Sprint("Lead ", i),
			Numbers: []campaigns.Number{{E164: fmt.Sprintf("+999%07d", 1_000_000+i), Kind: campaigns.Mobile, Zones: []string{dayZone(now)}, Regions: []string{"DEMO"}}},
			Grades:  campaigns.Grades{Stage: campaigns.StageAcquire, Temperature: campaigns.Warm},
		})
	}
	_, err = store.AddLeads(ctx, "list", leads)
	must(t, err)
	for i := range people {
		c := operators.Credential{User: fmt.Sprintf("op%03d", i+1), Password: "a password of op" + fmt.Sprint(i), SIPPassword: fmt.Sprint("phone", i)}
		must(t, app.AddUser(ctx, store, app.NewUser{
			ID: campaigns.UserID(c.User), Name: c.User, Role: campaigns.RoleOperator, Password: c.Password, PhonePassword: c.SIPPassword,
		}))
		w.people = append(w.people, c)
	}
	w.thief = operators.Credential{User: "thief", SIPPassword: "stolen with the phone"}
	must(t, app.AddUser(ctx, store, app.NewUser{
		ID: "thief", Name: "Thief", Role: campaigns.RoleOperator, Password: "a password of nobody's", PhonePassword: w.thief.SIPPassword,
	}))
}

// dayZone is a zone where it is between ten and sixteen o'clock now.
func dayZone(now time.Time) string {
	for _, name := range []string{"Pacific/Honolulu", "America/Phoenix", "America/Sao_Paulo", "Africa/Lagos", "Asia/Karachi", "Asia/Tokyo"} {
		zone, err := time.LoadLocation(name)
		if hour := now.In(zone).Hour(); err == nil && hour >= 10 && hour < 16 {
			return name
		}
	}
	panic("no zone at this hour")
}

// start runs the product until it serves.
func (w *world) start(t *testing.T) {
	t.Helper()
	w.process = exec.Command(program, "serve", "--config", w.file)
	w.process.Env = slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "OUTPACE_") })
	w.process.Stdout, w.process.Stderr = w.log, w.log
	must(t, w.process.Start())
	t.Cleanup(func() {
		_ = w.process.Process.Kill()
		_ = w.process.Wait()
		if text := w.log.String(); t.Failed() {
			t.Logf("the end of the product's log:\n%s", text[max(0, len(text)-3000):])
		}
	})
	until(t, 30*time.Second, "the product serves", func() bool { _, err := w.get("/healthz"); return err == nil })
}

func (w *world) get(path string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+w.admin+path, nil)
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
		err = fmt.Errorf("%s: %s", path, resp.Status)
	}
	return string(body), err
}

// sample is the sum of a metric's series.
func (w *world) sample(t *testing.T, name string) float64 {
	t.Helper()
	text, err := w.get("/metrics")
	must(t, err)
	sum := 0.0
	for line := range strings.Lines(text) {
		if rest, ok := strings.CutPrefix(line, name); ok && (rest[0] == ' ' || rest[0] == '{') {
			f, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
			must(t, err)
			sum += f
		}
	}
	return sum
}

// events is what the far ends saw so far.
func (w *world) events(t *testing.T) []carrier.Event {
	t.Helper()
	events, err := carrier.ReadLog(strings.NewReader(w.journal.String()))
	must(t, err)
	return events
}

// talks are the calls that came to an operator's ear.
func (w *world) talks(t *testing.T) map[string]bool {
	t.Helper()
	calls := map[string]bool{}
	for _, e := range w.events(t) {
		if e.Event == "first_tone" && e.From == "customer" {
			calls[e.Call] = true
		}
	}
	return calls
}

// certificate writes one for 127.0.0.1 and its key.
func (w *world) certificate(t *testing.T) (file, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "security"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	must(t, err)
	file, keyFile = filepath.Join(w.dir, "tls.pem"), filepath.Join(w.dir, "tls.key")
	must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return file, keyFile
}

// reserve finds a port that is free for UDP and TCP, below those that the system
// gives away and outside the product's audio.
func reserve(t *testing.T) string {
	t.Helper()
	for range 200 {
		address := fmt.Sprintf("127.0.0.1:%d", 12_000+mathrand.IntN(3000))
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

func runUntilCleanup(t *testing.T, run func(context.Context) error) (stop func()) {
	ctx, cancel := context.WithCancel(context.Background())
	var wg sync.WaitGroup
	wg.Go(func() {
		if err := run(ctx); err != nil {
			t.Error(err)
		}
	})
	stop = func() { cancel(); wg.Wait() }
	t.Cleanup(stop)
	return stop
}

func must(t *testing.T, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// until waits for something to become true.
func until(t *testing.T, limit time.Duration, what string, ok func() bool) {
	t.Helper()
	deadline := time.NewTimer(limit)
	defer deadline.Stop()
	tick := time.NewTicker(50 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-deadline.C:
			t.Fatalf("not within %v: %s", limit, what)
		}
	}
}

// pass lets time go by: attacks happen to a process that works.
func pass(d time.Duration) { <-time.After(d) }
