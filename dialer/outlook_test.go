package dialer_test

import (
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/pacing"
)

// Other controls are seen under the same law, and change nothing.
func TestOutlook(t *testing.T) {
	inBubble(t, func(f *floor) {
		if _, err := f.engine.Outlook(f.ctx, "spring", campaigns.Pacing{}); !errors.Is(err, dialer.ErrNotHere) {
			t.Errorf("error = %v, want %v", err, dialer.ErrNotHere)
		}
		f.store.add("spring", 40)
		f.run(progressive("spring"))
		f.ready("ann")
		f.call(0)
		other := campaigns.Pacing{Mode: campaigns.Ratio, Ratio: 3, AbandonmentLimit: 0.02, Cancel: true}
		got, err := f.engine.Outlook(f.ctx, "spring", other)
		f.do(err)
		if got.Picture.At.IsZero() || got.Leads != 39 {
			t.Errorf("picture at %v, %d leads, want 39", got.Picture.At, got.Leads)
		}
		want := got.Present
		want.Mode, want.Ratio, want.Limit, want.Cancel = pacing.Ratio, 3, 0.02, true
		if diff := cmp.Diff(want, got.Other); diff != "" || got.Present.Limit != 0.03 || got.Present.Mode != pacing.Progressive {
			t.Errorf("present %+v, other (-want +got):\n%s", got.Present, diff)
		}
		lax, err := f.engine.Outlook(f.ctx, "spring", campaigns.Pacing{Mode: campaigns.Predictive, AbandonmentLimit: 0.9})
		f.do(err)
		if lax.Other.Limit != 0.03 {
			t.Errorf("limit %v, want the law's 0.03", lax.Other.Limit)
		}
		if s, err := f.engine.Snapshot(f.ctx); err != nil || s.Campaigns[0].Limit != 0.03 {
			t.Errorf("limit in force %v, %v", s.Campaigns[0].Limit, err)
		}
	})
}
