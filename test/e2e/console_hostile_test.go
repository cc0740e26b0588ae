package e2e

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/phone"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// hostile is markup that says which field it was in if it ever runs: by an event handler
// and as a script. A reason for a pause has room for 64 characters.
func hostile(field string) string {
	return fmt.Sprintf(`"><img src=x onerror=ran('%[1]s')><script>ran('%[1]s')</script>`, field)
}

// hostileFields are what the pages show of what others wrote, by when: each stage of the
// script that looks for them adds to the one before.
func hostileFields(fields ...string) string {
	texts := map[string]string{}
	for _, f := range fields {
		texts[f] = hostile(f)
	}
	b, _ := json.Marshal(texts) // of strings
	return string(b)
}

// TestS27XSS has everything that others may write hold markup: names, notes, fields, the
// script and the form, reasons, the display name and User-Agent of a caller, the words in
// which a carrier refuses. Desk and live page show it as text, and nothing of it runs.
func TestS27XSS(t *testing.T) {
	needsConsole(t)
	t.Parallel()
	const number = "+9997780001"
	far := newRefuser(t, "127.0.0.1:0", hostile("phrase"), phone.Header{Name: "Server", Value: hostile("server")},
		phone.Header{Name: "Reason", Value: `Q.850;cause=17;text="` + strings.ReplaceAll(hostile("reason"), `"`, `\"`) + `"`})
	var deskLink, liveLink string
	p := newProduct(t, trunkText("line", far.Addr(), `inbound: {numbers: ["`+callerID+`"]}`), func(s app.Store) {
		for _, id := range []string{"ann", "bert"} {
			must(t, app.AddUser(t.Context(), s, app.NewUser{
				ID: campaigns.UserID(id), Name: hostile(id), Role: campaigns.RoleOperator, Password: apiPassword(id), PhonePassword: sipPassword(id),
			}))
		}
		seedHostile(t, s, number)
		var err error
		deskLink, err = app.NewLink(t.Context(), s, "ann", time.Hour)
		must(t, err)
		liveLink, err = app.NewLink(t.Context(), s, manager, time.Hour)
		must(t, err)
	})
	p.serve(t)
	checkPage(t, p)
	ann, handset := p.sitDown(t, "ann"), newSoftphone(t, p, "ann")
	bert, second := p.sitDown(t, "bert"), newSoftphone(t, p, "bert") // a colleague in the list of them
	must(t, bert.ask(t.Context(), "on-duty", map[string]string{"campaign": "held"}))
	speak("bert", bertHz, second.takeLeg(t))

	var dialer string
	var caller *voice
	calls := func() {
		c, err := far.Call(phone.Dial{To: dialer, Number: callerID, Caller: number,
			Display: strings.ReplaceAll(hostile("display"), `"`, `\"`), Headers: []phone.Header{{Name: "User-Agent", Value: hostile("agent")}}})
		must(t, err)
		caller = speak(number, customerHz, c)
		_, err = ann.await(t.Context(), "talking", 20*time.Second)
		must(t, err)
	}
	says := func(note string) {
		must(t, ann.ask(t.Context(), "hangup", nil))
		ended(t, caller)
		must(t, ann.ask(t.Context(), "disposition", map[string]string{"disposition": "odd", "note": note}))
	}
	page := stage(t, "hostile.mjs", 4*time.Minute, "OUTPACE_DESK=http://"+p.http+"/desk#link="+deskLink, "OUTPACE_LIVE=http://"+p.http+"/live#link="+liveLink,
		"OUTPACE_DUTY="+hostileFields("campaign", "other", "ann"),
		"OUTPACE_PAUSE="+hostileFields("pause"),
		"OUTPACE_FLOOR="+hostileFields("campaign", "other", "held", "hold"),
		"OUTPACE_TALK="+hostileFields("lead", "note", "field", "value", "stage", "text", "answer", "objection", "meet", "label", "choice", "outcome", "segment", "bert"),
		"OUTPACE_PAST="+hostileFields("said"))
	page.at(t, "duty", func() {
		must(t, ann.ask(t.Context(), "on-duty", map[string]string{"campaign": "hostile"}))
		speak("ann", annaHz, handset.takeLeg(t))
		_, err := ann.await(t.Context(), "paused", 15*time.Second)
		must(t, err)
		must(t, ann.ask(t.Context(), "ready", nil))
		select {
		case dialer = <-far.missed:
		case <-time.After(20 * time.Second):
			t.Fatal("nobody was called")
		}
		must(t, ann.ask(t.Context(), "pause", map[string]string{"reason": hostile("pause")}))
	})
	page.at(t, "paused", func() {
		must(t, ann.ask(t.Context(), "ready", nil))
		calls()
	})
	boss := p.signIn(t, manager, managerPassword)
	page.at(t, "talked", func() {
		says(hostile("said"))
		testbed.Until(t, 20*time.Second, "what was said is kept", func() bool { // the desk reads it when they call again
			return slices.ContainsFunc(boss.attempts(t, "hostile"), func(a campaigns.Attempt) bool { return a.Note == hostile("said") })
		})
		calls()
	})
	page.at(t, "again", func() { says("") })
	page.end(t)
	checkHostileAnswers(t, boss)
	p.stop(t)
}

