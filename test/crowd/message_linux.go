package crowd

import (
	"encoding/binary"
	"syscall"
	"time"
	"unsafe"

	"golang.org/x/sys/unix"
)

// batch is how many packets one system call moves at most.
const batch = 64

const (
	packetSize = 12 + 160
	inputSize  = 256
	timeSize   = 64 // room for the time at which the system took a packet in
)

// message is struct mmsghdr of recvmmsg(2).
type message struct {
	header unix.Msghdr
	length uint32
}

// letters are the buffers of one direction.
type letters struct {
	messages [batch]message
	vectors  [batch]unix.Iovec
	peers    [batch]unix.RawSockaddrInet4
	times    [batch][timeSize]byte
	bytes    [batch][inputSize]byte
	n        int
}

func newLetters() *letters {
	l := &letters{}
	for i := range l.messages {
		l.vectors[i].Base = &l.bytes[i][0]
		l.peers[i].Family = unix.AF_INET
		l.messages[i].header = unix.Msghdr{
			Name: (*byte)(unsafe.Pointer(&l.peers[i])), Namelen: unix.SizeofSockaddrInet4,
			Iov: &l.vectors[i], Iovlen: 1,
		}
	}
	return l
}

// receive takes up to a batch of packets off a socket; 0 where there are none.
func (l *letters) receive(fd int) int {
	for i := range l.messages {
		h := &l.messages[i].header
		l.vectors[i].SetLen(inputSize)
		h.Namelen, h.Control = unix.SizeofSockaddrInet4, &l.times[i][0]
		h.SetControllen(timeSize)
	}
	n, _, e := unix.Syscall6(unix.SYS_RECVMMSG, uintptr(fd), uintptr(unsafe.Pointer(&l.messages[0])), batch, unix.MSG_DONTWAIT, 0, 0)
	if e != 0 {
		return 0
	}
	return int(n)
}

// packet is the i-th that was received, from is the port that it came from, at
// when the system had it, in Unix nanoseconds.
func (l *letters) packet(i int) (b []byte, from int, at int64) {
	p := &l.peers[i]
	from = int(p.Port>>8 | p.Port<<8)
	return l.bytes[i][:min(l.messages[i].length, inputSize)], from, l.time(i)
}

// time reads the one control message that we asked for, SCM_TIMESTAMPNS.
func (l *letters) time(i int) int64 {
	h := (*unix.Cmsghdr)(unsafe.Pointer(&l.times[i][0]))
	if l.messages[i].header.Controllen < unix.SizeofCmsghdr || h.Type != unix.SCM_TIMESTAMPNS {
		return time.Now().UnixNano()
	}
	t := (*unix.Timespec)(unsafe.Pointer(&l.times[i][unix.CmsgLen(0)]))
	return t.Nano()
}

// add puts a packet for port on 127.0.0.1 behind those that wait and returns its
// bytes, to be filled in; nil where the batch is full.
func (l *letters) add(port int) []byte {
	if l.n == batch {
		return nil
	}
	p := &l.peers[l.n]
	p.Addr, p.Port = [4]byte{127, 0, 0, 1}, uint16(port)>>8|uint16(port)<<8
	l.vectors[l.n].SetLen(packetSize)
	l.n++
	return l.bytes[l.n-1][:packetSize]
}

// send sends what waits and returns how many packets the system refused.
func (l *letters) send(fd int) (refused uint64) {
	for at := 0; at < l.n; {
		n, _, e := unix.Syscall6(unix.SYS_SENDMMSG, uintptr(fd), uintptr(unsafe.Pointer(&l.messages[at])), uintptr(l.n-at), 0, 0, 0)
		if e == syscall.EINTR {
			continue
		}
		if e != 0 { // of the first of them; the others may go
			refused++
			n = 1
		}
		at += int(n)
	}
	l.n = 0
	return refused
}

// magic marks a payload of ours.
const magic = 0xC0FFEE17

// stamp fills a packet of RTP in: PCMU, sent by far end id as its number-th, now.
func stamp(b []byte, id int, number uint32, now int64) {
	b[0], b[1] = 0x80, 0
	binary.BigEndian.PutUint16(b[2:], uint16(number))
	binary.BigEndian.PutUint32(b[4:], number*160)
	binary.BigEndian.PutUint32(b[8:], uint32(id)+1)
	binary.BigEndian.PutUint32(b[12:], magic)
	binary.BigEndian.PutUint32(b[16:], uint32(id))
	binary.BigEndian.PutUint32(b[20:], number)
	binary.BigEndian.PutUint64(b[24:], uint64(now))
	for i := range b[32:] { // a speech-like waver: neither silence nor one tone
		b[32+i] = byte(0xA0 ^ (i*int(number))>>3&0x1F)
	}
}

// read undoes stamp; false where the payload is not ours.
func read(b []byte) (id int, number uint32, left int64, ok bool) {
	if len(b) < 32 || binary.BigEndian.Uint32(b[12:]) != magic {
		return 0, 0, 0, false
	}
	return int(binary.BigEndian.Uint32(b[16:])), binary.BigEndian.Uint32(b[20:]), int64(binary.BigEndian.Uint64(b[24:])), true
}
