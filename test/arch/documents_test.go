package arch

import (
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
)

// linked is what a page of Markdown leads to in this repository: [words](path).
var linked = regexp.MustCompile(`\]\(([^)\s]+)\)`)

// links are the paths, from the root on, that a page leads to.
func links(page, text string) []string {
	var paths []string
	for _, m := range linked.FindAllStringSubmatch(text, -1) {
		to, _, _ := strings.Cut(m[1], "#")
		if to != "" && !strings.Contains(to, "://") {
			paths = append(paths, filepath.Join(filepath.Dir(page), to))
		}
	}
	return paths
}

// TestDocumentsLeadSomewhere: whoever begins at README.md comes to every document, and
// no link leads to what is not there.
func TestDocumentsLeadSomewhere(t *testing.T) {
	seen, next := map[string]bool{"README.md": true}, []string{"README.md"}
	for len(next) > 0 {
		page := next[0]
		next = next[1:]
		text, err := os.ReadFile(filepath.Join(root, page))
		if err != nil {
			t.Fatal(err)
		}
		for _, to := range links(page, string(text)) {
			if _, err := os.Stat(filepath.Join(root, to)); err != nil {
				t.Errorf("%s: a link leads to %s, which is not there", page, to)
			} else if filepath.Ext(to) == ".md" && !seen[to] {
				seen[to], next = true, append(next, to)
			}
		}
	}
	documents := 0
	err := filepath.WalkDir(filepath.Join(root, "config", "docs"), func(path string, entry fs.DirEntry, err error) error {
		if err != nil || filepath.Ext(path) != ".md" {
			return err
		}
		documents++
		page, err := filepath.Rel(root, path)
		if !seen[page] {
			t.Errorf("no link leads to %s", page)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	if documents == 0 {
		t.Error("there are no documents: the check looked at nothing")
	}
}

func TestLinksAreFound(t *testing.T) {
	got := links("docs/a.md", "see [b](b.md#part), [c](../c.go) and [the web](https://example.com); [here](#there)")
	if want := []string{"docs/b.md", "c.go"}; !slices.Equal(got, want) {
		t.Errorf("got %q, want %q", got, want)
	}
}
