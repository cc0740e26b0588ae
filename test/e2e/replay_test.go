package e2e

import (
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/test/testbed"
)

// checkReplay takes the pacing log of a demo out of its store and plays it to a
// new controller: every decision of the running product comes out again.
func checkReplay(t *testing.T, data string) {
	config := filepath.Join(t.TempDir(), "demo.yaml")
	text := fmt.Sprintf("data_dir: %q\n"+`trunks: [{name: none, targets: [{address: "127.0.0.1:1"}], caller_ids: ["+9995550001"], max_cps: 1, max_channels: 1}]`, data)
	must(t, os.WriteFile(config, []byte(text), 0o600))
	day := filepath.Join(t.TempDir(), "day.ndjson")
	log, err := testbed.Command(testbed.Program, "campaign", "log", "--campaign", "demo", "--config", config).Output()
	must(t, err)
	must(t, os.WriteFile(day, log, 0o600))
	said, err := exec.CommandContext(t.Context(), testbed.Program, "pace", "--check", day).CombinedOutput()
	if err != nil {
		t.Errorf("replay: %v\n%s", err, said)
	}
	var decisions, runs int
	if n, err := fmt.Sscanf(string(said), "%d decisions compared in %d runs: 0 different", &decisions, &runs); n != 2 || decisions < 500 || runs != 1 {
		t.Errorf("replay says %q, %v; want one run with hundreds of decisions", said, err)
	}
	t.Log(strings.TrimSpace(string(said)))
}
