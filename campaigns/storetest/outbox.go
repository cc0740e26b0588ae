package storetest

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// outbox is the store as an outbox, with an endpoint "crm" that wants everything and
// that "me" delivers to.
func (w *world) outbox(types ...campaigns.EventType) campaigns.Outbox {
	w.t.Helper()
	o, ok := campaigns.As[campaigns.Outbox](w.Store)
	if !ok {
		w.t.Fatal("the store keeps no outbox")
	}
	_, err := o.SaveEndpoint(w.ctx(), campaigns.Endpoint{ID: "crm", URL: "https://crm.example/hook", Types: types, Secrets: []campaigns.Secret{{Text: "whsec_a"}}})
	w.ok(err)
	w.hold(o)
	return o
}

func (w *world) hold(o campaigns.Outbox) {
	w.t.Helper()
	held, err := o.HoldEndpoint(w.ctx(), "crm", "me", time.Hour)
	w.ok(err)
	w.same("held", held, true)
}

// due are the deliveries that may be tried, as "type key".
func (w *world) due(o campaigns.Outbox) (deliveries []campaigns.Delivery, told []string) {
	w.t.Helper()
	w.ok(o.Spread(w.ctx()))
	deliveries, err := o.DueDeliveries(w.ctx(), "crm", w.now, 100)
	w.ok(err)
	return deliveries, tellings(deliveries)
}

func tellings(deliveries []campaigns.Delivery) []string {
	told := []string{}
	for _, d := range deliveries {
		told = append(told, string(d.Event.Type)+" "+d.Event.Key)
	}
	slices.Sort(told)
	return told
}

// told delivers everything, in order, and returns what came.
func (w *world) told(o campaigns.Outbox) []campaigns.Event {
	w.t.Helper()
	var all []campaigns.Event
	for {
		deliveries, _ := w.due(o)
		if len(deliveries) == 0 {
			return all
		}
		for _, d := range deliveries {
			all = append(all, d.Event)
			d.State, d.Tries, d.LastAt, d.Status = campaigns.Delivered, 1, w.now, 200
			w.ok(o.SaveDelivery(w.ctx(), "me", d))
		}
	}
}

func types(events []campaigns.Event) []string {
	all := []string{}
	for _, ev := range events {
		all = append(all, string(ev.Type))
	}
	return all
}

// says fails where the data of an event has not all that is wanted.
func (w *world) says(ev campaigns.Event, want map[string]any) {
	w.t.Helper()
	var got map[string]any
	w.ok(json.Unmarshal(ev.Data, &got))
	for k, v := range want {
		if fmt.Sprint(got[k]) != fmt.Sprint(v) {
			w.t.Errorf("%s: %s = %v, want %v", ev.Type, k, got[k], v)
		}
	}
}

func outboxEndpoints(_ *testing.T, w *world) {
	o := w.outbox(campaigns.CallFinished)
	all, err := o.Endpoints(w.ctx())
	w.ok(err)
	w.same("endpoints", len(all), 1)
	e := all[0]
	w.same("secrets", e.Secrets, []campaigns.Secret{{Text: "whsec_a"}})
	w.same("version", e.Version, int64(1))
	e.Disabled, e.Reason = true, "410 Gone"
	changed, err := o.SaveEndpoint(w.ctx(), e)
	w.ok(err)
	w.same("version", changed.Version, int64(2))
	_, err = o.SaveEndpoint(w.ctx(), e)
	w.is(err, campaigns.ErrConflict)
	_, err = o.SaveEndpoint(w.ctx(), campaigns.Endpoint{ID: "none", Version: 3})
	w.is(err, campaigns.ErrNotFound)
	if _, err = o.SaveEndpoint(w.ctx(), campaigns.Endpoint{ID: "No Id"}); err == nil {
		w.t.Error("an id with blanks was taken")
	}
	w.crash()
	o, _ = campaigns.As[campaigns.Outbox](w.Store)
	all, err = o.Endpoints(w.ctx())
	w.ok(err)
	w.same("after a crash", all, []campaigns.Endpoint{changed})
	w.ok(o.DeleteEndpoint(w.ctx(), "crm"))
	w.is(o.DeleteEndpoint(w.ctx(), "crm"), campaigns.ErrNotFound)
	w.is(o.Publish(w.ctx(), "crm", campaigns.NewEvent("x", campaigns.WebhookTest, w.now, "k", 1)), campaigns.ErrNotFound)
	all, err = o.Endpoints(w.ctx())
	w.ok(err)
	w.same("endpoints left", len(all), 0)
}

