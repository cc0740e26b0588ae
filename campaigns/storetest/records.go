package storetest

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

func (w *world) imports(want campaigns.AddResult, leads ...campaigns.Lead) {
	w.t.Helper()
	got, err := w.AddLeads(w.ctx(), "l", leads)
	w.ok(err)
	w.same("import", got, want)
}

func recordsImport(t *testing.T, w *world) {
	w.simple()
	_, err := w.AddLeads(w.ctx(), "no-such-list", []campaigns.Lead{lead("a", 1, "+4801")})
	w.is(err, campaigns.ErrNotFound)
	byID, byNumber := lead("a", 1, "+4801"), lead("", 1, "+4802", "+4803")
	byNumber.Name = "by number"
	w.imports(campaigns.AddResult{Added: 2}, byID, byNumber)
	w.imports(campaigns.AddResult{Same: 2}, byID, byNumber)
	byID.Numbers = append(byID.Numbers, number("+4805", warsaw))
	byNumber.Name = "by first number"
	w.imports(campaigns.AddResult{Updated: 2, Same: 2}, byID, byNumber, byID, byNumber)
	w.imports(campaigns.AddResult{Added: 1}, lead("b", 1, "+4801")) // another id: another lead
	lists, err := w.Lists(w.ctx())
	w.ok(err)
	w.same("lists", lists, []campaigns.List{{ID: "l", Leads: 3, CreatedAt: start}})
	kept, err := w.FindLeads(w.ctx(), campaigns.LeadQuery{Number: "+4805"})
	w.ok(err)
	if len(kept) != 1 || len(kept[0].Numbers) != 2 {
		t.Errorf("by its new number: %+v", kept)
	}
	byID.ID, byID.List = kept[0].ID, "l"
	byID.UpdatedAt = kept[0].UpdatedAt
	w.same("kept", kept[0], byID)
}

func recordsImportGrades(t *testing.T, w *world) {
	w.simple()
	row := lead("a", 1, "+4801", "+4802")
	l := w.add(row)[0]
	_, a := w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	d := w.disposal(a, l, "sale", campaigns.Next{Done: true})
	d.Grades.CP, d.Grades.Progress, d.BadNumber = 5, 75, true
	w.ok(w.Dispose(w.ctx(), d))
	w.imports(campaigns.AddResult{Same: 1}, row)
	row.Note = "new"
	w.imports(campaigns.AddResult{Updated: 1}, row)
	kept, err := w.Lead(w.ctx(), l.ID)
	w.ok(err)
	w.same("what calls taught stays", kept.Grades, d.Grades)
	w.same("a bad number stays bad", kept.Numbers[0].Bad, true)
	row.Grades.CP = 3
	w.imports(campaigns.AddResult{Updated: 1}, row)
	kept, err = w.Lead(w.ctx(), l.ID)
	w.ok(err)
	w.same("the source has new grades; progress only rises", kept.Grades, campaigns.Grades{Stage: campaigns.StageAcquire, CP: 3, Progress: 75})
	w.state(l.ID, "c", campaigns.EntryDone)
}

func recordsSaveLead(t *testing.T, w *world) {
	w.simple()
	ls := w.add(lead("a", 1, "+4801"), lead("b", 2, "+4802"))
	l := ls[0]
	l.Name, l.Grades.CP, l.Numbers, l.UpdatedAt = "Ada", 5, []campaigns.Number{number("+8101", tokyo), number("+4801", warsaw)}, start.Add(time.Hour)
	w.ok(w.SaveLead(w.ctx(), l))
	kept, err := w.Lead(w.ctx(), l.ID)
	w.ok(err)
	w.same("kept", kept, l)
	if e := w.entry(l.ID, "c"); e.Priority != 5 || e.Number != "+4801" { // the number that it had stays, where it can
		t.Errorf("entry = %+v", e)
	}
	l.Numbers = l.Numbers[:1]
	w.ok(w.SaveLead(w.ctx(), l))
	if e := w.entry(l.ID, "c"); e.Queue != queue("c", "s", tokyo) || e.Number != "+8101" {
		t.Errorf("entry = %+v", e)
	}
	l.Numbers[0].Bad = true
	w.ok(w.SaveLead(w.ctx(), l))
	w.state(l.ID, "c", campaigns.EntryNone)
	l.Numbers[0].Bad = false
	w.ok(w.SaveLead(w.ctx(), l))
	w.same("dialled again", names(w.take("c", 1)), []string{"Ada"})
	l.ExternalID = "b"
	w.is(w.SaveLead(w.ctx(), l), campaigns.ErrConflict)
	l.ID = 999
	w.is(w.SaveLead(w.ctx(), l), campaigns.ErrNotFound)
	_, err = w.Lead(w.ctx(), 999)
	w.is(err, campaigns.ErrNotFound)
}

