package app

import (
	"encoding/json"
	"fmt"
	"net/http"
	"net/http/httptest"
	"slices"
	"sync"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/webhook"
	"github.com/outpace-dialer/outpace/test/eventually"
	"github.com/outpace-dialer/outpace/test/redistest"
)

// told is what an endpoint was told, as TYPE ATTEMPT.
type told struct {
	*httptest.Server
	mu  sync.Mutex
	all []string
}

func newTold(t *testing.T) *told {
	r := &told{}
	r.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, q *http.Request) {
		var m struct {
			Type string
			Data struct{ Attempt string }
		}
		if err := json.NewDecoder(q.Body).Decode(&m); err != nil {
			t.Error(err)
		}
		r.mu.Lock()
		defer r.mu.Unlock()
		r.all = append(r.all, m.Type+" "+m.Data.Attempt)
	}))
	t.Cleanup(r.Close)
	return r
}

// at is where an event stands among what was told; -1: it was not.
func (r *told) at(kind campaigns.EventType, attempt string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return slices.Index(r.all, string(kind)+" "+attempt)
}

// Two nodes have one endpoint, which one of them tells. What happens at the other is told
// in its order as well: of a call that ended, before its recording.
func TestNodesTellInOrder(t *testing.T) {
	t.Parallel()
	far, url := newTold(t), redistest.Start(t).URL()
	first, second := onRedis(t, url, "n1"), onRedis(t, url, "n2")
	first.Webhooks = webhook.Config{Allow: []string{"127.0.0.0/8"}, AllowHTTP: true}
	second.Webhooks = first.Webhooks
	a, _ := start(t, first)
	ctx := t.Context()
	outbox, _ := campaigns.As[campaigns.Outbox](a.store)
	_, err := outbox.SaveEndpoint(ctx, campaigns.Endpoint{ID: "crm", URL: far.URL, Secrets: []campaigns.Secret{{Text: webhook.NewSecret()}}})
	if err != nil {
		t.Fatal(err)
	}
	a.webhooks.Look()
	recordedOn(t, a.store, first, "a0", "")
	eventually.So(t, patience, "the first node has the endpoint", func() bool { return far.at(campaigns.CallFinished, "a0") >= 0 })

	b, _ := start(t, second)
	done := func(attempt campaigns.AttemptID) { b.webhooks.Notice(dialer.RecordingDone{Attempt: attempt}) }
	eventually.So(t, patience, "the second node knows it", func() bool {
		done("a0")
		return far.at(campaigns.RecordingReady, "a0") >= 0
	})
	var calls []string
	for i := 1; i <= 5; i++ {
		id := fmt.Sprint("b", i)
		recordedOn(t, b.store, second, campaigns.AttemptID(id), "")
		done(campaigns.AttemptID(id))
		calls = append(calls, id)
	}
	for _, id := range calls {
		eventually.So(t, patience, "both events of "+id, func() bool {
			return far.at(campaigns.CallFinished, id) >= 0 && far.at(campaigns.RecordingReady, id) >= 0
		})
		if finished, ready := far.at(campaigns.CallFinished, id), far.at(campaigns.RecordingReady, id); ready < finished {
			t.Errorf("the recording of %s was told before its call: %d, %d", id, ready, finished)
		}
	}
}
