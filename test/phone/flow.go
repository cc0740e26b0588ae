package phone

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"net"
	"net/netip"
	"strconv"
	"strings"
	"sync"
	"time"
)

// flow is the way to one peer: a UDP address or a TCP connection.
type flow struct {
	addr   netip.AddrPort
	stream *stream // nil over UDP
}

func (f flow) transport() string {
	if f.stream != nil {
		return "tcp"
	}
	return "udp"
}

// stream is one TCP connection. Writes go through a queue, so that a peer that
// does not read stops nobody else.
type stream struct {
	conn net.Conn
	out  chan []byte
	stop sync.Once
	gone chan struct{}
}

func (s *stream) close() {
	s.stop.Do(func() {
		close(s.gone)
		s.conn.Close() //nolint:errcheck // going down
	})
}

// send writes one message. A message that does not get through is what the
// transactions' timers are for.
func (p *Phone) send(f flow, b []byte) {
	if f.stream == nil {
		p.udp.WriteToUDPAddrPort(b, f.addr) //nolint:errcheck // see above
		return
	}
	select {
	case f.stream.out <- b:
	case <-f.stream.gone:
	default:
		f.stream.close() // 256 messages behind
	}
}

func (p *Phone) readUDP() {
	buffer := make([]byte, 65536)
	for {
		n, from, err := p.udp.ReadFromUDPAddrPort(buffer)
		if errors.Is(err, net.ErrClosed) {
			return
		}
		if err != nil || n < 8 || buffer[0]&0x80 != 0 {
			continue // a keep-alive, or audio for who had this port before
		}
		m, err := Parse(append([]byte(nil), buffer[:n]...))
		if err != nil {
			p.fault("", "malformed", err.Error())
			continue
		}
		p.dispatch(m, flow{addr: from})
	}
}

func (p *Phone) acceptTCP() {
	for {
		conn, err := p.tcp.Accept()
		if err != nil {
			return
		}
		p.mu.Lock()
		p.adopt(conn)
		p.mu.Unlock()
	}
}

// adopt starts reading and writing a connection. mu is held.
func (p *Phone) adopt(conn net.Conn) *stream {
	s := &stream{conn: conn, out: make(chan []byte, 256), gone: make(chan struct{})}
	addr := netip.MustParseAddrPort(conn.RemoteAddr().String())
	if p.closed {
		s.close()
		return s
	}
	p.streams[addr] = s
	p.work.Go(func() {
		p.readTCP(flow{addr, s})
		s.close()
		p.mu.Lock()
		delete(p.streams, addr)
		p.mu.Unlock()
	})
	p.work.Go(s.write)
	return s
}

func (s *stream) write() {
	for {
		select {
		case b := <-s.out:
			if _, err := s.conn.Write(b); err != nil {
				s.close()
				return
			}
		case <-s.gone:
			return
		}
	}
}

func (p *Phone) readTCP(f flow) {
	in := bufio.NewReaderSize(f.stream.conn, 4096)
	for {
		b, err := readFramed(in)
		if err != nil {
			return
		}
		if b == nil { // keep-alive, RFC 5626 section 3.5.1
			p.send(f, []byte("\r\n"))
			continue
		}
		m, err := Parse(b)
		if err != nil {
			p.fault("", "malformed", err.Error())
			return
		}
		p.dispatch(m, f)
	}
}

// readFramed reads one message by its Content-Length (RFC 3261 section 18.3);
// nil for an empty line between messages.
func readFramed(in *bufio.Reader) ([]byte, error) {
	var b []byte
	length := 0
	for {
		line, err := in.ReadSlice('\n')
		if err != nil {
			return nil, err
		}
		text := strings.TrimRight(string(line), "\r\n")
		if text == "" && len(b) == 0 {
			return nil, nil
		}
		if b = append(b, line...); len(b) > maxMessage {
			return nil, ErrMessage
		}
		if text == "" {
			break
		}
		name, value, _ := strings.Cut(text, ":")
		if name = strings.TrimSpace(name); strings.EqualFold(name, "Content-Length") || strings.EqualFold(name, "l") {
			if length, err = strconv.Atoi(strings.TrimSpace(value)); err != nil || length < 0 || length > maxMessage {
				return nil, ErrMessage
			}
		}
	}
	body := make([]byte, length)
	_, err := io.ReadFull(in, body)
	return append(b, body...), err
}

// open is the flow to host:port, over a new TCP connection where there is none
// yet. mu is not held.
func (p *Phone) open(transport, hostPort string) (flow, error) {
	udp, err := net.ResolveUDPAddr("udp4", hostPort)
	if err != nil {
		return flow{}, fmt.Errorf("phone: %w", err)
	}
	addr := udp.AddrPort()
	addr = netip.AddrPortFrom(addr.Addr().Unmap(), addr.Port())
	if transport != "tcp" {
		return flow{addr: addr}, nil
	}
	p.mu.Lock()
	s := p.streams[addr]
	p.mu.Unlock()
	if s != nil {
		return flow{addr, s}, nil
	}
	conn, err := net.DialTimeout("tcp4", addr.String(), 5*time.Second)
	if err != nil {
		return flow{}, fmt.Errorf("phone: %w", err)
	}
	p.mu.Lock()
	defer p.mu.Unlock()
	return flow{addr, p.adopt(conn)}, nil
}
