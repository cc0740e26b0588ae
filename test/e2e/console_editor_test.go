package e2e

import (
	"net/http"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
)

// TestConsoleEditor has a manager make a campaign and edit its parts at the built pages.
// What came of it is what the product keeps.
func TestConsoleEditor(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	var link string
	p := newProduct(t, trunkText("line", "127.0.0.1:9", ""), func(s app.Store) {
		seedCampaign(t, s, campaigns.Campaign{ID: "spring", Trunks: "line", State: campaigns.Stopped}, "+9997792001", "+9997792002", "+9997792003", "+9997792004")
		seedCampaign(t, s, campaigns.Campaign{ID: "idle", Trunks: "line", State: campaigns.Stopped})
		var err error
		link, err = app.NewLink(t.Context(), s, manager, time.Hour)
		must(t, err)
	})
	p.serve(t)
	browse(t, "editor.mjs", 4*time.Minute, "OUTPACE_LINK=http://"+p.http+"/live#link="+link, "OUTPACE_USER="+manager, "OUTPACE_PASSWORD="+managerPassword)

	var c campaigns.Campaign
	must(t, p.signIn(t, manager, managerPassword).do(t.Context(), http.MethodGet, "/api/v1/campaigns/autumn", nil, &c))
	want := campaigns.Campaign{
		Name: "Autumn", Trunks: "line", CallerIDs: []string{"+48221110000"}, Lists: []campaigns.ListID{"spring"}, Script: "# Greeting\nGood day.",
		Segments:   []campaigns.Segment{{Name: "odd", Filter: `external_id matches "[13]$"`, Weight: 1}, {Name: "rest", Filter: `temperature == "warm"`, Weight: 3}},
		Windows:    []campaigns.Hours{{Days: []time.Weekday{1, 2, 3, 4, 5}, From: "10:30", To: "18:00"}},
		Caps:       []campaigns.Cap{{N: 3, Period: 24 * time.Hour}},
		Retry:      []campaigns.RetryRule{{Outcome: campaigns.Busy, After: 90 * time.Minute, Max: 3}},
		ManualDial: true,
		Inbound: campaigns.Inbound{
			Numbers: []string{"+48221110009"}, MaxWait: 45 * time.Second, MaxWaiting: 10, Unknown: campaigns.UnknownTaken,
		},
		Dispositions: append(campaigns.DefaultDispositions(), campaigns.Disposition{
			Code: "brochure", Effect: campaigns.Effect{Callback: true},
		}),
	}
	got := campaigns.Campaign{
		Name: c.Name, Trunks: c.Trunks, CallerIDs: c.CallerIDs, Lists: c.Lists, Script: c.Script, Segments: c.Segments,
		Windows: c.Windows, Caps: c.Caps, Retry: c.Retry, Dispositions: c.Dispositions,
		ManualDial: c.ManualDial, Inbound: c.Inbound,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got\n%s", diff)
	}
	p.stop(t)
}
