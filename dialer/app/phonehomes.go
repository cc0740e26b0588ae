package app

import (
	"context"
	"encoding/json"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/sip/registrar"
)

// phoneHomes keep over a restart from which addresses phones registered: a whole
// office comes back within the first minute, and must not be taken for a flood.
// The file may be lost: then the first hundred messages of each address decide.
type phoneHomes struct {
	path   string
	phones homesBook
	log    *zap.Logger
	saved  uint64 // version of the homes in the file
}

// homesBook is what the registrar knows.
type homesBook interface {
	Recall([]registrar.Home)
	Homes() (list []registrar.Home, version uint64)
	HomesVersion() uint64
}

// savePause is how long a change may be lost to a crash.
const savePause = 5 * time.Second

// openPhoneHomes tells the registrar what the last process knew.
func openPhoneHomes(path string, phones homesBook, log *zap.Logger) *phoneHomes {
	h := &phoneHomes{path: path, phones: phones, log: log}
	var kept []registrar.Home
	b, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(b, &kept)
	}
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		log.Warn("the addresses of phones are not known from before", zap.Error(err))
	}
	phones.Recall(kept)
	h.saved = phones.HomesVersion()
	return h
}

// run writes the file after changes, until ctx ends.
func (h *phoneHomes) run(ctx context.Context) error {
	tick := time.NewTicker(savePause)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			h.save()
		case <-ctx.Done():
			h.save()
			return context.Cause(ctx)
		}
	}
}

// save writes the file where something changed. It is not flushed to the disk: a
// crash of the machine may lose it, and half a file is never in its place.
func (h *phoneHomes) save() {
	if h.phones.HomesVersion() == h.saved {
		return
	}
	list, version := h.phones.Homes()
	if err := replaceFile(h.path, list); err != nil {
		h.log.Warn("the addresses of phones are not kept", zap.Error(err))
		return
	}
	h.saved = version
}

// replaceFile writes v as JSON in place of a file, in one step.
func replaceFile(path string, v any) error {
	b, err := json.Marshal(v)
	if err != nil {
		return err
	}
	fresh, err := os.CreateTemp(filepath.Dir(path), filepath.Base(path)+"-") // 0600
	if err != nil {
		return err
	}
	_, err = fresh.Write(b)
	if err = errors.Join(err, fresh.Close()); err == nil {
		err = os.Rename(fresh.Name(), path)
	}
	if err != nil {
		err = errors.Join(err, os.Remove(fresh.Name()))
	}
	return err
}
