package arch

import (
	"fmt"
	"go/ast"
	"go/parser"
	"go/token"
	"io/fs"
	"os"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
)

// Module is the path that our imports begin with.
const Module = "github.com/outpace-dialer/outpace"

// Package is what one package imports. Ours are named without Module.
type Package struct {
	Imports     []string // of code; sorted, each once
	TestImports []string // of test files only
	Clock       []string // uses of the clock in code: "call.go:12 time.Now"
}

// Graph is the imports of every package, by name without Module.
type Graph map[string]Package

// Read parses every Go file under root, whatever its build tags, so that what
// another system compiles is held to the table too. testdata, node_modules and
// dot-folders are left out.
func Read(root string) (Graph, error) {
	g := Graph{}
	err := fs.WalkDir(os.DirFS(root), ".", func(name string, entry fs.DirEntry, err error) error {
		if err != nil {
			return err
		}
		base := path.Base(name)
		if entry.IsDir() && name != "." && (base == "testdata" || base == "node_modules" || base[0] == '.') {
			return fs.SkipDir
		}
		if entry.IsDir() || !strings.HasSuffix(name, ".go") {
			return nil
		}
		return g.add(root, name)
	})
	return g, err
}

func (g Graph) add(root, name string) error {
	files := token.NewFileSet()
	file, err := parser.ParseFile(files, filepath.Join(root, name), nil, parser.SkipObjectResolution)
	if err != nil {
		return fmt.Errorf("read %s: %w", name, err)
	}
	p := g[path.Dir(name)]
	into := &p.Imports
	isTest := strings.HasSuffix(name, "_test.go")
	if isTest {
		into = &p.TestImports
	} else {
		p.Clock = append(p.Clock, clockUses(files, file)...)
	}
	for _, spec := range file.Imports {
		imported, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			return fmt.Errorf("import in %s: %w", name, err)
		}
		imported = strings.TrimPrefix(imported, Module+"/")
		if at, known := slices.BinarySearch(*into, imported); !known && imported != path.Dir(name) {
			*into = slices.Insert(*into, at, imported)
		}
	}
	g[path.Dir(name)] = p
	return nil
}

// clockUses lists where a file calls on package time for the present.
func clockUses(files *token.FileSet, file *ast.File) []string {
	var uses []string
	ast.Inspect(file, func(n ast.Node) bool {
		sel, ok := n.(*ast.SelectorExpr)
		if !ok {
			return true
		}
		if pkg, ok := sel.X.(*ast.Ident); ok && pkg.Name == "time" && impureTime[sel.Sel.Name] {
			at := files.Position(sel.Pos())
			uses = append(uses, fmt.Sprintf("%s:%d time.%s", filepath.Base(at.Filename), at.Line, sel.Sel.Name))
		}
		return true
	})
	return uses
}
