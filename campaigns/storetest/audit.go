package storetest

import (
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

func recordsAudit(t *testing.T, w *world) {
	one := campaigns.AuditEntry{At: start, By: "ann", From: "127.0.0.1", Action: "campaign.pace", Object: "c", Before: `{"ratio":1}`, After: `{"ratio":2}`}
	two := campaigns.AuditEntry{At: start, By: "bob", Action: "export", Object: "l"}
	w.ok(w.Audit(w.ctx(), one))
	w.ok(w.Audit(w.ctx(), two))
	got, err := w.AuditLog(w.ctx(), 10)
	w.ok(err)
	w.same("newest first", got, []campaigns.AuditEntry{two, one})
	got, err = w.AuditLog(w.ctx(), 1)
	w.ok(err)
	w.same("limited", got, []campaigns.AuditEntry{two})
}

// A log is gone through page by page, whatever is added meanwhile.
func recordsAudited(t *testing.T, w *world) {
	entry := func(by campaigns.UserID, action, object string) campaigns.AuditEntry {
		return campaigns.AuditEntry{At: start, By: by, Action: action, Object: object}
	}
	all := []campaigns.AuditEntry{entry("ann", "list.create", "a"), entry("bob", "list.create", "b"), entry("ann", "export", "b"), entry("ann", "list.create", "c")}
	for _, a := range all {
		w.ok(w.Audit(w.ctx(), a))
	}
	q := campaigns.AuditQuery{Limit: 2}
	for _, want := range [][]campaigns.AuditEntry{{all[3], all[2]}, {all[1], all[0]}, {}} {
		got, err := w.Audited(w.ctx(), q)
		w.ok(err)
		w.ok(w.Audit(w.ctx(), entry("zoe", "late", "")))
		if len(got) != len(want) {
			t.Fatalf("a page of %+v, want %+v", got, want)
		}
		for i, a := range got {
			if q.Before = a.ID; q.Before == "" {
				t.Errorf("%+v has no ID", a)
			}
			a.ID = ""
			w.same("page", a, want[i])
		}
	}
	for _, c := range []struct {
		q    campaigns.AuditQuery
		want []campaigns.AuditEntry
	}{
		{campaigns.AuditQuery{Action: "list.create"}, []campaigns.AuditEntry{all[3], all[1], all[0]}},
		{campaigns.AuditQuery{By: "ann", Action: "list.create"}, []campaigns.AuditEntry{all[3], all[0]}},
		{campaigns.AuditQuery{Object: "b", Limit: 1}, []campaigns.AuditEntry{all[2]}},
		{campaigns.AuditQuery{Object: "d"}, nil},
	} {
		got, err := w.Audited(w.ctx(), c.q)
		w.ok(err)
		for i := range got {
			got[i].ID = ""
		}
		w.same("selected", append([]campaigns.AuditEntry{}, got...), append([]campaigns.AuditEntry{}, c.want...))
	}
	if _, err := w.Audited(w.ctx(), campaigns.AuditQuery{Before: "x"}); err == nil {
		t.Error("before an entry that cannot be")
	}
}
