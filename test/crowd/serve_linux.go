package crowd

import (
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"runtime"
	"time"

	"golang.org/x/sys/unix"
)

// slots spread the far ends over the 20 ms of a packet.
const (
	frame    = 20 * time.Millisecond
	slots    = 40
	slotTime = frame / slots
)

// lostTime is how far the crowd may be behind and catch up, as the jitter of a line
// would be. After more it goes on from now: phones do not send minutes in one burst.
const lostTime = 200 * time.Millisecond

// drained is how long the crowd listens on after its last packet.
const drained = 500 * time.Millisecond

// hello and order are what the two processes say to each other, a JSON value each.
type hello struct{ Ports [Sockets]int }

type order struct {
	Ends []End
	For  time.Duration
}

// Serve is the crowd's own process: it runs what Start asks for on in until that
// ends, and answers on out.
func Serve(in io.Reader, out io.Writer) error {
	runtime.LockOSThread()
	var c crowd
	ports, err := c.open()
	if err != nil {
		return err
	}
	defer c.close()
	answer, ask := json.NewEncoder(out), json.NewDecoder(in)
	if err := answer.Encode(hello{ports}); err != nil {
		return err
	}
	for {
		var o order
		switch err := ask.Decode(&o); {
		case errors.Is(err, io.EOF):
			return nil
		case err != nil:
			return err
		}
		if err := answer.Encode(c.run(o)); err != nil {
			return err
		}
	}
}

// crowd is the sockets and far ends of one process.
type crowd struct {
	sockets  [Sockets]int
	out      [Sockets]*letters
	in       *letters
	ends     []End
	byPort   map[int]int // far end by the other side's port
	streams  []stream
	delays   delays
	report   Report
	numberOf uint32 // of the packets that go out now: it goes on from run to run
}

// stream is what one far end hears.
type stream struct {
	number   uint32 // of the newest packet of its peer
	sequence uint16 // of the newest packet of RTP
	started  bool
}

func (c *crowd) open() (ports [Sockets]int, err error) {
	c.in = newLetters()
	for i := range c.sockets {
		c.out[i] = newLetters()
		fd, err := unix.Socket(unix.AF_INET, unix.SOCK_DGRAM|unix.SOCK_CLOEXEC, 0)
		if err != nil {
			return ports, fmt.Errorf("crowd: %w", err)
		}
		c.sockets[i] = fd
		const size = 4 << 20 // as much as is allowed
		if unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUFFORCE, 4*size) != nil {
			_ = unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_RCVBUF, size)
		}
		if err := errors.Join(unix.SetsockoptInt(fd, unix.SOL_SOCKET, unix.SO_TIMESTAMPNS, 1),
			unix.Bind(fd, &unix.SockaddrInet4{Addr: [4]byte{127, 0, 0, 1}})); err != nil {
			return ports, fmt.Errorf("crowd: %w", err)
		}
		name, err := unix.Getsockname(fd)
		if err != nil {
			return ports, fmt.Errorf("crowd: %w", err)
		}
		ports[i] = name.(*unix.SockaddrInet4).Port
	}
	return ports, nil
}

func (c *crowd) close() {
	for _, fd := range c.sockets {
		unix.Close(fd)
	}
}

// run sends for as long as the order says and listens a little longer.
func (c *crowd) run(o order) Report {
	c.ends, c.byPort, c.streams, c.report = o.Ends, map[int]int{}, make([]stream, len(o.Ends)), Report{}
	c.delays = delays{}
	for i, e := range c.ends {
		c.byPort[e.To], c.streams[i].number = i, c.numberOf
	}
	for fd := range c.sockets { // what is left of another run
		for c.in.receive(c.sockets[fd]) > 0 {
		}
	}
	used := cpu()
	next := time.Now()
	for slot := 0; slot < slots*int(o.For/frame); slot++ {
		if slot%slots == 0 {
			c.numberOf++
		}
		if late := c.wait(next); late > lostTime {
			next = next.Add(late)
		}
		c.send(slot % slots)
		c.hear()
		next = next.Add(slotTime)
	}
	c.report.CPU = cpu() - used
	for end := time.Now().Add(drained); time.Now().Before(end); {
		c.wait(time.Now().Add(slotTime))
		c.hear()
	}
	c.report.P50, c.report.P99, c.report.P999, c.report.Worst = c.delays.at(.5), c.delays.at(.99), c.delays.at(.999), c.delays.at(1)
	return c.report
}