func recordsFindLeads(t *testing.T, w *world) {
	w.list("l")
	w.list("m")
	var leads []campaigns.Lead
	for _, name := range []string{"Ada", "Bob", "Cid", "Dan"} {
		leads = append(leads, lead(name, 1, "+48"+name))
	}
	w.add(leads...)
	_, err := w.AddLeads(w.ctx(), "m", []campaigns.Lead{lead("Adam", 1, "+48Ada")})
	w.ok(err)
	find := func(want []string, q campaigns.LeadQuery) campaigns.LeadID {
		t.Helper()
		found, err := w.FindLeads(w.ctx(), q)
		w.ok(err)
		got := []string{}
		last := campaigns.LeadID(0)
		for _, l := range found {
			got, last = append(got, l.Name), l.ID
		}
		w.same("found", got, want)
		return last
	}
	find([]string{"Ada", "Bob", "Cid", "Dan", "Adam"}, campaigns.LeadQuery{})
	find([]string{"Ada", "Adam"}, campaigns.LeadQuery{Number: "+48Ada"})
	find([]string{"Ada", "Adam"}, campaigns.LeadQuery{Text: "aDA"})
	find([]string{"Adam"}, campaigns.LeadQuery{List: "m", Text: "a"})
	find([]string{}, campaigns.LeadQuery{Text: "%"})
	for _, list := range []campaigns.ListID{"l", "m"} {
		l, err := w.LeadByExternalID(w.ctx(), list, map[campaigns.ListID]string{"l": "Bob", "m": "Adam"}[list])
		if w.ok(err); l.List != list || l.Name == "" || len(l.Numbers) != 1 {
			t.Errorf("by external id in %s: %+v", list, l)
		}
	}
	for list, id := range map[campaigns.ListID]string{"l": "Adam", "m": "bob", "none": "Bob", "": ""} {
		_, err := w.LeadByExternalID(w.ctx(), list, id)
		w.is(err, campaigns.ErrNotFound)
	}
	after := find([]string{"Ada", "Bob"}, campaigns.LeadQuery{Limit: 2})
	find([]string{"Cid", "Dan"}, campaigns.LeadQuery{After: after, List: "l"})
}

func recordsCampaign(t *testing.T, w *world) {
	_, err := w.Campaign(w.ctx(), "c")
	w.is(err, campaigns.ErrNotFound)
	five := 5
	in := campaigns.Campaign{
		ID: "c", Name: "Spring", Lists: []campaigns.ListID{"l"}, Operators: []campaigns.UserID{"ann"}, Trunks: "main", CallerIDs: []string{"+4822"},
		Pacing:  campaigns.Pacing{Mode: campaigns.Predictive, AbandonmentLimit: 0.02},
		Windows: []campaigns.Hours{{Days: []time.Weekday{time.Monday}, From: "09:00", To: "17:00"}},
		Retry:   campaigns.DefaultRetry[:2], Caps: []campaigns.Cap{{N: 1, Period: time.Hour}},
		Wrap:         campaigns.Wrap{Timeout: time.Minute, Default: "a"},
		Dispositions: []campaigns.Disposition{{Code: "a", Effect: campaigns.Effect{CP: &five}}}, CreatedAt: start,
	}
	one, err := w.SaveCampaign(w.ctx(), in)
	w.ok(err)
	want := in
	want.Version, want.State = 1, campaigns.Stopped
	w.same("saved", one, want)
	got, err := w.Campaign(w.ctx(), "c")
	w.ok(err)
	w.same("read", got, want)
	_, err = w.SaveCampaign(w.ctx(), in) // version 0: meant to be new
	w.is(err, campaigns.ErrConflict)
	one.Name = "Summer"
	two, err := w.SaveCampaign(w.ctx(), one)
	if w.ok(err); two.Version != 2 {
		t.Errorf("version = %d, want 2", two.Version)
	}
	_, err = w.SaveCampaign(w.ctx(), one)
	w.is(err, campaigns.ErrConflict)
	w.ok(w.SetCampaignState(w.ctx(), "c", campaigns.OnHold, "abandonment"))
	got, err = w.Campaign(w.ctx(), "c")
	if w.ok(err); got.State != campaigns.OnHold || got.HoldReason != "abandonment" || got.Version != 3 || got.Name != "Summer" {
		t.Errorf("on hold: %+v", got)
	}
	w.is(w.SetCampaignState(w.ctx(), "x", campaigns.Running, ""), campaigns.ErrNotFound)
	if _, err := w.SaveCampaign(w.ctx(), campaigns.Campaign{ID: "d", Segments: []campaigns.Segment{{Filter: "cp >"}}}); err == nil {
		t.Error("a filter that does not compile is saved")
	}
	if _, err := w.SaveCampaign(w.ctx(), campaigns.Campaign{ID: "Not An Id"}); err == nil {
		t.Error("a bad id is saved")
	}
	all, err := w.Campaigns(w.ctx())
	if w.ok(err); len(all) != 1 {
		t.Errorf("%d campaigns, want 1", len(all))
	}
}

