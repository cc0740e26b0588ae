package doctor

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"fmt"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/media/sdp"
	"github.com/outpace-dialer/outpace/sip/trunk"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// loopback is a configuration that works, with one trunk at an address.
func loopback(t *testing.T, target string) config.Config {
	t.Helper()
	cfg := config.Default()
	cfg.DataDir = t.TempDir()
	cfg.HTTP.Listen, cfg.Admin.Listen = "127.0.0.1:0", "127.0.0.1:0"
	cfg.Trunk.Listen = []config.Listener{{Transport: "udp", Address: "127.0.0.1:0"}}
	cfg.Phones.Listen = cfg.Trunk.Listen
	cfg.Media.Ports.Any = true
	cfg.Trunks = []trunk.Config{{
		Name: "a", Targets: []trunk.Target{{Address: target}}, CallerIDs: []string{"+9995550001"},
		MaxCPS: 10, MaxChannels: 10, MediaNetworks: []string{"127.0.0.0/8"},
	}}
	if err := cfg.Validate(); err != nil {
		t.Fatal(err)
	}
	return cfg
}

// serving starts something that serves until the end of the test.
func serving(t *testing.T, run func(context.Context) error) {
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan error, 1)
	go func() { done <- run(ctx) }()
	t.Cleanup(func() {
		stop()
		if err := eventually.Comes(t, 20*time.Second, "it ends", done); err != nil {
			t.Error(err)
		}
	})
}

func startCarrier(t *testing.T, cfg carrier.Config) *carrier.Carrier {
	t.Helper()
	c, err := carrier.New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	serving(t, c.Run)
	return c
}

func examined(t *testing.T, cfg config.Config, o Options) []Finding {
	t.Helper()
	o.StoreFile = filepath.Join(cfg.DataDir, "outpace.db")
	return Examine(t.Context(), cfg, o)
}

// want looks for a finding of a check with a verdict and words in it.
func want(t *testing.T, all []Finding, check string, verdict Verdict, words string) Finding {
	t.Helper()
	for _, f := range all {
		if f.Check == check && f.Verdict == verdict && strings.Contains(f.Subject+": "+f.Cause+" -> "+f.Next, words) {
			return f
		}
	}
	t.Errorf("no %s of %s with %q in\n%s", verdict, check, words, listed(all))
	return Finding{}
}

func listed(all []Finding) string {
	var b strings.Builder
	for _, f := range all {
		fmt.Fprintf(&b, "%s %s %s: %s -> %s\n", f.Verdict, f.Check, f.Subject, f.Cause, f.Next)
	}
	return b.String()
}

func TestSoundMachine(t *testing.T) {
	t.Parallel()
	far := startCarrier(t, carrier.Config{})
	all := examined(t, loopback(t, far.Addr()), Options{})
	if got := Worst(all); got == Fail {
		t.Errorf("worst %q, want none failed\n%s", got, listed(all))
	}
	f := want(t, all, CheckTrunk, OK, "answered OPTIONS with 200")
	if !strings.Contains(f.Cause, "INVITE") || f.Figures["round_trip_ms"] <= 0 {
		t.Errorf("trunk: %+v, want its methods and a round trip", f)
	}
	want(t, all, CheckNAT, OK, "sees us at 127.0.0.1, as we say")
	for _, check := range []string{CheckRules, CheckZones, CheckFiles, CheckStore, CheckBrowser, CheckPorts} {
		want(t, all, check, OK, "")
	}
	if got := far.Stats().Invites; got != 0 {
		t.Errorf("%d calls placed without a number, want none", got)
	}
}

func TestWrongPort(t *testing.T) {
	t.Parallel()
	deaf, err := net.ListenPacket("udp4", "127.0.0.1:0") // open, and answers nothing
	if err != nil {
		t.Fatal(err)
	}
	defer deaf.Close()
	all := examined(t, loopback(t, deaf.LocalAddr().String()), Options{Call: "+9995550100"})
	want(t, all, CheckTrunk, Fail, "no answer to OPTIONS")
	want(t, all, CheckCall, Fail, "no test call was made")
}

