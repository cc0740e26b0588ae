package main

import (
	"encoding/json"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
)

const paceInit = `{"type":"init","t":0,"limit":0.03,"connect_s":2,"clock":"detect","channels":0,"cps":0,"ring_timeout_s":25,"ring_min_s":15,"cancel":true,"window_s":18000,"segments":["main"]}`

// paceAnswers runs pace over lines and returns its answers.
func paceAnswers(t *testing.T, lines ...string) []eventlog.Answer {
	t.Helper()
	var out strings.Builder
	if err := pace(strings.NewReader(strings.Join(lines, "\n")), &out); err != nil {
		t.Fatal(err)
	}
	var answers []eventlog.Answer
	for line := range strings.Lines(out.String()) {
		var a eventlog.Answer
		if err := json.Unmarshal([]byte(line), &a); err != nil {
			t.Fatalf("answer %q: %v", line, err)
		}
		answers = append(answers, a)
	}
	return answers
}

func TestPaceAnswersEveryDecide(t *testing.T) {
	got := paceAnswers(t, paceInit,
		`{"type":"decide","t":0,"events":[],"room":-1,"segment":"main"}`,
		`{"type":"decide","t":1,"events":[{"type":"operator","id":3,"state":"ready"},{"type":"operator","id":"x","state":"ready"},{"type":"news","call":1}],"room":-1,"segment":"main","more":1}`,
		``,
		`{"type":"decide","t":1,"events":[{"type":"dialed","call":1,"segment":"main"},{"type":"dialed","call":2,"segment":"main"}],"room":-1,"segment":"main"}`,
		`{"type":"remark"}`,
		`{"type":"decide","t":2,"events":[{"type":"ended","call":1,"cause":"busy"}],"room":0,"segment":"main"}`,
	)
	want := []int{0, 2, 0, 0}
	if len(got) != len(want) {
		t.Fatalf("%d answers, want %d", len(got), len(want))
	}
	for i, a := range got {
		if a.Dial != want[i] || a.Why == "" || a.Cancel == nil {
			t.Errorf("answer %d = %+v, want dial %d", i, a, want[i])
		}
	}
}

// A cancelled call is named as it was: a number as a number.
func TestPaceCancels(t *testing.T) {
	got := paceAnswers(t, paceInit,
		`{"type":"decide","t":0,"events":[{"type":"operator","id":3,"state":"ready"},{"type":"dialed","call":17,"segment":"main"},{"type":"dialed","call":"b","segment":"main"}],"room":-1,"segment":"main"}`,
		`{"type":"decide","t":2,"events":[{"type":"operator","id":3,"state":"talking"},{"type":"ringing","call":17,"since":1},{"type":"ringing","call":"b","since":1.5}],"room":-1,"segment":"main"}`,
		`{"type":"decide","t":15.9,"events":[],"room":-1,"segment":"main"}`,
		`{"type":"decide","t":16.5,"events":[],"room":-1,"segment":"main"}`,
	)
	if n := len(got[2].Cancel); n != 0 {
		t.Errorf("after 14.9 s of ringing: %d cancelled", n)
	}
	if got, _ := json.Marshal(got[3].Cancel); string(got) != `[17,"b"]` {
		t.Errorf("cancelled %s, want [17,\"b\"]", got)
	}
}

func TestPaceRefusesNonsense(t *testing.T) {
	for _, lines := range []string{
		`{"type":"decide","t":0}`,
		`not JSON`,
		`{"type":"init","limit":0.5}`,
		`{"type":"init","mode":"guess"}`,
		paceInit + "\n" + `{"type":"decide","t":"x"}`,
	} {
		var out strings.Builder
		if err := pace(strings.NewReader(lines), &out); err == nil {
			t.Errorf("%s: no error, answered %q", lines, out.String())
		}
	}
}

// A recorded log comes out again; one that says otherwise does not pass.
func TestPaceCheck(t *testing.T) {
	var log []byte
	now := time.Unix(1764113529, 0)
	r := eventlog.Record(pacing.Settings{Mode: pacing.Progressive}, now, pacing.New, func(l eventlog.Line) { log = eventlog.Append(log, l) })
	r.Observe(now, pacing.Operator{ID: "ann", State: pacing.Ready})
	r.Decide(now, pacing.View{Room: -1})
	check := func(log string) (string, error) {
		name := filepath.Join(t.TempDir(), "day.ndjson")
		if err := os.WriteFile(name, []byte(log), 0o600); err != nil {
			t.Fatal(err)
		}
		var out strings.Builder
		err := checkLog(name, &out, false)
		return out.String(), err
	}
	if out, err := check(string(log)); err != nil || !strings.HasPrefix(out, "1 decisions compared in 1 runs: 0 different") {
		t.Errorf("as recorded: %q, %v", out, err)
	}
	out, err := check(strings.Replace(string(log), `"dial":1`, `"dial":2`, 1))
	if err == nil || !strings.Contains(out, `"recorded":{"dial":2`) {
		t.Errorf("with another answer: %q, %v", out, err)
	}
}
