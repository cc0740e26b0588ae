package app

import (
	"errors"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// office is a store with two campaigns over a list each, and who calls there.
type office struct {
	Store
	callers
	t   *testing.T
	now time.Time
}

func newOffice(t *testing.T) *office {
	store, err := OpenStore(t.Context(), settings(t, "127.0.0.1:9"))
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { _ = store.Close() })
	o := &office{Store: store, callers: callers{store}, t: t, now: time.Date(2026, 3, 2, 14, 3, 0, 0, time.UTC)}
	for _, id := range []string{"spring", "autumn"} {
		o.must(store.SaveList(t.Context(), campaigns.List{ID: campaigns.ListID(id), CreatedAt: o.now}))
		_, err := store.SaveCampaign(t.Context(), campaigns.Campaign{ID: campaigns.CampaignID(id), Lists: []campaigns.ListID{campaigns.ListID(id)}, CreatedAt: o.now})
		o.must(err)
	}
	return o
}

func (o *office) must(err error) {
	o.t.Helper()
	if err != nil {
		o.t.Fatal(err)
	}
}

// lead adds a lead with a number to the list of a campaign.
func (o *office) lead(list campaigns.ListID, name, e164 string) {
	o.t.Helper()
	n, err := placed(e164)
	o.must(err)
	_, err = o.AddLeads(o.t.Context(), list, []campaigns.Lead{{List: list, ExternalID: name, Name: name, Numbers: []campaigns.Number{n}, CreatedAt: o.now, UpdatedAt: o.now}})
	o.must(err)
}

// dial calls the lead that is due in a campaign.
func (o *office) dial(c campaigns.CampaignID, id campaigns.AttemptID, outcome campaigns.Outcome) {
	o.t.Helper()
	queues, err := o.Queues(o.t.Context(), c, o.now)
	o.must(err)
	claims, err := o.Claim(o.t.Context(), campaigns.ClaimRequest{Queues: []campaigns.QueueID{queues[0].QueueID}, Limit: 1, Node: "n", Lease: time.Minute, Now: o.now})
	o.must(err)
	o.must(o.Begin(o.t.Context(), campaigns.Intent{Attempt: id, Claim: claims[0], At: o.now}))
	o.must(o.End(o.t.Context(), campaigns.Ending{Attempt: id, Outcome: outcome, Operator: "ann", Next: campaigns.Next{Done: true}, Count: true, At: o.now.Add(time.Minute)}))
}

func (o *office) calls(c campaigns.Campaign, e164 string) (dialer.Caller, error) {
	return o.Caller(o.t.Context(), c, e164, o.now.Add(time.Hour))
}

var spring = campaigns.Campaign{ID: "spring"}

// Of several leads with a number it is the one of the campaign that was called.
func TestCallerOfTheCampaign(t *testing.T) {
	o := newOffice(t)
	const number = "+12025550100"
	o.lead("spring", "Ann of spring", number)
	o.lead("autumn", "Ann of autumn", number)
	o.dial("spring", "01940000-0000-7000-8000-000000000001", campaigns.NoAnswer)
	for c, name := range map[campaigns.CampaignID]string{"spring": "Ann of spring", "autumn": "Ann of autumn"} {
		who, err := o.calls(campaigns.Campaign{ID: c}, number)
		o.must(err)
		if who.Claim.Lead.Name != name || who.Claim.Number.E164 != number || len(who.Claim.Number.Zones) == 0 || who.New || who.DoNotCall || who.Claim.Queue.Campaign != c {
			t.Errorf("%s: %+v", c, who)
		}
		if called := c == "spring"; called != who.CalledAt.Equal(o.now) || called != (who.CalledFor == campaigns.NoAnswer) || called != (who.Claim.Operator == "ann") {
			t.Errorf("%s: called at %v: %s, by %q", c, who.CalledAt, who.CalledFor, who.Claim.Operator)
		}
	}
}

// A campaign that does not dial the lead has whom any of them called last.
func TestCallerOfAnother(t *testing.T) {
	o := newOffice(t)
	const number = "+12025550100"
	o.lead("autumn", "Ann", number)
	o.must(o.Suppress(t.Context(), campaigns.Suppression{E164: number, Reason: "asked", Source: "api", At: o.now}))
	who, err := o.calls(spring, number)
	o.must(err)
	if who.Claim.Lead.Name != "Ann" || who.New || !who.DoNotCall || !who.CalledAt.IsZero() || who.Claim.Queue.Campaign != "spring" {
		t.Errorf("%+v", who)
	}
}

// Who is in no list is refused, or becomes a lead that no campaign dials; the same one
// when they call again, and still somebody whom nobody called.
func TestUnknownCaller(t *testing.T) {
	o := newOffice(t)
	const number = "+12025550177"
	if _, err := o.calls(spring, number); !errors.Is(err, dialer.ErrUnknownCaller) {
		t.Errorf("error %v", err)
	}
	taking := spring
	taking.Inbound.Unknown = campaigns.UnknownTaken
	first, err := o.calls(taking, number)
	o.must(err)
	again, err := o.calls(taking, number)
	o.must(err)
	if first.Claim.Lead.ID == 0 || first.Claim.Lead.ID != again.Claim.Lead.ID || !first.New || !again.New || first.Claim.Lead.List != campaigns.InboundList || len(first.Claim.Number.Zones) == 0 {
		t.Errorf("first %+v, again %+v", first, again)
	}
	entries, err := o.Entries(t.Context(), first.Claim.Lead.ID)
	if o.must(err); len(entries) != 0 {
		t.Errorf("waits to be dialled: %+v", entries)
	}
	lists, err := o.Lists(t.Context())
	if o.must(err); len(lists) != 3 {
		t.Errorf("lists: %+v", lists)
	}
	for _, costly := range []string{"+19005550100", "+870773111632", "+447012345678"} {
		if _, err := o.calls(taking, costly); !errors.Is(err, dialer.ErrUnknownCaller) {
			t.Errorf("%s: error %v, want that it is not taken", costly, err)
		}
	}
}
