package api

import (
	"cmp"
	"context"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/google/uuid"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Webhooks are what the API asks of the room that delivers; app hands it in.
type Webhooks interface {
	CheckURL(url string) error // may it be an endpoint's, as far as can be told
	NewSecret() string
	Look() // something was changed
}

// rotateFor is how long an old secret still signs after there is a new one.
const rotateFor = 24 * time.Hour

// webhookView is an endpoint with what waits for it.
type webhookView struct {
	campaigns.Endpoint
	OldSecretUntil time.Time         `json:"old_secret_until,omitzero" doc:"deliveries carry a second signature until then"`
	Backlog        campaigns.Backlog `json:"backlog"`
}

// webhookSecret is an endpoint with its new secret: the only time it is shown.
type webhookSecret struct {
	campaigns.Endpoint
	Secret string `json:"secret,omitempty" doc:"shown this once: verify signatures with it"`
}

// webhookDelivery is a delivery without what was told, which may name people.
type webhookDelivery struct {
	Event   string                  `json:"event"`
	Type    campaigns.EventType     `json:"type"`
	Key     string                  `json:"key"`
	At      time.Time               `json:"at"`
	Seq     int64                   `json:"seq"`
	State   campaigns.DeliveryState `json:"state"`
	Tries   int                     `json:"tries"`
	DueAt   time.Time               `json:"due_at,omitzero"`
	LastAt  time.Time               `json:"last_at,omitzero"`
	Status  int                     `json:"status,omitempty"`
	Problem string                  `json:"problem,omitempty"`
}

type webhookID struct {
	ID campaigns.EndpointID `path:"id" maxLength:"64"`
}

type webhookIn struct {
	ID   campaigns.EndpointID `path:"id" maxLength:"64"`
	Body struct {
		URL      string                `json:"url" maxLength:"2000"`
		Types    []campaigns.EventType `json:"types,omitempty" maxItems:"50" doc:"empty: every type"`
		Numbers  bool                  `json:"numbers,omitempty" doc:"whole phone numbers; only who sees them may say so"`
		Disabled bool                  `json:"disabled,omitempty"`
		Version  int64                 `json:"version,omitempty" doc:"of what is replaced; 0: whatever it is"`
	}
}

type deliveriesIn struct {
	ID    campaigns.EndpointID    `path:"id" maxLength:"64"`
	State campaigns.DeliveryState `query:"state" enum:"waiting,delivered,given_up"`
	Page
}

type resendIn struct {
	ID    campaigns.EndpointID `path:"id" maxLength:"64"`
	Event string               `path:"event" maxLength:"200"`
}

// routeWebhooks adds endpoints that are told what happens.
func (s *Server) routeWebhooks(api huma.API) {
	tag := []string{"webhooks"}
	register(s, api, campaigns.RightWebhooks, huma.Operation{
		OperationID: "list", Method: http.MethodGet, Path: "/api/v1/webhooks", Tags: tag, Summary: "Who is told what happens, and what waits for them; by id",
	}, s.webhooksOf)
	register(s, api, campaigns.RightWebhooks, huma.Operation{
		OperationID: "put", Method: http.MethodPut, Path: "/api/v1/webhooks/{id}", Tags: tag, Summary: "Create or change an endpoint; a new one's secret is in the answer, once",
	}, s.putWebhook)
	register(s, api, campaigns.RightWebhooks, huma.Operation{
		OperationID: "delete", Method: http.MethodDelete, Path: "/api/v1/webhooks/{id}", Tags: tag, Summary: "Forget an endpoint and what waits for it",
	}, func(ctx context.Context, by caller, in *webhookID) (*empty, error) {
		before, err := s.webhook(ctx, in.ID)
		if err == nil {
			err = s.outbox.DeleteEndpoint(ctx, in.ID)
		}
		if err != nil {
			return nil, err
		}
		s.webhooks.Look()
		return nil, s.audit(ctx, by, "webhook.delete", string(in.ID), before, nil)
	})
	register(s, api, campaigns.RightWebhooks, huma.Operation{
		OperationID: "rotate", Method: http.MethodPost, Path: "/api/v1/webhooks/{id}/rotate", Tags: tag, Summary: "Make a new secret; the old one signs as well for a day",
	}, s.rotateWebhook)
	register(s, api, campaigns.RightWebhooks, huma.Operation{
		OperationID: "deliveries", Method: http.MethodGet, Path: "/api/v1/webhooks/{id}/deliveries", Tags: tag, Summary: "What an endpoint was told or is to be told, newest first",
	}, s.webhookDeliveries)
	register(s, api, campaigns.RightWebhooks, huma.Operation{
		OperationID: "resend", Method: http.MethodPost, Path: "/api/v1/webhooks/{id}/deliveries/{event}/resend", Tags: tag, Summary: "Tell an endpoint again",
	}, func(ctx context.Context, by caller, in *resendIn) (*empty, error) {
		if err := s.outbox.Resend(ctx, in.ID, in.Event, time.Now()); err != nil {
			return nil, err
		}
		s.webhooks.Look()
		return nil, s.audit(ctx, by, "webhook.resend", string(in.ID), nil, in.Event)
	})
	register(s, api, campaigns.RightWebhooks, huma.Operation{
		OperationID: "test", Method: http.MethodPost, Path: "/api/v1/webhooks/{id}/test", Tags: tag, Summary: "Tell an endpoint something that did not happen: webhook.test",
	}, func(ctx context.Context, by caller, in *webhookID) (*empty, error) {
		now := time.Now()
		ev := campaigns.NewEvent("test_"+uuid.NewString(), campaigns.WebhookTest, now, "test "+uuid.NewString(), map[string]string{"endpoint": string(in.ID), "by": string(by.ID)})
		if err := s.outbox.Publish(ctx, in.ID, ev); err != nil {
			return nil, err
		}
		s.webhooks.Look()
		return nil, s.audit(ctx, by, "webhook.test", string(in.ID), nil, ev.ID)
	})
}

func (s *Server) webhooksOf(ctx context.Context, _ caller, in *Page) (*body[page[webhookView]], error) {
	endpoints, err := s.outbox.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	backlogs, err := s.outbox.Backlogs(ctx)
	var views []webhookView
	for _, e := range endpoints {
		v := webhookView{Endpoint: e, Backlog: campaigns.Backlog{Endpoint: e.ID}}
		for _, b := range backlogs {
			if b.Endpoint == e.ID {
				v.Backlog = b
			}
		}
		for _, secret := range e.Secrets {
			if secret.Until.After(time.Now()) {
				v.OldSecretUntil = secret.Until
			}
		}
		views = append(views, v)
	}
	return pagedOf(ctx, s, *in, func(v webhookView) string { return string(v.ID) }, views, err)
}

// webhook is one endpoint, or campaigns.ErrNotFound.
func (s *Server) webhook(ctx context.Context, id campaigns.EndpointID) (campaigns.Endpoint, error) {
	all, err := s.outbox.Endpoints(ctx)
	if err != nil {
		return campaigns.Endpoint{}, err
	}
	i := slices.IndexFunc(all, func(e campaigns.Endpoint) bool { return e.ID == id })
	if i < 0 {
		return campaigns.Endpoint{}, campaigns.ErrNotFound
	}
	return all[i], nil
}

func (s *Server) putWebhook(ctx context.Context, by caller, in *webhookIn) (*body[webhookSecret], error) {
	if err := s.webhooks.CheckURL(in.Body.URL); err != nil {
		return nil, &campaigns.FieldError{Field: "url", Problem: strings.TrimPrefix(err.Error(), "url: ")}
	}
	for _, t := range in.Body.Types {
		if !slices.Contains(campaigns.EventTypes, t) {
			return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("types: there is no %q", t))
		}
	}
	all, err := s.outbox.Endpoints(ctx)
	if err != nil {
		return nil, err
	}
	e, before, secret := campaigns.Endpoint{ID: in.ID}, any(nil), ""
	if i := slices.IndexFunc(all, func(e campaigns.Endpoint) bool { return e.ID == in.ID }); i >= 0 {
		e, before = all[i], all[i]
		if in.Body.Version != 0 && in.Body.Version != e.Version {
			return nil, campaigns.ErrConflict
		}
	} else {
		secret = s.webhooks.NewSecret()
		e.Secrets = []campaigns.Secret{{Text: secret}}
	}
	// Whole numbers need the right to see them, to ask for as to lead elsewhere.
	if in.Body.Numbers && !by.May(campaigns.RightNumbers) && (!e.Numbers || e.URL != in.Body.URL) {
		return nil, huma.Error403Forbidden("you do not see numbers, so you may not have them told")
	}
	e.URL, e.Types, e.Numbers, e.Disabled, e.Reason = in.Body.URL, in.Body.Types, in.Body.Numbers, in.Body.Disabled, ""
	if e.Disabled {
		e.Reason = "by " + string(by.ID)
	}
	saved, err := s.outbox.SaveEndpoint(ctx, e)
	if err != nil {
		return nil, err
	}
	s.webhooks.Look()
	return answer(webhookSecret{saved, secret}, s.audit(ctx, by, "webhook.put", string(in.ID), before, saved))
}

