package api

import (
	"strings"
	"testing"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TestWebhookSecrets sees a secret where it is made and nowhere else.
func TestWebhookSecrets(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/webhooks/crm"
	var made webhookSecret
	w.as(t, "mia", "PUT", path, map[string]any{"url": "https://crm.example/hook", "types": []string{"call.finished"}}).want(t, 200).into(t, &made)
	if !strings.HasPrefix(made.Secret, "whsec_") {
		t.Fatalf("secret = %q", made.Secret)
	}
	again := w.as(t, "mia", "PUT", path, map[string]any{"url": "https://crm.example/other"}).want(t, 200)
	rotated := webhookSecret{}
	w.as(t, "mia", "POST", path+"/rotate", nil).want(t, 200).into(t, &rotated)
	if rotated.Secret == "" || rotated.Secret == made.Secret {
		t.Errorf("rotated secret = %q", rotated.Secret)
	}
	list := w.as(t, "mia", "GET", "/api/v1/webhooks", nil).want(t, 200)
	log := w.as(t, "ada", "GET", "/api/v1/audit", nil).want(t, 200)
	for name, r := range map[string]reply{"a change": again, "the list": list, "the audit log": log} {
		if strings.Contains(string(r.body), "whsec_") {
			t.Errorf("%s shows a secret", name)
		}
	}
	kept, err := w.store.Endpoints(t.Context())
	if err != nil || len(kept) != 1 || len(kept[0].Secrets) != 2 || kept[0].Secrets[1].Text != made.Secret || kept[0].Secrets[1].Until.IsZero() {
		t.Errorf("endpoint %+v, %v; want the old secret for a while beside the new one", kept, err)
	}
	for _, action := range []string{"webhook.put", "webhook.rotate"} {
		if !strings.Contains(string(log.body), action) {
			t.Errorf("the audit log has no %s", action)
		}
	}
}

func TestWebhookRules(t *testing.T) {
	w := newWorld(t)
	path := "/api/v1/webhooks/crm"
	w.as(t, "mia", "PUT", path, map[string]any{"url": "gopher://crm.example/"}).want(t, 422)
	w.as(t, "mia", "PUT", path, map[string]any{"url": "https://crm.example/", "types": []string{"call.dreamt"}}).want(t, 422)
	w.as(t, "mia", "PUT", path, map[string]any{"url": "https://crm.example/", "numbers": true}).want(t, 403) // mia sees none
	w.as(t, "max", "PUT", path, map[string]any{"url": "https://crm.example/", "numbers": true}).want(t, 200)
	w.as(t, "mia", "PUT", path, map[string]any{"url": "https://mia.example/", "numbers": true}).want(t, 403)
	w.as(t, "mia", "PUT", path, map[string]any{"url": "https://crm.example/", "numbers": true, "version": 7}).want(t, 409)
	w.as(t, "mia", "POST", path+"/test", nil).want(t, 204)
	told := itemsOf[webhookDelivery](t, w.as(t, "mia", "GET", path+"/deliveries", nil))
	if len(told) != 1 || told[0].Type != campaigns.WebhookTest || told[0].State != campaigns.DeliveryWaiting {
		t.Fatalf("deliveries %+v", told)
	}
	w.as(t, "mia", "POST", path+"/deliveries/"+told[0].Event+"/resend", nil).want(t, 204)
	w.as(t, "mia", "POST", path+"/deliveries/none/resend", nil).want(t, 404)
	w.as(t, "mia", "DELETE", path, nil).want(t, 204)
	w.as(t, "mia", "POST", path+"/test", nil).want(t, 404)
}

// TestImportIsTold tells endpoints when an import is over.
func TestImportIsTold(t *testing.T) {
	w := newWorld(t)
	w.as(t, "mia", "PUT", "/api/v1/webhooks/crm", map[string]any{"url": "https://crm.example/", "types": []string{"import.finished"}}).want(t, 200)
	w.as(t, "mia", "POST", "/api/v1/lists/web/import?region=PL", "number\n+48225557391\n").want(t, 200)
	found, err := w.store.Deliveries(t.Context(), campaigns.DeliveryQuery{Endpoint: "crm"})
	if err != nil || len(found) != 1 || found[0].Event.Type != campaigns.ImportFinished || !strings.Contains(string(found[0].Event.Data), `"added":1`) {
		t.Errorf("told %+v, %v", found, err)
	}
}
