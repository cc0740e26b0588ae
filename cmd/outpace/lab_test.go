package main

import (
	"context"
	"encoding/json"
	"math"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"testing"

	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// The lab is another simulator of the same scenarios, by other hands and with
// other streams of chance. OUTPACE_LAB is its folder; `make lab` sets it.
const labEnv, labOperatorHours = "OUTPACE_LAB", "OUTPACE_LAB_HOURS"

// labTolerance is by how much the mean utilisation of a policy may differ.
const labTolerance = 0.005

// TestLab holds the simulator to the lab: on the lab's scenarios both give the
// same utilisation for the plain rules, and for the product's controller, which
// the lab asks over standard input and output.
func TestLab(t *testing.T) {
	folder := os.Getenv(labEnv)
	if folder == "" {
		t.Skip(labEnv + " is not set: `make lab` measures against the lab")
	}
	files, err := filepath.Glob(filepath.Join(folder, "scenarios/public/*.json"))
	if err != nil || len(files) == 0 {
		t.Fatalf("no scenarios in %s: %v", folder, err)
	}
	lab := buildLab(t, folder)
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	if product := os.Getenv("OUTPACE_BIN"); product != "" {
		self = product
	}
	t.Logf("%-20s %-12s %5s  %22s  %22s  %s", "scenario", "policy", "runs", "lab", "simulator", "difference")
	for _, file := range files {
		t.Run(filepath.Base(file), func(t *testing.T) {
			t.Parallel()
			for _, p := range []struct {
				policy string
				lab    []string
			}{
				{"progressive", []string{"ratio", "1"}},
				{"ratio:2", []string{"ratio", "2"}},
				{"predictive", []string{"ext", self, "pace"}},
			} {
				compareWithLab(t, lab, file, p.policy, p.lab)
			}
		})
	}
}

// labResult is what the lab says of a policy: utilisation, its standard error,
// abandonment; all as shares.
type labResult struct {
	Util, Error, Abandon float64
}

func compareWithLab(t *testing.T, lab, file, policy string, args []string) {
	t.Helper()
	s, err := readScenario(file)
	if err != nil {
		t.Fatal(err)
	}
	runs := labRuns(t, s)
	if args[0] == "ratio" { // a rule that costs nothing to follow
		runs *= 8
	}
	want := askLab(t, lab, append([]string{"agree", file, strconv.Itoa(runs)}, args...))
	p, err := simulator.ParsePolicy(policy)
	if err != nil {
		t.Fatal(err)
	}
	results, err := simulateRuns(t.Context(), s, p, s.Seed, runs, func(int) {})
	if err != nil {
		t.Fatal(err)
	}
	got := simulator.NewReport(s, p, results).Mean
	difference := got.Utilisation - want.Util
	t.Logf("%-20s %-12s %5d  %6.2f%% ± %.2f ab. %4.2f%%  %6.2f%% ± %.2f ab. %4.2f%%  %+.2f points", s.Name, policy, runs,
		100*want.Util, 100*want.Error, 100*want.Abandon, 100*got.Utilisation, 100*got.UtilisationError, 100*got.Abandonment, 100*difference)
	if !(math.Abs(difference) <= labTolerance) {
		t.Errorf("%s, %s: the simulator differs by %+.2f points", s.Name, policy, 100*difference)
	}
}

// labRuns is as many runs as give so many hours of operators: large floors vary
// less from run to run.
func labRuns(t *testing.T, s *simulator.Scenario) int {
	hours := 2000.0
	if text := os.Getenv(labOperatorHours); text != "" {
		x, err := strconv.ParseFloat(text, 64)
		if err != nil {
			t.Fatalf("%s: %v", labOperatorHours, err)
		}
		hours = x
	}
	most := 0
	for _, step := range s.Agents.Schedule {
		most = max(most, step.N)
	}
	return max(2, min(50, int(hours/(float64(most)*float64(s.Duration)/3600))))
}

// buildLab builds a copy of the lab that answers askLab.
func buildLab(t *testing.T, folder string) string {
	t.Helper()
	dir := t.TempDir()
	if err := os.CopyFS(dir, os.DirFS(folder)); err != nil {
		t.Fatal(err)
	}
	extra, err := os.ReadFile("testdata/lab/zz_agree.go")
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(dir, "zz_agree.go"), extra, 0o644); err != nil {
		t.Fatal(err)
	}
	bin := filepath.Join(dir, "lab")
	build := exec.CommandContext(t.Context(), "go", "build", "-o", bin, ".")
	build.Dir = dir
	if text, err := build.CombinedOutput(); err != nil {
		t.Fatalf("build the lab: %v\n%s", err, text)
	}
	return bin
}

func askLab(t *testing.T, lab string, args []string) labResult {
	t.Helper()
	ask := exec.CommandContext(context.WithoutCancel(t.Context()), lab, args...)
	ask.Stderr = os.Stderr
	text, err := ask.Output()
	if err != nil {
		t.Fatalf("lab %v: %v", args, err)
	}
	var r struct {
		Util    float64 `json:"util"`
		Error   float64 `json:"util_se"`
		Abandon float64 `json:"abandon"`
	}
	if err := json.Unmarshal(text, &r); err != nil {
		t.Fatalf("lab %v: %v", args, err)
	}
	return labResult(r)
}
