package rtp

import (
	"encoding/binary"
	"net"
	"net/netip"
	"os"
	"sync/atomic"
	"unsafe"

	"golang.org/x/sys/unix"
)

// rawSocket is a UDP socket that Go's runtime does not know: it would wait for it too.
type rawSocket struct {
	engine *epoll
	shard  *shard // once it is served
	fd     int
	own    int // port
	six    bool
	seat   int32 // in the shard
	hears  hearer
	gone   func()

	// users counts who is in a system call on fd, or hears what was read of it, and
	// has closing in it once nobody else may. The last one closes fd, so that nothing
	// is ever read from or sent to whoever is given the same number next.
	users  atomic.Int64
	closed atomic.Bool
}

// What users has in it once the socket is to close, and once it has.
const (
	closing = 1 << 32
	ended   = 1 << 40
)

func listenRaw(e *epoll, address netip.Addr, port int) (socket, error) {
	family := unix.AF_INET
	if address.Is6() {
		family = unix.AF_INET6
	}
	fd, err := unix.Socket(family, unix.SOCK_DGRAM|unix.SOCK_NONBLOCK|unix.SOCK_CLOEXEC, unix.IPPROTO_UDP)
	if err != nil {
		return nil, os.NewSyscallError("socket", err)
	}
	r := &rawSocket{engine: e, fd: fd, six: address.Is6()}
	if r.six {
		_ = unix.SetsockoptInt(fd, unix.IPPROTO_IPV6, unix.IPV6_V6ONLY, 1)
	}
	// A smaller buffer than asked for is no reason to refuse a call.
	_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, readBuffer)
	if err := r.bind(address, port); err != nil {
		unix.Close(fd)
		return nil, err
	}
	return r, nil
}

func (r *rawSocket) bind(address netip.Addr, port int) error {
	var to unix.Sockaddr
	if r.six {
		to = &unix.SockaddrInet6{Port: port, Addr: address.As16()}
	} else {
		to = &unix.SockaddrInet4{Port: port, Addr: address.As4()}
	}
	if err := unix.Bind(r.fd, to); err != nil {
		return os.NewSyscallError("bind", err)
	}
	if r.own = port; port != 0 {
		return nil
	}
	name, err := unix.Getsockname(r.fd)
	if err != nil {
		return os.NewSyscallError("getsockname", err)
	}
	switch name := name.(type) {
	case *unix.SockaddrInet4:
		r.own = name.Port
	case *unix.SockaddrInet6:
		r.own = name.Port
	}
	return nil
}

// serve is heard by a shard. Where the system refuses, nothing is heard, and
// the leg is told of that by the silence that follows.
func (r *rawSocket) serve(hear hearer, gone func()) {
	r.hears, r.gone, r.shard = hear, gone, r.engine.choose()
	_ = r.shard.add(r)
}

func (r *rawSocket) port() int { return r.own }

func (r *rawSocket) close() {
	if r.closed.CompareAndSwap(false, true) {
		r.users.Add(closing)
		r.endIfAlone()
	}
}

// hold keeps fd open until release; false where it is closed, or about to be.
func (r *rawSocket) hold() bool {
	if r.users.Add(1) < closing {
		return true
	}
	r.release()
	return false
}

func (r *rawSocket) release() {
	if r.users.Add(-1) >= closing {
		r.endIfAlone()
	}
}

func (r *rawSocket) endIfAlone() {
	if !r.users.CompareAndSwap(closing, ended) {
		return
	}
	if r.gone != nil {
		r.shard.remove(r)
		defer r.gone()
	}
	unix.Close(r.fd)
}

// receive reads one datagram; false where there is none, or the system tells of one
// before it, such as one that was refused.
func (r *rawSocket) receive(b []byte, peer *unix.RawSockaddrInet6) (int, netip.AddrPort, bool) {
	size := uint32(unix.SizeofSockaddrInet6)
	n, _, e := unix.RawSyscall6(unix.SYS_RECVFROM, uintptr(r.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0,
		uintptr(unsafe.Pointer(peer)), uintptr(unsafe.Pointer(&size)))
	if e != 0 {
		return 0, netip.AddrPort{}, false
	}
	if r.six {
		return int(n), netip.AddrPortFrom(netip.AddrFrom16(peer.Addr).Unmap(), swap(peer.Port)), true
	}
	four := (*unix.RawSockaddrInet4)(unsafe.Pointer(peer))
	return int(n), netip.AddrPortFrom(netip.AddrFrom4(four.Addr), swap(four.Port)), true
}

func (r *rawSocket) send(b []byte, to netip.AddrPort) error {
	if !r.hold() {
		return net.ErrClosed
	}
	var e unix.Errno
	if r.six {
		peer := unix.RawSockaddrInet6{Family: unix.AF_INET6, Port: swap(to.Port()), Addr: to.Addr().As16()}
		_, _, e = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(r.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0,
			uintptr(unsafe.Pointer(&peer)), unix.SizeofSockaddrInet6)
	} else {
		peer := unix.RawSockaddrInet4{Family: unix.AF_INET, Port: swap(to.Port()), Addr: to.Addr().As4()}
		_, _, e = unix.RawSyscall6(unix.SYS_SENDTO, uintptr(r.fd), uintptr(unsafe.Pointer(&b[0])), uintptr(len(b)), 0,
			uintptr(unsafe.Pointer(&peer)), unix.SizeofSockaddrInet4)
	}
	r.release()
	if e != 0 {
		return os.NewSyscallError("sendto", e)
	}
	return nil
}

// swap turns a port into network order and back.
func swap(port uint16) uint16 {
	var b [2]byte
	binary.BigEndian.PutUint16(b[:], port)
	return binary.NativeEndian.Uint16(b[:])
}
