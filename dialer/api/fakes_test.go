package api

import (
	"bytes"
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/fstest"
	"time"

	"go.uber.org/goleak"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/campaigns/sqlite"
	"github.com/outpace-dialer/outpace/campaigns/sqlite/sqlitetest"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// guesses is how many wrong passwords an address or account may send a minute.
const guesses = 4

// marker is a number that nobody without the right may read in full.
const marker = "+48225557391"

// fakeEngine notes what it is told, as "Verb user argument".
type fakeEngine struct {
	mu    sync.Mutex
	told  []string
	said  dialer.Said
	set   []campaigns.Campaign
	tally campaigns.Tally
	err   error // of every command
	idle  bool  // nobody is on the screen
	later bool  // attempt a2 is, with the lead of a1
	asked bool  // a call is asked for, and not begun

	others []dialer.OperatorView // on duty besides olga
}

func (e *fakeEngine) tell(words ...string) error {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.told = append(e.told, strings.TrimSpace(strings.Join(words, " ")))
	return e.err
}

func (e *fakeEngine) heard() []string {
	e.mu.Lock()
	defer e.mu.Unlock()
	return slices.Clone(e.told)
}

func (e *fakeEngine) fail(err error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	e.err = err
}

func (e *fakeEngine) OnDuty(_ context.Context, u campaigns.UserID, c campaigns.CampaignID) error {
	return e.tell("OnDuty", string(u), string(c))
}
func (e *fakeEngine) OffDuty(_ context.Context, u campaigns.UserID) error {
	return e.tell("OffDuty", string(u))
}
func (e *fakeEngine) Ready(_ context.Context, u campaigns.UserID) error {
	return e.tell("Ready", string(u))
}
func (e *fakeEngine) Pause(_ context.Context, u campaigns.UserID, reason string) error {
	return e.tell("Pause", string(u), reason)
}
func (e *fakeEngine) Stage(_ context.Context, u campaigns.UserID, a campaigns.AttemptID, stage string) error {
	return e.tell("Stage", string(u), string(a), stage)
}
func (e *fakeEngine) HangUp(_ context.Context, u campaigns.UserID) error {
	return e.tell("HangUp", string(u))
}
func (e *fakeEngine) Hold(_ context.Context, u campaigns.UserID) error {
	return e.tell("Hold", string(u))
}
func (e *fakeEngine) Resume(_ context.Context, u campaigns.UserID) error {
	return e.tell("Resume", string(u))
}
func (e *fakeEngine) Mute(_ context.Context, u campaigns.UserID) error {
	return e.tell("Mute", string(u))
}
func (e *fakeEngine) Unmute(_ context.Context, u campaigns.UserID) error {
	return e.tell("Unmute", string(u))
}
func (e *fakeEngine) SendDigits(_ context.Context, u campaigns.UserID, digits string) error {
	return e.tell("SendDigits", string(u), digits)
}
func (e *fakeEngine) Consult(_ context.Context, u campaigns.UserID, to dialer.Target) error {
	return e.tell("Consult", string(u), words(to))
}
func (e *fakeEngine) Transfer(_ context.Context, u campaigns.UserID, to *dialer.Target) error {
	if to == nil {
		return e.tell("Transfer", string(u))
	}
	return e.tell("Transfer", string(u), words(*to))
}
func words(to dialer.Target) string {
	return strings.Join([]string{string(to.Operator), string(to.Campaign), to.Number}, "|")
}
func (e *fakeEngine) Confer(_ context.Context, u campaigns.UserID) error {
	return e.tell("Confer", string(u))
}
func (e *fakeEngine) Return(_ context.Context, u campaigns.UserID) error {
	return e.tell("Return", string(u))
}
func (e *fakeEngine) MachineAnswered(_ context.Context, u campaigns.UserID, a campaigns.AttemptID) error {
	return e.tell("MachineAnswered", string(u), string(a))
}
func (e *fakeEngine) ListenIn(_ context.Context, u campaigns.UserID, id campaigns.AttemptID, as dialer.Presence) error {
	return e.tell("ListenIn", string(u), string(id), string(as))
}
func (e *fakeEngine) StopListening(_ context.Context, u campaigns.UserID) error {
	return e.tell("StopListening", string(u))
}
func (e *fakeEngine) DialPreview(_ context.Context, u campaigns.UserID) error {
	return e.tell("DialPreview", string(u))
}
func (e *fakeEngine) Move(_ context.Context, u campaigns.UserID, to campaigns.CampaignID) error {
	return e.tell("Move", string(u), string(to))
}

func (e *fakeEngine) CallLead(_ context.Context, u campaigns.UserID, c dialer.Choice) (campaigns.AttemptID, error) {
	return "own", e.tell("CallLead", string(u), string(c.Campaign), fmt.Sprint(c.Lead), c.Number)
}
func (e *fakeEngine) SkipPreview(_ context.Context, u campaigns.UserID) error {
	return e.tell("SkipPreview", string(u))
}

func (e *fakeEngine) Dispose(_ context.Context, u campaigns.UserID, s dialer.Said) error {
	e.mu.Lock()
	e.said = s
	e.mu.Unlock()
	return e.tell("Dispose", string(u), s.Disposition)
}

func (e *fakeEngine) SetCampaign(_ context.Context, c campaigns.Campaign, t campaigns.Tally) error {
	e.mu.Lock()
	e.set, e.tally = append(e.set, c), t
	e.mu.Unlock()
	return e.tell("SetCampaign", string(c.ID), string(c.State))
}

func (e *fakeEngine) Operator(_ context.Context, u campaigns.UserID) (dialer.OperatorView, error) {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.idle {
		return dialer.OperatorView{User: u, State: operator.Ready}, nil
	}
	if e.asked {
		return dialer.OperatorView{User: u, State: operator.Reserved, Attempt: "own"}, nil
	}
	v := talking(u)
	if e.later {
		v.Attempt = "a2"
	}
	return v, nil
}

func (e *fakeEngine) Snapshot(context.Context) (dialer.Snapshot, error) {
	spring := dialer.CampaignView{ID: "spring", State: campaigns.Running, Why: "no operator is at work"}
	return dialer.Snapshot{Node: "node-1", Calls: 1, Campaigns: []dialer.CampaignView{spring}, Operators: append([]dialer.OperatorView{talking("olga")}, e.others...)}, nil
}

// talking is an operator with the marker's owner on the line.
func talking(u campaigns.UserID) dialer.OperatorView {
	return dialer.OperatorView{
		User: u, State: operator.Talking, Campaign: "spring", MayDial: true, Number: marker, Attempt: "a1", Zones: []string{"Europe/Warsaw"},
		Lead: &campaigns.Lead{ID: 1, Name: "Jan", Numbers: []campaigns.Number{{E164: marker}}, ExternalID: "A/7", Fields: map[string]string{"policy": "88 & 1"}},
		CRM:  campaigns.CRM{URL: "https://crm.example/?phone={phone}&id={external_id}&who={operator}&policy={policy}&lead={id}&none={none}"},
	}
}

// fakeExplainer knows one number.
type fakeExplainer struct{ asked string }

func (x *fakeExplainer) ExplainCampaign(_ context.Context, c campaigns.CampaignID, now time.Time) (eligibility.Waterfall, error) {
	if c != "spring" {
		return eligibility.Waterfall{}, campaigns.ErrNotFound
	}
	return eligibility.Waterfall{Campaign: c, At: now, Steps: []eligibility.Step{{Name: "total", Leads: 7}}}, nil
}

func (x *fakeExplainer) Explain(_ context.Context, number string, _ time.Time) ([]Explanation, error) {
	x.asked = number
	return []Explanation{{Campaign: "spring", Lead: 1, Number: marker, Gates: []Gate{{Name: "window", OK: true, Detail: "09:00 to 20:00"}}}}, nil
}

// CallTimes knows that nobody is called at ten.
func (x *fakeExplainer) CallTimes(_ context.Context, c campaigns.CampaignID, n campaigns.Number, day string) ([]CallTime, error) {
	if c != "spring" || n.E164 != marker {
		return nil, campaigns.ErrNotFound
	}
	return []CallTime{
		{Local: day + "T09:30", Open: true},
		{Local: day + "T10:00", ClosedBy: &Closing{Rule: "PL", Zone: "Europe/Warsaw", Day: "weekday", Hours: "09:00-10:00"}},
	}, nil
}

// fakeDrafts keep drafts in memory.
type fakeDrafts map[campaigns.UserID]Draft

func (f fakeDrafts) Keep(user campaigns.UserID, d Draft) error {
	f[user] = d
	return nil
}

func (f fakeDrafts) Draft(user campaigns.UserID) (Draft, error) {
	if d, ok := f[user]; ok {
		return d, nil
	}
	return Draft{}, campaigns.ErrNotFound
}

func (f fakeDrafts) Drop(user campaigns.UserID) error {
	delete(f, user)
	return nil
}

// fakeForecaster notes what it was asked; it knows spring alone.
type fakeForecaster struct {
	mu      sync.Mutex
	other   campaigns.Pacing
	horizon time.Duration
}

func (f *fakeForecaster) Forecast(_ context.Context, c campaigns.CampaignID, other campaigns.Pacing, horizon time.Duration) (Forecasts, error) {
	if c != "spring" {
		return Forecasts{}, dialer.ErrNotHere
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	f.other, f.horizon = other, horizon
	return Forecasts{Horizon: horizon.Seconds(), Other: Forecast{Mode: other.Mode, Utilisation: 0.9}}, nil
}

// fakeRecordings has one file and notes what was asked for.
type fakeRecordings struct {
	mu    sync.Mutex
	asked []string
}

func (r *fakeRecordings) Open(path string) (http.File, error) {
	r.mu.Lock()
	r.asked = append(r.asked, path)
	r.mu.Unlock()
	return http.FS(fstest.MapFS{"2026/a1.wav": {Data: []byte("RIFF0123456789")}}).Open(path)
}

// world is a server with a real store and a fake engine, and people: olga is an
// operator, mia a manager, ada an administrator, and none of them may see
// numbers; max is a manager who may.
type world struct {
	*httptest.Server
	api        *Server
	store      *sqlite.Store
	engine     *fakeEngine
	explainer  *fakeExplainer
	recordings *fakeRecordings
	forecaster *fakeForecaster
	phones     *fakePhones
	hub        *Hub
	drafts     fakeDrafts
	tokens     map[string]string // of each user
}

func newWorld(t testing.TB) *world {
	t.Helper()
	return newWorldWith(t, Config{LoginsPerMinute: guesses})
}

func newWorldWith(t testing.TB, cfg Config) *world {
	t.Helper()
	store := sqlitetest.Open(t, filepath.Join(t.TempDir(), "store.db"))
	t.Cleanup(func() { store.Close() })
	w := &world{
		store: store, engine: &fakeEngine{}, explainer: &fakeExplainer{}, recordings: &fakeRecordings{}, forecaster: &fakeForecaster{}, phones: &fakePhones{}, hub: NewHub(), drafts: fakeDrafts{}, tokens: map[string]string{},
	}
	w.api = New(cfg, Deps{
		Engine: w.engine, Records: store, Explainer: w.explainer, Recordings: w.recordings, PacingLog: store, Forecaster: w.forecaster, Phones: w.phones, Detection: measured, Hub: w.hub, Drafts: w.drafts,
		PhoneSecrets: func(user, password string) (string, string) { return "md5 of " + password, "sha of " + password },
		Page:         http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) { io.WriteString(w, "page") }),
		Webhooks:     fakeWebhooks{},
		Prompts:      []string{"call-back", "safe-harbor"},
		Version:      "test", Log: zap.NewNop(),
	})
	w.Server = httptest.NewServer(w.api.Handler())
	t.Cleanup(w.Close)
	for _, u := range []campaigns.User{
		{ID: "olga", Role: campaigns.RoleOperator, Team: "north"},
		{ID: "mia", Role: campaigns.RoleManager},
		{ID: "max", Role: campaigns.RoleManager, SeesNumbers: true},
		{ID: "lea", Role: campaigns.RoleLead, Team: "north"},
		{ID: "quin", Role: campaigns.RoleQA},
		{ID: "cora", Role: campaigns.RoleCompliance},
		{ID: "ada", Role: campaigns.RoleAdmin},
	} {
		if err := store.SaveUser(t.Context(), u); err != nil {
			t.Fatal(err)
		}
		w.tokens[string(u.ID)] = w.signIn(t, u.ID, time.Hour)
	}
	return w
}

