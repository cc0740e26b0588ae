package app

import (
	"bufio"
	"bytes"
	"fmt"
	"math"
	"os"
	"path"
	"runtime/debug"
	"strconv"
	"strings"
)

// garbagePercent is how much may be thrown away before it is collected, in percent of
// what is in use. Little is in use for long and much is thrown away with each call, so
// that more room makes calls cheaper by nearly all that collecting costs.
const garbagePercent = 300

// EaseCollector gives the process's garbage collector more room than Go does by itself,
// and bounds it: from three quarters of the memory that the machine, or a control group
// of it, has for us, it collects as often as it must. What the environment says by GOGC
// and GOMEMLIMIT holds. For main: it is of the whole process.
func EaseCollector() {
	if os.Getenv("GOGC") == "" {
		debug.SetGCPercent(garbagePercent)
	}
	if os.Getenv("GOMEMLIMIT") != "" {
		return
	}
	if most := memoryFor(os.ReadFile); most < math.MaxInt64 {
		debug.SetMemoryLimit(most / 4 * 3)
	}
}

// memoryFor is how many bytes this process may use: those of the machine, or fewer where
// a control group (version 2) that it is in says so; MaxInt64 where the system does not
// tell.
func memoryFor(read func(path string) ([]byte, error)) int64 {
	most := int64(math.MaxInt64)
	if text, err := read("/proc/meminfo"); err == nil {
		var kB int64
		if _, err := fmt.Sscanf(string(text), "MemTotal: %d kB", &kB); err == nil && kB > 0 {
			most = kB << 10
		}
	}
	groups, err := read("/proc/self/cgroup")
	if err != nil {
		return most
	}
	for lines := bufio.NewScanner(bytes.NewReader(groups)); lines.Scan(); {
		group, ok := strings.CutPrefix(lines.Text(), "0::")
		for ; ok && path.IsAbs(group); group = path.Dir(group) { // each one above holds too
			if text, err := read(path.Join("/sys/fs/cgroup", group, "memory.max")); err == nil {
				if n, err := strconv.ParseInt(strings.TrimSpace(string(text)), 10, 64); err == nil && n > 0 { // else "max"
					most = min(most, n)
				}
			}
			if group == "/" {
				break
			}
		}
	}
	return most
}
