package webhook

import (
	"context"
	"fmt"
	"math/rand/v2"
	"net/http"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
)

// slowOutbox is the outbox as a node sees it whose way to the store is cut now and then.
type slowOutbox struct {
	campaigns.Outbox
	mu    sync.Mutex
	delay time.Duration // of what is due
}

func (o *slowOutbox) slow(d time.Duration) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.delay = d
}

func (o *slowOutbox) DueDeliveries(ctx context.Context, id campaigns.EndpointID, now time.Time, limit int) ([]campaigns.Delivery, error) {
	due, err := o.Outbox.DueDeliveries(ctx, id, now, limit)
	o.mu.Lock()
	d := o.delay
	o.mu.Unlock()
	time.Sleep(d) // of the bubble
	return due, err
}

// away is a receiver that takes its time.
type away struct {
	*receiver
	takes time.Duration
}

func (a *away) RoundTrip(q *http.Request) (*http.Response, error) {
	select {
	case <-time.After(a.takes):
		return a.receiver.RoundTrip(q)
	case <-q.Context().Done():
		return nil, q.Context().Err()
	}
}

// nodeOn runs a room of one of several nodes on a store, until stop.
func nodeOn(t *testing.T, store *sqlite.Store, name string, over http.RoundTripper, look time.Duration) (room *Room, out *slowOutbox, stop func()) {
	t.Helper()
	out = &slowOutbox{Outbox: store}
	room = New(Config{MaxBacklog: 1 << 20}, Deps{
		Outbox: out, Records: store, Holder: name, Node: name, Mask: func(string) string { return "***" }, Transport: over, LookEvery: look, Log: zap.NewNop(),
	})
	ctx, cancel := context.WithCancel(t.Context())
	var ran sync.WaitGroup
	ran.Go(func() { _ = room.Run(ctx) })
	return room, out, func() { cancel(); ran.Wait() }
}

// tell publishes the nth event of a lead.
func tell(t *testing.T, o campaigns.Outbox, lead, n int) {
	t.Helper()
	ev := campaigns.NewEvent(fmt.Sprintf("%d_%d", lead, n), campaigns.CallFinished, time.Now(), campaigns.LeadKey(campaigns.LeadID(lead)), map[string]int{"lead": lead, "n": n})
	if err := o.Publish(t.Context(), "", ev); err != nil {
		t.Fatal(err)
	}
}

// wantOrder holds what came to be all of it, and each lead's in its order: what comes
// again does so before anything newer.
func wantOrder(t *testing.T, told []message, leads, each int) (repeated int) {
	t.Helper()
	next := map[int]int{}
	for _, m := range told {
		lead, n := int(m.Data["lead"].(float64)), int(m.Data["n"].(float64))
		switch {
		case n == next[lead]:
			next[lead]++
		case n == next[lead]-1:
			repeated++
		default:
			t.Errorf("lead %d: %d came when %d was next", lead, n, next[lead])
		}
	}
	for lead := range leads {
		if next[lead] != each {
			t.Errorf("lead %d was told %d of %d", lead, next[lead], each)
		}
	}
	return repeated
}

// Two nodes tell one endpoint that fails now and then, for a day in which each of them
// dies and comes back, is cut off from the store for longer than its lease, or answers
// nobody: what a lead is told of stays in order, and nothing is lost.
func TestTwoNodesKeepTheOrder(t *testing.T) {
	const leads, each = 6, 24
	synctest.Test(t, func(t *testing.T) {
		secret := NewSecret()
		store := open(t, secret)
		defer store.Close()
		draw := rand.New(rand.NewPCG(7, 18))
		crm := &receiver{secret: secret, answer: func(int) int {
			if draw.IntN(3) == 0 {
				return http.StatusInternalServerError
			}
			return http.StatusOK
		}}
		far := &away{crm, 3 * time.Second}
		_, slow1, stop1 := nodeOn(t, store, "n1", far, 5*time.Minute)
		_, slow2, stop2 := nodeOn(t, store, "n2", far, 5*time.Minute)
		for n := range each {
			for lead := range leads {
				tell(t, store, lead, n)
			}
			switch n % 4 {
			case 0:
				slow1.slow(2 * leaseFor)
			case 1:
				slow1.slow(0)
				slow2.slow(2 * leaseFor)
			case 2:
				slow2.slow(0)
				stop1()
				_, slow1, stop1 = nodeOn(t, store, "n1", far, 5*time.Minute)
			case 3:
				stop2()
				_, slow2, stop2 = nodeOn(t, store, "n2", far, 5*time.Minute)
			}
			time.Sleep(time.Hour)
		}
		slow1.slow(0)
		slow2.slow(0)
		for deadline := time.Now().Add(10 * 24 * time.Hour); waiting(t, store) > 0 && time.Now().Before(deadline); {
			time.Sleep(time.Hour)
		}
		stop1()
		stop2()
		repeated := wantOrder(t, crm.messages(), leads, each)
		t.Logf("%d tries, %d came again", crm.n, repeated)
	})
}

func waiting(t *testing.T, o campaigns.Outbox) (n int64) {
	t.Helper()
	backlogs, err := o.Backlogs(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for _, b := range backlogs {
		n += b.Waiting
	}
	return n
}

// A node that was stopped between taking a delivery and sending it does not send it once
// another node has told that, and what came after it.
func TestLateNodeTellsNothing(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		secret := NewSecret()
		store := open(t, secret)
		defer store.Close()
		crm := &receiver{secret: secret, answer: func(int) int { return http.StatusOK }}
		first, slow, stop1 := nodeOn(t, store, "n1", crm, time.Minute)
		time.Sleep(10 * time.Second) // it has the endpoint
		slow.slow(2 * leaseFor)
		tell(t, store, 1, 0)
		tell(t, store, 1, 1)
		first.lookAll()
		time.Sleep(time.Second) // and is cut off with what is due in its hand
		_, _, stop2 := nodeOn(t, store, "n2", crm, time.Minute)
		time.Sleep(leaseFor + 90*time.Second)
		if told := crm.messages(); len(told) != 2 {
			t.Fatalf("the other node told %v, want both", told)
		}
		time.Sleep(time.Hour)
		stop1()
		stop2()
		if told := crm.messages(); len(told) != 2 {
			t.Errorf("told %v: the first node came with it once more, after what was newer", told)
		}
	})
}
