package rtp

import (
	"fmt"
	"net/netip"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"golang.org/x/sys/unix"
)

const haveEpoll = true

// epoll waits for all sockets together, in a few shards. A shard is a thread that asks
// the system which of its sockets have something, reads one datagram of each and has it
// heard at once, where it usually goes out through another leg's socket. Between two
// packets there is no switch of goroutines, no call that finds nothing, and no timer.
type epoll struct {
	shards []*shard
	next   atomic.Uint32
	wait   sync.WaitGroup
}

func newEpoll(shards int) (Engine, error) {
	e := &epoll{}
	for range shards {
		s, err := newShard()
		if err != nil {
			e.Close()
			return nil, fmt.Errorf("rtp: epoll: %w", err)
		}
		e.shards = append(e.shards, s)
		e.wait.Go(s.run)
	}
	return e, nil
}

func (e *epoll) listen(address netip.Addr, port int) (socket, error) {
	s := e.shards[int(e.next.Add(1))%len(e.shards)]
	return listenRaw(s, address, port)
}

// Close waits for the threads.
func (e *epoll) Close() {
	for _, s := range e.shards {
		s.stop()
	}
	e.wait.Wait()
	for _, s := range e.shards {
		s.close()
	}
}

// events is how many sockets a shard hears of at once.
const events = 128

// shard waits for its sockets.
type shard struct {
	poll  int // the epoll descriptor
	waker int // an eventfd, readable when the shard is to end

	mu    sync.Mutex
	seats []*rawSocket // by the number that epoll knows a socket under
	free  []int32

	// Of the thread.
	events [events]unix.EpollEvent
	ready  [events]*rawSocket
	input  [maxDatagram]byte
	peer   unix.RawSockaddrInet6 // holds the IPv4 one too
}

// stopSeat is the number of the waker.
const stopSeat = -1

func newShard() (*shard, error) {
	poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
	if err != nil {
		return nil, os.NewSyscallError("epoll_create1", err)
	}
	waker, err := unix.Eventfd(0, unix.EFD_CLOEXEC|unix.EFD_NONBLOCK)
	if err == nil {
		err = unix.EpollCtl(poll, unix.EPOLL_CTL_ADD, waker, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: stopSeat})
	}
	if err != nil {
		unix.Close(poll)
		return nil, os.NewSyscallError("eventfd", err)
	}
	return &shard{poll: poll, waker: waker}, nil
}

func (s *shard) stop() {
	_, _ = unix.Write(s.waker, []byte{1, 0, 0, 0, 0, 0, 0, 0})
}

func (s *shard) close() {
	unix.Close(s.poll)
	unix.Close(s.waker)
}

// add has the shard hear a socket from now on.
func (s *shard) add(r *rawSocket) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n := len(s.free); n > 0 {
		r.seat, s.free = s.free[n-1], s.free[:n-1]
	} else {
		r.seat = int32(len(s.seats))
		s.seats = append(s.seats, nil)
	}
	s.seats[r.seat] = r
	return unix.EpollCtl(s.poll, unix.EPOLL_CTL_ADD, r.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: r.seat})
}

// remove forgets a socket that is closed: epoll has forgotten it by itself.
func (s *shard) remove(r *rawSocket) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.seats[r.seat] = nil
	s.free = append(s.free, r.seat)
}

func (s *shard) run() {
	for {
		n, err := unix.EpollWait(s.poll, s.events[:], -1)
		if err != nil {
			continue // EINTR
		}
		if !s.find(n) {
			return
		}
		for _, r := range s.ready[:n] {
			if r != nil {
				s.hear(r)
			}
		}
	}
}

// find looks up who the events are of; false where the shard is to end.
func (s *shard) find(n int) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range n {
		seat := s.events[i].Fd
		if seat == stopSeat {
			return false
		}
		s.ready[i] = s.seats[seat]
	}
	return true
}

// hear reads one datagram. Where more wait epoll says so again, after the others have
// had their turn. A seat that has been given to another socket meanwhile does no harm:
// there may be nothing to read.
func (s *shard) hear(r *rawSocket) {
	if !r.hold() {
		return
	}
	if n, from, ok := r.receive(s.input[:], &s.peer); ok {
		r.hears(s.input[:n], from, time.Now())
	}
	r.release()
}
