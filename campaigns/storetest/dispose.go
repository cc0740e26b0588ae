package storetest

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// disposal is a disposition that changes nothing but the next time.
func (w *world) disposal(a campaigns.AttemptID, l campaigns.Lead, code string, next campaigns.Next) campaigns.Disposal {
	return campaigns.Disposal{Attempt: a, Disposition: code, By: "ann", Note: "note on " + code, Next: next, Grades: l.Grades, At: w.now}
}

func disposeEffects(t *testing.T, w *world) {
	w.list("l")
	w.campaign("c", "l", campaigns.Segment{Name: "hot", Filter: `temperature == "hot"`, Priority: "cp"}, campaigns.Segment{Name: "rest"})
	w.campaign("d", "l", campaigns.Segment{Name: "s", Priority: "cp"})
	l := w.add(lead("a", 1, "+4801", "+4802"))[0]
	_, a := w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	w.state(l.ID, "c", campaigns.EntryDone)
	w.now = start.Add(time.Minute)
	d := w.disposal(a, l, "callback", campaigns.Next{At: start.Add(time.Hour)})
	d.Grades = campaigns.Grades{Stage: campaigns.StageRetain, CP: 5, PI: 4, Level: 3, Temperature: campaigns.Hot, Progress: 50}
	d.BadNumber = true
	w.ok(w.Dispose(w.ctx(), d))
	kept, err := w.Lead(w.ctx(), l.ID)
	w.ok(err)
	w.same("grades", kept.Grades, d.Grades)
	w.same("number wrong for this person", kept.Numbers[0].Bad, true)
	e := w.entry(l.ID, "c")
	if e.State != campaigns.EntryWaiting || e.Queue != queue("c", "hot", warsaw) || e.Number != "+4802" || e.Priority != 5 || !e.DueAt.Equal(start.Add(time.Hour)) {
		t.Errorf("entry = %+v", e)
	}
	if e := w.entry(l.ID, "d"); e.Priority != 5 || e.Number != "+4802" {
		t.Errorf("in the other campaign: %+v", e)
	}
	got, err := w.Attempts(w.ctx(), campaigns.AttemptQuery{ID: a})
	w.ok(err)
	if got[0].Disposition != "callback" || got[0].DisposedBy != "ann" || got[0].Note != "note on callback" {
		t.Errorf("attempt = %+v", got[0])
	}
	open := w.begin(w.takeOne("d"))
	w.is(w.Dispose(w.ctx(), w.disposal(open, l, "sale", campaigns.Next{Done: true})), campaigns.ErrConflict)
	w.is(w.Dispose(w.ctx(), w.disposal("nobody", l, "sale", campaigns.Next{})), campaigns.ErrNotFound)
}

// disposeForm has what an operator wrote down kept as custom fields of the lead, which
// count for its segment.
func disposeForm(t *testing.T, w *world) {
	w.list("l")
	w.campaign("c", "l", campaigns.Segment{Name: "fibre", Filter: `fields["wants"] == "fibre"`}, campaigns.Segment{Name: "rest"})
	one := lead("a", 1, "+4801")
	one.Fields = map[string]string{"city": "Warszawa", "wants": "dsl"}
	l := w.add(one)[0]
	_, a := w.call("c", campaigns.Connected, campaigns.Next{At: start.Add(time.Hour)})
	fields := func(want map[string]string, queue string) {
		t.Helper()
		kept, err := w.Lead(w.ctx(), l.ID)
		w.ok(err)
		w.same("fields", kept.Fields, want)
		w.same("segment", w.entry(l.ID, "c").Queue.Segment, queue)
	}
	d := w.disposal(a, l, "callback", campaigns.Next{At: start.Add(time.Hour)})
	d.Fields = map[string]string{"wants": "fibre", "until": "2027-01-31"}
	w.ok(w.Dispose(w.ctx(), d))
	fields(map[string]string{"city": "Warszawa", "wants": "fibre", "until": "2027-01-31"}, "fibre")
	d.Fields = map[string]string{"wants": ""}
	w.ok(w.Dispose(w.ctx(), d))
	fields(map[string]string{"city": "Warszawa", "until": "2027-01-31"}, "rest")
	d.Fields = nil
	w.ok(w.Dispose(w.ctx(), d))
	fields(map[string]string{"city": "Warszawa", "until": "2027-01-31"}, "rest")
	d.Fields = map[string]string{"city": "", "until": ""}
	w.ok(w.Dispose(w.ctx(), d))
	kept, err := w.Lead(w.ctx(), l.ID)
	w.ok(err)
	if len(kept.Fields) > 0 {
		t.Errorf("fields = %v, want none", kept.Fields)
	}
}

