// Package arch holds the import table of the project and the checks that keep
// the code to it. It is not a linter: it knows nothing but who may import whom,
// which packages stay pure, what lies at the top level, and where documents lead.
//
//	source files ─► Read ─► Graph ─► Check(table) ─► violations
package arch

// Row says what one package may import of ours. A name ending in "/*" covers
// the package before it and everything under it. "*" is everything but the
// binary.
type Row struct {
	Package string
	May     []string
	Tests   []string // what its test files may import besides
}

// Table is the direction of the project: cmd to dialer/app to dialer to
// campaigns, pacing, sip and media, which never import each other. A package
// that is not here does not belong to the project.
var Table = []Row{
	{Package: "cmd/outpace", May: []string{
		"dialer/app", "dialer/calibration", "dialer/doctor", "dialer/explain", "config", "campaigns/*", "pacing/*", "media", "media/detect", "media/wav", "media/codec",
		"test/carrier", "test/operators", // the demo's people
	}, Tests: []string{"config/rules", "test/eventually"}},

	{Package: "dialer", May: []string{
		"campaigns", "campaigns/eligibility", "campaigns/hopper", "pacing", "sip", "media", "dialer/call", "dialer/operator",
	}, Tests: []string{"pacing/eventlog", "dialer/webhook", "campaigns/sqlite", "campaigns/sqlite/sqlitetest", "test/eventually"}},
	{Package: "dialer/call", May: []string{"campaigns"}, Tests: []string{"test/statetable"}},
	{Package: "dialer/operator", Tests: []string{"test/statetable"}},
	{Package: "dialer/oidc", May: []string{"campaigns", "sip/keypair"}},
	{Package: "dialer/api", May: []string{"dialer", "dialer/operator", "dialer/calibration", "dialer/oidc", "campaigns/*"}, Tests: []string{"dialer/call", "config/rules", "pacing", "test/bomb"}},
	{Package: "dialer/console"},
	// Notices of the engine carry outcomes and states: their words come along.
	{Package: "dialer/metrics", May: []string{"dialer", "dialer/call", "dialer/operator", "campaigns", "pacing"}},
	// Notices of the engine become counts, in the words of the detector.
	{Package: "dialer/calibration", May: []string{"dialer", "campaigns", "media", "media/detect"}},
	// Notices of the engine are told to others, from the store's outbox.
	{Package: "dialer/webhook", May: []string{"dialer", "dialer/operator", "campaigns"}, Tests: []string{"campaigns/sqlite", "campaigns/sqlite/sqlitetest"}},
	// What the engine's pacing was asked and answered, for the store.
	{Package: "dialer/pacinglog", May: []string{"campaigns", "campaigns/jsonline", "pacing", "pacing/eventlog"}},
	{Package: "dialer/door"},
	// Why somebody is called or not, in the API's words; without an engine.
	{Package: "dialer/explain", May: []string{"dialer/api", "campaigns", "campaigns/eligibility", "campaigns/number", "config/rules"}, Tests: []string{"campaigns/redis", "campaigns/sqlite", "test/redistest"}},
	{Package: "dialer/app", May: []string{"*"}},
	// It asks each room what it would find, without an engine.
	{Package: "dialer/doctor", May: []string{
		"dialer/oidc", "config", "config/rules", "campaigns/eligibility", "campaigns/number", "campaigns/redis",
		"sip", "sip/keypair", "sip/resolver", "sip/trunk", "media", "media/codec", "media/rtp", "media/sdp",
	}, Tests: []string{"test/carrier", "test/phone", "test/eventually", "test/redistest"}},

	{Package: "pacing", May: []string{"pacing/estimate"}},
	{Package: "pacing/estimate"},
	{Package: "pacing/eventlog", May: []string{"pacing"}},
	{Package: "pacing/simulator", May: []string{"pacing", "pacing/estimate", "pacing/eventlog"}},

	{Package: "sip", May: []string{"sip/keypair"}, Tests: []string{"test/eventually"}},
	{Package: "sip/keypair"},
	{Package: "sip/resolver", Tests: []string{"sip/resolver/nametest"}},
	{Package: "sip/resolver/nametest"},
	{Package: "sip/figures"},
	{Package: "sip/identity"},
	{Package: "sip/trunk", May: []string{"sip", "sip/figures", "sip/identity", "sip/resolver"}, Tests: []string{"sip/resolver/nametest", "test/eventually"}},
	{Package: "sip/registrar", May: []string{"sip"}, Tests: []string{"test/eventually"}},

	{Package: "media"},
	{Package: "media/codec", May: []string{"media"}},
	{Package: "media/sdp", May: []string{"media"}},
	{Package: "media/rtp", May: []string{"media", "media/codec", "media/sdp"}, Tests: []string{"test/eventually"}},
	{Package: "media/webrtc", May: []string{"media", "media/codec"}, Tests: []string{"test/eventually", "test/browser", "test/phone", "test/tool"}},
	{Package: "media/tone", May: []string{"media"}},
	{Package: "media/detect", May: []string{"media", "media/tone"}},
	{Package: "media/detect/lab", May: []string{"media", "media/codec", "media/detect", "media/wav"}, Tests: []string{"test/tool"}},
	{Package: "media/bridge", May: []string{"media", "media/codec"}},
	{Package: "media/wav", May: []string{"media", "media/codec"}},
	{Package: "media/prompts", Tests: []string{"media"}},
	{Package: "media/plane", May: []string{"media/*"}, Tests: []string{"test/crowd", "test/eventually"}},

	{Package: "campaigns"},
	{Package: "campaigns/number", May: []string{"campaigns"}},
	{Package: "campaigns/eligibility", May: []string{"campaigns", "campaigns/number"}, Tests: []string{"config/rules"}},
	{Package: "campaigns/hopper", May: []string{"campaigns", "campaigns/eligibility"}},
	{Package: "campaigns/leadfile", May: []string{"campaigns", "campaigns/number"}, Tests: []string{"test/bomb"}},
	{Package: "campaigns/background"},
	{Package: "campaigns/jsonline"},
	{Package: "campaigns/sqlite", May: []string{"campaigns", "campaigns/background"}, Tests: []string{"campaigns/storetest", "campaigns/sqlite/sqlitetest", "test/eventually"}},
	{Package: "campaigns/sqlite/sqlitetest", May: []string{"campaigns/sqlite"}},
	{Package: "campaigns/redis", May: []string{"campaigns", "campaigns/background"}, Tests: []string{"campaigns/storetest", "test/redistest", "test/eventually"}},
	{Package: "campaigns/journal", May: []string{"campaigns", "campaigns/jsonline"}, Tests: []string{"campaigns/sqlite", "campaigns/sqlite/sqlitetest", "campaigns/storetest", "test/eventually"}},
	{Package: "campaigns/storetest", May: []string{"campaigns"}},

	// Only what declares a Config of its own.
	{Package: "config", May: []string{
		"dialer", "dialer/api", "dialer/oidc", "dialer/webhook", "media/detect", "media/plane", "media/rtp", "media/webrtc", "sip", "sip/registrar", "sip/resolver", "sip/trunk",
	}, Tests: []string{"test/tool"}},
	{Package: "config/rules"},

	{Package: "test/eventually"},
	{Package: "test/bomb"},
	{Package: "test/phone", Tests: []string{"test/eventually"}},
	{Package: "test/crowd"},
	{Package: "test/browser", May: []string{"test/phone"}},
	{Package: "test/carrier", May: []string{"test/phone"}, Tests: []string{"test/eventually"}},
	{Package: "test/operators", May: []string{"test/phone"}, Tests: []string{"test/eventually"}},
	{Package: "test/redistest", May: []string{"test/tool"}},
	{Package: "test/statetable"},
	{Package: "test/tool"},
	{Package: "test/arch"},
	{Package: "test/testbed", May: []string{"campaigns", "config", "dialer/app", "test/eventually", "test/operators", "test/phone"}}, // tests of the whole product stand on it
	{Package: "test/e2e", May: []string{"*"}},
	{Package: "test/load", May: []string{"*"}},
	{Package: "test/fault", May: []string{"*"}},
	{Package: "test/security", May: []string{"*"}},
}