func outboxOfCalls(t *testing.T, w *world) {
	w.simple()
	before := w.add(lead("first", 9, "+4809"))[0]
	w.call("c", campaigns.Busy, campaigns.Next{Done: true}) // nobody wanted to know
	w.outbox()
	l := w.add(lead("a", 1, "+4801"))[0]
	claim := w.takeOne("c")
	id := w.begin(claim)
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: id, Outcome: campaigns.Connected, Operator: "ann", AnsweredAt: w.now.Add(-20 * time.Second),
		BridgedAt: w.now.Add(-10 * time.Second), Next: campaigns.Next{At: start}, Count: true, At: w.now}))
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: id, Outcome: campaigns.Busy, At: w.now})) // changes nothing, so it tells nothing
	d := w.disposal(id, l, "callback", campaigns.Next{At: start.Add(time.Hour), Callback: &campaigns.Callback{At: start.Add(time.Hour), User: "ann"}})
	d.Grades.CP, d.Fields = 5, map[string]string{"supplier": "Other"}
	w.ok(w.Dispose(w.ctx(), d))
	w.ok(w.Dispose(w.ctx(), d)) // nobody heard that it was written
	w.crash()
	o, _ := campaigns.As[campaigns.Outbox](w.Store)
	w.hold(o)
	events := w.told(o)
	if got, want := types(events), []string{"call.finished", "lead.dispositioned", "callback.scheduled", "lead.updated"}; !slices.Equal(got, want) {
		t.Fatalf("told %v, want %v", got, want)
	}
	w.says(events[0], map[string]any{"attempt": id, "lead": l.ID, "external_id": "a", "list": "l", "campaign": "c", "number": "+4801", "outcome": "connected", "operator": "ann", "talk_seconds": 10})
	w.says(events[1], map[string]any{"disposition": "callback", "by": "ann", "external_id": "a", "number": "+4801", "answers": d.Fields})
	w.says(events[2], map[string]any{"callback_by": "ann", "callback_at": "2025-03-03T10:00:00Z"})
	w.says(events[3], map[string]any{"lead": l.ID, "name": "a", "fields": d.Fields})
	for _, ev := range events {
		w.same("key", ev.Key, campaigns.LeadKey(l.ID))
		if !ev.At.Equal(w.now) || strings.Contains(ev.ID, ".") {
			t.Errorf("event %+v", ev)
		}
	}
	d.Fields = map[string]string{"supplier": ""} // a correction takes it out: grades stay as they are
	w.now = w.now.Add(time.Second)
	d.At = w.now
	w.ok(w.Dispose(w.ctx(), d))
	events = w.told(o)
	if got, want := types(events), []string{"lead.dispositioned", "callback.scheduled", "lead.updated"}; !slices.Equal(got, want) {
		t.Fatalf("a correction told %v, want %v", got, want)
	}
	w.says(events[0], map[string]any{"answers": d.Fields})
	b := w.add(lead("b", 1, "+4802"))[0]
	w.call("c", campaigns.Abandoned, campaigns.Next{Done: true})
	w.same("of an abandoned call", types(w.told(o)), []string{"call.finished", "call.abandoned"})
	w.same("leads differ", b.ID != before.ID, true)
}

func outboxOfPeople(t *testing.T, w *world) {
	w.simple()
	o := w.outbox(campaigns.LeadUpdated, campaigns.CampaignStateChanged, campaigns.DoNotCallAdded)
	l := w.add(lead("a", 1, "+4801"))[0]
	l.Name = "b"
	w.ok(w.SaveLead(w.ctx(), l))
	w.ok(w.SetCampaignState(w.ctx(), "c", campaigns.Running, ""))
	w.ok(w.SetCampaignState(w.ctx(), "c", campaigns.Running, "")) // as it was
	c, err := w.Campaign(w.ctx(), "c")
	w.ok(err)
	c.State = campaigns.Paused
	_, err = w.SaveCampaign(w.ctx(), c)
	w.ok(err)
	s := campaigns.Suppression{E164: "+48990000", Reason: "asked", Source: "api", By: "ann", At: w.now}
	w.ok(w.Suppress(w.ctx(), s))
	w.ok(w.Suppress(w.ctx(), s))
	w.call("c", campaigns.Busy, campaigns.Next{Done: true}) // nobody asked for this
	w.now = time.Now().Add(time.Second)                     // stores take the time of changes by people from the clock
	by := map[campaigns.EventType][]campaigns.Event{}
	for _, ev := range w.told(o) {
		by[ev.Type] = append(by[ev.Type], ev)
	}
	if len(by) != 3 || len(by[campaigns.LeadUpdated]) != 1 || len(by[campaigns.CampaignStateChanged]) != 2 || len(by[campaigns.DoNotCallAdded]) != 1 {
		t.Fatalf("told %v", by)
	}
	w.says(by[campaigns.LeadUpdated][0], map[string]any{"name": "b", "numbers": "[+4801]"})
	w.says(by[campaigns.CampaignStateChanged][0], map[string]any{"from": "stopped", "state": "running", "campaign": "c"})
	w.says(by[campaigns.CampaignStateChanged][1], map[string]any{"from": "running", "state": "paused"})
	w.says(by[campaigns.DoNotCallAdded][0], map[string]any{"number": "+48990000", "reason": "asked"})
	if id := by[campaigns.DoNotCallAdded][0].ID; strings.Contains(id, "48990000") {
		t.Errorf("id %s shows the number", id)
	}
}

