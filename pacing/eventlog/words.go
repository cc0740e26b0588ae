package eventlog

import (
	"encoding/json"
	"math"
	"strconv"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// The structs below are the lines as they are written. A moment has two fields:
// seconds for people and other programs, and beside them the exact nanoseconds,
// which hold where both are there.

type lineWords struct {
	Type Kind    `json:"type"`
	T    float64 `json:"t"`
	NS   int64   `json:"ns,omitempty"`
	Seq  int     `json:"seq,omitempty"`

	*settingsWords // init, adjust
	*pastWords     // recall

	Events []eventWords `json:"events,omitzero"`

	*viewWords         // decide
	Answer     *Answer `json:"answer,omitempty"`
}

// settingsWords are pacing.Settings. Durations in seconds are exact to the
// nanosecond below 26 days, and in whole seconds above.
type settingsWords struct {
	Mode         pacing.Mode  `json:"mode,omitempty"` // none: predictive
	Ratio        number       `json:"ratio,omitempty"`
	MinRatio     number       `json:"min_ratio,omitempty"`
	MaxRatio     number       `json:"max_ratio,omitempty"`
	Limit        number       `json:"limit"`
	Connect      float64      `json:"connect_s"`
	Clock        pacing.Clock `json:"clock,omitempty"`
	DetectorLoss number       `json:"detector_human_loss"`
	Target       number       `json:"target_utilisation,omitempty"`
	RingTimeout  float64      `json:"ring_timeout_s"`
	RingMin      float64      `json:"ring_min_s"`
	Cancel       bool         `json:"cancel"`
	Window       float64      `json:"window_s,omitempty"` // moment of its end
	WindowNS     int64        `json:"window_ns,omitempty"`
	Windows      []float64    `json:"windows_s,omitempty"`
	MaxOccupancy number       `json:"max_occupancy,omitempty"`
	MinBreath    float64      `json:"min_breath_s,omitempty"`

	// Of an init from outside: what limits the room where decides do not say.
	Channels int     `json:"channels,omitempty"`
	CPS      float64 `json:"cps,omitempty"`
}

type pastWords struct {
	Counts []countWords `json:"counts,omitempty"`
	Learnt []byte       `json:"learnt,omitempty"`
}

type countWords struct {
	T         float64 `json:"t"`
	NS        int64   `json:"ns,omitempty"`
	Live      int     `json:"live"`
	Abandoned int     `json:"abandoned"`
}

type viewWords struct {
	Room    *int          `json:"room,omitempty"` // none or -1: no cap
	Bound   *pacing.Bound `json:"bound,omitempty"`
	Segment string        `json:"segment"`          // of the next record
	Records []recordWords `json:"records,omitzero"` // where more than the segment is known
	Waiting int           `json:"waiting,omitempty"`
}

type recordWords struct {
	Segment  string `json:"segment"`
	Score    number `json:"score,omitempty"`
	Attempts int    `json:"attempts,omitempty"`
	Last     string `json:"last,omitempty"`
	Hour     int    `json:"hour,omitempty"`
}

type eventWords struct {
	Type string   `json:"type"`
	T    *float64 `json:"t,omitempty"` // where it is not the line's
	NS   int64    `json:"ns,omitempty"`

	ID             id                   `json:"id,omitempty"`
	State          pacing.OperatorState `json:"state,omitempty"`
	PauseRequested bool                 `json:"pause_requested,omitempty"`
	Stage          string               `json:"stage,omitempty"`
	ScriptStage    string               `json:"script_stage,omitempty"` // another name of stage
	RestUntil      *float64             `json:"rest_until,omitempty"`
	RestUntilNS    int64                `json:"rest_until_ns,omitempty"`

	Call     id           `json:"call,omitempty"`
	Trunk    string       `json:"trunk,omitempty"`
	Segment  string       `json:"segment,omitempty"`
	Score    number       `json:"score,omitempty"`
	Attempts int          `json:"attempts,omitempty"`
	Last     string       `json:"last,omitempty"`
	Hour     int          `json:"hour,omitempty"`
	Since    *float64     `json:"since,omitempty"`
	SinceNS  int64        `json:"since_ns,omitempty"`
	Cause    pacing.Cause `json:"cause,omitempty"`
	Operator id           `json:"operator,omitempty"`
	Late     bool         `json:"late,omitempty"`
	Talked   bool         `json:"talked,omitempty"`

	Live         int    `json:"live,omitempty"` // of other nodes
	Abandoned    int    `json:"abandoned,omitempty"`
	Part         number `json:"part,omitempty"`
	Credit       number `json:"credit,omitempty"`
	OwnLive      int    `json:"own_live,omitempty"`
	OwnAbandoned int    `json:"own_abandoned,omitempty"`
}

// Answer is a decision as it is written: all its numbers, and Why where somebody
// is to read it.
type Answer struct {
	Dial              int          `json:"dial"`
	Record            int          `json:"record,omitempty"`
	Cancel            []id         `json:"cancel"`
	Bound             pacing.Bound `json:"bound"`
	Why               string       `json:"why,omitempty"`
	Mode              pacing.Mode  `json:"mode,omitempty"`
	Free              int          `json:"free,omitempty"`
	AtWork            int          `json:"at_work,omitempty"`
	InFlight          int          `json:"in_flight,omitempty"`
	Room              int          `json:"room,omitempty"`
	Ratio             number       `json:"ratio,omitempty"`
	Wanted            number       `json:"wanted,omitempty"`
	AnswerProbability number       `json:"answer_probability"`
	AbandonChance     number       `json:"abandon_chance"`
	Threshold         number       `json:"threshold"`
	Credit            number       `json:"credit,omitempty"`
	Live              number       `json:"live,omitempty"`
	Resting           int          `json:"resting,omitempty"`
}

// AnswerOf writes down d without words.
func AnswerOf(d pacing.Decision) Answer {
	a := Answer{
		Dial: d.Dial, Record: d.Record, Cancel: make([]id, len(d.Cancel)), Bound: d.Bound,
		Mode: d.Mode, Free: d.Free, AtWork: d.AtWork, InFlight: d.InFlight, Room: d.Room,
		Ratio: number(d.Ratio), Wanted: number(d.Wanted),
		AnswerProbability: number(d.AnswerProbability), AbandonChance: number(d.AbandonChance),
		Threshold: number(d.Threshold), Credit: number(d.Credit), Live: number(d.Live), Resting: d.Resting,
	}
	for i, call := range d.Cancel {
		a.Cancel[i] = id(call)
	}
	return a
}

// Decision is what AnswerOf wrote down.
func (a Answer) Decision() pacing.Decision {
	d := pacing.Decision{
		Dial: a.Dial, Record: a.Record, Bound: a.Bound,
		Mode: a.Mode, Free: a.Free, AtWork: a.AtWork, InFlight: a.InFlight, Room: a.Room,
		Ratio: float64(a.Ratio), Wanted: float64(a.Wanted),
		AnswerProbability: float64(a.AnswerProbability), AbandonChance: float64(a.AbandonChance),
		Threshold: float64(a.Threshold), Credit: float64(a.Credit), Live: float64(a.Live), Resting: a.Resting,
	}
	for _, call := range a.Cancel {
		d.Cancel = append(d.Cancel, string(call))
	}
	return d
}

// id is the identifier of a call or an operator, in JSON a number or a string.
// A number stays the number it was; a string that could be taken for one keeps
// its quotes, so that each goes back as it came.
type id string

// MarshalJSON implements json.Marshaler.
func (i id) MarshalJSON() ([]byte, error) {
	bare := i
	if len(i) > 2 && i[0] == '"' && i[len(i)-1] == '"' {
		bare = i[1 : len(i)-1]
	}
	if isNumber(string(bare)) {
		return []byte(i), nil
	}
	return json.Marshal(string(i))
}

// UnmarshalJSON implements json.Unmarshaler.
func (i *id) UnmarshalJSON(text []byte) error {
	if len(text) == 0 || text[0] != '"' {
		*i = id(text)
		if string(text) == "null" {
			*i = ""
		}
		return nil
	}
	var s string
	if err := json.Unmarshal(text, &s); err != nil {
		return err
	}
	if isNumber(s) {
		s = string(text)
	}
	*i = id(s)
	return nil
}

// isNumber says whether s is a number as JSON writes them.
func isNumber(s string) bool {
	return s != "" && (s[0] == '-' || s[0] >= '0' && s[0] <= '9') && json.Valid([]byte(s)) && s[len(s)-1] > ' '
}

// number is a float64 that may be none: JSON has no word for that.
type number float64

// MarshalJSON implements json.Marshaler.
func (n number) MarshalJSON() ([]byte, error) {
	f := float64(n)
	if math.IsNaN(f) || math.IsInf(f, 0) {
		return strconv.AppendQuote(nil, strconv.FormatFloat(f, 'g', -1, 64)), nil
	}
	return json.Marshal(f)
}

// UnmarshalJSON implements json.Unmarshaler.
func (n *number) UnmarshalJSON(text []byte) error {
	var s string
	if len(text) > 0 && text[0] == '"' && json.Unmarshal(text, &s) == nil {
		if f, err := strconv.ParseFloat(s, 64); err == nil && (math.IsNaN(f) || math.IsInf(f, 0)) {
			*n = number(f)
			return nil
		}
	}
	return json.Unmarshal(text, (*float64)(n))
}

// moment is t as seconds, and as exact nanoseconds, since the origin of logs:
// the start of 1970, so that a recorded log tells the time of day.
func moment(t time.Time) (s float64, ns int64) {
	return float64(t.UnixNano()) / float64(time.Second), t.UnixNano()
}

// instant is the time that moment wrote.
func instant(s float64, ns int64) time.Time {
	if ns == 0 {
		ns = int64(seconds(s))
	}
	return time.Unix(0, ns).UTC()
}

// optional is a moment that may be missing; then it is none.
func optional(s *float64, ns int64, none time.Time) time.Time {
	if s == nil && ns == 0 {
		return none
	}
	if s == nil {
		return instant(0, ns)
	}
	return instant(*s, ns)
}

func seconds(s float64) time.Duration {
	return time.Duration(math.Round(s * float64(time.Second)))
}
