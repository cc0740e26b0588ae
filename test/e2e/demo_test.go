package e2e

import (
	"bytes"
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// demoResult is what the demo prints last.
type demoResult struct {
	Attempts    int            `json:"attempts"`
	Outcomes    map[string]int `json:"outcomes"`
	Open        *int           `json:"attempts_without_outcome"`
	Live        int            `json:"answered_live"`
	Bridged     int            `json:"bridged"`
	Abandoned   int            `json:"abandoned"`
	Abandonment float64        `json:"abandonment"`
	Utilisation float64        `json:"utilisation"`
	Lost        struct {
		Max       int     `json:"max"`
		Total     int     `json:"total"`
		AtMostOne float64 `json:"at_most_one"`
	} `json:"packets_lost_at_bridge"`
	Delay struct {
		P50 float64 `json:"p50"`
		P99 float64 `json:"p99"`
	} `json:"verdict_to_audio_ms"`
	TwoWay float64 `json:"two_way_audio"`
	Early  *int    `json:"leads_dialled_early"`
	Faults *int    `json:"protocol_faults"`

	Callers demoCallers `json:"callers"`
}

// demoTime is how long the demo dials here. It is shorter than every retry gap,
// so that a number that is called twice was called early.
const demoTime = 25 * time.Second

// TestDemoFigures runs the demo and works every figure of its result out again
// from the far ends' journal alone. It counts single packets at the moment of a bridge,
// so nothing else runs beside it.
func TestDemoFigures(t *testing.T) {
	data := t.TempDir()
	result, events := runDemo(t, data)
	calls := stories(events)
	t.Run("replay", func(t *testing.T) { checkReplay(t, data) })
	t.Run("promises", func(t *testing.T) { checkPromises(t, result) })
	t.Run("outcomes", func(t *testing.T) { checkOutcomes(t, result, calls) })
	t.Run("abandonment", func(t *testing.T) { checkAbandonment(t, result, calls) })
	t.Run("audio", func(t *testing.T) { checkAudio(t, result, calls) })
	t.Run("wire", func(t *testing.T) { checkWire(t, result, events, calls) })
	t.Run("callers", func(t *testing.T) { checkCallers(t, result, events) })
	// The journal does not say when the demo's time was over: that is its length
	// after the first event, give or take the start of a busy machine.
	if got := utilisation(events, events[0].T.Add(demoTime)); math.Abs(got-result.Utilisation) > 0.05 {
		t.Errorf("utilisation %.3f by the journal, the result says %.3f", got, result.Utilisation)
	}
}

// TestDemoModes runs two products side by side: each has its own calls, and
// neither abandons more than the law allows.
func TestDemoModes(t *testing.T) {
	t.Parallel()
	var result struct {
		Modes []struct {
			Mode string `json:"mode"`
			demoResult
		} `json:"modes"`
	}
	dir := t.TempDir()
	playDemo(t, &result, 12*time.Second, "--operators", "6", "--mode", "progressive,ratio=2", "--carrier-log", filepath.Join(dir, "carrier.ndjson"))
	if len(result.Modes) != 2 || result.Modes[0].Mode != "progressive" || result.Modes[1].Mode != "ratio=2" {
		t.Fatalf("modes: %+v, want progressive and ratio=2", result.Modes)
	}
	for _, m := range result.Modes {
		if m.Attempts == 0 || m.Open == nil || *m.Open != 0 || m.Faults == nil || *m.Faults != 0 {
			t.Errorf("%s: want calls, each with an outcome, without a fault: %+v", m.Mode, m)
		}
		calls := stories(readJournal(t, filepath.Join(dir, "carrier."+m.Mode+".ndjson")))
		if len(calls) != m.Attempts {
			t.Errorf("%s: %d attempts, the journal has %d", m.Mode, m.Attempts, len(calls))
		}
		if late := countLate(calls); float64(m.Abandoned-late) > math.Floor(0.03*float64(m.Live)) {
			t.Errorf("%s: %d abandoned by the pace of %d live answers: more than 3 %%", m.Mode, m.Abandoned-late, m.Live)
		}
	}
}

func countLate(calls map[string]*story) int {
	n := 0
	for _, s := range calls {
		if s.late {
			n++
		}
	}
	return n
}

func runDemo(t *testing.T, data string) (demoResult, []carrier.Event) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "carrier.ndjson")
	var result demoResult
	playDemo(t, &result, demoTime, "--operators", "20", "--callbacks", "0.5", "--callback-after", "10s", "--carrier-log", file, "--data", data)
	return result, readJournal(t, file)
}

