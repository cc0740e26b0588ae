package main

import (
	"bufio"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/outpace-dialer/outpace/pacing"
)

// newPaceCommand returns `outpace pace`: the pacing controller over standard
// input and output, one JSON object a line, to replay a recorded event log
// against other settings or to measure the controller from outside.
func newPaceCommand() *cobra.Command {
	return &cobra.Command{
		Use:   "pace",
		Short: "Run the pacing controller over standard input and output",
		Long: `Run the pacing controller over standard input and output, one JSON object a line.

The first line sets the limits, each later one says what happened and asks:
  {"type":"init","t":0,"limit":0.03,"connect_s":2,"clock":"detect","ring_timeout_s":25,"segments":["main"]}
  {"type":"decide","t":12.5,"events":[{"type":"operator","id":3,"state":"ready"}],"room":-1,"segment":"main"}
The answer to each decide names the calls to place and to cancel, and why:
  {"dial":1,"cancel":[],"bound":"free","why":"..."}
Times are seconds. Unknown events and fields are ignored.`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return pace(cmd.InOrStdin(), cmd.OutOrStdout())
		},
	}
}

// paceLine is a line of input: init or decide.
type paceLine struct {
	Type string  `json:"type"`
	T    float64 `json:"t"`

	// init
	Mode         pacing.Mode  `json:"mode"` // default predictive
	Ratio        float64      `json:"ratio"`
	MinRatio     float64      `json:"min_ratio"`
	MaxRatio     float64      `json:"max_ratio"`
	Limit        float64      `json:"limit"`
	Connect      float64      `json:"connect_s"`
	Clock        pacing.Clock `json:"clock"`
	DetectorLoss float64      `json:"detector_human_loss"`
	Target       float64      `json:"target_utilisation"`
	Channels     int          `json:"channels"`
	CPS          float64      `json:"cps"`
	RingTimeout  float64      `json:"ring_timeout_s"`
	RingMin      float64      `json:"ring_min_s"`
	Cancel       bool         `json:"cancel"`
	Window       float64      `json:"window_s"`

	// decide
	Events  []paceEvent `json:"events"`
	Room    *int        `json:"room"` // missing or -1: no cap
	Segment string      `json:"segment"`
}

// paceEvent is one thing that happened. Identifiers are numbers or strings.
type paceEvent struct {
	Type           string          `json:"type"`
	ID             json.RawMessage `json:"id"`
	State          string          `json:"state"`
	PauseRequested bool            `json:"pause_requested"`
	Call           json.RawMessage `json:"call"`
	Segment        string          `json:"segment"`
	Score          float64         `json:"score"`
	Since          *float64        `json:"since"`
	Cause          pacing.Cause    `json:"cause"`
	Operator       json.RawMessage `json:"operator"`
	Late           bool            `json:"late"`
}

// paceAnswer is a line of output.
type paceAnswer struct {
	Dial              int               `json:"dial"`
	Cancel            []json.RawMessage `json:"cancel"`
	Bound             pacing.Bound      `json:"bound"`
	Why               string            `json:"why"`
	AnswerProbability float64           `json:"answer_probability"`
	AbandonChance     float64           `json:"abandon_chance"`
	Threshold         float64           `json:"threshold"`
}

// pace answers every decide of in on out until in ends.
func pace(in io.Reader, out io.Writer) error {
	lines := bufio.NewReaderSize(in, 1<<16)
	w := bufio.NewWriterSize(out, 1<<16)
	answers := json.NewEncoder(w)
	var p pacer
	for n := 1; ; n++ {
		text, err := lines.ReadBytes('\n')
		if len(strings.TrimSpace(string(text))) > 0 {
			a, err := p.line(text)
			if err != nil {
				return fmt.Errorf("line %d: %w", n, err)
			}
			if a != nil {
				if err := errors.Join(answers.Encode(a), w.Flush()); err != nil {
					return fmt.Errorf("write answer: %w", err)
				}
			}
		}
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("read line %d: %w", n, err)
		}
	}
}