func recordsRebuild(t *testing.T, w *world) {
	w.list("l")
	c := w.campaign("c", "l", campaigns.Segment{Name: "s", Priority: "cp"})
	ls := w.add(lead("done", 9, "+4801"), lead("claimed", 8, "+4802"), lead("calling", 7, "+4803"), lead("waits", 6, "+4804"), lead("ready", 5, "+4805"))
	w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	claim := w.takeOne("c")
	a := w.begin(w.takeOne("c"))
	w.call("c", campaigns.Busy, campaigns.Next{At: start.Add(time.Hour)})
	c.Segments = []campaigns.Segment{{Name: "odd", Filter: "cp % 2 == 1", Priority: "10 - cp"}, {Name: "even", Filter: "cp != 6"}}
	c, err := w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	check := func(i int, state campaigns.EntryState, segment string) {
		t.Helper()
		if e := w.entry(ls[i].ID, "c"); e.State != state || e.Queue.Segment != segment {
			t.Errorf("%s: %s in %q, want %s in %q", ls[i].Name, e.State, e.Queue.Segment, state, segment)
		}
	}
	check(0, campaigns.EntryDone, "")
	check(1, campaigns.EntryClaimed, "s") // untouched until it ends
	check(2, campaigns.EntryCalling, "s")
	check(3, campaigns.EntryNone, "")
	check(4, campaigns.EntryWaiting, "odd")
	w.ok(w.Release(w.ctx(), []campaigns.Claim{claim}, time.Time{}))
	w.end(a, campaigns.Busy, campaigns.Next{At: start})
	check(1, campaigns.EntryWaiting, "even")
	check(2, campaigns.EntryWaiting, "odd")
	c.Segments = nil
	_, err = w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	check(3, campaigns.EntryWaiting, campaigns.AllSegment)
	if e := w.entry(ls[3].ID, "c"); !e.DueAt.Equal(start.Add(time.Hour)) || e.Attempts != 1 {
		t.Errorf("out and in again: %+v, its time and history should have stayed", e)
	}
	w.same("not before its time", len(w.take("c", 10)), 3)
	w.crash()
	check(4, campaigns.EntryClaimed, campaigns.AllSegment)
}

func recordsLists(t *testing.T, w *world) {
	w.list("l")
	w.list("m")
	c := w.campaign("c", "l")
	ls := w.add(lead("a", 1, "+4801"), lead("sold", 1, "+4802"))
	_, err := w.AddLeads(w.ctx(), "m", []campaigns.Lead{lead("m", 1, "+4803")})
	w.ok(err)
	first, _ := w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	other := ls[0].ID
	if first.Lead.ID == other {
		other = ls[1].ID
	}
	c.Lists = []campaigns.ListID{"m"}
	c, err = w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	w.state(other, "c", campaigns.EntryNone)
	w.same("the other list", names(w.take("c", 5)), []string{"m"})
	c.Lists = []campaigns.ListID{"l", "m"}
	_, err = w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	w.state(first.Lead.ID, "c", campaigns.EntryDone) // what is done stays done
	w.same("back again", len(w.take("c", 5)), 1)
}