// playDemo runs the demo and reads the last line of its output.
func playDemo(t *testing.T, result any, duration time.Duration, args ...string) {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), duration+90*time.Second)
	defer cancel()
	args = append([]string{"demo", "--duration", duration.String(), "--no-browser", "--seed", "7", "--speed", "10", "--json"}, args...)
	cmd := exec.CommandContext(ctx, testbed.Program, args...)
	var out, errors bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errors
	if err := cmd.Run(); err != nil {
		t.Fatalf("demo: %v\n%s", err, errors.String())
	}
	lines := bytes.Split(bytes.TrimSpace(out.Bytes()), []byte("\n"))
	if err := json.Unmarshal(lines[len(lines)-1], result); err != nil {
		t.Fatalf("last line of the demo: %v\n%s", err, out.String())
	}
	t.Logf("result: %s", lines[len(lines)-1])
}

func readJournal(t *testing.T, file string) []carrier.Event {
	t.Helper()
	log, err := os.Open(file)
	must(t, err)
	defer log.Close()
	events, err := carrier.ReadLog(log)
	must(t, err)
	if len(events) == 0 {
		t.Fatal("the far ends wrote nothing down")
	}
	return events
}

// checkPromises holds the result to what the demo is to show.
func checkPromises(t *testing.T, r demoResult) {
	for name, n := range map[string]*int{"attempts_without_outcome": r.Open, "leads_dialled_early": r.Early, "protocol_faults": r.Faults} {
		if n == nil || *n != 0 {
			t.Errorf("%s is not 0: %+v", name, r)
		}
	}
	if r.Bridged < 10 {
		t.Errorf("%d talks in %v, want 10 at least", r.Bridged, demoTime)
	}
	if r.TwoWay < 0.999 {
		t.Errorf("two-way audio in %v of the talks, want 0.999", r.TwoWay)
	}
	if r.Lost.AtMostOne < 0.99 {
		t.Errorf("at most one packet lost in %v of the bridges, want 0.99", r.Lost.AtMostOne)
	}
}

// checkOutcomes compares the outcomes with how the calls ended on the wire. What
// a call with a tri-tone came to depends on who was faster, the detector or the
// carrier's 404.
func checkOutcomes(t *testing.T, r demoResult, calls map[string]*story) {
	codes, talks, tritones, total := map[int]int{}, 0, 0, 0
	for _, s := range calls {
		switch {
		case carrier.Kind(s.kind) == carrier.SIT:
			tritones++
		case !s.answered && !s.late:
			codes[s.code]++
		}
		if s.talking && !s.saidMachine {
			talks++
		}
	}
	for outcome, n := range r.Outcomes {
		if outcome != "not_placed" {
			total += n
		}
	}
	exact := func(name string, got, want int) {
		t.Helper()
		if got != want {
			t.Errorf("%s: the result says %d, the journal %d", name, got, want)
		}
	}
	exact("attempts", r.Attempts, len(calls))
	exact("sum of the outcomes", total, len(calls))
	exact("bridged", r.Bridged, talks)
	exact("connected", r.Outcomes["connected"], talks)
	exact("busy", r.Outcomes["busy"], codes[486])
	exact("declined", r.Outcomes["declined"], codes[603])
	exact("congestion", r.Outcomes["congestion"], codes[503])
	exact("given up while ringing", r.Outcomes["cancelled"]+r.Outcomes["no_answer"], codes[487])
	exact("invalid or announced", r.Outcomes["invalid_number"]+r.Outcomes["announcement"], codes[404]+tritones)
}

// connectWithin is how soon after the greeting an operator must be there (16
// CFR 310.4(b)(4)(iii)).
const connectWithin = 2 * time.Second

// checkAbandonment counts the people who answered and got no operator: those
// who came after our CANCEL, those who heard the message, and perhaps those who
// left by themselves without having heard it, about when the time was over.
func checkAbandonment(t *testing.T, r demoResult, calls map[string]*story) {
	late, told, perhaps, talks := 0, 0, 0, 0
	for _, s := range calls {
		switch {
		case s.late:
			late++
		case s.talking && !s.saidMachine:
			talks++
		case !s.isPerson() || !s.answered:
		case s.voice:
			told++
		case s.endedBy == "carrier" && s.ended.Sub(s.greetingEnd) > connectWithin-500*time.Millisecond:
			perhaps++
		}
	}
	if r.Abandoned < late+told || r.Abandoned > late+told+perhaps {
		t.Errorf("abandoned: the result says %d, the journal %d late answers, %d who heard the message, %d who may have left after the time", r.Abandoned, late, told, perhaps)
	}
	if want := talks + r.Abandoned; r.Live != want {
		t.Errorf("answered live: the result says %d, the journal %d talks and %d abandoned", r.Live, talks, r.Abandoned)
	}
	if r.Live > 0 && math.Abs(r.Abandonment-float64(r.Abandoned)/float64(r.Live)) > 1e-9 {
		t.Errorf("abandonment %v of %d live and %d abandoned", r.Abandonment, r.Live, r.Abandoned)
	}
	// At most 3 % of the live answers (16 CFR 310.4(b)(4)(i)), measured over the
	// campaign's days. In 25 s a pace that keeps to it may lose a call more and pay it
	// back later, and chance does the rest: held against the most that so many answers
	// lose once in a thousand runs. An answer that crosses our CANCEL counts in the
	// figure; the demo's carrier has lines that answer then and only then, which in so
	// short a run no pace can make up for, so they are left out here.
	if paced, most := r.Abandoned-late, mostByChance(r.Live, 0.03); paced > most {
		t.Errorf("%d abandoned by the pace of %d live answers: more than the %d that 3 %% may come to by chance", paced, r.Live, most)
	}
}

