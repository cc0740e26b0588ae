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
	who  roles
	path string // of the request, where the route has parameters
	body any
	want int
}

// roles are those who may use a route.
type roles []campaigns.Role

var (
	everybody   roles // without signing in, too
	signedIn    = roles{campaigns.RoleOperator, campaigns.RoleLead, campaigns.RoleManager, campaigns.RoleQA, campaigns.RoleCompliance, campaigns.RoleAdmin}
	callers     = roles{campaigns.RoleOperator, campaigns.RoleLead, campaigns.RoleManager, campaigns.RoleAdmin}
	listeners   = roles{campaigns.RoleLead, campaigns.RoleManager, campaigns.RoleAdmin}
	watchers    = roles{campaigns.RoleLead, campaigns.RoleManager, campaigns.RoleCompliance, campaigns.RoleAdmin}
	readers     = roles{campaigns.RoleLead, campaigns.RoleManager, campaigns.RoleQA, campaigns.RoleCompliance, campaigns.RoleAdmin}
	leadReaders = roles{campaigns.RoleManager, campaigns.RoleQA, campaigns.RoleCompliance, campaigns.RoleAdmin}
	onScreen    = append(slices.Clone(callers), campaigns.RoleQA, campaigns.RoleCompliance) // operators: what is on their screen
	suppressors = roles{campaigns.RoleManager, campaigns.RoleCompliance, campaigns.RoleAdmin}
	auditors    = roles{campaigns.RoleCompliance, campaigns.RoleAdmin}
	managers    = roles{campaigns.RoleManager, campaigns.RoleAdmin}
	admins      = roles{campaigns.RoleAdmin}
)

// hidden are routes that say 404 in place of 403: whether it is there is no business of
// who asks.
var hidden = []string{"GET /api/v1/recordings/{attempt}", "GET /api/v1/leads/{id}"}

const noContent = http.StatusNoContent

