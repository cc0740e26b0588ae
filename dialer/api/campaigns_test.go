package api

import (
	"net/http"
	"reflect"
	"slices"
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

func TestPutCampaign(t *testing.T) {
	w := newWorld(t)
	c := spring()
	c.State = campaigns.Running // not here
	var made campaigns.Campaign
	w.as(t, "mia", "PUT", "/api/v1/campaigns/spring", c).want(t, 200).into(t, &made)
	if made.State != campaigns.Stopped || made.Version == 0 || made.CreatedAt.IsZero() {
		t.Errorf("made %+v, want it stopped, with a version and a birthday", made)
	}
	bare := spring()
	bare.ID, bare.Dispositions = "bare", nil
	var usual campaigns.Campaign
	w.as(t, "mia", "PUT", "/api/v1/campaigns/bare", bare).want(t, 200).into(t, &usual)
	if !reflect.DeepEqual(usual.Dispositions, campaigns.DefaultDispositions()) {
		t.Errorf("dispositions %+v, want the usual ones", usual.Dispositions)
	}
	changed := made
	changed.Name = "Early spring"
	var saved campaigns.Campaign
	w.as(t, "mia", "PUT", "/api/v1/campaigns/spring", changed).want(t, 200).into(t, &saved)
	if saved.Name != "Early spring" || saved.Version <= made.Version {
		t.Errorf("saved %q, version %d after %d", saved.Name, saved.Version, made.Version)
	}
	w.as(t, "mia", "PUT", "/api/v1/campaigns/spring", changed).want(t, 409) // made is gone meanwhile
	entries := slices.DeleteFunc(w.audited(t, "campaign.put"), func(a campaigns.AuditEntry) bool { return a.Object == "bare" })
	if len(entries) != 2 || entries[0].By != "mia" || entries[0].Object != "spring" ||
		!strings.Contains(entries[0].Before, `"name":"Spring"`) || !strings.Contains(entries[0].After, `"name":"Early spring"`) {
		t.Errorf("audited %+v, want both puts with before and after", entries)
	}
	if told := w.engine.heard(); len(told) != 0 {
		t.Errorf("engine was told %q of a campaign that does not run", told)
	}
	w.as(t, "mia", "GET", "/api/v1/campaigns/autumn", nil).want(t, 404)
}

func TestCampaignQueues(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	_, err := w.store.AddLeads(t.Context(), "web", []campaigns.Lead{{
		Name: "Ewa", Numbers: []campaigns.Number{{E164: "+48225550177", Kind: campaigns.Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}},
	}})
	if err != nil {
		t.Fatal(err)
	}
	var got campaigns.CampaignQueues
	w.as(t, "mia", "GET", "/api/v1/campaigns/spring/queues", nil).want(t, 200).into(t, &got)
	if len(got.Queues) != 1 || got.Queues[0].Ready != 1 || got.Rebuild != nil || got.Campaign != "spring" {
		t.Errorf("queues = %+v, want one with one lead", got)
	}
	w.as(t, "mia", "GET", "/api/v1/campaigns/autumn/queues", nil).want(t, 404)
	w.as(t, "olga", "GET", "/api/v1/campaigns/spring/queues", nil).want(t, 403)
}

func TestWrongCampaigns(t *testing.T) {
	w := newWorld(t)
	for field, wrong := range map[string]func(*campaigns.Campaign){
		"trunks":             func(c *campaigns.Campaign) { c.Trunks = "" },
		"caller_ids[0]":      func(c *campaigns.Campaign) { c.CallerIDs = []string{"911"} },
		"segments[0].filter": func(c *campaigns.Campaign) { c.Segments = []campaigns.Segment{{Name: "a", Filter: "cp >"}} },
		"safe_harbor": func(c *campaigns.Campaign) {
			c.Pacing = campaigns.Pacing{Mode: campaigns.Predictive, AbandonmentLimit: 0.03}
		},
		"voicemail":                func(c *campaigns.Campaign) { c.Voicemail = "sorry" },
		"hold_music":               func(c *campaigns.Campaign) { c.HoldMusic = "sorry" },
		"pacing.abandonment_limit": func(c *campaigns.Campaign) { c.Pacing.AbandonmentLimit = 0.04 },
	} {
		c := spring()
		wrong(&c)
		got := w.as(t, "mia", "PUT", "/api/v1/campaigns/spring", c).want(t, 422)
		if !strings.Contains(got.body, field+":") {
			t.Errorf("%s is wrong, and the answer is %s", field, got.body)
		}
	}
	c := spring()
	c.SafeHarbor = "sorry"
	got := w.as(t, "mia", "PUT", "/api/v1/campaigns/spring", c).want(t, 422)
	if !strings.Contains(got.body, `safe_harbor: there is no message \"sorry\"; there are call-back, safe-harbor`) {
		t.Errorf("a message that is not there: %s", got.body)
	}
	w.as(t, "mia", "PUT", "/api/v1/campaigns/Spring", spring()).want(t, 422)
	if all, err := w.store.Campaigns(t.Context()); err != nil || len(all) != 0 {
		t.Errorf("campaigns = %v (%v), want none", all, err)
	}
}

// A campaign over trunks that are not there would run and call nobody: it is not saved, and
// where the configuration was changed since, it is not started.
func TestTrunksThatAreNotThere(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	w.api.trunks = func() []TrunkFigures { return []TrunkFigures{{Group: "north"}, {Group: "north"}, {Group: "south"}} }
	c := spring()
	c.ID, c.Trunks = "summer", "nroth"
	got := w.as(t, "mia", "PUT", "/api/v1/campaigns/summer", c).want(t, 422)
	if want := `there is no trunk group \"nroth\"; there are north, south`; !strings.Contains(got.body, want) || !strings.Contains(got.body, `"pointer":"#/trunks"`) {
		t.Errorf("%s, want %s", got.body, want)
	}
	w.as(t, "mia", "POST", "/api/v1/campaigns/spring/start", nil).want(t, 422)
	c.Trunks = "south"
	w.as(t, "mia", "PUT", "/api/v1/campaigns/summer", c).want(t, 200)
	w.as(t, "mia", "POST", "/api/v1/campaigns/summer/start", nil).want(t, 200)
}

// TestMisspeltCampaigns sends what would be another campaign than the one that was meant.
func TestMisspeltCampaigns(t *testing.T) {
	w := newWorld(t)
	for _, c := range []struct {
		body   string
		status int
		want   string // in the answer
	}{
		{`{"trunks":"default","pacing":{"mode":"progressive"},"lsits":["web"]}`, 422, `"pointer":"#/lsits"`},
		{`{"trunks":"default","pacing":{"mode":"progressive","max_ration":2}}`, 422, `"pointer":"#/pacing/max_ration"`},
		{`{"trunks":"default","pacing":{"mode":"progressive","max_ratio":"two"}}`, 422, `"pointer":"#/pacing/max_ratio"`},
		{`{"trunks":"default","pacing":{"mode":"progressive"},"segments":[{"name":"a"},{"name":"b","weigth":2}]}`, 422, `"pointer":"#/segments/1/weigth"`},
		{`{"trunks":`, 400, `"code":"malformed"`},
		{`[]`, 422, `"pointer":"#"`},
	} {
		got := w.as(t, "mia", "PUT", "/api/v1/campaigns/spring", c.body)
		if got.status != c.status || !strings.Contains(got.body, c.want) || strings.Contains(got.body, "Go struct") {
			t.Errorf("%s: %d %s, want %d with %s", c.body, got.status, got.body, c.status, c.want)
		}
	}
	w.as(t, "mia", "GET", "/api/v1/campaigns/spring", nil).want(t, 404)
	w.as(t, "mia", "PUT", "/api/v1/campaigns/spring", `{"trunks":"default","pacing":{"mode":"progressive"},"lists":null,"recording":"","segments":[{"name":"a"}]}`).want(t, 200)
}

func TestStartPauseStop(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	for _, c := range []struct {
		path  string
		state campaigns.CampaignState
	}{{"start", campaigns.Running}, {"pause", campaigns.Paused}, {"start", campaigns.Running}, {"stop", campaigns.Stopped}} {
		var got campaigns.Campaign
		w.as(t, "mia", "POST", "/api/v1/campaigns/spring/"+c.path, nil).want(t, 200).into(t, &got)
		if got.State != c.state {
			t.Errorf("%s: state %q, want %q", c.path, got.State, c.state)
		}
	}
	want := []string{"SetCampaign spring running", "SetCampaign spring paused", "SetCampaign spring running", "SetCampaign spring stopped"}
	if told := w.engine.heard(); !slices.Equal(told, want) {
		t.Errorf("engine was told %q, want %q", told, want)
	}
	if w.engine.tally.Attempts != 1 || w.engine.tally.Live != 1 {
		t.Errorf("tally = %+v, want the store's count of the legal window", w.engine.tally)
	}
	stops := w.audited(t, "campaign.stopped")
	if len(stops) != 1 || stops[0].Before != `"running"` || stops[0].After != `"stopped"` {
		t.Errorf("audited %+v", stops)
	}
	w.as(t, "mia", "POST", "/api/v1/campaigns/autumn/start", nil).want(t, 404)
}

func TestPace(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	patch := func(body map[string]any) reply {
		return w.send(t, w.tokens["mia"], "PATCH", "/api/v1/campaigns/spring/pacing", body, http.Header{"If-Match": {"*"}})
	}
	patch(map[string]any{"max_ratio": 3}).want(t, 200)
	if told := w.engine.heard(); len(told) != 0 {
		t.Errorf("engine was told %q of a campaign that does not run", told)
	}
	w.as(t, "mia", "POST", "/api/v1/campaigns/spring/start", nil).want(t, 200)
	patch(map[string]any{"max_ratio": 2.5, "cancel": true}).want(t, 200)
	patch(map[string]any{"max_occupancy": 0.85, "min_breath": 7.5, "answer_score_field": "chance", "record_choice": false}).want(t, 200)
	last := w.engine.set[len(w.engine.set)-1].Pacing
	if last.MaxOccupancy != 0.85 || last.MinBreath != 7.5 || last.AnswerScoreField != "chance" || last.ChoosesRecords() {
		t.Errorf("engine has %+v", last)
	}
	if last.MaxRatio != 2.5 || !last.Cancel || last.Mode != campaigns.Progressive {
		t.Errorf("engine has %+v, want what was changed and the rest kept", last)
	}
	entries := w.audited(t, "campaign.pace")
	if len(entries) != 3 || !strings.Contains(entries[1].Before, `"max_ratio":3`) || !strings.Contains(entries[1].After, `"max_ratio":2.5`) {
		t.Errorf("audited %+v", entries)
	}
	for _, body := range []map[string]any{
		{"mode": "fast"}, {"ratio": 0.5}, {"abandonment_limit": 0.2}, {"abandonment_limit": 0.04}, {"mode": "predictive", "abandonment_limit": 0.03}, {"pace": 1},
		{"max_occupancy": 85}, {"min_breath": -1}, {"min_breath": 601}, {"answer_score_field": "cp"},
	} {
		patch(body).want(t, 422)
	}
	if c, err := w.store.Campaign(t.Context(), "spring"); err != nil || !reflect.DeepEqual(c.Pacing, last) {
		t.Errorf("pacing = %+v (%v), want it as it was: %+v", c.Pacing, err, last)
	}
}

func TestDoNotCall(t *testing.T) {
	w := newWorld(t)
	const number = "+48225550199"
	w.as(t, "mia", "POST", "/api/v1/do-not-call", map[string]string{"number": number, "reason": "wrote us"}).want(t, noContent)
	s, ok, err := w.store.Suppressed(t.Context(), number)
	if err != nil || !ok || s.By != "mia" || s.Source != "api" || s.Reason != "wrote us" {
		t.Errorf("suppressed = %+v, %v (%v)", s, ok, err)
	}
	for _, wrong := range []string{"48225550199", "+0123456", "+48 22 555", "+4822555019999999", ""} {
		w.as(t, "mia", "POST", "/api/v1/do-not-call", map[string]string{"number": wrong, "reason": "x"}).want(t, 422)
	}
	w.as(t, "mia", "DELETE", "/api/v1/do-not-call?number=%2B48225550199", nil).want(t, 403)
	w.as(t, "ada", "DELETE", "/api/v1/do-not-call?number=%2B48225550199", nil).want(t, noContent)
	if _, ok, _ := w.store.Suppressed(t.Context(), number); ok {
		t.Error("still suppressed")
	}
	for _, action := range []string{"do-not-call.add", "do-not-call.remove"} {
		if e := w.audited(t, action); len(e) != 1 || e[0].Object != "+4822***0199" {
			t.Errorf("%s: audited %+v, want one with the number masked", action, e)
		}
	}
}
