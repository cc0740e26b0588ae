package config

import (
	"fmt"
	"net/url"
	"strings"
	"time"
)

// Store says where leads are kept.
type Store struct {
	// URL is "sqlite:PATH", relative paths are inside data_dir, or
	// "redis://USER:PASSWORD@HOST:PORT/0" (rediss for TLS), which several machines
	// may share. Default "sqlite:outpace.db".
	URL string `yaml:"url"`
	// Namespace begins every key in Redis, so that several stores can share it;
	// default "outpace".
	Namespace string `yaml:"namespace"`
	// AcceptWeakerSettings takes a Redis that may lose what it acknowledged.
	AcceptWeakerSettings bool `yaml:"accept_weaker_settings"`
	// Journal is the folder of the journal of what was dialled, which outlives the
	// store; relative paths are inside data_dir. Default: beside the store, its name
	// with ".journal". Another disk is better.
	Journal string `yaml:"journal"`
	// JournalKeep is how old a copy of the store may be that is put back without
	// campaigns being held; default 2160h, 0 keeps everything.
	JournalKeep time.Duration `yaml:"journal_keep"`
}

// Redis says whether the store is on Redis.
func (s Store) Redis() bool {
	return strings.HasPrefix(s.URL, "redis://") || strings.HasPrefix(s.URL, "rediss://")
}

// Hidden is the URL without its password.
func (s Store) Hidden() string {
	u, err := url.Parse(s.URL)
	if err != nil || u.User == nil {
		return s.URL
	}
	u.User = url.UserPassword(u.User.Username(), "hidden")
	return u.String()
}

func (s Store) validate() error {
	if path, ok := strings.CutPrefix(s.URL, "sqlite:"); ok && path != "" {
		return nil
	}
	u, err := url.Parse(s.URL)
	if !s.Redis() || err != nil || u.Host == "" {
		// The text may hold a password, so only what it begins with is told.
		scheme, _, _ := strings.Cut(s.URL, ":")
		return fmt.Errorf("url: %q... is neither sqlite:PATH nor redis://HOST:PORT", scheme)
	}
	if strings.ContainsAny(s.Namespace, "{}") {
		return fmt.Errorf("namespace: %q has braces, which name slots of a cluster", s.Namespace)
	}
	return nil
}
