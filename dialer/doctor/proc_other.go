//go:build !linux

package doctor

import (
	"errors"
	"syscall"
)

// errNoTable means that this system has no table of open sockets that we can read.
var errNoTable = errors.New("no table of sockets")

func openSockets(string) ([]openSocket, error) { return nil, errNoTable }

func socketOwners() map[string]int { return nil }

func readHolder(pid int) holder { return holder{pid: pid} }

func openFiles(int) (limit int, whose string) {
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0, "this shell"
	}
	return int(min(l.Max, 1<<30)), "a product started from this shell"
}

func handedOut() (from, to int, ok bool) { return 0, 0, false }

func reserved() string { return "" }

func fileSystem(path string) (kind string, free int64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return "", 0, err
	}
	return "", int64(s.Bavail) * int64(s.Bsize), nil //nolint:unconvert,gosec // its type differs by system
}
