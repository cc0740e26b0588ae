package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/operators"
)

const (
	demoCampaign = "demo"
	demoList     = "demo"
	demoManager  = "manager"
	demoGuest    = "you"  // a person who sits down among the simulated operators
	demoRegion   = "DEMO" // the rule pack of fictitious numbers
)

// Country code 999 is not assigned (ITU-T E.164 list): such a number cannot
// exist, wherever it might leak to.
const demoPrefix = "+999"

var demoCallerIDs = []string{demoPrefix + "5550001", demoPrefix + "5550002"}

// demoZones has a place for every UTC offset that is in use, so that leads are
// open at every hour of the week.
var demoZones = []string{
	"Pacific/Pago_Pago", "Pacific/Honolulu", "Pacific/Marquesas", "America/Anchorage", "America/Los_Angeles", "America/Denver",
	"America/Chicago", "America/New_York", "America/Halifax", "America/St_Johns", "America/Sao_Paulo", "America/Noronha",
	"Atlantic/Azores", "Europe/London", "Europe/Warsaw", "Europe/Athens", "Europe/Istanbul", "Asia/Tehran", "Asia/Dubai",
	"Asia/Kabul", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka", "Asia/Yangon", "Asia/Bangkok", "Asia/Shanghai",
	"Australia/Eucla", "Asia/Tokyo", "Australia/Adelaide", "Australia/Sydney", "Australia/Lord_Howe", "Pacific/Noumea", "Pacific/Fiji",
	"Pacific/Auckland", "Pacific/Chatham", "Pacific/Tongatapu", "Pacific/Kiritimati",
}

var (
	demoFirstNames = []string{"Maria", "James", "Wei", "Aisha", "Piotr", "Sofia", "Kenji", "Priya", "Lucas", "Emma", "Omar", "Chloe", "Jan", "Mei", "David", "Nina"}
	demoLastNames  = []string{"Nowak", "Smith", "Zhang", "Okafor", "Garcia", "Kowalska", "Tanaka", "Sharma", "Silva", "Dubois", "Haddad", "Martin", "Wilson", "Chen", "Novak", "Costa"}
)

// demoLeads makes n leads spread over every zone, the same for the same seed.
func demoLeads(n int, seed uint64) []campaigns.Lead {
	draw := rand.New(rand.NewPCG(seed, 0))
	temperatures := []campaigns.Temperature{campaigns.Hot, campaigns.Warm, campaigns.Warm, campaigns.Cold, campaigns.Cold}
	leads := make([]campaigns.Lead, n)
	for i := range leads {
		number := campaigns.Number{
			E164: fmt.Sprintf("%s%07d", demoPrefix, 1_000_000+i), Kind: campaigns.Mobile,
			Zones: []string{demoZones[i%len(demoZones)]}, Regions: []string{demoRegion},
		}
		leads[i] = campaigns.Lead{
			List: demoList, ExternalID: fmt.Sprintf("demo-%06d", i+1),
			Name:    demoFirstNames[draw.IntN(len(demoFirstNames))] + " " + demoLastNames[draw.IntN(len(demoLastNames))],
			Numbers: []campaigns.Number{number},
			Grades: campaigns.Grades{
				Stage: campaigns.StageAcquire, CP: draw.IntN(6), PI: draw.IntN(6), Level: draw.IntN(6),
				Temperature: temperatures[draw.IntN(len(temperatures))],
			},
			Fields: map[string]string{"product": []string{"fibre", "mobile", "energy"}[draw.IntN(3)]},
		}
	}
	return leads
}

// demoScript has a stage for each headline.
const demoScript = `# Greeting
Good day, my name is {operator}. Am I speaking with {name}?
- Yes -> Need
- Not a good time -> Later

# Need
Who provides your {product} today, and until when does the contract run?

# Offer
We can take that over from the first of next month, for a fifth less. Shall I send you the papers?

# Close
Let me say back what we agreed on ...

# Later
When may I call you again?

! It is too dear
What do you pay today? What is it that you would not want to pay for?
- Ready to hear the price -> Offer

! I have to ask at home
Of course. When will you have talked about it?
- Names a time -> Later`

