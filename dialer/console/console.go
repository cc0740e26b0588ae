// Package console is the web pages, embedded. Until the console is built there
// is one plain page, live.html, without any build step: it signs in, follows the
// live stream and changes the pace.
package console

import (
	"embed"
	"io/fs"
	"net/http"
)

//go:embed plain
var files embed.FS

// Handler serves the pages.
func Handler() http.Handler {
	plain, err := fs.Sub(files, "plain")
	if err != nil {
		panic(err) // the folder is embedded
	}
	return http.FileServerFS(plain)
}
