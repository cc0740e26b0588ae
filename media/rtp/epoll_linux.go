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

// pace is how long a shard rests before it looks again, so that one look serves all that
// came meanwhile: to wake up for each packet costs more than to move it. It is what the
// engine may add to a packet's delay, a twentieth of the time between two of a leg.
const pace = time.Millisecond

// crowded is how many sockets a shard has before another takes part. Fewer in one place
// are cheaper: each shard that is awake wakes up a thousand times a second.
const crowded = 400

// epoll looks for all sockets together, in a few shards. A shard asks the system which
// of its sockets have something, reads one datagram of each and has it heard at once,
// where it usually goes out through another leg's socket. It never blocks in a system
// call: Go would take the processor from it and give it back for each packet.
type epoll struct {
	shards []*shard
	prefer func() bool // may be nil
	wait   sync.WaitGroup
}

func newEpoll(shards int, prefer func() bool) (Engine, error) {
	e := &epoll{prefer: prefer}
	for range shards {
		poll, err := unix.EpollCreate1(unix.EPOLL_CLOEXEC)
		if err != nil {
			e.Close()
			return nil, fmt.Errorf("rtp: %w", os.NewSyscallError("epoll_create1", err))
		}
		s := &shard{poll: poll, work: make(chan struct{}, 1)}
		e.shards = append(e.shards, s)
	}
	return e, nil
}

func (e *epoll) listen(address netip.Addr, port int) (socket, error) {
	return listenRaw(e, address, port)
}

// choose is the shard of a new socket: the emptiest of as many as are worth waking. It
// runs from its first socket on: an engine without sockets may be dropped.
func (e *epoll) choose() *shard {
	best, fewest := e.shards[0], e.shards[0].count.Load()
	for _, s := range e.shards[1:] {
		if fewest < crowded {
			break
		}
		if n := s.count.Load(); n < fewest {
			best, fewest = s, n
		}
	}
	best.begin.Do(func() { e.wait.Go(func() { best.run(e.prefer != nil && e.prefer()) }) })
	return best
}

// Close waits for the shards.
func (e *epoll) Close() {
	for _, s := range e.shards {
		s.over.Store(true)
		s.wake()
	}
	e.wait.Wait()
	for _, s := range e.shards {
		unix.Close(s.poll)
	}
}

// events is how many sockets a shard hears of at once.
const events = 128

// shard looks for its sockets.
type shard struct {
	poll  int           // the epoll descriptor
	work  chan struct{} // there is a socket, or the end
	begin sync.Once
	over  atomic.Bool
	count atomic.Int32 // of sockets

	mu    sync.Mutex
	seats []*rawSocket // by the number that epoll knows a socket under
	free  []int32

	// Of its goroutine.
	events [events]unix.EpollEvent
	ready  [events]*rawSocket
	input  [maxDatagram]byte
	peer   unix.RawSockaddrInet6 // holds the IPv4 one too
}

func (s *shard) wake() {
	select {
	case s.work <- struct{}{}:
	default:
	}
}

// add has the shard hear a socket from now on.
func (s *shard) add(r *rawSocket) error {
	s.mu.Lock()
	if n := len(s.free); n > 0 {
		r.seat, s.free = s.free[n-1], s.free[:n-1]
	} else {
		r.seat = int32(len(s.seats))
		s.seats = append(s.seats, nil)
	}
	s.seats[r.seat] = r
	s.mu.Unlock()
	s.count.Add(1)
	s.wake()
	return unix.EpollCtl(s.poll, unix.EPOLL_CTL_ADD, r.fd, &unix.EpollEvent{Events: unix.EPOLLIN, Fd: r.seat})
}

// remove forgets a socket that is about to be closed.
func (s *shard) remove(r *rawSocket) {
	_ = unix.EpollCtl(s.poll, unix.EPOLL_CTL_DEL, r.fd, nil)
	s.mu.Lock()
	s.seats[r.seat] = nil
	s.free = append(s.free, r.seat)
	s.mu.Unlock()
	s.count.Add(-1)
}

// run looks until the end. A thread of its own is what preferred says that it has.
func (s *shard) run(preferred bool) {
	for !s.over.Load() {
		n, err := unix.EpollWait(s.poll, s.events[:], 0)
		if err != nil {
			continue // EINTR
		}
		s.find(n)
		for _, r := range s.ready[:n] {
			if r != nil {
				s.hear(r)
			}
		}
		switch {
		case n > 0: // there may be more, a second packet of a socket too
		case s.count.Load() == 0:
			<-s.work
		default:
			rest(preferred)
		}
	}
}

// rest waits for a while. A thread that is preferred waits by itself: Go's timers are
// looked at by threads that are not.
func rest(preferred bool) {
	if preferred {
		t := unix.NsecToTimespec(int64(pace))
		_ = unix.Nanosleep(&t, nil) // EINTR: a shorter rest
		return
	}
	time.Sleep(pace)
}

// find looks up who the events are of.
func (s *shard) find(n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for i := range n {
		s.ready[i] = s.seats[s.events[i].Fd]
	}
}

// hear reads one datagram. Where more wait epoll says so again. A seat that has been given to another socket meanwhile does no harm:
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
