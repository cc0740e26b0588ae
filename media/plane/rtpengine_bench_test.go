//go:build linux

package plane

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/crowd"
)

// otherRelay is rtpengine in user space, a relay of others that is known to be fast: it
// neither records nor decodes. It is asked over its control socket (the ng protocol,
// bencode over UDP).
type otherRelay struct {
	ends    []crowd.End
	process *exec.Cmd
	control net.Conn
	asked   int
}

// firstPort is where its ports begin: below those that the system gives out.
const firstPort = 22000

// newOtherRelay bridges calls by rtpengine; nil where that is not installed.
func newOtherRelay(b *testing.B, far *crowd.Crowd, calls int) *otherRelay {
	b.Helper()
	path, err := exec.LookPath("rtpengine")
	if err != nil {
		return nil
	}
	probe, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)})
	if err != nil {
		b.Fatal(err)
	}
	address := probe.LocalAddr().String()
	_ = probe.Close()
	r := &otherRelay{process: exec.Command(path, "--foreground", "--log-stderr", "--log-level=3", "--table=-1", "--num-threads=2",
		"--interface=127.0.0.1", "--listen-ng="+address, fmt.Sprintf("--port-min=%d", firstPort), fmt.Sprintf("--port-max=%d", firstPort+4*calls+100), "--pidfile=/dev/null")}
	if err := r.process.Start(); err != nil {
		b.Fatal(err)
	}
	if r.control, err = net.Dial("udp4", address); err != nil {
		b.Fatal(err)
	}
	r.awaitStart(b)
	ports := make([]int, 2*calls)
	for i := range calls {
		call := fmt.Sprintf("call%d", i)
		ports[2*i+1] = r.ask(b, dictionary("call-id", call, "command", "offer", "from-tag", "a", "sdp", description(farPort(far, 2*i))))
		ports[2*i] = r.ask(b, dictionary("call-id", call, "command", "answer", "from-tag", "a", "sdp", description(farPort(far, 2*i+1)), "to-tag", "b"))
	}
	r.ends = pairs(ports)
	if _, err := far.Run(r.ends, settles); err != nil { // it learns where packets come from
		b.Fatal(err)
	}
	return r
}

func description(port int) string {
	return fmt.Sprintf("v=0\r\no=- 1 1 IN IP4 127.0.0.1\r\ns=-\r\nc=IN IP4 127.0.0.1\r\nt=0 0\r\nm=audio %d RTP/AVP 0\r\na=rtpmap:0 PCMU/8000\r\n", port)
}

// dictionary is bencode; the keys come in their order.
func dictionary(pairs ...string) string {
	var s strings.Builder
	s.WriteByte('d')
	for _, p := range pairs {
		fmt.Fprintf(&s, "%d:%s", len(p), p)
	}
	return s.String() + "e"
}

func (r *otherRelay) awaitStart(b *testing.B) {
	b.Helper()
	for over := time.Now().Add(20 * time.Second); time.Now().Before(over); {
		if answer := r.exchange(dictionary("command", "ping"), 200*time.Millisecond); bytes.Contains(answer, []byte("pong")) {
			return
		}
	}
	b.Fatal("rtpengine does not answer")
}

// ask sends an offer or an answer and returns the port that the other side is to send to.
func (r *otherRelay) ask(b *testing.B, what string) int {
	b.Helper()
	answer := r.exchange(what, 5*time.Second)
	found := mediaLine.FindSubmatch(answer)
	if found == nil {
		b.Fatalf("rtpengine answers %q", answer)
	}
	port, err := strconv.Atoi(string(found[1]))
	if err != nil {
		b.Fatal(err)
	}
	return port
}

// exchange asks once; nil where no answer comes in time.
func (r *otherRelay) exchange(what string, within time.Duration) []byte {
	r.asked++
	cookie := fmt.Sprintf("%d ", r.asked)
	_ = r.control.SetDeadline(time.Now().Add(within))
	if _, err := r.control.Write([]byte(cookie + what)); err != nil {
		time.Sleep(within / 4) // refused: it is not there yet
		return nil
	}
	var answer [8192]byte
	for {
		n, err := r.control.Read(answer[:])
		if err != nil {
			return nil
		}
		if bytes.HasPrefix(answer[:n], []byte(cookie)) {
			return answer[len(cookie):n]
		}
	}
}

func (r *otherRelay) close() {
	_ = r.control.Close()
	_ = r.process.Process.Kill()
	_ = r.process.Wait()
}

// used is the CPU time that the system has written down for it, in steps of 10 ms.
func (r *otherRelay) used(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", r.process.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	fields := strings.Fields(string(text[bytes.LastIndexByte(text, ')')+1:]))
	sum := 0
	for _, f := range fields[11:13] { // utime, stime: see proc(5)
		n, err := strconv.Atoi(f)
		if err != nil {
			b.Fatal(err)
		}
		sum += n
	}
	return time.Duration(sum) * 10 * time.Millisecond
}
