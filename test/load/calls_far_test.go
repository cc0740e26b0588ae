package load

import (
	"bytes"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/testbed"
	"github.com/outpace-dialer/outpace/test/tool"
)

// What a carrier does with a call, in sipp's words.
const (
	trying = `<send><![CDATA[

SIP/2.0 100 Trying
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
`
	ringing = `<send><![CDATA[

SIP/2.0 180 Ringing
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@[local_ip]:[local_port]>
Content-Length: 0

]]></send>
`
	answers = `<send retrans="500"><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:];tag=[call_number]
[last_Call-ID:]
[last_CSeq:]
Contact: <sip:far@[local_ip]:[local_port]>
Content-Type: application/sdp
Content-Length: [len]

v=0
o=far 1 1 IN IP4 127.0.0.1
s=-
c=IN IP4 127.0.0.1
t=0 0
m=audio %d RTP/AVP 0 101
a=rtpmap:0 PCMU/8000
a=rtpmap:101 telephone-event/8000

]]></send>
<recv request="ACK"><action>
<ereg regexp=".*" search_in="hdr" header="From:" assign_to="from"/>
<ereg regexp=".*" search_in="hdr" header="To:" assign_to="to"/>
</action></recv>
<Reference variables="from,to"/>
`
	hangsUp = `<send retrans="500"><![CDATA[

BYE [next_url] SIP/2.0
Via: SIP/2.0/[transport] [local_ip]:[local_port];branch=[branch]
Max-Forwards: 70
From:[$to]
To:[$from]
[last_Call-ID:]
CSeq: 7001 BYE
Content-Length: 0

]]></send>
<recv response="200"/>
`
	isHungUpOn = `<recv request="BYE"/>
<send><![CDATA[

SIP/2.0 200 OK
[last_Via:]
[last_From:]
[last_To:]
[last_Call-ID:]
[last_CSeq:]
Content-Length: 0

]]></send>
`
	// stays holds the call until it is taken away.
	stays = `<pause milliseconds="600000"/>
`
)

// farEnd is a sipp that takes calls.
type farEnd struct {
	address string
	cmd     *exec.Cmd
	output  bytes.Buffer
	ended   chan error
}

// startFarEnd runs a sipp that does the steps with each call. It is gone with the test.
func startFarEnd(tb testing.TB, steps ...string) *farEnd {
	tb.Helper()
	tool.Path(tb, "sipp", "the measure of calls to it")
	sink, err := net.ListenUDP("udp4", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1)}) // takes audio and reads none of it
	must(tb, err)
	tb.Cleanup(func() { sink.Close() })
	scenario := `<?xml version="1.0" encoding="ISO-8859-1" ?>
<!DOCTYPE scenario SYSTEM "sipp.dtd">
<scenario name="carrier">
<recv request="INVITE" rrs="true"/>
` + strings.Join(steps, "") + "</scenario>\n"
	if strings.Contains(scenario, "%d") {
		scenario = fmt.Sprintf(scenario, sink.LocalAddr().(*net.UDPAddr).Port)
	}
	dir := tb.TempDir()
	must(tb, os.WriteFile(filepath.Join(dir, "scenario.xml"), []byte(scenario), 0o600))
	f := &farEnd{address: testbed.Reserve(tb), ended: make(chan error, 1)}
	host, port, err := net.SplitHostPort(f.address)
	must(tb, err)
	f.cmd = exec.Command("sipp", "-sf", "scenario.xml", "-i", host, "-p", port, "-nostdin",
		"-buff_size", fmt.Sprint(4<<20), "-deadcall_wait", "0",
		"-default_behaviors", "all,-abortunexp", // a 200 that went out again has an ACK again
		"-trace_err", "-error_file", "errors.log")
	f.cmd.Dir, f.cmd.Stdout, f.cmd.Stderr = dir, &f.output, &f.output
	f.cmd.Env = append(os.Environ(), "TERM=dumb")
	must(tb, f.cmd.Start())
	go func() { f.ended <- f.cmd.Wait() }() // ends with the process
	tb.Cleanup(func() {
		_ = f.cmd.Process.Kill()
		if err := <-f.ended; tb.Failed() {
			tb.Logf("sipp: %v", err)
			if b, err := os.ReadFile(filepath.Join(dir, "errors.log")); err == nil {
				tb.Logf("sipp wrote:\n%s", b[:min(len(b), 4000)])
			}
		}
	})
	f.await(tb)
	return f
}

// await waits until sipp has its port.
func (f *farEnd) await(tb testing.TB) {
	tb.Helper()
	eventually.So(tb, 10*time.Second, "sipp listens", func() bool {
		conn, err := net.ListenPacket("udp4", f.address)
		if err == nil {
			conn.Close()
		}
		return err != nil
	})
}

// used is the processor time of the far end so far.
func (f *farEnd) used(tb testing.TB) time.Duration { return processorTime(tb, f.cmd.Process.Pid) }

func must(tb testing.TB, err error) {
	tb.Helper()
	if err != nil {
		tb.Fatal(err)
	}
}

// processorTime is what a process has used so far, user and system.
func processorTime(tb testing.TB, pid int) time.Duration {
	tb.Helper()
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	must(tb, err)
	fields := strings.Fields(string(b[bytes.LastIndexByte(b, ')')+1:]))
	var user, system int64
	_, err = fmt.Sscan(fields[11]+" "+fields[12], &user, &system)
	must(tb, err)
	return time.Duration(user+system) * time.Second / 100 // ticks of USER_HZ
}

// ownTime is the processor time of this process.
func ownTime() time.Duration {
	var u syscall.Rusage
	_ = syscall.Getrusage(syscall.RUSAGE_SELF, &u) // cannot fail for oneself
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}
