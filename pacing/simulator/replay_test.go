package simulator

import (
	"bytes"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

// recordedDay is a floor of two segments whose answer share changes, with breaks
// and people who come and go; and the day under predictive pacing with cancels.
func recordedDay(t *testing.T, change func(*Scenario)) (*Scenario, Run, []byte) {
	t.Helper()
	s := steady(14, 0.2, 3)
	s.Segments[0].Outcomes = append(s.Segments[0].Outcomes, Outcomes{At: 5400, Human: 0.35, Machine: 0.3, Busy: 0.05})
	s.Segments = append(s.Segments, Segment{Name: "other", Outcomes: []Outcomes{{Human: 0.12, Machine: 0.5}}, Talk: Distribution{Type: "exp", Mean: 60}})
	s.Mix = []MixStep{{Weights: []float64{2, 1}}}
	s.Agents.Schedule = []Staff{{0, 14}, {4000, 20}, {8000, 12}}
	s.Agents.LoginRamp, s.Agents.PauseProb = 300, 0.03
	s.Events = []Incident{{At: 2500, Type: AgentsBreak, Fraction: 0.4, Lasts: 600}}
	if change != nil {
		change(s)
	}
	s.setDefaults()
	var log []byte
	sim, err := New(s, withCancel, 21)
	if err != nil {
		t.Fatal(err)
	}
	sim.controller = eventlog.Record(withCancel.settings(s), sim.moment(0), pacing.New, func(l eventlog.Line) { log = eventlog.Append(log, l) })
	sim.Advance(sim.end)
	return s, sim.Result(), log
}

func readTrace(t *testing.T, log []byte) *Trace {
	t.Helper()
	trace, err := ReadTrace(eventlog.NewReader(bytes.NewReader(log)).All())
	if err != nil {
		t.Fatal(err)
	}
	return trace
}

// replays is the mean of several replays.
func replays(t *testing.T, trace *Trace, change Change) Mean {
	t.Helper()
	var runs []Run
	for seed := range uint64(4) {
		sim, err := trace.Replay(change, seed)
		if err != nil {
			t.Fatal(err)
		}
		sim.Advance(sim.end)
		runs = append(runs, sim.Result())
	}
	return NewReport(&Scenario{}, Policy{}, runs).Mean
}

// What a log says of its day is what the day was.
func TestTraceCountsTheDay(t *testing.T) {
	t.Parallel()
	_, want, log := recordedDay(t, nil)
	got := readTrace(t, log).Recorded
	if got.Dials != want.Dials || got.Live != want.Live || got.Connected != want.Connected || got.Abandoned != want.Abandoned || got.Cancelled != want.Cancelled {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
	if math.Abs(got.Utilisation-want.Utilisation) > 1e-3 || math.Abs(got.Abandonment-want.Abandonment) > 1e-9 || math.Abs(got.WaitMean-want.WaitMean) > 0.05 {
		t.Errorf("got %+v\nwant %+v", got, want)
	}
}

// Simulated under its own settings, a recorded day comes out about as it was;
// under others, about as those would have made it.
func TestReplay(t *testing.T) {
	t.Parallel()
	s, recorded, log := recordedDay(t, nil)
	trace := readTrace(t, log)
	same := replays(t, trace, AsRecorded)
	const chance = 0.03 // such days have a standard deviation of 0.0064, and replays are 0.006 busier
	if math.Abs(same.Utilisation-recorded.Utilisation) > chance || math.Abs(same.Abandonment-recorded.Abandonment) > 0.01 ||
		math.Abs(same.DialsPerConnect/recorded.DialsPerConnect-1) > 0.1 {
		t.Errorf("as recorded: %+v\nthe day: %+v", same, recorded)
	}
	for _, row := range []struct {
		name   string
		policy Policy
		change Change
	}{
		{"progressive", progressive, func(s pacing.Settings) pacing.Settings { s.Mode = pacing.Progressive; return s }},
		{"without cancel", predictive, func(s pacing.Settings) pacing.Settings { s.Cancel = false; return s }},
		{"ratio 2", ratioTwo, func(s pacing.Settings) pacing.Settings { s.Mode, s.Ratio = pacing.Ratio, 2; return s }},
	} {
		var runs []Run
		for seed := range uint64(4) {
			r, _, _ := run(t, s, row.policy, 21+seed)
			runs = append(runs, r)
		}
		want := NewReport(s, row.policy, runs).Mean
		got := replays(t, trace, row.change)
		if math.Abs(got.Utilisation-want.Utilisation) > 0.03 || math.Abs(got.Abandonment-want.Abandonment) > 0.012 {
			t.Errorf("%s: utilisation %.3f and abandonment %.4f, in truth %.3f and %.4f", row.name, got.Utilisation, got.Abandonment, want.Utilisation, want.Abandonment)
		}
	}
}

// Operators are away in a replay as long as they were.
func TestReplayKeepsTheStaff(t *testing.T) {
	t.Parallel()
	s, _, log := recordedDay(t, nil)
	sim, err := readTrace(t, log).Replay(AsRecorded, 3)
	if err != nil {
		t.Fatal(err)
	}
	original, err := New(s, withCancel, 21)
	if err != nil {
		t.Fatal(err)
	}
	here := func(s *Simulation) int {
		n := 0
		for _, o := range s.operators {
			if o.state != pacing.Off && o.state != pacing.Away {
				n++
			}
		}
		return n
	}
	apart, n := 0, 0
	for at := 10 * time.Minute; at < original.end; at += time.Minute {
		original.Advance(at)
		sim.Advance(at)
		n++
		most := 4
		if since := at.Seconds() - 8000; since >= 0 && since < 300 {
			most = 8 // so many leave then, each after their talk, and no two talks end alike
		}
		if d := here(sim) - here(original); d < -most || d > most {
			t.Errorf("%v: %d at work, recorded %d", at, here(sim), here(original))
		} else if d != 0 {
			apart += max(d, -d)
		}
	}
	if float64(apart)/float64(n) > 1 {
		t.Errorf("%.1f operators apart on average", float64(apart)/float64(n))
	}
}

// A day that was short of channels is short of them again.
func TestReplayKeepsTheTrunk(t *testing.T) {
	t.Parallel()
	_, recorded, log := recordedDay(t, func(s *Scenario) { s.Trunks.Channels = 24 })
	trace := readTrace(t, log)
	if trace.trunks.Channels != 24 {
		t.Errorf("%d channels, want 24", trace.trunks.Channels)
	}
	if same := replays(t, trace, AsRecorded); math.Abs(same.Utilisation-recorded.Utilisation) > 0.03 {
		t.Errorf("utilisation %.3f, recorded %.3f", same.Utilisation, recorded.Utilisation)
	}
}

// Nothing is dialled where there was nothing to dial.
func TestReplayWithoutLeads(t *testing.T) {
	t.Parallel()
	_, _, log := recordedDay(t, nil)
	trace := readTrace(t, log)
	trace.shut = []absence{{from: 30 * time.Minute, to: time.Hour}}
	sim, err := trace.Replay(AsRecorded, 1)
	if err != nil {
		t.Fatal(err)
	}
	sim.Advance(sim.end)
	for i, m := range sim.Course() {
		if i >= 30 && i < 60 && m.Dials > 0 {
			t.Errorf("%d dials in minute %d", m.Dials, i)
		}
	}
}

// A call that was given up goes on, in a replay, like another that lasted longer.
func TestGuess(t *testing.T) {
	second := time.Second
	tr := Trace{fates: []fate{
		{at: 0, segment: 0, settled: 10 * second, how: personAnswers, picked: 9 * second, rings: second},
		{at: 1, segment: 0, settled: 16 * second, how: unknown, rings: 2 * second},
		{at: 2, segment: 1, settled: 40 * second, how: machineAnswers, picked: 30 * second},
		{at: 3, segment: 0, settled: 20 * second, how: machineAnswers, picked: 18 * second, rings: second},
		{at: 4, segment: 1, settled: 41 * second, how: unknown, rings: -1},
	}}
	tr.guess()
	if f := tr.fates[1]; f.how != machineAnswers || f.settled != 20*second || f.picked != 18*second || f.rings != 2*second {
		t.Errorf("got %+v", f)
	}
	if f := tr.fates[4]; f.how != nobodyAnswers || f.cause != pacing.CauseNoAnswer || f.settled != 41*second {
		t.Errorf("got %+v", f)
	}
}

// Logs that hold no day are refused.
func TestReadTraceRefuses(t *testing.T) {
	for _, row := range []struct{ log, want string }{
		{"", "no init line"},
		{`{"type":"decide","t":1}`, "no init line"},
		{`{"type":"init","t":0,"limit":0.03}` + "\n" + `{"type":"decide","t":1,"events":[{"type":"dialed","call":1}]}`, "nobody was connected"},
		{`{"type":"init","t":0}` + "\n" + `{"type":"decide","t":"x"}`, "line 2"},
	} {
		if _, err := ReadTrace(eventlog.NewReader(strings.NewReader(row.log)).All()); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s: %v, want %s", row.log, err, row.want)
		}
	}
}
