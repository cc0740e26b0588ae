package app

import (
	"context"
	"encoding/json"
	"fmt"
	"net/http"
	"time"

	"github.com/outpace-dialer/outpace/sip/trunk"
)

// adminHandler serves the private listener: metrics, health, readiness.
func (a *App) adminHandler() http.Handler {
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", a.metrics.Handler())
	mux.HandleFunc("GET /healthz", a.health)
	mux.HandleFunc("GET /readyz", a.readiness)
	return mux
}

// aliveWithin is how soon the loop must answer to count as alive.
const aliveWithin = time.Second

// health says whether the process works: does the engine's loop answer?
func (a *App) health(w http.ResponseWriter, r *http.Request) {
	ctx, cancel := context.WithTimeout(r.Context(), aliveWithin)
	defer cancel()
	if _, err := a.engine.Snapshot(ctx); err != nil {
		http.Error(w, "the engine's loop does not answer", http.StatusServiceUnavailable)
		return
	}
	fmt.Fprintln(w, "ok")
}

// readiness says whether calls can be made: 503 while one of these is not so.
func (a *App) readiness(w http.ResponseWriter, r *http.Request) {
	checks := map[string]string{"store": "ok", "trunk": "down", "drain": "ok"}
	ready := true
	if err := a.store.Ping(r.Context()); err != nil {
		checks["store"], ready = err.Error(), false
	}
	if a.node.Term(time.Now()) == 0 {
		checks["node"], ready = "no lease of its name on the store", false
	}
	if a.behind() {
		checks["outcomes"], ready = "some wait for the store", false
	}
	for _, t := range a.trunks.Stats() {
		if t.Up && a.heard(t) {
			checks["trunk"] = "ok"
		}
	}
	if checks["trunk"] != "ok" {
		ready = false
	}
	if a.draining.Load() {
		checks["drain"], ready = "draining", false
	}
	w.Header().Set("Content-Type", "application/json")
	if !ready {
		w.WriteHeader(http.StatusServiceUnavailable)
	}
	_ = json.NewEncoder(w).Encode(checks)
}

// heard says whether a trunk has answered an OPTIONS, where it is asked any: one
// that was never heard counts as up for calls, but nobody knows yet.
func (a *App) heard(t trunk.Stats) bool {
	for _, c := range a.cfg.Trunks {
		if c.Name == t.Trunk {
			return c.OptionsInterval < 0 || t.OptionsRTT > 0
		}
	}
	return false
}
