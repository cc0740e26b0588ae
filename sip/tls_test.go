package sip

import (
	"bufio"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"crypto/x509/pkix"
	"encoding/pem"
	"math/big"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/eventually"
)

// authority vouches for certificates in a test.
type authority struct {
	t    *testing.T
	dir  string
	cert *x509.Certificate
	key  *ecdsa.PrivateKey
}

func newAuthority(t *testing.T) *authority {
	t.Helper()
	a := &authority{t: t, dir: t.TempDir()}
	var der []byte
	der, a.key = a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: "authority"}, IsCA: true, BasicConstraintsValid: true, KeyUsage: x509.KeyUsageCertSign}, time.Hour)
	var err error
	if a.cert, err = x509.ParseCertificate(der); err != nil {
		t.Fatal(err)
	}
	a.write("authorities", "CERTIFICATE", der)
	return a
}

func (a *authority) sign(template *x509.Certificate, valid time.Duration) ([]byte, *ecdsa.PrivateKey) {
	a.t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		a.t.Fatal(err)
	}
	template.SerialNumber, _ = rand.Int(rand.Reader, big.NewInt(1<<62))
	template.NotBefore, template.NotAfter = time.Now().Add(-2*time.Hour), time.Now().Add(valid)
	parent, signer := a.cert, a.key
	if parent == nil {
		parent, signer = template, key
	}
	der, err := x509.CreateCertificate(rand.Reader, template, parent, &key.PublicKey, signer)
	if err != nil {
		a.t.Fatal(err)
	}
	return der, key
}

// issue writes a certificate for a host name, and its key.
func (a *authority) issue(file, host string, valid time.Duration) {
	a.t.Helper()
	der, key := a.sign(&x509.Certificate{Subject: pkix.Name{CommonName: host}, DNSNames: []string{host}}, valid)
	private, err := x509.MarshalPKCS8PrivateKey(key)
	if err != nil {
		a.t.Fatal(err)
	}
	a.write(file+".key", "PRIVATE KEY", private)
	a.write(file, "CERTIFICATE", der)
}

func (a *authority) write(file, kind string, der []byte) {
	a.t.Helper()
	if err := os.WriteFile(a.path(file), pem.EncodeToMemory(&pem.Block{Type: kind, Bytes: der}), 0o600); err != nil {
		a.t.Fatal(err)
	}
}

func (a *authority) path(file string) string { return filepath.Join(a.dir, file) }

func (a *authority) load(file string) tls.Certificate {
	a.t.Helper()
	pair, err := tls.LoadX509KeyPair(a.path(file), a.path(file+".key"))
	if err != nil {
		a.t.Fatal(err)
	}
	return pair
}

// overTLS makes an agent listen on TLS as "dialer.example"; far ends must be
// "carrier.example".
func (a *authority) overTLS(c *Config) {
	a.issue("ours", "dialer.example", time.Hour)
	c.Listen = []Listener{{"tls", "127.0.0.1:0"}}
	c.TLS = &TLS{
		Certificate: a.path("ours"), Key: a.path("ours.key"), Authorities: a.path("authorities"),
		NameOf: func(netip.AddrPort) string { return "carrier.example" },
	}
}

// listen is a far end over TLS that wants to know who calls.
func (a *authority) listen(file string) net.Listener {
	a.t.Helper()
	believed := x509.NewCertPool()
	believed.AddCert(a.cert)
	ln, err := tls.Listen("tcp", "127.0.0.1:0", &tls.Config{
		Certificates: []tls.Certificate{a.load(file)}, ClientAuth: tls.RequireAndVerifyClientCert, ClientCAs: believed,
	})
	if err != nil {
		a.t.Fatal(err)
	}
	a.t.Cleanup(func() { _ = ln.Close() })
	return ln
}

func inviteOver(transport, addr string) Invitation {
	return Invitation{
		Dialog: NewDialog("trunk", transport, addr, "sip:1@"+addr+";transport="+transport, "sip:2@127.0.0.1", "sip:1@"+addr, ""),
		Body:   []byte("v=0\r\n"),
	}
}

func TestCallOverTLS(t *testing.T) {
	a := newAuthority(t)
	n := newNear(t, a.overTLS)
	a.issue("carrier", "carrier.example", time.Hour)
	ln := a.listen("carrier")
	addr := ln.Addr().String()
	n.Invite("leg", inviteOver("tls", addr))
	conn, err := ln.Accept()
	if err != nil {
		t.Fatal(err)
	}
	defer func() { _ = conn.Close() }()
	f := &tcpFar{t, conn, bufio.NewReader(conn)}
	inv := f.expect("INVITE")
	if !strings.HasPrefix(header(inv, "Via"), "SIP/2.0/TLS "+n.Addr("tls").String()) || !strings.Contains(header(inv, "Contact"), ";transport=tls") {
		t.Errorf("INVITE:\n%s", inv)
	}
	if s := conn.(*tls.Conn).ConnectionState(); s.ServerName != "carrier.example" || s.Version < tls.VersionTLS12 || s.PeerCertificates[0].DNSNames[0] != "dialer.example" {
		t.Errorf("asked for %q by %v", s.ServerName, s.PeerCertificates[0].DNSNames)
	}
	contact := "Contact: <sip:far@" + addr + ";transport=tls>\r\n"
	f.write(responseTo(inv, "200 OK", "T1", contact, "v=0 answer\r\n"))
	f.expect("ACK")
	event[Answered](n)

	n.Invite("second", inviteOver("tls", addr)) // over the same connection
	f.write(responseTo(f.expect("INVITE"), "486 Busy Here", "T2", "", ""))
	f.expect("ACK")
	event[Ended](n)
	n.Hangup("leg", Cause{})
	f.write(responseTo(f.expect("BYE"), "200 OK", "", "", ""))
	event[Ended](n)
	if failed := n.Stats().FailedHandshakes; failed != 0 {
		t.Errorf("%d handshakes failed", failed)
	}
}