// matrix has one row for each route of the OpenAPI document.
var matrix = map[string]access{
	"POST /api/v1/login":         {everybody, "", map[string]string{"user": "nobody", "password": "wrong"}, 401},
	"POST /api/v1/login/link":    {everybody, "", map[string]string{"code": "wrong"}, 401},
	"GET /api/v1/login/ways":     {everybody, "", nil, 200},
	"POST /api/v1/logout":        {signedIn, "", nil, noContent},
	"GET /api/v1/tokens":         {signedIn, "", nil, 200},
	"POST /api/v1/tokens":        {signedIn, "", map[string]string{"name": "crm"}, 200},
	"DELETE /api/v1/tokens/{id}": {signedIn, "/api/v1/tokens/0123456789abcdef", nil, 404},
	"POST /api/v1/me/password":   {signedIn, "", map[string]string{"present": "wrong", "new": "long enough one"}, 403},
	"GET /api/v1/me":             {signedIn, "", nil, 200},

	"GET /api/v1/operator":                 {callers, "", nil, 200},
	"POST /api/v1/operator/on-duty":        {callers, "", nil, noContent},
	"POST /api/v1/operator/off-duty":       {callers, "", nil, noContent},
	"POST /api/v1/operator/ready":          {callers, "", nil, noContent},
	"POST /api/v1/operator/pause":          {callers, "", map[string]string{"reason": "lunch"}, noContent},
	"POST /api/v1/operator/stage":          {callers, "", map[string]string{"stage": "form"}, noContent},
	"POST /api/v1/operator/hangup":         {callers, "", nil, noContent},
	"POST /api/v1/operator/dial":           {callers, "", nil, noContent},
	"POST /api/v1/operator/skip":           {callers, "", nil, noContent},
	"POST /api/v1/operator/call":           {callers, "", map[string]int{"lead": 1}, 200},
	"POST /api/v1/operators/{id}/pause":    {listeners, "/api/v1/operators/olga/pause", nil, noContent},
	"POST /api/v1/operators/{id}/off-duty": {listeners, "/api/v1/operators/olga/off-duty", nil, noContent},
	"POST /api/v1/operators/{id}/campaign": {listeners, "/api/v1/operators/olga/campaign", map[string]string{"campaign": "spring"}, noContent},
	"POST /api/v1/operators/{id}/call":     {managers, "/api/v1/operators/olga/call", map[string]int{"lead": 1}, 200},
	"GET /api/v1/operator/callable":        {callers, "/api/v1/operator/callable?text=jan", nil, 200},
	"POST /api/v1/operator/disposition":    {callers, "", map[string]string{"disposition": "sale"}, noContent},
	"GET /api/v1/operator/history":         {callers, "", nil, 200},
	"GET /api/v1/operator/callback-times":  {callers, "/api/v1/operator/callback-times?day=2026-11-28", nil, 200},
	"GET /api/v1/operator/campaigns":       {callers, "", nil, 200},
	"GET /api/v1/operator/colleagues":      {callers, "", nil, 200},
	"GET /api/v1/operator/figures":         {callers, "", nil, 200},
	"PUT /api/v1/operator/draft":           {callers, "", map[string]string{"attempt": "a1", "note": ""}, noContent},
	"GET /api/v1/operator/draft":           {callers, "", nil, 404},
	"DELETE /api/v1/operator/draft":        {callers, "", nil, noContent},
	"GET /api/v1/events":                   {everybody, "", nil, 426}, // who asks without a WebSocket; see TestSocketRights
	"GET /api/v1/events/stream":            {signedIn, "", nil, 200},
	"POST /api/v1/operator/consult":        {callers, "", map[string]any{"to": map[string]string{"operator": "bob"}}, noContent},
	"POST /api/v1/operator/transfer":       {callers, "", nil, noContent},
	"POST /api/v1/operator/confer":         {callers, "", nil, noContent},
	"POST /api/v1/operator/return":         {callers, "", nil, noContent},
	"POST /api/v1/operator/machine":        {callers, "", nil, noContent},
	"POST /api/v1/calls/{attempt}/listen":  {listeners, "/api/v1/calls/a1/listen", nil, noContent},
	"POST /api/v1/calls/{attempt}/whisper": {listeners, "/api/v1/calls/a1/whisper", nil, noContent},
	"POST /api/v1/calls/{attempt}/barge":   {listeners, "/api/v1/calls/a1/barge", nil, noContent},
	"POST /api/v1/calls/leave":             {listeners, "", nil, noContent},
	"POST /api/v1/operator/hold":           {callers, "", nil, noContent},
	"POST /api/v1/operator/resume":         {callers, "", nil, noContent},
	"POST /api/v1/operator/mute":           {callers, "", nil, noContent},
	"POST /api/v1/operator/unmute":         {callers, "", nil, noContent},
	"POST /api/v1/operator/digits":         {callers, "", map[string]string{"digits": "12#"}, noContent},

	"GET /api/v1/campaigns":                                {readers, "", nil, 200},
	"GET /api/v1/campaigns/{id}":                           {readers, "/api/v1/campaigns/spring", nil, 200},
	"PUT /api/v1/campaigns/{id}":                           {managers, "/api/v1/campaigns/summer", map[string]string{}, 422},
	"PATCH /api/v1/campaigns/{id}/pacing":                  {managers, "/api/v1/campaigns/spring/pacing", map[string]any{"max_ratio": 3}, 428},
	"POST /api/v1/campaigns/{id}/start":                    {managers, "/api/v1/campaigns/spring/start", nil, 200},
	"POST /api/v1/campaigns/{id}/pause":                    {managers, "/api/v1/campaigns/spring/pause", nil, 200},
	"POST /api/v1/campaigns/{id}/stop":                     {managers, "/api/v1/campaigns/spring/stop", nil, 200},
	"GET /api/v1/campaigns/{id}/pacing-log":                {readers, "/api/v1/campaigns/spring/pacing-log", nil, 200},
	"POST /api/v1/campaigns/{id}/segments/count":           {managers, "/api/v1/campaigns/spring/segments/count", map[string]any{"segments": []string{}}, 200},
	"GET /api/v1/campaigns/{id}/forecast":                  {readers, "/api/v1/campaigns/spring/forecast", nil, 200},
	"GET /api/v1/campaigns/{id}/detection":                 {readers, "/api/v1/campaigns/spring/detection", nil, 200},
	"GET /api/v1/trunks/figures":                           {watchers, "", nil, 200},
	"GET /api/v1/live":                                     {watchers, "", nil, 200},
	"GET /api/v1/lists":                                    {leadReaders, "", nil, 200},
	"POST /api/v1/lists/{id}/import":                       {managers, "/api/v1/lists/web/import", "number\n" + marker + "\nnone\n", 200},
	"GET /api/v1/leads":                                    {leadReaders, "", nil, 200},
	"GET /api/v1/leads/{id}":                               {onScreen, "/api/v1/leads/1", nil, 200},
	"GET /api/v1/lists/{id}":                               {leadReaders, "/api/v1/lists/web", nil, 200},
	"PATCH /api/v1/lists/{id}":                             {managers, "/api/v1/lists/web", map[string]string{}, 428},
	"PATCH /api/v1/leads/{id}":                             {managers, "/api/v1/leads/1", map[string]string{}, 428},
	"GET /api/v1/leads/export":                             {admins, "/api/v1/leads/export?list=web", nil, 200},
	"POST /api/v1/lists/{id}/leads":                        {managers, "/api/v1/lists/web/leads", map[string]any{"items": []any{row("a", "A", "+48225550101")}}, 200},
	"PUT /api/v1/lists/{id}/leads/{external_id}":           {managers, "/api/v1/lists/web/leads/b", row("", "B", "+48225550102"), 200},
	"GET /api/v1/attempts/export":                          {admins, "", nil, 200},
	"GET /api/v1/attempts":                                 {leadReaders, "", nil, 200},
	"GET /api/v1/campaigns/{id}/explain":                   {readers, "/api/v1/campaigns/spring/explain", nil, 200},
	"GET /api/v1/campaigns/{id}/queues":                    {readers, "/api/v1/campaigns/spring/queues", nil, 200},
	"GET /api/v1/explain":                                  {leadReaders, "/api/v1/explain?number=%2B48225557391", nil, 200},
	"POST /api/v1/operator/phone":                          {callers, "", map[string]string{"sdp": "offer"}, 200},
	"DELETE /api/v1/operator/phone":                        {callers, "", nil, noContent},
	"GET /api/v1/do-not-call":                              {suppressors, "", nil, 200},
	"POST /api/v1/do-not-call":                             {suppressors, "", map[string]string{"number": marker, "reason": "asked"}, noContent},
	"POST /api/v1/do-not-call/import":                      {suppressors, "/api/v1/do-not-call/import?reason=asked", "number\n" + marker + "\nnone\n", 200},
	"DELETE /api/v1/do-not-call":                           {admins, "/api/v1/do-not-call?number=%2B48225557391", nil, noContent},
	"GET /api/v1/recordings/{attempt}":                     {readers, "/api/v1/recordings/a1", nil, 200},
	"GET /api/v1/users":                                    {leadReaders, "", nil, 200},
	"PUT /api/v1/users/{id}":                               {admins, "/api/v1/users/nina", map[string]string{"name": "Nina", "role": "operator"}, noContent},
	"DELETE /api/v1/users/{id}/identity":                   {admins, "/api/v1/users/olga/identity", nil, 404},
	"GET /api/v1/login/oidc":                               {everybody, "", nil, 404}, // without a provider; see TestProvider
	"GET /api/v1/login/oidc/callback":                      {everybody, "", nil, 404},
	"GET /api/v1/logout/oidc":                              {everybody, "", nil, 404},
	"GET /api/v1/webhooks":                                 {managers, "", nil, 200},
	"PUT /api/v1/webhooks/{id}":                            {managers, "/api/v1/webhooks/erp", map[string]string{"url": "https://erp.example"}, 200},
	"DELETE /api/v1/webhooks/{id}":                         {managers, "/api/v1/webhooks/none", nil, 404},
	"POST /api/v1/webhooks/{id}/rotate":                    {managers, "/api/v1/webhooks/crm/rotate", nil, 200},
	"POST /api/v1/webhooks/{id}/test":                      {managers, "/api/v1/webhooks/crm/test", nil, noContent},
	"GET /api/v1/webhooks/{id}/deliveries":                 {managers, "/api/v1/webhooks/crm/deliveries", nil, 200},
	"POST /api/v1/webhooks/{id}/deliveries/{event}/resend": {managers, "/api/v1/webhooks/crm/deliveries/evt_1/resend", nil, noContent},
	"DELETE /api/v1/lists/{id}":                            {managers, "/api/v1/lists/web", nil, 428},
	"GET /api/v1/audit":                                    {auditors, "", nil, 200},
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
	w := newWorldWith(t, Config{LoginsPerMinute: 1000}) // everybody fails to sign in
	w.fill(t)
	routes := w.routes(t)
	for route := range matrix {
		if !slices.Contains(routes, route) {
			t.Errorf("%s is in the matrix and not in the document", route)
		}
	}
	people := map[string]campaigns.Role{"": "", "olga": campaigns.RoleOperator, "lea": campaigns.RoleLead, "mia": campaigns.RoleManager,
		"quin": campaigns.RoleQA, "cora": campaigns.RoleCompliance, "ada": campaigns.RoleAdmin}
	for _, route := range routes {
		row, ok := matrix[route]
		if !ok {
			t.Errorf("%s has no row: who may use it?", route)
			continue
		}
		for user, role := range people {
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
	case row.who == nil:
	case role == "":
		want = http.StatusUnauthorized
	case !slices.Contains(row.who, role) && slices.Contains(hidden, route):
		want = http.StatusNotFound
	case !slices.Contains(row.who, role):
		want = http.StatusForbidden
	}
	token := ""
	if user != "" {
		token = w.signIn(t, campaigns.UserID(user), time.Hour) // logging out ends it
	}
	if method == "DELETE" && row.want == noContent { // somebody before them took it off
		err := w.store.Suppress(t.Context(), campaigns.Suppression{E164: marker, Reason: "asked", Source: "operator", At: time.Now()})
		if err != nil {
			t.Fatal(err)
		}
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
