package testbed

import (
	"context"
	"fmt"
	"io"
	"math/rand/v2"
	"net"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"
)

// Program is the product, which Main built.
var Program string

// builtEnv names the product where whoever runs the tests of many packages has built it
// for all of them.
const builtEnv = "OUTPACE_TEST_PRODUCT"

// Main builds the product as it is shipped, once for all tests of a package and without
// the race detector, so that its times and its memory are those of the real one; runs
// them; and returns the exit status. It is for TestMain.
func Main(m *testing.M) (status int) {
	if Program = os.Getenv(builtEnv); Program != "" {
		return m.Run()
	}
	dir, err := os.MkdirTemp("", "outpace-tests-")
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		return 1
	}
	defer os.RemoveAll(dir)
	Program = filepath.Join(dir, "outpace")
	build := exec.Command("go", "build", "-o", Program, "github.com/outpace-dialer/outpace/cmd/outpace")
	build.Env = append(os.Environ(), "CGO_ENABLED=0")
	if out, err := build.CombinedOutput(); err != nil {
		fmt.Fprintf(os.Stderr, "build: %v\n%s", err, out)
		return 1
	}
	return m.Run()
}

// Environment is that of the tests without what the product would take for its own keys,
// such as OUTPACE_REQUIRE_TOOLS.
func Environment() []string {
	return slices.DeleteFunc(os.Environ(), func(v string) bool { return strings.HasPrefix(v, "OUTPACE_") })
}

// Command is a program with the environment of the tests, not started.
func Command(program string, args ...string) *exec.Cmd {
	cmd := exec.Command(program, args...)
	cmd.Env = Environment()
	return cmd
}

// Get is what a URL says with 200 within five seconds.
func Get(url string) (string, error) {
	ctx, cancel := context.WithTimeout(context.Background(), 5*time.Second)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, url, nil)
	if err != nil {
		return "", err
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return "", err
	}
	defer resp.Body.Close()
	body, err := io.ReadAll(resp.Body)
	if err == nil && resp.StatusCode != http.StatusOK {
		err = fmt.Errorf("%s: %s", url, resp.Status)
	}
	return string(body), err
}

// Sample is the value of a series in a scrape where the name has its labels, and the sum
// of a metric's series where it has none.
func Sample(t testing.TB, scrape, name string) float64 {
	t.Helper()
	sum, found := 0.0, false
	for line := range strings.Lines(scrape) {
		if rest, ok := strings.CutPrefix(line, name); ok && (rest[0] == ' ' || rest[0] == '{') {
			f, err := strconv.ParseFloat(strings.TrimSpace(rest[strings.LastIndexByte(rest, ' '):]), 64)
			Must(t, err)
			sum, found = sum+f, true
		}
	}
	if !found {
		t.Fatalf("no series %s", name)
	}
	return sum
}

// reserved are the ports that are given away already.
var reserved sync.Map

// Reserve finds an address of loopback whose port is free for UDP and TCP. It is below
// those that systems give to whoever asks for any (from 32768 on Linux, 49152 elsewhere),
// so that nobody takes it while the product is down; and below 20,000, for the audio.
func Reserve(t testing.TB) string {
	t.Helper()
	for range 200 {
		address := fmt.Sprintf("127.0.0.1:%d", 12_000+rand.IntN(8000))
		if _, taken := reserved.LoadOrStore(address, true); taken {
			continue
		}
		l, err := net.Listen("tcp", address)
		if err != nil {
			continue
		}
		c, err := net.ListenPacket("udp", address)
		l.Close()
		if err == nil {
			c.Close()
			return address
		}
	}
	t.Fatal("no free port")
	return ""
}
