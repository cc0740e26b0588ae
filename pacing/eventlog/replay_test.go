package eventlog

import (
	"bytes"
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/pacing"
)

// drive lets people work and phones ring for an hour, by chance, under c, and
// returns the decisions. Times carry the steady reading that times of a running
// process have.
func drive(c pacing.Controller, now time.Time, s pacing.Settings) []pacing.Decision {
	rng := rand.New(rand.NewPCG(1, 2))
	var decisions []pacing.Decision
	var ringing []string
	calls := 0
	states := []pacing.OperatorState{pacing.Ready, pacing.Talking, pacing.Wrapping, pacing.Ready, pacing.Away}
	c.Recall(now, pacing.Past{Counts: []pacing.Count{{At: now.Add(-time.Hour), Live: 40, Abandoned: 1}}})
	for range 1500 {
		now = now.Add(time.Duration(rng.IntN(1_800_000_007)))
		if rng.IntN(3) == 0 {
			c.Observe(now, pacing.Operator{ID: fmt.Sprint("o", rng.IntN(12)), State: states[rng.IntN(len(states))], PauseRequested: rng.IntN(9) == 0})
		}
		if len(ringing) > 0 && rng.IntN(2) == 0 {
			i := rng.IntN(len(ringing))
			call := ringing[i]
			switch rng.IntN(6) {
			case 0:
				c.Observe(now, pacing.Ringing{Call: call, Since: now.Add(-time.Duration(rng.IntN(5e8)))})
			case 1:
				c.Observe(now, pacing.Answered{Call: call, Since: now.Add(-3)})
				c.Observe(now.Add(1), pacing.Human{Call: call})
				c.Observe(now.Add(2), pacing.Connected{Call: call, Operator: "o1"})
				ringing = slices.Delete(ringing, i, i+1)
			default:
				c.Observe(now, pacing.Ended{Call: call, Cause: pacing.CauseNoAnswer})
				ringing = slices.Delete(ringing, i, i+1)
			}
		}
		if rng.IntN(400) == 0 {
			s.Limit = 0.01 + 0.02*rng.Float64()
			s.WindowEnd = now.Add(time.Hour)
			c.Adjust(now, s)
		}
		records := []pacing.Record{{Segment: "hot", Score: rng.Float64()}, {Segment: "cold", Attempts: 2}}
		d := c.Decide(now, pacing.View{Room: rng.IntN(20) - 1, Records: records[rng.IntN(2):]})
		decisions = append(decisions, pacing.Decision{Dial: d.Dial, Bound: d.Bound, AbandonChance: d.AbandonChance, Cancel: slices.Clone(d.Cancel)})
		records[0] = pacing.Record{} // the engine's own again
		for range min(d.Dial, 20) {
			calls++
			call := fmt.Sprint("c", calls)
			c.Observe(now, pacing.Dialed{Call: call, Record: pacing.Record{Segment: "hot"}})
			ringing = append(ringing, call)
		}
		if rng.IntN(100) == 0 {
			c.Learnt(now)
			c.Picture(now)
		}
	}
	return decisions
}

var testSettings = pacing.Settings{Mode: pacing.Predictive, Limit: 0.03, Cancel: true, RingMin: 2 * time.Second, Windows: []time.Duration{0, 24 * time.Hour}}

// recordDay returns the lines of a recorded hour and what was decided in it.
func recordDay(now time.Time) (lines []Line, decisions []pacing.Decision) {
	r := Record(testSettings, now, pacing.New, func(l Line) { lines = append(lines, l) })
	decisions = drive(r, now, testSettings)
	return lines, decisions
}

func written(lines []Line) *Reader {
	var log []byte
	for _, l := range lines {
		log = Append(log, l)
	}
	return NewReader(bytes.NewReader(log))
}

// What a recorder writes down gives the same decisions again, to the last bit,
// and who is recorded decides as if nobody were.
func TestReplayIsExact(t *testing.T) {
	now := time.Now()
	lines, recorded := recordDay(now)
	alone := drive(pacing.New(testSettings, now), now, testSettings)
	if diff := cmp.Diff(alone, recorded); diff != "" {
		t.Errorf("decisions (-alone +recorded):\n%s", diff)
	}
	got, err := Replay(written(lines).All(), pacing.New)
	if err != nil {
		t.Fatal(err)
	}
	if want := (Report{Runs: 1, Decisions: len(recorded)}); !cmp.Equal(want, got) {
		t.Errorf("report = %+v, want %+v", got, want)
	}
	dialled, cancelled := 0, 0
	for _, d := range recorded {
		dialled += d.Dial
		cancelled += len(d.Cancel)
	}
	if dialled < 100 || cancelled == 0 {
		t.Errorf("%d calls, %d cancelled: the day is too quiet to show anything", dialled, cancelled)
	}
}

