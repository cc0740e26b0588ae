package app

import (
	"crypto/sha256"
	"crypto/tls"
	"crypto/x509"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// browserOf is a client that believes one certificate, as a person does who has compared
// its fingerprint.
func browserOf(t *testing.T, certificate string) *http.Client {
	t.Helper()
	pem, err := os.ReadFile(certificate)
	if err != nil {
		t.Fatal(err)
	}
	pool := x509.NewCertPool()
	if !pool.AppendCertsFromPEM(pem) {
		t.Fatal("no certificate")
	}
	transport := &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool}, ForceAttemptHTTP2: true}
	t.Cleanup(transport.CloseIdleConnections)
	return &http.Client{Transport: transport}
}

// A product makes its certificate at the first start and keeps it; it talks TLS 1.2 and
// up, tells browsers to stay with HTTPS, and takes no plain HTTP.
func TestHTTPS(t *testing.T) {
	cfg := settings(t, "127.0.0.1:5999")
	cfg.HTTP.TLS.SelfSigned = true
	a, stop := start(t, cfg)
	certificate := filepath.Join(cfg.DataDir, "tls", "http.pem")
	if info, err := os.Stat(filepath.Join(cfg.DataDir, "tls", "http.key")); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("key: %v, %v", info, err)
	}
	resp, err := browserOf(t, certificate).Get(a.HTTPURL() + "/api/openapi.json")
	if err != nil {
		t.Fatal(err)
	}
	_, _ = io.Copy(io.Discard, resp.Body)
	_ = resp.Body.Close()
	if resp.StatusCode != http.StatusOK || resp.ProtoMajor != 2 || resp.Header.Get("Strict-Transport-Security") == "" {
		t.Errorf("%s %s, HSTS %q", resp.Proto, resp.Status, resp.Header.Get("Strict-Transport-Security"))
	}
	sum := strings.ReplaceAll(fmt.Sprintf("% X", sha256.Sum256(resp.TLS.PeerCertificates[0].Raw)), " ", ":")
	if a.Fingerprint() != sum {
		t.Errorf("fingerprint %s, the certificate's is %s", a.Fingerprint(), sum)
	}
	if conn, err := tls.Dial("tcp", a.HTTPAddr(), &tls.Config{InsecureSkipVerify: true, MinVersion: tls.VersionTLS10, MaxVersion: tls.VersionTLS11}); err == nil {
		_ = conn.Close()
		t.Error("TLS 1.1 is spoken")
	}
	plain := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	if resp, err := plain.Get("http://" + a.HTTPAddr() + "/"); err != nil || resp.StatusCode != http.StatusBadRequest {
		t.Errorf("plain HTTP: %v, %v", resp, err)
	} else {
		_ = resp.Body.Close()
	}
	if err := stop(); err != nil {
		t.Fatal(err)
	}
	b, _ := start(t, cfg)
	if b.Fingerprint() != a.Fingerprint() {
		t.Error("the second start has another certificate")
	}
}

// What cannot be read is said at the start.
func TestHTTPSWithoutItsFiles(t *testing.T) {
	cfg := settings(t, "127.0.0.1:5999")
	cfg.HTTP.TLS = config.HTTPTLS{Certificate: "/nowhere.pem", Key: "/nowhere.key"}
	a := &App{}
	if _, err := a.secureHTTP(cfg); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("error = %v", err)
	}
}

// TestS36SlowSockets: who connects and says nothing, or a header byte by byte, is cut off
// after headerTimeout, in the handshake too; whoever is quick is served meanwhile.
func TestS36SlowSockets(t *testing.T) {
	t.Parallel()
	for name, secure := range map[string]bool{"http": false, "https": true} {
		t.Run(name, func(t *testing.T) {
			t.Parallel() // it waits for a time limit of the product
			cfg := settings(t, "127.0.0.1:5999")
			cfg.HTTP.TLS.SelfSigned = secure
			a, _ := start(t, cfg)
			const sockets = 200
			conns := make([]net.Conn, sockets)
			for i := range conns {
				conn, err := net.Dial("tcp", a.HTTPAddr())
				if err != nil {
					t.Fatal(err)
				}
				t.Cleanup(func() { _ = conn.Close() })
				if conns[i] = conn; i%2 == 0 && !secure {
					_, _ = io.WriteString(conn, "GET / HTTP/1.1\r\nX-Slow: ")
				}
			}
			quick := &http.Client{Timeout: patience, Transport: &http.Transport{DisableKeepAlives: true, TLSClientConfig: &tls.Config{InsecureSkipVerify: true}}}
			resp, err := quick.Get(a.HTTPURL() + "/api/openapi.json")
			if err != nil {
				t.Fatal(err)
			}
			_ = resp.Body.Close()
			for i, conn := range conns {
				_ = conn.SetReadDeadline(time.Now().Add(headerTimeout + patience))
				if _, err := io.Copy(io.Discard, conn); errors.Is(err, os.ErrDeadlineExceeded) {
					t.Fatalf("socket %d is open after %v", i, headerTimeout+patience)
				}
			}
		})
	}
}

// A proxy that is trusted brings as many as come to it.
func TestCrowdOfAProxy(t *testing.T) {
	cfg := settings(t, "127.0.0.1:5999")
	cfg.HTTP.ConnectionsPerAddress = 5
	cfg.HTTP.TrustedProxies = []string{"127.0.0.3"}
	a, _ := start(t, cfg)
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.IPv4(127, 0, 0, 3)}}
	for i := range 20 {
		conn, err := d.DialContext(t.Context(), "tcp", a.HTTPAddr())
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			t.Fatal(err)
		}
		if _, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 401"))); err != nil {
			t.Fatalf("connection %d: %v", i, err)
		}
	}
}

// One address has as many connections as it may, and room again for each that it closes;
// others are not the worse for it.
func TestS36OneAddressOfMany(t *testing.T) {
	cfg := settings(t, "127.0.0.1:5999")
	cfg.HTTP.ConnectionsPerAddress = 20
	a, _ := start(t, cfg)
	dial := func(from string) net.Conn {
		t.Helper()
		d := net.Dialer{LocalAddr: &net.TCPAddr{IP: net.ParseIP(from)}}
		conn, err := d.DialContext(t.Context(), "tcp", a.HTTPAddr())
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() { _ = conn.Close() })
		return conn
	}
	asks := func(conn net.Conn) error {
		_ = conn.SetDeadline(time.Now().Add(patience))
		if _, err := io.WriteString(conn, "GET /api/v1/me HTTP/1.1\r\nHost: localhost\r\n\r\n"); err != nil {
			return err
		}
		_, err := io.ReadFull(conn, make([]byte, len("HTTP/1.1 401")))
		return err
	}
	const crowded = "127.0.0.2"
	var in []net.Conn
	for range 20 {
		conn := dial(crowded)
		if err := asks(conn); err != nil {
			t.Fatalf("connection %d: %v", len(in), err)
		}
		in = append(in, conn)
	}
	if err := asks(dial(crowded)); err == nil {
		t.Error("one more is served")
	}
	if err := asks(dial("127.0.0.1")); err != nil {
		t.Errorf("another address: %v", err)
	}
	_ = in[0].Close()
	eventually.So(t, patience, "there is room again", func() bool { return asks(dial(crowded)) == nil })
}
