package app

import (
	"context"
	"crypto/rand"
	"errors"
	"slices"
	"sync"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/pacing"
)

// budgets shares the abandonment budget of campaigns among nodes. With each renewal
// every node tells what it has counted, hears what the others have, and asks for a
// part of what may still be abandoned, in proportion to its operators at work.
//
//	pacing ─► Balance ─► book of all nodes ─► what others counted ─► pacing
//	                                     └──► want: a part of the credit ─► pacing
//
// It stands before the store where pacing reads its past, because a past that each
// node took for its own would be spent by each.
type budgets struct {
	node  string
	store campaigns.PacingRecords
	book  campaigns.LiveBook
	share func(context.Context, campaigns.CampaignID, pacing.Shared) (pacing.Balance, error) // Engine.ShareBudget
	log   *zap.Logger

	mu   sync.Mutex
	runs map[campaigns.CampaignID]*budgetRun
}

// budgetRun is the pacing of a campaign on this node. Only renewals touch what is
// under the line.
type budgetRun struct {
	id, book string

	live, abandoned int            // of others, as far as pacing was told
	asked           pacing.Balance // that the last want was made of
}

// budgetsAtOnce is how many campaigns are counted at a time.
const budgetsAtOnce = 16

// idleWeight is the part of a node without operators, in operators: those who come
// find some credit.
const idleWeight = 0.05

// newBudgets is nil where the store is this node's alone. share is to be set.
func newBudgets(node string, store Store, log *zap.Logger) *budgets {
	book, shared := campaigns.As[campaigns.LiveBook](store)
	if !shared {
		return nil
	}
	return &budgets{node: node, store: store, book: book, log: log, runs: map[campaigns.CampaignID]*budgetRun{}}
}

// LiveCounts is the past of a campaign on all nodes; see dialer.Memory. From here on
// the node takes part in its budget.
func (b *budgets) LiveCounts(ctx context.Context, c campaigns.CampaignID, since time.Time, within time.Duration) ([]campaigns.LiveCount, error) {
	state, counts, err := b.book.OpenLive(ctx, c, b.node, func() ([]campaigns.LiveCount, error) {
		return b.store.LiveCounts(ctx, c, since, within)
	})
	if err != nil {
		return nil, err
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.runs[c] = &budgetRun{id: rand.Text(), book: state.Book, live: state.Live, abandoned: state.Abandoned}
	return slices.DeleteFunc(counts, func(n campaigns.LiveCount) bool { return n.At.Add(campaigns.LiveStep).Before(since) }), nil
}

// SaveLearnt and Learnt are the store's; see dialer.Memory.
func (b *budgets) SaveLearnt(ctx context.Context, c campaigns.CampaignID, learnt []byte) error {
	return b.store.SaveLearnt(ctx, c, learnt)
}

func (b *budgets) Learnt(ctx context.Context, c campaigns.CampaignID) ([]byte, error) {
	return b.store.Learnt(ctx, c)
}

// known are the campaigns of this node, by id.
func (b *budgets) known() []campaigns.CampaignID {
	b.mu.Lock()
	defer b.mu.Unlock()
	var all []campaigns.CampaignID
	for c := range b.runs {
		all = append(all, c)
	}
	slices.Sort(all)
	return all
}

func (b *budgets) run(c campaigns.CampaignID) *budgetRun {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.runs[c]
}

// tell tells pacing, and returns the balance then. The loop answers at once, or has
// stopped; what it was told must not be told again.
func (b *budgets) tell(c campaigns.CampaignID, ev pacing.Shared) (pacing.Balance, error) {
	return b.share(context.Background(), c, ev)
}

func (b *budgets) wants(ctx context.Context) []campaigns.Want {
	var mu sync.Mutex
	var all []campaigns.Want
	var asking errgroup.Group // on a slow store one after the other would take too long
	asking.SetLimit(budgetsAtOnce)
	for _, c := range b.known() {
		asking.Go(func() error {
			w, err := b.want(ctx, c)
			mu.Lock()
			defer mu.Unlock()
			if err == nil {
				all = append(all, w)
			} else if !errors.Is(err, dialer.ErrNotHere) && !errors.Is(err, dialer.ErrStopped) && ctx.Err() == nil {
				b.log.Warn("the budget of a campaign was not shared", zap.String("campaign", string(c)), zap.Error(err))
			}
			return nil
		})
	}
	_ = asking.Wait() // each said what was wrong
	return all
}

// want counts, hears and asks.
func (b *budgets) want(ctx context.Context, c campaigns.CampaignID) (campaigns.Want, error) {
	r := b.run(c)
	own, err := b.tell(c, pacing.Shared{})
	if err != nil {
		return campaigns.Want{}, err
	}
	state, err := b.book.CountLive(ctx, c, campaigns.LiveRun{Run: r.id, Book: r.book, Live: own.Live, Abandoned: own.Abandoned, At: time.Now()})
	if err != nil {
		return campaigns.Want{}, err
	}
	if state.Book != r.book { // its base has all that we were told of
		r.book, r.live, r.abandoned = state.Book, state.Live, state.Abandoned
	}
	others := pacing.Shared{Live: state.Live - own.Live - r.live, Abandoned: state.Abandoned - own.Abandoned - r.abandoned}
	if r.asked, err = b.tell(c, others); err != nil {
		return campaigns.Want{}, err
	}
	r.live, r.abandoned = r.live+others.Live, r.abandoned+others.Abandoned
	return campaigns.Want{
		Limit: campaigns.BudgetLimit(c), Total: r.asked.Credit, Need: float64(r.asked.AtWork) + idleWeight,
		Obeys: r.asked.Mine, Lasts: true, Credit: c, AsOf: state.Version,
	}, nil
}

// given puts shares in force. What pacing counted since it was asked changes its
// part by itself.
func (b *budgets) given(wants []campaigns.Want, shares []campaigns.Share, _ time.Time) {
	for i, w := range wants {
		r := b.run(w.Credit)
		if shares[i].Stale || r == nil {
			continue // others counted meanwhile: the next renewal asks again
		}
		b.spend(w.Credit, pacing.Shared{
			Part: shares[i].Part, Credit: shares[i].Amount, OwnLive: r.asked.Live, OwnAbandoned: r.asked.Abandoned,
		})
	}
}

// lost leaves nothing to spend: others may have been given it.
func (b *budgets) lost() {
	for _, c := range b.known() {
		if own, err := b.tell(c, pacing.Shared{}); err == nil {
			b.spend(c, pacing.Shared{Part: 1, OwnLive: own.Live, OwnAbandoned: own.Abandoned})
		}
	}
}

func (b *budgets) spend(c campaigns.CampaignID, ev pacing.Shared) {
	_, err := b.tell(c, ev)
	if err != nil && !errors.Is(err, dialer.ErrStopped) && !errors.Is(err, dialer.ErrNotHere) {
		b.log.Warn("pacing was not told its part of the budget", zap.String("campaign", string(c)), zap.Error(err))
	}
}

// kicker has the lease renewed, and all that is shared with it, as soon as a call
// was abandoned: what others do not know, they cannot heed.
type kicker struct{ node *node }

func (k kicker) Notice(n dialer.Notice) {
	if e, ended := n.(dialer.CallEnded); ended && e.Ending.Outcome == campaigns.Abandoned {
		k.node.hurry()
	}
}
