package api

import (
	"bytes"
	"context"
	"encoding/json"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// Topics of a feed. Of operator and phone a delta is the whole new object, at once; of
// live it is what changed since the last message, at 2 Hz.
const (
	topicOperator = "operator" // what the signed-in user does
	topicPhone    = "phone"    // their browser phone
	topicLive     = "live"     // the floor, for managers
)

// feedMessage is one message of a feed, on a WebSocket as on server-sent events.
type feedMessage struct {
	Topic  string `json:"topic"`
	Kind   string `json:"kind"` // snapshot, delta
	Seq    uint64 `json:"seq"`  // counts the messages of this stream from 1, without gaps
	Cursor string `json:"cursor"`
	Data   any    `json:"data"`
}

// feed sends a user what they asked for, until an error of send, or of its context.
type feed struct {
	s      *Server
	user   campaigns.User
	topics []string
	resume string // cursor of the last message that the reader had; empty: none
	send   func(feedMessage) error
	ping   func(context.Context) error
	idle   func() error // after ping, on the goroutine of send; nil: nothing
	// allowed says whether the user may still read.
	allowed func(context.Context) bool

	seq  uint64
	last uint64 // of the hub's events
	live *liveSent
}

func (f *feed) wants(topic string) bool { return slices.Contains(f.topics, topic) }

func (f *feed) tell(topic, kind string, data any) error {
	f.seq++
	return f.send(feedMessage{topic, kind, f.seq, f.s.hub.cursor(f.last), data})
}

// run begins with the present state, or with what the reader missed where that is known,
// and ends with the reader, or where they are too slow.
func (f *feed) run(ctx context.Context) error {
	sub, last, missed := f.s.hub.resume(f.user, f.resume)
	defer f.s.hub.unsubscribe(sub)
	if err := f.begin(ctx, last, missed); err != nil {
		return err
	}
	var live <-chan time.Time
	if f.wants(topicLive) {
		t := time.NewTicker(livePeriod)
		defer t.Stop()
		live = t.C
	}
	alive := time.NewTicker(keepAlive)
	defer alive.Stop()
	asked := make(chan error, 1)
	asking := false
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	defer func() {
		cancel()
		if asking {
			<-asked
		}
	}()
	for {
		var err error
		select {
		case ev := <-sub.events:
			err = f.event(ev)
		case <-live:
			err = f.sendLive(ctx)
		case <-alive.C:
			if !asking {
				asking = true
				go func() { asked <- f.check(ctx) }() // ends with ctx; run waits for it
			}
		case err = <-asked:
			asking = false
			if err == nil && f.idle != nil {
				err = f.idle()
			}
		case <-sub.gone:
			return errTooSlow
		case <-ctx.Done():
			return context.Cause(ctx)
		}
		if err != nil {
			return err
		}
	}
}

// check sees that the reader is there and may still read.
func (f *feed) check(ctx context.Context) error {
	if err := f.ping(ctx); err != nil {
		return err
	}
	if !f.allowed(ctx) {
		return errNotAllowed
	}
	return nil
}

func (f *feed) begin(ctx context.Context, last uint64, missed []event) error {
	for _, ev := range missed { // each has its own cursor: the reader may be lost again among them
		if err := f.event(ev); err != nil {
			return err
		}
	}
	f.last = last
	if missed == nil {
		if err := f.present(ctx); err != nil {
			return err
		}
	}
	if f.wants(topicLive) {
		return f.sendLive(ctx)
	}
	return nil
}

// present is the state of a user's own topics.
func (f *feed) present(ctx context.Context) error {
	v, err := f.s.engine.Operator(ctx, f.user.ID)
	if err != nil {
		return nil // not an operator of this node
	}
	if f.wants(topicOperator) {
		if err := f.tell(topicOperator, "snapshot", masked(v, f.user)); err != nil {
			return err
		}
	}
	if f.wants(topicPhone) && f.s.phones != nil {
		return f.tell(topicPhone, "snapshot", f.s.phones.Phone(f.user.ID, v.Leg))
	}
	return nil
}

func (f *feed) event(ev event) error {
	f.last = max(f.last, ev.seq)
	if ev.phone != nil {
		if !f.wants(topicPhone) {
			return nil
		}
		return f.tell(topicPhone, "delta", ev.phone)
	}
	if !f.wants(topicOperator) {
		return nil
	}
	return f.tell(topicOperator, "delta", masked(ev.operator, f.user))
}

func (f *feed) sendLive(ctx context.Context) error {
	now, err := f.s.live(ctx, f.user)
	if err != nil {
		return nil // the engine is stopping: the stream ends with it
	}
	if f.live == nil {
		f.live = &liveSent{}
		_, _ = f.live.delta(now)
		return f.tell(topicLive, "snapshot", now)
	}
	d, changed := f.live.delta(now)
	if !changed {
		return nil
	}
	return f.tell(topicLive, "delta", d)
}

// liveDelta is what changed on the floor. What is not there is as it was; campaigns and
// operators are whole, by their id and user.
type liveDelta struct {
	At            time.Time         `json:"at"`
	Draining      bool              `json:"draining"`
	Calls         int               `json:"calls"`
	Mailbox       int               `json:"mailbox"`
	StoreDown     bool              `json:"store_down"`
	Campaigns     []json.RawMessage `json:"campaigns,omitempty"`
	Operators     []json.RawMessage `json:"operators,omitempty"`
	CampaignsGone []string          `json:"campaigns_gone,omitempty"`
	OperatorsGone []string          `json:"operators_gone,omitempty"`
	Others        []json.RawMessage `json:"others,omitempty"` // nodes
	OthersGone    []string          `json:"others_gone,omitempty"`
}

// liveSent is what a reader has of the floor.
type liveSent struct {
	campaigns, operators, others map[string][]byte
	draining, storeDown          bool
	calls                        int
}

// delta is what the reader has not, and notes that they have it then.
func (l *liveSent) delta(now live) (liveDelta, bool) {
	d := liveDelta{At: now.At, Draining: now.Draining, Calls: now.Calls, Mailbox: now.Mailbox, StoreDown: now.StoreDown}
	changed := l.draining != now.Draining || l.storeDown != now.StoreDown || l.calls != now.Calls
	l.draining, l.storeDown, l.calls = now.Draining, now.StoreDown, now.Calls
	d.Campaigns, d.CampaignsGone = differing(&l.campaigns, now.Campaigns, func(c dialer.CampaignView) string { return string(c.ID) })
	d.Operators, d.OperatorsGone = differing(&l.operators, now.Operators, func(o dialer.OperatorView) string { return string(o.User) })
	d.Others, d.OthersGone = differing(&l.others, now.Others, func(s dialer.Snapshot) string { return s.Node })
	changed = changed || len(d.Campaigns)+len(d.Operators)+len(d.Others)+len(d.CampaignsGone)+len(d.OperatorsGone)+len(d.OthersGone) > 0
	return d, changed
}

// differing are the members of a list that are not as they were, and the names of those
// that are not there any more.
func differing[T any](had *map[string][]byte, all []T, name func(T) string) (changed []json.RawMessage, gone []string) {
	has := make(map[string][]byte, len(all))
	for _, one := range all {
		text, err := json.Marshal(one)
		if err != nil {
			continue // it was marshalled before, in the snapshot
		}
		has[name(one)] = text
		if !bytes.Equal((*had)[name(one)], text) {
			changed = append(changed, text)
		}
	}
	for n := range *had {
		if has[n] == nil {
			gone = append(gone, n)
		}
	}
	slices.Sort(gone)
	*had = has
	return changed, gone
}

// topicsOf are the topics of a request that a user may read; ok is false where one is
// unknown, or not theirs.
func topicsOf(asked []string, u campaigns.User) (topics []string, ok bool) {
	for _, t := range asked {
		switch t = strings.TrimSpace(t); {
		case t == topicOperator, t == topicPhone, t == topicLive && u.May(campaigns.RightLive):
			topics = append(topics, t)
		default:
			return nil, false
		}
	}
	return topics, len(topics) > 0
}
