package redis

import (
	"errors"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

const shortLease = 250 * time.Millisecond

// taken fails the test unless an error says that somebody else is the node.
func taken(t *testing.T, what string, err error, by string) {
	t.Helper()
	if who, ok := errors.AsType[*campaigns.NodeTaken](err); !ok || who.Term != by {
		t.Errorf("%s: %v, want taken by %s", what, err, by)
	}
}

// A name has one process at a time. Whoever slept beyond its lease has lost it, even
// if nobody else came.
func TestNodeHasOneProcess(t *testing.T) {
	url := redistest.Start(t).URL()
	a, b, ctx := openTest(t, url), openTest(t, url), t.Context()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	nth := int64(0)
	renew := func(s *Store, m campaigns.Member) error {
		nth++
		_, err := s.Renew(ctx, m, nth, shortLease, nil)
		return err
	}
	first := campaigns.Member{Node: "n", Term: "t1", Home: "h1", About: "machine 1"}
	second := campaigns.Member{Node: "n", Term: "t2", About: "machine 2"}
	must(a.Join(ctx, first, shortLease))
	must(a.Join(ctx, first, shortLease)) // its answer was lost
	taken(t, "a second process", b.Join(ctx, second, shortLease), "t1")
	for range 4 { // renewed, it lasts
		time.Sleep(shortLease / 2)
		must(renew(a, first))
		taken(t, "a second process, later", b.Join(ctx, second, shortLease), "t1")
	}
	if err := renew(b, second); !errors.Is(err, campaigns.ErrNodeLost) {
		t.Errorf("renewed by a stranger: %v", err)
	}
	must(b.Leave(ctx, second)) // not its own
	time.Sleep(2 * shortLease)
	if err := renew(a, first); !errors.Is(err, campaigns.ErrNodeLost) {
		t.Errorf("renewed after its end: %v", err)
	}
	must(b.Join(ctx, second, time.Minute))
	taken(t, "the one that slept", a.Join(ctx, campaigns.Member{Node: "n", Term: "t3", Home: "h1"}, shortLease), "t2")

	must(b.Leave(ctx, second))
	must(a.Join(ctx, first, time.Minute))
	must(a.Join(ctx, campaigns.Member{Node: "n", Term: "t4", Home: "h1", About: "machine 1 again"}, shortLease)) // from the same home
	if err := renew(a, first); !errors.Is(err, campaigns.ErrNodeLost) {
		t.Errorf("renewed by the dead: %v", err)
	}
	settler := campaigns.Member{Node: "n", Term: "t5", For: "m", Over: shortLease}
	taken(t, "settled while it lives", b.Join(ctx, settler, time.Minute), "t4")
	time.Sleep(shortLease + shortLease/2)
	taken(t, "settled as soon as its lease is over", b.Join(ctx, settler, time.Minute), "t4")
	time.Sleep(shortLease)
	must(b.Join(ctx, settler, time.Minute))
	taken(t, "back while it is settled", a.Join(ctx, campaigns.Member{Node: "n", Term: "t6"}, shortLease), "t5")
	must(a.Join(ctx, campaigns.Member{Node: "m", Term: "t7", About: "machine 2", URL: "http://m:8080"}, time.Minute))
	all, err := a.Members(ctx)
	must(err)
	want := []campaigns.MemberState{{Node: "m", Term: "t7", About: "machine 2", URL: "http://m:8080"}, {Node: "n", Term: "t5", For: "m"}}
	if diff := cmp.Diff(want, all, cmpopts.IgnoreFields(campaigns.MemberState{}, "Left")); diff != "" {
		t.Errorf("members (-want +got):\n%s", diff)
	}
	for _, m := range all {
		if m.Left <= 50*time.Second || m.Left > time.Minute {
			t.Errorf("%s has %v left of a minute", m.Node, m.Left)
		}
	}
}
