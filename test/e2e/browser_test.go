package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
)

// backWithin is how long an operator may be without audio when their page is loaded
// again, or another takes over.
const backWithin = 3 * time.Second

// TestBrowserOperator has an operator work with a browser alone. In the first call the
// page is loaded again, loses its network, and is taken over by another tab: it stays
// the same call. In the second the page is away for so long that the leg is lost, and is
// back before the customer is given up.
func TestBrowserOperator(t *testing.T) {
	t.Parallel()
	tab := []float64{operatorHz, 700, 900, 1500}
	far := newCustomer(t, tab...)
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "anna", "")
		seedCampaign(t, s, campaigns.Campaign{ID: "pages", Trunks: "line", Detection: "before"}, "+9997780011", "+9997780012")
	})
	p.serve(t)
	d := p.sitDown(t, "anna")
	await := func(state string) view {
		t.Helper()
		v, err := d.await(t.Context(), state, 20*time.Second)
		must(t, err)
		return v
	}

	if v := d.state(t); v.Phone != (phoneView{Kind: "none"}) {
		t.Errorf("phone before there is one = %+v", v.Phone)
	}
	if d.ask(t.Context(), "on-duty", nil) == nil {
		t.Error("on duty without a phone")
	}
	first := d.openPage(t, tab[0])
	// The page's end of the handshake may be done a moment before ours.
	eventually(t, 5*time.Second, "the page is the phone, session "+first.session, func() (bool, any) {
		v := d.state(t)
		return v.Phone.Connected && v.Phone.Kind == "browser" && v.Phone.Session == first.session, v.Phone
	})
	must(t, d.ask(t.Context(), "on-duty", nil))
	await("paused")
	must(t, d.ask(t.Context(), "ready", nil))
	call := await("talking")
	began := time.Time{}
	far.await(t, "the customer", first.hz, began)
	first.await(t, "the operator", customerHz, began)

	stood := watchStalls(t)
	// still says that it is the same call, with audio both ways soon after a moment.
	still := func(how string, now *page, since moment) {
		t.Helper()
		there, back := far.await(t, "the customer", now.hz, since.at), now.await(t, "the operator", customerHz, since.at)
		busy := stood.now().stood - since.stood
		t.Logf("%s: heard by the customer after %v, by the operator after %v", how, there, back)
		if max(there, back) > backWithin+busy {
			t.Errorf("%s: audio is back after %v and %v, want %v; the machine stood still for %v", how, there, back, backWithin, busy)
		}
		eventually(t, 5*time.Second, how, func() (bool, any) {
			v := d.state(t)
			return v.State == "talking" && v.Attempt == call.Attempt && !v.Away && v.Phone.Connected && v.Phone.Session == now.session, v
		})
	}

	since := stood.now()
	must(t, first.Close())
	second := d.openPage(t, tab[1])
	still("page loaded again", second, since)

	second.Cut(true)
	eventually(t, 10*time.Second, "the network is seen to be away", func() (bool, any) {
		v := d.state(t)
		return v.Away && v.State == "talking", v
	})
	since = stood.now()
	second.Cut(false)
	still("network back", second, since)

	since = stood.now()
	third := d.openPage(t, tab[2])
	still("second tab", third, since)
	select {
	case <-second.Over():
	case <-time.After(15 * time.Second):
		t.Error("the first tab was not told")
	}
	must(t, d.do(t.Context(), http.MethodDelete, "/api/v1/operator/phone?session="+second.session, nil, nil))
	since = stood.now()
	still("the tab that was taken over leaves", third, since)

	third.Cut(true)
	since = stood.now()
	fourth := d.openPage(t, tab[3])
	still("another page, while the network of the first is away", fourth, since)
	eventually(t, 5*time.Second, "the page is on the leg", func() (bool, any) {
		v := d.state(t)
		return v.Phone.OnLeg && v.Phone.Jitter <= 1, v.Phone
	})
	p.wantMetric(t, 5*time.Second, `dialer_operator_legs{kind="webrtc"}`, 1)
	eventually(t, 5*time.Second, "both take-overs are counted", func() (bool, any) {
		n, err := p.metric(t.Context(), "dialer_webrtc_take_overs_total")
		return err == nil && n >= 2, n
	})

	must(t, d.ask(t.Context(), "hangup", nil))
	await("wrapping")
	must(t, d.ask(t.Context(), "disposition", map[string]string{"disposition": "sale"}))
	await("ready")
	next := await("talking")
	if next.Attempt == call.Attempt {
		t.Fatal("the second call is the first")
	}
	must(t, fourth.Close())
	await("lost") // the customer is waited for
	fifth := d.openPage(t, tab[0])
	await("talking")
	call, since = next, stood.now()
	still("back after the leg was lost", fifth, since)
	must(t, d.ask(t.Context(), "pause", map[string]string{"reason": "lunch"}))
	must(t, d.ask(t.Context(), "hangup", nil))
	await("wrapping")
	must(t, d.ask(t.Context(), "disposition", map[string]string{"disposition": "sale"}))
	await("paused")
	must(t, d.do(t.Context(), http.MethodDelete, "/api/v1/operator/phone?session="+fifth.session, nil, nil))
	await("lost")
	must(t, d.ask(t.Context(), "off-duty", nil))
	await("offline")
	for range 2 {
		if end := far.ended(t); end.By != phone.Remote || !end.WasUp {
			t.Errorf("a call ended by %+v, want a BYE of the dialer", end)
		}
	}
}