// signIn makes a token that lasts for a while.
func (w *world) signIn(t testing.TB, user campaigns.UserID, lasts time.Duration) string {
	t.Helper()
	token, hash := NewToken()
	err := w.store.SaveToken(t.Context(), campaigns.Token{Hash: hash, User: user, Name: "test", CreatedAt: time.Now(), ExpiresAt: time.Now().Add(lasts)})
	if err != nil {
		t.Fatal(err)
	}
	return token
}

// reply is an answer that was read to its end.
type reply struct {
	status int
	header http.Header
	body   string
}

// as sends a request of a user; "" is nobody. body is sent as it is where it is
// a string, else as JSON; nil is none.
func (w *world) as(t *testing.T, user, method, path string, body any) reply {
	t.Helper()
	return w.send(t, w.tokens[user], method, path, body, nil)
}

func (w *world) send(t *testing.T, token, method, path string, body any, header http.Header) reply {
	t.Helper()
	var content io.Reader
	switch b := body.(type) {
	case nil:
	case io.Reader:
		content = b
	case string:
		content = strings.NewReader(b)
	default:
		text, err := json.Marshal(b)
		if err != nil {
			t.Fatal(err)
		}
		content = bytes.NewReader(text)
	}
	req, err := http.NewRequestWithContext(t.Context(), method, w.URL+path, content)
	if err != nil {
		t.Fatal(err)
	}
	if token != "" {
		req.Header.Set("Authorization", "Bearer "+token)
	}
	for k, v := range header {
		req.Header[k] = v
	}
	res, err := w.Client().Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return reply{res.StatusCode, res.Header, string(text)}
}

