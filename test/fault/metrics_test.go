package fault

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/testbed"
	"github.com/outpace-dialer/outpace/test/tool"
)

// people answers every number with a person who talks on and on.
func people(string, int) (carrier.Behaviour, bool) {
	return carrier.Behaviour{Kind: carrier.Person, Ring: 300 * time.Millisecond, Talk: time.Hour, Patience: time.Minute}, true
}

// talking is a world where each operator talks to somebody. Nobody is free, so
// nobody is dialled any more.
func talking(t *testing.T, operators int) (w *world, leave func()) {
	t.Helper()
	w = newWorld(t, carrier.Config{Behave: people}, 300, operators)
	w.start(t)
	leave = w.operate(t, time.Hour)
	testbed.Until(t, 30*time.Second, "people talk to operators", func() bool { return len(testbed.Talks(w.events(t))) == operators })
	return w, leave
}

// TestMetrics has Prometheus read what a busy product says.
func TestMetrics(t *testing.T) {
	w, _ := talking(t, 3)
	t.Run("format", func(t *testing.T) { checkFormat(t, w) })
	t.Run("scrape", func(t *testing.T) { checkScrape(t, w) })
}

// checkFormat asks Prometheus' own checker.
func checkFormat(t *testing.T, w *world) {
	promtool := tool.Path(t, "promtool", "the format of /metrics")
	cmd := exec.Command(promtool, "check", "metrics")
	cmd.Stdin = strings.NewReader(w.scrape(t))
	out, err := cmd.CombinedOutput()
	if err != nil || len(bytes.TrimSpace(out)) > 0 {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// checkScrape has a real server scrape the product.
func checkScrape(t *testing.T, w *world) {
	server := tool.Path(t, "prometheus", "a scrape by a real server")
	dir, address := t.TempDir(), testbed.Reserve(t)
	file := filepath.Join(dir, "prometheus.yml")
	text := fmt.Sprintf("global: {scrape_interval: 1s}\nscrape_configs:\n  - job_name: outpace\n    static_configs: [{targets: [%q]}]\n", w.admin)
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	log := &testbed.Lines{}
	cmd := exec.Command(server, "--config.file="+file, "--storage.tsdb.path="+filepath.Join(dir, "data"), "--web.listen-address="+address)
	cmd.Stdout, cmd.Stderr = log, log
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		_ = cmd.Process.Kill()
		_ = cmd.Wait()
		if t.Failed() {
			t.Logf("prometheus:\n%s", log)
		}
	})
	for _, query := range []string{
		`up{job="outpace"} == 1`,
		`dialer_call_attempts_total{campaign="faults",trunk="simulated"} >= 3`,
		`sum(dialer_operators{campaign="faults",state="talking"}) == 3`,
		`histogram_quantile(0.5, rate(dialer_answer_to_bridge_seconds_bucket[1m])) > 0 or dialer_answer_to_bridge_seconds_count > 0`,
		`sum(dialer_calls_active{phase="bridged"}) == 3`,
	} {
		testbed.Until(t, 20*time.Second, "an answer to "+query, func() bool { return answers(w, address, query) })
	}
}

// answers says whether a query of the server has a result.
func answers(w *world, address, query string) bool {
	text, err := testbed.Get("http://" + address + "/api/v1/query?query=" + url.QueryEscape(query))
	if err != nil {
		return false
	}
	var answer struct {
		Data struct{ Result []json.RawMessage }
	}
	return json.Unmarshal([]byte(text), &answer) == nil && len(answer.Data.Result) > 0
}
