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
	"net"
	"net/netip"
	"net/url"
	"path"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/oidc"
	"github.com/outpace-dialer/outpace/dialer/webhook"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/plane"
	"github.com/outpace-dialer/outpace/media/webrtc"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/registrar"
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

// Store says where leads are kept.
type Store struct {
	// URL is "sqlite:PATH", relative paths are inside data_dir, or
	// "redis://USER:PASSWORD@HOST:PORT/0" (rediss for TLS), which several machines
	// may share. Default "sqlite:outpace.db".
	URL string `yaml:"url"`
	// Namespace begins every key in Redis, so that several stores can share it;
	// default "outpace".
	Namespace string `yaml:"namespace"`
	// AcceptWeakerSettings takes a Redis that may lose what it acknowledged.
	AcceptWeakerSettings bool `yaml:"accept_weaker_settings"`
	// Journal is the folder of the journal of what was dialled, which outlives the
	// store; relative paths are inside data_dir. Default: beside the store, its name
	// with ".journal". Another disk is better.
	Journal string `yaml:"journal"`
	// JournalKeep is how old a copy of the store may be that is put back without
	// campaigns being held; default 2160h, 0 keeps everything.
	JournalKeep time.Duration `yaml:"journal_keep"`
}

// Redis says whether the store is on Redis.
func (s Store) Redis() bool {
	return strings.HasPrefix(s.URL, "redis://") || strings.HasPrefix(s.URL, "rediss://")
}

// Hidden is the URL without its password.
func (s Store) Hidden() string {
	u, err := url.Parse(s.URL)
	if err != nil || u.User == nil {
		return s.URL
	}
	u.User = url.UserPassword(u.User.Username(), "hidden")
	return u.String()
}

func (s Store) validate() error {
	if path, ok := strings.CutPrefix(s.URL, "sqlite:"); ok && path != "" {
		return nil
	}
	u, err := url.Parse(s.URL)
	if !s.Redis() || err != nil || u.Host == "" {
		// The text may hold a password, so only what it begins with is told.
		scheme, _, _ := strings.Cut(s.URL, ":")
		return fmt.Errorf("url: %q... is neither sqlite:PATH nor redis://HOST:PORT", scheme)
	}
	if strings.ContainsAny(s.Namespace, "{}") {
		return fmt.Errorf("namespace: %q has braces, which name slots of a cluster", s.Namespace)
	}
	return nil
}

// PublicHTTP is the listener of the API and the pages.
type PublicHTTP struct {
	HTTP `yaml:",inline"`
	// NodeURL is where the other nodes on the same store reach this listener,
	// "http://10.0.0.5:8080": they fetch recordings from it. Empty: they cannot. Where it is
	// https and the certificate our own, they learn from the store which one that is.
	NodeURL string `yaml:"node_url"`
	// NodeAuthorities is a PEM file of who may vouch for the certificates of other nodes;
	// empty: those of the system.
	NodeAuthorities string `yaml:"node_authorities"`

	TLS HTTPTLS `yaml:"tls"`
	// ConnectionsPerAddress is how many connections one address may have open, a /64 of
	// IPv6 being one; default 1000. Proxies that are trusted have no such bound.
	ConnectionsPerAddress int `yaml:"connections_per_address"`
	// TrustedProxies are those in front, as addresses or networks ("10.0.0.0/8"), whose
	// X-Forwarded-For says who asks. Nobody else's does.
	TrustedProxies []string `yaml:"trusted_proxies"`
}

// Proxies are TrustedProxies as networks.
func (h PublicHTTP) Proxies() ([]netip.Prefix, error) {
	var all []netip.Prefix
	for i, text := range h.TrustedProxies {
		ip, err := netip.ParseAddr(text)
		if err == nil && ip.Zone() == "" {
			all = append(all, netip.PrefixFrom(ip, ip.BitLen()))
			continue
		}
		network, err := netip.ParsePrefix(text)
		if err != nil {
			return nil, fmt.Errorf("trusted_proxies[%d]: %q is no address and no network such as 10.0.0.0/8", i, text)
		}
		all = append(all, network.Masked())
	}
	return all, nil
}

func (h PublicHTTP) validate() error {
	if h.ConnectionsPerAddress < 0 {
		return fmt.Errorf("connections_per_address: %d is below 0", h.ConnectionsPerAddress)
	}
	if _, err := h.Proxies(); err != nil {
		return err
	}
	if err := h.TLS.validate(); err != nil {
		return err
	}
	if err := h.HTTP.validate(); err != nil || h.NodeURL == "" {
		return err
	}
	u, err := url.Parse(h.NodeURL)
	if err != nil || u.Scheme != "http" && u.Scheme != "https" || u.Hostname() == "" || u.User != nil || u.RawQuery != "" || u.Fragment != "" {
		return fmt.Errorf("node_url: %q is not http://HOST:PORT", h.NodeURL)
	}
	return nil
}

// HTTP is one HTTP listener.
type HTTP struct {
	Listen string `yaml:"listen"` // host:port; empty host means every address
}

// Signalling is the sockets of one SIP agent.
type Signalling struct {
	Listen   []Listener `yaml:"listen"`
	External string     `yaml:"external"` // host or host:port for Via and Contact
	TLS      TLS        `yaml:"tls"`      // for listeners of tls
}