// want fails the test where the status is another.
func (r reply) want(t *testing.T, status int) reply {
	t.Helper()
	if r.status != status {
		t.Fatalf("status %d, want %d: %s", r.status, status, r.body)
	}
	return r
}

// into reads the answer's JSON.
func (r reply) into(t *testing.T, v any) {
	t.Helper()
	if err := json.Unmarshal([]byte(r.body), v); err != nil {
		t.Fatalf("%v: %s", err, r.body)
	}
}

// spring is a campaign that may run.
func spring() campaigns.Campaign {
	return campaigns.Campaign{
		ID: "spring", Name: "Spring", Lists: []campaigns.ListID{"web"}, Segments: []campaigns.Segment{},
		Trunks: "default", CallerIDs: []string{"+48221110000"},
		Pacing: campaigns.Pacing{Mode: campaigns.Progressive}, Dispositions: campaigns.DefaultDispositions(),
	}
}

// fill puts a campaign, a list, a lead with one recorded attempt, and a
// do-not-call entry into the store, each with the marker.
func (w *world) fill(t *testing.T) {
	t.Helper()
	ctx, now := t.Context(), time.Now()
	must := func(err error) {
		t.Helper()
		if err != nil {
			t.Fatal(err)
		}
	}
	_, err := w.store.SaveEndpoint(ctx, campaigns.Endpoint{ID: "crm", URL: "https://crm.example/", Secrets: []campaigns.Secret{{Text: "whsec_c2VjcmV0"}}})
	must(err)
	must(w.store.Publish(ctx, "", campaigns.NewEvent("1", campaigns.CallBridged, now, "lead 1", map[string]string{"number": marker})))
	must(w.store.SaveList(ctx, campaigns.List{ID: "web", Name: "Web", CreatedAt: now}))
	_, err = w.store.SaveCampaign(ctx, spring())
	must(err)
	_, err = w.store.AddLeads(ctx, "web", []campaigns.Lead{{
		Name: "Jan", Numbers: []campaigns.Number{{E164: marker, Kind: campaigns.Mobile, Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}},
	}})
	must(err)
	now = time.Now() // the lead is due by now
	queues, err := w.store.Queues(ctx, "spring", now)
	must(err)
	var ids []campaigns.QueueID
	for _, q := range queues {
		ids = append(ids, q.QueueID)
	}
	claims, err := w.store.Claim(ctx, campaigns.ClaimRequest{Queues: ids, Limit: 1, Node: "node-1", Lease: time.Minute, Now: now})
	must(err)
	if len(claims) != 1 {
		t.Fatalf("claims = %d, want 1", len(claims))
	}
	must(w.store.Begin(ctx, campaigns.Intent{Attempt: "a1", Claim: claims[0], Trunk: "main", CallerID: "+48221110000", Dialog: []byte(marker), At: now}))
	must(w.store.End(ctx, campaigns.Ending{Attempt: "a1", Outcome: campaigns.Connected, Operator: "olga", Recording: "2026/a1.wav", Audio: &campaigns.Audio{Customer: &campaigns.LegAudio{Received: 900, MOS: 4.1}}, Next: campaigns.Next{Done: true}, At: now}))
	must(w.store.Suppress(ctx, campaigns.Suppression{E164: marker, Reason: "asked", Source: "operator", At: now}))
}

// fakeWebhooks take every URL that is not of this machine.
type fakeWebhooks struct{}

func (fakeWebhooks) CheckURL(url string) error {
	if !strings.HasPrefix(url, "https://") {
		return errors.New("url: not https")
	}
	return nil
}
func (fakeWebhooks) NewSecret() string { return "whsec_" + rand.Text() }
func (fakeWebhooks) Look()             {}
