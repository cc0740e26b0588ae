package trunk

import (
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
	"os"
	"path/filepath"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/sip"
)

// broken is a carrier with a fault: where it listens, and by what.
type broken struct {
	address, transport string
	refuse             func(x *exchange) // what it says to an INVITE; nil: nothing of its own
	within             time.Duration     // for the INVITE at the next carrier
	authority          string            // PEM file: who vouches for it
}

// provable is how soon a call is at the next carrier whose INVITE provably failed.
const provable = 2 * time.Second

// faults are those of F-12.
func faults() map[string]func(*testing.T) broken {
	answering := func(script string) func(*testing.T) broken {
		return func(t *testing.T) broken {
			w := newWire(t, "udp")
			return broken{address: w.addr, transport: "udp", refuse: func(x *exchange) { x.refuse(w, script) }, within: provable}
		}
	}
	all := map[string]func(*testing.T) broken{
		"503 and Retry-After": answering("503 Service Unavailable\r\nRetry-After: 60"),
		"503 after a 100":     answering("100 Trying\n503 Service Unavailable\r\nRetry-After: 60"),
		"no answer": func(t *testing.T) broken { // a silence proves nothing: failover_after decides
			return broken{address: newWire(t, "udp").addr, transport: "udp", within: failoverFloor + provable}
		},
		"TCP refused": func(t *testing.T) broken { return broken{address: closedPort(t), transport: "tcp", within: provable} },
		"TCP reset": func(t *testing.T) broken { // the INVITE had left before: the carrier may have read it
			return broken{address: resets(t), transport: "tcp", within: failoverFloor + provable}
		},
		"TLS expired": func(t *testing.T) broken {
			address, authority := expired(t)
			return broken{address: address, transport: "tls", within: provable, authority: authority}
		},
	}
	if runtime.GOOS == "linux" { // elsewhere nobody tells: it is a silence
		all["ICMP unreachable"] = func(t *testing.T) broken {
			conn, err := net.ListenPacket("udp4", "127.0.0.1:0")
			if err != nil {
				t.Fatal(err)
			}
			defer conn.Close()
			return broken{address: conn.LocalAddr().String(), transport: "udp", within: provable}
		}
	}
	return all
}

// TestF12 (F-12): each fault of a carrier, by two targets of one trunk and by two
// trunks of one group: the call is at the other within 2 s where the first INVITE
// provably failed, with one INVITE there; the first is never asked again.
func TestF12(t *testing.T) {
	for name, fault := range faults() {
		for _, trunks := range []int{1, 2} {
			t.Run(fmt.Sprintf("%s, %d trunks", name, trunks), func(t *testing.T) {
				t.Parallel() // silences wait
				second := newWire(t, "udp")
				first := fault(t)
				cfgs := []Config{pair(first.address, second.addr, first.transport)}
				if trunks == 2 {
					other := cfgs[0]
					other.Name, other.Targets = "beta", cfgs[0].Targets[1:]
					cfgs[0].Targets = cfgs[0].Targets[:1]
					cfgs = append(cfgs, other)
				}
				for i := range cfgs {
					cfgs[i].FailoverAfter = failoverFloor
				}
				x := startExchange(t, nil, overTLS(t, first.authority), cfgs...)
				began := time.Now()
				x.call(t, "a")
				if first.refuse != nil {
					first.refuse(x)
				}
				x.again(t)
				invite := second.expect("INVITE")
				took := time.Since(began)
				if first.authority != "" && x.agent.Stats().FailedHandshakes == 0 {
					t.Error("no handshake failed")
				}
				if took > first.within {
					t.Errorf("at the next carrier after %s, want at most %s", took, first.within)
				}
				t.Logf("at the next carrier after %s", took.Round(time.Millisecond))
				second.answer(invite, "180 Ringing", "")
				second.answer(invite, "486 Busy Here", "")
				second.expect("ACK")
				if end := x.ended(t); end.Cause.Result != sip.ResultBusy {
					t.Errorf("end %+v", end)
				}
				for _, s := range x.Stats() {
					if s.Channels != 0 || s.Ringing != 0 {
						t.Errorf("stats %+v", s)
					}
				}
				if n := len(second.got); n != 0 {
					t.Errorf("%d messages more at the next carrier", n)
				}
			})
		}
	}
}

