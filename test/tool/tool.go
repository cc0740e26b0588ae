// Package tool finds the programs of others that tests use, which few machines have all of.
// A test whose program is missing is left out and says so; where nothing may be left out
// (OUTPACE_REQUIRE_TOOLS=1, as in continuous integration) it fails instead.
package tool

import (
	"os"
	"os/exec"
	"testing"
)

// Path is where a program is; without it the test ends, and leavesOut says what nobody
// has tested then.
func Path(t testing.TB, name, leavesOut string) string {
	t.Helper()
	path, err := exec.LookPath(name)
	if err != nil {
		Missing(t, name+" is not installed: left out: "+leavesOut)
	}
	return path
}

// Missing ends a test that lacks something; why says what, and what is not tested.
func Missing(t testing.TB, why string) {
	t.Helper()
	end := t.Skip
	if os.Getenv("OUTPACE_REQUIRE_TOOLS") == "1" {
		end = t.Fatal
	}
	end(why)
}