func recordsAttempts(t *testing.T, w *world) {
	w.simple()
	w.add(lead("a", 2, "+4801"), lead("b", 1, "+4802"))
	one := w.intent(w.takeOne("c"))
	w.ok(w.Begin(w.ctx(), one))
	at := func(s int) time.Time { return start.Add(time.Duration(s) * time.Second) }
	audio := &campaigns.Audio{
		Customer: &campaigns.LegAudio{Received: 900, Lost: 100, Loss: 0.1, Reordered: 2, Repeated: 1, FarLost: 3, JitterSeconds: 0.0125, RoundTrip: 0.08, Pauses: 2, PausedSeconds: 4.5, MOS: 3.2},
		Operator: &campaigns.LegAudio{Received: 1000, MOS: 4.4, Browser: true},
		OneWay:   []campaigns.OneWay{{Side: campaigns.CustomerSide, Cause: "nothing", After: 2.5, For: 1}},
	}
	w.ok(w.End(w.ctx(), campaigns.Ending{
		Attempt: one.Attempt, Outcome: campaigns.Connected, Code: 200, Q850: 16, Reason: "normal", Operator: "ann",
		RingingAt: at(1), AnsweredAt: at(2), VerdictAt: at(3), GreetingEnd: at(4), BridgedAt: at(5), Recording: "x.wav", Audio: audio,
		Next: campaigns.Next{Done: true}, Count: true, At: at(60),
	}))
	w.now = at(90)
	two := w.begin(w.takeOne("c"))
	find := func(q campaigns.AttemptQuery, want ...campaigns.AttemptID) []campaigns.Attempt {
		t.Helper()
		found, err := w.Attempts(w.ctx(), q)
		w.ok(err)
		got := []campaigns.AttemptID{}
		for _, a := range found {
			got = append(got, a.ID)
		}
		w.same("attempts", got, append([]campaigns.AttemptID{}, want...))
		return found
	}
	find(campaigns.AttemptQuery{}, two, one.Attempt)
	find(campaigns.AttemptQuery{Open: true}, two)
	find(campaigns.AttemptQuery{Limit: 1}, two)
	find(campaigns.AttemptQuery{Before: two}, one.Attempt)
	find(campaigns.AttemptQuery{Since: at(1)}, two)
	find(campaigns.AttemptQuery{Campaign: "d"})
	find(campaigns.AttemptQuery{Lead: one.Claim.Lead.ID, Outcome: campaigns.Connected}, one.Attempt)
	got := find(campaigns.AttemptQuery{Operator: "ann"}, one.Attempt)[0]
	want := campaigns.Attempt{
		ID: one.Attempt, Lead: one.Claim.Lead.ID, LeadName: "a", Campaign: "c", Segment: "s", Number: "+4801", Node: "n1", Trunk: "trunk", CallerID: "+48220000000",
		Decision: one.Decision, BeganAt: start, RingingAt: at(1), AnsweredAt: at(2), VerdictAt: at(3), GreetingEnd: at(4), BridgedAt: at(5), EndedAt: at(60),
		Outcome: campaigns.Connected, Code: 200, Q850: 16, Reason: "normal", Operator: "ann", Recording: "x.wav", Audio: audio,
	}
	w.same("attempt", got, want)
}

func recordsTally(t *testing.T, w *world) {
	w.simple()
	w.add(lead("a", 1, "+4801"))
	for i, o := range []campaigns.Outcome{campaigns.Connected, campaigns.Abandoned, campaigns.Busy, campaigns.Connected} {
		w.now = start.Add(time.Duration(i) * time.Hour)
		w.call("c", o, campaigns.Next{At: w.now})
	}
	w.ok(w.End(w.ctx(), campaigns.Ending{
		Attempt: w.begin(w.takeOne("c")), Outcome: campaigns.Abandoned, At: w.now, Next: campaigns.Next{At: w.now},
		BridgedAt: w.now, // too late for the law
	}))
	w.begin(w.takeOne("c"))
	got, err := w.Tally(w.ctx(), "c", start.Add(time.Hour), start.Add(3*time.Hour))
	w.ok(err)
	w.same("two hours", got, campaigns.Tally{Attempts: 2, Live: 1, Abandoned: 1, Outcomes: map[campaigns.Outcome]int{campaigns.Abandoned: 1, campaigns.Busy: 1}})
	got, err = w.Tally(w.ctx(), "c", start, start.Add(4*time.Hour))
	w.ok(err)
	w.same("all", got, campaigns.Tally{Attempts: 6, Live: 4, Abandoned: 2, Late: 1, Open: 1,
		Outcomes: map[campaigns.Outcome]int{campaigns.Connected: 2, campaigns.Abandoned: 2, campaigns.Busy: 1}})
}

