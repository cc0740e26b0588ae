package webhook

import (
	"context"
	"fmt"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TestF18 lets a receiver answer 500 for a day and then 200: everything comes once or
// more, in the order of each lead; what waits stays within its bound; and the store's
// writes, which calls wait for, are as ever.
func TestF18(t *testing.T) {
	const leads, each, size = 20, 3, 1 << 20
	synctest.Test(t, func(t *testing.T) {
		secret := NewSecret()
		store := open(t, secret)
		defer store.Close()
		began := time.Now()
		crm := &receiver{secret: secret, answer: func(int) int {
			if time.Since(began) < 24*time.Hour {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		}}
		_, stop := start(t, store, Config{MaxBacklog: size}, crm, 5*time.Minute)
		defer stop()
		for n := range each {
			for lead := range leads {
				asked := time.Now()
				ev := campaigns.NewEvent(fmt.Sprintf("%d_%d", lead, n), campaigns.CallFinished, time.Now(), campaigns.LeadKey(campaigns.LeadID(lead)), map[string]int{"lead": lead, "n": n})
				if err := store.Publish(t.Context(), "", ev); err != nil {
					t.Fatal(err)
				}
				// Of virtual time, of which the store may take a little to ask for its lock again.
				if took := time.Since(asked); took > sendWithin/10 {
					t.Errorf("a write waited %s for the receiver", took)
				}
			}
			time.Sleep(time.Hour)
			backlogs, err := store.Backlogs(t.Context())
			if err != nil || backlogs[0].Bytes > size {
				t.Fatalf("backlog %+v, %v; want at most %d bytes", backlogs, err, size)
			}
		}
		for deadline := time.Now().Add(48 * time.Hour); len(crm.messages()) < leads*each && time.Now().Before(deadline); {
			time.Sleep(10 * time.Minute)
		}
		next := map[string]int{}
		for _, m := range crm.messages() {
			lead, n := fmt.Sprint(m.Data["lead"]), int(m.Data["n"].(float64))
			if n > next[lead] {
				t.Errorf("lead %s: %d came before %d", lead, n, next[lead])
			}
			next[lead] = max(next[lead], n+1)
		}
		if len(next) != leads {
			t.Errorf("told of %d leads, want %d", len(next), leads)
		}
		for lead, n := range next {
			if n != each {
				t.Errorf("lead %s was told %d of %d", lead, n, each)
			}
		}
		t.Logf("%d tries, the last event %s after the receiver was back", crm.n, time.Since(began)-24*time.Hour)
	})
}

// TestBacklogIsBounded lets a receiver be away while more comes than may be kept: the
// oldest goes, what is kept stays below the bound, and it is said.
func TestBacklogIsBounded(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := NewSecret()
		store := open(t, secret)
		defer store.Close()
		up := false
		crm := &receiver{secret: secret, answer: func(int) int {
			if up {
				return http.StatusOK
			}
			return http.StatusServiceUnavailable
		}}
		r, stop := start(t, store, Config{MaxBacklog: 40_000}, crm, lookEvery)
		defer stop()
		for i := range 300 {
			ev := campaigns.NewEvent(fmt.Sprint(i), campaigns.CallFinished, time.Now(), campaigns.LeadKey(campaigns.LeadID(i)), map[string]int{"i": i})
			if err := store.Publish(t.Context(), "", ev); err != nil {
				t.Fatal(err)
			}
		}
		time.Sleep(time.Minute)
		backlogs, err := store.Backlogs(t.Context())
		if err != nil || backlogs[0].Bytes > 41_000 || backlogs[0].Dropped < 50 || r.Stats().Dropped != uint64(backlogs[0].Dropped) {
			t.Fatalf("backlog %+v, %v; counted %+v", backlogs, err, r.Stats())
		}
		crm.mu.Lock()
		up = true
		crm.mu.Unlock()
		time.Sleep(3 * time.Hour)
		said := false
		for _, m := range crm.messages() {
			said = said || m.Type == string(campaigns.WebhookDropped)
		}
		if _, newest := crm.seen["evt_299"]; !newest || !said {
			t.Errorf("the newest came: %t; it was said that others did not: %t", newest, said)
		}
	})
}

func TestTriesAndDelays(t *testing.T) {
	secret := NewSecret()
	s := newSender(Config{}, nil, &receiver{secret: secret, answer: func(int) int { return http.StatusFound }})
	e := campaigns.Endpoint{URL: "https://crm.example", Numbers: true, Secrets: []campaigns.Secret{{Text: secret}}}
	d := campaigns.Delivery{State: campaigns.DeliveryWaiting, Event: campaigns.NewEvent("1", campaigns.CallFinished, time.Now(), "k", map[string]int{"n": 1})}
	for i, wait := range append(waits[1:len(waits):len(waits)], 0) {
		d, _ = s.try(t.Context(), e, d)
		if d.Tries != i+1 || d.Status != http.StatusFound || d.Problem != "302 Found" {
			t.Fatalf("after try %d: %+v", i+1, d)
		}
		if d.Tries == len(waits) {
			break
		}
		if got := d.DueAt.Sub(d.LastAt); d.State != campaigns.DeliveryWaiting || got < wait || got > wait+time.Duration(jitter*float64(wait)) {
			t.Errorf("after try %d it is %s for %s, want %s and a fifth at most", i+1, d.State, got, wait)
		}
	}
	if d.State != campaigns.DeliveryGivenUp || d.Tries != 10 {
		t.Errorf("in the end: %+v", d)
	}
}

func TestGoneDisables(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := NewSecret()
		store := open(t, secret)
		defer store.Close()
		crm := &receiver{secret: secret, answer: func(int) int { return http.StatusGone }}
		_, stop := start(t, store, Config{}, crm, lookEvery)
		defer stop()
		publish(t, store, "1")
		publish(t, store, "2")
		time.Sleep(time.Hour)
		endpoints, err := store.Endpoints(t.Context())
		if err != nil || !endpoints[0].Disabled || endpoints[0].Reason == "" || crm.n > 2 {
			t.Fatalf("endpoint %+v, %v after %d requests", endpoints, err, crm.n)
		}
		log, err := store.AuditLog(t.Context(), 1)
		if err != nil || len(log) != 1 || log[0].Action != "webhook.disable" {
			t.Errorf("audit %+v, %v", log, err)
		}
	})
}

func publish(t *testing.T, o campaigns.Outbox, id string) {
	t.Helper()
	if err := o.Publish(context.WithoutCancel(t.Context()), "", campaigns.NewEvent(id, campaigns.CallFinished, time.Now(), "lead "+id, map[string]string{"number": "+48221234567"})); err != nil {
		t.Fatal(err)
	}
}
