// Package config is the whole configuration file of one machine: listeners,
// addresses, trunks and secrets, where the store is. What people change
// (campaigns, users, do-not-call) lives in the store, not here.
//
// Load reads a file strictly: an unknown key is an error with its line. The
// environment overrides single keys: OUTPACE_HTTP__LISTEN is http.listen.
package config

import (
	"errors"
	"fmt"
	"net/netip"
	"time"

	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/oidc"
	"github.com/outpace-dialer/outpace/dialer/webhook"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/plane"
	"github.com/outpace-dialer/outpace/sip/resolver"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

// Config is the whole file.
type Config struct {
	DataDir   string          `yaml:"data_dir"` // recordings and the embedded store; default "data"
	Store     Store           `yaml:"store"`
	HTTP      PublicHTTP      `yaml:"http"`
	Admin     HTTP            `yaml:"admin"` // metrics, health, readiness; private
	Trunk     Signalling      `yaml:"trunk_signalling"`
	Phones    Phones          `yaml:"phones"`
	Trunks    []trunk.Config  `yaml:"trunks"`
	DNS       resolver.Config `yaml:"dns"` // where names of trunks are looked up; default as the system does
	Media     plane.Config    `yaml:"media"`
	Detection detect.Config   `yaml:"detection"`
	Engine    dialer.Config   `yaml:"engine"`
	API       api.Config      `yaml:"api"`
	OIDC      oidc.Config     `yaml:"oidc"` // sign-in by a provider; default by passwords alone
	Webhooks  webhook.Config  `yaml:"webhooks"`
	Log       Log             `yaml:"log"`
	Drain     Drain           `yaml:"drain"`
	PacingLog PacingLog       `yaml:"pacing_log"`
	Retention Retention       `yaml:"retention"`
}

// Log is how the log looks.
type Log struct {
	Level string `yaml:"level"` // debug, info (default), warn, error
}

// Drain is how a stop waits for talks.
type Drain struct {
	Timeout time.Duration `yaml:"timeout"` // default 10m
}

// PacingLog is how long it is kept what the pacing of campaigns was told and
// decided.
type PacingLog struct {
	Keep time.Duration `yaml:"keep"` // default 720h; 0 keeps everything
}

// Default is what a file that says nothing means.
func Default() Config {
	return Config{
		DataDir: "data",
		Store:   Store{URL: "sqlite:outpace.db", JournalKeep: 90 * 24 * time.Hour},
		HTTP:    PublicHTTP{HTTP: HTTP{Listen: "127.0.0.1:8080"}},
		Admin:   HTTP{Listen: "127.0.0.1:9090"},
		Trunk:   Signalling{Listen: []Listener{{"udp", "127.0.0.1:5060"}, {"tcp", "127.0.0.1:5060"}}},
		Phones:  Phones{Signalling: Signalling{Listen: []Listener{{"udp", "127.0.0.1:5070"}, {"tcp", "127.0.0.1:5070"}}}, SRTP: SRTPAuto},
		Media:   plane.Config{Address: "127.0.0.1"},
		Log:     Log{Level: "info"},
		Drain:   Drain{Timeout: 10 * time.Minute},

		PacingLog: PacingLog{Keep: 30 * 24 * time.Hour},
	}
}

// Validate says everything that is wrong, each with its key.
func (c Config) Validate() error {
	var errs []error
	under := func(key string, err error) {
		if err == nil {
			return
		}
		for _, e := range flatten(err) {
			errs = append(errs, fmt.Errorf("%s.%w", key, e))
		}
	}
	if c.DataDir == "" {
		errs = append(errs, errors.New("data_dir: required"))
	}
	under("store", c.Store.validate())
	if c.Store.Redis() && c.Engine.Node == "" {
		errs = append(errs, errors.New("engine.node: required where the store is on Redis: another process of the same name would end our calls"))
	}
	if k := c.Store.JournalKeep; k < 0 || k > 0 && k < day {
		errs = append(errs, fmt.Errorf("store.journal_keep: %v is below 24h; 0 keeps everything", k))
	}
	under("http", c.HTTP.validate())
	under("admin", c.Admin.validate())
	under("trunk_signalling", c.Trunk.Agent("trunk").Validate())
	under("trunk_signalling", checkExternal(c.Trunk.External))
	under("phones", checkExternal(c.Phones.External))
	under("phones", c.Phones.Agent("phones").Validate())
	under("phones", c.Phones.validate())
	under("phones.browser", c.Phones.Browser.Validate())
	under("phones.registrar", c.Phones.Registrar.Validate())
	if len(c.Trunks) == 0 {
		errs = append(errs, errors.New("trunks: at least one carrier is required"))
	}
	for i, t := range c.Trunks {
		under(fmt.Sprintf("trunks[%d]", i), t.Validate())
	}
	errs = append(errs, uniqueTrunks(c.Trunks)...)
	if err := trunk.ValidateGroups(c.Trunks); err != nil {
		errs = append(errs, flatten(err)...)
	}
	under("dns", c.DNS.Validate())
	under("media", c.Media.Validate())
	under("detection", c.Detection.Validate())
	under("webhooks", c.Webhooks.Validate())
	under("oidc", c.OIDC.Validate())
	switch c.Log.Level {
	case "debug", "info", "warn", "error":
	default:
		errs = append(errs, fmt.Errorf("log.level: %q is none of debug, info, warn, error", c.Log.Level))
	}
	if c.Drain.Timeout < 0 {
		errs = append(errs, fmt.Errorf("drain.timeout: %v is below 0", c.Drain.Timeout))
	}
	if c.PacingLog.Keep < 0 {
		errs = append(errs, fmt.Errorf("pacing_log.keep: %v is below 0", c.PacingLog.Keep))
	}
	errs = append(errs, c.Retention.validate()...)
	errs = append(errs, c.belowZero()...)
	errs = append(errs, c.listenerClashes()...)
	errs = append(errs, c.tooFewPorts()...)
	return errors.Join(append(errs, engineErrors(c.Engine)...)...)
}

func uniqueTrunks(trunks []trunk.Config) []error {
	var errs []error
	seen := map[string]int{}
	for i, t := range trunks {
		if first, again := seen[t.Name]; again && t.Name != "" {
			errs = append(errs, fmt.Errorf("trunks[%d].name: %q is the name of trunks[%d] already", i, t.Name, first))
			continue
		}
		seen[t.Name] = i
	}
	return errs
}

func engineErrors(c dialer.Config) []error {
	var errs []error
	if !(c.DetectorLoss >= 0 && c.DetectorLoss <= 0.2) {
		errs = append(errs, fmt.Errorf("engine.detector_loss: %v is outside 0 to 0.2", c.DetectorLoss))
	}
	if d := c.SettleAfter; d != 0 && d < 10*time.Second {
		errs = append(errs, fmt.Errorf("engine.settle_after: %v is below 10s: a node that is only slow would lose its calls", d))
	}
	for i, network := range c.PhoneNetworks {
		if _, err := netip.ParsePrefix(network); err != nil {
			errs = append(errs, fmt.Errorf("engine.phone_networks[%d]: %q is not a network such as 10.0.0.0/8", i, network))
		}
	}
	return errs
}

// flatten takes joined errors apart, so that each gets its key.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
