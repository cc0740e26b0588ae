package e2e

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
)

// TestConsoleStates looks at what the built pages show in states that pass, and on a bad
// day: what the server tells then is made by the test. It looks besides at a campaign of
// somebody who may change nothing, and at the page of a binary without the console.
func TestConsoleStates(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	links := map[campaigns.UserID]string{}
	p := newProduct(t, trunkText("line", "127.0.0.1:9", ""), func(s app.Store) {
		seedOperator(t, s, "ann", "")
		must(t, app.AddUser(t.Context(), s, app.NewUser{ID: "quinn", Name: "Quinn", Role: campaigns.RoleQA, Password: apiPassword("quinn")}))
		seedCampaign(t, s, campaigns.Campaign{
			ID: "shown", Trunks: "line", State: campaigns.Paused, Script: dayScript,
			Segments: []campaigns.Segment{{Name: "all", Objections: dayObjections}},
			Form:     []campaigns.FormField{{Name: "supplier", Label: "Supplier", Kind: campaigns.ChoiceField, Choices: []string{"None", "Other"}, RequiredFor: []string{"sale"}}},
			Windows:  []campaigns.Hours{{Days: []time.Weekday{1, 2, 3, 4, 5}, From: "10:30", To: "18:00"}},
			Caps:     []campaigns.Cap{{N: 3, Period: 24 * time.Hour}},
			Retry:    []campaigns.RetryRule{{Outcome: campaigns.TrunkRejected, After: 90 * time.Minute, Max: 3}, {Outcome: campaigns.NumberChanged, BadNumber: true}},
			CRM:      campaigns.CRM{URL: "https://crm.example/{external_id}", Auto: true},
		}, "+9997793001", "+9997793002")
		seedCampaign(t, s, campaigns.Campaign{ID: "runs", Trunks: "line"}) // nobody is to be called
		for _, id := range []campaigns.UserID{"ann", "quinn", manager} {
			link, err := app.NewLink(t.Context(), s, id, time.Hour)
			must(t, err)
			links[id] = link
		}
	})
	p.serve(t)
	at := "http://" + p.http
	browse(t, "states.mjs", 4*time.Minute, "OUTPACE_URL="+at, "OUTPACE_DESK="+at+"/desk#link="+links["ann"], "OUTPACE_LIVE="+at+"/live#link="+links[manager],
		"OUTPACE_READ="+at+"/campaigns#link="+links["quinn"], "OUTPACE_USER="+manager, "OUTPACE_PASSWORD="+managerPassword)
	p.stop(t)
}
