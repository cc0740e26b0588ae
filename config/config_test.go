package config

import (
	"os"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"
)

// trunks is the part that every file needs.
const trunks = `trunks:
  - name: carrier-a
    targets: [{address: "198.51.100.20:5060"}]
    caller_ids: ["+442079460123"]
    max_cps: 10
    max_channels: 200
`

// TestErrorsNameLineAndKey has one row for each kind of mistake.
func TestErrorsNameLineAndKey(t *testing.T) {
	for _, c := range []struct{ name, text, want string }{
		{"unknown key", "http:\n  listne: x\n" + trunks, "f.yaml:2: http.listne: unknown key; did you mean http.listen?"},
		{"unknown key at the top", trunks + "htp: {}\n", "f.yaml:7: htp: unknown key; did you mean http?"},
		{"unknown key of a trunk", trunks + "    max_calls: 3\n", "f.yaml:7: trunks[0].max_calls: unknown key; did you mean trunks[].inbound.max_calls?"},
		{"key twice", "log: {level: info}\nlog: {level: warn}\n" + trunks, "f.yaml:2: log: is there twice, first on line 1"},
		{"not a duration", trunks + "drain: {timeout: 5 minutes}\n", `f.yaml:7: drain.timeout: "5 minutes" is not a time with its unit, such as 30s, 5m or 12h`},
		{"a time without its unit", trunks + "retention: {leads: 90}\n", `f.yaml:7: retention.leads: "90" is not a time with its unit`},
		{"not a number", strings.Replace(trunks, "max_cps: 10", "max_cps: ten", 1), `f.yaml:5: trunks[0].max_cps: "ten" is not a number`},
		{"not a whole number", trunks + "media: {ports: {from: [1]}}\n", "f.yaml:7: media.ports.from: a list is not a whole number"},
		{"not a list", "trunks: {name: a}\n", "f.yaml:1: trunks: a map is not a list"},
		{"not a map", trunks + "http: x\n", `f.yaml:7: http: "x" is not what belongs here: keys`},
		{"not true or false", trunks + "api: {behind_https: maybe}\n", `f.yaml:7: api.behind_https: "maybe" is not true or false`},
		{"no map at all", "- a\n", "f.yaml:1: a list is not what belongs here"},
		{"not YAML", "http: [\n", "f.yaml:2: not YAML: while parsing a flow node: "},
		{"not a map", "- 1\n", "f.yaml:1: "},
		{"no trunk", "log: {level: warn}\n", "f.yaml: trunks: at least one carrier is required"},
		{"value of a trunk", strings.Replace(trunks, "max_cps: 10", "max_cps: -1", 1), "f.yaml:5: trunks[0].max_cps: "},
		{"nothing of a trunk", "trunks:\n  - name: a\n", "f.yaml:2: trunks[0].max_cps: required"},
		{"target", strings.Replace(trunks, ":5060", ":sip", 1), "f.yaml:3: trunks[0].targets[0].address: "},
		{"number that is ours", trunks + "    inbound:\n      numbers: [\"+48221234567\", \"0221\"]\n", `f.yaml:8: trunks[0].inbound.numbers[1]: "0221" is not E.164`},
		{"calls that come in", trunks + "    inbound: {max_calls: -1}\n", "f.yaml:7: trunks[0].inbound.max_calls: -1 is not between"},
		{"trunks of one name", trunks + strings.TrimPrefix(trunks, "trunks:\n"), `f.yaml:7: trunks[1].name: "carrier-a" is the name of trunks[0] already`},
		{"http", "http: {listen: x}\n" + trunks, "f.yaml:1: http.listen: "},
		{"node_url without a host", "http: {node_url: \"http://:8080\"}\n" + trunks, `f.yaml:1: http.node_url: "http://:8080" is not http://HOST:PORT`},
		{"node_url of another kind", "http:\n  node_url: 10.0.0.5:8080\n" + trunks, "f.yaml:2: http.node_url: "},
		{"node_url of admin", "admin: {node_url: \"http://x\"}\n" + trunks, "f.yaml:1: admin.node_url: unknown key; did you mean http.node_url?"},
		{"a proxy that is none", "http: {trusted_proxies: [10.0.0.1, \"fe80::1%eth0\"]}\n" + trunks, `f.yaml:1: http.trusted_proxies[1]: "fe80::1%eth0" is no address and no network`},
		{"admin", "admin: {listen: x}\n" + trunks, "f.yaml:1: admin.listen: "},
		{"store", "store:\n  url: mysql://x\n" + trunks, `f.yaml:2: store.url: "mysql"... is neither sqlite:PATH nor redis://HOST:PORT`},
		{"store without host", "store:\n  url: \"redis://:secret@\"\n" + trunks, `f.yaml:2: store.url: "redis"... is neither`},
		{"namespace", "store: {url: redis://x, namespace: \"{a}\"}\nengine: {node: n}\n" + trunks, `f.yaml:1: store.namespace: "{a}" has braces`},
		{"nodes of one name", "store: {url: redis://x}\n" + trunks, `f.yaml: engine.node: required where the store is on Redis`},
		{"data_dir", "data_dir: \"\"\n" + trunks, "f.yaml:1: data_dir: required"},
		{"provider", "oidc:\n  issuer: http://id.example.com\n  client_id: x\n  url: https://d.example\n" + trunks, `f.yaml:2: oidc.issuer: "http://id.example.com" is not https://HOST`},
		{"provider without its rest", "oidc: {issuer: \"https://id.example.com\"}\n" + trunks, "f.yaml:1: oidc.client_id: required"},
		{"provider that is none", "oidc:\n  break_glass: ada\n" + trunks, "f.yaml:1: oidc.issuer: required where anything else of oidc is set"},
		{"key of a provider", "oidc:\n  isuer: x\n" + trunks, "f.yaml:2: oidc.isuer: unknown key; did you mean oidc.issuer?"},
		{"grant", "oidc:\n  issuer: https://id.example.com\n  client_id: x\n  url: https://d.example\n  grants:\n    - {groups: [a], role: admin}\n    - role: boss\n" + trunks, `f.yaml:7: oidc.grants[1].role: "boss" is none of`},
		{"log", "log: {level: loud}\n" + trunks, `f.yaml:1: log.level: "loud" is none of`},
		{"name servers", "dns: {servers: [ns.example]}\n" + trunks, "f.yaml:1: dns.servers[0]: "},
		{"media", "media: {address: nowhere}\n" + trunks, "f.yaml:1: media.address: "},
		{"drain", "drain: {timeout: -1s}\n" + trunks, "f.yaml:1: drain.timeout: -1s is below 0"},
		{"journal", "store: {journal_keep: 1h}\n" + trunks, "f.yaml:1: store.journal_keep: 1h0m0s is below 24h"},
		{"retention below zero", "retention:\n  leads: -1h\n" + trunks, "f.yaml:2: retention.leads: -1h0m0s is below 24h"},
		{"retention without a unit", "retention: {recordings: 90}\n" + trunks, "f.yaml:1: "},
		{"retention in days", "retention: {leads: 90d}\n" + trunks, `f.yaml:1: retention.leads: "90d" is not a time with its unit`},
		{"retention of attempts", "retention: {attempts: 24h, recordings: 24h}\n" + trunks, "f.yaml:1: retention.attempts: 24h0m0s is below 744h: rules count calls of the last 31 days"},
		{"retention of recordings", "retention:\n  attempts: 8760h\n  recordings: 9000h\n" + trunks, "f.yaml:3: retention.recordings: 9000h0m0s is longer than retention.attempts"},
		{"recordings for ever", "retention: {attempts: 8760h}\n" + trunks, "f.yaml:1: retention.recordings: for ever is longer than"},
		{"settled too soon", "engine: {settle_after: 3s}\n" + trunks, "f.yaml:1: engine.settle_after: 3s is below 10s: a node that is only slow would lose its calls"},
		{"detector loss", "engine: {detector_loss: .5}\n" + trunks, "f.yaml:1: engine.detector_loss: 0.5 is outside 0 to 0.2"},
		{"phone networks", "engine: {phone_networks: [10.0.0.0/8, lan]}\n" + trunks, `f.yaml:1: engine.phone_networks[1]: "lan"`},
		{"trunk sockets", "trunk_signalling:\n  listen:\n    - {transport: smoke, address: \"127.0.0.1:5060\"}\n" + trunks, `f.yaml:2: trunk_signalling.listen: transport "smoke"`},
		{"TLS without files", "phones: {listen: [{transport: tls, address: \"127.0.0.1:5071\"}]}\n" + trunks, `f.yaml:1: phones.tls: certificate and key are required`},
		{"phones' audio", "phones: {srtp: maybe}\n" + trunks, `f.yaml:1: phones.srtp: "maybe" is none of auto, required, off`},
		{"half a pair", "http:\n  tls:\n    key: k.pem\n" + trunks, "f.yaml:2: http.tls: certificate and key"},
		{"two certificates", "http:\n  tls: {certificate: c, key: k, self_signed: true}\n" + trunks, "f.yaml:2: http.tls: one of"},
		{"names of a certificate", "http:\n  tls:\n    acme:\n      hosts:\n        - 10.0.0.1\n" + trunks, "f.yaml:5: http.tls.acme.hosts[0]: "},
		{"no names of a certificate", "http:\n  tls:\n    acme: {email: me@example.com}\n" + trunks, "f.yaml:3: http.tls.acme.hosts: required"},
		{"authority", "http:\n  tls:\n    acme:\n      hosts: [a.example.com]\n      directory: http://ca\n" + trunks, "f.yaml:5: http.tls.acme.directory: "},
		{"phones over WebSocket alone", "phones:\n  websocket: {enabled: true}\n" + trunks, "f.yaml:2: phones.websocket.enabled: needs browser.enabled"},
		{"every origin", "phones:\n  websocket:\n    origins: [\"*\"]\n" + trunks, "f.yaml:3: phones.websocket.origins[0]: "},
		{"browsers' port", "phones:\n  browser:\n    listen: localhost:3478\n" + trunks, "f.yaml:3: phones.browser.listen: "},
		{"browsers on every address", "phones:\n  browser: {listen: \":3478\"}\n" + trunks, "f.yaml:2: phones.browser.addresses: required"},
		{"browsers' addresses", "phones:\n  browser:\n    addresses:\n      - 203.0.113.10\n      - me\n" + trunks, "f.yaml:5: phones.browser.addresses[1]: "},
		{"phones", "phones: {listen: [{transport: udp, address: x}]}\n" + trunks, `f.yaml:1: phones.listen: address "x"`},
	} {
		_, err := Parse("f.yaml", []byte(c.text), nil)
		if err == nil || !slices.ContainsFunc(strings.Split(withoutColumns(err), "\n"), func(l string) bool { return strings.HasPrefix(l, c.want) }) {
			t.Errorf("%s: error\n%v\nwant a line that begins with %q", c.name, err, c.want)
		}
	}
}

