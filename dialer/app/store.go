package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns/journal"
	"github.com/outpace-dialer/outpace/campaigns/redis"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/config"
)

// OpenStore opens the lead store that the configuration names.
func OpenStore(ctx context.Context, cfg config.Config) (Store, error) {
	if cfg.Store.Redis() {
		s, err := openRedis(ctx, cfg)
		if err != nil {
			return nil, fmt.Errorf("store.url: %w", err)
		}
		return s, nil
	}
	return openSQLite(ctx, cfg)
}

// ReadStore opens the lead store for somebody who only asks. Where a running product has
// it, it is read beside that, and what writes is refused.
func ReadStore(ctx context.Context, cfg config.Config) (Store, error) {
	s, err := OpenStore(ctx, cfg)
	if _, inUse := errors.AsType[*sqlite.InUseError](err); !inUse {
		return s, err
	}
	path, err := StorePath(cfg)
	if err != nil {
		return nil, err
	}
	beside, err := sqlite.OpenBeside(ctx, path)
	if err != nil {
		return nil, fmt.Errorf("store.url: %w", err)
	}
	return beside, nil
}

// openSQLite opens the store in a file, with the journal of what was dialled: after
// a restore, whatever opens the store first brings it up to date.
func openSQLite(ctx context.Context, cfg config.Config) (Store, error) {
	path, err := StorePath(cfg)
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil { // a command may come before the first start
		return nil, fmt.Errorf("store.url: %w", err)
	}
	plain, err := sqlite.Open(ctx, path, sqlite.WithCheck())
	if err != nil {
		return nil, fmt.Errorf("store.url: %w", err)
	}
	j, err := journal.Open(journalPath(cfg, path))
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store.journal: %w", err), plain.Close())
	}
	s, err := journal.Attach(ctx, plain, j)
	if err != nil {
		return nil, errors.Join(fmt.Errorf("store.journal: %w", err), j.Close(), plain.Close())
	}
	return s, nil
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

// StorePath is the file of the store.
func StorePath(cfg config.Config) (string, error) {
	path, ok := strings.CutPrefix(cfg.Store.URL, "sqlite:")
	if !ok {
		return "", fmt.Errorf("store.url: %s is no file of ours: copies of it are made and put back by its own tools", cfg.Store.Hidden())
	}
	return inside(cfg.DataDir, path), nil
}

// journalPath is the folder of the journal.
func journalPath(cfg config.Config, store string) string {
	return inside(cfg.DataDir, cmp.Or(cfg.Store.Journal, store+".journal"))
}

func inside(dir, path string) string {
	if filepath.IsAbs(path) {
		return path
	}
	return filepath.Join(dir, path)
}

// tellReplay logs what the journal knew and the store did not.
func (a *App) tellReplay() {
	s, ok := a.store.(*journal.Store)
	if !ok {
		return
	}
	r := s.Report()
	if r.Attempts > 0 {
		a.log.Warn("the store is an older copy: calls made since were written to it again", zap.Int("attempts", r.Attempts))
	}
	if len(r.Held) > 0 {
		a.log.Error("campaigns are on hold: their past is not known", zap.Any("campaigns", r.Held), zap.String("gap", r.Gap), zap.Any("strangers", r.Strange))
	}
}
