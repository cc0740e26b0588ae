package arch

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"

	"github.com/google/go-cmp/cmp"
)

const root = "../.."

// readOnce reads the project for all tests, none of which changes what was read.
var readOnce = sync.OnceValues(func() (Graph, error) { return Read(root) })

func read(t *testing.T) Graph {
	t.Helper()
	g, err := readOnce()
	if err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"dialer", "dialer/call", "campaigns", "pacing", "sip", "media"} {
		if _, ok := g[name]; !ok {
			t.Fatalf("package %s not found: the check looked at nothing", name)
		}
	}
	return g
}

func TestImports(t *testing.T) {
	for _, v := range Check(read(t), Table) {
		t.Error(v)
	}
}

func TestPurePackages(t *testing.T) {
	for _, v := range CheckPure(read(t), Pure) {
		t.Error(v)
	}
}

func TestLibrariesStayInTheirRoom(t *testing.T) {
	for _, v := range CheckOwn(read(t)) {
		t.Error(v)
	}
}

// The table is the design: it must not allow a circle even before the code has
// one. The app and the test rooms import everything and are imported by none
// but the binary; everything else must flow one way.
func TestTableHasNoCircle(t *testing.T) {
	if circle := Circle(Allowed(narrow(Table))); circle != nil {
		t.Errorf("the table allows %s", strings.Join(circle, " → "))
	}
}

func narrow(table []Row) []Row {
	return slices.DeleteFunc(slices.Clone(table), func(r Row) bool { return slices.Contains(r.May, "*") })
}

func TestTableRows(t *testing.T) {
	seen := map[string]bool{}
	for _, row := range Table {
		if seen[row.Package] {
			t.Errorf("%s has two rows", row.Package)
		}
		seen[row.Package] = true
	}
	there := read(t)
	for _, row := range Table {
		if _, is := there[row.Package]; !is {
			t.Errorf("%s has a row, and is not there", row.Package)
		}
		for _, name := range slices.Concat(row.May, row.Tests) {
			if room := strings.TrimSuffix(name, "/*"); name != "*" && !seen[room] {
				t.Errorf("%s may import %s, which has no row", row.Package, name)
			}
		}
	}
	for _, name := range Pure {
		if !seen[name] {
			t.Errorf("pure package %s has no row", name)
		}
	}
}

// The four rooms of the core never import each other, whatever a row says.
func TestRoomsStayApart(t *testing.T) {
	rooms := []string{"campaigns", "pacing", "sip", "media"}
	for name, imports := range Allowed(Table) {
		from, _, _ := strings.Cut(name, "/")
		if !slices.Contains(rooms, from) {
			continue
		}
		for _, imported := range imports {
			if to, _, _ := strings.Cut(imported, "/"); to != from {
				t.Errorf("the table lets %s import %s", name, imported)
			}
		}
	}
}

func TestTopLevel(t *testing.T) {
	entries, err := os.ReadDir(root)
	if err != nil {
		t.Fatal(err)
	}
	for _, e := range entries {
		name := e.Name()
		made := slices.Contains(Made, name) || slices.Contains([]string{".test", ".out", ".prof"}, filepath.Ext(name))
		if name[0] != '.' && !made && !slices.Contains(Top, name) {
			t.Errorf("%s does not belong at the top level", name)
		}
	}
}

