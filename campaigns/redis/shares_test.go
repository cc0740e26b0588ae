package redis

import (
	"errors"
	"math/rand/v2"
	"strconv"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// sharer is a node as it sees itself: what it believes to have, and until when.
type sharer struct {
	m      campaigns.Member
	nth    int64
	rate   float64 // of a limit that ends with the lease
	lines  int     // of one that does not, and how many are in use
	inUse  int
	until  time.Time
	hungry bool
}

const (
	rateLimit, lineLimit = 10.0, 30
	shareLease           = 300 * time.Millisecond
	shareMargin          = 60 * time.Millisecond
)

func (x *sharer) wants() []campaigns.Want {
	rate, lines := 1.0, float64(x.inUse+1)
	if x.hungry {
		rate, lines = 8, 25
	}
	return []campaigns.Want{
		{Limit: "rate", Total: rateLimit, Need: rate, Obeys: x.rate},
		{Limit: "lines", Total: lineLimit, Need: lines, Obeys: float64(max(x.lines, x.inUse)), Whole: true, Lasts: true},
	}
}

// Nodes renew, sleep, die, lose answers and send messages that arrive late; at no
// moment do they believe to have more than there is.
func TestSharesNeverExceedTheLimit(t *testing.T) {
	s := openTest(t, redistest.Start(t).URL())
	ctx, draw := t.Context(), rand.New(rand.NewPCG(4, 0))
	nodes := make([]*sharer, 4)
	terms := 0
	join := func(x *sharer) {
		terms++
		x.m.Term = "t" + strconv.Itoa(terms)
		if err := s.Join(ctx, x.m, shareLease); err != nil {
			t.Fatal(err)
		}
		x.nth, x.rate, x.lines, x.until = 0, 0, x.inUse, time.Time{}
	}
	for i := range nodes {
		nodes[i] = &sharer{m: campaigns.Member{Node: "n" + strconv.Itoa(i), Home: strconv.Itoa(i)}}
		join(nodes[i])
	}
	check := func(what string) {
		t.Helper()
		rate, lines := 0.0, 0
		for _, x := range nodes {
			if time.Now().Before(x.until) {
				rate += x.rate
				lines += max(x.lines, x.inUse)
			} else {
				lines += x.inUse
			}
		}
		if rate > rateLimit+1e-9 || lines > lineLimit {
			t.Fatalf("%s: together %v of %v a second and %d of %d lines", what, rate, rateLimit, lines, lineLimit)
		}
	}
	full := 0 // how often everything was given
	for range 600 {
		x := nodes[draw.IntN(len(nodes))]
		if draw.IntN(40) == 0 {
			x.hungry = !x.hungry
		}
		switch at := draw.IntN(100); {
		case at < 2: // it sleeps for longer than its lease
			time.Sleep(shareLease + shareMargin)
			check("after a sleep")
		case at < 4: // it dies; its calls end; another process follows
			x.inUse = 0
			x.until = time.Time{}
			if draw.IntN(2) == 0 {
				if err := s.Leave(ctx, x.m); err != nil {
					t.Fatal(err)
				}
			}
			join(x)
		default:
			x.renew(t, s, draw, join)
		}
		check("after a renewal")
		if time.Now().Before(x.until) { // calls come and go within the share
			if x.inUse < x.lines {
				x.inUse += draw.IntN(x.lines - x.inUse + 1)
			}
			x.inUse -= draw.IntN(x.inUse + 1)
		}
		check("with calls")
		rate := 0.0
		for _, y := range nodes {
			if time.Now().Before(y.until) {
				rate += y.rate
			}
		}
		if rate > rateLimit-1e-6 {
			full++
		}
	}
	if full < 50 {
		t.Errorf("only %d times everything was given", full)
	}
}

// renew renews, sometimes without hearing the answer, sometimes twice in the wrong
// order.
func (x *sharer) renew(t *testing.T, s *Store, draw *rand.Rand, join func(*sharer)) {
	asked, wants := time.Now(), x.wants()
	x.nth++
	nth, late := x.nth, draw.IntN(20) == 0
	if late { // this one is overtaken by the next
		x.nth++
		nth = x.nth
	}
	shares, err := s.Renew(t.Context(), x.m, nth, shareLease, wants)
	if errors.Is(err, campaigns.ErrNodeLost) {
		x.until = time.Time{}
		join(x)
		return
	}
	if err != nil {
		t.Fatal(err)
	}
	if draw.IntN(10) > 0 {
		x.rate, x.lines = shares[0].Amount, int(shares[1].Amount)
		x.until = asked.Add(shareLease - shareMargin)
	}
	if late {
		if _, err := s.Renew(t.Context(), x.m, nth-1, shareLease, wants); !errors.Is(err, campaigns.ErrNodeLost) {
			t.Errorf("a renewal that was overtaken: %v", err)
		}
	}
}

// Shares follow what the nodes need, within a few renewals.
func TestSharesFollowNeed(t *testing.T) {
	s := openTest(t, redistest.Start(t).URL())
	type ask struct {
		need, obeys float64
		nth         int64
	}
	asks := map[string]*ask{"a": {}, "b": {}, "c": {}}
	for name := range asks {
		if err := s.Join(t.Context(), campaigns.Member{Node: name, Term: name}, time.Minute); err != nil {
			t.Fatal(err)
		}
	}
	settle := func(whole bool, total float64) map[string]float64 {
		got := map[string]float64{}
		for round := range 5 {
			for _, name := range []string{"a", "b", "c"} {
				x := asks[name]
				x.nth++
				shares, err := s.Renew(t.Context(), campaigns.Member{Node: name, Term: name}, x.nth, time.Minute,
					[]campaigns.Want{{Limit: "limit", Total: total, Need: x.need, Obeys: x.obeys, Whole: whole}})
				if err != nil {
					t.Fatal(err)
				}
				if round > 0 && shares[0].Nodes != 3 {
					t.Errorf("%d nodes share", shares[0].Nodes)
				}
				x.obeys, got[name] = shares[0].Amount, shares[0].Amount
			}
		}
		return got
	}
	for _, tt := range []struct {
		total, a, b, c float64
		whole          bool
		want           map[string]float64
	}{
		{total: 9, want: map[string]float64{"a": 3, "b": 3, "c": 3}},
		{total: 9, a: 9, want: map[string]float64{"a": 9, "b": 0, "c": 0}},
		{total: 9, a: 20, b: 1, c: 20, want: map[string]float64{"a": 4, "b": 1, "c": 4}},
		{total: 9, a: 1, b: 2, c: 3, want: map[string]float64{"a": 2, "b": 3, "c": 4}},
		{total: 1, b: 1, whole: true, want: map[string]float64{"a": 0, "b": 1, "c": 0}},
		{total: 90, a: 7, b: 50, c: 50, whole: true, want: map[string]float64{"a": 7, "b": 41, "c": 42}},
	} {
		asks["a"].need, asks["b"].need, asks["c"].need = tt.a, tt.b, tt.c
		got, sum := settle(tt.whole, tt.total), 0.0
		for name, want := range tt.want {
			sum += got[name]
			if d := got[name] - want; d > 1.01 && tt.whole || d < -1.01 && tt.whole || !tt.whole && (d > 1e-9 || d < -1e-9) {
				t.Errorf("of %v, needed %v %v %v: %v, want %v", tt.total, tt.a, tt.b, tt.c, got, tt.want)
			}
		}
		if sum != tt.total {
			t.Errorf("of %v, %v are given", tt.total, sum)
		}
	}
}

// All that nodes share is in one slot of a cluster.
func TestNodesOfACluster(t *testing.T) {
	s := openTest(t, redistest.Cluster(t, 3, 0)[0].URL())
	ctx, m := t.Context(), campaigns.Member{Node: "n", Term: "t"}
	if err := s.Join(ctx, m, time.Minute); err != nil {
		t.Fatal(err)
	}
	book, counts, err := s.OpenLive(ctx, "c", "n", func() ([]campaigns.LiveCount, error) {
		return []campaigns.LiveCount{{At: start, Live: 100, Abandoned: 2}, {At: start.Add(time.Hour), Live: 10}}, nil
	})
	if err != nil || len(counts) != 2 || counts[0].Live != 100 || counts[0].Abandoned != 2 || counts[1].At.Sub(counts[0].At) != time.Hour {
		t.Fatalf("book %+v of %+v, %v", book, counts, err)
	}
	run := campaigns.LiveRun{Run: "r", Book: book.Book, Live: 5, Abandoned: 1, At: start}
	for range 2 { // telling it again changes nothing
		state, err := s.CountLive(ctx, "c", run)
		if want := (campaigns.LiveBookState{Book: book.Book, Version: book.Version + 1, Live: 5, Abandoned: 1}); err != nil || state != want {
			t.Errorf("counted: %+v, %v; want %+v", state, err, want)
		}
	}
	shares, err := s.Renew(ctx, m, 1, time.Minute, []campaigns.Want{
		{Limit: "lines", Total: 30, Need: 1, Whole: true, Lasts: true},
		{Limit: campaigns.BudgetLimit("c"), Total: 3.5, Need: 1, Lasts: true, Credit: "c", AsOf: book.Version + 1},
		{Limit: campaigns.BudgetLimit("c"), Total: 9, Need: 1, Obeys: 3.5, Lasts: true, Credit: "c", AsOf: book.Version},
	})
	if err != nil || len(shares) != 3 || shares[0] != (campaigns.Share{Amount: 30, Nodes: 1, Part: 1}) ||
		shares[1] != (campaigns.Share{Amount: 3.5, Nodes: 1, Part: 1}) || shares[2] != (campaigns.Share{Amount: 3.5, Nodes: 1, Part: 1, Stale: true}) {
		t.Errorf("shares %+v, %v", shares, err)
	}
	_, counts, err = s.OpenLive(ctx, "c", "other", nil)
	if err != nil || len(counts) != 2 || counts[0].Live != 105 || counts[0].Abandoned != 3 {
		t.Errorf("opened by a second node: %+v, %v", counts, err)
	}
	if err := s.Leave(ctx, m); err != nil {
		t.Error(err)
	}
	if n, err := s.db.HLen(ctx, s.sharesKey()+"lines").Result(); err != nil || n != 0 {
		t.Errorf("%d shares of a node that left, %v", n, err)
	}
}