func TestUnknownName(t *testing.T) {
	t.Parallel()
	cfg := loopback(t, "nobody.invalid")
	cfg.DNS.Servers, cfg.DNS.Timeout = []string{"127.0.0.1:1"}, 200*time.Millisecond
	all := examined(t, cfg, Options{})
	want(t, all, CheckNames, Fail, "nobody.invalid")
}

func TestAddressOutside(t *testing.T) {
	t.Parallel()
	far := startCarrier(t, carrier.Config{})
	cfg := loopback(t, far.Addr())
	cfg.Trunk.External = "203.0.113.10"
	want(t, examined(t, cfg, Options{}), CheckNAT, Fail, "set trunk_signalling.external to 127.0.0.1")
}

func TestPrivateAudioAddress(t *testing.T) {
	t.Parallel()
	e := &examination{cfg: loopback(t, "198.51.100.20:5060")}
	e.cfg.Media.Address = "10.0.0.5"
	e.checkAudioAddress(e.cfg.Trunks[0], addressOf("198.51.100.20"), addressOf("203.0.113.10"), "a")
	want(t, e.found, CheckNAT, Fail, "10.0.0.5, which is private")
	e.found = nil
	e.cfg.Trunks[0].ExternalMedia = "203.0.113.10"
	e.checkAudioAddress(e.cfg.Trunks[0], addressOf("198.51.100.20"), addressOf("203.0.113.10"), "a")
	want(t, e.found, CheckNAT, OK, "203.0.113.10")
}

func TestPortOfAnother(t *testing.T) {
	t.Parallel()
	other, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer other.Close()
	e := &examination{cfg: loopback(t, "127.0.0.1:5060")}
	e.cfg.HTTP.Listen = other.Addr().String()
	e.checkPorts()
	// This test's own process has it, and it is the one that looks: the product, to it.
	want(t, e.found, CheckPorts, OK, fmt.Sprintf("process %d", os.Getpid()))

	e.found = nil
	e.inUse(listener{key: "http.listen"}, "tcp x", openSocket{inode: "none"})
	want(t, e.found, CheckPorts, Warn, "another user")

	e.found, e.owners = nil, map[string]int{"1": 1}
	e.inUse(listener{key: "http.listen"}, "tcp x", openSocket{inode: "1"})
	want(t, e.found, CheckPorts, Fail, "(process 1)")
}

func TestSmallFigures(t *testing.T) {
	t.Parallel()
	e := &examination{cfg: loopback(t, "127.0.0.1:5060")}
	e.cfg.Trunks[0].MaxChannels = 1 << 28
	e.checkFiles()
	want(t, e.found, CheckFiles, Fail, "LimitNOFILE")
	e.cfg.Media.Ports.Any, e.cfg.Media.Ports.From, e.cfg.Media.Ports.To = false, 20000, 20099
	e.checkPorts()
	want(t, e.found, CheckPorts, Warn, "room for the audio of 25 calls")
}

// wantNone wants that no finding has these words.
func wantNone(t *testing.T, all []Finding, words string) {
	t.Helper()
	if text := listed(all); strings.Contains(text, words) {
		t.Errorf("%q is said in\n%s", words, text)
	}
}

// A carrier in a network of its own is no public address: without media_networks each of
// its answers would be refused.
func TestAudioThatIsRefused(t *testing.T) {
	t.Parallel()
	cfg := loopback(t, echoing(t, true))
	wantNone(t, examined(t, cfg, Options{}), "media_networks")
	cfg.Trunks[0].MediaNetworks = nil
	all := examined(t, cfg, Options{Call: "+9995550100"})
	want(t, all, CheckTrunk, Warn, "at 127.0.0.1 (loopback), and audio may not go there")
	want(t, all, CheckTrunk, Warn, "add 127.0.0.1/32, or the whole network that the carrier's audio is in, to media_networks of trunk a")
	f := want(t, all, CheckCall, Fail, "add 127.0.0.1/32, or the whole network that the carrier's audio is in, to media_networks of trunk a")
	if !strings.Contains(f.Cause, "(loopback)") {
		t.Errorf("cause %q, want why", f.Cause)
	}
	wantNone(t, all, "did not answer our BYE")
}

