package config

import (
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/x509"
	"encoding/pem"
	"fmt"
	"math/big"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"
)

// TestErrorsNameTheColumn has one row for each way in which a place is found.
func TestErrorsNameTheColumn(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "http:\n  listne: x\n" + trunks, "f.yaml:2:3: http.listne: unknown key"},
		{"key twice", trunks + "http:\n  listen: x\n  listen: y\n", "f.yaml:9:3: http.listen: is there twice, first on line 8"},
		{"of a wrong type", trunks + "drain: {timeout: 5}\n", "f.yaml:7:18: drain.timeout: "},
		{"value", "log: {level: loud}\n" + trunks, "f.yaml:1:7: log.level: "},
		{"in a list", trunks + "http: {trusted_proxies: [10.0.0.1, x]}\n", "f.yaml:7:36: http.trusted_proxies[1]: "},
		{"not YAML", trunks + "a: b: c\n", "f.yaml:7:5: not YAML: "},
		{"a second document", trunks + "---\nlog: {level: warn}\n", "f.yaml:8:1: a second document begins here, after ---"},
		{"a second document that is no YAML", trunks + "---\na: b: c\n", "f.yaml:8:5: not YAML: "},
		{"a third document", trunks + "---\n---\n- a\n", "f.yaml:9:1: a second document begins here"},
	} {
		_, err := Parse("f.yaml", []byte(c.text), nil)
		if err == nil || !strings.HasPrefix(err.Error(), c.want) {
			t.Errorf("%s: error\n%v\nwant one that begins with %q", c.name, err, c.want)
		}
	}
	for name, text := range map[string]string{"begun": "---\n" + trunks, "ended": trunks + "...\n", "nothing after it": trunks + "---\n# no more\n"} {
		if _, err := Parse("f.yaml", []byte(text), nil); err != nil {
			t.Errorf("one document, %s: %v", name, err)
		}
	}
}

