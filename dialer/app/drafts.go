package app

import (
	"encoding/json"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// drafts keep what operators write of a call while they talk: one small file each, so
// that neither a crash of the page nor of the product loses it.
type drafts struct{ dir string }

// draftsFor is how long a draft is kept: it holds what people said.
const draftsFor = 24 * time.Hour

// openDrafts throws away what is too old.
func openDrafts(dir string, now time.Time) (drafts, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return drafts{}, err
	}
	files, err := os.ReadDir(dir)
	for _, f := range files {
		if info, e := f.Info(); e == nil && now.Sub(info.ModTime()) > draftsFor {
			err = errors.Join(err, os.Remove(filepath.Join(dir, f.Name())))
		}
	}
	return drafts{dir}, err
}

// Keep replaces the draft of a user.
func (d drafts) Keep(user campaigns.UserID, draft api.Draft) error {
	return replaceFile(d.path(user), draft)
}

// Draft reads the draft of a user; campaigns.ErrNotFound where there is none, or one
// that is too old.
func (d drafts) Draft(user campaigns.UserID) (api.Draft, error) {
	var draft api.Draft
	b, err := os.ReadFile(d.path(user))
	if errors.Is(err, fs.ErrNotExist) {
		return draft, fmt.Errorf("draft of %s: %w", user, campaigns.ErrNotFound)
	}
	if err == nil {
		err = json.Unmarshal(b, &draft)
	}
	if err == nil && time.Since(draft.At) > draftsFor {
		return api.Draft{}, errors.Join(d.Drop(user), fmt.Errorf("draft of %s: %w", user, campaigns.ErrNotFound))
	}
	return draft, err
}

// Drop throws the draft of a user away, if there is one.
func (d drafts) Drop(user campaigns.UserID) error {
	if err := os.Remove(d.path(user)); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// path is safe: user ids are [a-z0-9-]+.
func (d drafts) path(user campaigns.UserID) string {
	return filepath.Join(d.dir, string(user)+".json")
}
