package redis

import (
	"strconv"
	"sync/atomic"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns/storetest"
	"github.com/outpace-dialer/outpace/test/redistest"
)

func TestConformance(t *testing.T) {
	t.Parallel()
	conform(t, redistest.Start(t).URL())
}

// Leads of one server may be spread over shards as in a cluster: it finds what
// relies on one slot without the slowness of three servers.
func TestConformanceSharded(t *testing.T) {
	t.Parallel()
	conform(t, redistest.Start(t).URL(), WithShards(5))
}

func TestConformanceCluster(t *testing.T) {
	t.Parallel()
	conform(t, redistest.Cluster(t, 3, 0)[0].URL())
}

// spaces makes the namespace of each test store: stores share a server.
var spaces atomic.Int64

func conform(t *testing.T, url string, opts ...Option) {
	storetest.Run(t, func(t *testing.T) storetest.Both {
		space := "t" + strconv.FormatInt(spaces.Add(1), 10)
		return openBoth(t, url, append([]Option{WithNamespace(space)}, opts...)...)
	})
}

// openBoth opens a store; what is acknowledged is in Redis, so closing loses as
// little and as much as a crash of our process.
func openBoth(t *testing.T, url string, opts ...Option) storetest.Both {
	s, err := Open(t.Context(), url, opts...)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = s.Close() }) // mostly the second time
	return storetest.Both{Store: s, Records: s, Reopen: func() storetest.Both {
		if err := s.Close(); err != nil {
			t.Fatal(err)
		}
		return openBoth(t, url, opts...)
	}}
}
