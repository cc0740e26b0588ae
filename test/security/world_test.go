package security

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"
	_ "time/tzdata"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/operators"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// full says whether `make security` runs the tests, in full size.
func full() bool { return os.Getenv("OUTPACE_SECURITY") != "" }

func TestMain(m *testing.M) {
	if text := os.Getenv(orderKey); text != "" {
		os.Exit(obey(text))
	}
	os.Exit(testbed.Main(m))
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
  registrar: {offices: [127.0.0.1]}
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

// world is the product with a carrier, operators, and somebody at each of them.
type world struct {
	dir, file                          string
	trunk, phones, trunkTLS, phonesTLS string
	http, admin                        string
	carrier                            *carrier.Carrier
	journal, log                       *testbed.Lines
	people                             []operators.Credential
	thief                              operators.Credential // has a phone, and works for nobody
	process                            *exec.Cmd
	room                               *operators.Operators
	leave                              func() // of the operators
}

// newWorld is a product in which each operator talks, so that nobody is dialled any more.
func newWorld(t *testing.T, talking int) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), journal: &testbed.Lines{}, log: &testbed.Lines{}}
	var err error
	w.carrier, err = carrier.New(carrier.Config{Log: w.journal, Behave: func(string, int) (carrier.Behaviour, bool) {
		return carrier.Behaviour{Kind: carrier.Person, Ring: 300 * time.Millisecond, Talk: time.Hour, Patience: time.Minute}, true
	}})
	testbed.Must(t, err)
	testbed.RunUntilCleanup(t, "carrier", w.carrier.Run)
	for _, a := range []*string{&w.trunk, &w.phones, &w.trunkTLS, &w.phonesTLS, &w.http, &w.admin} {
		*a = testbed.Reserve(t)
	}
	certificate, key := w.certificate(t)
	w.file = filepath.Join(w.dir, "outpace.yaml")
	text := fmt.Sprintf(configText, filepath.Join(w.dir, "data"), w.http, w.admin, w.trunk, w.phones, w.trunkTLS, w.phonesTLS, certificate, key, w.carrier.Addr(), mediaFrom, mediaTo)
	testbed.Must(t, os.WriteFile(w.file, []byte(text), 0o600))
	w.seed(t, talking)
	w.start(t)
	w.room, err = operators.New(operators.Config{
		API: "http://" + w.http, SIP: w.phones, Users: w.people, Seed: 7,
		TalkMean: time.Hour, WrapMean: 500 * time.Millisecond, PauseProbability: -1, Log: w.journal,
	})
	testbed.Must(t, err)
	w.leave = testbed.RunUntilCleanup(t, "operators", w.room.Run)
	deadline := time.Now().Add(time.Minute + time.Duration(talking)*5*time.Second)
	for n := 0; n < talking; n = len(testbed.Talks(w.events(t))) {
		if time.Now().After(deadline) {
			t.Fatalf("%d of %d operators talk", n, talking)
		}
		testbed.Pass(100*time.Millisecond + time.Duration(talking)*5*time.Millisecond) // reading the journal takes time of the far ends
	}
	return w
}

// seed fills the store: leads where it is day, a campaign, operators.
func (w *world) seed(t *testing.T, people int) {
	t.Helper()
	store, now := testbed.Open(t, w.file), time.Now()
	defer store.Close()
	w.people = testbed.Fill(t, store, campaigns.Campaign{
		ID: "security", Name: "Security", State: campaigns.Running, Lists: []campaigns.ListID{"list"},
		Trunks: "default", CallerIDs: []string{testbed.Prefix + "5550001"},
		Pacing:    campaigns.Pacing{Mode: campaigns.Progressive, AbandonmentLimit: 0.03},
		Detection: "before", Dispositions: campaigns.DefaultDispositions(),
		Wrap:       campaigns.Wrap{Timeout: 10 * time.Second, Default: "no_decision"},
		SafeHarbor: "safe-harbor", Recording: campaigns.RecordAlways, CreatedAt: now,
	}, testbed.Leads("list", 3*people+20, testbed.DayZone(now)), people)
	w.thief = operators.Credential{User: "thief", Password: "a password of nobody's", SIPPassword: "stolen with the phone"}
	testbed.AddOperator(t, store, w.thief)
}

// start runs the product until it serves.
func (w *world) start(t *testing.T) {
	t.Helper()
	w.process = testbed.Command(testbed.Program, "serve", "--config", w.file)
	w.process.Stdout, w.process.Stderr = w.log, w.log
	testbed.Must(t, w.process.Start())
	t.Cleanup(func() {
		_ = w.process.Process.Kill()
		_ = w.process.Wait()
		if t.Failed() {
			t.Logf("the end of the product's log:\n%s", w.log.Tail(3000))
		}
	})
	testbed.Until(t, 30*time.Second, "the product serves", func() bool { _, err := testbed.Get("http://" + w.admin + "/healthz"); return err == nil })
}

// sample is the sum of a metric's series now.
func (w *world) sample(t *testing.T, name string) float64 {
	t.Helper()
	text, err := testbed.Get("http://" + w.admin + "/metrics")
	testbed.Must(t, err)
	return testbed.Sample(t, text, name)
}

// events is what the far ends saw so far.
func (w *world) events(t *testing.T) []carrier.Event {
	t.Helper()
	return testbed.Events(t, w.journal)
}

// certificate writes one for 127.0.0.1 and its key.
func (w *world) certificate(t *testing.T) (file, keyFile string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	testbed.Must(t, err)
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "security"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour),
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	testbed.Must(t, err)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	testbed.Must(t, err)
	file, keyFile = filepath.Join(w.dir, "tls.pem"), filepath.Join(w.dir, "tls.key")
	testbed.Must(t, os.WriteFile(file, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}), 0o600))
	testbed.Must(t, os.WriteFile(keyFile, pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: private}), 0o600))
	return file, keyFile
}
