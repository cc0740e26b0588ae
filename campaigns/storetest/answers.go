package storetest

import (
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// recordsAnswers begins by the real time, as Redis forgets by it.
func recordsAnswers(t *testing.T, w *world) {
	now := time.Now().Truncate(time.Second)
	a := campaigns.Answer{Key: "k", Request: "r", ExpiresAt: now.Add(time.Hour)}
	var first atomic.Int64
	var wg sync.WaitGroup
	for range 8 {
		wg.Go(func() {
			kept, begun, err := w.BeginAnswer(w.ctx(), a, now)
			if begun {
				first.Add(1)
			} else if kept.Key != "k" || kept.Request != "r" || kept.Status != 0 {
				t.Errorf("kept = %+v", kept)
			}
			if err != nil {
				t.Error(err)
			}
		})
	}
	wg.Wait()
	if n := first.Load(); n != 1 {
		t.Errorf("begun %d times, want once", n)
	}
	a.Status, a.Header, a.Body, a.ExpiresAt = 201, map[string]string{"Etag": `"1"`}, []byte("{}\n"), now.Add(24*time.Hour)
	w.ok(w.FinishAnswer(w.ctx(), a))
	w.crash()
	kept, begun, err := w.BeginAnswer(w.ctx(), campaigns.Answer{Key: "k", Request: "other", ExpiresAt: now.Add(time.Hour)}, now)
	w.ok(err)
	if kept.ExpiresAt = kept.ExpiresAt.UTC(); begun {
		t.Error("begun although it is answered")
	}
	a.ExpiresAt = a.ExpiresAt.UTC()
	w.same("kept", kept, a)
	w.ok(w.DropAnswer(w.ctx(), "k"))
	w.ok(w.DropAnswer(w.ctx(), "k"))
	_, begun, err = w.BeginAnswer(w.ctx(), a, now)
	w.ok(err)
	w.same("begun once dropped", begun, true)
}

func recordsRevisions(t *testing.T, w *world) {
	w.simple()
	l := w.add(lead("a", 1, "+4801"))[0]
	was := l.Revision()
	l.Name, l.UpdatedAt = "Ada", start.Add(time.Hour)
	w.is(w.ReplaceLead(w.ctx(), l, "0"), campaigns.ErrConflict)
	w.ok(w.ReplaceLead(w.ctx(), l, was))
	l.Name = "Eve"
	w.is(w.ReplaceLead(w.ctx(), l, was), campaigns.ErrConflict)
	w.crash()
	kept, err := w.Lead(w.ctx(), l.ID)
	w.ok(err)
	w.same("name", kept.Name, "Ada")
	again, err := w.Lead(w.ctx(), l.ID)
	w.ok(err)
	w.same("revision of what did not change", again.Revision(), kept.Revision())
	gone := kept
	gone.ID = 999
	w.is(w.ReplaceLead(w.ctx(), gone, was), campaigns.ErrNotFound)

	lists, err := w.Lists(w.ctx())
	w.ok(err)
	one := lists[0]
	was = one.Revision()
	w.add(lead("b", 1, "+4802"))
	if lists, err = w.Lists(w.ctx()); err != nil || lists[0].Revision() != was {
		t.Errorf("a new lead changed the list's revision: %v", err)
	}
	one.Name = "Web"
	w.ok(w.ReplaceList(w.ctx(), one, was))
	w.is(w.ReplaceList(w.ctx(), one, was), campaigns.ErrConflict)
	one.ID = "none"
	w.is(w.ReplaceList(w.ctx(), one, was), campaigns.ErrNotFound)
	if lists, err = w.Lists(w.ctx()); err != nil || lists[0].Name != "Web" {
		t.Errorf("lists = %+v, %v", lists, err)
	}
}
