package storetest

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// deletedLists: a list is gone at once, its leads when no law keeps them, and then its id is
// free. Attempts, do-not-call and other lists stay.
func deletedLists(_ *testing.T, w *world) {
	w.simple()
	w.list("other")
	free, attempt := w.called("PL", 1, true, "")
	lawful, _ := w.called("US-FED", 400, true, "")
	waits := w.add(lead("waits", 1, "+48900000001"))[0]
	if _, err := w.AddLeads(w.ctx(), "other", []campaigns.Lead{lead("stays", 1, "+48900000002")}); err != nil {
		w.t.Fatal(err)
	}
	w.ok(w.Suppress(w.ctx(), campaigns.Suppression{E164: "+48900000001", At: start}))
	revision := func(id campaigns.ListID) string {
		w.t.Helper()
		lists, err := w.Lists(w.ctx())
		w.ok(err)
		for _, l := range lists {
			if l.ID == id {
				return l.Revision()
			}
		}
		return ""
	}
	was := revision("l")
	w.is(w.DeleteList(w.ctx(), "l", "another"), campaigns.ErrConflict)
	w.is(w.DeleteList(w.ctx(), "none", was), campaigns.ErrNotFound)
	c, err := w.Campaign(w.ctx(), "c")
	w.ok(err)
	c.Lists = []campaigns.ListID{"other"}
	_, err = w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	w.ok(w.DeleteList(w.ctx(), "l", was))
	for range 2 { // and the same after a crash
		w.is(w.DeleteList(w.ctx(), "l", was), campaigns.ErrNotFound)
		w.is(w.ReplaceList(w.ctx(), campaigns.List{ID: "l"}, was), campaigns.ErrNotFound)
		w.is(w.SaveList(w.ctx(), campaigns.List{ID: "l"}), campaigns.ErrDeleted)
		if _, err := w.AddLeads(w.ctx(), "l", []campaigns.Lead{lead("late", 1, "+48900000003")}); err == nil {
			w.t.Error("a deleted list takes leads")
		}
		w.same("revision of what is gone", revision("l"), "")
		w.left(3)
		w.crash()
	}

	k := w.keeper()
	r := campaigns.Retention{Before: time.Now().Add(time.Hour), Lists: []campaigns.ListID{"l"}, Laws: []campaigns.KeepLaw{{Region: "US", Before: start.AddDate(-5, 0, 0)}}}
	pass := func() int {
		return w.everything(func(cursor int64) (int, int64, error) { return k.DeleteLeads(w.ctx(), r, cursor, 2) })
	}
	if n := pass(); n != 2 {
		w.t.Errorf("%d leads deleted, want the two that no law keeps", n)
	}
	for id, there := range map[campaigns.LeadID]bool{free: false, waits.ID: false, lawful: true} {
		if _, err := w.Lead(w.ctx(), id); (err == nil) != there {
			w.t.Errorf("lead %d: %v, want it there: %v", id, err, there)
		}
	}
	w.ok(k.ForgetList(w.ctx(), "l"))
	w.left(1)
	w.is(w.SaveList(w.ctx(), campaigns.List{ID: "l"}), campaigns.ErrDeleted)

	r.Laws = nil
	if n := pass(); n != 1 {
		w.t.Errorf("%d leads deleted once no law keeps them, want 1", n)
	}
	w.left(0)
	w.ok(k.ForgetList(w.ctx(), "l"))
	w.ok(k.ForgetList(w.ctx(), "l"))
	w.crash()
	if left, err := w.keeper().DeletedLists(w.ctx()); err != nil || len(left) != 0 {
		w.t.Errorf("deleted lists: %+v, %v; want none", left, err)
	}
	if calls, err := w.Attempts(w.ctx(), campaigns.AttemptQuery{ID: attempt}); err != nil || len(calls) != 1 {
		w.t.Errorf("an attempt of a lead that is gone: %+v, %v", calls, err)
	}
	if _, listed, err := w.Suppressed(w.ctx(), "+48900000001"); err != nil || !listed {
		w.t.Errorf("do-not-call of a lead that is gone: %v, %v", listed, err)
	}
	if found, err := w.FindLeads(w.ctx(), campaigns.LeadQuery{List: "other"}); err != nil || len(found) != 1 {
		w.t.Errorf("leads of another list: %+v, %v", found, err)
	}
	w.list("l")
	lists, err := w.Lists(w.ctx())
	if err != nil || len(lists) != 2 || lists[0].Leads != 0 {
		w.t.Errorf("lists = %+v, %v; want the id free, and no leads in it", lists, err)
	}
}

// left holds that one list is deleted, with so many leads.
func (w *world) left(leads int) {
	w.t.Helper()
	all, err := w.keeper().DeletedLists(w.ctx())
	if err != nil || len(all) != 1 || all[0].ID != "l" || all[0].Leads != leads {
		w.t.Errorf("deleted lists: %+v, %v; want l with %d leads", all, err, leads)
	}
}