// pacer is one session: a controller and what the init line said.
type pacer struct {
	controller pacing.Controller
	bound      pacing.Bound
}

// line reads one line and returns the answer, nil to an init.
func (p *pacer) line(text []byte) (*paceAnswer, error) {
	var l paceLine
	if err := json.Unmarshal(text, &l); err != nil {
		return nil, err
	}
	switch l.Type {
	case "init":
		return nil, p.init(l)
	case "decide":
		if p.controller == nil {
			return nil, errors.New("decide before init")
		}
		return p.decide(l), nil
	}
	return nil, nil // a kind of line that a newer log has
}

func (p *pacer) init(l paceLine) error {
	s := pacing.Settings{
		Mode: l.Mode, Ratio: l.Ratio, MinRatio: l.MinRatio, MaxRatio: l.MaxRatio,
		Limit: l.Limit, ConnectWithin: paceSeconds(l.Connect), Clock: l.Clock,
		DetectorLoss: l.DetectorLoss, TargetUtilisation: l.Target,
		RingTimeout: paceSeconds(l.RingTimeout), RingMin: paceSeconds(l.RingMin), Cancel: l.Cancel,
	}
	if s.Mode == "" {
		s.Mode = pacing.Predictive
	}
	if l.Window > 0 {
		s.WindowEnd = paceTime(l.Window)
	}
	if err := s.Validate(); err != nil {
		return fmt.Errorf("init: %w", err)
	}
	p.bound = pacing.BoundLeads
	if l.Channels > 0 {
		p.bound = pacing.BoundChannels
	}
	if l.CPS > 0 { // the tokens run out long before the channels
		p.bound = pacing.BoundCPS
	}
	p.controller = pacing.New(s, paceTime(l.T))
	return nil
}

func (p *pacer) decide(l paceLine) *paceAnswer {
	now := paceTime(l.T)
	for _, e := range l.Events {
		if ev := e.event(now); ev != nil {
			p.controller.Observe(now, ev)
		}
	}
	v := pacing.View{Room: -1, Records: []pacing.Record{{Segment: l.Segment}}, Bound: p.bound}
	if l.Room != nil {
		v.Room = *l.Room
	}
	d := p.controller.Decide(now, v)
	a := &paceAnswer{
		Dial: d.Dial, Cancel: []json.RawMessage{}, Bound: d.Bound, Why: d.Why(),
		AnswerProbability: d.AnswerProbability, AbandonChance: d.AbandonChance, Threshold: d.Threshold,
	}
	for _, id := range d.Cancel {
		a.Cancel = append(a.Cancel, json.RawMessage(id))
	}
	return a
}

// event translates e, nil where its type is unknown.
func (e paceEvent) event(now time.Time) pacing.Event {
	since := now
	if e.Since != nil {
		since = paceTime(*e.Since)
	}
	// An identifier stays as it was written, quotes and all, so that it goes back
	// as it came.
	call := string(e.Call)
	switch e.Type {
	case "operator":
		switch s := pacing.OperatorState(e.State); s {
		case pacing.Ready, pacing.Talking, pacing.Wrapping, pacing.Away, pacing.Off:
			return pacing.Operator{ID: string(e.ID), State: s, PauseRequested: e.PauseRequested}
		}
	case "dialed":
		return pacing.Dialed{Call: call, Record: pacing.Record{Segment: e.Segment, Score: e.Score}}
	case "ringing":
		return pacing.Ringing{Call: call, Since: since}
	case "answered":
		return pacing.Answered{Call: call, Since: since}
	case "human":
		return pacing.Human{Call: call}
	case "machine":
		return pacing.Machine{Call: call}
	case "ended":
		return pacing.Ended{Call: call, Cause: e.Cause}
	case "connected":
		return pacing.Connected{Call: call, Operator: string(e.Operator), Late: e.Late}
	case "abandoned":
		return pacing.Abandoned{Call: call}
	}
	return nil
}

// paceTime is t seconds after an arbitrary origin.
func paceTime(t float64) time.Time { return time.Unix(0, 0).UTC().Add(paceSeconds(t)) }

func paceSeconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
