package e2e

import (
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/phone"
)

// TestSaidMachine has an operator hear the greeting of a machine where nobody detects. They
// say so and are ready at once; the message is on the machine after its beep.
func TestSaidMachine(t *testing.T) {
	t.Parallel()
	const machine = "+9997790001"
	sound := slices.Concat(quiet(400), carrier.Speech(1001, 5*time.Second, true), quiet(700), tone(1000, 400))
	over := len(sound)
	far, j := startCarrier(t, carrier.Config{Seed: 1, CustomerHz: customerHz, OperatorHz: operatorHz,
		Behave: func(string, int) (carrier.Behaviour, bool) {
			recording := &carrier.Recording{Sound: newClip("", "machine", 0, sound, quiet(40)).pcm, Stays: time.Minute, Talks: time.Minute}
			return carrier.Behaviour{Kind: carrier.Recorded, Ring: 300 * time.Millisecond, Recording: recording}, true
		}})
	p := newProduct(t, trunkText("line", far.Addr(), ""), func(s app.Store) {
		seedOperator(t, s, "anna", "4711")
		must(t, app.AddUser(t.Context(), s, app.NewUser{ID: "chief", Name: "Chief", Role: campaigns.RoleAdmin, Password: apiPassword("chief")}))
		seedCampaign(t, s, campaigns.Campaign{ID: "off", Trunks: "line", Detection: "off", Voicemail: "message"}, machine)
	})
	prompts := t.TempDir()
	writeWAV(t, filepath.Join(prompts, "message.wav"), tone(500, int(messageLength.Milliseconds())))
	p.env = append(p.env, "OUTPACE_MEDIA__PROMPT_DIR="+prompts)
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
	talk := await("talking")
	must(t, anna.ask(t.Context(), "machine", map[string]string{"attempt": talk.Attempt}))
	if v := await("ready"); !strings.Contains(v.TakenBack, "the message is being left") {
		t.Errorf("anna is told %q, want that the message is being left", v.TakenBack)
	}
	eventually(t, time.Minute, "a machine in the store", func() (bool, any) {
		all := boss.attempts(t, "off")
		return len(all) == 1 && all[0].Outcome == campaigns.MachineHeard && all[0].Operator == "" && all[0].BridgedAt.IsZero() &&
			all[0].Reason == "a machine, says operator anna", all
	})
	var audit struct{ Items []campaigns.AuditEntry }
	must(t, p.signIn(t, "chief", apiPassword("chief")).do(t.Context(), http.MethodGet, "/api/v1/audit?action=call.machine", nil, &audit))
	if len(audit.Items) != 1 || audit.Items[0].By != "anna" || audit.Items[0].Object != talk.Attempt {
		t.Errorf("in the audit log: %+v", audit.Items)
	}
	must(t, anna.ask(t.Context(), "off-duty", nil))
	p.stop(t)
	for _, v := range anna.states.all() {
		if v.State == "wrapping" {
			t.Error("anna had to wrap up the machine")
		}
	}
	var c wireCall
	for _, e := range j.events(t) {
		switch {
		case e.Event == "marks" && e.User == "":
			c.timeBy(e)
		case e.Event == "sound":
			c.sounds = append(c.sounds, heardSound{e.FirstAt, e.LastAt})
		}
	}
	if len(c.sounds) == 0 || c.begin.IsZero() {
		t.Fatal("no message on the machine")
	}
	if early := c.sentAt(over - 1).Sub(c.sounds[0].first); early > 0 {
		t.Errorf("the message begins %v before the end of the beep", early)
	}
	j.noFaults(t)
}
