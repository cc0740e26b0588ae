package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// Each path takes the methods that the document has for it, and HEAD where GET is; of
// another one it says which they are.
func TestMethods(t *testing.T) {
	w := newWorldWith(t, Config{LoginsPerMinute: 1000, RequestsPerSecond: 100_000})
	w.fill(t)
	methods, at := map[string][]string{}, map[string]string{}
	for _, route := range w.routes(t) {
		method, path, _ := strings.Cut(route, " ")
		at[path] = matrix[route].path
		if at[path] == "" {
			at[path] = path
		}
		methods[path] = append(methods[path], method)
		if method == http.MethodGet {
			methods[path] = append(methods[path], http.MethodHead)
		}
	}
	for path := range methods {
		var takes []string
		for pattern, all := range methods {
			if fits(at[path], pattern) {
				takes = append(takes, all...)
			}
		}
		slices.Sort(takes)
		takes = slices.Compact(takes)
		for _, method := range []string{"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PROPFIND"} {
			if slices.Contains(takes, method) {
				continue
			}
			got := w.send(t, w.tokens["ada"], method, at[path], nil, nil).want(t, http.StatusMethodNotAllowed)
			allowed := strings.Split(got.header.Get("Allow"), ", ")
			slices.Sort(allowed)
			if diff := cmp.Diff(takes, allowed); diff != "" {
				t.Errorf("%s %s: Allow (-document +got):\n%s", method, path, diff)
			}
			if method != "HEAD" && (got.header.Get("Content-Type") != problemType || !strings.Contains(got.body, `"code":"method_not_allowed"`)) {
				t.Errorf("%s %s: %s %s", method, path, got.header.Get("Content-Type"), got.body)
			}
		}
	}
	for _, path := range []string{"/api/v1/nothing", "/api/v2/lists", "/api/", "/api/v1/lists/web/nothing"} {
		for _, method := range []string{"GET", "POST", "DELETE"} {
			got := w.send(t, w.tokens["ada"], method, path, nil, nil).want(t, http.StatusNotFound)
			if allow := got.header.Get("Allow"); allow != "" {
				t.Errorf("%s %s: Allow %q of a path that is not there", method, path, allow)
			}
		}
	}
}

// fits says whether a path is one of a pattern: /leads/export is one of /leads/{id} too.
func fits(path, pattern string) bool {
	path, _, _ = strings.Cut(path, "?")
	parts, wanted := strings.Split(path, "/"), strings.Split(pattern, "/")
	return slices.EqualFunc(parts, wanted, func(part, want string) bool { return part == want || strings.HasPrefix(want, "{") })
}

// HEAD says what GET says, without its body, and ends at once where GET goes on for ever.
func TestHead(t *testing.T) {
	w := newWorldWith(t, Config{LoginsPerMinute: 1000, RequestsPerSecond: 100_000})
	w.fill(t)
	for _, route := range w.routes(t) {
		method, path, _ := strings.Cut(route, " ")
		if method != http.MethodGet || path == "/api/v1/events" { // a WebSocket is not asked for by HEAD
			continue
		}
		row := matrix[route]
		if row.path != "" {
			path = row.path
		}
		got := w.send(t, w.tokens["ada"], http.MethodHead, path, nil, nil)
		if got.status != row.want || got.body != "" {
			t.Errorf("HEAD %s: status %d with %d bytes, want %d without any", path, got.status, len(got.body), row.want)
		}
		if path == "/api/v1/events/stream" {
			continue
		}
		if want := w.send(t, w.tokens["ada"], http.MethodGet, path, nil, nil); got.header.Get("Content-Type") != want.header.Get("Content-Type") || got.header.Get("ETag") != want.header.Get("ETag") {
			t.Errorf("HEAD %s: %v, GET has %v", path, got.header, want.header)
		}
	}
	w.send(t, "", http.MethodHead, "/api/v1/lists", nil, nil).want(t, http.StatusUnauthorized)
}
