package dialer

import (
	"context"
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/hopper"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/test/eventually"
)

// fullStore always has leads, each with a score and in one of two zones; nothing
// else is asked of it.
type fullStore struct{ campaigns.Store }

func (fullStore) Queues(context.Context, campaigns.CampaignID, time.Time) ([]campaigns.QueueInfo, error) {
	return []campaigns.QueueInfo{{QueueID: campaigns.QueueID{Segment: campaigns.AllSegment}, Ready: 200}}, nil
}

func (fullStore) Claim(_ context.Context, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	var all []campaigns.Claim
	for i := range q.Limit {
		all = append(all, campaigns.Claim{
			Lead:  campaigns.Lead{ID: campaigns.LeadID(i), Fields: map[string]string{"chance": fmt.Sprintf("0.%03d", i+1)}},
			Queue: q.Queues[0], Until: q.Now.Add(q.Lease), Attempts: (i + 1) % 3, LastOutcome: campaigns.Busy,
		})
	}
	return all, nil
}

func (fullStore) Release(context.Context, []campaigns.Claim, time.Time) error { return nil }
func (fullStore) Reclaim(context.Context, string, time.Time) (int, error)     { return 0, nil }

// openRules have every window open.
type openRules struct{ Rules }

func (openRules) Open(_ campaigns.WindowClass, _ campaigns.Campaign, now time.Time) (bool, time.Time, time.Time) {
	return true, now.Add(time.Hour), now
}

func (openRules) LocalHour(campaigns.WindowClass, time.Time) int { return 12 }

// full is a campaign with leads at hand.
func full(tb testing.TB) (*Engine, *campaignRun) {
	e := &Engine{deps: Deps{Rules: openRules{}}}
	r := &campaignRun{Campaign: campaigns.Campaign{ID: "c", Pacing: campaigns.Pacing{AnswerScoreField: "chance"}}}
	r.hopper = hopper.New(hopper.Config{Campaign: r.Campaign, Lease: time.Hour}, fullStore{}, openRules{})
	ctx, stop := context.WithCancel(context.Background())
	done := make(chan struct{})
	go func() { defer close(done); _ = r.hopper.Run(ctx) }()
	eventually.So(tb, 20*time.Second, "the hopper has leads", func() bool { return r.hopper.Len() > 0 })
	stop()
	eventually.Ends(tb, 20*time.Second, "the hopper ends", func() { <-done })
	tb.Cleanup(func() {
		if len(r.records) != hopper.MostChoices || r.records[0] != (pacing.Record{Segment: campaigns.AllSegment, Score: 0.001, Attempts: 1, Last: "busy", Hour: 12}) {
			tb.Errorf("records %+v", r.records)
		}
	})
	return e, r
}

// Every decision looks ahead: no garbage.
func TestLookAheadMakesNoGarbage(t *testing.T) {
	e, r := full(t)
	now := time.Now()
	if n := testing.AllocsPerRun(100, func() { e.lookAhead(now, r) }); n != 0 {
		t.Errorf("allocs per decision = %v, want 0", n)
	}
}

func BenchmarkLookAhead(b *testing.B) {
	e, r := full(b)
	now := time.Now()
	b.ReportAllocs()
	for b.Loop() {
		e.lookAhead(now, r)
	}
}
