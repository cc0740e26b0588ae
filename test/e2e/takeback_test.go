package e2e

import (
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/dialer/calibration"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/phone"
)

// TestTakenBack has an operator connected at the first speech of a machine and then of a
// person. The machine goes by itself and the operator is ready again, told why; the
// person stays, though they talk in a steady tone.
func TestTakenBack(t *testing.T) {
	t.Parallel()
	const machine, person = "+9997790001", "+9997790002"
	far, j := startCarrier(t, carrier.Config{Seed: 1, CustomerHz: customerHz, OperatorHz: operatorHz,
		Behave: func(number string, _ int) (carrier.Behaviour, bool) {
			if number == machine || "+"+number == machine {
				return carrier.Behaviour{Kind: carrier.Machine, Ring: 500 * time.Millisecond, Greeting: shortMachine}, true
			}
			return carrier.Behaviour{Kind: carrier.Person, Ring: 500 * time.Millisecond, Talk: 6 * time.Second, Patience: 6 * time.Second}, true
		}})
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "anna", "4711")
		seedCampaign(t, s, campaigns.Campaign{ID: "with", Trunks: "line", Detection: "with"}, machine, person)
	})
	p.serve(t)
	boss := p.signIn(t, manager, managerPassword)
	anna := p.sitDown(t, "anna")
	desk := newSoftphone(t, p, "anna")
	must(t, anna.ask(t.Context(), "on-duty", nil))
	leg := desk.takeLeg(t)
	leg.Audio.Play(&phone.Tone{Hz: operatorHz, Peak: 8000})
	await := func(state string) view {
		t.Helper()
		v, err := anna.await(t.Context(), state, 30*time.Second)
		must(t, err)
		return v
	}
	await("paused")
	must(t, anna.ask(t.Context(), "ready", nil))

	taken := await("talking")
	if !strings.HasSuffix(taken.Number, machine[len(machine)-2:]) {
		t.Fatalf("the first call is of %s, want %s", taken.Number, machine)
	}
	if v := await("ready"); !strings.Contains(v.TakenBack, "machine") {
		t.Errorf("anna is told %q, want that it was a machine", v.TakenBack)
	}
	talk := await("talking")
	if talk.TakenBack != "" {
		t.Errorf("anna is told %q in the next talk", talk.TakenBack)
	}
	await("wrapping")
	must(t, anna.ask(t.Context(), "disposition", map[string]string{"disposition": "sale"}))
	must(t, anna.ask(t.Context(), "off-duty", nil))

	eventually(t, 10*time.Second, "both outcomes in the store", func() (bool, any) {
		all := boss.attempts(t, "with")
		if len(all) != 2 {
			return false, all
		}
		talked, mistaken := all[0], all[1] // newest first
		return mistaken.Outcome == campaigns.MachineHeard && mistaken.Operator == "" && mistaken.BridgedAt.IsZero() && mistaken.Disposition == "" &&
			talked.Outcome == campaigns.Connected && talked.Operator == "anna" && talked.Disposition == "sale", all
	})
	eventually(t, 10*time.Second, "both labels in the report", func() (bool, any) {
		var r calibration.Report
		must(t, boss.do(t.Context(), http.MethodGet, "/api/v1/campaigns/with/detection", nil, &r))
		people := map[media.VerdictKind]calibration.Share{}
		for _, v := range r.Verdicts {
			people[v.Verdict] = v.People
		}
		return r.Labelled == 2 && people[media.Person].K == 1 && people[media.Machine].N == 1 && people[media.Machine].K == 0, r
	})
	p.stop(t)
	for _, v := range anna.states.all() {
		if v.State == "wrapping" && v.Attempt == taken.Attempt {
			t.Error("anna had to wrap up the machine")
		}
	}
	j.noFaults(t)
}

// shortMachine is the machine of the carrier's first seed with the shortest greeting.
const shortMachine = 4