func TestNetworksOfServers(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		address  string
		networks []string
		warned   string // empty: not
	}{
		{"8.8.8.8:5060", nil, ""},
		{"10.20.0.5:5060", nil, "add 10.20.0.5/32"},
		{"10.20.0.5:5060", []string{"10.20.0.0/24"}, ""},
		{"10.20.0.5:5060", []string{"10.21.0.0/24"}, "10.20.0.5 (private)"},
		{"100.64.3.1:5060", nil, "100.64.3.1 (not public)"},
		{"[fd00::5]:5060", nil, "add fd00::5/128"},
		{"[2001:4860:4860::8888]:5060", nil, ""},
	} {
		e := &examination{}
		e.checkNetworks(trunk.Config{Name: "a", MediaNetworks: row.networks}, trunk.Server{Address: row.address}, "a")
		if row.warned != "" {
			want(t, e.found, CheckTrunk, Warn, row.warned)
		} else if len(e.found) > 0 {
			t.Errorf("%s with %v: %s", row.address, row.networks, listed(e.found))
		}
	}
}

// What no setting of ours allows is not told to be set.
func TestAnswerThatNothingAllows(t *testing.T) {
	t.Parallel()
	guard := sdp.Guard{}
	for address, next := range map[string]string{
		"10.20.0.5:4000": "add 10.20.0.5/32", "169.254.1.1:4000": "add 169.254.1.1/32", "224.0.0.1:4000": "tell the carrier", "0.0.0.0:4000": "tell the carrier",
	} {
		e := &examination{}
		e.checkAnswer(trunk.Config{Name: "a"}, "a", fmt.Errorf("wrapped: %w", guard.Check(netip.MustParseAddrPort(address))))
		want(t, e.found, CheckCall, Fail, next)
		wantNone(t, e.found, map[bool]string{true: "media_networks", false: "tell the carrier"}[next == "tell the carrier"])
	}
	e := &examination{}
	e.checkAnswer(trunk.Config{Name: "a"}, "a", sdp.ErrNoCodec)
	want(t, e.found, CheckCall, Fail, "media.codecs")
}

// echo is a far end that answers every call and gives back what it hears, or only
// silence.
func echoing(t *testing.T, back bool) string {
	t.Helper()
	p, err := phone.New(phone.Config{OnCall: func(c *phone.Call) {
		loop := &delayLine{}
		if back {
			c.Audio.Listen(loop.take)
			c.Audio.Play(loop)
		}
		if err := c.Answer(); err == nil {
			<-c.Done()
		}
	}})
	if err != nil {
		t.Fatal(err)
	}
	serving(t, p.Run)
	return p.Addr()
}

func TestCall(t *testing.T) {
	t.Parallel()
	for _, row := range []struct {
		name    string
		back    bool
		verdict Verdict
		words   string
	}{
		{"echo", true, OK, "audio goes both ways"},
		{"one way", false, Fail, "nothing of ours comes back"},
	} {
		t.Run(row.name, func(t *testing.T) {
			t.Parallel()
			all := examined(t, loopback(t, echoing(t, row.back)), Options{Call: "+9995550100"})
			f := want(t, all, CheckCall, row.verdict, row.words)
			if row.back && (f.Figures["bursts"] < bursts-2 || f.Figures["delay_ms"] > 1000) {
				t.Errorf("figures %v, want nearly all of %d tones within a second", f.Figures, bursts)
			}
			if len(all) > 0 && strings.Contains(listed(all), "did not answer our BYE") {
				t.Error("the test call was not ended")
			}
		})
	}
}

func TestRefusedCall(t *testing.T) {
	t.Parallel()
	far := startCarrier(t, carrier.Config{Behave: func(string, int) (carrier.Behaviour, bool) {
		return carrier.Behaviour{Kind: carrier.Busy}, true
	}})
	all := examined(t, loopback(t, far.Addr()), Options{Call: "+9995550100"})
	want(t, all, CheckCall, Fail, "not answered: 486")
}

