package app

import (
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/config"
)

// othersRights are those of everybody but the owner of a file.
const othersRights fs.FileMode = 0o077

// tightenData takes the rights of others off the files and folders that the product keeps
// people's data in: versions before this one let them be read. What cannot be changed is no
// reason not to start.
func tightenData(cfg config.Config, log *zap.Logger) {
	var t tightening
	for _, dir := range dataFolders(cfg) {
		t.tree(dir)
	}
	t.beside(cfg)
	t.one(cfg.DataDir) // last: what is in it must be reached before
	if t.changed > 0 {
		log.Warn("people's data could be read by other users of this machine: that is over", zap.Int("files", t.changed), zap.String("first", t.first))
	}
	if len(t.failed) > 0 {
		log.Error("people's data can be read by other users of this machine: change the owner or the rights", zap.Int("files", len(t.failed)), zap.Error(t.failed[0]))
	}
}

// dataFolders are the folders that the product makes and fills.
func dataFolders(cfg config.Config) []string {
	dirs := []string{recordDir(cfg), samplesDir(cfg)}
	for _, name := range []string{"outcomes", "legs", "drafts", "tls"} {
		dirs = append(dirs, filepath.Join(cfg.DataDir, name))
	}
	if store, err := StorePath(cfg); err == nil {
		dirs = append(dirs, journalPath(cfg, store))
	}
	if acme := cfg.HTTP.TLS.ACME; acme != nil && acme.Cache != "" {
		dirs = append(dirs, acme.Cache)
	}
	return dirs
}

// tightening counts what it did.
type tightening struct {
	changed int
	first   string
	failed  []error
}

// beside are the single files: the store with its log, lock and copies set aside, and
// where phones are.
func (t *tightening) beside(cfg config.Config) {
	store, err := StorePath(cfg)
	if err != nil {
		store = ""
	}
	for _, path := range []string{store, filepath.Join(cfg.DataDir, "phones.json"), filepath.Join(cfg.DataDir, "node.lock")} {
		files, _ := os.ReadDir(filepath.Dir(path)) // none: nothing to tighten
		for _, f := range files {
			if name := filepath.Base(path); path != "" && f.Type().IsRegular() && (f.Name() == name || strings.HasPrefix(f.Name(), name+"-") || strings.HasPrefix(f.Name(), name+".")) {
				t.one(filepath.Join(filepath.Dir(path), f.Name()))
			}
		}
	}
}

// tree tightens a folder and all in it, but nothing that a symbolic link leads to.
func (t *tightening) tree(dir string) {
	err := filepath.WalkDir(dir, func(path string, entry fs.DirEntry, err error) error {
		switch {
		case errors.Is(err, fs.ErrNotExist): // the folder is not there yet, or a file has gone
		case err != nil:
			t.failed = append(t.failed, err)
		case entry.IsDir() || entry.Type().IsRegular():
			t.one(path)
		}
		return nil
	})
	if err != nil {
		t.failed = append(t.failed, err)
	}
}

// one tightens a file or a folder. A folder that is everybody's, such as /tmp, is left as
// it is.
func (t *tightening) one(path string) {
	info, err := os.Stat(path)
	if err == nil && info.Mode()&othersRights != 0 && info.Mode()&fs.ModeSticky == 0 {
		if err = os.Chmod(path, info.Mode().Perm()&^othersRights); err == nil {
			if t.changed == 0 {
				t.first = path
			}
			t.changed++
		}
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.failed = append(t.failed, err)
	}
}