func disposeCorrection(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801"))[0]
	_, a := w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	w.ok(w.Dispose(w.ctx(), w.disposal(a, l, "callback", campaigns.Next{At: start.Add(time.Hour), Callback: &campaigns.Callback{At: start.Add(time.Hour)}})))
	w.ok(w.Dispose(w.ctx(), w.disposal(a, l, "sale", campaigns.Next{Done: true})))
	w.state(l.ID, "c", campaigns.EntryDone)
	w.ok(w.Dispose(w.ctx(), w.disposal(a, l, "no_decision", campaigns.Next{At: start.Add(2 * time.Hour)})))
	e := w.entry(l.ID, "c")
	if e.State != campaigns.EntryWaiting || e.Callback != nil || !e.DueAt.Equal(start.Add(2*time.Hour)) {
		t.Errorf("the last disposition counts: %+v", e)
	}
}

func disposeOldAttempt(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801"))[0]
	_, old := w.call("c", campaigns.Connected, campaigns.Next{At: start})
	w.call("c", campaigns.Connected, campaigns.Next{At: start.Add(time.Hour)})
	d := w.disposal(old, l, "sale", campaigns.Next{Done: true})
	d.Grades.CP = 4
	w.ok(w.Dispose(w.ctx(), d))
	if e := w.entry(l.ID, "c"); e.State != campaigns.EntryWaiting || !e.DueAt.Equal(start.Add(time.Hour)) || e.Priority != 4 {
		t.Errorf("entry after an old attempt was corrected: %+v", e)
	}
}

func disposeClaimed(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801"))[0]
	_, a := w.call("c", campaigns.Connected, campaigns.Next{At: start})
	c := w.takeOne("c")
	w.ok(w.Dispose(w.ctx(), w.disposal(a, l, "sale", campaigns.Next{Done: true})))
	w.is(w.Begin(w.ctx(), w.intent(c)), campaigns.ErrStale)
	w.state(l.ID, "c", campaigns.EntryDone)
}

func disposeMove(t *testing.T, w *world) {
	w.simple()
	w.list("other")
	w.campaign("d", "other")
	w.campaign("e", "other")
	l := w.add(lead("a", 1, "+4801"))[0]
	_, a := w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	w.is(w.Dispose(w.ctx(), w.disposal(a, l, "move", campaigns.Next{MoveTo: "nowhere"})), campaigns.ErrNotFound)
	w.ok(w.Dispose(w.ctx(), w.disposal(a, l, "move", campaigns.Next{MoveTo: "d", At: start.Add(time.Hour)})))
	w.state(l.ID, "c", campaigns.EntryDone)
	if e := w.entry(l.ID, "d"); e.State != campaigns.EntryWaiting || !e.DueAt.Equal(start.Add(time.Hour)) {
		t.Errorf("in d: %+v", e)
	}
	w.ok(w.Dispose(w.ctx(), w.disposal(a, l, "move", campaigns.Next{MoveTo: "e"})))
	entries, err := w.Entries(w.ctx(), l.ID)
	w.ok(err)
	if len(entries) != 2 || entries[0].Queue.Campaign != "c" || entries[1].Queue.Campaign != "e" {
		t.Errorf("a correction takes the first move back: %+v", entries)
	}
	_, b := w.call("e", campaigns.Connected, campaigns.Next{Done: true})
	w.ok(w.Dispose(w.ctx(), w.disposal(b, l, "back", campaigns.Next{MoveTo: "c", At: start.Add(time.Hour)})))
	w.state(l.ID, "c", campaigns.EntryWaiting) // starts again where it was done
	w.state(l.ID, "e", campaigns.EntryDone)
}

func disposeSuppress(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801", "+4802"))[0]
	_, a := w.call("c", campaigns.Connected, campaigns.Next{Done: true})
	d := w.disposal(a, l, "do_not_call", campaigns.Next{Done: true})
	d.Suppress = true
	w.ok(w.Dispose(w.ctx(), d))
	got, err := w.Suppressions(w.ctx(), "", 10)
	w.ok(err)
	want := []campaigns.Suppression{}
	for _, n := range l.Numbers {
		want = append(want, campaigns.Suppression{E164: n.E164, Reason: "do_not_call", Source: "operator", By: "ann", At: w.now})
	}
	w.same("every number of the lead", got, want)
}
