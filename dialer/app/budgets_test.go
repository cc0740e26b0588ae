package app

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// spender is a node that dials for one campaign: it loses a call only where its
// budget says that it may.
type spender struct {
	t          *testing.T
	name       string
	store      Store
	nodes      campaigns.Nodes
	member     campaigns.Member
	nth        int64
	budgets    *budgets
	controller pacing.Controller
	calls      int
	gone       bool
}

const (
	spenderLease = 10 * time.Second // nothing ends by itself here
	theCampaign  = campaigns.CampaignID("c")
	theLimit     = 0.03
)

// begin starts a process of the node.
func (s *spender) begin(lives int) {
	s.t.Helper()
	ctx := s.t.Context()
	s.member = campaigns.Member{Node: s.name, Term: fmt.Sprint(s.name, "-", lives), Home: s.name}
	s.nth, s.gone = 0, false
	if err := s.nodes.Join(ctx, s.member, spenderLease); err != nil {
		s.t.Fatal(err)
	}
	now := time.Now()
	s.controller = pacing.New(pacing.Settings{Mode: pacing.Predictive, Limit: theLimit, Windows: []time.Duration{0, 24 * time.Hour}}, now)
	s.budgets = newBudgets(s.name, s.store, zap.NewNop())
	s.budgets.share = func(_ context.Context, _ campaigns.CampaignID, ev pacing.Shared) (pacing.Balance, error) {
		s.controller.Observe(time.Now(), ev)
		return s.controller.Balance(time.Now()), nil
	}
	counts, err := s.budgets.LiveCounts(ctx, theCampaign, time.Time{}, 2*time.Second)
	if err != nil {
		s.t.Fatal(err)
	}
	var past pacing.Past
	for _, n := range counts {
		past.Counts = append(past.Counts, pacing.Count{At: n.At, Live: n.Live, Abandoned: n.Abandoned})
	}
	s.controller.Recall(now, past)
	s.controller.Observe(now, pacing.Shared{Part: 1})
	for i := range 5 {
		s.controller.Observe(now, pacing.Operator{ID: fmt.Sprint(i), State: pacing.Ready})
	}
}

// renew renews; what happens in between is the caller's.
func (s *spender) renew(asked, answered func()) {
	s.t.Helper()
	wants := s.budgets.wants(s.t.Context())
	asked()
	s.nth++
	shares, err := s.nodes.Renew(s.t.Context(), s.member, s.nth, spenderLease, wants)
	if err != nil {
		s.t.Fatal(err)
	}
	answered()
	s.budgets.given(wants, shares, time.Time{})
}

// answer is a live answer: lost, where the budget bears that, or an operator's.
func (s *spender) answer(lose bool) (lost bool) {
	now := time.Now()
	s.calls++
	id := fmt.Sprint("call", s.calls)
	s.controller.Observe(now, pacing.Dialed{Call: id})
	s.controller.Observe(now, pacing.Human{Call: id})
	if lose && s.controller.Balance(now).Mine >= 1 {
		s.controller.Observe(now, pacing.Abandoned{Call: id})
		return true
	}
	s.controller.Observe(now, pacing.Connected{Call: id, Operator: "0"})
	return false
}