func TestCheckFindsPlantedViolations(t *testing.T) {
	table := []Row{
		{Package: "cmd/outpace", May: []string{"*"}},
		{Package: "dialer", May: []string{"sip", "media/*"}},
		{Package: "sip", Tests: []string{"media/wav"}},
		{Package: "media"},
		{Package: "media/wav", May: []string{"media"}},
	}
	cases := map[string]struct {
		graph Graph
		want  []string
	}{
		"as designed": {
			graph: Graph{
				"cmd/outpace": {Imports: []string{"dialer", "fmt"}},
				"dialer":      {Imports: []string{"media", "media/wav", "sip"}},
				"sip":         {Imports: []string{"github.com/emiago/sipgo/sip"}, TestImports: []string{"media/wav"}},
				"media/wav":   {Imports: []string{"media"}},
			},
		},
		"sideways": {
			graph: Graph{"sip": {Imports: []string{"media"}}},
			want:  []string{"sip: may not import media"},
		},
		"upwards": {
			graph: Graph{"media": {Imports: []string{"dialer"}}},
			want:  []string{"media: may not import dialer"},
		},
		"the binary, by one who may import everything": {
			graph: Graph{"cmd/outpace": {Imports: []string{"cmd/outpace"}}},
			want:  []string{"circle: cmd/outpace → cmd/outpace", "cmd/outpace: may not import cmd/outpace"},
		},
		"a room of a room that is not covered": {
			graph: Graph{"media": {Imports: []string{"media/wav"}}},
			want:  []string{"media: may not import media/wav"},
		},
		"in code what only tests may": {
			graph: Graph{"sip": {Imports: []string{"media/wav"}}},
			want:  []string{"sip: may not import media/wav"},
		},
		"in tests": {
			graph: Graph{"sip": {TestImports: []string{"dialer"}}},
			want:  []string{"sip: its tests may not import dialer"},
		},
		"not in the table, on both sides": {
			graph: Graph{"util": {}, "dialer": {Imports: []string{"util"}}},
			want:  []string{"dialer: may not import util", "util: not in the import table"},
		},
		"a circle": {
			graph: Graph{"dialer": {Imports: []string{"media"}}, "media": {Imports: []string{"media/wav"}}, "media/wav": {Imports: []string{"media"}}},
			want:  []string{"circle: media → media/wav → media", "media: may not import media/wav"},
		},
	}
	for name, c := range cases {
		t.Run(name, func(t *testing.T) {
			if diff := cmp.Diff(c.want, Check(c.graph, table)); diff != "" {
				t.Errorf("violations (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPureFindsPlantedViolations(t *testing.T) {
	g := Graph{
		"call":  {Imports: []string{"net/http", "time"}, Clock: []string{"call.go:3 time.Now"}},
		"other": {Imports: []string{"net"}},
	}
	want := []string{"call is pure: call.go:3 time.Now", "call is pure: imports net/http"}
	if diff := cmp.Diff(want, CheckPure(g, []string{"call"})); diff != "" {
		t.Errorf("violations (-want +got):\n%s", diff)
	}
}

func TestOwnFindsPlantedViolations(t *testing.T) {
	g := Graph{
		"sip":        {Imports: []string{"github.com/emiago/sipgo/sip"}},
		"test/phone": {Imports: []string{"github.com/emiago/sipgo"}},
	}
	got := CheckOwn(g)
	if len(got) != 1 || !strings.HasPrefix(got[0], "test/phone: may not import github.com/emiago/sipgo") {
		t.Errorf("got %q, want the one of test/phone", got)
	}
}

func TestReadSeesImportsAndTheClock(t *testing.T) {
	dir := t.TempDir()
	write := func(name, text string) {
		t.Helper()
		path := filepath.Join(dir, name)
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	write("room/a.go", "package room\nimport (\n\"time\"\n\""+Module+"/sip\"\n)\nvar at = time.Now\n")
	write("room/b_windows.go", "package room\nimport _ \""+Module+"/media\"\n")
	write("room/a_test.go", "package room_test\nimport _ \""+Module+"/room\"\nimport \"os\"\nvar _ = os.Exit\n")
	write("room/testdata/c.go", "not Go at all")
	got, err := Read(dir)
	if err != nil {
		t.Fatal(err)
	}
	want := Graph{"room": {
		Imports: []string{"media", "sip", "time"}, TestImports: []string{"os"}, Clock: []string{"a.go:6 time.Now"},
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("graph (-want +got):\n%s", diff)
	}
}
