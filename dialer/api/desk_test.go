package api

import (
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// What an operator sees of people is of the one on their screen.
func TestDeskHistory(t *testing.T) {
	w := newWorld(t)
	w.fill(t) // a1 is on olga's screen
	var all []talkedBefore
	w.as(t, "olga", "GET", "/api/v1/operator/history", nil).want(t, 200).into(t, &all)
	if len(all) != 0 {
		t.Errorf("history = %+v, want none: the present call is no history", all)
	}
	w.engine.later = true
	got := w.as(t, "olga", "GET", "/api/v1/operator/history", nil).want(t, 200)
	got.into(t, &all)
	if len(all) != 1 || all[0].Outcome != campaigns.Connected || all[0].Operator != "olga" || all[0].Audio == nil || all[0].Audio.Customer.MOS != 4.1 || strings.Contains(got.body, marker) {
		t.Errorf("history = %s", got.body)
	}
	w.engine.idle = true
	for _, path := range []string{"history", "callback-times?day=2026-11-28"} {
		w.as(t, "olga", "GET", "/api/v1/operator/"+path, nil).want(t, 409)
	}
}

func TestDeskCallTimes(t *testing.T) {
	w := newWorld(t)
	var times []CallTime
	w.as(t, "olga", "GET", "/api/v1/operator/callback-times?day=2026-11-28", nil).want(t, 200).into(t, &times)
	if len(times) != 2 || !times[0].Open || times[1].ClosedBy == nil || times[1].ClosedBy.Rule != "PL" {
		t.Errorf("times = %+v", times)
	}
	for _, day := range []string{"", "tomorrow", "2026-11-28T10:00"} {
		w.as(t, "olga", "GET", "/api/v1/operator/callback-times?day="+day, nil).want(t, 422)
	}
}

func TestDeskCampaigns(t *testing.T) {
	w := newWorld(t)
	for id, c := range map[campaigns.CampaignID]campaigns.Campaign{
		"mine": {State: campaigns.Running}, "paused": {State: campaigns.Paused},
		"theirs": {State: campaigns.Running, Operators: []campaigns.UserID{"piotr"}}, "ours": {State: campaigns.Running, Operators: []campaigns.UserID{"piotr", "olga"}},
	} {
		full := spring()
		full.ID, full.State, full.Operators = id, c.State, c.Operators
		if _, err := w.store.SaveCampaign(t.Context(), full); err != nil {
			t.Fatal(err)
		}
	}
	got := w.as(t, "olga", "GET", "/api/v1/operator/campaigns", nil).want(t, 200).body
	for id, want := range map[string]bool{`"mine"`: true, `"ours"`: true, `"paused"`: false, `"theirs"`: false} {
		if strings.Contains(got, id) != want {
			t.Errorf("%s offered: %v: %s", id, !want, got)
		}
	}
	only := campaigns.User{ID: "olga", Role: campaigns.RoleOperator, Campaigns: []campaigns.CampaignID{"ours"}}
	if err := w.store.SaveUser(t.Context(), only); err != nil {
		t.Fatal(err)
	}
	if got := w.as(t, "olga", "GET", "/api/v1/operator/campaigns", nil).want(t, 200).body; strings.Contains(got, `"mine"`) || !strings.Contains(got, `"ours"`) {
		t.Errorf("she has ours alone, and is offered %s", got)
	}
}

// A draft is of the present call, stays until that has its disposition and is off the
// screen, and is its writer's alone.
// Colleagues are the others on duty, by name, and nothing of whom they talk to.
func TestDeskColleagues(t *testing.T) {
	w := newWorld(t)
	if err := w.store.SaveUser(t.Context(), campaigns.User{ID: "piotr", Name: "Piotr", Role: campaigns.RoleOperator}); err != nil {
		t.Fatal(err)
	}
	w.engine.others = []dialer.OperatorView{talking("piotr"), {User: "hanna", State: operator.Ready}, {User: "adam", State: operator.Offline}}
	var all []colleague
	w.as(t, "olga", "GET", "/api/v1/operator/colleagues", nil).want(t, 200).into(t, &all)
	want := []colleague{{"piotr", "Piotr", operator.Talking}, {"hanna", "", operator.Ready}}
	if !slices.Equal(all, want) {
		t.Errorf("colleagues = %+v, want %+v", all, want)
	}
}

func TestDeskDraft(t *testing.T) {
	w := newWorld(t)
	draft := map[string]any{"attempt": "a1", "note": "after ten", "disposition": "callback", "name": "somebody else"}
	w.as(t, "olga", "GET", "/api/v1/operator/draft", nil).want(t, 404)
	w.as(t, "olga", "PUT", "/api/v1/operator/draft", draft).want(t, noContent)
	w.as(t, "olga", "PUT", "/api/v1/operator/draft", map[string]any{"attempt": "a0", "note": "late"}).want(t, 409)
	w.as(t, "mia", "GET", "/api/v1/operator/draft", nil).want(t, 404)
	var kept Draft
	w.as(t, "olga", "GET", "/api/v1/operator/draft", nil).want(t, 200).into(t, &kept)
	if kept.Note != "after ten" || kept.Disposition != "callback" || kept.Name != "Jan" || kept.At.IsZero() {
		t.Errorf("kept = %+v", kept)
	}
	said := map[string]any{"attempt": "a1", "disposition": "sale"}
	w.as(t, "olga", "POST", "/api/v1/operator/disposition", said).want(t, noContent)
	w.as(t, "olga", "GET", "/api/v1/operator/draft", nil).want(t, 200) // the talk goes on
	w.engine.idle = true
	w.as(t, "olga", "POST", "/api/v1/operator/disposition", said).want(t, noContent)
	w.as(t, "olga", "GET", "/api/v1/operator/draft", nil).want(t, 404)
	w.engine.idle, w.engine.asked = false, true // nobody is on the screen yet
	w.as(t, "olga", "PUT", "/api/v1/operator/draft", map[string]any{"attempt": "own", "note": "early"}).want(t, 409)
}

// A link signs in once, and is no token.
func TestLink(t *testing.T) {
	w := newWorld(t)
	link := func(user campaigns.UserID, lasts time.Duration) string {
		t.Helper()
		code, kept := NewLink(user, time.Now(), lasts)
		if err := w.store.SaveToken(t.Context(), kept); err != nil {
			t.Fatal(err)
		}
		return code
	}
	follow := func(code string) reply {
		return w.as(t, "", "POST", "/api/v1/login/link", map[string]string{"code": code})
	}
	code := link("olga", time.Hour)
	w.send(t, code, "GET", "/api/v1/me", nil, nil).want(t, 401)
	statuses := make([]int, 3)
	var wg sync.WaitGroup
	for i := range statuses {
		wg.Go(func() { statuses[i] = follow(code).status })
	}
	wg.Wait()
	ok := 0
	for _, status := range statuses {
		if status == 200 {
			ok++
		}
	}
	if ok != 1 {
		t.Errorf("%d of three that came together got in: %v", ok, statuses)
	}
	var begun session
	w2 := newWorld(t) // the wrong codes above count against the address
	code, kept := NewLink("mia", time.Now(), time.Hour)
	if err := w2.store.SaveToken(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	w2.as(t, "", "POST", "/api/v1/login/link", map[string]string{"code": code}).want(t, 200).into(t, &begun)
	w2.send(t, begun.Token, "GET", "/api/v1/me", nil, nil).want(t, 200)
	w2.as(t, "", "POST", "/api/v1/login/link", map[string]string{"code": begun.Token}).want(t, 401)
	old, kept := NewLink("mia", time.Now(), -time.Minute)
	if err := w2.store.SaveToken(t.Context(), kept); err != nil {
		t.Fatal(err)
	}
	w2.as(t, "", "POST", "/api/v1/login/link", map[string]string{"code": old}).want(t, 401)
}

// TestDayBook lives a shift: figures are of what ended and of what goes on.
func TestDayBook(t *testing.T) {
	var b dayBook
	at := func(clock string) time.Time {
		day, err := time.ParseInLocation("2 15:04:05", clock, time.Local)
		if err != nil {
			t.Fatal(err)
		}
		return day
	}
	tell := func(user campaigns.UserID, s operator.State, clock string) {
		b.notice(dialer.OperatorChanged{Operator: dialer.OperatorView{User: user, State: s, Since: at(clock), Campaign: "spring"}})
	}
	tell("olga", operator.Paused, "1 09:00:00")
	tell("olga", operator.Ready, "1 09:10:00")
	tell("olga", operator.Ready, "1 09:10:00") // a rest ended: nothing new
	tell("olga", operator.Talking, "1 09:10:40")
	tell("olga", operator.Wrapping, "1 09:12:40")
	b.notice(dialer.Disposed{Disposal: campaigns.Disposal{By: "olga", Disposition: "sale", At: at("1 09:13:00")}})
	tell("olga", operator.Ready, "1 09:13:00")
	tell("piotr", operator.Ready, "1 09:13:00")
	tell("piotr", operator.Talking, "1 09:13:10")
	got := b.figures("olga", at("1 09:13:30"))
	want := Figures{Since: at("1 09:00:00"), Talks: 1, TalkSeconds: 120, WrapSeconds: 20, ReadySeconds: 70, PauseSeconds: 600, UsualWait: 40}
	if len(got.Dispositions) != 1 || got.Dispositions["sale"] != 1 {
		t.Errorf("dispositions = %v", got.Dispositions)
	}
	if got.Dispositions = nil; !equal(got, want) {
		t.Errorf("figures = %+v, want %+v", got, want)
	}
	next := b.figures("olga", at("2 00:01:00")) // she stayed ready over midnight
	if next.Talks != 0 || next.ReadySeconds != 60 || !next.Since.Equal(at("2 00:00:00")) {
		t.Errorf("figures of the next day = %+v", next)
	}
	if none := b.figures("nina", at("1 12:00:00")); none.Talks != 0 || none.UsualWait != 0 || none.ReadySeconds != 0 {
		t.Errorf("figures of nobody = %+v", none)
	}
}

func equal(a, b Figures) bool {
	return a.Since.Equal(b.Since) && a.Talks == b.Talks && a.TalkSeconds == b.TalkSeconds && a.WrapSeconds == b.WrapSeconds &&
		a.ReadySeconds == b.ReadySeconds && a.PauseSeconds == b.PauseSeconds && a.UsualWait == b.UsualWait
}
