package e2e

import (
	"crypto/hmac"
	"crypto/sha256"
	"crypto/subtle"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// toldOnce is an event as a receiver takes it.
type toldOnce struct {
	id, kind string
	attempt  campaigns.AttemptID
}

// receiver is somebody who is told by webhooks. It checks signatures by the text of the
// Standard Webhooks specification, with nothing of ours.
type receiver struct {
	*httptest.Server

	mu     sync.Mutex
	key    []byte
	first  []toldOnce     // each event when it came first
	times  map[string]int // by id
	faults []string
}

func newReceiver(t *testing.T) *receiver {
	t.Helper()
	r := &receiver{times: map[string]int{}}
	r.Server = httptest.NewServer(http.HandlerFunc(r.take))
	t.Cleanup(r.Close)
	return r
}

// subscribe makes the receiver an endpoint, and keeps its secret.
func (r *receiver) subscribe(t *testing.T, boss *client) {
	t.Helper()
	var made struct{ Secret string }
	must(t, boss.do(t.Context(), http.MethodPut, "/api/v1/webhooks/receiver", map[string]any{
		"url": r.URL + "/told", "types": []string{"call.finished", "lead.dispositioned", "callback.scheduled"},
	}, &made))
	key, err := base64.StdEncoding.DecodeString(strings.TrimPrefix(made.Secret, "whsec_"))
	must(t, err)
	r.mu.Lock()
	defer r.mu.Unlock()
	r.key = key
}

func (r *receiver) take(w http.ResponseWriter, q *http.Request) {
	body, err := io.ReadAll(q.Body)
	r.mu.Lock()
	defer r.mu.Unlock()
	id := q.Header.Get("webhook-id")
	if err == nil {
		err = r.verify(q.Header, body)
	}
	var event struct {
		Type string
		Data struct{ Attempt campaigns.AttemptID }
	}
	if err == nil {
		err = json.Unmarshal(body, &event)
	}
	if err != nil {
		r.faults = append(r.faults, fmt.Sprintf("%s: %v", id, err))
		http.Error(w, err.Error(), http.StatusBadRequest)
		return
	}
	if r.times[id]++; r.times[id] == 1 {
		r.first = append(r.first, toldOnce{id, event.Type, event.Data.Attempt})
	}
	w.WriteHeader(http.StatusNoContent)
}

// verify says what is wrong with a delivery.
func (r *receiver) verify(h http.Header, body []byte) error {
	at, err := strconv.ParseInt(h.Get("webhook-timestamp"), 10, 64)
	if err != nil {
		return err
	}
	if age := time.Since(time.Unix(at, 0)); age < -time.Minute || age > 5*time.Minute {
		return fmt.Errorf("it is %v old", age)
	}
	mac := hmac.New(sha256.New, r.key)
	mac.Write([]byte(h.Get("webhook-id") + "." + h.Get("webhook-timestamp") + "." + string(body)))
	for signature := range strings.FieldsSeq(h.Get("webhook-signature")) {
		version, text, _ := strings.Cut(signature, ",")
		sum, err := base64.StdEncoding.DecodeString(text)
		if version == "v1" && err == nil && subtle.ConstantTimeCompare(sum, mac.Sum(nil)) == 1 {
			return nil
		}
	}
	return fmt.Errorf("signature %q is not of this body", h.Get("webhook-signature"))
}

// typesOf are the types of what came of an attempt, without repetitions, as it came.
func (r *receiver) typesOf(a campaigns.AttemptID) []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	var all []string
	for _, e := range r.first {
		if e.attempt == a {
			all = append(all, e.kind)
		}
	}
	return all
}

// idOf is the id under which an event came; empty: it did not.
func (r *receiver) idOf(a campaigns.AttemptID, kind string) string {
	r.mu.Lock()
	defer r.mu.Unlock()
	i := slices.IndexFunc(r.first, func(e toldOnce) bool { return e.attempt == a && e.kind == kind })
	if i < 0 {
		return ""
	}
	return r.first[i].id
}

func (r *receiver) timesTold(id string) int {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.times[id]
}

func (r *receiver) faulty() []string {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.faults
}