var column = regexp.MustCompile(`(?m)^(f\.yaml:\d+):\d+: `)

// withoutColumns are the lines of an error; TestErrorsNameTheColumn has the columns.
func withoutColumns(err error) string { return column.ReplaceAllString(err.Error(), "$1: ") }

func TestStoreOnRedis(t *testing.T) {
	c, err := Parse("f.yaml", []byte("store: {url: \"redis://op:secret@db:6379/0\", namespace: floor-2}\nengine: {node: a}\n"+trunks), nil)
	if err != nil || !c.Store.Redis() || c.Store.Namespace != "floor-2" {
		t.Fatalf("%+v, %v", c.Store, err)
	}
	if got := c.Store.Hidden(); got != "redis://op:hidden@db:6379/0" {
		t.Errorf("without its password: %s", got)
	}
}

// TestAllErrorsAtOnce tells of every mistake in one go.
func TestAllErrorsAtOnce(t *testing.T) {
	_, err := Parse("f.yaml", []byte("http: {listen: x}\nlog: {level: loud}\ndrain: {timeout: -1s}\n"), nil)
	if err == nil || len(strings.Split(err.Error(), "\n")) != 4 {
		t.Errorf("error = %v, want four lines", err)
	}
}

func TestDefaults(t *testing.T) {
	c, err := Parse("f.yaml", []byte(trunks), nil)
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Listen != "127.0.0.1:8080" || c.Admin.Listen != "127.0.0.1:9090" || c.Store.URL != "sqlite:outpace.db" || c.Drain.Timeout != 10*time.Minute || c.PacingLog.Keep != 720*time.Hour {
		t.Errorf("defaults = %+v", c)
	}
	for _, l := range slices.Concat(c.Trunk.Listen, c.Phones.Listen) {
		if !strings.HasPrefix(l.Address, "127.0.0.1:") {
			t.Errorf("listens on %s by itself, want loopback", l.Address)
		}
	}
	if _, err := Parse("f.yaml", nil, nil); err == nil {
		t.Error("an empty file is taken: there is no trunk")
	}
}

