package plane

import (
	"runtime"

	"golang.org/x/sys/unix"
)

// prefer gives the goroutine that calls it a thread of its own, with the configured
// priority, and says whether it has. The thread ends with the goroutine.
func (p *Plane) prefer() bool {
	if p.Nice == 0 {
		return false
	}
	runtime.LockOSThread()
	if err := unix.Setpriority(unix.PRIO_PROCESS, unix.Gettid(), p.Nice); err != nil {
		runtime.UnlockOSThread()
		p.notPreferred.Do(func() {
			p.log.Warn("audio has no priority of its own: nice below 0 needs CAP_SYS_NICE or a limit that allows it (LimitNICE of systemd)",
				"nice", p.Nice, "error", err)
		})
		return false
	}
	return true
}
