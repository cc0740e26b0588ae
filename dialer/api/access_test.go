package api

import (
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// access is who may use a route, with a request that does something and the
// answer to it.
type access struct {
	role campaigns.Role // the lowest; empty: everybody
	path string         // of the request, where the route has parameters
	body any
	want int
}

const noContent = http.StatusNoContent

// matrix has one row for each route of the OpenAPI document.
var matrix = map[string]access{
	"POST /api/v1/login":      {"", "", map[string]string{"user": "nobody", "password": "wrong"}, 401},
	"POST /api/v1/login/link": {"", "", map[string]string{"code": "wrong"}, 401},
	"POST /api/v1/logout":     {campaigns.RoleOperator, "", nil, noContent},
	"GET /api/v1/me":          {campaigns.RoleOperator, "", nil, 200},

	"GET /api/v1/operator":                 {campaigns.RoleOperator, "", nil, 200},
	"POST /api/v1/operator/on-duty":        {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/off-duty":       {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/ready":          {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/pause":          {campaigns.RoleOperator, "", map[string]string{"reason": "lunch"}, noContent},
	"POST /api/v1/operator/stage":          {campaigns.RoleOperator, "", map[string]string{"stage": "form"}, noContent},
	"POST /api/v1/operator/hangup":         {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/dial":           {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/skip":           {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/disposition":    {campaigns.RoleOperator, "", map[string]string{"disposition": "sale"}, noContent},
	"GET /api/v1/operator/history":         {campaigns.RoleOperator, "", nil, 200},
	"GET /api/v1/operator/callback-times":  {campaigns.RoleOperator, "/api/v1/operator/callback-times?day=2026-11-28", nil, 200},
	"GET /api/v1/operator/campaigns":       {campaigns.RoleOperator, "", nil, 200},
	"GET /api/v1/operator/colleagues":      {campaigns.RoleOperator, "", nil, 200},
	"GET /api/v1/operator/figures":         {campaigns.RoleOperator, "", nil, 200},
	"PUT /api/v1/operator/draft":           {campaigns.RoleOperator, "", map[string]string{"attempt": "a1", "note": ""}, noContent},
	"GET /api/v1/operator/draft":           {campaigns.RoleOperator, "", nil, 404},
	"DELETE /api/v1/operator/draft":        {campaigns.RoleOperator, "", nil, noContent},
	"GET /api/v1/events":                   {"", "", nil, 426}, // who asks without a WebSocket; see TestSocketRights
	"GET /api/v1/events/stream":            {campaigns.RoleOperator, "", nil, 200},
	"POST /api/v1/operator/consult":        {campaigns.RoleOperator, "", map[string]any{"to": map[string]string{"operator": "bob"}}, noContent},
	"POST /api/v1/operator/transfer":       {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/confer":         {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/return":         {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/calls/{attempt}/listen":  {campaigns.RoleManager, "/api/v1/calls/a1/listen", nil, noContent},
	"POST /api/v1/calls/{attempt}/whisper": {campaigns.RoleManager, "/api/v1/calls/a1/whisper", nil, noContent},
	"POST /api/v1/calls/{attempt}/barge":   {campaigns.RoleManager, "/api/v1/calls/a1/barge", nil, noContent},
	"POST /api/v1/calls/leave":             {campaigns.RoleManager, "", nil, noContent},
	"POST /api/v1/operator/hold":           {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/resume":         {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/mute":           {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/unmute":         {campaigns.RoleOperator, "", nil, noContent},
	"POST /api/v1/operator/digits":         {campaigns.RoleOperator, "", map[string]string{"digits": "12#"}, noContent},

	"GET /api/v1/campaigns":                                {campaigns.RoleManager, "", nil, 200},
	"GET /api/v1/campaigns/{id}":                           {campaigns.RoleManager, "/api/v1/campaigns/spring", nil, 200},
	"PUT /api/v1/campaigns/{id}":                           {campaigns.RoleManager, "/api/v1/campaigns/summer", map[string]string{}, 422},
	"PATCH /api/v1/campaigns/{id}/pacing":                  {campaigns.RoleManager, "/api/v1/campaigns/spring/pacing", map[string]any{"max_ratio": 3}, 200},
	"POST /api/v1/campaigns/{id}/start":                    {campaigns.RoleManager, "/api/v1/campaigns/spring/start", nil, 200},
	"POST /api/v1/campaigns/{id}/pause":                    {campaigns.RoleManager, "/api/v1/campaigns/spring/pause", nil, 200},
	"POST /api/v1/campaigns/{id}/stop":                     {campaigns.RoleManager, "/api/v1/campaigns/spring/stop", nil, 200},
	"GET /api/v1/campaigns/{id}/pacing-log":                {campaigns.RoleManager, "/api/v1/campaigns/spring/pacing-log", nil, 200},
	"GET /api/v1/campaigns/{id}/forecast":                  {campaigns.RoleManager, "/api/v1/campaigns/spring/forecast", nil, 200},
	"GET /api/v1/campaigns/{id}/detection":                 {campaigns.RoleManager, "/api/v1/campaigns/spring/detection", nil, 200},
	"GET /api/v1/trunks/figures":                           {campaigns.RoleManager, "", nil, 200},
	"GET /api/v1/live":                                     {campaigns.RoleManager, "", nil, 200},
	"GET /api/v1/lists":                                    {campaigns.RoleManager, "", nil, 200},
	"POST /api/v1/lists/{id}/import":                       {campaigns.RoleManager, "/api/v1/lists/web/import", "number\n" + marker + "\nnone\n", 200},
	"GET /api/v1/leads":                                    {campaigns.RoleManager, "", nil, 200},
	"GET /api/v1/leads/{id}":                               {campaigns.RoleManager, "/api/v1/leads/1", nil, 200},
	"GET /api/v1/attempts":                                 {campaigns.RoleManager, "", nil, 200},
	"GET /api/v1/campaigns/{id}/explain":                   {campaigns.RoleManager, "/api/v1/campaigns/spring/explain", nil, 200},
	"GET /api/v1/campaigns/{id}/queues":                    {campaigns.RoleManager, "/api/v1/campaigns/spring/queues", nil, 200},
	"GET /api/v1/explain":                                  {campaigns.RoleManager, "/api/v1/explain?number=%2B48225557391", nil, 200},
	"POST /api/v1/operator/phone":                          {campaigns.RoleOperator, "", map[string]string{"sdp": "offer"}, 200},
	"DELETE /api/v1/operator/phone":                        {campaigns.RoleOperator, "", nil, noContent},
	"GET /api/v1/do-not-call":                              {campaigns.RoleManager, "", nil, 200},
	"POST /api/v1/do-not-call":                             {campaigns.RoleManager, "", map[string]string{"number": marker, "reason": "asked"}, noContent},
	"DELETE /api/v1/do-not-call":                           {campaigns.RoleAdmin, "/api/v1/do-not-call?number=%2B48225557391", nil, noContent},
	"GET /api/v1/recordings/{attempt}":                     {campaigns.RoleManager, "/api/v1/recordings/a1", nil, 200},
	"GET /api/v1/users":                                    {campaigns.RoleManager, "", nil, 200},
	"PUT /api/v1/users/{id}":                               {campaigns.RoleAdmin, "/api/v1/users/nina", map[string]string{"name": "Nina", "role": "operator"}, noContent},
	"GET /api/v1/webhooks":                                 {campaigns.RoleManager, "", nil, 200},
	"PUT /api/v1/webhooks/{id}":                            {campaigns.RoleManager, "/api/v1/webhooks/erp", map[string]string{"url": "https://erp.example"}, 200},
	"DELETE /api/v1/webhooks/{id}":                         {campaigns.RoleManager, "/api/v1/webhooks/none", nil, 404},
	"POST /api/v1/webhooks/{id}/rotate":                    {campaigns.RoleManager, "/api/v1/webhooks/crm/rotate", nil, 200},
	"POST /api/v1/webhooks/{id}/test":                      {campaigns.RoleManager, "/api/v1/webhooks/crm/test", nil, noContent},
	"GET /api/v1/webhooks/{id}/deliveries":                 {campaigns.RoleManager, "/api/v1/webhooks/crm/deliveries", nil, 200},
	"POST /api/v1/webhooks/{id}/deliveries/{event}/resend": {campaigns.RoleManager, "/api/v1/webhooks/crm/deliveries/evt_1/resend", nil, noContent},
	"GET /api/v1/audit":                                    {campaigns.RoleAdmin, "", nil, 200},
}

// routes are those of the OpenAPI document, as "METHOD path".
func (w *world) routes(t *testing.T) []string {
	t.Helper()
	var doc struct {
		OpenAPI string
		Paths   map[string]map[string]any
	}
	w.as(t, "", "GET", "/api/openapi.json", nil).want(t, 200).into(t, &doc)
	if !strings.HasPrefix(doc.OpenAPI, "3.1") {
		t.Errorf("openapi = %q, want 3.1", doc.OpenAPI)
	}
	var all []string
	for path, methods := range doc.Paths {
		for method := range methods {
			all = append(all, strings.ToUpper(method)+" "+path)
		}
	}
	slices.Sort(all)
	return all
}

// TestS20Access sends every route as everybody. What people without the right to
// see numbers get is searched for the marker.
func TestS20Access(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	routes := w.routes(t)
	for route := range matrix {
		if !slices.Contains(routes, route) {
			t.Errorf("%s is in the matrix and not in the document", route)
		}
	}
	roles := map[string]campaigns.Role{"": "", "olga": campaigns.RoleOperator, "mia": campaigns.RoleManager, "ada": campaigns.RoleAdmin}
	for _, route := range routes {
		row, ok := matrix[route]
		if !ok {
			t.Errorf("%s has no row: who may use it?", route)
			continue
		}
		for user, role := range roles {
			w.checkAccess(t, route, row, user, role)
		}
	}
}

func (w *world) checkAccess(t *testing.T, route string, row access, user string, role campaigns.Role) {
	t.Helper()
	method, path, _ := strings.Cut(route, " ")
	if row.path != "" {
		path = row.path
	}
	want := row.want
	switch {
	case row.role == "":
	case role == "":
		want = http.StatusUnauthorized
	case rank(role) < rank(row.role):
		want = http.StatusForbidden
	}
	token := ""
	if user != "" {
		token = w.signIn(t, campaigns.UserID(user), time.Hour) // logging out ends it
	}
	var got reply
	if path == "/api/v1/events/stream" {
		got = w.firstEvent(t, token)
	} else {
		got = w.send(t, token, method, path, row.body, nil)
	}
	if got.status != want {
		t.Errorf("%s as %q: status %d, want %d: %s", route, role, got.status, want, got.body)
	}
	if strings.Contains(got.body, marker[1:]) {
		t.Errorf("%s as %q shows a full number: %s", route, role, got.body)
	}
}

// TestNumbersShown is what TestS20Access rests on: whoever has the right sees the
// number at these places.
func TestNumbersShown(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	for _, path := range []string{
		"/api/v1/operator", "/api/v1/live", "/api/v1/leads", "/api/v1/leads/1", "/api/v1/attempts",
		"/api/v1/explain?number=%2B48225557391", "/api/v1/do-not-call",
	} {
		if got := w.as(t, "max", "GET", path, nil).want(t, 200); !strings.Contains(got.body, marker) {
			t.Errorf("%s does not show the number to who may see it: %s", path, got.body)
		}
	}
	if w.explainer.asked != marker {
		t.Errorf("explained %q, want %q", w.explainer.asked, marker)
	}
}

// TestLeadShown holds a lead's history to the same: entries and attempts too.
func TestLeadShown(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	var got leadDetail
	w.as(t, "mia", "GET", "/api/v1/leads/1", nil).want(t, 200).into(t, &got)
	if len(got.Entries) != 1 || len(got.Attempts) != 1 || len(got.Lead.Numbers) != 1 {
		t.Fatalf("entries %d, attempts %d, numbers %d, want 1 of each", len(got.Entries), len(got.Attempts), len(got.Lead.Numbers))
	}
	for _, number := range []string{got.Entries[0].Number, got.Attempts[0].Number, got.Lead.Numbers[0].E164} {
		if number != "+4822***7391" {
			t.Errorf("number = %q, want it masked", number)
		}
	}
	w.as(t, "mia", "GET", "/api/v1/leads/77", nil).want(t, 404)
}

func TestMaskNumber(t *testing.T) {
	for number, want := range map[string]string{
		"": "", "+48225550123": "+4822***0123", "+12125550123": "+1212***0123", "+4712345678": "***78",
		"+998901234567": "+9989***4567", "+1234": "***34", "112": "***",
	} {
		if got := MaskNumber(number); got != want {
			t.Errorf("MaskNumber(%q) = %q, want %q", number, got, want)
		}
	}
}