// mostByChance is the number that n events of this chance each exceed less than
// once in a thousand times (binomial).
func mostByChance(n int, p float64) int {
	one := math.Pow(1-p, float64(n)) // the chance of none, then of k
	sum := one
	for k := 0; ; k++ {
		if 1-sum < 0.001 {
			return k
		}
		one *= float64(n-k) / float64(k+1) * p / (1 - p)
		sum += one
	}
}

// checkAudio compares what the far ends heard. Percentiles may differ by a rank.
func checkAudio(t *testing.T, r demoResult, calls map[string]*story) {
	talks, persons, both, most, total, few := 0, 0, 0, 0, 0, 0
	for id, s := range calls {
		if !s.talking {
			continue
		}
		talks++
		switch { // a machine that was put through cannot say what it heard
		case s.kind != string(carrier.Person):
		case s.twoWay():
			persons, both = persons+1, both+1
		default:
			persons++
			t.Logf("one-way talk %s: %+v", id, *s)
		}
		n := s.lost()
		total, most = total+n, max(most, n)
		if n <= 1 {
			few++
		}
	}
	if persons == 0 {
		t.Fatal("no talks with persons")
	}
	if got := float64(both) / float64(persons); math.Abs(got-r.TwoWay) > 1e-9 {
		t.Errorf("two-way audio: the result says %v, the journal %v", r.TwoWay, got)
	}
	if r.Lost.Total != total || r.Lost.Max != most || math.Abs(r.Lost.AtMostOne-float64(few)/float64(talks)) > 1e-9 {
		t.Errorf("lost at the bridge: the result says %+v, the journal total %d, max %d, %d of %d with one at most", r.Lost, total, most, few, talks)
	}
	delays := sortedDelays(calls)
	for _, p := range []struct{ share, got float64 }{{0.5, r.Delay.P50}, {0.99, r.Delay.P99}} {
		got := time.Duration(p.got * float64(time.Millisecond))
		low, high := ranks(delays, p.share)
		if got < low-time.Microsecond || got > high+time.Microsecond {
			t.Errorf("verdict to audio, percentile %v: the result says %v, the journal %v to %v", p.share, got, low, high)
		}
	}
}

// ringLeast is how long a call must ring before we may give it up (16 CFR
// 310.4(b)(4)(ii)).
const ringLeast = 15 * time.Second

// checkWire looks at each call by itself.
func checkWire(t *testing.T, r demoResult, events []carrier.Event, calls map[string]*story) {
	faults := 0
	for _, e := range events {
		if e.Event == "fault" {
			faults++
			t.Errorf("breach of protocol: %s: %s (call %s, user %s)", e.What, e.Detail, e.Call, e.User)
		}
	}
	if r.Faults != nil && *r.Faults != faults {
		t.Errorf("protocol faults: the result says %d, the journal %d", *r.Faults, faults)
	}
	called := map[string]string{}
	for id, s := range calls {
		if s.invites != 1 {
			t.Errorf("call %s: %d INVITEs", id, s.invites)
		}
		if s.ended.IsZero() {
			t.Errorf("call %s has no end", id)
		}
		if before, twice := called[s.number]; twice {
			t.Errorf("%s was called early: calls %s and %s", s.number, before, id)
		}
		called[s.number] = id
		network := carrier.Kind(s.kind) == carrier.SIT || carrier.Kind(s.kind) == carrier.Announcement
		if rang := s.cancelled.Sub(s.ringing); !s.cancelled.IsZero() && !network && rang < ringLeast-50*time.Millisecond {
			t.Errorf("call %s was given up after %v of ringing", id, rang)
		}
	}
}
