// Package redistest starts real Redis servers for tests: one, or a cluster. They
// listen on loopback ports of their own, keep their files in a folder of the
// test, and are killed at its end.
//
// It knows nothing of what is stored. Where redis-server is not installed, the
// test is left out and says so; with OUTPACE_REQUIRE_TOOLS=1 it fails.
package redistest

import (
	"bufio"
	"fmt"
	"math/rand/v2"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/tool"
)

// patience is how long a server or a cluster may take to be ready.
const patience = 30 * time.Second

// settings are those that the store asks for. Snapshots are off: they would
// fork in the middle of a test.
var settings = []string{
	"--bind", "127.0.0.1", "--save", "", "--appendonly", "yes", "--appendfsync", "everysec", "--maxmemory-policy", "noeviction",
	"--hash-max-listpack-value", "512",
}

// Server is a Redis server. It may be killed and started again with its data.
type Server struct {
	Addr string // host:port
	Dir  string // where its files are

	t    testing.TB
	args []string
	cmd  *exec.Cmd
	over chan struct{} // closed when the process has ended
}

// Start starts a server. more are further settings in the form of the command
// line, and the last of a name counts: "--appendonly", "no".
func Start(t testing.TB, more ...string) *Server {
	t.Helper()
	program := tool.Path(t, "redis-server", "the store on Redis")
	s := &Server{Addr: freeAddr(t), Dir: t.TempDir(), t: t}
	_, port, _ := net.SplitHostPort(s.Addr)
	s.args = append([]string{program, "--port", port, "--dir", s.Dir, "--logfile", filepath.Join(s.Dir, "log")}, append(settings, more...)...)
	s.Run()
	t.Cleanup(s.clear)
	t.Cleanup(s.Kill)
	return s
}

// clear removes the files. A child that rewrites the log outlives the server for a
// moment, and may still make a file while the others are being removed: once its own is
// gone it ends.
func (s *Server) clear() {
	var err error
	for range 5 {
		if err = os.RemoveAll(s.Dir); err == nil {
			return
		}
	}
	s.t.Errorf("the files of redis-server stay: %v", err)
}

// URL is where a store opens the server.
func (s *Server) URL() string { return "redis://" + s.Addr + "/0" }

// Run starts the process, after Kill with what it had written, and returns when
// it answers.
func (s *Server) Run() {
	s.t.Helper()
	s.cmd = exec.Command(s.args[0], s.args[1:]...)
	if err := s.cmd.Start(); err != nil {
		s.t.Fatal(err)
	}
	s.over = make(chan struct{})
	go func(cmd *exec.Cmd, over chan struct{}) { // ends with the process
		_ = cmd.Wait() // it is killed
		close(over)
	}(s.cmd, s.over)
	s.await("PING", "PONG")
}

// await asks until the answer holds a word.
func (s *Server) await(question, word string) {
	s.t.Helper()
	end := time.Now().Add(patience)
	for !strings.Contains(s.Ask(question), word) {
		if time.Now().After(end) {
			log, _ := os.ReadFile(filepath.Join(s.Dir, "log"))
			s.t.Fatalf("redis-server %s is not ready; its log:\n%s", s.Addr, log)
		}
		time.Sleep(20 * time.Millisecond) // a real process: no clock of ours
	}
}

// Ask sends one command and returns the answer as it came, "" where there is none.
func (s *Server) Ask(command string) string {
	conn, err := net.DialTimeout("tcp", s.Addr, time.Second)
	if err != nil {
		return ""
	}
	defer conn.Close()
	_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
	if _, err := fmt.Fprintf(conn, "%s\r\n", command); err != nil {
		return ""
	}
	r := bufio.NewReader(conn)
	line, err := r.ReadString('\n')
	if err != nil || line[0] != '$' {
		return line
	}
	size, _ := strconv.Atoi(strings.TrimSpace(line[1:]))
	body := make([]byte, max(size, 0))
	for read := 0; read < len(body); {
		n, err := r.Read(body[read:])
		if err != nil {
			return ""
		}
		read += n
	}
	return string(body)
}

// Kill ends the process at once, as kill -9 does. Twice is harmless.
func (s *Server) Kill() {
	_ = s.cmd.Process.Kill() // it may have ended
	<-s.over
}

// Freeze stops the process without ending it (SIGSTOP): it keeps its connections
// and answers nothing.
func (s *Server) Freeze() { s.signal(syscall.SIGSTOP) }

// Thaw lets a frozen process go on.
func (s *Server) Thaw() { s.signal(syscall.SIGCONT) }

func (s *Server) signal(sig syscall.Signal) {
	s.t.Helper()
	if err := s.cmd.Process.Signal(sig); err != nil {
		s.t.Fatal(err)
	}
}

// Cluster starts a cluster of so many masters, each with so many replicas, and
// returns its servers.
func Cluster(t testing.TB, masters, replicasOfEach int, more ...string) []*Server {
	t.Helper()
	cli := tool.Path(t, "redis-cli", "the store on Redis")
	var servers []*Server
	create := []string{"--cluster", "create"}
	for range masters * (1 + replicasOfEach) {
		_, bus, _ := net.SplitHostPort(freeAddr(t))
		s := Start(t, append([]string{"--cluster-enabled", "yes", "--cluster-port", bus, "--cluster-node-timeout", "2000"}, more...)...)
		servers = append(servers, s)
		create = append(create, s.Addr)
	}
	create = append(create, "--cluster-replicas", strconv.Itoa(replicasOfEach), "--cluster-yes")
	if out, err := exec.Command(cli, create...).CombinedOutput(); err != nil {
		t.Fatalf("redis-cli %s: %v\n%s", strings.Join(create, " "), err, out)
	}
	for _, s := range servers {
		s.await("CLUSTER INFO", "cluster_state:ok")
	}
	return servers
}

// given are the addresses that are given away already.
var given sync.Map

// freeAddr is a loopback port that nobody uses now. It is below those that systems give
// to whoever asks for any (from 32768 on Linux, 49152 elsewhere): nobody takes it before
// the server has it, or while it is down.
func freeAddr(t testing.TB) string {
	t.Helper()
	for range 200 {
		addr := fmt.Sprintf("127.0.0.1:%d", 20_000+rand.IntN(12_000))
		if _, taken := given.LoadOrStore(addr, true); taken {
			continue
		}
		if l, err := net.Listen("tcp", addr); err == nil {
			l.Close()
			return addr
		}
	}
	t.Fatal("no free port")
	return ""
}
