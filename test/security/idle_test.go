package security

import (
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/test/testbed"
)

// Bounds of S-36: a header that is not there after headerWithin ends a connection, the
// product has no more than mostQuiet that say nothing, and they cost less than grownBy.
const (
	headerWithin = 5 * time.Second
	mostQuiet    = 2500
	grownBy      = 100 << 20 // bytes
)

// idlers are sockets that say the beginning of a request and then a byte every 10 s; each
// that is hung up on comes again a second later.
type idlers struct {
	target  string
	open    atomic.Int64
	cut     atomic.Int64
	longest atomic.Int64 // ns that one was left open by the far end
	gone    sync.WaitGroup
}

func (i *idlers) idle(ctx context.Context, from net.IP) {
	d := net.Dialer{LocalAddr: &net.TCPAddr{IP: from}}
	for ctx.Err() == nil {
		if conn, err := d.DialContext(ctx, "tcp", i.target); err == nil {
			i.open.Add(1)
			i.drip(ctx, conn)
			i.open.Add(-1)
		}
		select {
		case <-time.After(time.Second):
		case <-ctx.Done():
		}
	}
}

// drip stays until it is hung up on, or the test is over.
func (i *idlers) drip(ctx context.Context, conn net.Conn) {
	began := time.Now()
	over := context.AfterFunc(ctx, func() { conn.Close() })
	defer over()
	defer conn.Close()
	_, err := io.WriteString(conn, "GET / HTTP/1.1\r\nX-Slow: ")
	for b := []byte{'x'}; err == nil; _, err = conn.Write(b) {
		_ = conn.SetReadDeadline(time.Now().Add(10 * time.Second))
		if _, err := conn.Read(make([]byte, 512)); !os.IsTimeout(err) {
			break
		}
	}
	if ctx.Err() == nil {
		i.cut.Add(1)
		i.longest.Store(max(i.longest.Load(), int64(time.Since(began)))) // one of the longest is enough
	}
}

// TestS36IdleSockets holds the page's door shut: 10,000 sockets of one address, and then
// a thousand of each of ten, that never end their request. One address has no more than
// it may, all together no more than may be quiet, each socket is cut off in time, the
// product stays small, and whoever is quick is served.
func TestS36IdleSockets(t *testing.T) {
	sockets, each, lasts := 1000, 100, headerWithin+2*time.Second
	if full() {
		sockets, each, lasts = 10_000, 1000, 20*time.Second
		needsFiles(t, uint64(sockets)+2000)
	}
	w := newIdleWorld(t, each)
	pid := w.process.Process.Pid
	w.serves(t) // everything that is made once is
	files, size := openFiles(t, pid), memory(t, pid)
	for _, addresses := range []int{1, sockets / each} {
		ctx, cancel := context.WithCancel(t.Context())
		crowd := &idlers{target: w.http}
		for n := range sockets {
			crowd.gone.Go(func() { crowd.idle(ctx, net.IPv4(127, 0, 1, byte(1+n%addresses))) })
		}
		var most, largest, asked int
		for end := time.Now().Add(lasts); time.Now().Before(end); testbed.Pass(200 * time.Millisecond) {
			most, largest = max(most, openFiles(t, pid)-files), max(largest, memory(t, pid)-size)
			w.serves(t)
			asked++
		}
		testbed.Until(t, time.Minute, "somebody is cut off", func() bool { return crowd.cut.Load() >= int64(each) })
		cancel()
		crowd.gone.Wait()
		t.Logf("%d sockets of %d addresses: at most %d at the product, %d cut off, one after %v; %.1f MB more, %d times served meanwhile",
			sockets, addresses, most, crowd.cut.Load(), time.Duration(crowd.longest.Load()).Round(time.Millisecond), float64(largest)/(1<<20), asked)
		if may := min(each*addresses, mostQuiet); most > may+100 || most < may*8/10 { // some for the client, and for what the product does besides
			t.Errorf("%d sockets of %d addresses were open at the product, want %d", most, addresses, may)
		}
		if largest > grownBy {
			t.Errorf("the product grew by %d bytes, want %d at most", largest, grownBy)
		}
		if late := time.Duration(crowd.longest.Load()); late > headerWithin+15*time.Second {
			t.Errorf("a socket was open for %v", late)
		}
		testbed.Until(t, time.Minute, "all are gone", func() bool { return openFiles(t, pid)-files < 50 })
	}
}

// newIdleWorld is a product alone: nobody calls and nobody is called.
func newIdleWorld(t *testing.T, each int) *world {
	t.Helper()
	w := &world{dir: t.TempDir(), log: &testbed.Lines{}}
	for _, a := range []*string{&w.trunk, &w.phones, &w.trunkTLS, &w.phonesTLS, &w.http, &w.admin} {
		*a = testbed.Reserve(t)
	}
	certificate, key := w.certificate(t)
	w.file = filepath.Join(w.dir, "outpace.yaml")
	format := strings.Replace(configText, "http: {listen: %q}", fmt.Sprintf("http: {listen: %%q, connections_per_address: %d}", each), 1)
	text := fmt.Sprintf(format, filepath.Join(w.dir, "data"), w.http, w.admin, w.trunk, w.phones, w.trunkTLS, w.phonesTLS, certificate, key, testbed.Reserve(t), mediaFrom, mediaTo)
	testbed.Must(t, os.WriteFile(w.file, []byte(text), 0o600))
	w.start(t)
	return w
}

// serves wants an answer to somebody else, soon.
func (w *world) serves(t *testing.T) {
	t.Helper()
	client := http.Client{Timeout: 10 * time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
	resp, err := client.Get("http://" + w.http + "/api/openapi.json")
	testbed.Must(t, err)
	defer resp.Body.Close()
	if _, err := io.Copy(io.Discard, resp.Body); err != nil || resp.StatusCode != http.StatusOK {
		t.Fatalf("a quick client gets %s, %v", resp.Status, err)
	}
}

// needsFiles raises what one process may have open, which the product inherits.
func needsFiles(t *testing.T, files uint64) {
	t.Helper()
	var before syscall.Rlimit
	testbed.Must(t, syscall.Getrlimit(syscall.RLIMIT_NOFILE, &before))
	if before.Cur >= files {
		return
	}
	testbed.Must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &syscall.Rlimit{Cur: files, Max: max(files, before.Max)}))
	t.Cleanup(func() { testbed.Must(t, syscall.Setrlimit(syscall.RLIMIT_NOFILE, &before)) })
}

// openFiles is how many files and sockets a process has open.
func openFiles(t *testing.T, pid int) int {
	t.Helper()
	names, err := os.ReadDir(fmt.Sprintf("/proc/%d/fd", pid))
	testbed.Must(t, err)
	return len(names)
}

// memory is what a process has in memory, in bytes.
func memory(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", pid))
	testbed.Must(t, err)
	pages, err := strconv.Atoi(strings.Fields(string(text))[1])
	testbed.Must(t, err)
	return pages * os.Getpagesize()
}
