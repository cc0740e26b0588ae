// Package api is the HTTP door: a REST API described by OpenAPI 3.1, an event
// stream, sign-in and roles. It turns requests into commands of the engine and
// calls of the records, and decides nothing itself.
//
// Every route names the right that it needs; a route without one does not
// compile. What belongs to an operator is taken from who is signed in, never
// from the request.
//
// Two things narrow what a right opens. Who has campaigns sees and changes what is of
// those. A team lead sees and hears the calls of their team and their own, so a lead of no
// team nobody else's: a team that somebody forgot to set shows too little, not too much.
package api

import (
	"context"
	"iter"
	"net/http"
	"path"
	"reflect"
	"strings"
	"sync"
	"sync/atomic"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"github.com/danielgtaylor/huma/v2/adapters/humago"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// Engine is what the API asks of the engine.
type Engine interface {
	OnDuty(ctx context.Context, user campaigns.UserID, c campaigns.CampaignID) error
	OffDuty(ctx context.Context, user campaigns.UserID) error
	Move(ctx context.Context, user campaigns.UserID, to campaigns.CampaignID) error
	Ready(ctx context.Context, user campaigns.UserID) error
	Pause(ctx context.Context, user campaigns.UserID, reason string) error
	Stage(ctx context.Context, user campaigns.UserID, attempt campaigns.AttemptID, stage string) error
	HangUp(ctx context.Context, user campaigns.UserID) error
	Hold(ctx context.Context, user campaigns.UserID) error
	Resume(ctx context.Context, user campaigns.UserID) error
	Mute(ctx context.Context, user campaigns.UserID) error
	Unmute(ctx context.Context, user campaigns.UserID) error
	SendDigits(ctx context.Context, user campaigns.UserID, digits string) error
	Consult(ctx context.Context, user campaigns.UserID, to dialer.Target) error
	Transfer(ctx context.Context, user campaigns.UserID, to *dialer.Target) error
	Confer(ctx context.Context, user campaigns.UserID) error
	Return(ctx context.Context, user campaigns.UserID) error
	MachineAnswered(ctx context.Context, user campaigns.UserID, attempt campaigns.AttemptID) error
	ListenIn(ctx context.Context, user campaigns.UserID, id campaigns.AttemptID, as dialer.Presence) error
	StopListening(ctx context.Context, user campaigns.UserID) error
	Dispose(ctx context.Context, user campaigns.UserID, s dialer.Said) error
	DialPreview(ctx context.Context, user campaigns.UserID) error
	SkipPreview(ctx context.Context, user campaigns.UserID) error
	CallLead(ctx context.Context, user campaigns.UserID, choice dialer.Choice) (campaigns.AttemptID, error)
	Operator(ctx context.Context, user campaigns.UserID) (dialer.OperatorView, error)
	Snapshot(ctx context.Context) (dialer.Snapshot, error)
	SetCampaign(ctx context.Context, c campaigns.Campaign, t campaigns.Tally) error
}

// Explainer says why a lead is dialled or not, and where those of a campaign are
// held up; app hands in the rules.
type Explainer interface {
	Explain(ctx context.Context, number string, now time.Time) ([]Explanation, error)
	ExplainCampaign(ctx context.Context, c campaigns.CampaignID, now time.Time) (eligibility.Waterfall, error)
	// CallTimes are the half hours of a day of the number's owner, 2026-03-02, and
	// whether the rules allow a call of the campaign in them.
	CallTimes(ctx context.Context, c campaigns.CampaignID, n campaigns.Number, day string) ([]CallTime, error)
}

// Explanation is the verdict on one number in one campaign, gate by gate.
type Explanation struct {
	Campaign campaigns.CampaignID `json:"campaign"`
	Lead     campaigns.LeadID     `json:"lead"`
	Number   string               `json:"number"`
	Allowed  bool                 `json:"allowed"`
	Next     time.Time            `json:"next,omitzero"` // when it may be called; zero: never, or now
	Gates    []Gate               `json:"gates"`
}

// Gate is one rule with its verdict.
type Gate struct {
	Name   string    `json:"name"`
	OK     bool      `json:"ok"`
	Detail string    `json:"detail,omitempty"`
	Next   time.Time `json:"next,omitzero"`
}

// PacingLog is the recorded pacing of campaigns, up to the present; app hands it
// in. See campaigns.PacingRecords.
type PacingLog interface {
	PacingLog(ctx context.Context, c campaigns.CampaignID, from, to time.Time) iter.Seq2[campaigns.PacingChunk, error]
}

// Config are the API's own settings.
type Config struct {
	// SessionFor is how long a sign-in lasts; default 12 h.
	SessionFor time.Duration `yaml:"session_for"`
	// IdleFor is how long a session lasts that nobody uses: no request, and no page with
	// the event stream open; default 30 min.
	IdleFor time.Duration `yaml:"idle_for"`
	// BehindHTTPS says that a proxy in front speaks HTTPS with browsers, so that cookies
	// are for HTTPS alone.
	BehindHTTPS bool `yaml:"behind_https"`
	// LoginsPerMinute is how many failed sign-ins one address or account may
	// make; default 5.
	LoginsPerMinute int `yaml:"logins_per_minute"`
	// RequestsPerSecond is how much one token may ask for in the long run; default 50.
	RequestsPerSecond int `yaml:"requests_per_second"`
}

// Server serves the API and the live page.
type Server struct {
	cfg          Config
	engine       Engine
	records      campaigns.Records
	explainer    Explainer
	recordings   Recordings
	peers        Peers // nil: the store is this node's alone
	others       func(context.Context) []dialer.Snapshot
	pacingLog    PacingLog
	forecaster   Forecaster
	trunks       func() []TrunkFigures
	phones       BrowserPhone
	detection    DetectionReport
	hub          *Hub
	drafts       Drafts
	listDeleted  func()         // nil: nobody is told
	linking      sync.Mutex     // a link is used once
	provider     *oidc.Provider // nil: people sign in with passwords alone
	providerDown atomic.Bool    // and that is logged
	phoneSecrets PhoneSecrets
	webhooks     Webhooks
	outbox       campaigns.Outbox
	prompts      []string
	logins       *throttle
	remembered   *remembered
	teams        teams
	cursors      cursorKey
	hashing      chan struct{} // bounds parallel password hashes
	log          *zap.Logger
	handler      http.Handler
}

// Deps are what the server works with.
type Deps struct {
	Engine     Engine
	Records    campaigns.Records
	Explainer  Explainer
	Recordings Recordings
	Peers      Peers // nil: the store is this node's alone
	// Others is what is live on the other nodes, by name, without those of whom nothing
	// was heard for some seconds; it answers soon. Nil: there are none.
	Others       func(context.Context) []dialer.Snapshot
	PacingLog    PacingLog
	Forecaster   Forecaster
	Trunks       func() []TrunkFigures // of this node
	Phones       BrowserPhone          // nil: no routes and events of phones
	Detection    DetectionReport
	Hub          *Hub
	Drafts       Drafts
	Provider     *oidc.Provider // nil: people sign in with passwords alone
	PhoneSecrets PhoneSecrets
	Webhooks     Webhooks     // nil: no routes of webhooks
	Prompts      []string     // messages that campaigns may name; nil: not checked
	Page         http.Handler // the live page
	SIP          http.Handler // of phones over WebSocket; nil: there are none
	Version      string
	Log          *zap.Logger
	// ListDeleted is told that a list was deleted, whose leads are to go; it answers at
	// once. Nil: nobody is told.
	ListDeleted func()
}

// New returns a server whose Handler is ready.
func New(cfg Config, d Deps) *Server {
	if cfg.SessionFor <= 0 {
		cfg.SessionFor = 12 * time.Hour
	}
	if cfg.IdleFor <= 0 {
		cfg.IdleFor = 30 * time.Minute
	}
	if cfg.LoginsPerMinute <= 0 {
		cfg.LoginsPerMinute = 5
	}
	if cfg.RequestsPerSecond <= 0 {
		cfg.RequestsPerSecond = 50
	}
	s := &Server{
		trunks: d.Trunks,
		cfg:    cfg, engine: d.Engine, records: d.Records, explainer: d.Explainer, recordings: d.Recordings, peers: d.Peers, others: d.Others, pacingLog: d.PacingLog, forecaster: d.Forecaster, phones: d.Phones, detection: d.Detection,
		hub: d.Hub, drafts: d.Drafts, phoneSecrets: d.PhoneSecrets, prompts: d.Prompts, remembered: newRemembered(), logins: newThrottle(cfg.LoginsPerMinute, time.Minute), hashing: make(chan struct{}, parallelHashes), log: d.Log,
	}
	if outbox, ok := campaigns.As[campaigns.Outbox](d.Records); ok && d.Webhooks != nil {
		s.webhooks, s.outbox = d.Webhooks, outbox
	}
	s.provider = d.Provider
	s.listDeleted = d.ListDeleted
	mux := http.NewServeMux()
	hc := huma.DefaultConfig("Outpace", d.Version)
	hc.OpenAPIPath, hc.DocsPath, hc.SchemasPath = "/api/openapi", "", "/api/schemas"
	hc.CreateHooks = nil // no $schema in every answer
	hc.Components.Schemas = huma.NewMapRegistry(schemas, schemaName)
	hc.Components.Schemas.RegisterTypeAlias(decisionType, reflect.TypeFor[pacingDecision]())
	describeWords(hc.Components.Schemas)
	hc.Components.SecuritySchemes = map[string]*huma.SecurityScheme{"token": {Type: "http", Scheme: "bearer"}}
	api := humago.New(mux, hc)
	s.routeSession(api)
	s.routeProvider(mux, api)
	s.routeTokens(api)
	s.routeOperator(api)
	s.routeTalk(api)
	s.routeManual(api)
	s.routeFloor(api)
	if s.phones != nil {
		s.routePhone(api)
	}
	s.routeDesk(api)
	s.routeCampaigns(api)
	s.routeForecast(api)
	s.routeSegmentCount(api)
	s.routeTrunks(api)
	s.routeDetection(api)
	s.routeLeads(api)
	s.routeLeadWrite(api)
	s.routeAmend(api)
	s.routeDeleteList(api)
	handle(mux, api, s.exportLeads, exportLeadsOperation)
	handle(mux, api, s.exportAttempts, exportAttemptsOperation)
	s.routePeople(api)
	s.routeImport(api)
	if s.webhooks != nil {
		s.routeWebhooks(api)
	}
	handle(mux, api, s.stream, huma.Operation{
		OperationID: "events-stream", Method: http.MethodGet, Path: "/api/v1/events/stream", Tags: []string{"events"},
		Summary:    "Server-sent events: `operator` and `phone` for who is signed in, `live` for managers; with topics=operator,phone,live the messages of the WebSocket, resumed by Last-Event-ID",
		Parameters: streamParameters, Responses: answers("text/event-stream", ""),
	})
	handle(mux, api, s.socket, huma.Operation{
		OperationID: "events-socket", Method: http.MethodGet, Path: "/api/v1/events", Tags: []string{"events"},
		Summary: "WebSocket: send {topics, resume_from, token} once; snapshots, then deltas, of `operator`, `phone` and `live`",
	})
	handle(mux, api, s.recording, huma.Operation{
		OperationID: "recordings-play", Method: http.MethodGet, Path: "/api/v1/recordings/{attempt}", Tags: []string{"recordings"},
		Summary:    "Play the recording of an attempt",
		Parameters: []*huma.Param{{Name: "attempt", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}}},
		Responses:  answers("audio/wav", "binary"),
	})
	handle(mux, api, s.pacingLogLines, pacingLogOperation)
	mux.HandleFunc("GET "+PeerRecordings+"{attempt}", s.recordingForPeer) // between nodes, so it is not documented
	mux.HandleFunc("POST "+PeerCalls("{id}"), s.callForPeer)
	if d.SIP != nil {
		mux.Handle("GET /sip", d.SIP)
	}
	mux.HandleFunc(apiRoot, noRoute(mux))
	mux.Handle("/", d.Page)
	sameSite := http.NewCrossOriginProtection()
	sameSite.SetDenyHandler(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		refuse(w, http.StatusForbidden, "this request comes from a page of another site")
	}))
	s.handler = sameSite.Handler(s.cookies(secured(newRates(cfg.RequestsPerSecond).limited(mux))))
	return s
}