func recordsSuppression(t *testing.T, w *world) {
	first := campaigns.Suppression{E164: "+4802", Reason: "asked", Source: "api", By: "ann", At: start}
	w.ok(w.Suppress(w.ctx(), first))
	w.ok(w.Suppress(w.ctx(), campaigns.Suppression{E164: "+4802", Reason: "again", At: start.Add(time.Hour)}))
	w.ok(w.Suppress(w.ctx(), campaigns.Suppression{E164: "+4801", At: start}))
	w.crash()
	got, found, err := w.Suppressed(w.ctx(), "+4802")
	w.ok(err)
	w.same("found", found, true)
	w.same("the first entry stays", got, first)
	all, err := w.Suppressions(w.ctx(), "+4801", 5)
	w.ok(err)
	w.same("after", all, []campaigns.Suppression{first})
	w.ok(w.Unsuppress(w.ctx(), "+4802", "bob"))
	w.is(w.Unsuppress(w.ctx(), "+4802", "bob"), campaigns.ErrNotFound)
	_, found, err = w.Suppressed(w.ctx(), "+4802")
	if w.ok(err); found {
		t.Error("still suppressed")
	}
	log, err := w.AuditLog(w.ctx(), 5)
	if w.ok(err); len(log) != 1 || log[0].By != "bob" || log[0].Object != "+4802" {
		t.Errorf("audit = %+v", log)
	}
}

func recordsUsers(t *testing.T, w *world) {
	ann := campaigns.User{ID: "ann", Name: "Ann", Role: campaigns.RoleOperator, PasswordHash: "p", SIPMD5: "m", SIPSHA256: "s", PINHash: "n", SeesNumbers: true, CreatedAt: start,
		Team: "blue", Campaigns: []campaigns.CampaignID{"c"}, Rights: []campaigns.Right{campaigns.RightExport}}
	w.ok(w.SaveUser(w.ctx(), ann))
	w.ok(w.SaveUser(w.ctx(), campaigns.User{ID: "bob", Role: campaigns.RoleAdmin, CreatedAt: start}))
	ann.Disabled, ann.Role = true, campaigns.RoleManager
	w.ok(w.SaveUser(w.ctx(), ann))
	got, err := w.User(w.ctx(), "ann")
	w.ok(err)
	w.same("user", got, ann)
	_, err = w.User(w.ctx(), "eve")
	w.is(err, campaigns.ErrNotFound)
	all, err := w.Users(w.ctx())
	if w.ok(err); len(all) != 2 || all[0].ID != "ann" {
		t.Errorf("users = %+v", all)
	}
	tok := campaigns.Token{Hash: "h", User: "ann", Name: "console", CreatedAt: start, ExpiresAt: start.Add(time.Hour), Scopes: []campaigns.Right{campaigns.RightLeads}}
	w.ok(w.SaveToken(w.ctx(), tok))
	w.is(w.SaveToken(w.ctx(), campaigns.Token{Hash: "x", User: "eve"}), campaigns.ErrNotFound)
	w.crash()
	kept, err := w.Token(w.ctx(), "h")
	w.ok(err)
	w.same("token", kept, tok)
	w.ok(w.SaveToken(w.ctx(), campaigns.Token{Hash: "b", User: "bob", CreatedAt: start}))
	w.ok(w.UseToken(w.ctx(), "h", start.Add(time.Minute)))
	w.ok(w.UseToken(w.ctx(), "h", start)) // late
	w.is(w.UseToken(w.ctx(), "gone", start), campaigns.ErrNotFound)
	tok.UsedAt = start.Add(time.Minute)
	mine, err := w.Tokens(w.ctx(), "ann")
	w.ok(err)
	w.same("tokens of ann", mine, []campaigns.Token{tok})
	w.ok(w.DeleteToken(w.ctx(), "h"))
	w.ok(w.DeleteToken(w.ctx(), "h"))
	_, err = w.Token(w.ctx(), "h")
	w.is(err, campaigns.ErrNotFound)
}

func recordsHealth(t *testing.T, w *world) {
	w.simple()
	w.ok(w.Ping(w.ctx()))
	s, err := w.Stats(w.ctx())
	w.ok(err)
	if s.Kind == "" || len(s.Operations) == 0 {
		t.Errorf("stats = %+v", s)
	}
	w.ok(w.Close())
	if w.Ping(w.ctx()) == nil {
		t.Error("a closed store answers")
	}
}
