package config

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// What tests, benchmarks and scripts are told by the environment stops no product that runs
// in the same one.
func TestVariablesOfTheProject(t *testing.T) {
	named := regexp.MustCompile(`OUTPACE_[A-Z][A-Z_0-9]*`)
	found := map[string]string{}
	err := filepath.WalkDir("..", func(path string, entry fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case entry.IsDir() && (entry.Name() == "node_modules" || entry.Name() == ".git" || entry.Name() == "config" || entry.Name() == "testdata"):
			return fs.SkipDir
		case !strings.HasSuffix(path, ".go") && !strings.HasSuffix(path, ".ts") && entry.Name() != "Makefile" && !strings.Contains(path, "/.ci/"):
			return nil
		}
		text, err := os.ReadFile(path)
		for _, m := range named.FindAllString(string(text), -1) {
			found[strings.TrimSuffix(m, "_")] = path
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if len(found) < 20 || found["OUTPACE_SETUP"] == "" || found["OUTPACE_BENCH_LEADS"] == "" {
		t.Errorf("only %d variables were found: %v", len(found), found)
	}
	for variable, path := range found {
		if isKey(variable) {
			continue
		}
		if _, err := Parse("f.yaml", []byte(trunks), []string{variable + "=1"}); err != nil {
			t.Errorf("%s has a variable that stops the product, it belongs among those of elsewhere: %v", path, err)
		}
	}
}

// No variable of the project hides a key.
func TestElsewhereHidesNoKey(t *testing.T) {
	for _, variable := range variables() {
		if usedElsewhere(variable) {
			t.Errorf("%s sets a key, and is used elsewhere", variable)
		}
	}
}
