package dialer_test

import (
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/pacing"
)

// A budget that nodes share is spent only as far as it was given to this one, and the
// reason says how large the part is.
func TestShareBudget(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.shared = true
		f.stop()
		f.start()
		f.store.past = []campaigns.LiveCount{{At: time.Now().Add(-time.Hour), Live: 1000}}
		c := progressive("spring")
		c.Pacing = campaigns.Pacing{Mode: campaigns.Predictive, AbandonmentLimit: 0.03, MaxRatio: 5}
		f.run(c)
		b, err := f.engine.ShareBudget(f.ctx, "spring", pacing.Shared{})
		f.do(err)
		if b.Credit < 20 || b.Mine != 0 {
			t.Errorf("before a part is given: %+v", b)
		}
		b, err = f.engine.ShareBudget(f.ctx, "spring", pacing.Shared{Part: 0.25, Credit: 0.5})
		f.do(err)
		if b.Mine != 0.5 {
			t.Errorf("with a part: %+v", b)
		}
		before := f.spring()
		_, err = f.engine.ShareBudget(f.ctx, "spring", pacing.Shared{Live: 9, Abandoned: 2})
		f.do(err)
		if v := f.spring(); v.Live != before.Live+9 || v.Abandoned != before.Abandoned+2 {
			t.Errorf("%d live answers, %d abandoned after what others counted; %d and %d before it", v.Live, v.Abandoned, before.Live, before.Abandoned)
		}
		f.store.add("spring", 3)
		f.ready("ann")
		f.wait(2 * time.Second)
		if v := f.spring(); v.Bound == pacing.BoundAbandonment && !strings.HasPrefix(v.Why, "nodes share the budget: this one has 25% of it; ") {
			t.Errorf("bound %s: %s", v.Bound, v.Why)
		} else if v.Bound != pacing.BoundAbandonment {
			t.Errorf("bound %s: %s; half a call may be abandoned", v.Bound, v.Why)
		}
		if _, err := f.engine.ShareBudget(f.ctx, "summer", pacing.Shared{}); !errors.Is(err, dialer.ErrNotHere) {
			t.Errorf("of a campaign that is not here: %v", err)
		}
	})
}
