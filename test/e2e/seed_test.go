package e2e

import (
	"cmp"
	"fmt"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
)

// openZone is a zone where it is between nine and eight in the evening now:
// leads there may be called whenever the test runs.
func openZone(t *testing.T, now time.Time) string {
	t.Helper()
	for _, name := range []string{"Asia/Tokyo", "Europe/London", "America/Los_Angeles"} {
		zone, err := time.LoadLocation(name)
		must(t, err)
		if h := now.In(zone).Hour(); h >= 9 && h < 20 {
			return name
		}
	}
	t.Fatalf("no zone is open at %v", now.UTC())
	return ""
}

// seedCampaign fills a list with leads at made-up numbers and makes a campaign
// of the same name that dials it, one call for one ready operator, at once unless its
// state says otherwise. Country code
// 999 is not assigned (ITU-T E.164 list).
func seedCampaign(t *testing.T, s app.Store, c campaigns.Campaign, numbers ...string) {
	t.Helper()
	now := time.Now()
	list := campaigns.List{ID: campaigns.ListID(c.ID), Name: string(c.ID), Source: "made up", ConsentBasis: "fictitious", Verified: true, CreatedAt: now}
	must(t, s.SaveList(t.Context(), list))
	leads := make([]campaigns.Lead, len(numbers))
	for i, n := range numbers {
		leads[i] = campaigns.Lead{
			List: list.ID, ExternalID: fmt.Sprint(c.ID, i), Name: fmt.Sprint("Lead ", i), Grades: campaigns.Grades{Stage: campaigns.StageAcquire, Temperature: campaigns.Warm},
			Numbers: []campaigns.Number{{E164: n, Kind: campaigns.Mobile, Zones: []string{openZone(t, now)}, Regions: []string{"DEMO"}}},
		}
	}
	c.Name, c.State, c.Lists, c.CreatedAt = string(c.ID), cmp.Or(c.State, campaigns.Running), []campaigns.ListID{list.ID}, now
	c.CallerIDs, c.Dispositions = []string{callerID}, campaigns.DefaultDispositions()
	c.Pacing = campaigns.Pacing{Mode: campaigns.Progressive, AbandonmentLimit: 0.03}
	if c.Recording == "" {
		c.Recording = campaigns.RecordNever
	}
	must(t, c.Validate())
	if _, err := s.SaveCampaign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	if _, err := s.AddLeads(t.Context(), list.ID, leads); err != nil {
		t.Fatal(err)
	}
}

// seedOperator adds an operator whose passwords follow from the name.
func seedOperator(t *testing.T, s app.Store, id, pin string) {
	t.Helper()
	u := app.NewUser{ID: campaigns.UserID(id), Name: id, Role: campaigns.RoleOperator, Password: apiPassword(id), PhonePassword: sipPassword(id), PIN: pin}
	must(t, app.AddUser(t.Context(), s, u))
}

func apiPassword(user string) string { return user + "-signs-in" }
func sipPassword(user string) string { return user + "-rings" }