func TestCarrierMustBeWhoItIs(t *testing.T) {
	a, stranger := newAuthority(t), newAuthority(t)
	a.issue("other", "other.example", time.Hour)
	a.issue("old", "carrier.example", -time.Hour)
	stranger.issue("forged", "carrier.example", time.Hour)
	for name, ln := range map[string]net.Listener{
		"another name": a.listen("other"), "expired": a.listen("old"), "unknown authority": stranger.listen("forged"),
	} {
		n := newNear(t, a.overTLS)
		said := make(chan string, 1)
		go func() { // ends with the connection
			conn, err := ln.Accept()
			if err != nil {
				return
			}
			defer conn.Close()
			_ = conn.SetDeadline(time.Now().Add(patience))
			b := make([]byte, 100)
			count, _ := conn.Read(b)
			said <- string(b[:count])
		}()
		n.Invite("leg", inviteOver("tls", ln.Addr().String()))
		if e := event[Ended](n); e.Cause.Result != ResultTrunkDown || !strings.Contains(e.Cause.Text, "carrier.example") {
			t.Errorf("%s: ended = %+v", name, e)
		}
		if s := eventually.Comes(t, 2*patience, "the connection ends", said); s != "" {
			t.Errorf("%s: was told %q", name, s)
		}
		if failed := n.Stats().FailedHandshakes; failed != 1 {
			t.Errorf("%s: %d handshakes failed, want 1", name, failed)
		}
	}
}

// A phone is called over the connection that it made, and never over another.
func TestPhoneOverTLS(t *testing.T) {
	a := newAuthority(t)
	n := newNear(t, a.overTLS, func(c *Config) { c.Symmetric = true })
	idle, err := net.Dial("tcp", n.Addr("tls").String()) // never says hello, and is in nobody's way
	if err != nil {
		t.Fatal(err)
	}
	defer idle.Close()
	garbage, err := net.Dial("tcp", n.Addr("tls").String())
	if err != nil {
		t.Fatal(err)
	}
	defer garbage.Close()
	if _, err := garbage.Write([]byte("OPTIONS sip:x SIP/2.0\r\n\r\n")); err != nil {
		t.Fatal(err)
	}
	eventually.So(t, patience, "garbage is refused", func() bool { return n.Stats().FailedHandshakes == 1 })

	believed := x509.NewCertPool()
	believed.AddCert(a.cert)
	conn, err := tls.Dial("tcp", n.Addr("tls").String(), &tls.Config{ServerName: "dialer.example", RootCAs: believed})
	if err != nil {
		t.Fatal(err)
	}
	f := &tcpFar{t, conn, bufio.NewReader(conn)}
	from := conn.LocalAddr().String()
	f.write("OPTIONS sip:x@near SIP/2.0\r\nVia: SIP/2.0/TLS 10.9.9.9:5061;rport;branch=z9hG4bKp\r\nFrom: <sip:a@far>;tag=F1\r\nTo: <sip:x@near>\r\n" +
		"Call-ID: p\r\nCSeq: 1 OPTIONS\r\nContent-Length: 0\r\n\r\n")
	f.expect("SIP/2.0 200")
	n.Invite("leg", inviteOver("tls", from))
	f.write(responseTo(f.expect("INVITE"), "486 Busy Here", "T2", "", ""))
	f.expect("ACK")
	event[Ended](n)
	if err := conn.Close(); err != nil {
		t.Fatal(err)
	}
	eventually.So(t, patience, "the connection is gone", func() bool {
		n.Invite("again", inviteOver("tls", from))
		return event[Ended](n).Cause.Result == ResultTrunkDown
	})
}

// A new certificate needs no restart, and a broken one is not taken.
func TestCertificateIsReplaced(t *testing.T) {
	a := newAuthority(t)
	n := newNear(t, a.overTLS)
	shown := func() string {
		t.Helper()
		conn, err := tls.Dial("tcp", n.Addr("tls").String(), &tls.Config{InsecureSkipVerify: true}) //nolint:gosec // looks only
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		return conn.ConnectionState().PeerCertificates[0].DNSNames[0]
	}
	if got := shown(); got != "dialer.example" {
		t.Errorf("shows %s", got)
	}
	later := time.Now()
	replace := func(change func()) {
		t.Helper()
		change()
		later = later.Add(time.Second)
		for _, file := range []string{"ours", "ours.key"} {
			if err := os.Chtimes(a.path(file), later, later); err != nil {
				t.Fatal(err)
			}
		}
	}
	replace(func() { a.write("ours", "CERTIFICATE", []byte("half a file")) })
	if got := shown(); got != "dialer.example" {
		t.Errorf("with half a file it shows %s", got)
	}
	replace(func() { a.issue("ours", "new.example", time.Hour) })
	if got := shown(); got != "new.example" {
		t.Errorf("shows %s, want the new one", got)
	}
}

func TestTLSFilesAreChecked(t *testing.T) {
	a := newAuthority(t)
	a.issue("ours", "dialer.example", time.Hour)
	for want, files := range map[string]*TLS{
		"certificate and key are required": nil,
		"tls.key: certificate":             {Certificate: a.path("nothing"), Key: a.path("ours.key")},
		"tls.authorities":                  {Certificate: a.path("ours"), Key: a.path("ours.key"), Authorities: a.path("ours.key")},
	} {
		err := Config{Listen: []Listener{{"tls", "127.0.0.1:0"}}, TLS: files}.Validate()
		if err == nil || !strings.Contains(err.Error(), want) {
			t.Errorf("%+v: %v, want %q", files, err, want)
		}
	}
}
