package eligibility

import (
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"go.yaml.in/yaml/v4"
)

// Region is one entry of a rule pack: what holds for the numbers of a region.
// Texts are for reports; the rest is applied.
type Region struct {
	ID          string                    `yaml:"id"`      // "US-FL", "PL"
	SameAs      string                    `yaml:"same_as"` // takes everything from that entry
	Name        string                    `yaml:"name"`
	Hours       *WeekHours                `yaml:"hours"` // nil: no hours of its own
	Holidays    *Holidays                 `yaml:"holidays"`
	Caps        []RegionCap               `yaml:"caps"`
	Cooldowns   []Cooldown                `yaml:"cooldowns"`
	Abandonment *Abandonment              `yaml:"abandonment"`
	Recording   campaigns.RecordingPolicy `yaml:"recording"`  // empty: says nothing
	ValidFrom   time.Time                 `yaml:"valid_from"` // zero: always was
	ValidTo     time.Time                 `yaml:"valid_to"`   // not included; zero: no end

	Message   string `yaml:"message"`     // of an abandoned call
	CallerID  string `yaml:"caller_id"`   // what it must be
	Detection string `yaml:"detection"`   // of machines
	Consent   string `yaml:"consent"`     // what is needed
	DoNotCall string `yaml:"do_not_call"` // lists and their age
	Refusal   string `yaml:"refusal"`     // quiet time after a "no"
	Traffic   string `yaml:"traffic"`     // limits on the caller as a whole
	Cite      string `yaml:"cite"`        // source of law
	Basis     string `yaml:"basis"`       // S read, S2 secondary, M memory, own
	Note      string `yaml:"note"`

	calendar *calendar
}

// WeekHours are the calling hours of each kind of day, local to the called
// person. Hours of a holiday, or of the day before one, narrow those of the
// weekday it falls on; they never widen them.
type WeekHours struct {
	Weekdays      DayHours  `yaml:"weekdays"`
	Saturday      DayHours  `yaml:"saturday"`
	Sunday        DayHours  `yaml:"sunday"`
	Holiday       *DayHours `yaml:"holiday"`        // nil: as the weekday
	BeforeHoliday *DayHours `yaml:"before_holiday"` // nil: as the weekday
}

// RegionCap limits attempts: at most N in each rolling Period. Scope says whom
// the law counts; we count the person, which is never laxer.
type RegionCap struct {
	N      int           `yaml:"n"`
	Period time.Duration `yaml:"period"`
	Scope  string        `yaml:"scope"`
}

// Cooldown keeps a person alone after an outcome.
type Cooldown struct {
	After                    campaigns.Outcome `yaml:"after"`
	Wait                     time.Duration     `yaml:"wait"`
	UnlessOperatorGuaranteed bool              `yaml:"unless_operator_guaranteed"` // waived in preview and progressive
}

// Abandonment is the rule on calls that reach a person and no operator.
type Abandonment struct {
	Limit         float64       `yaml:"limit"`          // share of live answers
	Windows       []string      `yaml:"windows"`        // over which it is counted: campaign, day, month, 720h
	Unit          string        `yaml:"unit"`           // of what
	ConnectWithin time.Duration `yaml:"connect_within"` // after the end of the greeting
	RingMin       time.Duration `yaml:"ring_min"`       // before we may hang up; 0: none

	spans []time.Duration // Windows, 0 for campaign
}

// windowNames are the names of windows. A month is the longest one: a rolling
// window of that length holds every calendar month.
var windowNames = map[string]time.Duration{"campaign": 0, "day": 24 * time.Hour, "month": 31 * 24 * time.Hour}

// readWindows understands the names of Windows.
func (a *Abandonment) readWindows() error {
	a.spans = nil
	for _, name := range a.Windows {
		span, named := windowNames[name]
		if !named {
			var err error
			if span, err = time.ParseDuration(name); err != nil || span <= 0 {
				return fmt.Errorf("window %q is none of campaign, day, month, or a time like 720h", name)
			}
		}
		a.spans = append(a.spans, span)
	}
	return nil
}

// DayHours are the hours of one day, sorted and apart. Empty: no calls.
type DayHours []Span

// Span is a stretch of local wall-clock time, in minutes of the day:
// From <= minute < To, 0..1440.
type Span struct{ From, To int }

func (s Span) String() string { return string(s.appendTo(nil)) }

func (s Span) appendTo(b []byte) []byte {
	return appendClock(append(appendClock(b, s.From), '-'), s.To)
}

// appendClock writes a minute of the day as HH:MM.
func appendClock(b []byte, minute int) []byte {
	h, m := byte(minute/60), byte(minute%60)
	return append(b, '0'+h/10, '0'+h%10, ':', '0'+m/10, '0'+m%10)
}

func (d DayHours) String() string { return string(d.appendTo(nil)) }

func (d DayHours) appendTo(b []byte) []byte {
	if len(d) == 0 {
		return append(b, "no calls"...)
	}
	for i, s := range d {
		if i > 0 {
			b = append(b, ',')
		}
		b = s.appendTo(b)
	}
	return b
}

// UnmarshalYAML reads "none" or a list of "HH:MM-HH:MM".
func (d *DayHours) UnmarshalYAML(node *yaml.Node) error {
	if node.Kind == yaml.ScalarNode && node.Value == "none" {
		*d = DayHours{}
		return nil
	}
	var texts []string
	if err := node.Decode(&texts); err != nil || len(texts) == 0 {
		return fmt.Errorf("line %d: want none or a list of hours like [\"09:00-20:00\"]", node.Line)
	}
	hours := DayHours{}
	for _, text := range texts {
		from, to, _ := strings.Cut(text, "-")
		span, err := parseSpan(from, to)
		if err != nil {
			return fmt.Errorf("line %d: %w", node.Line, err)
		}
		if len(hours) > 0 && span.From <= hours[len(hours)-1].To {
			return fmt.Errorf("line %d: %q does not follow %v", node.Line, text, hours[len(hours)-1])
		}
		hours = append(hours, span)
	}
	*d = hours
	return nil
}

// parseSpan reads two clock times; to may be 24:00.
func parseSpan(from, to string) (Span, error) {
	start, err := parseClock(from)
	if err != nil {
		return Span{}, err
	}
	end, err := parseClock(to)
	if err != nil {
		return Span{}, err
	}
	if start >= end {
		return Span{}, fmt.Errorf("hours %s-%s: the end is not after the start", from, to)
	}
	return Span{start, end}, nil
}

// parseClock reads "HH:MM" as minutes of the day, 00:00 to 24:00.
func parseClock(text string) (int, error) {
	h, m, ok := strings.Cut(strings.TrimSpace(text), ":")
	hour, errH := strconv.Atoi(h)
	minute, errM := strconv.Atoi(m)
	if !ok || len(m) != 2 || errH != nil || errM != nil || hour < 0 || minute < 0 || minute > 59 || hour*60+minute > 1440 {
		return 0, fmt.Errorf("%q is no clock time like 09:30", text)
	}
	return hour*60 + minute, nil
}

// intersect keeps what is in both.
func intersect(a, b DayHours) DayHours {
	both := DayHours{}
	for _, x := range a {
		for _, y := range b {
			if from, to := max(x.From, y.From), min(x.To, y.To); from < to {
				both = append(both, Span{from, to})
			}
		}
	}
	slices.SortFunc(both, func(x, y Span) int { return x.From - y.From })
	return both
}
