package app

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"sync"
	"sync/atomic"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Several processes may share a store: each is a node with a name of its own,
// which it has by a lease. A node that cannot renew its lease stops placing calls,
// by its own clock, before the lease is over by the clock of the store; so nothing
// is placed by a node that others hold for dead, and by no two processes of one
// name.
const (
	nodeLease  = 5 * time.Second
	renewEvery = time.Second
	// nodeMargin is how much sooner we stop than the lease is over: for what is on
	// its way to the carrier, and for clocks that do not run alike.
	nodeMargin = 1500 * time.Millisecond
)

// node is this process among those that share the store.
type node struct {
	name  string
	url   string          // where other nodes reach this one; empty: nowhere
	nodes campaigns.Nodes // nil: the store is ours alone
	home  *home
	log   *zap.Logger

	// Only join, keep and leave touch it, one after the other; see present.
	member  campaigns.Member
	joined  bool
	renewed int64 // renewals of the present stay
	failed  bool  // the last renewal did
	// shares are asked for with each renewal, once they are wanted.
	shares sharing
	wanted atomic.Bool
	soon   chan struct{} // renew now

	mu     sync.Mutex
	term   int64     // counts those that we had
	until  time.Time // the present one holds until then; zero: there is none
	steady time.Time // since when there was no gap
}

// sharing is what a node shares with others besides leads.
type sharing interface {
	wants(ctx context.Context) []campaigns.Want
	given(wants []campaigns.Want, shares []campaigns.Share, until time.Time)
	lost() // all shares, with the term
}

func newNode(name string, store Store, log *zap.Logger) *node {
	n := &node{name: name, log: log, soon: make(chan struct{}, 1)}
	n.nodes, _ = campaigns.As[campaigns.Nodes](store)
	return n
}

