package config

// CertificateFile is a certificate that the product shows, by the key that names its file.
type CertificateFile struct{ Key, Path string }

// CertificateFiles are those that somebody else issues and replaces. The certificates that
// the product makes or has issued for itself are not among them.
func (c Config) CertificateFiles() []CertificateFile {
	var all []CertificateFile
	for _, f := range []CertificateFile{
		{"http.tls.certificate", c.HTTP.TLS.Certificate},
		{"phones.tls.certificate", c.Phones.TLS.Certificate},
		{"trunk_signalling.tls.certificate", c.Trunk.TLS.Certificate},
	} {
		if f.Path != "" {
			all = append(all, f)
		}
	}
	return all
}
