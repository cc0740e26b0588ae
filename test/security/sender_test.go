package security

import (
	"bytes"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/net/ipv4"

	"github.com/outpace-dialer/outpace/test/testbed"
)

// order is a flood. A process of its own sends it, so that it has none of the time of the
// far ends: this one again, with the order in its environment.
type order struct {
	To       []string // UDP; each gets an equal part
	Sources  int      // loopback addresses, each of which it comes from
	Rate     int      // messages a second
	Messages int      // in all
}

// report is what was sent.
type report struct {
	Took, CPU time.Duration
	Behind    time.Duration // the longest that a message waited for its turn
}

const orderKey = "OUTPACE_FLOOD_ORDER"

// flood has an order sent.
func flood(t *testing.T, o order) (r report) {
	t.Helper()
	text, err := json.Marshal(o)
	testbed.Must(t, err)
	cmd := testbed.Command(os.Args[0])
	cmd.Env = append(cmd.Env, orderKey+"="+string(text))
	var out, bad bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &bad
	if err := cmd.Run(); err != nil {
		t.Fatalf("sender: %v\n%s", err, bad.String())
	}
	testbed.Must(t, json.Unmarshal(out.Bytes(), &r))
	r.CPU = cmd.ProcessState.UserTime() + cmd.ProcessState.SystemTime()
	return r
}

// obey is the life of the sender.
func obey(text string) (status int) {
	var o order
	err := json.Unmarshal([]byte(text), &o)
	if err == nil {
		var r report
		if r, err = o.send(); err == nil {
			err = json.NewEncoder(os.Stdout).Encode(r)
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	return 0
}

const (
	perCall = 64 // messages that one system call sends
	atOnce  = time.Millisecond
)

// send sends every message, none before its time; those that are late go at once.
func (o order) send() (r report, err error) {
	conn, err := net.ListenUDP("udp4", nil)
	if err != nil {
		return r, err
	}
	defer conn.Close()
	_ = conn.SetReadBuffer(2048) // nobody reads: what is answered need not wait for us
	_ = conn.SetWriteBuffer(1 << 20)
	pool, err := o.pool(conn.LocalAddr().(*net.UDPAddr).Port)
	if err != nil {
		return r, err
	}
	out, batch := ipv4.NewPacketConn(conn), make([]ipv4.Message, perCall)
	tick := time.NewTicker(atOnce)
	defer tick.Stop()
	began := time.Now()
	for sent := 0; sent < o.Messages; {
		passed := time.Since(began)
		due := min(o.Messages, int(passed.Seconds()*float64(o.Rate)))
		r.Behind = max(r.Behind, passed-time.Duration(float64(sent)/float64(o.Rate)*float64(time.Second)))
		if due == sent {
			<-tick.C
			continue
		}
		n := min(perCall, due-sent)
		for i := range n {
			batch[i] = pool[(sent+i)%len(pool)].number(sent + i)
		}
		n, err := out.WriteBatch(batch[:n], 0)
		if err != nil && err != syscall.ENOBUFS { //nolint:errorlint // of a system call, bare
			return r, err
		}
		sent += max(n, 0)
	}
	r.Took = time.Since(began)
	return r, nil
}

// prepared is a message that only wants a number.
type prepared struct {
	ipv4.Message
	places []int // in the text, of the number
}

const blank = "########" // a number's place: eight hexadecimal digits

func (p *prepared) number(n int) ipv4.Message {
	const digits = "0123456789abcdef"
	for _, at := range p.places {
		for i := range len(blank) {
			p.Buffers[0][at+i] = digits[n>>(28-4*i)&15]
		}
	}
	return p.Message
}

// pool are messages from each source to each listener, two INVITEs for a REGISTER; more
// than a batch of them, as each has its own number.
func (o order) pool(port int) ([]prepared, error) {
	var pool []prepared
	for i := range max(o.Sources, perCall) * len(o.To) {
		to, err := net.ResolveUDPAddr("udp4", o.To[i%len(o.To)])
		if err != nil {
			return nil, err
		}
		source := i / len(o.To) % o.Sources
		ip := net.IPv4(127, 66, byte(source/250), byte(1+source%250))
		from := fmt.Sprintf("%s:%d", ip, port)
		text := invite("udp", from, i, blank)
		if i/len(o.To)%3 == 0 {
			text = register(from, i, blank)
		}
		p := prepared{Message: ipv4.Message{Buffers: [][]byte{[]byte(text)}, Addr: to, OOB: (&ipv4.ControlMessage{Src: ip}).Marshal()}}
		for at := 0; ; at += len(blank) {
			next := strings.Index(text[at:], blank)
			if next < 0 {
				break
			}
			at += next
			p.places = append(p.places, at)
		}
		pool = append(pool, p)
	}
	return pool, nil
}
