package app

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns/redis"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/config"
)

// OpenStore opens the lead store that the configuration names.
func OpenStore(ctx context.Context, cfg config.Config) (Store, error) {
	open := openSQLite
	if cfg.Store.Redis() {
		open = openRedis
	}
	s, err := open(ctx, cfg)
	if err != nil {
		return nil, fmt.Errorf("store.url: %w", err)
	}
	return s, nil
}

func openSQLite(ctx context.Context, cfg config.Config) (Store, error) {
	path, ok := strings.CutPrefix(cfg.Store.URL, "sqlite:")
	if !ok {
		return nil, fmt.Errorf("%q is not sqlite:PATH", cfg.Store.URL)
	}
	if !filepath.IsAbs(path) {
		path = filepath.Join(cfg.DataDir, path)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o750); err != nil { // a command may come before the first start
		return nil, err
	}
	return sqlite.Open(ctx, path, sqlite.WithCheck())
}

func openRedis(ctx context.Context, cfg config.Config) (Store, error) {
	var opts []redis.Option
	if cfg.Store.Namespace != "" {
		opts = append(opts, redis.WithNamespace(cfg.Store.Namespace))
	}
	if cfg.Store.AcceptWeakerSettings {
		opts = append(opts, redis.AcceptWeakerSettings())
	}
	return redis.Open(ctx, cfg.Store.URL, opts...)
}