// TestF12NoDoubleRing (F-12): whatever ends a call after a 18x, and a time-out after
// a 100, goes nowhere else: somebody may have heard it ring.
func TestF12NoDoubleRing(t *testing.T) {
	ends := map[string]sip.Ended{
		"time-out":          {Cause: sip.Cause{Result: sip.ResultTrunkDown, Text: "no response"}},
		"time-out of rings": {Cause: sip.Cause{Code: 487, Q850: 19, Result: sip.ResultNoAnswer}, ByUs: true},
		"408":               {Cause: sip.Cause{Code: 408, Result: sip.ResultNoAnswer}},
		"504":               {Cause: sip.Cause{Code: 504, Result: sip.ResultCongestion}},
		"503":               {Cause: sip.Cause{Code: 503, Result: sip.ResultCongestion}},
	}
	for _, code := range []int{100, 180, 181, 182, 183} {
		for name, end := range ends {
			if code == 100 && name == "503" {
				continue // a 503 of the next hop itself: nobody rang
			}
			f := newFloor(t, pair("192.0.2.1:5060", "192.0.2.2:5060", "udp"))
			f.dial(t, "a")
			f.Handle(sip.Progress{Leg: "a", Code: code})
			end.Leg = "a"
			f.Handle(end)
			if _, ok := f.events[len(f.events)-1].(sip.Ended); !ok || len(f.agent.invites) != 1 {
				t.Errorf("%s after a %d: %d INVITEs, last event %T", name, code, len(f.agent.invites), f.events[len(f.events)-1])
			}
		}
	}
}

// resets is a carrier that takes connections and throws them away with a reset.
func resets(t *testing.T) string {
	t.Helper()
	ln, err := net.Listen("tcp4", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() { // ends with the listener
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			_, _ = conn.Read(make([]byte, 1)) // our INVITE is on its way
			_ = conn.(*net.TCPConn).SetLinger(0)
			_ = conn.Close()
		}
	}()
	return ln.Addr().String()
}

// expired is a carrier over TLS whose certificate is of yesterday.
func expired(t *testing.T) (address, authority string) {
	t.Helper()
	pair, authority := certificate(t, -24*time.Hour)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{Certificates: []tls.Certificate{pair}})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = ln.Close() })
	go func() { // ends with the listener
		for {
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			var got [1]byte
			if n, _ := conn.Read(got[:]); n > 0 {
				t.Error("a carrier with an expired certificate was told something")
			}
			_ = conn.Close()
		}
	}()
	return ln.Addr().String(), authority
}

// overTLS gives an agent a listener of TLS that believes an authority; empty: the
// system's.
func overTLS(t *testing.T, authority string) func(*sip.Config) {
	t.Helper()
	_, files := certificate(t, time.Hour)
	return func(c *sip.Config) {
		c.Listen = append(c.Listen, sip.Listener{Transport: "tls", Address: "127.0.0.1:0"})
		c.TLS = &sip.TLS{Certificate: files, Key: files, Authorities: authority}
	}
}

// certificate is one for 127.0.0.1 that vouches for itself, and a file of it and its key.
func certificate(t *testing.T, valid time.Duration) (tls.Certificate, string) {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{
		SerialNumber: big.NewInt(1), Subject: pkix.Name{CommonName: "carrier.example"}, IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)},
		NotBefore: time.Now().Add(-48 * time.Hour), NotAfter: time.Now().Add(valid), IsCA: true, BasicConstraintsValid: true,
	}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &key.PublicKey, key)
	if err != nil {
		t.Fatal(err)
	}
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	var text strings.Builder
	for kind, b := range map[string][]byte{"CERTIFICATE": der, "PRIVATE KEY": private} {
		_ = pem.Encode(&text, &pem.Block{Type: kind, Bytes: b})
	}
	file := filepath.Join(t.TempDir(), "both.pem")
	if err := os.WriteFile(file, []byte(text.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	pair, err := tls.LoadX509KeyPair(file, file)
	if err != nil {
		t.Fatal(err)
	}
	return pair, file
}
