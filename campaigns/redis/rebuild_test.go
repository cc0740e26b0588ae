package redis

import (
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// stale is a store with a campaign whose segments changed and whose rebuild stands
// still: old leads are at the head of the queue "s" and no longer belong there, behind
// them are others that do.
func stale(t *testing.T, url string, old, others int, opts ...Option) *Store {
	t.Helper()
	s := openTest(t, url, opts...)
	if err := s.SaveList(t.Context(), campaigns.List{ID: "list"}); err != nil {
		t.Fatal(err)
	}
	c, err := s.SaveCampaign(t.Context(), campaigns.Campaign{ID: "camp", Lists: []campaigns.ListID{"list"}, Segments: []campaigns.Segment{{Name: "s", Priority: "cp"}}})
	if err != nil {
		t.Fatal(err)
	}
	leads := manyLeads(0, old+others)
	for i := range leads {
		leads[i].Grades.CP = 0
		if i < old {
			leads[i].Grades.CP = 5
		}
		leads[i].Numbers = leads[i].Numbers[:1]
		leads[i].Numbers[0].E164 = fmt.Sprintf("+48%07d", i)
		leads[i].Numbers[0].Zones, leads[i].Numbers[0].Regions = []string{"Europe/Warsaw"}, []string{"PL"}
	}
	if _, err := s.AddLeads(t.Context(), "list", leads); err != nil {
		t.Fatal(err)
	}
	s.jobs.Close() // it dies before it rebuilds in the background
	c.Segments = []campaigns.Segment{{Name: "gone", Filter: "cp > 0", Priority: "cp"}, {Name: "s", Priority: "cp"}}
	if _, err := s.SaveCampaign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	under, err := s.Rebuilds(t.Context())
	if err != nil || len(under) != 1 || under[0].Share() >= 1 {
		t.Fatalf("rebuilds: %+v, %v, want one that stands still", under, err)
	}
	return s
}

// A claim goes on behind as many leads as there are that do not belong to its queue
// any more; where it finds nobody, it ends all the same.
func TestClaimBehindStaleLeads(t *testing.T) {
	for _, shards := range []int{1, 3} {
		t.Run(fmt.Sprint(shards), func(t *testing.T) {
			url := redistest.Start(t).URL()
			// as many as are placed at once are no test of a claim
			patient := func(o *options) { o.misplaced, o.timeout = time.Minute, time.Minute } // however busy the machine is
			s := stale(t, url, 4*rebuildAtOnce*pageLeads+1500, 3, WithShards(shards), patient)
			q := campaigns.ClaimRequest{
				Queues: []campaigns.QueueID{{Campaign: "camp", Segment: "s", Window: "Europe/Warsaw|PL"}}, Limit: 1, Node: "n", Lease: time.Minute, Now: start,
			}
			for i := range 3 {
				claims, err := s.Claim(t.Context(), q)
				if err != nil || len(claims) != 1 || claims[0].Lead.Grades.CP != 0 {
					t.Fatalf("claim %d: %+v, %v; want a lead that belongs there", i, claims, err)
				}
			}
			if claims, err := s.Claim(t.Context(), q); err != nil || len(claims) != 0 {
				t.Errorf("behind the last: %d claims, %v", len(claims), err)
			}
		})
	}
}

// The rebuild of a node that died is finished by another that was there all along:
// once it has seen the cursor stand still, as it looks after leases that ran out.
func TestRebuildOfADeadNode(t *testing.T) {
	url := redistest.Start(t).URL()
	const old, others = 5000, 100
	survivor := openTest(t, url)
	dead := stale(t, url, old, others)
	look := func() {
		t.Helper()
		if _, err := survivor.Reclaim(t.Context(), "", start); err != nil {
			t.Fatal(err)
		}
	}
	before, err := survivor.Rebuilds(t.Context())
	if err != nil || len(before) != 1 {
		t.Fatalf("rebuilds: %+v, %v", before, err)
	}
	look()
	if running, _ := survivor.jobs.Running("camp"); running {
		t.Error("the rebuild was taken over while its node may be at it")
	}
	look()
	if err := survivor.AwaitRebuild(t.Context(), "camp"); err != nil {
		t.Fatal(err)
	}
	if left, err := survivor.Rebuilds(t.Context()); err != nil || len(left) != 0 {
		t.Fatalf("taken over, and left: %+v, %v", left, err)
	}
	got := map[string]int{}
	queues, err := survivor.Queues(t.Context(), "camp", start)
	for _, q := range queues {
		got[q.Segment] += q.Ready
	}
	if err != nil || got["gone"] != old || got["s"] != others || len(got) != 2 {
		t.Errorf("leads by segment: %v, %v; want %d in gone, %d in s", got, err, old, others)
	}
	claims, err := dead.Claim(t.Context(), campaigns.ClaimRequest{Queues: []campaigns.QueueID{queues[0].QueueID}, Limit: 1, Node: "d", Lease: time.Minute, Now: start})
	if err != nil || len(claims) != 1 {
		t.Errorf("who was thought dead claims %d, %v", len(claims), err)
	}
}