// Pure packages decide and do not act: they read no clock, open nothing, log
// nothing, so that a recorded day gives the same answers again.
var Pure = []string{
	"dialer/call", "dialer/operator", "pacing", "pacing/estimate", "pacing/eventlog", "media/detect", "media/tone", "media/codec",
	"campaigns", "campaigns/eligibility", "campaigns/jsonline", "campaigns/number", "sip/figures",
}

// impure are the imports that a pure package has no use for.
var impure = []string{"net", "net/*", "os", "os/*", "log", "log/*", "database/*", "math/rand", "math/rand/*", "go.uber.org/zap/*"}

// reckons are those of them that open nothing: they only take text apart.
var reckons = []string{"net/url"}

// impureTime are the functions of package time that read or wait for a clock.
var impureTime = map[string]bool{
	"Now": true, "Since": true, "Until": true, "Sleep": true, "After": true, "AfterFunc": true,
	"NewTimer": true, "NewTicker": true, "Tick": true,
}

// Own says which library only some packages may use.
var Own = []struct {
	Library string
	By      []string
	Why     string
}{
	{"github.com/emiago/sipgo/*", []string{"sip/*", "test/load"}, "signalling is one room; the simulated far ends must not share its faults; test/load measures it bare"},
	{"github.com/pion/*", []string{"media/*", "test/browser"}, "audio is one room; the simulated far ends must not share its faults"},
	{"github.com/miekg/dns/*", []string{"sip/resolver", "sip/resolver/nametest"}, "names are looked up in one place"},
	{"modernc.org/sqlite/*", []string{"campaigns/sqlite"}, "a database is behind the store contract"},
	{"github.com/redis/*", []string{"campaigns/redis"}, "a database is behind the store contract"},
	{"github.com/prometheus/client_golang/*", []string{"dialer/metrics", "dialer/app"}, "rooms report plain numbers; one room makes series of them"},
	{"github.com/coreos/go-oidc/*", []string{"dialer/oidc"}, "who a provider says somebody is"},
	{"github.com/danielgtaylor/huma/*", []string{"dialer/api"}, "HTTP ends in the API room"},
}

// Top is what may lie at the top level besides dot-files; Made is what tools
// leave there, kept out of version control.
var (
	Top = []string{
		"cmd", "dialer", "pacing", "sip", "media", "campaigns", "config", "test",
		"go.mod", "go.sum", "Makefile", "README.md", "LICENSE",
	}
	Made = []string{"bin", "dist", "data", "node_modules"}
)