// TLS are the files of one side's TLS, PEM. They are read again when they change.
type TLS struct {
	Certificate string `yaml:"certificate"` // with what it needs to be believed
	Key         string `yaml:"key"`
	Authorities string `yaml:"authorities"` // who may vouch for carriers; empty: those of the system
}

// Listener is one SIP socket.
type Listener struct {
	Transport string `yaml:"transport"` // udp, tcp or tls
	Address   string `yaml:"address"`   // ip:port
}

// Phones is the softphones' side.
type Phones struct {
	Signalling `yaml:",inline"`
	Registrar  registrar.Config `yaml:"registrar"`
	Browser    webrtc.Config    `yaml:"browser"` // operators who take calls in the page
	WebSocket  WebSocket        `yaml:"websocket"`
	// SRTP says which phones' audio is encrypted: auto (default), those registered
	// over TLS, and others that ask for it; required, all; off, none.
	SRTP string `yaml:"srtp"`
}

// WebSocket lets phones register and take calls by SIP over WebSocket (RFC 7118), at
// /sip of the HTTP listener. Their audio is a browser's: phones.browser is needed.
type WebSocket struct {
	Enabled bool `yaml:"enabled"` // default false
	// Origins are the sites besides our own whose pages may connect: "phones.example.com",
	// "*.example.com". What is no browser names no site.
	Origins []string `yaml:"origins"`
}

// The values of Phones.SRTP.
const (
	SRTPAuto     = "auto"
	SRTPRequired = "required"
	SRTPOff      = "off"
)

func (p Phones) validate() error {
	if p.WebSocket.Enabled && !p.Browser.Enabled {
		return errors.New("websocket.enabled: needs browser.enabled: the audio of these phones is a browser's")
	}
	for i, origin := range p.WebSocket.Origins {
		if _, err := path.Match(origin, ""); err != nil || origin == "" || origin == "*" || strings.Contains(origin, "/") {
			return fmt.Errorf("websocket.origins[%d]: %q is no host such as phones.example.com or *.example.com", i, origin)
		}
	}
	switch p.SRTP {
	case SRTPAuto, SRTPRequired, SRTPOff:
		return nil
	}
	return fmt.Errorf("srtp: %q is none of auto, required, off", p.SRTP)
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

// Retention is how long people's data is kept; 0, the default, is for ever.
// Do-not-call entries and the audit log are never deleted, and calls stay for as
// long as a law asks: five years where the person may be in the United States (16
// CFR 310.5) or nobody knows where, three years in Canada.
type Retention struct {
	// Leads is how long a lead is kept after it was changed or called last. Those
	// that a campaign is still to dial stay.
	Leads time.Duration `yaml:"leads"`
	// Attempts is how long it is kept who was called when, and what came of it;
	// at least 744h: rules count calls of the last 31 days.
	Attempts time.Duration `yaml:"attempts"`
	// Recordings is how long a recording is kept; at most as long as its attempt.
	Recordings time.Duration `yaml:"recordings"`
}

const day = 24 * time.Hour

func (r Retention) validate() []error {
	var errs []error
	for _, k := range []struct {
		key           string
		keep, atLeast time.Duration
		why           string
	}{
		{"leads", r.Leads, day, ""},
		{"attempts", r.Attempts, 31 * day, ": rules count calls of the last 31 days"},
		{"recordings", r.Recordings, day, ""},
	} {
		if k.keep < 0 || k.keep > 0 && k.keep < k.atLeast {
			errs = append(errs, fmt.Errorf("retention.%s: %v is below %dh%s; 0 is for ever (a year is 8760h)", k.key, k.keep, int(k.atLeast.Hours()), k.why))
		}
	}
	if r.Attempts > 0 && (r.Recordings == 0 || r.Recordings > r.Attempts) {
		errs = append(errs, fmt.Errorf("retention.recordings: %v is longer than retention.attempts (%v), and nobody finds a recording without its attempt", orForEver(r.Recordings), r.Attempts))
	}
	return errs
}

func orForEver(d time.Duration) string {
	if d == 0 {
		return "for ever"
	}
	return d.String()
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

// Agent is the configuration of the SIP agent on these sockets.
func (s Signalling) Agent(name string) sip.Config {
	c := sip.Config{Name: name, External: s.External, UserAgent: "Outpace"}
	for _, l := range s.Listen {
		c.Listen = append(c.Listen, sip.Listener{Transport: l.Transport, Address: l.Address})
	}
	if s.TLS != (TLS{}) {
		c.TLS = &sip.TLS{Certificate: s.TLS.Certificate, Key: s.TLS.Key, Authorities: s.TLS.Authorities}
	}
	return c
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

func (h HTTP) validate() error {
	if _, _, err := net.SplitHostPort(h.Listen); err != nil {
		return fmt.Errorf("listen: %w", err)
	}
	return nil
}

// flatten takes joined errors apart, so that each gets its key.
func flatten(err error) []error {
	if joined, ok := err.(interface{ Unwrap() []error }); ok {
		return joined.Unwrap()
	}
	return []error{err}
}
