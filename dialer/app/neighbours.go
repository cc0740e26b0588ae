package app

import (
	"cmp"
	"context"
	"crypto/rand"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// neighbours looks after what other nodes leave behind. The leads that a node had
// claimed go back as soon as its lease is over: their fences keep it from calling
// them. Its calls are ended, and their attempts settled, only when it has been gone
// for long: a node that is merely cut off from the store has people on the line.
type neighbours struct {
	own     *node
	after   time.Duration // settle a node that has been gone for so long
	reclaim func(ctx context.Context, node string) (int, error)
	settle  func(ctx context.Context, node string) (int, error)
	log     *zap.Logger

	reclaimed map[string]string // node → term of which the claims went back
}

const (
	lookAfterEvery = 2 * time.Second
	// settleLease is how long settling a node may take: it includes hanging up.
	settleLease = 30 * time.Second
)

// run looks until ctx ends.
func (b *neighbours) run(ctx context.Context) error {
	if b.own.nodes == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	b.reclaimed = map[string]string{}
	tick := time.NewTicker(lookAfterEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			b.look(ctx)
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

// look does what is due. Where the store fails, the next look does it.
func (b *neighbours) look(ctx context.Context) {
	if b.own.Term(time.Now()) == 0 {
		return
	}
	all, err := b.own.nodes.Members(ctx)
	if err != nil {
		return // the renewal of our lease tells
	}
	for _, m := range all {
		if m.Node == b.own.name || m.Left > -nodeMargin {
			continue
		}
		if b.reclaimed[m.Node] != m.Term {
			b.reclaimClaims(ctx, m)
		}
		// After a time without the store all leases look old: a node that comes
		// back with us must have the time to say so.
		if m.Left <= -b.after && b.own.steadyFor(time.Now()) >= b.after {
			b.settleNode(ctx, m.Node)
		}
	}
}

func (b *neighbours) reclaimClaims(ctx context.Context, m campaigns.MemberState) {
	n, err := b.reclaim(ctx, m.Node)
	if err != nil {
		b.log.Warn("leads of a node that is gone were not taken back", zap.String("node", m.Node), zap.Error(err))
		return
	}
	b.reclaimed[m.Node] = m.Term
	b.log.Warn("another node does not renew its lease: its leads go back", zap.String("node", m.Node), zap.Int("leads", n))
}

// settleNode settles a node under its own name, so that it cannot come back in the
// middle of it, and no other node does the same.
func (b *neighbours) settleNode(ctx context.Context, name string) {
	as := campaigns.Member{
		Node: name, Term: rand.Text(), For: b.own.name, Over: b.after,
		About: fmt.Sprintf("node %q settles what it left", b.own.name),
	}
	ctx, cancel := context.WithTimeout(ctx, settleLease)
	defer cancel()
	if err := b.own.nodes.Join(ctx, as, settleLease); err != nil {
		return // it is back, or somebody else is at it
	}
	n, err := b.settle(ctx, name)
	if err != nil { // its lease runs out again; what is settled stays so
		b.log.Error("a node that is gone was not settled", zap.String("node", name), zap.Error(err))
		return
	}
	b.log.Warn("settled a node that is gone", zap.String("node", name), zap.Int("attempts", n))
	if err := b.own.nodes.Leave(context.WithoutCancel(ctx), as); err != nil {
		b.log.Warn("the name of a node that is gone was not given back", zap.String("node", name), zap.Error(err))
	}
}

// neighbours is the room that looks after other nodes.
func (a *App) neighbours() *neighbours {
	return &neighbours{
		own: a.node, after: cmp.Or(a.cfg.Engine.SettleAfter, dialer.DefaultSettleAfter), log: a.log.Named("node"),
		reclaim: func(ctx context.Context, node string) (int, error) { return a.store.Reclaim(ctx, node, time.Now()) },
		settle: func(ctx context.Context, node string) (int, error) {
			return a.engine.SettleNode(ctx, node, a.campaign(ctx))
		},
	}
}

// regain ends what another node settled while we had no term.
func (a *App) regain(ctx context.Context) error {
	n, err := a.engine.Regain(ctx)
	if n > 0 {
		a.log.Warn("calls that another node settled were hung up", zap.Int("calls", n))
	}
	return err
}