// TestListsReplaceDefaults does not add to a default list.
func TestListsReplaceDefaults(t *testing.T) {
	c, err := Parse("f.yaml", []byte("phones:\n  listen: [{transport: tcp, address: \"127.0.0.1:5071\"}]\ndrain: {timeout: 90s}\n"+trunks), nil)
	if err != nil {
		t.Fatal(err)
	}
	if want := []Listener{{"tcp", "127.0.0.1:5071"}}; !slices.Equal(c.Phones.Listen, want) || len(c.Trunk.Listen) != 2 || c.Drain.Timeout != 90*time.Second {
		t.Errorf("phones %v, trunk %v, drain %v", c.Phones.Listen, c.Trunk.Listen, c.Drain.Timeout)
	}
}

func TestEnvironment(t *testing.T) {
	c, err := Parse("f.yaml", []byte("http: {listen: \"127.0.0.1:1\"}\n"+trunks), []string{
		"OUTPACE_HTTP__LISTEN=:80", "OUTPACE_DRAIN__TIMEOUT=2m", "OUTPACE_DATA_DIR=C: {a}, #1", "OUTPACE_MEDIA__PORTS__ANY=true",
		"OUTPACE_ENGINE__PHONE_NETWORKS=[127.0.0.0/8]", "OUTPACE_API__LOGINS_PER_MINUTE=7", "OUTPACE_LOG__LEVEL=warn",
		"OUTPACE_TOKEN=dlr_x", "HOME=/root", "OTHER_HTTP__LISTEN=x",
	})
	if err != nil {
		t.Fatal(err)
	}
	if c.HTTP.Listen != ":80" || c.Drain.Timeout != 2*time.Minute || c.DataDir != "C: {a}, #1" || !c.Media.Ports.Any ||
		!slices.Equal(c.Engine.PhoneNetworks, []string{"127.0.0.0/8"}) || c.API.LoginsPerMinute != 7 || c.Log.Level != "warn" {
		t.Errorf("config = %+v", c)
	}
	for variable, want := range map[string]string{
		"OUTPACE_HTP__LISTEN=:80":    "environment variable OUTPACE_HTP__LISTEN: there is no such key; the nearest is OUTPACE_HTTP__LISTEN",
		"OUTPACE_HTTP_LISTEN=:80":    "environment variable OUTPACE_HTTP_LISTEN: there is no such key; the nearest is OUTPACE_HTTP__LISTEN",
		"OUTPACE_HTTP__LISTNE=:80":   "environment variable OUTPACE_HTTP__LISTNE: there is no such key; the nearest is OUTPACE_HTTP__LISTEN",
		"OUTPACE_DATADIR=x":          "environment variable OUTPACE_DATADIR: there is no such key; the nearest is OUTPACE_DATA_DIR",
		"OUTPACE_LOG_LEVEL=":         "environment variable OUTPACE_LOG_LEVEL: there is no such key; the nearest is OUTPACE_LOG__LEVEL",
		"OUTPACE_HTTP={listne: x}":   "environment variable OUTPACE_HTTP: http.listne: unknown key; did you mean http.listen?",
		"OUTPACE_DRAIN__TIMEOUT=x":   `environment variable OUTPACE_DRAIN__TIMEOUT: drain.timeout: "x" is not a time with its unit`,
		"OUTPACE_HTTP=x":             `environment variable OUTPACE_HTTP: http: "x" is not what belongs here`,
		"OUTPACE_LOG__LEVEL=loud":    `environment variable OUTPACE_LOG__LEVEL: log.level: "loud"`,
		"OUTPACE_TRUNKS=[{name: b}]": "environment variable OUTPACE_TRUNKS: trunks[0].targets: ",
	} {
		if _, err := Parse("f.yaml", []byte(trunks), []string{variable}); err == nil || !strings.HasPrefix(err.Error(), want) {
			t.Errorf("%s: error %v, want %q", variable, err, want)
		}
	}
}

