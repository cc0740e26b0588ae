package campaigns

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var chosenLead = Lead{ID: 7, Numbers: []Number{
	{E164: "+4801", Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}},
	{E164: "+8102", Zones: []string{"Asia/Tokyo"}, Regions: []string{"JP"}},
	{E164: "+4803", Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}, Bad: true},
}}

func TestChoose(t *testing.T) {
	for _, c := range []struct{ asked, next, want string }{
		{"", "+8102", "+8102"}, {"", "", "+4801"}, {"+8102", "+4801", "+8102"},
		{"", "+4803", "+4801"}, {"+4803", "+4801", ""}, {"+4899", "+4801", ""},
	} {
		n, err := ClaimLeadRequest{Number: c.asked}.Choose(chosenLead, c.next)
		if n.E164 != c.want || (err == nil) != (c.want != "") {
			t.Errorf("choose %q where %q is next: %q, %v; want %q", c.asked, c.next, n.E164, err, c.want)
		}
	}
}

// A claim for another number knows how attempts on that one ended, and dials by its hours.
func TestClaimOnAnotherNumber(t *testing.T) {
	claim := Claim{
		Lead: chosenLead, Number: chosenLead.Numbers[0], Queue: QueueID{Campaign: "c", Segment: "s", Window: chosenLead.Numbers[0].Window()}, Fence: 3,
		ByOutcome: map[Outcome]int{Busy: 2}, ByNumber: map[string]map[Outcome]int{"+8102": {NoAnswer: 1}}, DueAt: time.Unix(1, 0),
	}
	on, ok := claim.On("+8102")
	want := claim
	want.Number, want.Queue.Window = chosenLead.Numbers[1], "Asia/Tokyo|JP"
	want.ByOutcome, want.ByNumber = map[Outcome]int{NoAnswer: 1}, map[string]map[Outcome]int{"+4801": {Busy: 2}}
	if diff := cmp.Diff(want, on); !ok || diff != "" {
		t.Errorf("%v (-want +got):\n%s", ok, diff)
	}
	if back, ok := on.On("+4801"); !ok || cmp.Diff(claim, back) != "" {
		t.Errorf("and back: %+v", back)
	}
	if same, ok := claim.On(""); !ok || same.Number.E164 != "+4801" {
		t.Errorf("no number asked for: %+v", same.Number)
	}
	if _, ok := claim.On("+4803"); ok {
		t.Error("a bad number is dialled")
	}
	if len(claim.ByNumber) != 1 || claim.ByOutcome[Busy] != 2 {
		t.Errorf("the claim itself was changed: %+v", claim)
	}
}
