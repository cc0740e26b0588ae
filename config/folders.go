package config

import (
	"cmp"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"golang.org/x/sys/unix"
)

// CheckFolders says which folders of a configuration the product could not write to, as
// the user who asks. file is the one that c was read from: errors name the place in it.
func CheckFolders(file string, c Config) error {
	text, _ := os.ReadFile(file) // without it errors name no line
	f := read(file, text)
	var lines []string
	for _, d := range c.Folders() {
		if err := writable(d.Path); err != nil {
			line, column, _ := f.find(d.Key)
			lines = append(lines, f.at(line, column, fmt.Sprintf("%s: %v", d.Key, err)))
		}
	}
	if dir := c.Media.PromptDir; dir != "" {
		if _, err := os.ReadDir(dir); err != nil {
			line, column, _ := f.find("media.prompt_dir")
			lines = append(lines, f.at(line, column, fmt.Sprintf("media.prompt_dir: %v", err)))
		}
	}
	if len(lines) > 0 {
		return errors.New(strings.Join(lines, "\n"))
	}
	return nil
}

// Folder is one that the product writes to, or makes.
type Folder struct{ Key, Path string }

// Folders are those, each once: one inside data_dir only where it is there.
func (c Config) Folders() []Folder {
	all := []Folder{{"data_dir", c.DataDir}}
	inside := func(path string) string {
		if filepath.IsAbs(path) {
			return path
		}
		return filepath.Join(c.DataDir, path)
	}
	if path, ok := strings.CutPrefix(c.Store.URL, "sqlite:"); ok {
		all = append(all, Folder{"store.url", filepath.Dir(inside(path))}, Folder{"store.journal", inside(cmp.Or(c.Store.Journal, path+".journal"))})
	}
	if c.Media.RecordDir != "" {
		all = append(all, Folder{"media.record_dir", c.Media.RecordDir})
	}
	if acme := c.HTTP.TLS.ACME; acme != nil && acme.Cache != "" {
		all = append(all, Folder{"http.tls.acme.cache", acme.Cache})
	}
	var once []Folder // what is wrong with data_dir is said of that alone
	for i, d := range all {
		part, err := filepath.Rel(c.DataDir, d.Path)
		inData := err == nil && filepath.IsLocal(part)
		if i == 0 || !inData || part != "." && d.isThere() {
			once = append(once, d)
		}
	}
	return once
}

func (d Folder) isThere() bool {
	_, err := os.Stat(d.Path)
	return err == nil
}

// writable says why files cannot be made in a folder; where it is not there yet, why it
// cannot be made.
func writable(dir string) error {
	at := filepath.Clean(dir)
	for {
		info, err := os.Stat(at)
		if (errors.Is(err, fs.ErrNotExist) || errors.Is(err, unix.ENOTDIR)) && at != filepath.Dir(at) {
			at = filepath.Dir(at)
			continue
		}
		if err == nil && !info.IsDir() {
			err = fmt.Errorf("%s is no folder", at)
		}
		if err == nil {
			err = unix.Access(at, unix.W_OK|unix.X_OK)
			if err != nil {
				err = fmt.Errorf("nothing can be written to %s: %w", at, err)
			}
		}
		return err
	}
}
