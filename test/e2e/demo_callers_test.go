package e2e

import (
	"testing"

	"github.com/outpace-dialer/outpace/test/carrier"
)

// demoCallers are the people of the demo who called back.
type demoCallers struct {
	Called     int `json:"called"`
	Answered   int `json:"answered"`
	Refused    int `json:"refused"`
	Announced  int `json:"heard_the_announcement"`
	Heard      int `json:"heard_an_operator"`
	Matched    int `json:"matched_to_their_lead"`
	Served     int `json:"served"`
	GaveUp     int `json:"gave_up"`
	TurnedAway int `json:"turned_away"`
}

// checkCallers works out from the journal who called back, and that they were right to:
// each had missed a call, or had got nobody, and calls the number that had called.
func checkCallers(t *testing.T, r demoResult, events []carrier.Event) {
	var seen demoCallers
	calling, called := map[string]string{}, map[string]string{} // by Call-ID: who calls; by number: from where they were called
	heard := map[string]bool{}                                  // numbers where a person had an operator before
	number := map[string]string{}
	for _, e := range events {
		who, back := calling[e.Call]
		switch {
		case e.Event == "invite":
			called[e.Number] = e.Caller
			if e.Kind != string(carrier.Machine) { // one may have been taken for a person
				number[e.Call] = e.Number
			}
		case e.Event == "callback":
			seen.Called++
			calling[e.Call] = e.Caller
			if called[e.Caller] != e.Number || heard[e.Caller] {
				t.Errorf("%s calls %s, was called from %q, had an operator: %v", e.Caller, e.Number, called[e.Caller], heard[e.Caller])
			}
		case e.User != "":
		case e.Event == "first_tone" && back:
			seen.Heard++
			heard[who] = true
		case e.Event == "first_tone":
			heard[number[e.Call]] = number[e.Call] != ""
		case e.Event == "callback_up":
			seen.Answered++
		case e.Event == "final" && back:
			seen.Refused++
		case e.Event == "voice_heard" && back:
			seen.Announced++
		}
	}
	got := r.Callers
	if got.Called != seen.Called || got.Answered != seen.Answered || got.Announced != seen.Announced || got.Refused != seen.Refused || got.Heard != seen.Heard {
		t.Errorf("callers: the result says %+v, the journal %+v", got, seen)
	}
	if all := got.Served + got.GaveUp + got.TurnedAway; got.Matched != all || all < seen.Answered {
		t.Errorf("%d attempts of people who called, %d with their lead, %d were answered", all, got.Matched, seen.Answered)
	}
	// How many there are within the demo's time is chance, and when it drains nobody new is
	// answered; of many who were, somebody had an operator.
	if got.Called < 1 || got.Called < got.Answered+got.Refused || got.Served < seen.Heard || got.Answered >= 3 && got.Served < 1 {
		t.Errorf("callers who were served: %+v", got)
	}
}
