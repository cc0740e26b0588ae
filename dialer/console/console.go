// Package console is the web pages, embedded: the operator's desk and the manager's live
// page, written in Svelte (src) and built into dist by npm (`make build`). A binary that
// was built without them has the plain folder in their place: the live page as one
// script without any build step, and how to get the rest.
package console

import (
	"bytes"
	"embed"
	"io/fs"
	"net/http"
	"path"
	"slices"
	"strings"
	"time"
)

// dist holds a .gitkeep alone where the pages are not built.
//
//go:embed plain all:dist
var files embed.FS

// Built says whether the pages are in this binary.
func Built() bool {
	_, err := fs.Stat(files, "dist/index.html")
	return err == nil
}

// pagePaths are the page's own: the script looks at the address itself.
var pagePaths = []string{"/", "/desk", "/live", "/campaigns", "/lists", "/calls", "/webhooks"}

// Handler serves the pages and their files, and nothing else.
func Handler() http.Handler {
	folder := "plain"
	if Built() {
		folder = "dist"
	}
	pages, err := fs.Sub(files, folder)
	if err != nil {
		panic(err) // the folder is embedded
	}
	return handler(pages)
}

func handler(pages fs.FS) http.Handler {
	index, err := fs.ReadFile(pages, "index.html")
	if err != nil {
		panic(err) // so is the file
	}
	found := http.FileServerFS(pages)
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if path.Ext(r.URL.Path) == "" && !slices.Contains(pagePaths, r.URL.Path) {
			http.NotFound(w, r)
			return
		}
		if path.Ext(r.URL.Path) != "" {
			if strings.HasPrefix(r.URL.Path, "/assets/") { // named after what is in them
				w.Header().Set("Cache-Control", "public, max-age=31536000, immutable")
			}
			found.ServeHTTP(w, r)
			return
		}
		w.Header().Set("Cache-Control", "no-cache")
		http.ServeContent(w, r, "index.html", time.Time{}, bytes.NewReader(index))
	})
}
