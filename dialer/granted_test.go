package dialer_test

import (
	"context"
	"errors"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/sip"
)

// Who may work for some campaigns gets no call of another one, however their shift begins
// and whatever comes to run or stands still while it lasts.
func TestOperatorWorksForGrantedCampaignsAlone(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.stop()
		grants := map[campaigns.UserID][]campaigns.CampaignID{"ann": {"spring", "winter"}, "cid": {"winter"}}
		gone := errors.New("the store is gone")
		f.with = func(d *dialer.Deps) {
			d.Granted = func(_ context.Context, user campaigns.UserID) ([]campaigns.CampaignID, error) {
				if user == "dan" {
					return nil, gone
				}
				return grants[user], nil
			}
		}
		f.start()
		on := func(when string, user campaigns.UserID, want campaigns.CampaignID) {
			t.Helper()
			if got := f.view(user).Campaign; got != want {
				t.Errorf("%s %s is on campaign %q, want %q", when, user, got, want)
			}
		}
		set := func(id campaigns.CampaignID, state campaigns.CampaignState) {
			c := progressive(id)
			c.State = state
			f.run(c)
		}
		set("autumn", campaigns.Running) // the first of all
		f.do(f.engine.OnDuty(f.ctx, "ann", ""))
		on("while none of hers runs", "ann", "")
		f.do(f.engine.OnDuty(f.ctx, "bob", ""))
		on("with all campaigns", "bob", "autumn")
		set("winter", campaigns.Running)
		on("once one of hers runs", "ann", "winter")
		set("spring", campaigns.Running)
		set("winter", campaigns.Paused)
		on("when that one pauses", "ann", "spring")
		f.do(f.engine.OffDuty(f.ctx, "ann"))
		f.do(f.engine.OnDuty(f.ctx, "ann", "autumn"))
		on("with the name of another one", "ann", "spring")

		f.signal(sip.Incoming{Leg: "in", User: "cid", Dialed: "*14711", Body: []byte("sdp"), At: time.Now()})
		f.wantState("cid", operator.Paused)
		on("dialled in", "cid", "")

		if err := f.engine.OnDuty(f.ctx, "dan", ""); !errors.Is(err, gone) {
			t.Errorf("what dan may work for is not known: %v, want %v", err, gone)
		}
		f.wantOnDuty("at the end", "ann", "bob", "cid")
	})
}