// seedHostile makes the lead and their campaign, another one and one that is held.
func seedHostile(t *testing.T, s app.Store, number string) {
	t.Helper()
	odd := campaigns.Disposition{Code: "odd", Label: hostile("outcome"), Digit: "9"}
	seedCampaign(t, s, campaigns.Campaign{
		ID: "hostile", Operators: []campaigns.UserID{"ann"}, Trunks: "line", Detection: "off", Wrap: campaigns.Wrap{Timeout: 10 * time.Minute},
		Script:   "# " + hostile("stage") + "\n" + hostile("text") + "\n- " + hostile("answer") + " -> End\n\n# End\nGood bye, {name}.",
		Segments: []campaigns.Segment{{Name: hostile("segment"), Objections: "! " + hostile("objection") + "\n" + hostile("meet")}},
		Form:     []campaigns.FormField{{Name: "form", Label: hostile("label"), Kind: campaigns.ChoiceField, Choices: []string{hostile("choice")}}},
		Inbound:  campaigns.Inbound{Numbers: []string{callerID}},
	})
	seedCampaign(t, s, campaigns.Campaign{ID: "held", Operators: []campaigns.UserID{"bert"}, Trunks: "line"})
	seedCampaign(t, s, campaigns.Campaign{ID: "other", Operators: []campaigns.UserID{"ann"}, Trunks: "line"})
	for id, name := range map[campaigns.CampaignID]string{"hostile": "campaign", "held": "held", "other": "other"} {
		c, err := s.Campaign(t.Context(), id)
		must(t, err)
		if c.Name = hostile(name); id == "hostile" {
			c.Dispositions = append([]campaigns.Disposition{odd}, c.Dispositions...)
		}
		must(t, c.Validate())
		_, err = s.SaveCampaign(t.Context(), c)
		must(t, err)
	}
	must(t, s.SetCampaignState(t.Context(), "held", campaigns.OnHold, hostile("hold")))
	_, err := s.AddLeads(t.Context(), "hostile", []campaigns.Lead{{
		List: "hostile", ExternalID: hostile("external"), Name: hostile("lead"), Note: hostile("note"), Fields: map[string]string{hostile("field"): hostile("value")},
		Grades:  campaigns.Grades{Stage: campaigns.StageAcquire, Temperature: campaigns.Warm},
		Numbers: []campaigns.Number{{E164: number, Kind: campaigns.Mobile, Zones: []string{openZone(t, time.Now())}, Regions: []string{"DEMO"}}},
	}})
	must(t, err)
}

// checkHostileAnswers wants what no page shows told as it was said, and never as what a
// browser would take for a page.
func checkHostileAnswers(t *testing.T, boss *client) {
	t.Helper()
	if !slices.ContainsFunc(boss.attempts(t, "hostile"), func(a campaigns.Attempt) bool {
		return a.Outcome == campaigns.Busy && strings.Contains(a.Reason, hostile("phrase"))
	}) {
		t.Errorf("no attempt says in which words the carrier refused: %+v", boss.attempts(t, "hostile"))
	}
	for _, path := range []string{"/api/v1/attempts?campaign=hostile", "/api/v1/campaigns", "/api/v1/leads/export?campaign=hostile&format=csv", "/api/" + "<script>"} {
		resp, err := boss.send(t.Context(), http.MethodGet, path, nil)
		must(t, err)
		resp.Body.Close()
		if kind := resp.Header.Get("Content-Type"); strings.Contains(kind, "html") || kind == "" || resp.Header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: %q, X-Content-Type-Options %q", path, kind, resp.Header.Get("X-Content-Type-Options"))
		}
	}
}
