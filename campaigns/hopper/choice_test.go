package hopper

import (
	"fmt"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// ids are the leads that may be taken now, in order.
func ids(h *Hopper, now time.Time) []campaigns.LeadID {
	var all []campaigns.LeadID
	for _, c := range h.Choices(now, MostChoices, nil) {
		all = append(all, c.Lead.ID)
	}
	return all
}

func promised(c campaigns.Claim) campaigns.Claim {
	c.Callback = &campaigns.Callback{At: c.DueAt}
	return c
}

// Only leads of the same standing are a choice.
func TestStanding(t *testing.T) {
	start := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	due := func(i int) time.Time { return start.Add(time.Duration(i) * time.Second) }
	many := func(n int) (all []campaigns.Claim) {
		for i := range n {
			all = append(all, lead(i+1, "a", "w", 1, due(i)))
		}
		return all
	}
	two := []campaigns.Segment{{Name: "a", Weight: 2}, {Name: "b"}}
	for name, tt := range map[string]struct {
		segments []campaigns.Segment
		leads    []campaigns.Claim
		want     []campaigns.LeadID
	}{
		"nothing":                  {want: nil},
		"no more than sixteen":     {leads: many(40), want: []campaigns.LeadID{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}},
		"a lower priority waits":   {leads: []campaigns.Claim{lead(1, "a", "w", 2, due(0)), lead(2, "a", "w", 2, due(1)), lead(3, "a", "w", 1, due(0))}, want: []campaigns.LeadID{1, 2}},
		"a promise is alone":       {leads: append(many(3), promised(lead(9, "a", "w", campaigns.CallbackPriority, due(5)))), want: []campaigns.LeadID{9}},
		"even of a segment behind": {segments: two, leads: append(many(3), promised(lead(9, "b", "w", campaigns.CallbackPriority, due(5)))), want: []campaigns.LeadID{9}},
		"nor is one jumped to":     {leads: append(many(2), promised(lead(9, "a", "w", 1, due(9)))), want: []campaigns.LeadID{1, 2}},
		"closed ones are left out": {leads: []campaigns.Claim{lead(1, "a", "w", 1, due(0)), lead(2, "a", "closed", 1, due(1)), lead(3, "a", "w", 1, due(2))}, want: []campaigns.LeadID{1, 3}},
		"segments are mixed by weight, whatever their priorities": {
			segments: two, want: []campaigns.LeadID{1, 11, 2, 3, 12},
			leads: append(many(3), lead(11, "b", "w", 7, due(0)), lead(12, "b", "w", 7, due(1))),
		},
	} {
		t.Run(name, func(t *testing.T) {
			if tt.segments == nil {
				tt.segments = []campaigns.Segment{{Name: "a"}}
			}
			h := New(Config{Campaign: campaigns.Campaign{ID: "c", Segments: tt.segments}}, newFake(), hours{"closed": {from: start.Add(time.Hour)}})
			for _, c := range tt.leads {
				c.Until = start.Add(time.Hour)
				h.shelve([]campaigns.Claim{c})
			}
			if got := ids(h, start); !slices.Equal(got, tt.want) {
				t.Errorf("choices %v, want %v", got, tt.want)
			}
		})
	}
}

func TestTake(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leads []campaigns.Claim
		for i := range 60 {
			leads = append(leads, lead(i, "all", "w", 0, time.Now()))
		}
		h := run(t, Config{Lease: time.Hour}, newFake(leads...), hours{})
		for i := range overtakeAtMost { // lead 0 is passed over again and again
			choices := h.Choices(time.Now(), MostChoices, nil)
			if c, ok := h.Take(time.Now(), choices[1]); !ok || c.Lead.ID != campaigns.LeadID(i+1) {
				t.Fatalf("took %d, %v, want %d", c.Lead.ID, ok, i+1)
			}
		}
		if got := ids(h, time.Now()); !slices.Equal(got, []campaigns.LeadID{0}) {
			t.Errorf("after %d others: choices %v, want 0 alone", overtakeAtMost, got)
		}
		old := h.Choices(time.Now(), MostChoices, nil)[0]
		if c, ok := h.Next(time.Now()); !ok || c.Lead.ID != 0 {
			t.Errorf("next = %d", c.Lead.ID)
		}
		if _, ok := h.Take(time.Now(), old); ok {
			t.Error("a lead was taken twice")
		}
		later := h.Choices(time.Now(), MostChoices, nil)[3]
		call := promised(lead(99, "all", "w", campaigns.CallbackPriority, time.Now()))
		call.Until = time.Now().Add(time.Hour)
		h.shelve([]campaigns.Claim{call})
		if _, ok := h.Take(time.Now(), later); ok {
			t.Error("a promised call that came meanwhile was overtaken")
		}
		first, _ := h.Next(time.Now())
		chosen, _ := h.Take(time.Now(), later)
		h.Return(chosen)
		if got := ids(h, time.Now()); first.Lead.ID != 99 || got[len(got)-1] != chosen.Lead.ID || len(got) != 4 {
			t.Errorf("a lead that came back may be overtaken: %v", got)
		}
	})
}