// handle adds a route that writes its own answer, and documents it. The handler
// asks who calls.
func handle(mux *http.ServeMux, api huma.API, h http.HandlerFunc, op huma.Operation) {
	op.Security = []map[string][]string{{"token": {}}}
	if op.Responses == nil {
		op.Responses = map[string]*huma.Response{"200": {Description: "OK"}}
	}
	api.OpenAPI().AddOperation(&op)
	mux.HandleFunc(op.Method+" "+op.Path, h)
}

// answers documents an answer that is no JSON; format is that of its text.
func answers(content, format string) map[string]*huma.Response {
	s := &huma.Schema{Type: huma.TypeString, Format: format}
	return map[string]*huma.Response{"200": {Description: "OK", Content: map[string]*huma.MediaType{content: {Schema: s}}}}
}

// schemaName keeps types of one name apart that live in different rooms: what
// comes from pacing says so.
func schemaName(t reflect.Type, hint string) string {
	name := huma.DefaultSchemaNamer(t, hint)
	if t == reflect.TypeFor[Problem]() || t == reflect.TypeFor[*Problem]() {
		return "ErrorModel" // as clients know it
	}
	if path.Base(t.PkgPath()) == "pacing" {
		return "Pacing" + name
	}
	return name
}

// Handler is the whole HTTP surface.
func (s *Server) Handler() http.Handler { return s.handler }

