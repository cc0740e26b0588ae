package app

import (
	"net/http"

	"github.com/outpace-dialer/outpace/config"
)

// sipOverWebSocket is what phones over WebSocket connect to, nil where none are taken.
func (a *App) sipOverWebSocket(cfg config.Config) http.Handler {
	if !cfg.Phones.WebSocket.Enabled {
		return nil
	}
	return a.phoneUA.WebSocket(cfg.Phones.WebSocket.Origins)
}
