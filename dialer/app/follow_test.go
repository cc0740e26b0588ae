package app

import (
	"context"
	"testing"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// A campaign that is started, changed and stopped at one node is so at every node.
func TestCampaignsAreFollowed(t *testing.T) {
	t.Parallel()
	url := redistest.Start(t).URL()
	a, _ := start(t, onRedis(t, url, "a"))
	b, _ := start(t, onRedis(t, url, "b"))
	ctx := t.Context()
	is := func(x *App, what string, so func(campaigns.CampaignState, campaigns.Pacing) bool) {
		t.Helper()
		eventually.So(t, patience, what, func() bool {
			s, err := x.engine.Snapshot(ctx)
			return err == nil && len(s.Campaigns) == 1 && so(s.Campaigns[0].State, s.Campaigns[0].Pacing)
		})
	}
	c, err := a.store.SaveCampaign(ctx, campaigns.Campaign{ID: "c", State: campaigns.Running, Trunks: "default",
		Pacing: campaigns.Pacing{Mode: campaigns.Progressive}, CreatedAt: time.Now()})
	if err != nil {
		t.Fatal(err)
	}
	running := func(s campaigns.CampaignState, _ campaigns.Pacing) bool { return s == campaigns.Running }
	is(a, "it runs at a", running)
	is(b, "it runs at b", running)
	c.Pacing = campaigns.Pacing{Mode: campaigns.Ratio, Ratio: 2}
	if _, err := b.store.SaveCampaign(ctx, c); err != nil {
		t.Fatal(err)
	}
	is(a, "it is paced otherwise at a", func(_ campaigns.CampaignState, p campaigns.Pacing) bool { return p.Mode == campaigns.Ratio })
	if err := a.store.SetCampaignState(ctx, "c", campaigns.Paused, ""); err != nil {
		t.Fatal(err)
	}
	is(b, "it is paused at b", func(s campaigns.CampaignState, _ campaigns.Pacing) bool { return s == campaigns.Paused })
	if err := a.engine.SetCampaign(ctx, c, campaigns.Tally{}); err != nil { // one that is out of date
		t.Fatal(err)
	}
	is(a, "what is older does not come back", func(s campaigns.CampaignState, p campaigns.Pacing) bool {
		return s == campaigns.Paused && p.Mode == campaigns.Ratio
	})
}

// shifts is an engine with operators on duty.
type shifts struct {
	followed
	operators []dialer.OperatorView
	ended     chan campaigns.UserID
}

func (s *shifts) Snapshot(context.Context) (dialer.Snapshot, error) {
	return dialer.Snapshot{Operators: s.operators}, nil
}

func (s *shifts) OffDuty(_ context.Context, user campaigns.UserID) error {
	s.ended <- user
	return nil
}

// Who is disabled at one node goes off duty where they are on duty.
func TestDisabledUsersAreFollowed(t *testing.T) {
	t.Parallel()
	a, _ := start(t, onRedis(t, redistest.Start(t).URL(), "a"))
	engine := &shifts{ended: make(chan campaigns.UserID)}
	for user, state := range map[campaigns.UserID]operator.State{"ann": operator.Talking, "bob": operator.Ready, "cy": operator.Offline} {
		u := campaigns.User{ID: user, Role: campaigns.RoleOperator, Disabled: user != "bob", CreatedAt: time.Now()}
		if err := a.store.SaveUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		engine.operators = append(engine.operators, dialer.OperatorView{User: user, State: state})
	}
	f := &follower{store: a.store, engine: engine, shared: true, log: zap.NewNop()}
	go f.run(t.Context())
	for range 2 { // for as long as they are on duty
		select {
		case user := <-engine.ended:
			if user != "ann" {
				t.Errorf("%s went off duty, want ann", user)
			}
		case <-time.After(patience):
			t.Fatal("nobody went off duty")
		}
	}
}