// secured adds the headers that every answer carries.
func secured(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'self'; img-src 'self' data:; frame-ancestors 'none'; base-uri 'none'; object-src 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		if r.TLS != nil { // browsers heed it only where they believe the certificate
			h.Set("Strict-Transport-Security", "max-age=31536000")
		}
		h.Set("Referrer-Policy", "no-referrer")
		if strings.HasPrefix(r.URL.Path, "/api/") { // people's data stays out of caches
			h.Set("Cache-Control", "no-store")
		}
		if coding := r.Header.Get("Content-Encoding"); coding != "" && !strings.EqualFold(coding, "identity") {
			h.Set("Accept-Encoding", "identity") // RFC 9110, 15.5.16: nothing is unpacked, so nothing grows
			refuse(w, http.StatusUnsupportedMediaType, "send it unpacked, without Content-Encoding")
			return
		}
		r.Body = http.MaxBytesReader(w, r.Body, maxBody)
		next.ServeHTTP(w, r)
	})
}

// maxBody bounds a request body, in bytes: a list of some hundred thousand leads.
const maxBody = 64 << 20

// caller is who asks, and from where.
type caller struct {
	campaigns.User
	from  string // address
	token string // hash of the bearer token
}

type callerKey struct{}

// register adds a route for those who have a right.
func register[In, Out any](s *Server, api huma.API, right campaigns.Right, op huma.Operation, h func(ctx context.Context, by caller, in *In) (*Out, error)) {
	op.Security = []map[string][]string{{"token": {}}}
	op.Middlewares = huma.Middlewares{s.authenticate(api, right)}
	s.repeatable(api, &op)
	op.OperationID = op.Tags[0] + "-" + op.OperationID
	huma.Register(api, op, func(ctx context.Context, in *In) (*Out, error) {
		by, ok := ctx.Value(callerKey{}).(caller)
		if !ok {
			return nil, huma.Error401Unauthorized("sign in first")
		}
		out, err := h(ctx, by, in)
		if out == nil {
			out = new(Out)
		}
		return out, s.problem(op.OperationID, err)
	})
}

// empty is an answer without a body.
type empty struct{}

// body wraps what is answered.
type body[T any] struct{ Body T }

func answer[T any](v T, err error) (*body[T], error) {
	if err != nil {
		return nil, err
	}
	return &body[T]{v}, nil
}