// TestAddressesThatCannotBe has one row for each kind.
func TestAddressesThatCannotBe(t *testing.T) {
	sip := func(room, transport, address string) string {
		return fmt.Sprintf("%s: {listen: [{transport: %s, address: %q}]}\n", room, transport, address)
	}
	for _, c := range []struct{ name, text, want string }{
		{"port too high", "http: {listen: \"127.0.0.1:99999\"}\n", `f.yaml:1:8: http.listen: "127.0.0.1:99999": port "99999" is not between 0 and 65535`},
		{"port below 0", "admin: {listen: \"127.0.0.1:-1\"}\n", `f.yaml:1:9: admin.listen: `},
		{"port by name", "admin: {listen: \"127.0.0.1:http\"}\n", `f.yaml:1:9: admin.listen: `},
		{"no address", "http: {listen: \"127.0.0.256:80\"}\n", `f.yaml:1:8: http.listen: "127.0.0.256:80": "127.0.0.256" is no address`},
		{"port of a phone's socket", sip("phones", "udp", "127.0.0.1:99999"), "f.yaml:1:10: phones.listen: "},
		{"port to the outside", "trunk_signalling: {external: \"203.0.113.1:99999\"}\n", "f.yaml:1:20: trunk_signalling.external: "},
		{"port of a node", "http: {node_url: \"http://10.0.0.5:99999\"}\n", "f.yaml:1:8: http.node_url: "},
		{"API and metrics", "http: {listen: \"127.0.0.1:81\"}\nadmin: {listen: \"127.0.0.1:81\"}\n", "f.yaml:2:9: admin.listen: tcp 127.0.0.1:81: the same address as http.listen"},
		{"API and metrics of one default", "http: {listen: \":9090\"}\n", "f.yaml:1:8: http.listen: tcp 127.0.0.1:9090: the same address as admin.listen"},
		{"every address and one", "http: {listen: \"0.0.0.0:81\"}\nadmin: {listen: \"localhost:81\"}\n", "f.yaml:2:9: admin.listen: "},
		{"both kinds of address", "http: {listen: \"[::]:81\"}\nadmin: {listen: \"10.0.0.1:81\"}\n", "f.yaml:2:9: admin.listen: "},
		{"trunks and phones", sip("trunk_signalling", "udp", "0.0.0.0:5060") + sip("phones", "udp", "10.0.0.5:5060"), "f.yaml:2:19: phones.listen[0]: udp 10.0.0.5:5060: the same address as trunk_signalling.listen[0]"},
		{"phones and the API", sip("phones", "tcp", "127.0.0.1:8080"), "f.yaml:1:19: phones.listen[0]: tcp 127.0.0.1:8080: the same address as http.listen"},
		{"twice in one list", "phones:\n  listen:\n    - {transport: udp, address: \"10.0.0.5:5060\"}\n    - {transport: udp, address: \"10.0.0.5:5060\"}\n", "f.yaml:4:7: phones.listen[1]: "},
		{"browsers and phones", "phones:\n  browser: {enabled: true, listen: \"127.0.0.1:5070\"}\n", "f.yaml:2:28: phones.browser.listen: udp 127.0.0.1:5070: the same address as phones.listen[0]"},
		{"audio over a listener", "media: {ports: {from: 5000, to: 5999}}\n", "f.yaml:1:9: media.ports: udp 5000 to 5999: one of these ports is the same as trunk_signalling.listen[0]"},
		{"a listener in the audio", sip("phones", "udp", "127.0.0.1:20001"), "f.yaml:1:19: phones.listen[0]: udp 20000 to 29999: one of these ports is the same as media.ports"},
		{"an empty range", "media: {ports: {from: 30000, to: 20000}}\n", "f.yaml:1:9: media.ports: 30000 to 20000 is no range"},
		{"a small range", "media: {ports: {from: 20001, to: 20401}}\n", "f.yaml:7:5: trunks[0].max_channels: 201 calls want a pair of ports each, and media.ports, 20001 to 20401, has 200"},
	} {
		_, err := Parse("f.yaml", []byte(c.text+strings.Replace(trunks, "200", "201", 1)), nil)
		if err == nil || err.Error() != c.want && (!strings.HasPrefix(err.Error(), c.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: error\n%v\nwant %q", c.name, err, c.want)
		}
	}
	for name, text := range map[string]string{
		"UDP and TCP":              sip("phones", "tcp", "127.0.0.1:5060") + sip("trunk_signalling", "udp", "127.0.0.1:5060"),
		"two addresses":            sip("phones", "udp", "10.0.0.5:5060") + sip("trunk_signalling", "udp", "10.0.0.6:5060"),
		"of IPv4 and of IPv6":      sip("phones", "udp", "0.0.0.0:5060") + sip("trunk_signalling", "udp", "[fd00::1]:5060"),
		"ports that are free":      "http: {listen: \"127.0.0.1:0\"}\nadmin: {listen: \"127.0.0.1:0\"}\n",
		"browsers that are none":   "phones: {browser: {listen: \"127.0.0.1:5070\"}}\n",
		"audio at another address": sip("phones", "udp", "10.0.0.5:20001"),
		"ports of the system":      "media: {ports: {any: true, from: 5000, to: 6000}}\n",
		"as many ports as calls":   "media: {ports: {from: 20000, to: 20399}}\n",
	} {
		if _, err := Parse("f.yaml", []byte(text+trunks), nil); err != nil {
			t.Errorf("%s: %v", name, err)
		}
	}
	_, err := Parse("f.yaml", []byte(trunks), []string{"OUTPACE_HTTP__LISTEN=127.0.0.1:9090"})
	if want := "environment variable OUTPACE_HTTP__LISTEN: http.listen: tcp 127.0.0.1:9090: the same address as admin.listen"; err == nil || err.Error() != want {
		t.Errorf("by the environment: error %v, want %q", err, want)
	}
}

// What is below 0 is not taken for what is not set.
func TestBelowZero(t *testing.T) {
	for _, key := range []string{
		"engine: {tick: -1s}", "engine: {lease: -1s}", "engine: {ring_min: -15s}", "engine: {hopper_size: -1}", "api: {session_for: -1h}", "api: {idle_for: -1m}",
		"api: {logins_per_minute: -5}", "api: {requests_per_second: -50}", "media: {quarantine: -30s}", "media: {operator_lost: -6s}", "media: {customer_lost: -1s}",
		"media: {customer_initial: -1s}", "dns: {timeout: -1s}", "pacing_log: {keep: -1h}", "drain: {timeout: -1s}", "retention: {leads: -1h}", "phones: {registrar: {keep_alive: -1s}}",
	} {
		room, rest, _ := strings.Cut(key, ": {")
		name := room + "." + strings.ReplaceAll(rest[:strings.LastIndex(rest, ": ")], ": {", ".") + ": "
		if _, err := Parse("f.yaml", []byte(key+"\n"+trunks), nil); err == nil || !strings.HasPrefix(err.Error(), "f.yaml:1:") || !strings.Contains(err.Error(), " "+name) {
			t.Errorf("%s: error %v, want one about %s", key, err, name)
		}
	}
}

// A hint names what is like the key that is not known, and nothing where nothing is.
func TestDidYouMean(t *testing.T) {
	for key, want := range map[string]string{
		"http.listne": "http.listen", "trunk": "trunks", "trunks[1].max_cp": "trunks[].max_cps", "media.ports.form": "media.ports.from",
		"phones.registrar.keepalive": "phones.registrar.keep_alive", "max_channels": "trunks[].max_channels", "wallpaper": "", "http.x": "",
	} {
		if want != "" {
			want = "; did you mean " + want + "?"
		}
		if got := didYouMean(key); got != want {
			t.Errorf("%s%s, want %q", key, got, want)
		}
	}
}

// writePair writes a certificate and its key.
func writePair(t *testing.T, certificate, key string) {
	t.Helper()
	secret, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
	if err != nil {
		t.Fatal(err)
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotAfter: time.Now().Add(time.Hour)}
	der, err := x509.CreateCertificate(rand.Reader, template, template, secret.Public(), secret)
	if err != nil {
		t.Fatal(err)
	}
	bytes, err := x509.MarshalPKCS8PrivateKey(secret)
	if err != nil {
		t.Fatal(err)
	}
	for path, block := range map[string]*pem.Block{certificate: {Type: "CERTIFICATE", Bytes: der}, key: {Type: "PRIVATE KEY", Bytes: bytes}} {
		if err := os.WriteFile(path, pem.EncodeToMemory(block), 0o600); err != nil {
			t.Fatal(err)
		}
	}
}

// A certificate and a key are checked together, for pages, carriers and phones.
func TestPairs(t *testing.T) {
	dir := t.TempDir()
	file := func(name string) string { return filepath.Join(dir, name) }
	writePair(t, file("a.pem"), file("a.key"))
	writePair(t, file("b.pem"), file("b.key"))
	for where, lines := range map[string]string{
		"http":             "http:\n  tls:\n    key: %s\n    certificate: %s\n",
		"trunk_signalling": "trunk_signalling:\n  tls:\n    key: %s\n    certificate: %s\n  listen: [{transport: tls, address: \"127.0.0.1:5061\"}]\n",
		"phones":           "phones:\n  tls:\n    key: %s\n    certificate: %s\n  listen: [{transport: tls, address: \"127.0.0.1:5071\"}]\n",
	} {
		for name, c := range map[string]struct{ key, certificate, want string }{
			"right":       {"a.key", "a.pem", ""},
			"of two":      {"a.key", "b.pem", "does not match"},
			"not there":   {"a.key", "c.pem", "no such file"},
			"the other":   {"a.pem", "a.key", "PEM"},
			"no key here": {"c.key", "a.pem", "no such file"},
		} {
			_, err := Parse("f.yaml", fmt.Appendf(nil, lines+trunks, file(c.key), file(c.certificate)), nil)
			switch {
			case c.want == "" && err != nil:
				t.Errorf("%s, %s: %v", where, name, err)
			case c.want != "" && (err == nil || !strings.HasPrefix(err.Error(), "f.yaml:3:5: "+where+".tls.") || !strings.Contains(err.Error(), c.want)):
				t.Errorf("%s, %s: error %v, want one at the key with %q", where, name, err, c.want)
			}
		}
	}
}

// A folder that cannot be written to is told before the product begins, with its place.
func TestFolders(t *testing.T) {
	dir := t.TempDir()
	path := func(name string) string { return filepath.Join(dir, name) }
	if err := os.WriteFile(path("file"), nil, 0o600); err != nil {
		t.Fatal(err)
	}
	closed := path("closed")
	if err := os.Mkdir(closed, 0o500); err != nil {
		t.Fatal(err)
	}
	refused := os.Getuid() != 0 // who is root may write to it
	for _, c := range []struct {
		name, text, want string
		wrong            bool
	}{
		{"there", "data_dir: " + dir + "\n", "", false},
		{"to be made", "data_dir: " + path("a/b/c") + "\n", "", false},
		{"a file", "log: {level: warn}\ndata_dir: " + path("file") + "\n", ":2:1: data_dir: " + path("file") + " is no folder", true},
		{"in a file", "data_dir: " + path("file/data") + "\n", ":1:1: data_dir: ", true},
		{"closed", "data_dir: " + closed + "\n", ":1:1: data_dir: nothing can be written to " + closed, refused},
		{"below a closed one", "data_dir: " + closed + "/data\n", ":1:1: data_dir: nothing can be written to " + closed, refused},
		{"store", "data_dir: " + dir + "\nstore: {url: \"sqlite:" + path("file/leads.db") + "\"}\n", ":2:9: store.url: ", true},
		{"journal", "data_dir: " + dir + "\nstore: {journal: " + path("file") + "}\n", ":2:9: store.journal: ", true},
		{"recordings", "data_dir: " + dir + "\nmedia: {record_dir: " + path("file") + "}\n", ":2:9: media.record_dir: ", true},
		{"messages", "data_dir: " + dir + "\nmedia: {prompt_dir: " + path("none") + "}\n", ":2:9: media.prompt_dir: ", true},
		{"certificates", "data_dir: " + dir + "\nhttp: {tls: {acme: {hosts: [a.example.com], cache: " + path("file") + "}}}\n", ":2:45: http.tls.acme.cache: ", true},
	} {
		file := path("f.yaml")
		if err := os.WriteFile(file, []byte(c.text+trunks), 0o600); err != nil {
			t.Fatal(err)
		}
		cfg, err := Load(file, nil)
		if err != nil {
			t.Fatalf("%s: %v", c.name, err)
		}
		err = CheckFolders(file, cfg)
		if !c.wrong && err != nil {
			t.Errorf("%s: %v", c.name, err)
		}
		if c.wrong && (err == nil || !strings.HasPrefix(err.Error(), file+c.want) || strings.Contains(err.Error(), "\n")) {
			t.Errorf("%s: error\n%v\nwant one line that begins with %q", c.name, err, file+c.want)
		}
	}
}
