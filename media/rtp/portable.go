package rtp

import (
	"errors"
	"net"
	"net/netip"
	"time"
)

// portable leaves waiting to Go: a goroutine for each socket.
type portable struct{}

func (portable) listen(address netip.Addr, port int) (socket, error) {
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
	return connection{conn}, nil
}

func (portable) Close() {}

// connection is a socket that Go's runtime waits for.
type connection struct{ conn *net.UDPConn }

func (c connection) serve(hear hearer, gone func()) { go c.receive(hear, gone) }

// tooManyFailures in a row mean that the socket is broken. The leg is told of that by
// the silence that follows.
const tooManyFailures = 100

func (c connection) receive(hear hearer, gone func()) {
	defer gone()
	var buffer [maxDatagram]byte
	for failures := 0; failures < tooManyFailures; {
		n, from, err := c.conn.ReadFromUDPAddrPort(buffer[:])
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil { // of one datagram, such as a refused one before it
			failures++
			continue
		}
		failures = 0
		hear(buffer[:n], netip.AddrPortFrom(from.Addr().Unmap(), from.Port()), time.Now())
	}
}

func (c connection) send(b []byte, to netip.AddrPort) error {
	_, err := c.conn.WriteToUDPAddrPort(b, to)
	return err
}

func (c connection) port() int { return c.conn.LocalAddr().(*net.UDPAddr).Port }

func (c connection) close() { c.conn.Close() }
