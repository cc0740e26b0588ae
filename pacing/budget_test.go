package pacing

import (
	"testing"
	"time"
)

var monday = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// spent returns a budget with so many live answers and abandoned calls.
func spent(live, abandoned int) *budget {
	b := newBudget(monday, nil)
	for range live {
		b.human(monday, 0)
	}
	for range abandoned {
		b.lost(monday)
	}
	return &b
}

func TestAllowance(t *testing.T) {
	for _, c := range []struct{ limit, loss, want float64 }{
		{0.03, 0, 0.03},
		{0.03, 0.01, 0.02 / 0.99},
		{0.03, 0.03, 0.003},
		{0.03, 0.2, 0.003}, // the detector alone breaks the law: a tenth is left, never a negative
		{0.01, 0, 0.01},
	} {
		if got := (Settings{Limit: c.limit, DetectorLoss: c.loss}).allowance(); got-c.want > 1e-9 || c.want-got > 1e-9 {
			t.Errorf("limit %v, loss %v: allowance = %v, want %v", c.limit, c.loss, got, c.want)
		}
	}
}

func TestAccountCountsThePast(t *testing.T) {
	s := Settings{Limit: 0.03}.withDefaults()
	for _, c := range []struct {
		name            string
		live, abandoned int
		past            []Count
		credit          float64
	}{
		{"own count where the store knows none", 1000, 10, nil, 20},
		{"with what the store knows", 1000, 10, []Count{{monday, 1000, 25}}, 25},
		{"overdrawn", 100, 9, nil, -6},
	} {
		b := newBudget(monday, nil)
		for _, n := range c.past {
			b.ledger.book(n.At, float64(n.Live), float64(n.Abandoned))
		}
		b.ledger.book(monday, float64(c.live), float64(c.abandoned))
		got := b.account(monday, s, 10).credit
		if got-c.credit > 1e-6 || c.credit-got > 1e-6 {
			t.Errorf("%s: credit = %v, want %v", c.name, got, c.credit)
		}
	}
}

func TestBudgetOpensWithTheFirstLegalAbandonment(t *testing.T) {
	s := Settings{Limit: 0.03}.withDefaults()
	for _, c := range []struct {
		live, abandoned int
		open            bool
	}{
		{0, 0, false},
		{32, 0, false}, // 1 in 33 is over 3 %
		{33, 0, true},  // 1 in 34 is not
		{33, 1, false},
		{66, 1, true},
	} {
		if got := spent(c.live, c.abandoned).account(monday, s, 10).open(); got != c.open {
			t.Errorf("%d live, %d abandoned: open = %v, want %v", c.live, c.abandoned, got, c.open)
		}
	}
}

// The threshold falls as the credit does, and is strict near the window's end.
func TestThresholdFollowsTheCredit(t *testing.T) {
	s := Settings{Limit: 0.03}.withDefaults()
	now := monday.Add(2 * time.Hour)
	last := 1.0
	for _, abandoned := range []int{0, 5, 10, 15, 20, 25, 30, 35, 45} {
		b := spent(1000, 0)
		b.ledger.book(monday, 0, float64(abandoned))
		got := b.threshold(s, b.account(now, s, 10))
		if got > last || got <= 0 || got > maxRisk {
			t.Errorf("%d abandoned: threshold = %v after %v", abandoned, got, last)
		}
		last = got
	}
	b := spent(1000, 15)
	far := b.threshold(s, b.account(now, s, 10))
	s.WindowEnd = now.Add(10 * time.Minute)
	b.ledger.book(now, 0, 25)
	if near := b.threshold(s, b.account(now, s, 10)); near >= far/10 {
		t.Errorf("overdrawn near the window's end: threshold = %v, want well under %v", near, far)
	}
}
