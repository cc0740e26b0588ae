package arch

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// TestQuietTestsAreThere holds the names of the tests that make test runs by themselves
// (QUIET) to tests that there are, in packages where they do not run with the others as
// well (WAITING): one that has another name now would run beside whatever there is.
func TestQuietTestsAreThere(t *testing.T) {
	waiting := regexp.MustCompile(variable(t, "WAITING"))
	for name := range strings.SplitSeq(variable(t, "QUIET"), "|") {
		found := 0
		for pkg := range read(t) {
			files, err := filepath.Glob(filepath.Join(root, pkg, "*_test.go"))
			if err != nil {
				t.Fatal(err)
			}
			for _, file := range files {
				text, err := os.ReadFile(file)
				if err != nil {
					t.Fatal(err)
				}
				if !strings.Contains(string(text), "\nfunc "+name+"(t *testing.T) {") {
					continue
				}
				found++
				if !waiting.MatchString(Module + "/" + pkg) {
					t.Errorf("%s is in %s, whose tests are not among those that wait", name, pkg)
				}
			}
		}
		if found != 1 {
			t.Errorf("%d tests have the name %s, want 1", found, name)
		}
	}
}
