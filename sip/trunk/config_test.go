package trunk

import (
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"pgregory.net/rapid"
)

// good is a carrier with which nothing is wrong.
func good() Config {
	return Config{
		Name:        "alpha",
		Targets:     []Target{{Address: "192.0.2.1:5060"}},
		CallerIDs:   []string{"+48221234567"},
		MaxCPS:      10,
		MaxChannels: 30,
	}
}

func TestValidateNamesTheKey(t *testing.T) {
	tests := []struct {
		key   string
		spoil func(*Config)
	}{
		{"name", func(c *Config) { c.Name = "" }},
		{"name", func(c *Config) { c.Name = "a b" }},
		{"group", func(c *Config) { c.Group = "ü" }},
		{"targets", func(c *Config) { c.Targets = nil }},
		{"targets[0].address", func(c *Config) { c.Targets[0].Address = "" }},
		{"targets[0].address", func(c *Config) { c.Targets[0].Address = "sip:carrier.example" }},
		{"targets[0].address", func(c *Config) { c.Targets[0].Address = "2001:db8::1:x" }},
		{"targets[0].address", func(c *Config) { c.Targets[0].Address = "a;b:5060" }},
		{"targets[0].address", func(c *Config) { c.Targets[0].Address = "192.0.2.1:0" }},
		{"targets[0].address", func(c *Config) { c.Targets[0].Address = "192.0.2.1:70000" }},
		{"targets[0].address", func(c *Config) { c.Targets[0].Address = "x\r\nRoute: <sip:evil>:5060" }},
		{"targets[0].transport", func(c *Config) { c.Targets[0].Transport = "sctp" }},
		{"targets[0].transport", func(c *Config) { c.SRTP = true }}, // over udp everybody reads the keys
		{"targets[0].priority", func(c *Config) { c.Targets[0].Priority = -1 }},
		{"targets[0].weight", func(c *Config) { c.Targets[0].Weight = -1 }},
		{"username", func(c *Config) { c.Password = "x" }},
		{"username", func(c *Config) { c.Username = "a\r\nb" }},
		{"domain", func(c *Config) { c.Domain = "a b" }},
		{"caller_ids", func(c *Config) { c.CallerIDs = nil }},
		{"caller_ids[0]", func(c *Config) { c.CallerIDs[0] = "48221234567" }},
		{"caller_ids[0]", func(c *Config) { c.CallerIDs[0] = "" }},
		{"caller_ids[0]", func(c *Config) { c.CallerIDs[0] = "+48 22" }},
		{"caller_name", func(c *Config) { c.CallerName = `Bob" <sip:evil>` }},
		{"caller_name", func(c *Config) { c.CallerName = "Bob\r\nX-Evil: 1" }},
		{"number_format", func(c *Config) { c.NumberFormat = "tel" }},
		{"national", func(c *Config) { c.NumberFormat = FormatNational }},
		{"national", func(c *Config) { c.NumberFormat, c.National = FormatNational, National{Strip: "48", Prepend: "*"} }},
		{"max_cps", func(c *Config) { c.MaxCPS = 0 }},
		{"max_cps", func(c *Config) { c.MaxCPS = -1 }},
		{"max_channels", func(c *Config) { c.MaxChannels = 0 }},
		{"max_ringing", func(c *Config) { c.MaxRinging = 31 }},
		{"ring_timeout", func(c *Config) { c.RingTimeout = 14 * time.Second }},
		{"options_interval", func(c *Config) { c.OptionsInterval = time.Millisecond }},
		{"routing", func(c *Config) { c.Routing = "random" }},
		{"cost", func(c *Config) { c.Cost = -1 }},
		{"prefixes[1].prefix", func(c *Config) { c.Prefixes = []Prefix{{"+48", 0}, {"+4 8", 0}} }},
		{"prefixes[0].prefix", func(c *Config) { c.Prefixes = []Prefix{{"+", 0}} }},
		{"prefixes[0].cost", func(c *Config) { c.Prefixes = []Prefix{{"+48", -1}} }},
		{"caller_id_daily_cap", func(c *Config) { c.CallerIDCap = -1 }},
		{"identity", func(c *Config) { c.Identity.OriginID = "us" }},
		{"failover_after", func(c *Config) { c.FailoverAfter = time.Second }},
		{"session_expires", func(c *Config) { c.SessionExpires = time.Minute }},
		{"register.enabled", func(c *Config) { c.Register.Registrar = "reg.example" }},
		{"register.expires", func(c *Config) { c.Register = Register{Enabled: true, User: "a", Expires: time.Second} }},
		{"register.expires", func(c *Config) { c.Register = Register{Enabled: true, User: "a", Expires: 25 * time.Hour} }},
		{"register.registrar", func(c *Config) { c.Register = Register{Enabled: true, User: "a", Registrar: "a b"} }},
		{"register.transport", func(c *Config) { c.Register = Register{Enabled: true, User: "a", Transport: "sctp"} }},
		{"register.user", func(c *Config) { c.Register = Register{Enabled: true} }},
		{"register.user", func(c *Config) { c.Register = Register{Enabled: true, User: "a@b\r\n"} }},
		{"media_networks[0]", func(c *Config) { c.MediaNetworks = []string{"192.0.2.0"} }},
		{"external_media", func(c *Config) { c.ExternalMedia = "here" }},
	}
	if err := good().Validate(); err != nil {
		t.Fatalf("good configuration: %v", err)
	}
	for _, tt := range tests {
		cfg := good()
		tt.spoil(&cfg)
		if err := cfg.Validate(); err == nil || !strings.HasPrefix(err.Error(), tt.key+":") {
			t.Errorf("error = %v, want it to name %s", err, tt.key)
		}
	}
	if err := validateAll([]Config{good(), good()}); err == nil || !strings.Contains(err.Error(), "twice") {
		t.Errorf("two trunks of one name: error = %v", err)
	}
}

