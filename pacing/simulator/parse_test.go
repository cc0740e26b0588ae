package simulator

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
)

const valid = `{
  "duration_s": 3600,
  "agents": {"schedule": [{"t": 0, "n": 5}]},
  "segments": [
    {"name": "main",
     "outcomes": [{"t": 0, "human": 0.2}]}
  ],
  "talk": {"type": "exp", "mean": 60}
}`

func TestParseFillsDefaults(t *testing.T) {
	s, err := Parse("day.json", []byte(valid))
	if err != nil {
		t.Fatal(err)
	}
	if s.Limit.MaxAbandon != 0.03 || s.Limit.Connect != 2 || s.Call.RingHuman.Hi != 25 || s.Segments[0].Talk.Mean != 60 || len(s.Mix) != 1 {
		t.Errorf("got %+v", s)
	}
}

// Every error names the file, the line and the key.
func TestParseNamesLineAndKey(t *testing.T) {
	for _, row := range []struct{ old, new, want string }{
		{`"duration_s": 3600`, `"duration": 3600`, "day.json:2: duration: unknown key duration"},
		{`"duration_s": 3600`, `"duration_s": "long"`, "day.json:2: duration_s: "},
		{`"duration_s": 3600`, `"duration_s": 0`, "day.json:2: duration_s: 0 is not in"},
		{`"duration_s": 3600`, `"duration_s": .nan`, "day.json:2: duration_s: NaN is not in"},
		{`"duration_s": 3600,`, ``, "duration_s: 0 is not in"},
		{`"n": 5`, `"n": 5, "m": 6`, "day.json:3: agents.schedule[0].m: unknown key m"},
		{`"n": 5`, `"n": -5`, "day.json:3: agents.schedule[0].n: -5 is not in"},
		{`[{"t": 0, "n": 5}]`, `[]`, "day.json:3: agents.schedule: there is no step"},
		{`[{"t": 0, "n": 5}]`, `[{"t": 9, "n": 5}, {"t": 9, "n": 6}]`, "day.json:3: agents.schedule[1].t: 9 is not after"},
		{`"human": 0.2`, `"human": 1.2`, "day.json:6: segments[0].outcomes[0].human: 1.2 is not in [0, 1]"},
		{`"human": 0.2`, `"human": 0.6, "machine": 0.6`, "day.json:6: segments[0].outcomes[0]: the chances add up to 1.200"},
		{`"name": "main"`, `"name": ""`, "day.json:5: segments[0].name: is missing"},
		{`"type": "exp"`, `"type": "guess"`, `day.json:8: talk.type: "guess" is none of`},
		{`"mean": 60`, `"mean": 60, "shift": 70`, "day.json:8: talk.shift: 70 is above mean"},
		{`"mean": 60`, `"mean": 60, "lo": 1`, "day.json:8: talk.lo: only a uniform law"},
		{`"exp", "mean": 60`, `"const", "mean": 60, "hi": 9`, "day.json:8: talk.hi: nothing of the law"},
		{`"exp", "mean": 60`, `"mix", "mix": [{"w": 1, "d": {"mean": -1}}]`, "day.json:8: talk.mix[0].d.mean: -1 is not in"},
		{`"talk":`, `"mix": [{"t": 0, "w": [1, 2]}], "talk":`, "day.json:8: mix[0].w: 2 weights for 1 segments"},
		{`"talk":`, `"limit": {"max_abandon": 0.2}, "talk":`, "day.json:8: limit.max_abandon: 0.2 is not in"},
		{`"talk":`, `"limit": {"clock": "noon"}, "talk":`, `day.json:8: limit.clock: "noon" is neither`},
		{`"talk":`, `"events": [{"t": 1, "type": "fire"}], "talk":`, `day.json:8: events[0].type: "fire" is none of`},
		{`"talk":`, `"events": [{"t": 1, "type": "agents_break"}], "talk":`, "day.json:8: events[0].fraction: 0 is not in"},
		{`"talk":`, `"talk_scale": [{"t": 1, "x": -1}], "talk":`, "day.json:8: talk_scale[0].x: -1 is not in"},
		{`"talk":`, `"trunks": {"cps": -1}, "talk":`, "day.json:8: trunks.cps: -1 is not in"},
		{`"talk":`, `"talk": {"mean": 1}, "talk":`, "day.json:8: "},
		{`}]}`, `}]`, "day.json: "},
		{valid, ``, "day.json:1: the scenario is empty"},
		{valid, `[]`, "day.json:1: "},
	} {
		text := strings.Replace(valid, row.old, row.new, 1)
		if text == valid {
			t.Errorf("%s is not in the scenario", row.old)
		}
		if _, err := Parse("day.json", []byte(text)); err == nil || !strings.Contains(err.Error(), row.want) {
			t.Errorf("%s for %s:\n got %v\nwant %s", row.new, row.old, err, row.want)
		}
	}
}