func TestRegistration(t *testing.T) {
	t.Parallel()
	p, err := phone.New(phone.Config{
		Challenge:  &phone.Challenge{User: "acme", Password: "secret", Realm: "carrier"},
		OnRegister: func(string, string, bool) {},
	})
	if err != nil {
		t.Fatal(err)
	}
	serving(t, p.Run)
	cfg := loopback(t, p.Addr())
	tc := &cfg.Trunks[0]
	tc.Username, tc.Password, tc.Register.Enabled = "acme", "secret", true
	want(t, examined(t, cfg, Options{}), CheckRegistration, OK, "knows us as sip:acme@")
	tc.Password = "wrong"
	want(t, examined(t, cfg, Options{}), CheckRegistration, Fail, "401")
}

func TestExpiredCertificate(t *testing.T) {
	t.Parallel()
	old := writePair(t, time.Now().Add(-48*time.Hour), time.Now().Add(-time.Hour))
	own := writePair(t, time.Now().Add(-time.Hour), time.Now().Add(7*24*time.Hour))
	pair, err := tls.LoadX509KeyPair(old, old+".key")
	if err != nil {
		t.Fatal(err)
	}
	far, err := tls.Listen("tcp4", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	shaken := make(chan struct{})
	go func() { // ends with the listener
		defer close(shaken)
		for {
			conn, err := far.Accept()
			if err != nil {
				return
			}
			_ = conn.(*tls.Conn).Handshake() // refused by the other side
			conn.Close()
		}
	}()
	defer func() {
		far.Close()
		eventually.Comes(t, 20*time.Second, "the last handshake ends", shaken)
	}()
	cfg := loopback(t, far.Addr().String())
	cfg.Trunks[0].Targets[0].Transport = "tls"
	cfg.Trunk.Listen = []config.Listener{{Transport: "tls", Address: "127.0.0.1:0"}}
	cfg.Trunk.TLS = config.TLS{Certificate: own, Key: own + ".key", Authorities: old}
	all := examined(t, cfg, Options{})
	want(t, all, CheckCertificates, Fail, "expired on")
	want(t, all, CheckCertificates, Warn, "trunk_signalling.tls: our certificate for 127.0.0.1 ends in 6 days")
}

// writePair writes a certificate for 127.0.0.1 that vouches for itself, and its key.
func writePair(t *testing.T, from, until time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "x"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: from, NotAfter: until, IsCA: true, BasicConstraintsValid: true}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "pair.pem")
	for name, block := range map[string]*pem.Block{path: {Type: "CERTIFICATE", Bytes: der}, path + ".key": {Type: "PRIVATE KEY", Bytes: private}} {
		if err := os.WriteFile(name, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	return path
}

func TestRedis(t *testing.T) {
	t.Parallel()
	server := redistest.Start(t, "--appendonly", "no")
	cfg := loopback(t, "127.0.0.1:5060")
	cfg.Store.URL = server.URL()
	e := &examination{cfg: cfg}
	e.checkStore(t.Context())
	want(t, e.found, CheckStore, Fail, "appendonly is \"no\"")
	want(t, e.found, CheckStore, Warn, "no replica")
	want(t, e.found, CheckClock, OK, "redis ")
}

func TestStoreFile(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "outpace.db")
	wal := append([]byte("SQLite format 3\x00\x10\x00\x02\x02"), make([]byte, 100)...)
	for _, row := range []struct {
		content []byte
		verdict Verdict
	}{{wal, OK}, {bytes.Repeat([]byte("x"), 200), Fail}, {[]byte("short"), Fail}, {append([]byte("SQLite format 3\x00\x10\x00\x01\x01"), make([]byte, 100)...), Warn}} {
		if err := os.WriteFile(path, row.content, 0o600); err != nil {
			t.Fatal(err)
		}
		e := &examination{}
		e.checkSQLite(path)
		if got := Worst(e.found); got != row.verdict {
			t.Errorf("file that begins with %q: %s, want %s", row.content[:5], got, row.verdict)
		}
	}
}