// spenderOn is the i-th node on a store.
func spenderOn(t *testing.T, url string, i int) *spender {
	t.Helper()
	cfg := onRedis(t, url, fmt.Sprint("n", i))
	store, err := OpenStore(t.Context(), cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	nodes, _ := campaigns.As[campaigns.Nodes](store)
	return &spender{t: t, name: cfg.Engine.Node, store: store, nodes: nodes}
}

// Nodes that lose every call that their budgets bear, die and follow each other stay
// within the limit together at every moment, and spend nearly all of it.
func TestNodesShareABudget(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	draw := rand.New(rand.NewPCG(3, 0))
	var all []*spender
	for i := range 3 {
		all = append(all, spenderOn(t, url, i))
	}
	for _, s := range all {
		s.begin(0)
	}
	live, lost, stale := 0, 0, 0
	answers := func(s *spender, most int) {
		for range draw.IntN(most + 1) {
			live++
			if s.answer(draw.IntN(3) > 0) {
				lost++
			}
			if float64(lost) > theLimit*float64(live) {
				t.Fatalf("%d of %d live answers are lost", lost, live)
			}
		}
	}
	for round := range 2000 {
		s := all[draw.IntN(len(all))]
		if s.gone {
			if draw.IntN(4) == 0 { // another node settled it, or its next process did
				if err := s.nodes.Leave(t.Context(), s.member); err != nil {
					t.Fatal(err)
				}
				s.begin(round)
			}
			continue
		}
		answers(s, 4)
		s.renew(func() {
			other := all[draw.IntN(len(all))]
			if other != s && !other.gone && draw.IntN(3) == 0 { // it was quicker
				answers(other, 4)
				other.renew(func() {}, func() {})
				stale++
			}
		}, func() { answers(s, 2) })
		if draw.IntN(100) == 0 { // it dies with what it was given
			s.renew(func() {}, func() {})
			s.gone = true
		}
	}
	if spent := float64(lost) / float64(live); spent < theLimit*0.8 || stale < 50 {
		t.Errorf("%d of %d live answers were lost, %.2f%%; %d races", lost, live, 100*spent, stale)
	}
	t.Logf("%d of %d live answers lost: %.3f%% of %.0f%%", lost, live, 100*float64(lost)/float64(live), 100*theLimit)
}

// A node that comes to a campaign knows what all have done, and may spend nothing of
// it until it was given a part; a book of which nobody is left is made anew.
func TestBudgetOfANodeThatComes(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	cfg := onRedis(t, url, "n")
	store, nodes, ghostly := ghost(t, cfg, time.Minute)
	if err := nodes.Leave(t.Context(), ghostly); err != nil {
		t.Fatal(err)
	}
	a, b := &spender{t: t, name: "a", store: store, nodes: nodes}, &spender{t: t, name: "b", store: store, nodes: nodes}
	nothing := func() {}
	a.begin(1)
	for range 1000 {
		a.answer(false)
	}
	a.renew(nothing, nothing)
	b.begin(1)
	if got := b.controller.Balance(time.Now()); got.Credit != 30 || got.Mine != 0 || got.Live != 0 {
		t.Errorf("b knows %+v, want a credit of 30 and nothing of it", got)
	}
	for range 3 {
		a.renew(nothing, nothing)
		b.renew(nothing, nothing)
	}
	for _, s := range []*spender{a, b} {
		if got := s.controller.Balance(time.Now()); got.Credit != 30 || got.Mine < 14.9 || got.Mine > 15.1 {
			t.Errorf("%s has %+v, want half of 30", s.name, got)
		}
	}
	for range 20 {
		b.answer(true)
	}
	b.renew(nothing, nothing)
	a.renew(nothing, nothing)
	if got := a.controller.Balance(time.Now()); got.Credit < 15.5 || got.Credit > 15.7 || got.Mine > 15 {
		t.Errorf("after b lost 15 of 20: a has %+v", got)
	}
	a.budgets.lost()
	if got := a.controller.Balance(time.Now()); got.Mine != 0 {
		t.Errorf("without a term: a has %+v", got)
	}
	for _, s := range []*spender{a, b} {
		if err := nodes.Leave(t.Context(), s.member); err != nil {
			t.Fatal(err)
		}
	}
	a.begin(2)
	if got := a.controller.Balance(time.Now()); got.Credit != 0 {
		t.Errorf("no attempt is kept, and a new book says %+v", got)
	}
	if _, err := a.budgets.book.CountLive(t.Context(), "other", campaigns.LiveRun{}); !errors.Is(err, campaigns.ErrNotFound) {
		t.Errorf("a book that nobody opened: %v", err)
	}
}