// TestExamples loads every file that we give as an example.
func TestExamples(t *testing.T) {
	files, err := filepath.Glob("examples/*.yaml")
	if err != nil || len(files) == 0 {
		t.Fatalf("examples: %v (%v)", files, err)
	}
	for _, f := range files {
		if _, err := Load(f, nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := Load(filepath.Join(t.TempDir(), "none.yaml"), nil); !os.IsNotExist(err) {
		t.Errorf("no file: %v", err)
	}
}

// TestPrintedIsReadAgain holds that what `config print` writes is a file.
func TestPrintedIsReadAgain(t *testing.T) {
	c, err := Load("examples/outpace.yaml", nil)
	if err != nil {
		t.Fatal(err)
	}
	text, err := yaml.Marshal(c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := Parse("printed", text, nil); err != nil {
		t.Errorf("%v\n%s", err, text)
	}
}

func TestAgent(t *testing.T) {
	s := Signalling{Listen: []Listener{{"udp", "127.0.0.1:5060"}}, External: "203.0.113.10"}
	a := s.Agent("trunk")
	if a.Name != "trunk" || a.External != "203.0.113.10" || len(a.Listen) != 1 || a.Listen[0].Address != "127.0.0.1:5060" {
		t.Errorf("agent = %+v", a)
	}
}

func FuzzParse(f *testing.F) { // refusing is fine, panicking is not
	f.Add(trunks, "OUTPACE_HTTP__LISTEN=:80")
	f.Add("a: &a [*a]\n", "OUTPACE___=")
	f.Fuzz(func(t *testing.T, text, variable string) {
		c, err := Parse("f.yaml", []byte(text), []string{variable})
		if err == nil && c.Validate() != nil {
			t.Errorf("%q is taken and not valid", text)
		}
	})
}

// The certificates of others are those that a file is named for, by the key that names it.
func TestCertificateFiles(t *testing.T) {
	var c Config
	if got := c.CertificateFiles(); len(got) > 0 {
		t.Errorf("none is named, and there are %v", got)
	}
	c.HTTP.TLS.Certificate, c.Phones.TLS.Certificate, c.Trunk.TLS.Certificate = "h.pem", "p.pem", "t.pem"
	want := []CertificateFile{{"http.tls.certificate", "h.pem"}, {"phones.tls.certificate", "p.pem"}, {"trunk_signalling.tls.certificate", "t.pem"}}
	if got := c.CertificateFiles(); !slices.Equal(got, want) {
		t.Errorf("got %v, want %v", got, want)
	}
	for _, f := range want { // as people write them
		fields := reflect.TypeOf(c)
		for _, part := range strings.Split(f.Key, ".") {
			field, ok := yamlField(fields, part)
			if !ok {
				t.Fatalf("%s: there is no key %s", f.Key, part)
			}
			fields = field
		}
	}
}

// yamlField is the type of the field of a key, also of one inlined.
func yamlField(of reflect.Type, key string) (reflect.Type, bool) {
	for i := range of.NumField() {
		f := of.Field(i)
		name, options, _ := strings.Cut(f.Tag.Get("yaml"), ",")
		if name == key {
			return f.Type, true
		}
		if options == "inline" {
			if found, ok := yamlField(f.Type, key); ok {
				return found, true
			}
		}
	}
	return nil, false
}
