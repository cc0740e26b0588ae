package webrtc

import (
	"errors"
	"net"
	"net/netip"
	"sync/atomic"
)

// readBuffer holds half a second of packets of 500 browsers.
const readBuffer = 4 << 20

// socket is the one UDP port. To the ICE library it has one address, whatever it is
// bound to: browsers are told ours by the answer. A datagram that cannot be read or
// sent harms nobody but its connection.
type socket struct {
	*net.UDPConn
	local          *net.UDPAddr
	received, sent atomic.Uint64 // datagrams
}

func listen(s settings) (*socket, error) {
	network := "udp4"
	if s.listen.Addr().Is6() {
		network = "udp6"
	}
	conn, err := net.ListenUDP(network, net.UDPAddrFromAddrPort(s.listen))
	if err != nil {
		return nil, err
	}
	_ = conn.SetReadBuffer(readBuffer) // less than asked for is no reason not to serve
	_ = conn.SetWriteBuffer(readBuffer)
	local := *conn.LocalAddr().(*net.UDPAddr)
	if local.IP.IsUnspecified() {
		local.IP = net.IPv4(127, 0, 0, 1)
		if s.listen.Addr().Is6() {
			local.IP = net.IPv6loopback
		}
	}
	return &socket{UDPConn: conn, local: &local}, nil
}

// LocalAddr is the address that the ICE library knows us by.
func (s *socket) LocalAddr() net.Addr { return s.local }

// port is the UDP port in use.
func (s *socket) port() uint16 { return uint16(s.local.Port) }

// ReadFromAddrPort waits for the next datagram; the only error is net.ErrClosed: the
// library stops to read after any.
func (s *socket) ReadFromAddrPort(b []byte) (int, netip.AddrPort, error) {
	for {
		n, from, err := s.ReadFromUDPAddrPort(b)
		if err == nil || errors.Is(err, net.ErrClosed) {
			s.received.Add(1)
			return n, from, err
		}
	}
}

// WriteToAddrPort sends one datagram.
func (s *socket) WriteToAddrPort(b []byte, to netip.AddrPort) (int, error) {
	s.sent.Add(1)
	return s.WriteToUDPAddrPort(b, to)
}
