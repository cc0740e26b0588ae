package rtp

import (
	"errors"
	"net"
	"net/netip"
	"syscall"
)

// readBuffer holds more than a second of packets of one leg.
const readBuffer = 128 << 10

func listen(address netip.Addr, port int) (*net.UDPConn, error) {
	network := "udp4"
	if address.Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(netip.AddrPortFrom(address, uint16(port))))
	if err != nil {
		return nil, err
	}
	// A smaller buffer than asked for is no reason to refuse a call.
	_ = conn.SetReadBuffer(readBuffer)
	return conn, nil
}

func inUse(err error) bool {
	return errors.Is(err, syscall.EADDRINUSE) || errors.Is(err, syscall.EACCES)
}