func (s *Server) rotateWebhook(ctx context.Context, by caller, in *webhookID) (*body[webhookSecret], error) {
	e, err := s.webhook(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	secret, now := s.webhooks.NewSecret(), time.Now()
	secrets := []campaigns.Secret{{Text: secret}}
	for i, old := range e.Secrets {
		if i == 0 && old.Until.IsZero() {
			old.Until = now.Add(rotateFor).UTC().Truncate(time.Second)
		}
		if old.Until.After(now) {
			secrets = append(secrets, old)
		}
	}
	e.Secrets = secrets[:min(len(secrets), mostSecrets)]
	saved, err := s.outbox.SaveEndpoint(ctx, e)
	if err != nil {
		return nil, err
	}
	s.webhooks.Look()
	return answer(webhookSecret{saved, secret}, s.audit(ctx, by, "webhook.rotate", string(in.ID), nil, saved.Version))
}

// mostSecrets bounds how many signatures a delivery has.
const mostSecrets = 5

func (s *Server) webhookDeliveries(ctx context.Context, _ caller, in *deliveriesIn) (*body[page[webhookDelivery]], error) {
	if _, err := s.webhook(ctx, in.ID); err != nil {
		return nil, err
	}
	return paged(ctx, s, in.Page, func(after string, limit int) ([]webhookDelivery, error) {
		before, _ := strconv.ParseInt(cmp.Or(after, "0"), 10, 64) // as it was sealed
		found, err := s.outbox.Deliveries(ctx, campaigns.DeliveryQuery{Endpoint: in.ID, State: in.State, Before: before, Limit: limit})
		var all []webhookDelivery
		for _, d := range found {
			all = append(all, webhookDelivery{d.Event.ID, d.Event.Type, d.Event.Key, d.Event.At, d.Seq, d.State, d.Tries, d.DueAt, d.LastAt, d.Status, d.Problem})
		}
		return all, err
	}, func(d webhookDelivery) string { return strconv.FormatInt(d.Seq, 10) })
}

// tellImport tells endpoints that an import is over.
func (s *Server) tellImport(ctx context.Context, by caller, r ImportReport) error {
	if s.webhooks == nil {
		return nil
	}
	now := time.Now()
	ev := campaigns.NewEvent(fmt.Sprintf("i_%s_%s", r.List, uuid.NewString()), campaigns.ImportFinished, now, "list "+string(r.List), struct {
		List    campaigns.ListID    `json:"list"`
		By      campaigns.UserID    `json:"by"`
		Rows    int                 `json:"rows"`
		BadRows int                 `json:"bad_rows"`
		Store   campaigns.AddResult `json:"store"`
	}{r.List, by.ID, r.Rows, r.BadRows, r.Store})
	defer s.webhooks.Look()
	return s.outbox.Publish(ctx, "", ev)
}
