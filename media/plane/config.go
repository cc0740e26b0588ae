package plane

import (
	"errors"
	"fmt"
	"io/fs"
	"net/netip"
	"time"

	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/rtp"
)

// Config of a Plane. The zero value of every field but Address is usable.
type Config struct {
	Address    string        `yaml:"address"`    // IP to bind; required. With an unspecified one External is required too
	External   string        `yaml:"external"`   // IP to put into session descriptions; default Address
	Ports      Ports         `yaml:"ports"`      // default 20000 to 29999
	Quarantine time.Duration `yaml:"quarantine"` // of a used port; default 30s
	Codecs     []string      `yaml:"codecs"`     // PCMU, PCMA in order of preference; default both
	// Engine moves the audio: auto (default), portable, epoll (Linux only, a fraction of
	// the CPU and memory).
	Engine rtp.EngineName `yaml:"engine"`
	// Nice is the priority of the threads that move audio: -20 (first) to 19; default 0,
	// that of all others. Below 0 needs the right to it (CAP_SYS_NICE, or LimitNICE of
	// systemd). It holds against what runs in the same control group. Engine epoll only.
	Nice      int    `yaml:"nice"`
	RecordDir string `yaml:"record_dir"` // empty: nothing can be recorded
	// PromptDir has messages of one's own: *.wav, 8 kHz mono in µ-law, A-law or 16-bit
	// PCM. Campaigns name them without ".wav"; one that has the name of a message that
	// comes with the product is played in its place.
	PromptDir string `yaml:"prompt_dir"`

	OperatorLost    time.Duration `yaml:"operator_lost"`    // silence on the wire until AudioLost; default 6s
	CustomerLost    time.Duration `yaml:"customer_lost"`    // the same for a customer who has been heard; default 15s
	CustomerInitial time.Duration `yaml:"customer_initial"` // and for one who has not; default 30s

	Prompts     fs.FS                      `yaml:"-"` // *.wav at its root; may be nil
	NewDetector func(mode string) Detector `yaml:"-"` // one for each leg that Detect names; may be nil
	// Wire is what carries the legs of an owner, nil where sockets are to; may be nil.
	Wire func(owner string) media.Wire `yaml:"-"`
	// Negotiate makes the wire of a leg by SIP that speaks as browsers do; nil where none
	// is taken.
	Negotiate func(media.LegID) media.Negotiated `yaml:"-"`
}

// Ports is the range of RTP ports: even ones for RTP, the next for RTCP.
type Ports struct {
	From int `yaml:"from"`
	To   int `yaml:"to"`
	// Any lets the system choose; From and To are not used then.
	Any bool `yaml:"any"`
}

// Detector hears who answered a leg. It is used by one goroutine at a time.
type Detector interface {
	Answered()
	Connected()
	Machine()
	Hear(media.Frame) (detect.Finding, bool)
	Features(*detect.Features) bool
}

var _ Detector = (*detect.Detector)(nil)

// settings is a Config that has been read.
type settings struct {
	Config
	bind, external netip.Addr
	laws           []media.Law
}

// Validate says what is wrong, by YAML key.
func (c Config) Validate() error {
	_, err := c.settings()
	return err
}

// PortRange is Ports with its default.
func (c Config) PortRange() Ports {
	if c.Ports == (Ports{}) {
		return Ports{From: 20000, To: 29999}
	}
	return c.Ports
}

func (c Config) settings() (settings, error) {
	s := settings{Config: c}
	var err error
	if s.bind, err = netip.ParseAddr(c.Address); err != nil {
		return s, fmt.Errorf("address: %w", err)
	}
	s.external = s.bind
	if c.External != "" {
		if s.external, err = netip.ParseAddr(c.External); err != nil {
			return s, fmt.Errorf("external: %w", err)
		}
	}
	if s.external.IsUnspecified() {
		return s, errors.New("external: required where address is unspecified")
	}
	if s.laws, err = laws(c.Codecs); err != nil {
		return s, err
	}
	if err := c.Engine.Validate(); err != nil {
		return s, fmt.Errorf("engine: %w", err)
	}
	if c.Nice < -20 || c.Nice > 19 {
		return s, fmt.Errorf("nice: %d is not in -20 to 19", c.Nice)
	}
	if c.Nice != 0 && !c.Engine.HasThreads() {
		return s, fmt.Errorf("nice: the engine %q has no threads of its own", c.Engine)
	}
	if s.Ports = c.PortRange(); s.Ports.Any {
		s.Ports = Ports{Any: true}
	} else if s.Ports.From < 1024 || s.Ports.To > 65535 || s.Ports.To-s.Ports.From < 3 {
		return s, fmt.Errorf("ports: %d to %d is no range inside 1024 to 65535", s.Ports.From, s.Ports.To)
	}
	defaultTo(&s.Quarantine, 30*time.Second)
	defaultTo(&s.OperatorLost, 6*time.Second)
	defaultTo(&s.CustomerLost, 15*time.Second)
	defaultTo(&s.CustomerInitial, 30*time.Second)
	return s, nil
}

func laws(names []string) ([]media.Law, error) {
	if len(names) == 0 {
		return []media.Law{media.ULaw, media.ALaw}, nil
	}
	var list []media.Law
	for _, name := range names {
		switch name {
		case media.ULaw.String():
			list = append(list, media.ULaw)
		case media.ALaw.String():
			list = append(list, media.ALaw)
		default:
			return nil, fmt.Errorf("codecs: %q is not PCMU or PCMA", name)
		}
	}
	return list, nil
}

func defaultTo(d *time.Duration, value time.Duration) {
	if *d <= 0 {
		*d = value
	}
}
