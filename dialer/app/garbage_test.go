package app

import (
	"io/fs"
	"math"
	"testing"
)

func TestMemoryFor(t *testing.T) {
	const machine = "MemTotal:        8150332 kB\nMemFree:         1131264 kB\n"
	for _, c := range []struct {
		name  string
		files map[string]string
		want  int64
	}{
		{"unknown", nil, math.MaxInt64},
		{"machine", map[string]string{"/proc/meminfo": machine}, 8150332 << 10},
		{"no limit in the group", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "max\n",
		}, 8150332 << 10},
		{"container", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "0::/\n", "/sys/fs/cgroup/memory.max": "536870912\n",
		}, 512 << 20},
		{"slice above a service", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "1:name=systemd:/x\n0::/system.slice/outpace.service\n",
			"/sys/fs/cgroup/system.slice/outpace.service/memory.max": "2147483648\n",
			"/sys/fs/cgroup/system.slice/memory.max":                 "1073741824\n",
		}, 1 << 30},
		{"more than there is", map[string]string{
			"/proc/meminfo": machine, "/proc/self/cgroup": "0::/a\n", "/sys/fs/cgroup/a/memory.max": "99999999999999\n",
		}, 8150332 << 10},
		{"odd", map[string]string{
			"/proc/meminfo": "MemTotal: many\n", "/proc/self/cgroup": "0::a/b\n0::\n0::/c/..", "/sys/fs/cgroup/c/memory.max": "-1",
		}, math.MaxInt64},
	} {
		t.Run(c.name, func(t *testing.T) {
			got := memoryFor(func(path string) ([]byte, error) {
				if text, ok := c.files[path]; ok {
					return []byte(text), nil
				}
				return nil, fs.ErrNotExist
			})
			if got != c.want {
				t.Errorf("memoryFor = %d, want %d", got, c.want)
			}
		})
	}
}
