package app

import (
	"crypto/x509"
	"encoding/pem"
	"os"
	"time"

	"golang.org/x/sys/unix"

	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/metrics"
)

// diskSamples are how much room there is where the product writes. A folder that is not
// there yet, or that nobody can ask, has no figure.
func diskSamples(folders []config.Folder) []metrics.Sample {
	var all []metrics.Sample
	for _, f := range folders {
		var s unix.Statfs_t
		if unix.Statfs(f.Path, &s) != nil {
			continue
		}
		block := float64(s.Bsize)
		all = append(all,
			gauge("disk_free_bytes", "Room on the disk of a folder that the product writes to, for its user.", float64(s.Bavail)*block, "folder", f.Key),
			gauge("disk_size_bytes", "Size of that disk.", float64(s.Blocks)*block, "folder", f.Key),
		)
	}
	return all
}

// certificateSamples are until when the certificates last whose files somebody else replaces.
// One that cannot be read has no figure: what is shown then is the one read before.
func certificateSamples(files []config.CertificateFile, now time.Time) []metrics.Sample {
	var all []metrics.Sample
	for _, f := range files {
		if end, ok := endOf(f.Path); ok {
			all = append(all, gauge("certificate_left_seconds", "Until the certificate of a file ends; negative: since it has.", end.Sub(now).Seconds(), "key", f.Key))
		}
	}
	return all
}

// endOf is when the first certificate of a PEM file ends.
func endOf(path string) (time.Time, bool) {
	text, err := os.ReadFile(path)
	if err != nil {
		return time.Time{}, false
	}
	for {
		block, rest := pem.Decode(text)
		if block == nil {
			return time.Time{}, false
		}
		if block.Type == "CERTIFICATE" {
			leaf, err := x509.ParseCertificate(block.Bytes)
			if err != nil {
				return time.Time{}, false
			}
			return leaf.NotAfter, true
		}
		text = rest
	}
}