func TestReplayFindsDifferences(t *testing.T) {
	lines, _ := recordDay(time.Now())
	other := slices.Clone(lines)
	changed := *other[700].Answer
	changed.Credit += 1e-12
	other[700].Answer = &changed
	cases := map[string]struct {
		lines []Line
		want  func(Report) bool
	}{
		"one digit of one number": {other, func(r Report) bool {
			return r.Different == 1 && r.Differences[0].Seq == other[700].Seq && r.Gaps == 0
		}},
		"a missing line": {slices.Delete(slices.Clone(lines), 500, 501), func(r Report) bool {
			return r.Different == 0 && r.Gaps == 1 && r.Skipped == len(lines)-501
		}},
		"a start that was deleted": {slices.Concat(lines[1:10], lines), func(r Report) bool {
			return r.Runs == 1 && r.Different == 0 && r.Gaps == 0 && r.Skipped == 9
		}},
		"a second run after a cut one": {slices.Concat(lines[:200], lines), func(r Report) bool {
			return r.Runs == 2 && r.Different == 0 && r.Gaps == 0 && r.Skipped == 0
		}},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			got, err := Replay(written(c.lines).All(), pacing.New)
			if err != nil || !c.want(got) {
				t.Errorf("report = %+v, %v", got, err)
			}
		})
	}
	if _, err := Replay(written(lines[1:]).All(), pacing.New); err == nil || !strings.Contains(err.Error(), "init") {
		t.Errorf("without its start: error = %v, want one about init", err)
	}
}

// A log with other settings is what a what-if replays: a decide without an
// answer is asked and not compared.
func TestReplayCountsUnrecorded(t *testing.T) {
	lines := []Line{
		{Kind: Init, At: at, Settings: testSettings}, {Kind: Decide, At: at, View: pacing.View{Room: -1}},
	}
	got, err := Replay(written(lines).All(), pacing.New)
	if want := (Report{Runs: 1, Unrecorded: 1}); err != nil || !cmp.Equal(want, got) {
		t.Errorf("report = %+v, %v, want %+v", got, err, want)
	}
}

// Times of a running process are told by their steady reading; others stay.
func TestSteadyClock(t *testing.T) {
	now := time.Now()
	var c steadyClock
	if got := c.read(now); got != wall(now) {
		t.Errorf("start = %v, want %v", got, wall(now))
	}
	if got, want := c.at(now.Add(-7)), wall(now).Add(-7); got != want {
		t.Errorf("earlier = %v, want %v", got, want)
	}
	end := now.Add(time.Hour).Round(0)
	if got := c.at(end); !got.Equal(end) {
		t.Errorf("a calendar time = %v, want %v", got, end)
	}
	if got := c.at(time.Time{}); !got.IsZero() {
		t.Errorf("none = %v", got)
	}
	slept := now.Round(0).Add(2 * time.Hour) // the wall clock went on
	if got := c.read(slept); !got.Equal(slept) {
		t.Errorf("after a sleep = %v, want %v", got, slept)
	}
}

func BenchmarkRecorder(b *testing.B) {
	now := time.Now()
	r := Record(testSettings, now, pacing.New, func(Line) {})
	records := []pacing.Record{{Segment: "hot"}}
	for b.Loop() {
		now = now.Add(time.Millisecond)
		r.Observe(now, pacing.Operator{ID: "o1", State: pacing.Talking})
		r.Decide(now, pacing.View{Room: 5, Records: records})
	}
}

func BenchmarkAppend(b *testing.B) {
	lines, _ := recordDay(time.Now())
	var buf []byte
	size, i := 0, 0
	for b.Loop() {
		buf = Append(buf[:0], lines[i%len(lines)])
		size += len(buf)
		i++
	}
	b.ReportMetric(float64(size)/float64(i), "bytes/line")
}
