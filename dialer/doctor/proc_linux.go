package doctor

import (
	"bufio"
	"bytes"
	"encoding/hex"
	"fmt"
	"net/netip"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
)

// openSockets reads which ports are in use, "udp" or "tcp" (those that listen).
func openSockets(network string) ([]openSocket, error) {
	var all []openSocket
	for _, file := range []string{"/proc/net/" + network, "/proc/net/" + network + "6"} {
		text, err := os.ReadFile(file)
		if os.IsNotExist(err) {
			continue // a machine without IPv6
		}
		if err != nil {
			return nil, err
		}
		all = append(all, readSockets(text, network == "tcp")...)
	}
	return all, nil
}

// readSockets takes a table of the kernel apart: address in the second field, state
// in the fourth, inode in the tenth (proc_pid_net(5)).
func readSockets(table []byte, onlyListening bool) []openSocket {
	const listening = "0A"
	var all []openSocket
	lines := bufio.NewScanner(bytes.NewReader(table))
	for lines.Scan() {
		f := strings.Fields(lines.Text())
		if len(f) < 10 || onlyListening && f[3] != listening {
			continue
		}
		if at, ok := kernelAddress(f[1]); ok {
			all = append(all, openSocket{at, f[9]})
		}
	}
	return all
}

// kernelAddress reads "0100007F:13C4": words of four bytes as this machine has them
// in memory, little-endian on all that we are built for.
func kernelAddress(s string) (netip.AddrPort, bool) {
	host, port, _ := strings.Cut(s, ":")
	b, err := hex.DecodeString(host)
	n, portErr := strconv.ParseUint(port, 16, 16)
	if err != nil || portErr != nil || len(b)%4 != 0 {
		return netip.AddrPort{}, false
	}
	for i := 0; i < len(b); i += 4 {
		b[i], b[i+1], b[i+2], b[i+3] = b[i+3], b[i+2], b[i+1], b[i]
	}
	addr, ok := netip.AddrFromSlice(b)
	return netip.AddrPortFrom(addr.Unmap(), uint16(n)), ok
}

// socketOwners are the processes of all sockets that this user may look at, by inode.
func socketOwners() map[string]int {
	owners := map[string]int{}
	files, _ := filepath.Glob("/proc/[0-9]*/fd/*") // a pattern that is good
	for _, file := range files {
		to, err := os.Readlink(file)
		inode, is := strings.CutPrefix(to, "socket:[")
		pid, pidErr := strconv.Atoi(strings.Split(file, "/")[2])
		if err == nil && is && pidErr == nil {
			owners[strings.TrimSuffix(inode, "]")] = pid
		}
	}
	return owners
}

func readHolder(pid int) holder {
	h := holder{pid: pid}
	if name, err := os.ReadFile(fmt.Sprintf("/proc/%d/comm", pid)); err == nil {
		h.name = strings.TrimSpace(string(name))
	}
	own, _ := os.Stat("/proc/self/exe")
	its, err := os.Stat(fmt.Sprintf("/proc/%d/exe", pid))
	h.product = err == nil && os.SameFile(own, its) || h.name == "outpace"
	return h
}

// openFiles is how many files a process may open: the product, or one that is
// started from here. The limit that Go programs raise themselves to is the hard one.
func openFiles(product int) (limit int, whose string) {
	if text, err := os.ReadFile(fmt.Sprintf("/proc/%d/limits", product)); product > 0 && err == nil {
		for line := range strings.Lines(string(text)) {
			if f := strings.Fields(line); strings.HasPrefix(line, "Max open files") && len(f) > 4 {
				if n, err := strconv.Atoi(f[4]); err == nil {
					return n, fmt.Sprintf("the running product (process %d)", product)
				}
			}
		}
	}
	var l syscall.Rlimit
	if syscall.Getrlimit(syscall.RLIMIT_NOFILE, &l) != nil {
		return 0, "this shell"
	}
	return int(min(l.Max, 1<<30)), "a product started from this shell"
}

// handedOut are the ports that the system gives to whoever asks for any.
func handedOut() (from, to int, ok bool) {
	text, err := os.ReadFile("/proc/sys/net/ipv4/ip_local_port_range")
	if err != nil {
		return 0, 0, false
	}
	n, err := fmt.Sscan(string(text), &from, &to)
	return from, to, n == 2 && err == nil
}

// reserved are the ports that are kept from that, as the kernel writes them.
func reserved() string {
	text, _ := os.ReadFile("/proc/sys/net/ipv4/ip_local_reserved_ports")
	return strings.TrimSpace(string(text))
}

// fileSystem is the kind of file system that a path is on, and the bytes free there.
func fileSystem(path string) (kind string, free int64, err error) {
	var s syscall.Statfs_t
	if err := syscall.Statfs(path, &s); err != nil {
		return "", 0, err
	}
	return fileSystems[uint32(s.Type)], int64(s.Bavail) * s.Bsize, nil //nolint:unconvert,gosec // its type differs by processor
}

// fileSystems are those that a store must not be on, or had better not (statfs(2)).
var fileSystems = map[uint32]string{
	0x6969: "nfs", 0xff534d42: "cifs", 0xfe534d42: "smb2", 0x517b: "smb", 0x01021997: "9p", 0x65735546: "fuse",
	0x01021994: "tmpfs", 0x858458f6: "ramfs", 0x794c7630: "overlay",
}
