package dialer_test

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/campaigns/sqlite/sqlitetest"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/dialer/webhook"
	"github.com/outpace-dialer/outpace/sip"
)

// listener is who is told, over HTTP: until it is up it thinks for ten seconds, and then
// answers 500.
type listener struct {
	up time.Time

	mu      sync.Mutex
	refused int
	told    []toldEvent
}

// toldEvent is an event as it came.
type toldEvent struct {
	id   string
	Type campaigns.EventType `json:"type"`
	At   time.Time           `json:"timestamp"`
	Data struct {
		Lead    campaigns.LeadID    `json:"lead"`
		Attempt campaigns.AttemptID `json:"attempt"`
	} `json:"data"`
}

func (l *listener) RoundTrip(q *http.Request) (*http.Response, error) {
	ev := toldEvent{id: q.Header.Get("webhook-id")}
	if err := json.NewDecoder(q.Body).Decode(&ev); err != nil {
		return nil, err
	}
	status := http.StatusOK
	if time.Now().Before(l.up) {
		status = http.StatusInternalServerError
		select {
		case <-time.After(10 * time.Second):
		case <-q.Context().Done():
			return nil, q.Context().Err()
		}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	if status == http.StatusOK {
		l.told = append(l.told, ev)
	} else {
		l.refused++
	}
	return &http.Response{StatusCode: status, Body: io.NopCloser(http.NoBody), Request: q, Header: http.Header{}}, nil
}

// both are told of what the engine does.
type both struct{ one, other dialer.Observer }

func (b both) Notice(n dialer.Notice) {
	b.one.Notice(n)
	b.other.Notice(n)
}

// F-18: the receiver of webhooks answers 500 for a day in which calls go on, then 200.
// All that happened is told, at least once and in the order of each lead; what waits stays
// within its bound; and as many calls are placed, and come to the same, as on a day on
// which the receiver is there.
func TestF18CallsGoOn(t *testing.T) {
	t.Parallel()
	there, away := f18Day(t, 0), f18Day(t, 24*time.Hour)
	t.Logf("the receiver is there: %+v; it is away: %+v", there, away)
	if there.refused != 0 || away.refused < away.events {
		t.Errorf("tries refused: %d and %d of %d events", there.refused, away.refused, away.events)
	}
	if there.placed < 8*f18Shifts || there.calls != away.calls {
		t.Errorf("calls with a receiver %+v, without %+v", there.calls, away.calls)
	}
}

// f18Counts are what a day came to.
type f18Counts struct {
	calls
	events, refused int
	backlog         int64 // the most that waited, in bytes
}

// calls are what came of calls.
type calls struct{ placed, busy, noAnswer, connected, said int }

const (
	f18Shifts  = 4
	f18Shift   = 3 * time.Minute
	f18Backlog = 1 << 20
)

// f18Day is a day with four shifts of one operator, until everything is told.
func f18Day(t *testing.T, away time.Duration) (n f18Counts) {
	synctest.Test(t, func(t *testing.T) {
		store := f18Store(t)
		defer store.Close()
		began := time.Now()
		far := &listener{up: began.Add(away)}
		room := webhook.New(webhook.Config{MaxBacklog: f18Backlog}, webhook.Deps{
			Outbox: store, Records: store, Holder: "here", Node: "n1", Mask: func(string) string { return "***" }, Transport: far, LookEvery: 5 * time.Minute, Log: zap.NewNop(),
		})
		ctx, stop := context.WithCancel(t.Context())
		var ran sync.WaitGroup
		ran.Go(func() { _ = room.Run(ctx) })
		defer func() { stop(); ran.Wait() }()

		f := newFloor(t)
		f.stop()
		f.with = func(d *dialer.Deps) {
			d.Store, d.Memory, d.Observer = store, store, both{f.observer, room}
		}
		c, err := store.Campaign(ctx, "spring")
		f.do(err)
		backlog := func() (waiting int64) {
			all, err := store.Backlogs(ctx)
			f.do(err)
			if n.backlog = max(n.backlog, all[0].Bytes); all[0].Dropped > 0 || all[0].Bytes > f18Backlog {
				t.Fatalf("backlog %+v, want at most %d bytes and nothing dropped", all[0], f18Backlog)
			}
			return all[0].Waiting
		}
		for shift := range f18Shifts {
			f.wait(time.Until(began.Add(time.Duration(shift) * 24 * time.Hour / f18Shifts)))
			_, err := store.Reclaim(ctx, "n1", time.Now()) // what the last shift left in the hopper
			f.do(err)
			f.start()
			f.run(c)
			f.shift(time.Now().Add(f18Shift), &n.calls)
			f.stop()
			backlog()
		}
		f.wait(time.Until(began.Add(24 * time.Hour)))
		for deadline := time.Now().Add(48 * time.Hour); backlog() > 0 && time.Now().Before(deadline); {
			f.wait(10 * time.Minute)
		}
		n.events, n.refused = f18Told(t, store, far), far.refused
	})
	return n
}

// f18Store has a campaign whose leads are called again and again, and an endpoint.
func f18Store(t *testing.T) *sqlite.Store {
	t.Helper()
	store := sqlitetest.Open(t, filepath.Join(t.TempDir(), "store.db"), sqlite.WithCheckpointEvery(time.Hour)) // days pass here
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	ctx, now := t.Context(), time.Now()
	_, err := store.SaveEndpoint(ctx, campaigns.Endpoint{ID: "crm", URL: "https://crm.example/hook", Secrets: []campaigns.Secret{{Text: webhook.NewSecret()}}})
	must(err)
	must(store.SaveList(ctx, campaigns.List{ID: "web", CreatedAt: now}))
	c := progressive("spring")
	again := campaigns.RetryRule{After: 2 * time.Minute, Max: 1000}
	for _, o := range []campaigns.Outcome{campaigns.Busy, campaigns.NoAnswer} {
		again.Outcome = o
		c.Retry = append(c.Retry, again)
	}
	c.Lists, c.CreatedAt, c.Dispositions = []campaigns.ListID{"web"}, now, []campaigns.Disposition{{Code: "again", Effect: campaigns.Effect{RetryAfter: 2 * time.Minute}}}
	_, err = store.SaveCampaign(ctx, c)
	must(err)
	var leads []campaigns.Lead
	for i := range 20 {
		leads = append(leads, campaigns.Lead{ExternalID: fmt.Sprint(i), Numbers: []campaigns.Number{
			{E164: fmt.Sprintf("+1202555%04d", i), Kind: campaigns.Mobile, Zones: []string{"America/New_York"}, Regions: []string{"US-FED"}},
		}})
	}
	_, err = store.AddLeads(ctx, "web", leads)
	must(err)
	return store
}

// shift has an operator on duty until its end. Of three calls one is busy, one is not
// answered, and one is answered by a person who talks for half a minute.
func (f *floor) shift(end time.Time, n *calls) {
	f.t.Helper()
	at := len(f.trunks.legs())
	f.ready("ann")
	for time.Now().Before(end) {
		legs := f.trunks.legs()
		if at == len(legs) {
			f.wait(100 * time.Millisecond)
			continue
		}
		leg := legs[at]
		switch at % 3 {
		case 0:
			f.wait(time.Second)
			f.fails(leg, sip.ResultBusy, 486)
			n.busy++
		case 1:
			f.person(leg)
			f.wantState("ann", operator.Talking)
			f.wait(30 * time.Second)
			f.hangsUp(leg)
			f.wait(5 * time.Second)
			f.do(f.engine.Dispose(f.ctx, "ann", said("again")))
			n.connected++
			n.said++
		case 2:
			f.wait(20 * time.Second)
			f.fails(leg, sip.ResultNoAnswer, 480)
			n.noAnswer++
		}
		at++
		n.placed++
	}
	f.do(f.engine.OffDuty(f.ctx, "ann"))
	f.wait(time.Second)
	for _, leg := range f.trunks.legs()[at:] { // it rings at the end of the shift
		if f.trunks.hangups(leg) == 0 {
			f.fails(leg, sip.ResultNoAnswer, 480)
		}
	}
	f.wait(time.Second)
}

// f18Told holds what was told to what the store knows of calls, and to the order of each
// lead, and counts it.
func f18Told(t *testing.T, store *sqlite.Store, far *listener) int {
	t.Helper()
	first, last := map[string]bool{}, map[campaigns.LeadID]time.Time{}
	kinds := map[campaigns.AttemptID][]campaigns.EventType{}
	for _, ev := range far.told {
		if first[ev.id] {
			continue // once more
		}
		first[ev.id] = true
		if ev.At.Before(last[ev.Data.Lead]) {
			t.Errorf("lead %d: %s of %v came after what happened at %v", ev.Data.Lead, ev.Type, ev.At, last[ev.Data.Lead])
		}
		last[ev.Data.Lead] = ev.At
		kinds[ev.Data.Attempt] = append(kinds[ev.Data.Attempt], ev.Type)
	}
	attempts, err := store.Attempts(t.Context(), campaigns.AttemptQuery{Campaign: "spring", Limit: 1000})
	if err != nil {
		t.Fatal(err)
	}
	for _, a := range attempts {
		want := []campaigns.EventType{campaigns.CallFinished}
		if a.Outcome == campaigns.Connected {
			want = []campaigns.EventType{campaigns.CallBridged, campaigns.CallFinished, campaigns.LeadDispositioned}
		}
		if got := kinds[a.ID]; fmt.Sprint(got) != fmt.Sprint(want) {
			t.Errorf("of attempt %s (%s) was told %v, want %v", a.ID, a.Outcome, got, want)
		}
	}
	return len(first)
}
