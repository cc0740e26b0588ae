package app

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/gob"
	"io"
	"slices"
	"strings"
	"sync"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// board shows every node what the others do: each writes what is live on it to the
// store, and reads the rest while somebody looks. Nothing rests on it: where the store
// is slow or gone, what is old disappears.
//
//	engine ─ snapshot, without what is big ─► store, every 2 s, for 6 s
//	live page, API ─► others ─► store, at most once a second
type board struct {
	own      *node
	snapshot func(context.Context) (dialer.Snapshot, error) // Engine.Snapshot
	log      *zap.Logger

	mu     sync.Mutex
	shown  []dialer.Snapshot // of the others, by name
	asked  time.Time         // when the store was asked last
	heard  time.Time         // when it answered
	failed bool              // the last try to show did
}

const (
	showEvery = 2 * time.Second
	showFor   = 3 * showEvery
	// lookEvery and lookWithin keep pages from asking the store too often, and a slow
	// store from holding them up.
	lookEvery  = time.Second
	lookWithin = 300 * time.Millisecond
	// mostShown bounds what is read of one node, in bytes.
	mostShown = 16 << 20
)

// run shows until ctx ends.
func (b *board) run(ctx context.Context) error {
	if b.own.nodes == nil {
		<-ctx.Done()
		return context.Cause(ctx)
	}
	tick := time.NewTicker(showEvery)
	defer tick.Stop()
	for {
		b.show(ctx)
		select {
		case <-tick.C:
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
}

func (b *board) show(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, showEvery)
	defer cancel()
	s, err := b.snapshot(ctx)
	if err != nil {
		return // it stops
	}
	state, err := packState(s)
	if err == nil {
		err = b.own.nodes.Show(ctx, b.own.name, state, showFor)
	}
	if err != nil && !b.failed && ctx.Err() == nil {
		b.log.Info("the other nodes do not see what is live here", zap.Error(err))
	}
	b.failed = err != nil
}

// Others is what is live on the other nodes, by name, some seconds old at most.
func (b *board) Others(ctx context.Context) []dialer.Snapshot {
	b.mu.Lock()
	defer b.mu.Unlock()
	if now := time.Now(); now.Sub(b.asked) >= lookEvery {
		b.asked = now
		b.look(ctx)
	}
	if time.Since(b.heard) > showFor {
		b.shown = nil
	}
	return slices.Clone(b.shown)
}

func (b *board) look(ctx context.Context) {
	ctx, cancel := context.WithTimeout(ctx, lookWithin)
	defer cancel()
	states, err := b.own.nodes.Shown(ctx)
	if err != nil {
		return // the renewal of our lease tells
	}
	b.heard, b.shown = time.Now(), nil
	for name, state := range states {
		if name == b.own.name {
			continue
		}
		s, err := unpackState(state)
		if err != nil {
			b.log.Warn("what another node shows cannot be read", zap.String("node", name), zap.Error(err))
			continue
		}
		s.Node = name
		b.shown = append(b.shown, s)
	}
	slices.SortFunc(b.shown, func(x, y dialer.Snapshot) int { return strings.Compare(x.Node, y.Node) })
}

// packState makes a snapshot small: of leads only who they are, and nobody who is off
// duty. It is no JSON: that of a decision says why in words, which cannot be read back.
func packState(s dialer.Snapshot) ([]byte, error) {
	var on []dialer.OperatorView
	for _, o := range s.Operators {
		if o.State == operator.Offline {
			continue
		}
		o.Script, o.Dispositions = "", nil
		o.Objections, o.Form, o.CRM = "", nil, campaigns.CRM{}
		if o.Lead != nil {
			o.Lead = &campaigns.Lead{ID: o.Lead.ID, Name: o.Lead.Name}
		}
		on = append(on, o)
	}
	s.Operators = on
	var b bytes.Buffer
	z := gzip.NewWriter(&b)
	if err := gob.NewEncoder(z).Encode(s); err != nil {
		return nil, err
	}
	err := z.Close()
	return b.Bytes(), err
}

func unpackState(state []byte) (dialer.Snapshot, error) {
	var s dialer.Snapshot
	z, err := gzip.NewReader(bytes.NewReader(state))
	if err != nil {
		return s, err
	}
	err = gob.NewDecoder(io.LimitReader(z, mostShown)).Decode(&s)
	return s, err
}
