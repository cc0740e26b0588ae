package console

import (
	"bytes"
	"compress/gzip"
	"io"
	"io/fs"
	"net/http/httptest"
	"os"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

func get(t *testing.T, pages fstest.MapFS, path string) (status int, body, cache string) {
	t.Helper()
	w := httptest.NewRecorder()
	handler(pages).ServeHTTP(w, httptest.NewRequest("GET", path, nil))
	return w.Code, w.Body.String(), w.Header().Get("Cache-Control")
}

// The pages' own paths are all the one page; files are files; what is neither is not
// found.
func TestHandler(t *testing.T) {
	pages := fstest.MapFS{"index.html": {Data: []byte("the page")}, "assets/a-1.js": {Data: []byte("script")}}
	for _, c := range []struct {
		path, want string
		status     int
		cache      string
	}{
		{"/", "the page", 200, "no-cache"},
		{"/desk", "the page", 200, "no-cache"},
		{"/live", "the page", 200, "no-cache"},
		{"/assets/a-1.js", "script", 200, "public, max-age=31536000, immutable"},
		{"/missing.js", "404 page not found\n", 404, ""},
		{"/metrics", "404 page not found\n", 404, ""}, // of the private listener
		{"/assets/", "404 page not found\n", 404, ""}, // no list of files
		{"/assets", "404 page not found\n", 404, ""},
		{"/api/v1/nothing", "404 page not found\n", 404, ""},
	} {
		status, body, cache := get(t, pages, c.path)
		if status != c.status || body != c.want || cache != c.cache {
			t.Errorf("%s: %d %q %q, want %d %q %q", c.path, status, body, cache, c.status, c.want, c.cache)
		}
	}
}

// A binary without the built pages says how to get them, and has the live page.
func TestPlain(t *testing.T) {
	page, err := files.ReadFile("plain/index.html")
	if err != nil {
		t.Fatal(err)
	}
	for _, want := range []string{"make build", "Node", `src="/live.js"`} {
		if !strings.Contains(string(page), want) {
			t.Errorf("the plain page lacks %q", want)
		}
	}
}

// firstPaint is how much script may stand before the first paint of an operator's desk,
// compressed.
const firstPaint = 60_000

// TestBuilt holds the built pages to their size and to the content security policy: no
// script and no style in the page itself.
func TestBuilt(t *testing.T) {
	if !Built() {
		if os.Getenv("OUTPACE_REQUIRE_TOOLS") == "1" {
			t.Fatal("the console is not built: make build")
		}
		t.Skip("the console is not built: make build")
	}
	page, err := files.ReadFile("dist/index.html")
	if err != nil {
		t.Fatal(err)
	}
	if inline := regexp.MustCompile(`<script[^>]*>[^<]|<style|\son\w+=|\sstyle=`).Find(page); inline != nil {
		t.Errorf("the page has %q, which its content security policy forbids", inline)
	}
	scripts, err := fs.Glob(files, "dist/assets/Desk-*.js")
	if err != nil || len(scripts) != 1 {
		t.Fatalf("the desk's script is %q, %v", scripts, err)
	}
	for _, m := range regexp.MustCompile(`(?:src|href)="/(assets/[^"]+\.js)"`).FindAllSubmatch(page, -1) {
		scripts = append(scripts, "dist/"+string(m[1]))
	}
	size := 0
	for _, name := range scripts {
		script, err := files.ReadFile(name)
		if err != nil {
			t.Fatal(err)
		}
		var small bytes.Buffer
		z := gzip.NewWriter(&small)
		if _, err := io.Copy(z, bytes.NewReader(script)); err != nil {
			t.Fatal(err)
		}
		if err := z.Close(); err != nil {
			t.Fatal(err)
		}
		size += small.Len()
	}
	t.Logf("script before the first paint: %d bytes compressed", size)
	if len(scripts) < 2 || size > firstPaint {
		t.Errorf("script before the first paint: %d bytes compressed in %q, want at most %d, and the page's own", size, scripts, firstPaint)
	}
}
