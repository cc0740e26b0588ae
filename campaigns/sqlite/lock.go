package sqlite

import (
	"errors"
	"fmt"
	"os"
	"strings"

	"golang.org/x/sys/unix"
)

// InUseError means that another process has the store.
type InUseError struct {
	Path string // of the lock file
	PID  string // of the process, "" if unknown
}

func (e *InUseError) Error() string {
	return fmt.Sprintf("sqlite: the store is in use by process %s (lock %s)", e.PID, e.Path)
}

// lockFile takes the lock that keeps a second process out, and writes who has
// it. The kernel frees it when the file is closed, after kill -9 too; the file
// itself stays, because removing it could let two processes in.
func lockFile(path string) (*os.File, error) {
	f, err := os.OpenFile(path, os.O_RDWR|os.O_CREATE, 0o600)
	if err != nil {
		return nil, fmt.Errorf("lock store: %w", err)
	}
	err = unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB)
	if errors.Is(err, unix.EWOULDBLOCK) {
		pid, _ := os.ReadFile(path) // only to say it
		return nil, errors.Join(&InUseError{Path: path, PID: strings.TrimSpace(string(pid))}, f.Close())
	}
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = fmt.Fprintf(f, "%d\n", os.Getpid())
	}
	if err != nil {
		return nil, errors.Join(fmt.Errorf("lock store %s: %w", path, err), f.Close())
	}
	return f, nil
}
