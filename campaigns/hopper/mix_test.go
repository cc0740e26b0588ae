package hopper

import (
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"pgregory.net/rapid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// fresh is a lead that was never tried.
func fresh(c campaigns.Claim) campaigns.Claim {
	c.Queue.New = true
	return c
}

// takeAll takes leads one by one as they come and says of which segment they were;
// in capitals those never tried.
func takeAll(t *testing.T, h *Hopper, n int) string {
	t.Helper()
	order := ""
	for range n {
		c, ok := h.Next(time.Now())
		if !ok {
			t.Fatalf("no lead after %s: %+v", order, h.Status())
		}
		mark := c.Queue.Segment[:1]
		if c.Queue.New {
			mark = string(mark[0] - 'a' + 'A')
		}
		order += mark
		synctest.Wait()
	}
	return order
}

func TestEveryNthIsNew(t *testing.T) {
	for _, tt := range []struct {
		nth, tried, untried int
		want                string
	}{
		{4, 100, 100, "aaAaaaAaaaAaaaAa"},
		{1, 100, 100, "AAAAAAAAAAAAAAAA"},
		{2, 100, 100, "aAaAaAaAaAaAaAaA"},
		{4, 100, 2, "aaAaaaAaaaaaaaaa"},      // the new ones run out
		{4, 0, 100, "AAAAAAAAAAAAAAAA"},      // nothing but new ones
		{1, 100, 3, "AAAaaaaaaaaaaaaa"},      // and where new ones are all that is wanted
		{1000, 100, 100, "aaaaaaaaaaaaaaaa"}, // the first is due after half of them
	} {
		t.Run(fmt.Sprint(tt), func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				var leads []campaigns.Claim
				for i := range tt.tried {
					leads = append(leads, lead(i, "a", "w", 1, time.Now()))
				}
				for i := range tt.untried { // whatever their priority
					leads = append(leads, fresh(lead(1000+i, "a", "w", float64(9*(i%2)), time.Now())))
				}
				c := campaigns.Campaign{ID: "c", Segments: []campaigns.Segment{{Name: "a"}}, NthNew: tt.nth}
				h := run(t, Config{Campaign: c, Size: 20}, newFake(leads...), hours{})
				if got := takeAll(t, h, len(tt.want)); got != tt.want {
					t.Errorf("order %s, want %s", got, tt.want)
				}
			})
		})
	}
}

// The shares of segments are what their weights say, whether or not there are new
// leads in them.
func TestNewLeadsKeepTheShareOfTheirSegment(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		var leads []campaigns.Claim
		for i := range 600 {
			leads = append(leads, lead(i, []string{"a", "b", "b"}[i%3], "w", 1, time.Now()))
			if i%6 == 0 {
				leads[i] = fresh(leads[i])
			}
		}
		c := campaigns.Campaign{ID: "c", Segments: []campaigns.Segment{{Name: "a", Weight: 1}, {Name: "b", Weight: 2}}, NthNew: 3}
		h := run(t, Config{Campaign: c, Size: 30}, newFake(leads...), hours{})
		count := map[rune]int{}
		for _, mark := range takeAll(t, h, 180) {
			count[mark]++
		}
		if count['a'] != 40 || count['A'] != 20 || count['b'] != 120 || count['B'] != 0 {
			t.Errorf("%v of 180, want 60 of a, 20 of them new, and 120 of b", count)
		}
	})
}

// However little room there is, each segment gets what its weight says: none starves
// behind others, and none loses its turns while the store is asked.
func TestSharesAreExactWithLittleRoom(t *testing.T) {
	rapid.Check(t, func(r *rapid.T) {
		weights := rapid.SliceOfN(rapid.IntRange(1, 6), 1, 4).Draw(r, "weights")
		size := rapid.IntRange(1, 30).Draw(r, "size")
		burst := 1 + size/(4*len(weights)) // so many are taken before the store is asked
		synctest.Test(t, func(t *testing.T) {
			c, total := campaigns.Campaign{ID: "c"}, 0
			var leads []campaigns.Claim
			for i, w := range weights {
				c.Segments = append(c.Segments, campaigns.Segment{Name: string(rune('a' + i)), Weight: w})
				total += w
				for k := range 12 * w {
					leads = append(leads, lead(1000*i+k, c.Segments[i].Name, "w", float64(k%3), time.Now()))
				}
			}
			h := run(t, Config{Campaign: c, Size: size}, newFake(leads...), hours{})
			turns := map[string]int{}
			for n := 1; n <= 9*total; n++ {
				if n%burst == 0 || h.Len() == 0 {
					synctest.Wait()
				}
				got, ok := h.Next(time.Now())
				if !ok {
					r.Fatalf("no lead after %v: %+v", turns, h.Status())
				}
				turns[got.Queue.Segment]++
				for i, w := range weights {
					name := c.Segments[i].Name
					if off := turns[name]*total - n*w; off > (3+burst)*total || off < -(3+burst)*total {
						r.Fatalf("segment %s had %d of %d turns, its share is %d of %d", name, turns[name], n, w, total)
					}
				}
			}
		})
	})
}

// A segment whose leads are on the way has its turns later; one that has none loses
// them.
func TestTurnsWaitForLeadsOnTheWay(t *testing.T) {
	for _, more := range []bool{true, false} {
		now := time.Date(2026, 3, 2, 15, 0, 0, 0, time.UTC)
		h := New(Config{Campaign: campaigns.Campaign{ID: "c", Segments: []campaigns.Segment{{Name: "a"}, {Name: "b"}}}}, newFake(), hours{})
		shelve := func(segment string, from, n int) {
			for i := range n {
				l := lead(from+i, segment, "w", 0, now)
				l.Until = now.Add(time.Hour)
				h.shelve([]campaigns.Claim{l})
			}
		}
		shelve("a", 0, 30)
		shelve("b", 100, 1)
		h.shelves[1].more = more
		order := ""
		for i := range 14 {
			if i == 6 {
				shelve("b", 200, 20)
			}
			c, _ := h.Next(now)
			order += c.Queue.Segment
		}
		if want := map[bool]string{true: "abaaaabbbbabab", false: "abaaaaabababab"}[more]; order != want {
			t.Errorf("more %v: order %s, want %s", more, order, want)
		}
	}
}
