package webhook

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// sendWithin is how long an endpoint may take for everything.
const sendWithin = 15 * time.Second

// waits are the times before each try; after the last one the delivery is given up.
var waits = []time.Duration{
	0, 5 * time.Second, 5 * time.Minute, 30 * time.Minute, 2 * time.Hour, 5 * time.Hour, 10 * time.Hour, 14 * time.Hour, 20 * time.Hour, 24 * time.Hour,
}

// jitter is how much longer than that it may be, as a share, so that what failed
// together does not come together again.
const jitter = 0.2

// answerRead is how much of an answer is read, so that its connection can be used again.
// What it says is not kept: it is nobody's business here.
const answerRead = 64 << 10

// sender makes one try.
type sender struct {
	client http.Client
	cfg    Config
	mask   func(string) string
}

func newSender(cfg Config, mask func(string) string, t http.RoundTripper) *sender {
	return &sender{cfg: cfg, mask: mask, client: http.Client{
		Transport: t, Timeout: sendWithin,
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}}
}

// try makes one try of a delivery and returns it as it is after it; gone says that the
// endpoint does not want to be told any more.
func (s *sender) try(ctx context.Context, e campaigns.Endpoint, d campaigns.Delivery) (after campaigns.Delivery, gone bool) {
	status, err := s.send(ctx, e, d.Event)
	now := time.Now()
	d.Tries++
	d.LastAt, d.Status, d.Problem = now, status, ""
	switch {
	case err != nil:
		d.Problem = problem(err)
	case status/100 == 2:
		d.State = campaigns.Delivered
		return d, false
	default:
		d.Problem = strings.TrimSpace(fmt.Sprintf("%d %s", status, http.StatusText(status)))
	}
	if d.Tries >= len(waits) || status == http.StatusGone {
		d.State = campaigns.DeliveryGivenUp
		return d, status == http.StatusGone
	}
	wait := waits[d.Tries]
	d.DueAt = now.Add(wait + time.Duration(rand.Float64()*jitter*float64(wait)))
	return d, false
}

// send posts an event and returns the status of the answer.
func (s *sender) send(ctx context.Context, e campaigns.Endpoint, ev campaigns.Event) (int, error) {
	if err := s.cfg.CheckURL(e.URL); err != nil { // the configuration may have changed
		return 0, err
	}
	content, err := s.message(e, ev)
	if err != nil {
		return 0, err
	}
	at := time.Now()
	signature, err := Sign(ev.ID, at, content, e.Secrets)
	if err != nil {
		return 0, err
	}
	r, err := http.NewRequestWithContext(ctx, http.MethodPost, e.URL, bytes.NewReader(content))
	if err != nil {
		return 0, err
	}
	r.Header.Set("Content-Type", "application/json")
	r.Header.Set("User-Agent", "Outpace-Webhooks/1")
	r.Header.Set("webhook-id", ev.ID)
	r.Header.Set("webhook-timestamp", strconv.FormatInt(at.Unix(), 10))
	r.Header.Set("webhook-signature", signature)
	answer, err := s.client.Do(r)
	if err != nil {
		return 0, err
	}
	defer answer.Body.Close()
	_, _ = io.CopyN(io.Discard, answer.Body, answerRead)
	return answer.StatusCode, nil
}

// problem is what went wrong, without the URL, which may hold a key of the receiver.
func problem(err error) string {
	if u, ok := errors.AsType[*url.Error](err); ok {
		err = u.Err
	}
	return err.Error()
}

// message is the body: the same bytes with every try.
func (s *sender) message(e campaigns.Endpoint, ev campaigns.Event) ([]byte, error) {
	data := ev.Data
	if !e.Numbers {
		var err error
		if data, err = masked(data, s.mask); err != nil {
			return nil, err
		}
	}
	return json.Marshal(struct {
		Type      campaigns.EventType `json:"type"`
		Timestamp time.Time           `json:"timestamp"`
		Data      json.RawMessage     `json:"data"`
	}{ev.Type, ev.At.UTC(), data})
}

// masked hides the phone numbers of people in the data of an event.
func masked(data json.RawMessage, mask func(string) string) (json.RawMessage, error) {
	var fields map[string]json.RawMessage
	if json.Unmarshal(data, &fields) != nil {
		return data, nil // no object: it has none
	}
	changed := false
	if raw, ok := fields["number"]; ok {
		var number string
		if err := json.Unmarshal(raw, &number); err != nil {
			return nil, err
		}
		fields["number"], _ = json.Marshal(mask(number))
		changed = true
	}
	if raw, ok := fields["numbers"]; ok {
		var numbers []string
		if err := json.Unmarshal(raw, &numbers); err != nil {
			return nil, err
		}
		for i, n := range numbers {
			numbers[i] = mask(n)
		}
		fields["numbers"], _ = json.Marshal(numbers)
		changed = true
	}
	if !changed {
		return data, nil
	}
	return json.Marshal(fields)
}