// demoForm is what the operators write down.
var demoForm = []campaigns.FormField{
	{Name: "contract until", Label: "Contract until", Kind: campaigns.DateField},
	{Name: "papers", Label: "Wants the papers", Kind: campaigns.YesNoField},
}

// demoPlan is the demo's campaign: two segments, the law's limits.
func demoPlan(now time.Time, m demoMode) campaigns.Campaign {
	return campaigns.Campaign{
		ID: demoCampaign, Name: "Demo", State: campaigns.Running, Lists: []campaigns.ListID{demoList},
		Segments: []campaigns.Segment{
			{Name: "hot", Filter: `temperature == "hot" || cp >= 4`, Priority: "cp * 10 + pi", Weight: 2},
			{Name: "rest", Priority: "cp * 10 + pi", Weight: 1},
		},
		Trunks: "default", CallerIDs: demoCallerIDs,
		Pacing:    campaigns.Pacing{Mode: m.mode, Ratio: m.ratio, AbandonmentLimit: 0.03},
		Detection: "before", Dispositions: campaigns.DefaultDispositions(),
		Wrap:       campaigns.Wrap{Timeout: time.Minute, Default: "no_decision"},
		Script:     demoScript,
		Inbound:    campaigns.Inbound{Numbers: demoCallerIDs},
		Form:       demoForm,
		SafeHarbor: "safe-harbor", Recording: campaigns.RecordAlways, CreatedAt: now,
	}
}

// seedDemo fills a new store; one that has the demo already keeps its leads.
func seedDemo(ctx context.Context, cfg config.Config, f demoFlags, m demoMode) (people []operators.Credential, guest operators.Credential, err error) {
	store, err := app.OpenStore(ctx, cfg)
	if err != nil {
		return nil, guest, err
	}
	defer func() { err = errors.Join(err, store.Close()) }()
	if _, err := store.Campaign(ctx, demoCampaign); errors.Is(err, campaigns.ErrNotFound) {
		if err := seedLeads(ctx, store, f, m); err != nil {
			return nil, guest, err
		}
	}
	return seedPeople(ctx, store, f.operators)
}

func seedLeads(ctx context.Context, store app.Store, f demoFlags, m demoMode) error {
	now := time.Now()
	if err := store.SaveList(ctx, campaigns.List{ID: demoList, Name: "Demo", Source: "made up", ConsentBasis: "fictitious people", Verified: true, CreatedAt: now}); err != nil {
		return err
	}
	if _, err := store.SaveCampaign(ctx, demoPlan(now, m)); err != nil {
		return err
	}
	_, err := store.AddLeads(ctx, demoList, demoLeads(f.leads, f.seed))
	return err
}

// seedPeople creates the manager, the operators and the guest, each with fresh secrets.
func seedPeople(ctx context.Context, store app.Store, n int) (people []operators.Credential, guest operators.Credential, err error) {
	manager := app.NewUser{ID: demoManager, Name: "Demo manager", Role: campaigns.RoleManager, Password: newSecret(), SeesNumbers: new(true)}
	if err := app.AddUser(ctx, store, manager); err != nil {
		return nil, guest, err
	}
	for i := range n {
		one, err := seedOperator(ctx, store, fmt.Sprintf("op%02d", i+1), fmt.Sprintf("Operator %d", i+1))
		if err != nil {
			return nil, guest, err
		}
		people = append(people, one)
	}
	guest, err = seedOperator(ctx, store, demoGuest, "You")
	return people, guest, err
}

func seedOperator(ctx context.Context, store app.Store, user, name string) (operators.Credential, error) {
	c := operators.Credential{User: user, Password: newSecret(), SIPPassword: newSecret()}
	return c, app.AddUser(ctx, store, app.NewUser{
		ID: campaigns.UserID(user), Name: name, Role: campaigns.RoleOperator, Password: c.Password, PhonePassword: c.SIPPassword,
	})
}
