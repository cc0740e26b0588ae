package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/config"
)

// OpenStore opens the lead store that the configuration names.
func OpenStore(ctx context.Context, cfg config.Config) (Store, error) {
	path, ok := strings.CutPrefix(cfg.Store.URL, "sqlite:")
	if !ok {
		return nil, fmt.Errorf("store.url: %q is not sqlite:PATH", cfg.Store.URL)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(cfg.DataDir, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil { // a command may come before the first start
		return nil, fmt.Errorf("store.url: %w", err)
	}
	s, err := sqlite.Open(ctx, path, sqlite.WithCheck())
	if err != nil {
		return nil, fmt.Errorf("store.url: %w", err)
	}
	return s, nil
}
