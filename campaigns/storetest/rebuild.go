package storetest

import (
	"context"
	"fmt"
	"os"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// manyRebuilt are more leads than are placed before SaveCampaign returns.
const manyRebuilt = 10_000

// rebuildLeads is how many leads a rebuild is tested with while dialling goes on:
// manyRebuilt, and with OUTPACE_FAULTS=1 as many as a large list has; see Both.Around.
func rebuildLeads(w *world) int {
	faults := os.Getenv("OUTPACE_FAULTS") == "1"
	switch {
	case w.Around && !faults:
		return manyRebuilt / 20
	case faults && !w.Around:
		return 10 * manyRebuilt
	}
	return manyRebuilt
}

// rebuildDialling changes segments twice while two nodes claim: claims go on, none is
// of a lead that the present rules do not want there, and in the end every lead was
// given exactly once or is in no segment, and no old queue has any.
func rebuildDialling(t *testing.T, w *world) {
	rebuilder, ok := campaigns.As[campaigns.Rebuilder](w.Records)
	if !ok {
		t.Fatal("the store tells nothing of its rebuilds")
	}
	n := rebuildLeads(w)
	w.list("l")
	c := w.campaign("c", "l", campaigns.Segment{Name: "old", Filter: "cp < 4", Priority: "cp"}, campaigns.Segment{Name: "both"})
	importMany(w, n)
	d := &dialling{w: w, given: map[campaigns.LeadID]int{}}
	first := d.take(50)
	if len(first) != 50 {
		t.Fatalf("%d claims before the change, want 50", len(first))
	}
	beside, looked := 0, 0
	for round, segments := range [][]campaigns.Segment{
		{{Name: "new", Filter: "cp % 2 == 0", Priority: "-cp"}, {Name: "both", Filter: "cp == 1"}},
		{{Name: "last", Filter: "cp < 5 && cp != 2", Priority: "level"}},
	} {
		c.Segments = segments
		var err error
		c, err = w.SaveCampaign(w.ctx(), c)
		w.ok(err)
		matcher, err := c.Matcher()
		w.ok(err)
		under, err := rebuilder.Rebuilds(w.ctx())
		w.ok(err)
		if len(under) > 0 && (len(under) != 1 || under[0].Campaign != "c" || under[0].Done > under[0].Total || under[0].Share() >= 1 || under[0].Problem != "") {
			t.Fatalf("round %d: rebuilds under way: %+v", round, under)
		}
		meanwhile, done := d.until(matcher, func() bool {
			all, err := rebuilder.Rebuilds(w.ctx())
			w.ok(err)
			// the second change comes in the middle of the first rebuild
			return len(all) == 0 || round == 0 && all[0].Done*3 > all[0].Total
		})
		beside += meanwhile
		looked += len(done)
		for i := 1; i < len(done); i++ {
			if done[i] < done[i-1] {
				t.Errorf("round %d: progress went back: %v", round, done)
			}
		}
		t.Logf("round %d: %d claims meanwhile, progress seen %d times", round, meanwhile, len(done))
	}
	if looked == 0 && n >= manyRebuilt {
		t.Error("no rebuild was seen under way")
	}
	if beside == 0 && looked > 5 {
		t.Error("no claim was given while queues were rebuilt")
	}
	w.ok(rebuilder.AwaitRebuild(w.ctx(), "c"))
	infos, err := w.Queues(w.ctx(), "c", w.now)
	w.ok(err)
	left := 0
	for _, q := range infos {
		if q.Segment != "last" {
			t.Errorf("leads are left in an old queue: %+v", q)
		}
		left += q.Ready + q.Waiting
	}
	for {
		claims := d.take(500)
		if len(claims) == 0 {
			break
		}
		left -= len(claims)
	}
	if left != 0 {
		t.Errorf("%d leads are counted and were not given", left)
	}
	d.judge(n)
}

// importMany adds n leads with grades that spread them over segments.
func importMany(w *world, n int) {
	w.t.Helper()
	var batch []campaigns.Lead
	for i := range n {
		l := lead(fmt.Sprintf("lead-%d", i), i%6, fmt.Sprintf("+4860%07d", i))
		l.Grades.Level = i % 5
		batch = append(batch, l)
		if len(batch) == 1000 || i == n-1 {
			_, err := w.AddLeads(w.ctx(), "l", batch)
			w.ok(err)
			batch = batch[:0]
		}
	}
}

// dialling claims leads and remembers whom it was given.
type dialling struct {
	w     *world
	mu    sync.Mutex
	given map[campaigns.LeadID]int
}

// take claims from all queues there are.
func (d *dialling) take(limit int) []campaigns.Claim {
	infos, err := d.w.Queues(d.w.ctx(), "c", d.w.now)
	d.w.ok(err)
	q := campaigns.ClaimRequest{Limit: limit, Node: "n1", Lease: time.Hour, Now: d.w.now}
	for _, info := range infos {
		q.Queues = append(q.Queues, info.QueueID)
	}
	claims, err := d.w.Claim(d.w.ctx(), q)
	d.w.ok(err)
	d.mu.Lock()
	defer d.mu.Unlock()
	for _, c := range claims {
		d.given[c.Lead.ID]++
	}
	return claims
}

// until dials beside what is asked until it is over; it says how many claims were
// given and what progress was seen.
func (d *dialling) until(m *campaigns.Matcher, over func() bool) (claims int, progress []int64) {
	d.w.t.Helper()
	ctx, stop := context.WithCancel(d.w.ctx())
	var dialling sync.WaitGroup
	var mu sync.Mutex
	for range 2 {
		dialling.Go(func() {
			for ctx.Err() == nil {
				for _, c := range d.take(3) {
					if segment, _, ok := m.Place(c.Lead); !ok || segment != c.Queue.Segment {
						d.w.t.Errorf("lead %d with cp %d was claimed of %q, it belongs to %q, %v", c.Lead.ID, c.Lead.Grades.CP, c.Queue.Segment, segment, ok)
					}
					mu.Lock()
					claims++
					mu.Unlock()
				}
				time.Sleep(5 * time.Millisecond)
			}
		})
	}
	rebuilder, _ := campaigns.As[campaigns.Rebuilder](d.w.Records)
	for !over() {
		all, err := rebuilder.Rebuilds(d.w.ctx())
		d.w.ok(err)
		if len(all) > 0 {
			progress = append(progress, all[0].Done)
		}
		time.Sleep(2 * time.Millisecond)
	}
	stop()
	dialling.Wait()
	return claims, progress
}

// judge holds who was given against who there is: each once, or not wanted.
func (d *dialling) judge(n int) {
	d.w.t.Helper()
	seen := 0
	for after := campaigns.LeadID(0); ; {
		leads, err := d.w.FindLeads(d.w.ctx(), campaigns.LeadQuery{List: "l", After: after, Limit: 5000})
		d.w.ok(err)
		if len(leads) == 0 {
			break
		}
		for _, l := range leads {
			seen++
			after = l.ID
			wanted := l.Grades.CP < 5 && l.Grades.CP != 2
			switch times := d.given[l.ID]; {
			case times > 1:
				d.w.t.Errorf("lead %d was given %d times", l.ID, times)
			case times == 0 && wanted:
				d.w.t.Errorf("lead %d with cp %d is lost", l.ID, l.Grades.CP)
			}
		}
	}
	if seen != n {
		d.w.t.Errorf("%d leads, want %d", seen, n)
	}
}

// rebuildCrash: a rebuild that a crash cuts short is finished by who opens the store.
func rebuildCrash(t *testing.T, w *world) {
	n := min(rebuildLeads(w), manyRebuilt)
	w.list("l")
	c := w.campaign("c", "l", campaigns.Segment{Name: "old"})
	importMany(w, n)
	c.Segments = []campaigns.Segment{{Name: "new", Filter: "cp != 5"}}
	_, err := w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	w.crash()
	rebuilder, _ := campaigns.As[campaigns.Rebuilder](w.Records)
	for all := []campaigns.Rebuild{{}}; len(all) > 0; {
		all, err = rebuilder.Rebuilds(w.ctx())
		w.ok(err)
		time.Sleep(5 * time.Millisecond)
	}
	infos, err := w.Queues(w.ctx(), "c", w.now)
	w.ok(err)
	w.same("queues", infos, []campaigns.QueueInfo{{QueueID: queue("c", "new", warsaw), Ready: n - n/6}})
}
