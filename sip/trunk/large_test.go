package trunk

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/identity"
)

// signing is a carrier whose calls we sign.
func signing(t *testing.T) Config {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	der, err := x509.MarshalECPrivateKey(key)
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "key.pem")
	if err := os.WriteFile(path, pem.EncodeToMemory(&pem.Block{Type: "EC PRIVATE KEY", Bytes: der}), 0o600); err != nil {
		t.Fatal(err)
	}
	cfg := good()
	cfg.OptionsInterval = -1
	cfg.Identity = identity.Config{KeyFile: path, CertificateURL: "https://cert.example/a.pem", OriginID: "de305d54-75b4-431b-adb2-eb6b9e546014"}
	return cfg
}

// A signed call is large: it goes over TCP where the target takes that, in one
// piece, and over UDP else.
func TestSignedCallsOnTheWire(t *testing.T) {
	offer := strings.Repeat("a=x\r\n", offerSize/5)
	for name, tcp := range map[string]bool{"tcp": true, "udp": false} {
		t.Run(name, func(t *testing.T) {
			far := newWire(t, name)
			cfg := signing(t)
			cfg.Targets = []Target{{Address: far.addr, TCP: tcp}}
			x := newExchange(t, cfg)
			r, err := x.Reserve("default", "+48600100200", nil, "a")
			if err != nil || r.Dialog.Transport != name || strings.HasSuffix(r.Dialog.RequestURI, ";transport=tcp") != tcp {
				t.Fatalf("dialog %+v, %v", r.Dialog, err)
			}
			x.Dial("a", r, []byte(offer))
			invite := far.expect("INVITE")
			if n := strings.Count(invite, "\r\nIdentity: eyJ"); n != 1 || !strings.Contains(invite, ";info=<https://cert.example/a.pem>;alg=ES256;ppt=\"shaken\"\r\n") {
				t.Errorf("%d Identity headers in\n%s", n, invite)
			}
			far.answer(invite, "486 Busy Here", "")
			if end := x.ended(t); end.Cause.Result != sip.ResultBusy {
				t.Errorf("end %+v", end.Cause)
			}
		})
	}
}

// What is thought to fit into a datagram does, with what an offer takes.
func TestSmallCallsStayOnUDP(t *testing.T) {
	far := newWire(t, "udp")
	cfg := good()
	cfg.Targets, cfg.AssertedIdentity, cfg.CallerName, cfg.OptionsInterval = []Target{{Address: far.addr, TCP: true}}, true, "Outpace Ltd", -1
	x := newExchange(t, cfg)
	r, err := x.Reserve("default", "+48600100200", nil, "")
	if err != nil || r.Dialog.Transport != "udp" {
		t.Fatalf("dialog %+v, %v", r.Dialog, err)
	}
	x.Dial("a", r, []byte(strings.Repeat("a=x\r\n", offerSize/5)))
	if invite := far.expect("INVITE"); len(invite) > largest {
		t.Errorf("%d bytes", len(invite))
	} else {
		t.Logf("an INVITE has %d bytes without its offer", len(invite)-offerSize)
	}
	x.Hangup("a", sip.Cause{})
}

func TestKeyThatIsMissing(t *testing.T) {
	cfg := signing(t)
	cfg.Identity.KeyFile = filepath.Join(t.TempDir(), "none.pem")
	if _, err := New([]Config{cfg}, Deps{}); err == nil || !strings.HasPrefix(err.Error(), "trunks[0] (alpha): identity.key_file: ") {
		t.Errorf("error %v", err)
	}
}
