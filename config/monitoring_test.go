package config

import (
	"bufio"
	"bytes"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.yaml.in/yaml/v4"

	"github.com/outpace-dialer/outpace/test/tool"
)

// TestAlertRules has Prometheus' own checker read the rules and let them fire.
func TestAlertRules(t *testing.T) {
	promtool := tool.Path(t, "promtool", "the alert rules")
	for _, arguments := range [][]string{{"check", "rules", "alerts.yml"}, {"check", "config", "prometheus.yml"}, {"test", "rules", "alerts_test.yml"}} {
		cmd := exec.Command(promtool, arguments...)
		cmd.Dir = "examples/monitoring"
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Errorf("promtool %s: %v\n%s", strings.Join(arguments, " "), err, out)
		}
	}
}

// TestDashboard has the same checker read what the panels ask for: as recording rules, which
// it knows.
func TestDashboard(t *testing.T) {
	promtool := tool.Path(t, "promtool", "the grammar of the dashboard")
	text, err := os.ReadFile("examples/monitoring/grafana.json")
	if err != nil {
		t.Fatal(err)
	}
	var board struct {
		Panels []struct {
			ID      int
			Title   string
			Targets []struct{ Expr string }
			GridPos struct{ X, Y, W, H int }
		}
	}
	if err := json.Unmarshal(text, &board); err != nil {
		t.Fatal(err)
	}
	type rule struct{ Record, Expr string }
	var rules []rule
	ids, cells := map[int]bool{}, map[[2]int]string{}
	for _, p := range board.Panels {
		if ids[p.ID] {
			t.Errorf("%s: another panel has number %d too", p.Title, p.ID)
		}
		ids[p.ID] = true
		for at := range p.GridPos.W * p.GridPos.H {
			cell := [2]int{p.GridPos.X + at%p.GridPos.W, p.GridPos.Y + at/p.GridPos.W}
			if under := cells[cell]; under != "" || cell[0] >= 24 {
				t.Fatalf("%s lies over %q, or outside", p.Title, under)
			}
			cells[cell] = p.Title
		}
		for _, target := range p.Targets {
			expression := strings.NewReplacer("$__rate_interval", "1m", "$campaign", ".*").Replace(target.Expr)
			rules = append(rules, rule{"panel:" + strconv.Itoa(len(rules)), expression})
		}
	}
	if len(rules) < 50 {
		t.Errorf("%d expressions, there are more", len(rules))
	}
	all, err := yaml.Marshal(map[string]any{"groups": []any{map[string]any{"name": "panels", "rules": rules}}})
	if err != nil {
		t.Fatal(err)
	}
	file := filepath.Join(t.TempDir(), "panels.yml")
	if err := os.WriteFile(file, all, 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(promtool, "check", "rules", file).CombinedOutput(); err != nil {
		t.Errorf("promtool: %v\n%s", err, out)
	}
}

// Every alert says how bad it is, and leads to a part of a document that names it.
func TestAlertsAreExplained(t *testing.T) {
	var file struct {
		Groups []struct {
			Rules []struct {
				Alert               string
				Labels, Annotations map[string]string
			}
		}
	}
	text, err := os.ReadFile("examples/monitoring/alerts.yml")
	if err != nil {
		t.Fatal(err)
	}
	if err := yaml.Unmarshal(text, &file); err != nil {
		t.Fatal(err)
	}
	alerts := map[string]bool{}
	for _, g := range file.Groups {
		for _, r := range g.Rules {
			alerts[r.Alert] = true
			if s := r.Labels["severity"]; s != "critical" && s != "warning" {
				t.Errorf("%s: severity = %q", r.Alert, s)
			}
			if r.Annotations["summary"] == "" || r.Annotations["description"] == "" {
				t.Errorf("%s says nothing", r.Alert)
			}
			page, part, _ := strings.Cut(r.Annotations["runbook"], "#")
			if !strings.Contains(section(t, filepath.Join("..", page), part), "| `"+r.Alert+"` |") {
				t.Errorf("%s: %s does not say what to do", r.Alert, r.Annotations["runbook"])
			}
		}
	}
	page, err := os.ReadFile("docs/monitoring.md")
	if err != nil {
		t.Fatal(err)
	}
	rows := regexp.MustCompile("(?m)^\\| `(Outpace[A-Za-z]+)` \\|").FindAllSubmatch(page, -1)
	for _, row := range rows {
		if !alerts[string(row[1])] {
			t.Errorf("config/docs/monitoring.md explains %s, which is no alert", row[1])
		}
	}
	if len(rows) == 0 || len(rows) != len(alerts) {
		t.Errorf("%d alerts are explained, there are %d", len(rows), len(alerts))
	}
}

// section is what stands under a heading of a page, by the name that links give it.
func section(t *testing.T, page, name string) string {
	t.Helper()
	text, err := os.ReadFile(page)
	if err != nil {
		t.Fatal(err)
	}
	for part := range strings.SplitSeq(string(text), "\n## ") {
		heading, body, _ := strings.Cut(part, "\n")
		if strings.ReplaceAll(strings.ToLower(heading), " ", "-") == name {
			return body
		}
	}
	return ""
}

const unit = "examples/outpace.service"

// set is what the unit sets a key to.
func set(t *testing.T, text []byte, key string) string {
	t.Helper()
	for lines := bufio.NewScanner(bytes.NewReader(text)); lines.Scan(); {
		if value, ok := strings.CutPrefix(lines.Text(), key+"="); ok {
			return value
		}
	}
	t.Fatalf("%s sets no %s", unit, key)
	return ""
}

// The unit waits for talks, lets enough files be open, and runs what the documents name.
func TestUnit(t *testing.T) {
	text, err := os.ReadFile(unit)
	if err != nil {
		t.Fatal(err)
	}
	wait, err := time.ParseDuration(strings.Replace(set(t, text, "TimeoutStopSec"), "min", "m", 1))
	if err != nil || wait <= Default().Drain.Timeout {
		t.Errorf("it is killed after %v (%v), while talks may go on for %v", wait, err, Default().Drain.Timeout)
	}
	if n, err := strconv.Atoi(set(t, text, "LimitNOFILE")); err != nil || n < 65536 {
		t.Errorf("LimitNOFILE = %d (%v), doctor wants 65536 at least", n, err)
	}
	// systemd's own checker wants the program to be there: this one stands in.
	program, arguments, _ := strings.Cut(set(t, text, "ExecStart"), " ")
	if arguments != "serve --config /etc/outpace/outpace.yaml" {
		t.Errorf("it runs outpace %s", arguments)
	}
	checker := tool.Path(t, "systemd-analyze", "the grammar of the service unit")
	here, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	copied := filepath.Join(t.TempDir(), "outpace.service")
	if err := os.WriteFile(copied, bytes.Replace(text, []byte("ExecStart="+program), []byte("ExecStart="+here), 1), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command(checker, "verify", copied).CombinedOutput(); err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("systemd-analyze verify: %v\n%s", err, out)
	}
}