// wait sleeps with the kernel's precision (package time rounds up to a millisecond in a
// process that has nothing else to do) and says how late it is already.
func (c *crowd) wait(until time.Time) (late time.Duration) {
	d := time.Until(until)
	if d <= 0 {
		c.report.Late = max(c.report.Late, -d)
		return -d
	}
	t := unix.NsecToTimespec(int64(d))
	_ = unix.Nanosleep(&t, nil)
	return 0
}

func (c *crowd) send(slot int) {
	now := time.Now().UnixNano()
	for i := slot; i < len(c.ends); i += slots {
		e := &c.ends[i]
		b := c.out[e.Socket].add(e.To)
		if b == nil {
			c.report.Refused += c.out[e.Socket].send(c.sockets[e.Socket])
			now = time.Now().UnixNano()
			b = c.out[e.Socket].add(e.To)
		}
		stamp(b, i, c.numberOf, now)
		c.report.Sent++
	}
	for i, l := range c.out {
		c.report.Refused += l.send(c.sockets[i])
	}
}

func (c *crowd) hear() {
	for socket, fd := range c.sockets {
		for n := batch; n == batch; {
			n = c.in.receive(fd)
			for i := range n {
				b, from, at := c.in.packet(i)
				c.take(socket, b, from, at)
			}
		}
	}
}

// take counts one packet that came to a socket from a port of the other side.
func (c *crowd) take(socket int, b []byte, from int, at int64) {
	id, known := c.byPort[from]
	if !known || c.ends[id].Socket != socket {
		c.report.Astray++
		return
	}
	if len(b) < 12 || b[0]>>6 != 2 || b[1] >= 192 && b[1] <= 223 {
		return // a report on the same port
	}
	s := &c.streams[id]
	sequence := binary.BigEndian.Uint16(b[2:])
	if ahead := int16(sequence - s.sequence); s.started && ahead > 1 {
		c.report.Unfilled += uint64(ahead - 1)
	}
	s.sequence, s.started = sequence, true
	sender, number, left, ok := read(b)
	switch {
	case !ok:
		c.report.Filled++
	case sender != c.ends[id].Peer:
		c.report.Astray++
	case number <= s.number:
		c.report.Twice++
	default:
		s.number = number
		c.report.Heard++
		c.delays.add(time.Duration(at - left))
	}
}

func cpu() time.Duration {
	var r unix.Rusage
	if unix.Getrusage(unix.RUSAGE_SELF, &r) != nil {
		return 0
	}
	return time.Duration(r.Utime.Nano() + r.Stime.Nano())
}

// delays counts delays by 10 µs, up to a second.
type delays struct {
	counts [100_000]uint32
	n      uint64
	worst  time.Duration
}

const delayStep = 10 * time.Microsecond

func (d *delays) add(delay time.Duration) {
	d.counts[min(max(delay/delayStep, 0), time.Duration(len(d.counts)-1))]++
	d.n++
	d.worst = max(d.worst, delay)
}

// at is the delay that a share of all packets did not exceed; 0 of none.
func (d *delays) at(share float64) time.Duration {
	if share >= 1 {
		return d.worst
	}
	rank := uint64(share * float64(d.n))
	for i, n := range d.counts {
		if uint64(n) > rank {
			return time.Duration(i+1) * delayStep
		}
		rank -= uint64(n)
	}
	return d.worst
}

// asked is the variable that makes a process of a test a crowd.
const asked = "OUTPACE_CROWD"

// ServeIfAsked turns the process of a test binary into a crowd where Start made it,
// and ends it. Call it from an init function of the tests.
func ServeIfAsked() {
	if os.Getenv(asked) == "" {
		return
	}
	if err := Serve(os.Stdin, os.Stdout); err != nil {
		fmt.Fprintln(os.Stderr, err)
		os.Exit(1)
	}
	os.Exit(0)
}
