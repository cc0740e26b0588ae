package sip

import (
	"errors"
	"net"

	"golang.org/x/sys/unix"
)

// tellErrors makes the system keep the ICMP errors that a socket's datagrams meet.
// Without it a socket that talks to many hears of none. An error then also ends one
// read or write of the socket, whoever that was for: see transient.
func tellErrors(conn *net.UDPConn) error {
	raw, err := conn.SyscallConn()
	if err != nil {
		return err
	}
	var v4, v6 error
	if err := raw.Control(func(fd uintptr) {
		v4 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IP, unix.IP_RECVERR, 1)
		v6 = unix.SetsockoptInt(int(fd), unix.IPPROTO_IPV6, unix.IPV6_RECVERR, 1)
	}); err != nil {
		return err
	}
	if v4 != nil && v6 != nil {
		return v4
	}
	return nil
}

// undelivered gives what the kept errors quote of our datagrams to told.
func undelivered(conn *net.UDPConn, told func([]byte)) {
	raw, err := conn.SyscallConn()
	if err != nil {
		return
	}
	var quoted [2048]byte
	var control [512]byte
	for range maxErrors {
		n := -1
		if err := raw.Control(func(fd uintptr) {
			n, _, _, _, err = unix.Recvmsg(int(fd), quoted[:], control[:], unix.MSG_ERRQUEUE|unix.MSG_DONTWAIT)
		}); err != nil || n < 0 {
			return
		}
		if n > 0 {
			told(quoted[:n])
		}
	}
}

// maxErrors bounds what is read of the kept errors in one go.
const maxErrors = 64

// transient says whether an error of a write is an ICMP error of an earlier one.
func transient(err error) bool {
	return errors.Is(err, unix.ECONNREFUSED) || errors.Is(err, unix.EHOSTUNREACH) || errors.Is(err, unix.ENETUNREACH)
}