func TestGoodAddresses(t *testing.T) {
	for address, want := range map[string]string{
		"192.0.2.1:5080": "192.0.2.1 5080", "192.0.2.1": "192.0.2.1 0", "2001:db8::1": "2001:db8::1 0",
		"[2001:db8::1]:5060": "2001:db8::1 5060", "carrier.example": "carrier.example 0", "sbc1:5062": "sbc1 5062",
	} {
		cfg := good()
		cfg.Targets[0].Address = address
		host, port, _ := splitAddress(address)
		if got := fmt.Sprint(host, " ", port); cfg.Validate() != nil || got != want {
			t.Errorf("%s: %v, %s; want %s", address, cfg.Validate(), got, want)
		}
	}
}

func TestWrite(t *testing.T) {
	national := National{Strip: "48", Prepend: "0", International: "00"}
	tests := []struct {
		format, number, want string
	}{
		{FormatE164, "+48221234567", "+48221234567"},
		{FormatE164, "48221234567", "+48221234567"},
		{FormatDigits, "+48221234567", "48221234567"},
		{FormatNational, "+48221234567", "0221234567"},
		{FormatNational, "+4930123456", "004930123456"},
	}
	for _, tt := range tests {
		c := Config{NumberFormat: tt.format, National: national}
		if got, err := c.write(tt.number); err != nil || got != tt.want {
			t.Errorf("%s: write(%s) = %s, %v; want %s", tt.format, tt.number, got, err, tt.want)
		}
	}
	for _, bad := range []string{"", "+", "12", "++48221234567", "+48 22", "4822123456x", "1\r\nRoute: <sip:evil>", "+1234567890123456", "1;phone-context=x", "*71", "+١٢٣٤"} {
		if got, err := (&Config{}).write(bad); !errors.Is(err, ErrNumber) {
			t.Errorf("write(%q) = %q, %v; want ErrNumber", bad, got, err)
		}
	}
}

// Whatever a number holds, a carrier sees digits and at most one leading "+".
func TestWriteGivesOnlyDigits(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		c := Config{
			NumberFormat: rapid.SampledFrom([]string{FormatE164, FormatDigits, FormatNational}).Draw(t, "format"),
			National:     National{Strip: "48", Prepend: "0", International: "00"},
		}
		number := rapid.OneOf(rapid.String(), rapid.StringMatching(`\+?[0-9 ()-]{1,18}`), rapid.StringMatching(`\+?[0-9]{3,15}`)).Draw(t, "number")
		got, err := c.write(number)
		if err != nil {
			return
		}
		if !onlyDigits(strings.TrimPrefix(got, "+")) || got == "" {
			t.Fatalf("write(%q) = %q", number, got)
		}
	})
}

func TestSessionExpires(t *testing.T) {
	long, short := good(), good()
	long.SessionExpires, short.SessionExpires = 30*time.Minute, 100*time.Second
	for want, cfgs := range map[time.Duration][]Config{
		120 * time.Second: nil,
		100 * time.Second: {long, short, good()},
		30 * time.Minute:  {long},
	} {
		if got := SessionExpires(cfgs); got != want {
			t.Errorf("session interval of %d trunks = %s, want %s", len(cfgs), got, want)
		}
	}
}
