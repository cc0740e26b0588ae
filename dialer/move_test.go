package dialer_test

import (
	"errors"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// Who talks is moved behind the talk, and is called for the other campaign from then on;
// who is free at once, with the lead that they looked at put back.
func TestMove(t *testing.T) {
	wantCampaign := func(f *floor, want campaigns.CampaignID) {
		f.t.Helper()
		if got := f.view("ann").Campaign; got != want {
			f.t.Errorf("ann is on %q, want %q", got, want)
		}
	}
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		autumn := progressive("autumn")
		f.store.add("autumn", 5)
		f.run(autumn)
		f.do(f.engine.Move(f.ctx, "ann", "autumn"))
		wantCampaign(f, "spring")
		f.wait(time.Minute)
		f.hangsUp(leg)
		wantCampaign(f, "spring") // it is wrapped up
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		wantCampaign(f, "autumn")
		f.person(f.call(1))
		f.wantState("ann", operator.Talking)
		if v := f.view("ann"); v.Campaign != "autumn" || v.Attempt == campaigns.AttemptID(leg) {
			t.Errorf("the next call is %+v", v)
		}
	})
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		preview := progressive("spring")
		preview.Pacing.Mode = campaigns.Preview
		f.run(preview)
		closed := progressive("closed")
		closed.Operators = []campaigns.UserID{"bob"}
		f.run(closed)
		f.ready("ann")
		if f.view("ann").Lead == nil {
			t.Fatal("nothing is previewed")
		}
		for _, c := range []struct {
			user campaigns.UserID
			to   campaigns.CampaignID
			want error
		}{{"bob", "spring", dialer.ErrState}, {"ann", "winter", dialer.ErrNotHere}, {"ann", "closed", dialer.ErrState}} {
			if err := f.engine.Move(f.ctx, c.user, c.to); !errors.Is(err, c.want) {
				t.Errorf("%s to %s: %v, want %v", c.user, c.to, err, c.want)
			}
		}
		f.run(progressive("winter"))
		f.do(f.engine.Move(f.ctx, "ann", "winter"))
		wantCampaign(f, "winter")
		if v := f.view("ann"); v.Lead != nil || v.State != operator.Ready {
			t.Errorf("moved, and on the screen: %+v", v)
		}
	})
}
