package campaigns

import (
	"cmp"
	"errors"
	"fmt"
	"math"
	"time"

	"github.com/expr-lang/expr"
	"github.com/expr-lang/expr/file"
	"github.com/expr-lang/expr/vm"
)

// AllSegment is the name of the segment of a campaign that declares none.
const AllSegment = "all"

// CallbackPriority is the priority of promised calls: they come before every
// other lead. Priority expressions are held below it, within ±MaxPriority.
const (
	CallbackPriority = 1e12
	MaxPriority      = 1e9
)

// SegmentError says what is wrong with an expression of a segment.
type SegmentError struct {
	Segment string // name of the segment; empty: the campaign's own priority
	Part    string // "filter" or "priority"
	Line    int    // from 1; the first where the whole expression is of the wrong type
	Column  int    // from 1
	Message string
}

func (e *SegmentError) Error() string {
	whose := "campaign"
	if e.Segment != "" {
		whose = fmt.Sprintf("segment %q", e.Segment)
	}
	return fmt.Sprintf("%s: %s: line %d, column %d: %s", whose, e.Part, e.Line, e.Column, e.Message)
}

// leadEnv is what filter and priority expressions see of a lead. It holds
// nothing that changes by itself (no clock, no attempts), so that a lead stays
// in its segment until somebody changes the lead or the campaign.
type leadEnv struct {
	ID          int64             `expr:"id"`
	List        string            `expr:"list"`
	ExternalID  string            `expr:"external_id"`
	Name        string            `expr:"name"`
	Note        string            `expr:"note"`
	Stage       string            `expr:"stage"`       // "clean", "acquire", "retain"
	CP          int               `expr:"cp"`          // 0..5
	PI          int               `expr:"pi"`          // 0..5
	Level       int               `expr:"level"`       // 0..5
	Temperature string            `expr:"temperature"` // "hot", "warm", "cold"
	Progress    int               `expr:"progress"`    // percent
	Fields      map[string]string `expr:"fields"`      // fields.city; "" where it is missing
	Numbers     int               `expr:"numbers"`     // how many numbers may be dialled
	Kind        string            `expr:"kind"`        // of the first number that may be dialled
	Zones       []string          `expr:"zones"`       // of that number
	Regions     []string          `expr:"regions"`     // of that number
	CreatedAt   time.Time         `expr:"created_at"`  // UTC; compare with date("2026-05-01")
	Chance      float64           `expr:"chance"`      // that a talk comes to its goal; see DefaultPriority
	Worth       float64           `expr:"worth"`       // of the goal, in units of money
	Seconds     float64           `expr:"seconds"`     // of an operator that a talk takes
}

func newLeadEnv(l Lead) leadEnv {
	env := leadEnv{
		ID: int64(l.ID), List: string(l.List), ExternalID: l.ExternalID, Name: l.Name, Note: l.Note,
		Stage: string(l.Grades.Stage), CP: l.Grades.CP, PI: l.Grades.PI, Level: l.Grades.Level,
		Temperature: string(l.Grades.Temperature), Progress: l.Grades.Progress,
		Fields: l.Fields, CreatedAt: l.CreatedAt.UTC(), Chance: l.chance(), Worth: l.worth(), Seconds: l.seconds(),
	}
	for _, n := range l.Numbers {
		if n.Dialable() {
			env.Numbers++
		}
	}
	if n, ok := l.NumberToDial(""); ok {
		env.Kind, env.Zones, env.Regions = string(n.Kind), n.Zones, n.Regions
	}
	return env
}

// Matcher places leads in the segments of one campaign. It is safe for
// concurrent use.
type Matcher struct {
	segments []compiledSegment
}

type compiledSegment struct {
	name     string
	filter   *vm.Program // nil matches all
	priority *vm.Program
}

// Matcher compiles filters and priorities; the order is the order of match. No
// segments mean one that matches all, named AllSegment. A segment without a
// priority has that of the campaign, and one without that has DefaultPriority. The
// error is a *SegmentError.
//
// Expressions are those of expr-lang over: id, list, external_id, name, note,
// stage, cp, pi, level, temperature, progress, fields, numbers, kind, zones,
// regions, created_at, and chance, worth, seconds of DefaultPriority;
// number(fields.income, 1000) is the number in a field, or 1000 where there is
// none. The function now() is not there: a place that changed with the clock would
// be out of date as soon as it was written.
func (c Campaign) Matcher() (*Matcher, error) {
	own, err := compilePart("", "priority", cmp.Or(c.Priority, DefaultPriority), expr.AsFloat64())
	if err != nil {
		return nil, err
	}
	if len(c.Segments) == 0 {
		return &Matcher{segments: []compiledSegment{{name: AllSegment, priority: own}}}, nil
	}
	m := &Matcher{}
	for _, s := range c.Segments {
		filter, err := compilePart(s.Name, "filter", s.Filter, expr.AsBool())
		if err != nil {
			return nil, err
		}
		priority, err := compilePart(s.Name, "priority", s.Priority, expr.AsFloat64())
		if err != nil {
			return nil, err
		}
		m.segments = append(m.segments, compiledSegment{s.Name, filter, cmp.Or(priority, own)})
	}
	return m, nil
}

func compilePart(segment, part, code string, kind expr.Option) (*vm.Program, error) {
	if code == "" {
		return nil, nil
	}
	program, err := expr.Compile(code, expr.Env(leadEnv{}), kind, numberFunction, expr.DisableBuiltin("now"))
	if err == nil {
		return program, nil
	}
	se := &SegmentError{Segment: segment, Part: part, Line: 1, Column: 1, Message: err.Error()}
	if fe, ok := errors.AsType[*file.Error](err); ok {
		se.Line, se.Column, se.Message = fe.Line, fe.Column+1, fe.Message // expr counts columns from 0
	}
	return nil, se
}

// Place returns the first segment that matches l and the priority of l in it,
// within ±MaxPriority. A filter that fails on l (a conversion of a field that
// is no number, say) does not match; a priority that fails, or is not a number,
// is 0.
func (m *Matcher) Place(l Lead) (segment string, priority float64, ok bool) {
	env := newLeadEnv(l)
	for _, s := range m.segments {
		if !s.matches(env) {
			continue
		}
		return s.name, s.rank(env), true
	}
	return "", 0, false
}

func (s compiledSegment) matches(env leadEnv) bool {
	if s.filter == nil {
		return true
	}
	out, err := expr.Run(s.filter, env)
	match, isBool := out.(bool)
	return err == nil && isBool && match
}

func (s compiledSegment) rank(env leadEnv) float64 {
	out, err := expr.Run(s.priority, env)
	p, isNumber := out.(float64)
	if err != nil || !isNumber || math.IsNaN(p) {
		return 0
	}
	return min(max(p, -MaxPriority), MaxPriority)
}
