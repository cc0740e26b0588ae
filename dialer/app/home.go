package app

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// home is the data folder of a process on a shared store. One process at a time
// has it, by a lock that the kernel frees when the process dies.
type home struct{ lock *os.File }

// openHome locks a data folder.
func openHome(dir string) (*home, error) {
	path := filepath.Join(dir, "node.lock")
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		return nil, errors.Join(fmt.Errorf("data_dir: another process has %s: each needs a folder of its own", dir), f.Close())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("data_dir: lock %s: %w", path, err), f.Close())
	}
	return &home{f}, nil
}

// name tells this folder from every other in the world for as long as the machine
// is up: who has it follows a dead process. Empty where that cannot be said.
func (h *home) name() string {
	if h == nil {
		return ""
	}
	boot, err := os.ReadFile("/proc/sys/kernel/random/boot_id") // Linux; a copy of a machine has another
	if err != nil {
		return ""
	}
	var s unix.Stat_t
	if err := unix.Fstat(int(h.lock.Fd()), &s); err != nil {
		return ""
	}
	return fmt.Sprintf("%.36s/%d/%d", boot, s.Dev, s.Ino)
}

func (h *home) close() error {
	if h == nil {
		return nil
	}
	return h.lock.Close()
}