// A slow campaign gives leads back when their lease ends and claims them again:
// that they were overtaken is not forgotten.
func TestOvertakingOutlastsTheLease(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leads []campaigns.Claim
		for i := range 100 {
			leads = append(leads, lead(i, "all", "w", 0, time.Now()))
		}
		f := newFake(leads...)
		h := run(t, Config{Lease: 20 * time.Second, Size: 10}, f, hours{})
		before := 0
		for ; before < 100; before++ {
			choices := h.Choices(time.Now(), MostChoices, nil)
			if len(choices) == 0 {
				time.Sleep(time.Second) // between release and claim
				choices = h.Choices(time.Now(), MostChoices, nil)
			}
			if len(choices) == 1 {
				break
			}
			h.Take(time.Now(), choices[1])
			time.Sleep(5 * time.Second)
			synctest.Wait()
		}
		f.mu.Lock()
		defer f.mu.Unlock()
		if f.released == 0 || before != overtakeAtMost {
			t.Errorf("overtaken %d times over %d given back, want %d", before, f.released, overtakeAtMost)
		}
	})
}

// Whatever is chosen: each lead is dialled once, promised calls first, none is
// overtaken by choice more often than may be, none goes before a higher priority
// of its segment, and the mix of the segments is what their weights say.
func TestChoosingKeepsTheOrder(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		now := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
		weights := rapid.SliceOfN(rapid.IntRange(1, 4), 1, 3).Draw(t, "weights")
		c, total := campaigns.Campaign{ID: "c"}, 0
		for i, w := range weights {
			c.Segments = append(c.Segments, campaigns.Segment{Name: fmt.Sprint("s", i), Weight: w})
			total += w
		}
		h := New(Config{Campaign: c, Size: 1000}, newFake(), hours{})
		n := rapid.IntRange(1, 300).Draw(t, "leads")
		priorities := rapid.IntRange(1, 3).Draw(t, "priorities")
		all := map[campaigns.LeadID]campaigns.Claim{}
		for i := range n {
			l := lead(i, c.Segments[i%len(weights)].Name, "w", float64(i/len(weights)%priorities), now.Add(time.Duration(i*7919%n)*time.Second))
			if i%50 == 49 {
				l.Priority = campaigns.CallbackPriority
				l = promised(l)
			}
			l.Until = now.Add(24 * time.Hour)
			h.shelve([]campaigns.Claim{l})
			all[l.Lead.ID] = l
		}
		draw := rapid.IntRange(0, MostChoices-1)
		passed, turns := map[campaigns.LeadID]int{}, map[string]int{}
		ending, taken := false, 0
		for len(all) > 0 {
			choices := h.Choices(now, MostChoices, nil)
			if len(choices) == 0 {
				t.Fatalf("no choice with %d leads left", len(all))
			}
			i := min(draw.Draw(t, "choice"), len(choices)-1)
			for _, before := range choices[:i] {
				if passed[before.Lead.ID]++; passed[before.Lead.ID] > overtakeAtMost {
					t.Fatalf("lead %d overtaken more than %d times", before.Lead.ID, overtakeAtMost)
				}
			}
			got, ok := h.Take(now, choices[i])
			if _, left := all[got.Lead.ID]; !ok || !left {
				t.Fatalf("took %d, %v: not there, or dialled already", got.Lead.ID, ok)
			}
			delete(all, got.Lead.ID)
			left := map[string]int{}
			for _, other := range all {
				left[other.Queue.Segment]++
				if got.Callback == nil && (other.Callback != nil || other.Queue == got.Queue && other.Priority > got.Priority) {
					t.Fatalf("lead %d went before lead %d", got.Lead.ID, other.Lead.ID)
				}
			}
			for _, s := range c.Segments { // the last leads of a segment may be overtaken, with none to stand in
				ending = ending || left[s.Name] < MostChoices
			}
			if got.Callback != nil || ending {
				continue
			}
			turns[got.Queue.Segment]++
			taken++
			for j, w := range weights { // never more than the choice away from the share
				if off := float64(turns[c.Segments[j].Name]) - float64(taken*w)/float64(total); off > MostChoices+1 || off < -MostChoices-1 {
					t.Fatalf("segment %d had %d of %d turns, its share is %d of %d", j, turns[c.Segments[j].Name], taken, w, total)
				}
			}
		}
	})
}

// One decision shows the choices and takes one: no garbage.
func TestChoicesMakeNoGarbage(t *testing.T) {
	now := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	h := New(Config{Campaign: campaigns.Campaign{ID: "c"}}, newFake(), hours{})
	for i := range 200 {
		l := lead(i, campaigns.AllSegment, "w", 0, now)
		l.Until = now.Add(time.Hour)
		h.shelve([]campaigns.Claim{l})
	}
	var buffer []*campaigns.Claim
	if n := testing.AllocsPerRun(100, func() { buffer = h.Choices(now, MostChoices, buffer[:0]) }); n != 0 {
		t.Errorf("allocs per question = %v, want 0", n)
	}
}

func BenchmarkChoices(b *testing.B) {
	now := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
	h := New(Config{Campaign: campaigns.Campaign{ID: "c"}}, newFake(), hours{})
	for i := range 200 {
		l := lead(i, campaigns.AllSegment, "w", 0, now)
		l.Until = now.Add(time.Hour)
		h.shelve([]campaigns.Claim{l})
	}
	var buffer []*campaigns.Claim
	b.ReportAllocs()
	for b.Loop() {
		buffer = h.Choices(now, MostChoices, buffer[:0])
	}
}
