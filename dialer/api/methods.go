package api

import (
	"net/http"
	"slices"
	"strings"
)

// methodsAsked are those that a route may have. HEAD is where GET is.
var methodsAsked = []string{http.MethodGet, http.MethodPost, http.MethodPut, http.MethodPatch, http.MethodDelete}

// apiRoot is where every route of the API is below.
const apiRoot = "/api/"

// noRoute answers what no route takes: 405 with Allow where the path has routes of other
// methods, else 404.
func noRoute(mux *http.ServeMux) http.HandlerFunc {
	return func(w http.ResponseWriter, r *http.Request) {
		allowed := methodsAt(mux, r)
		if len(allowed) == 0 {
			refuse(w, http.StatusNotFound, "there is no such route")
			return
		}
		w.Header().Set("Allow", strings.Join(allowed, ", "))
		refuse(w, http.StatusMethodNotAllowed, "this path takes "+strings.Join(allowed, ", "))
	}
}

// methodsAt are the methods that a path has a route of.
func methodsAt(mux *http.ServeMux, r *http.Request) (all []string) {
	for _, method := range methodsAsked {
		asked := r.WithContext(r.Context()) // a copy
		asked.Method = method
		if _, pattern := mux.Handler(asked); pattern == apiRoot {
			continue
		}
		all = append(all, method)
	}
	if slices.Contains(all, http.MethodGet) {
		all = slices.Insert(all, 1, http.MethodHead)
	}
	return all
}