func event(id, key string, at time.Time) campaigns.Event {
	return campaigns.NewEvent(id, campaigns.CallBridged, at, key, map[string]string{"id": id})
}

func outboxOnce(_ *testing.T, w *world) {
	o := w.outbox()
	ev := event("1", "k", w.now)
	w.ok(o.Publish(w.ctx(), "", ev, ev))
	w.ok(o.Publish(w.ctx(), "", ev))
	w.same("told", len(w.told(o)), 1)
	w.ok(o.Publish(w.ctx(), "", ev)) // it is kept for a while, so it is known
	w.same("told again", len(w.told(o)), 0)
	e, err := o.Endpoints(w.ctx())
	w.ok(err)
	e[0].Disabled = true
	_, err = o.SaveEndpoint(w.ctx(), e[0])
	w.ok(err)
	w.ok(o.Publish(w.ctx(), "", event("2", "k", w.now)))
	w.same("told while disabled", len(w.told(o)), 0)
	w.ok(o.Publish(w.ctx(), "crm", event("3", "k", w.now))) // a test is for one, whatever it wants
	w.same("told alone", len(w.told(o)), 1)
}

func outboxOrder(t *testing.T, w *world) {
	o := w.outbox()
	w.ok(o.Publish(w.ctx(), "", event("1", "a", w.now), event("2", "a", w.now), event("3", "b", w.now), event("4", "a", w.now)))
	due, told := w.due(o)
	w.same("first of each", told, []string{"call.bridged a", "call.bridged b"})
	first := due[slices.IndexFunc(due, func(d campaigns.Delivery) bool { return d.Event.Key == "a" })]
	w.same("its id", first.Event.ID, "evt_1")
	first.Tries, first.DueAt, first.LastAt, first.Status, first.Problem = 1, w.now.Add(time.Minute), w.now, 500, "500 Internal Server Error"
	w.ok(o.SaveDelivery(w.ctx(), "me", first))
	_, told = w.due(o)
	w.same("the others of a wait", told, []string{"call.bridged b"})
	w.now = w.now.Add(time.Minute)
	due, _ = w.due(o)
	again := due[slices.IndexFunc(due, func(d campaigns.Delivery) bool { return d.Event.Key == "a" })]
	w.same("tried again", again, first)
	again.State, again.Tries = campaigns.DeliveryGivenUp, 2
	w.ok(o.SaveDelivery(w.ctx(), "me", again))
	var ids []string
	for _, ev := range w.told(o) {
		if ev.Key == "a" {
			ids = append(ids, ev.ID)
		}
	}
	w.same("then the others", ids, []string{"evt_2", "evt_4"})
	kept, err := o.Deliveries(w.ctx(), campaigns.DeliveryQuery{Endpoint: "crm"})
	w.ok(err)
	w.same("kept", len(kept), 4)
	for i, d := range kept[1:] {
		if d.Seq >= kept[i].Seq {
			t.Errorf("not the newest first: %d, then %d", kept[i].Seq, d.Seq)
		}
	}
	for _, q := range []struct {
		campaigns.DeliveryQuery
		want int
	}{
		{campaigns.DeliveryQuery{State: campaigns.Delivered}, 3}, {campaigns.DeliveryQuery{State: campaigns.DeliveryGivenUp}, 1},
		{campaigns.DeliveryQuery{State: campaigns.DeliveryWaiting}, 0}, {campaigns.DeliveryQuery{Event: "evt_3"}, 1},
		{campaigns.DeliveryQuery{Before: kept[1].Seq}, 2}, {campaigns.DeliveryQuery{Limit: 1}, 1},
	} {
		q.Endpoint = "crm"
		found, err := o.Deliveries(w.ctx(), q.DeliveryQuery)
		w.ok(err)
		w.same(fmt.Sprintf("%+v", q.DeliveryQuery), len(found), q.want)
	}
}