func TestParseReadsYAML(t *testing.T) {
	s, err := Parse("day.yaml", []byte("duration_s: 60\nagents: {schedule: [{t: 0, n: 2}]}\nsegments:\n- name: a\n  outcomes: [{human: 0.1}]\n"))
	if err != nil || s.Agents.Schedule[0].N != 2 {
		t.Errorf("got %+v, %v", s, err)
	}
}

// The examples that come with the product are scenarios, named as their files, and
// can be simulated.
func TestExamples(t *testing.T) {
	t.Parallel()
	names, err := filepath.Glob("../../config/examples/scenarios/*.*")
	tables, err2 := filepath.Glob("../../config/examples/scenarios/*/*.yaml")
	if err != nil || err2 != nil || len(names) < 5 || len(tables) < 17 {
		t.Fatalf("%d scenarios, %d in tables: %v, %v", len(names), len(tables), err, err2)
	}
	for _, path := range append(names, tables...) {
		text, err := os.ReadFile(path)
		if err != nil {
			t.Fatal(err)
		}
		s, err := Parse(path, text)
		if err != nil {
			t.Fatal(err)
		}
		s.Duration, s.Warmup = 240, 0
		if s.mostOperators() > 1000 { // the first of them sign in
			s.Duration = 30
		}
		name := strings.TrimSuffix(filepath.Base(path), filepath.Ext(path))
		if r, _, _ := run(t, s, withCancel, s.Seed); s.Name != name || r.Connected == 0 {
			t.Errorf("%s is named %s: %+v", path, s.Name, r)
		}
		if inTable := slices.Contains(tables, path); inTable != (s.Expect != nil) {
			t.Errorf("%s: expects %+v", path, s.Expect)
		}
	}
}

// FuzzParse: refusing is fine, panicking is not; what is accepted can be run.
func FuzzParse(f *testing.F) {
	f.Add([]byte(valid))
	f.Add([]byte(`{"duration_s": 1, "segments": [{"name": 1, "outcomes": null}], "mix": [{"w": []}]}`))
	f.Fuzz(func(t *testing.T, text []byte) {
		s, err := Parse("x", text)
		if err != nil {
			return
		}
		if _, err := New(s, predictive, 1); err != nil {
			t.Errorf("accepted, but: %v", err)
		}
	})
}

func TestParsePolicy(t *testing.T) {
	for _, text := range strings.Split(Policies+", ratio:1.5, product-ratio:3", ", ") {
		if strings.HasSuffix(text, "X") {
			continue
		}
		if p, err := ParsePolicy(text); err != nil || p.String() != text {
			t.Errorf("%s: %v, %v", text, p, err)
		}
	}
	for _, text := range []string{"", "ratio", "ratio:", "ratio:0.5", "ratio:NaN", "ratio:11", "vici", "vici:tuned:2", "oracle:1", "product-predictive", "predictive:2", "preview", "guess"} {
		if p, err := ParsePolicy(text); err == nil {
			t.Errorf("%s: %v, no error", text, p)
		}
	}
}
