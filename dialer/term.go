package dialer

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/call"
)

// Where several nodes share a store, a node places calls under a term: the time
// for which it surely has its name there. Between two terms it places nothing,
// and what was begun in an earlier one is not placed any more: another node may
// have settled it.

// term is the term that runs now, 0 between two.
func (e *Engine) term(now time.Time) int64 {
	if e.deps.Term == nil {
		return 1
	}
	return e.deps.Term(now)
}

// SettleNode settles what another node left behind, as Settle does for this one.
// The caller sees to it that the node is dead and stays so meanwhile.
func (e *Engine) SettleNode(ctx context.Context, node string, campaign func(campaigns.CampaignID) (campaigns.Campaign, error)) (int, error) {
	n, err := e.settle(ctx, node, campaign)
	if err != nil {
		return n, fmt.Errorf("settle node %q: %w", node, err)
	}
	return n, nil
}

// Regain is called between two terms, before the next begins: calls that
// another node settled meanwhile are hung up, all others go on, and so do operators
// who did not sign in elsewhere. It says how many calls were hung up.
func (e *Engine) Regain(ctx context.Context) (int, error) {
	open, err := e.deps.Store.Open(ctx, e.cfg.Node)
	if err != nil {
		return 0, fmt.Errorf("attempts that are still ours: %w", err)
	}
	ours := map[campaigns.AttemptID]bool{}
	for _, a := range open {
		ours[a.ID] = true
	}
	settled := 0
	err = e.do(ctx, func(now time.Time) error {
		for id, c := range e.calls {
			if !c.placed || ours[id] { // what is not placed yet will not be: its term is over
				continue
			}
			settled++
			e.log.Warn("another node settled this call while ours was cut off", zap.String("call", string(id)))
			e.step(now, c, call.Cancel{})
			e.step(now, c, call.HangUp{})
		}
		return nil
	})
	if err != nil {
		return settled, err
	}
	return settled, e.regainDuties(ctx)
}