func outboxResend(_ *testing.T, w *world) {
	o := w.outbox()
	w.ok(o.Publish(w.ctx(), "", event("1", "a", w.now), event("2", "a", w.now)))
	w.same("told", len(w.told(o)), 2)
	w.ok(o.Publish(w.ctx(), "", event("3", "a", w.now)))
	w.ok(o.Resend(w.ctx(), "crm", "evt_1", w.now))
	var ids []string
	for _, ev := range w.told(o) {
		ids = append(ids, ev.ID)
	}
	w.same("told in order", ids, []string{"evt_1", "evt_3"})
	w.is(o.Resend(w.ctx(), "crm", "evt_9", w.now), campaigns.ErrNotFound)
}

func outboxLease(t *testing.T, w *world) {
	o := w.outbox()
	held, err := o.HoldEndpoint(w.ctx(), "crm", "other", time.Minute)
	w.ok(err)
	w.same("held by the other", held, false)
	w.hold(o) // again
	w.ok(o.Publish(w.ctx(), "", event("1", "a", w.now)))
	due, _ := w.due(o)
	w.is(o.SaveDelivery(w.ctx(), "other", due[0]), campaigns.ErrStale)
	w.ok(o.FreeEndpoint(w.ctx(), "crm", "other")) // it is not theirs
	held, err = o.HoldEndpoint(w.ctx(), "crm", "other", time.Minute)
	w.ok(err)
	w.same("held after somebody else gave it back", held, false)
	w.ok(o.FreeEndpoint(w.ctx(), "crm", "me"))
	held, err = o.HoldEndpoint(w.ctx(), "crm", "other", 20*time.Millisecond)
	w.ok(err)
	w.same("held after it was given back", held, true)
	w.is(o.SaveDelivery(w.ctx(), "me", due[0]), campaigns.ErrStale)
	for deadline := time.Now().Add(time.Minute); ; {
		if held, err = o.HoldEndpoint(w.ctx(), "crm", "me", time.Minute); err != nil || held {
			break
		}
		if time.Now().After(deadline) {
			t.Fatal("a lease does not run out")
		}
	}
	w.ok(err)
	due[0].Event.ID = "evt_none"
	w.is(o.SaveDelivery(w.ctx(), "me", due[0]), campaigns.ErrNotFound)
	held, err = o.HoldEndpoint(w.ctx(), "none", "me", time.Minute)
	w.ok(err)
	w.same("held though it is not there", held, false)
}

func outboxBounds(t *testing.T, w *world) {
	o := w.outbox()
	var size int64
	for i := range 10 {
		ev := event(fmt.Sprint(i), fmt.Sprintf("k%d", i%2), w.now.Add(time.Duration(i)*time.Second))
		size = ev.Size()
		w.ok(o.Publish(w.ctx(), "", ev))
	}
	w.now = w.now.Add(time.Minute)
	due, _ := w.due(o)
	for _, d := range due { // 0 and 1
		d.State, d.LastAt = campaigns.Delivered, w.now
		w.ok(o.SaveDelivery(w.ctx(), "me", d))
	}
	backlog := func() campaigns.Backlog {
		all, err := o.Backlogs(w.ctx())
		w.ok(err)
		w.same("backlogs", len(all), 1)
		return all[0]
	}
	b := backlog()
	w.same("backlog", b, campaigns.Backlog{Endpoint: "crm", Waiting: 8, Bytes: 8 * size, Oldest: start.Add(2 * time.Second), Kept: 2, KeptBytes: 2 * size})
	trim := func(t campaigns.Trim) campaigns.Trimmed {
		done, err := o.TrimDeliveries(w.ctx(), t)
		w.ok(err)
		return done
	}
	w.same("within bounds", trim(campaigns.Trim{Most: 10 * size, Finished: 2 * size}).Finished, 0)
	w.same("more than may be kept", trim(campaigns.Trim{Most: 10 * size, Finished: size}).Finished, 1)
	w.same("old ones", trim(campaigns.Trim{Most: 10 * size, Finished: size, Before: w.now.Add(time.Second)}).Finished, 1)
	done := trim(campaigns.Trim{Most: 5 * size, Finished: size})
	w.same("dropped", done.Dropped, map[campaigns.EndpointID]int{"crm": 3}) // 2, 3, 4
	b = backlog()
	w.same("waiting", b.Waiting, int64(5))
	w.same("dropped so far", b.Dropped, int64(3))
	if b.DroppedAt.IsZero() {
		t.Error("nobody knows when")
	}
	var ids []string
	for _, ev := range w.told(o) {
		ids = append(ids, ev.ID)
	}
	slices.Sort(ids)
	w.same("told", ids, []string{"evt_5", "evt_6", "evt_7", "evt_8", "evt_9"})
}
