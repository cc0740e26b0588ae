package testbed

import (
	"fmt"
	"testing"
	"time"
	_ "time/tzdata" // zones are the same wherever the tests run

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/operators"
)

// Prefix begins every number: country code 999 is not assigned (ITU-T E.164 list), so
// such a number can belong to nobody.
const Prefix = "+999"

// Open opens the store of a configuration while no product runs on it.
func Open(t testing.TB, file string) app.Store {
	t.Helper()
	cfg, err := config.Load(file, nil)
	Must(t, err)
	store, err := app.OpenStore(t.Context(), cfg)
	Must(t, err)
	return store
}

// Fill puts a campaign and the leads of its first list into a store, and as many
// operators, each with a password and a phone.
func Fill(t testing.TB, store app.Store, c campaigns.Campaign, leads []campaigns.Lead, people int) []operators.Credential {
	t.Helper()
	ctx, list := t.Context(), c.Lists[0]
	Must(t, store.SaveList(ctx, campaigns.List{ID: list, Name: c.Name, Source: "made up", ConsentBasis: "fictitious people", Verified: true, CreatedAt: c.CreatedAt}))
	_, err := store.SaveCampaign(ctx, c)
	Must(t, err)
	_, err = store.AddLeads(ctx, list, leads)
	Must(t, err)
	all := make([]operators.Credential, people)
	for i := range all {
		all[i] = operators.Credential{User: fmt.Sprintf("op%03d", i+1), Password: fmt.Sprint("a password of op", i), SIPPassword: fmt.Sprint("phone", i)}
		AddOperator(t, store, all[i])
	}
	return all
}

// AddOperator puts one more into a store.
func AddOperator(t testing.TB, store app.Store, c operators.Credential) {
	t.Helper()
	Must(t, app.AddUser(t.Context(), store, app.NewUser{
		ID: campaigns.UserID(c.User), Name: c.User, Role: campaigns.RoleOperator, Password: c.Password, PhonePassword: c.SIPPassword,
	}))
}

// Leads are n people of one list in one zone.
func Leads(list campaigns.ListID, n int, zone string) []campaigns.Lead {
	leads := make([]campaigns.Lead, n)
	for i := range leads {
		leads[i] = campaigns.Lead{
			List: list, ExternalID: fmt.Sprintf("lead-%06d", i+1), Name: fmt.Sprintf("Lead %d", i+1),
			Numbers: []campaigns.Number{{
				E164: fmt.Sprintf("%s%07d", Prefix, 1_000_000+i), Kind: campaigns.Mobile, Zones: []string{zone}, Regions: []string{"DEMO"},
			}},
			Grades: campaigns.Grades{Stage: campaigns.StageAcquire, Temperature: campaigns.Warm},
		}
	}
	return leads
}

// DayZone is a zone where it is between ten and sixteen o'clock now, NightZone one where
// it is night; both for some hours.
func DayZone(now time.Time) string   { return zoneAt(now, 10, 16) }
func NightZone(now time.Time) string { return zoneAt(now, 22, 30) }

// zoneAt is a zone where the local hour is in [from, to); hours of the next day
// count on from 24. The zones lie four hours apart.
func zoneAt(now time.Time, from, to int) string {
	for _, name := range []string{
		"Pacific/Honolulu", "America/Phoenix", "America/Sao_Paulo", "Africa/Lagos", "Asia/Karachi", "Asia/Tokyo",
	} {
		zone, err := time.LoadLocation(name)
		if err != nil {
			panic(err) // we carry the database of zones
		}
		hour := now.In(zone).Hour()
		if hour >= from && hour < to || hour+24 < to {
			return name
		}
	}
	panic("no zone at this hour")
}
