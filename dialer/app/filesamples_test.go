package app

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"math/big"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/metrics"
)

// certificateFile is a PEM file whose first certificate ends at a time; a key comes before
// it and the issuer's certificate, which lasts longer, after.
func certificateFile(t *testing.T, end time.Time) string {
	t.Helper()
	key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	text := pem.EncodeToMemory(&pem.Block{Type: "EC PARAMETERS", Bytes: []byte{6, 0}})
	for _, end := range []time.Time{end, end.AddDate(5, 0, 0)} {
		made, err := x509.CreateCertificate(rand.Reader, &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: end}, &x509.Certificate{SerialNumber: big.NewInt(2)}, key.Public(), key)
		if err != nil {
			t.Fatal(err)
		}
		text = append(text, pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: made})...)
	}
	path := filepath.Join(t.TempDir(), "certificate.pem")
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// What a scrape says of a certificate is of the file as it is now; of what is no
// certificate it says nothing.
func TestCertificateSamples(t *testing.T) {
	now := time.Now().Truncate(time.Second)
	soon, over := certificateFile(t, now.Add(time.Hour)), certificateFile(t, now.Add(-time.Minute))
	garbage := filepath.Join(t.TempDir(), "garbage.pem")
	damaged := pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: []byte("no certificate")})
	if err := os.WriteFile(garbage, damaged, 0o600); err != nil {
		t.Fatal(err)
	}
	files := []config.CertificateFile{{Key: "soon", Path: soon}, {Key: "over", Path: over}, {Key: "garbage", Path: garbage}, {Key: "away", Path: garbage + ".away"}}
	left := labelled(certificateSamples(files, now), "certificate_left_seconds")
	if len(left) != 2 || left["soon"] != 3600 || left["over"] != -60 {
		t.Errorf("left %v, want an hour for soon and -60 s for over", left)
	}
	renewed, err := os.ReadFile(certificateFile(t, now.Add(2*time.Hour)))
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(soon, renewed, 0o600); err != nil {
		t.Fatal(err)
	}
	if left := labelled(certificateSamples(files[:1], now), "certificate_left_seconds"); left["soon"] != 7200 {
		t.Errorf("replaced, it is left %v", left)
	}
}

func TestDiskSamples(t *testing.T) {
	here := t.TempDir()
	all := diskSamples([]config.Folder{{Key: "data_dir", Path: here}, {Key: "away", Path: filepath.Join(here, "away")}})
	free, size := labelled(all, "disk_free_bytes"), labelled(all, "disk_size_bytes")
	if len(free) != 1 || len(size) != 1 || free["data_dir"] <= 0 || size["data_dir"] < free["data_dir"] {
		t.Errorf("free %v of %v", free, size)
	}
}

// labelled are the samples of a name, by the value of their label.
func labelled(all []metrics.Sample, name string) map[string]float64 {
	found := map[string]float64{}
	for _, s := range all {
		if s.Name == name {
			found[s.Labels[1]] = s.Value
		}
	}
	return found
}
