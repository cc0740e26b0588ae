package dialer_test

import (
	"errors"
	"maps"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// What an operator needs for their page is on their screen, and the form goes with the
// outcome, or holds it up.
func TestForm(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		c := progressive("spring")
		c.Form = []campaigns.FormField{{Name: "until", Kind: campaigns.DateField, RequiredFor: []string{"sale"}}}
		c.CRM = campaigns.CRM{URL: "https://crm.example/{id}"}
		f.run(c)
		f.ready("ann")
		leg := f.call(0)
		f.person(leg)
		f.wantState("ann", operator.Talking)
		if v := f.view("ann"); len(v.Form) != 1 || v.CRM != c.CRM {
			t.Errorf("on the screen: %+v %+v", v.Form, v.CRM)
		}
		for _, wrong := range []map[string]string{nil, {"until": "soon"}, {"salary": "1"}} {
			err := f.engine.Dispose(f.ctx, "ann", dialer.Said{Disposition: "sale", Fields: wrong})
			if _, is := errors.AsType[*campaigns.FieldError](err); !is {
				t.Errorf("%v: %v, want a field that is wrong", wrong, err)
			}
		}
		want := map[string]string{"until": "2027-01-31"}
		f.do(f.engine.Dispose(f.ctx, "ann", dialer.Said{Disposition: "sale", Fields: want}))
		f.do(f.engine.HangUp(f.ctx, "ann"))
		f.wait(time.Second)
		f.store.mu.Lock()
		defer f.store.mu.Unlock()
		if len(f.store.disposals) != 1 || !maps.Equal(f.store.disposals[0].Fields, want) {
			t.Errorf("disposals %+v, want one with %v", f.store.disposals, want)
		}
	})
}
