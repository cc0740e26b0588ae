package main

import (
	"bytes"
	"encoding/json"
	"io"
	"math"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns/redis"
)

// A split of a short day is reported beside the pool, which is what the day is
// without nodes, and Redis is asked for more by more nodes.
func TestSimulateNodes(t *testing.T) {
	file := filepath.Join(t.TempDir(), "day.yaml")
	text := `{name: day, duration_s: 1200, agents: {schedule: [{t: 0, "n": 12}]},
segments: [{name: main, outcomes: [{t: 0, human: 0.4, machine: 0.3}]}]}`
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	f := simulateFlags{scenario: file, policy: "predictive", runs: 2, nodes: "1,3", json: true}
	var out bytes.Buffer
	if err := simulate(t.Context(), f, false, &out); err != nil {
		t.Fatal(err)
	}
	var split []nodesReport
	if err := json.Unmarshal(out.Bytes(), &split); err != nil {
		t.Fatal(err)
	}
	s, p, err := f.check()
	if err != nil {
		t.Fatal(err)
	}
	pool, err := simulateRuns(t.Context(), s, p, s.Seed, 2, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	if len(split) != 2 || split[0].Runs[1].Dials != pool[1].Dials || split[0].Lost != 0 {
		t.Fatalf("%+v; the pool: %+v", split, pool)
	}
	one, three := split[0], split[1]
	if lost := one.Mean.Utilisation - three.Mean.Utilisation; lost <= 0 || three.Lost != lost {
		t.Errorf("lost %v, want %v", three.Lost, lost)
	}
	work := redis.Work{Nodes: 1}
	for _, r := range pool {
		work.Attempts += float64(r.Dials) / 2400
		work.PickedUp += float64(r.PickedUp) / 2400
		work.Connected += float64(r.Connected) / 2400
		work.Abandoned += float64(r.Abandoned) / 2400
	}
	if got, want := one.Redis.Commands, work.Load().Commands; math.Abs(got-want) > 1e-6 {
		t.Errorf("%v commands a second, want %v", got, want)
	}
	if each := three.Redis.Messages / three.Redis.Attempts; each <= one.Redis.Messages/one.Redis.Attempts {
		t.Errorf("three nodes send %v messages for an attempt", each)
	}

	f.json = false
	for nodes, wrong := range map[string]string{"": "", "1,x": `"x" is not a number`, "13": "not in [1, 12]", "0": "not in [1, 12]"} {
		f.nodes = nodes
		err := simulate(t.Context(), f, false, io.Discard)
		if wrong != "" && (err == nil || !strings.Contains(err.Error(), wrong)) || wrong == "" && err != nil {
			t.Errorf("--nodes %s: %v", nodes, err)
		}
	}
	f.nodes, f.compare = "2", true
	if err := simulate(t.Context(), f, false, io.Discard); err == nil {
		t.Error("--nodes with --compare: no error")
	}
	root := newRoot()
	root.SetArgs([]string{"simulate", "--days", "3", "--nodes", "2"})
	if err := root.ExecuteContext(t.Context()); err == nil || !strings.Contains(err.Error(), "--nodes and --days do not go together") {
		t.Errorf("--nodes with --days: %v", err)
	}
}
