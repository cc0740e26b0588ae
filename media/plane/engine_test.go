package plane

import (
	"flag"
	"fmt"
	"os"
	"slices"
	"testing"

	"go.uber.org/goleak"

	"github.com/outpace-dialer/outpace/media/rtp"
)

// underTest is the engine of every plane of the tests.
var underTest rtp.EngineName

// TestMain runs the tests once with each engine of this system; benchmarks name theirs.
func TestMain(m *testing.M) {
	flag.Parse()
	goleak.VerifyTestMain(eachEngine{m})
}

type eachEngine struct{ *testing.M }

func (m eachEngine) Run() int {
	for _, underTest = range enginesHere() {
		fmt.Fprintln(os.Stderr, "engine:", underTest)
		if code := m.M.Run(); code != 0 || flag.Lookup("test.bench").Value.String() != "" {
			return code
		}
	}
	return 0
}

// once leaves a test that has to do with no engine out of the runs with all but the first.
func once(t *testing.T) {
	t.Helper()
	if underTest != enginesHere()[0] {
		t.Skip("it has to do with no engine, and ran with the first")
	}
}

func enginesHere() []rtp.EngineName {
	return slices.DeleteFunc([]rtp.EngineName{rtp.Portable, rtp.Epoll}, func(n rtp.EngineName) bool { return n.Validate() != nil })
}