// Term is the term under which calls may be placed; see dialer.Deps. A machine
// that slept has a steady clock that slept as well, so both clocks are asked.
func (n *node) Term(now time.Time) int64 {
	if n.nodes == nil {
		return 1
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	if !now.Before(n.until) || !now.Round(0).Before(n.until.Round(0)) {
		return 0
	}
	return n.term
}

// steadyFor is how long the term has lasted so far.
func (n *node) steadyFor(now time.Time) time.Duration {
	if n.Term(now) == 0 {
		return 0
	}
	n.mu.Lock()
	defer n.mu.Unlock()
	return now.Sub(n.steady)
}

// holds begins a term, or prolongs it: the lease was asked for at a moment.
func (n *node) holds(asked time.Time, anew bool) {
	n.mu.Lock()
	defer n.mu.Unlock()
	if anew {
		n.term++
		n.steady = asked
	}
	n.until = asked.Add(nodeLease - nodeMargin)
}

func (n *node) lost() {
	n.mu.Lock()
	defer n.mu.Unlock()
	n.until = time.Time{}
}

// fresh is this process in a stay that nobody knows yet.
func (n *node) fresh() campaigns.Member {
	host, _ := os.Hostname() // only to say it
	return campaigns.Member{
		Node: n.name, Term: rand.Text(), Home: n.home.name(),
		About: fmt.Sprintf("process %d on %s", os.Getpid(), host), URL: n.url,
	}
}

// present is this process in its present stay, for anybody.
func (n *node) present() campaigns.Member {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.member
}

// duty says to the store who is on duty here; see dialer.Deps.
func (n *node) duty(store campaigns.Records) func(ctx context.Context, user campaigns.UserID, nth int64, on bool) error {
	return func(ctx context.Context, user campaigns.UserID, nth int64, on bool) error {
		return store.SaveDuty(ctx, campaigns.Duty{User: user, Node: n.name, Term: n.present().Term, Nth: nth, On: on})
	}
}

// takenError says that a process of our name is alive.
type takenError struct{ taken *campaigns.NodeTaken }

func (e takenError) Error() string {
	return fmt.Sprintf("engine.node: %v. Each process on a store needs a name of its own", e.taken)
}

// sameEnd is how much later the end of a lease must be to have been renewed: it is
// reckoned from answers that take their time.
const sameEnd = 200 * time.Millisecond

// join takes our name before anything moves. Of a process that died, the lease
// still runs for some seconds: that is waited for. One that renews it is alive.
func (n *node) join(ctx context.Context) error {
	if n.nodes == nil {
		return nil
	}
	var ends time.Time
	for told := false; ; told = true {
		asked := time.Now()
		err := n.tryJoin(ctx)
		taken, is := errors.AsType[*campaigns.NodeTaken](err)
		switch {
		case err == nil:
			n.holds(asked, true)
			return nil
		case !is:
			return fmt.Errorf("engine.node: %w", err)
		}
		end := time.Now().Add(taken.Left)
		if taken.For == "" && !ends.IsZero() && end.Sub(ends) > sameEnd {
			return takenError{taken}
		}
		if ends.IsZero() || taken.For != "" {
			ends = end
		}
		if !told {
			n.log.Info("waiting for the lease of this node's name to be over", zap.String("node", n.name), zap.Duration("at_most", taken.Left), zap.String("held_by", taken.Error()))
		}
		select {
		case <-time.After(min(renewEvery, max(taken.Left, 0)) + 10*time.Millisecond):
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (n *node) tryJoin(ctx context.Context) error {
	n.mu.Lock()
	n.member, n.renewed = n.fresh(), 0
	n.mu.Unlock()
	err := n.nodes.Join(ctx, n.member, nodeLease)
	n.joined = err == nil
	return err
}

// run keeps the name until ctx ends, then gives it back. regain is called between
// two terms. It ends by itself only where another process took the name.
func (n *node) run(ctx context.Context, regain func(context.Context) error) error {
	if n.nodes == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	tick := time.NewTicker(renewEvery)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
		case <-n.soon:
		case <-ctx.Done():
			n.leave(context.WithoutCancel(ctx))
			return context.Cause(ctx)
		}
		if err := n.keep(ctx, regain); err != nil {
			return err
		}
	}
}

// share begins to ask for shares: what the last process of this name had in use is
// settled.
func (n *node) share() {
	n.wanted.Store(true)
	n.hurry()
}

// hurry has the lease renewed at once.
func (n *node) hurry() {
	select {
	case n.soon <- struct{}{}:
	default:
	}
}

// renew renews the lease, and the shares with it, and says when it asked. What is
// asked of the store for the sake of shares must not keep the lease waiting.
func (n *node) renew(ctx context.Context) (asked time.Time, err error) {
	var wants []campaigns.Want
	if n.wanted.Load() {
		soon, cancel := context.WithTimeout(ctx, renewEvery)
		wants = n.shares.wants(soon)
		cancel()
	}
	asked = time.Now()
	n.renewed++
	shares, err := n.nodes.Renew(ctx, n.member, n.renewed, nodeLease, wants)
	if err == nil && len(wants) > 0 {
		n.shares.given(wants, shares, asked.Add(nodeLease-nodeMargin))
	}
	return asked, err
}

// keep renews the lease, or begins a new term.
func (n *node) keep(ctx context.Context, regain func(context.Context) error) error {
	ctx, cancel := context.WithTimeout(ctx, nodeLease)
	defer cancel()
	asked, err := time.Now(), campaigns.ErrNodeLost
	if n.joined {
		asked, err = n.renew(ctx)
	}
	if errors.Is(err, campaigns.ErrNodeLost) {
		n.lost()
		if n.wanted.Load() {
			n.shares.lost()
		}
		asked = time.Now()
		err = n.beginTerm(ctx, regain)
		if err == nil {
			n.log.Warn("the lease of this node was over: a new term begins", zap.String("node", n.name))
			n.holds(asked, true)
			n.failed = false
			return nil
		}
		if taken, is := errors.AsType[*campaigns.NodeTaken](err); is && taken.For == "" {
			return takenError{taken}
		}
	}
	switch {
	case err == nil:
		n.holds(asked, false)
	case !n.failed && ctx.Err() == nil:
		n.log.Warn("the lease of this node was not renewed", zap.String("node", n.name), zap.Error(err))
	}
	n.failed = err != nil
	return nil
}

// beginTerm joins again and settles with the store what happened in between.
func (n *node) beginTerm(ctx context.Context, regain func(context.Context) error) error {
	if err := n.tryJoin(ctx); err != nil {
		return err
	}
	if err := regain(ctx); err != nil {
		n.joined = false // as if we had not: the next try is a new one
		return errors.Join(err, n.nodes.Leave(ctx, n.member))
	}
	return nil
}

// leave gives the name back, so that the next process need not wait.
func (n *node) leave(ctx context.Context) {
	if n.nodes == nil || !n.joined {
		return
	}
	n.lost()
	n.joined = false
	ctx, cancel := context.WithTimeout(ctx, renewEvery)
	defer cancel()
	if err := n.nodes.Leave(ctx, n.member); err != nil {
		n.log.Info("the name of this node was not given back: its lease will run out", zap.Error(err))
	}
}
