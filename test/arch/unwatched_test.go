package arch

import (
	"go/ast"
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// goroutines lists what in a file starts or guards against one. Tests that run beside
// each other (t.Parallel) are not among them.
func goroutines(files *token.FileSet, file *ast.File) []string {
	var found []string
	say := func(n ast.Node, what string) { found = append(found, files.Position(n.Pos()).String()+": "+what) }
	ast.Inspect(file, func(n ast.Node) bool {
		switch n := n.(type) {
		case *ast.GoStmt:
			say(n, "starts a goroutine")
		case *ast.ImportSpec:
			if name := strings.Trim(n.Path.Value, `"`); name == "sync" || strings.HasPrefix(name, "sync/") || name == "golang.org/x/sync/errgroup" {
				say(n, "imports "+name)
			}
		}
		return true
	})
	return found
}

// variable is what a line of the Makefile gives a name.
func variable(t *testing.T, name string) string {
	t.Helper()
	makefile, err := os.ReadFile(filepath.Join(root, "Makefile"))
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`(?m)^` + name + ` := (.*)$`).FindSubmatch(makefile)
	if line == nil {
		t.Fatalf("the Makefile has no line %s", name)
	}
	return strings.ReplaceAll(string(line[1]), "$$", "$")
}

// TestUnwatchedPackagesStartNoGoroutine holds the packages that make test leaves out
// of the race detector (PURE) to what lets it.
func TestUnwatchedPackagesStartNoGoroutine(t *testing.T) {
	pure := regexp.MustCompile(variable(t, "PURE"))
	packages := 0
	for name := range read(t) {
		if !pure.MatchString(Module + "/" + name) {
			continue
		}
		packages++
		paths, err := filepath.Glob(filepath.Join(root, name, "*.go"))
		if err != nil {
			t.Fatal(err)
		}
		for _, path := range paths {
			files := token.NewFileSet()
			file, err := parser.ParseFile(files, path, nil, parser.SkipObjectResolution)
			if err != nil {
				t.Fatal(err)
			}
			for _, v := range goroutines(files, file) {
				t.Error(v)
			}
		}
	}
	if packages < 8 {
		t.Errorf("PURE names %d packages, want pacing, media and dialer", packages)
	}
}

func TestGoroutinesAreFound(t *testing.T) {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, "a.go", "package a\nimport \"sync/atomic\"\nvar n atomic.Int64\nfunc f() { go f() }\n", 0)
	if err != nil {
		t.Fatal(err)
	}
	if got := goroutines(files, file); len(got) != 2 {
		t.Errorf("got %q, want the import and the go statement", got)
	}
}
