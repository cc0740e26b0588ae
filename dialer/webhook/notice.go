package webhook

import (
	"context"
	"fmt"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// Notice takes what the engine says. It returns at once: what there is no room for is
// counted and not told.
func (r *Room) Notice(n dialer.Notice) {
	switch n := n.(type) {
	case dialer.OperatorChanged:
		if !r.newTalk(n.Operator) {
			return
		}
	case dialer.RecordingDone:
		if n.Err != nil {
			return
		}
	case dialer.CallEnded, dialer.Disposed: // the store tells these
	default:
		return
	}
	if !r.told.Load() {
		return
	}
	select {
	case r.queue <- n:
	default:
		r.count(func(s *Stats) { s.Lost++ })
	}
}

// newTalk says whether an operator talks now who did not in the same call before.
func (r *Room) newTalk(v dialer.OperatorView) bool {
	if v.State != operator.Talking || v.BridgedAt.IsZero() || v.AskedBy != "" {
		if v.State != operator.Talking {
			delete(r.bridged, v.User)
		}
		return false
	}
	if r.bridged[v.User] == v.Attempt {
		return false
	}
	r.bridged[v.User] = v.Attempt
	return true
}

// publishAtOnce is how many notices are brought into the outbox together.
const publishAtOnce = 16

// publish brings notices into the outbox, in their order, until ctx ends.
func (r *Room) publish(ctx context.Context) {
	for {
		select {
		case n := <-r.queue:
			r.append(ctx, r.eventsOf(ctx, n)...)
			r.lookAll()
		case <-ctx.Done():
			return
		}
	}
}

// eventsOf is what a notice is told as, and those that wait behind it.
func (r *Room) eventsOf(ctx context.Context, n dialer.Notice) (events []campaigns.Event) {
	for taken := 1; ; taken++ {
		if ev, tell := r.eventOf(ctx, n); tell {
			events = append(events, ev)
		}
		if taken == publishAtOnce {
			return events
		}
		select {
		case n = <-r.queue:
		default:
			return events
		}
	}
}

// append brings events into the outbox, behind what the store itself has kept of calls so
// far: that happened before, whichever node it was at, and whoever holds the endpoint may
// not have looked for it yet.
func (r *Room) append(ctx context.Context, events ...campaigns.Event) {
	if len(events) == 0 {
		return
	}
	behind := r.d.Outbox.Spread(ctx)
	for _, ev := range events {
		err := behind
		if err == nil {
			err = r.d.Outbox.Publish(ctx, "", ev)
		}
		if err != nil && ctx.Err() == nil {
			r.count(func(s *Stats) { s.Lost++ })
			r.d.Log.Warn("an event is not told", zap.String("type", string(ev.Type)), zap.Error(err))
		}
	}
}

// lookAll lets every worker see what is new.
func (r *Room) lookAll() {
	r.mu.Lock()
	defer r.mu.Unlock()
	for _, w := range r.workers {
		w.look()
	}
}

// eventOf is what a notice is told as, if it is.
func (r *Room) eventOf(ctx context.Context, n dialer.Notice) (campaigns.Event, bool) {
	switch n := n.(type) {
	case dialer.OperatorChanged:
		return bridgedEvent(n.Operator), true
	case dialer.RecordingDone:
		return r.recordingEvent(ctx, n)
	}
	return campaigns.Event{}, false
}

func bridgedEvent(v dialer.OperatorView) campaigns.Event {
	told := struct {
		Attempt    campaigns.AttemptID  `json:"attempt"`
		Lead       campaigns.LeadID     `json:"lead"`
		ExternalID string               `json:"external_id,omitempty"`
		List       campaigns.ListID     `json:"list,omitempty"`
		Campaign   campaigns.CampaignID `json:"campaign"`
		Number     string               `json:"number"`
		Operator   campaigns.UserID     `json:"operator"`
		BridgedAt  time.Time            `json:"bridged_at"`
	}{Attempt: v.Attempt, Campaign: v.Campaign, Number: v.Number, Operator: v.User, BridgedAt: v.BridgedAt}
	if v.Lead != nil {
		told.Lead, told.ExternalID, told.List = v.Lead.ID, v.Lead.ExternalID, v.Lead.List
	}
	return campaigns.NewEvent(fmt.Sprintf("%s_bridged_%s", v.Attempt, v.User), campaigns.CallBridged, v.BridgedAt, campaigns.LeadKey(told.Lead), told)
}

// recordingEvent finds whose recording it is; the notice does not say.
func (r *Room) recordingEvent(ctx context.Context, n dialer.RecordingDone) (campaigns.Event, bool) {
	found, err := r.d.Records.Attempts(ctx, campaigns.AttemptQuery{ID: n.Attempt, Limit: 1})
	if err != nil || len(found) == 0 {
		r.count(func(s *Stats) { s.Lost++ })
		return campaigns.Event{}, false
	}
	a := found[0]
	return campaigns.NewEvent(string(n.Attempt)+"_recording", campaigns.RecordingReady, time.Now(), campaigns.LeadKey(a.Lead), struct {
		Attempt  campaigns.AttemptID  `json:"attempt"`
		Lead     campaigns.LeadID     `json:"lead"`
		Campaign campaigns.CampaignID `json:"campaign"`
		Operator campaigns.UserID     `json:"operator,omitempty"`
		Seconds  float64              `json:"duration_seconds"`
	}{n.Attempt, a.Lead, a.Campaign, a.Operator, n.Duration.Seconds()}), true
}

// watched is what was seen at the last look, so that a change is told once.
type watched struct {
	over map[campaigns.CampaignID]bool // its limit
	down map[string]bool               // trunks
}

// watch tells of limits that are reached and trunks that went down since the last look.
func (r *Room) watch(ctx context.Context) {
	if !r.told.Load() {
		return
	}
	now := time.Now()
	if r.d.Live != nil {
		if s, err := r.d.Live(ctx); err == nil {
			r.watchLimits(ctx, s, now)
		}
	}
	if r.d.Trunks == nil {
		return
	}
	down := map[string]bool{}
	for _, t := range r.d.Trunks() {
		if t.Up {
			continue
		}
		down[t.Name] = true
		if r.watched.down[t.Name] {
			continue
		}
		r.append(ctx, campaigns.NewEvent(fmt.Sprintf("t_%s_%s_%d", r.d.Node, t.Name, now.UnixNano()), campaigns.TrunkIsDown, now, "trunk "+t.Name, struct {
			Trunk string `json:"trunk"`
			Node  string `json:"node"`
			Why   string `json:"why,omitempty"`
		}{t.Name, r.d.Node, t.Why}))
	}
	r.watched.down = down
}

// watchLimits tells of campaigns whose share of abandoned calls came to their limit. The
// figures are those of all nodes: they tell it under one id, at most once an hour.
func (r *Room) watchLimits(ctx context.Context, s dialer.Snapshot, now time.Time) {
	over := map[campaigns.CampaignID]bool{}
	for _, c := range s.Campaigns {
		if c.Live == 0 || c.Limit <= 0 || float64(c.Abandoned)/float64(c.Live) < c.Limit {
			continue
		}
		over[c.ID] = true
		if r.watched.over[c.ID] {
			continue
		}
		id := fmt.Sprintf("limit_%s_%s", c.ID, now.UTC().Format("20060102T15"))
		r.append(ctx, campaigns.NewEvent(id, campaigns.AbandonmentLimitReached, now, "campaign "+string(c.ID), struct {
			Campaign  campaigns.CampaignID `json:"campaign"`
			Live      int                  `json:"live"`
			Abandoned int                  `json:"abandoned"`
			Ratio     float64              `json:"ratio"`
			Limit     float64              `json:"limit"`
		}{c.ID, c.Live, c.Abandoned, float64(c.Abandoned) / float64(c.Live), c.Limit}))
	}
	r.watched.over = over
}
