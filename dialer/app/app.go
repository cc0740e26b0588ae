// Package app wires every room from a configuration, starts them in order and
// stops them in reverse. It is the only room that knows all the others; it
// decides nothing about calls.
//
//	Open:  store ─► name of the node ─► rules ─► audio ─► SIP agents ─► trunks, phones ─► engine ─► API
//	Run:   sockets ─► settle what a dead process left ─► engine ─► campaigns ─► HTTP
//	stop:  drain ─► HTTP ─► engine ─► SIP ─► audio ─► name of the node ─► store
package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"os"
	"path/filepath"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/campaigns/journal"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/config/rules"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/console"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/dialer/webhook"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/media/detect"
	"github.com/outpace-dialer/outpace/media/plane"
	"github.com/outpace-dialer/outpace/media/prompts"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/registrar"
	"github.com/outpace-dialer/outpace/sip/resolver"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

// App is the whole product in one process.
type App struct {
	cfg     config.Config
	log     *zap.Logger
	store   Store
	rules   *eligibility.Rules
	plane   *plane.Plane
	trunkUA *sip.Agent
	phoneUA *sip.Agent
	trunks  *trunk.Trunks
	phones  *registrar.Registrar
	homes   *phoneHomes
	// operators are the phones of both kinds: SIP and browser.
	operators *operatorPhones
	legs      *legJournal
	pacing    *pacingLog
	detection *calibrated
	engine    *dialer.Engine
	node      *node
	board     *board
	follow    *follower
	budgets   *budgets         // nil: nobody shares them
	backlog   *journal.Backlog // nil: the store is here
	metrics   *metrics.Metrics
	hub       *api.Hub
	webhooks  *webhook.Room
	records   recordings
	server    *http.Server
	admin     *http.Server

	fingerprint string // of the certificate of server, where that is a file

	httpAddr, adminAddr net.Listener
	draining            atomic.Bool
	ready               chan struct{}
}

// Store is what the app needs of a lead store: both contracts.
type Store interface {
	campaigns.Store
	campaigns.Records
}

// Options are what a caller adds to the configuration.
type Options struct {
	Version  string
	Log      *zap.Logger
	Observer dialer.Observer // told of every notice besides the product's own
	// Pacing makes what paces a campaign; nil: pacing.New.
	Pacing func(pacing.Settings, time.Time) pacing.Controller
}

// Open opens the store and binds every socket, so that what cannot work fails
// here, with its key or address, before anything moves.
func Open(ctx context.Context, cfg config.Config, o Options) (*App, error) {
	if err := os.MkdirAll(cfg.DataDir, 0o750); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	a := &App{cfg: cfg, log: o.Log, ready: make(chan struct{}), hub: api.NewHub(), metrics: metrics.New(o.Version)}
	var err error
	if a.store, err = OpenStore(ctx, cfg); err != nil {
		return nil, err
	}
	a.tellReplay()
	if err := a.openNode(ctx, cfg); err != nil {
		return nil, errors.Join(err, a.store.Close())
	}
	if err := a.openBacklog(ctx, cfg); err != nil {
		a.node.leave(context.WithoutCancel(ctx))
		return nil, errors.Join(err, a.node.home.close(), a.store.Close())
	}
	if err := a.openRooms(cfg, o); err != nil {
		a.node.leave(context.WithoutCancel(ctx))
		return nil, errors.Join(err, a.node.home.close(), a.store.Close())
	}
	return a, nil
}

// openNode takes the name of this node where other processes share the store.
func (a *App) openNode(ctx context.Context, cfg config.Config) error {
	a.node = newNode(cmp.Or(cfg.Engine.Node, "node-1"), a.store, a.log.Named("node"))
	if a.node.nodes == nil {
		return nil
	}
	a.node.url = cfg.HTTP.NodeURL
	a.budgets = newBudgets(a.node.name, a.store, a.log.Named("budget"))
	var err error
	if a.node.home, err = openHome(cfg.DataDir); err != nil {
		return err
	}
	if err := a.node.join(ctx); err != nil {
		return errors.Join(err, a.node.home.close())
	}
	return nil
}

// openBacklog writes the outcomes that the last process could not, where the store is
// on another machine, and keeps those that cannot be written from now on.
func (a *App) openBacklog(ctx context.Context, cfg config.Config) error {
	if a.node.nodes == nil {
		return nil
	}
	log := a.log.Named("store")
	b, err := journal.OpenBacklog(ctx, a.store, filepath.Join(cfg.DataDir, "outcomes"), func(waiting int, err error) {
		if waiting > 0 {
			log.Error("the store does not take outcomes: they wait here, and nothing new is placed", zap.Error(err))
			return
		}
		log.Warn("the store has the outcomes that waited")
	})
	if err != nil {
		return err
	}
	a.store, a.backlog = b, b
	return nil
}

// behind says whether outcomes wait for the store.
func (a *App) behind() bool { return a.backlog != nil && a.backlog.Waiting() > 0 }

func (a *App) openRooms(cfg config.Config, o Options) error {
	var err error
	if a.rules, err = eligibility.Load(rules.FS); err != nil {
		return err
	}
	a.pacing = newPacingLog(a.store, cmp.Or(cfg.Engine.Node, "node-1"), cfg.PacingLog.Keep, a.log.Named("pacing"))
	if o.Pacing != nil {
		a.pacing.start = o.Pacing
	}
	if a.detection, err = openCalibration(cfg, a.log.Named("detection")); err != nil {
		return err
	}
	toSlog := slog.New(zapslog.NewHandler(a.log.Core()))
	if err := a.openBrowsers(cfg); err != nil {
		return err
	}
	if err := a.openAudio(cfg, toSlog); err != nil {
		return err
	}
	if err := a.openSignalling(cfg, toSlog); err != nil {
		return err
	}
	a.follow = &follower{store: a.store, shared: a.node.nodes != nil, log: a.log}
	memory, watching := dialer.Memory(a.store), []dialer.Observer{a.metrics, a.hub, logger{a.log}, a.follow, a.detection, falseAnswers{a.trunks}}
	if a.webhooks, err = a.openWebhooks(cfg); err != nil {
		return err
	}
	watching = append(watching, a.webhooks)
	if a.budgets != nil {
		memory, watching = a.budgets, append(watching, kicker{a.node})
	}
	a.engine = dialer.New(cfg.Engine, dialer.Deps{
		Store: a.store, Memory: memory, SharedBudget: a.budgets != nil, Rules: a.rules,
		Trunks: trunkRoom{a.trunks, a.trunkUA}, Phones: a.operators, Audio: a.plane,
		Observer:      observers(append(watching, optional(o.Observer)...)),
		NewController: a.pacing.controller, CheckPIN: a.checkPIN, Transferable: a.transferable, Term: a.node.Term, Behind: a.behind, Duty: a.node.duty(a.store), Recorded: a.records.has, DetectorLoss: a.detection.loss, Log: a.log.Named("dialer"),
		Callers: callers{a.store},
	})
	a.follow.engine = a.engine
	if a.budgets != nil {
		a.budgets.share = a.engine.ShareBudget
	}
	a.metrics.Add(metrics.NewRooms(a.samples))
	return a.openHTTP(cfg, o)
}

func (a *App) openAudio(cfg config.Config, log *slog.Logger) error {
	pc := cfg.Media
	if pc.RecordDir == "" {
		pc.RecordDir = filepath.Join(cfg.DataDir, "recordings")
	}
	pc.Prompts = prompts.FS
	pc.NewDetector = func(mode string) plane.Detector {
		c := cfg.Detection
		c.Mode = cmp.Or(detect.Mode(mode), c.Mode)
		return detect.New(c)
	}
	pc.Wire = a.operators.wire
	pc.Negotiate = a.operators.negotiate()
	var err error
	if a.plane, err = plane.New(pc, func(ev media.Event) { a.engine.Sound(ev) }, log); err != nil {
		return err
	}
	a.operators.plane = a.plane
	a.records, err = openRecordings(pc.RecordDir)
	return err
}

// openSignalling binds two agents on sockets of their own: what comes from
// phones can never be taken for a carrier.
func (a *App) openSignalling(cfg config.Config, log *slog.Logger) error {
	toEngine := func(ev sip.Event) { a.engine.Signal(ev) }
	tc := cfg.Trunk.Agent(trunk.AgentName)
	tc.Allow = func(from addrPort) bool { return a.trunks.Allow(from) }
	tc.Classify, tc.SessionExpires = trunk.Classify, trunk.SessionExpires(cfg.Trunks)
	if tc.TLS != nil {
		tc.TLS.NameOf = func(to addrPort) string { return a.trunks.NameOf(to) }
	}
	tc.Secrets = func(d sip.Dialog) *sip.Credentials { return trunk.CredentialsOf(cfg.Trunks, d) }
	var err error
	if a.trunkUA, err = sip.New(tc, func(ev sip.Event) { a.trunks.Handle(ev) }, log); err != nil {
		return fmt.Errorf("trunk_signalling: %w", err)
	}
	if a.trunks, err = trunk.New(cfg.Trunks, trunk.Deps{
		Agent: a.trunkUA, Emit: toEngine, Resolver: resolver.New(cfg.DNS), Log: log,
		NameLeg: dialer.NewLeg,
	}); err != nil {
		return fmt.Errorf("trunks: %w", err)
	}
	a.trunkUA.Admit(a.trunks.Admit)
	if a.node.nodes != nil {
		a.node.shares = &sharings{all: []sharing{newTrunkShares(a.trunks), a.budgets}}
	}
	if a.legs, err = openLegJournal(filepath.Join(cfg.DataDir, "legs"), a.log); err != nil {
		return err
	}
	pc := cfg.Phones.Agent("phones")
	pc.Symmetric, pc.WebSocket = true, cfg.Phones.WebSocket.Enabled
	pc.Allow = func(from addrPort) bool { return a.phones.Allow(from) }
	pc.Connections = func(from netip.Addr) int { return a.phones.Connections(from) }
	pc.Disconnected = func(from addrPort) { a.phones.Disconnected(from) }
	tell := func(ev sip.Event) { a.legs.note(ev); toEngine(ev) }
	if a.phoneUA, err = sip.New(pc, tell, log); err != nil {
		return fmt.Errorf("phones: %w", err)
	}
	a.phones = registrar.New(cfg.Phones.Registrar, a.phoneUA, phoneUsers{a.store}, tell, time.Now)
	a.homes = openPhoneHomes(filepath.Join(cfg.DataDir, "phones.json"), a.phones, a.log.Named("phones"))
	a.operators.phoneRoom = phoneRoom{a.phones, cfg.Phones.SRTP}
	return nil
}

func (a *App) openHTTP(cfg config.Config, o Options) error {
	var err error
	if a.httpAddr, err = net.Listen("tcp", cfg.HTTP.Listen); err != nil {
		return fmt.Errorf("http.listen: %w", err)
	}
	if a.adminAddr, err = net.Listen("tcp", cfg.Admin.Listen); err != nil {
		return fmt.Errorf("admin.listen: %w", err)
	}
	drafts, err := openDrafts(filepath.Join(cfg.DataDir, "drafts"), time.Now())
	if err != nil {
		return err
	}
	a.board = &board{own: a.node, snapshot: a.engine.Snapshot, log: a.log.Named("node")}
	var peers api.Peers
	var others func(context.Context) []dialer.Snapshot
	if a.node.nodes != nil {
		peers, others = newPeers(a.node), a.board.Others
	}
	public := api.New(cfg.API, api.Deps{
		Trunks: func() []api.TrunkFigures { return trunkFigures(a.trunks, time.Now) },
		Engine: a.engine, Records: a.store, Explainer: Explainer{a.store, a.rules}, Recordings: a.records, Peers: peers, Others: others, PacingLog: a.pacing, Forecaster: newForecaster(a.engine, playForecast), Phones: a.operators, Detection: a.detection.report,
		Webhooks: a.webhooks,
		Hub:      a.hub, Drafts: drafts, PhoneSecrets: a.phoneSecrets, Prompts: a.plane.Prompts(), Page: console.Handler(),
		SIP:     a.sipOverWebSocket(cfg),
		Version: o.Version, Log: a.log,
	})
	a.server, a.admin = newServer(public.Handler(), a.log), newServer(a.adminHandler(), a.log)
	a.server.TLSConfig, err = a.secureHTTP(cfg)
	return err
}

// headerTimeout ends connections that send their header too slowly.
const headerTimeout = 5 * time.Second

// Run serves until ctx ends, then drains: no new calls, those that ring are
// given up, talks may end until the drain timeout or until force ends. The
// engine stops first, and the rooms it works with after it.
func (a *App) Run(ctx, force context.Context) error {
	defer func() { _ = errors.Join(a.node.home.close(), a.store.Close()) }()
	var name, rooms, front group
	name.begin(ctx)
	name.run("node", func(ctx context.Context) error { return a.node.run(ctx, a.regain) })
	rooms.begin(ctx)
	rooms.run("audio", a.plane.Run)
	rooms.run("trunk signalling", a.trunkUA.Run)
	rooms.run("phone signalling", a.phoneUA.Run)
	rooms.run("trunks", a.trunks.Run)
	rooms.run("phones", a.phones.Run)
	rooms.run("addresses of phones", a.homes.run)
	rooms.run("browsers", a.operators.run)
	rooms.run("legs", a.legs.run)
	rooms.run("pacing log", a.pacing.run)
	rooms.run("detection", a.detection.journal.Run)
	rooms.run("retention", newRetention(a.cfg, a.store, a.records, a.log.Named("retention")).run)
	err := a.settle(rooms.ctx)
	if err == nil {
		a.node.share()
		front.begin(rooms.ctx)
		front.run("engine", a.engine.Run)
		front.run("http", func(ctx context.Context) error { return serve(ctx, a.server, a.httpAddr) })
		front.run("admin", func(ctx context.Context) error { return serve(ctx, a.admin, a.adminAddr) })
		front.run("clock", a.watchClock)
		front.run("campaigns", a.follow.run)
		front.run("neighbours", a.neighbours().run)
		front.run("board", a.board.run)
		front.run("webhooks", a.webhooks.Run)
		if err = a.resume(front.ctx); err == nil {
			close(a.ready)
			a.serveUntil(ctx, force, front.ctx, rooms.ctx, name.ctx)
		}
		err = errors.Join(err, front.end())
		a.awaitHangUps()
		a.leaveTrunks()
	}
	return errors.Join(err, rooms.end(), name.end())
}

// serveUntil waits for the end: of ctx, then it drains, or of a room that
// failed.
func (a *App) serveUntil(ctx, force, front, rooms, name context.Context) {
	select {
	case <-ctx.Done():
		a.drain(front, force)
	case <-front.Done():
	case <-rooms.Done():
	case <-name.Done():
	}
}

// hangUpTime is how long the last BYEs may take when the product stops.
const hangUpTime = 2 * time.Second

// awaitHangUps lets the last BYEs leave before the sockets close.
func (a *App) awaitHangUps() {
	deadline := time.Now().Add(hangUpTime)
	for time.Now().Before(deadline) && a.trunkUA.Stats().Legs+a.phoneUA.Stats().Legs > 0 {
		time.Sleep(10 * time.Millisecond)
	}
}

// leaveTime is how long the carriers that we are registered with may take to
// hear that we go.
const leaveTime = 2 * time.Second

// leaveTrunks takes our registrations back.
func (a *App) leaveTrunks() {
	ctx, cancel := context.WithTimeout(context.Background(), leaveTime)
	defer cancel()
	a.trunks.Leave(ctx)
}

// group runs rooms until it is ended, or until one of them fails.
type group struct {
	ctx  context.Context
	stop context.CancelFunc
	errgroup.Group
}

// begin does not follow the end of ctx: the order of stopping is ours.
func (g *group) begin(ctx context.Context) {
	g.ctx, g.stop = context.WithCancel(context.WithoutCancel(ctx))
}

func (g *group) run(name string, room func(context.Context) error) {
	g.Go(func() error {
		err := room(g.ctx)
		if g.ctx.Err() != nil {
			return nil
		}
		g.stop() // a room that ends by itself ends the product
		return fmt.Errorf("%s ended: %w", name, err)
	})
}

func (g *group) end() error {
	g.stop()
	return g.Wait()
}

// Ready is closed when the product serves.
func (a *App) Ready() <-chan struct{} { return a.ready }

// settle ends what a dead process left behind.
func (a *App) settle(ctx context.Context) error {
	n, err := a.engine.Settle(ctx, a.campaign(ctx))
	if err != nil {
		return err
	}
	stray := a.legs.finish(ctx, a.phoneUA)
	if n+stray > 0 {
		a.log.Info("settled what the last process left", zap.Int("attempts", n), zap.Int("phone_legs", stray))
	}
	return nil
}

// campaign looks up campaigns for the engine, whose rules say what follows.
func (a *App) campaign(ctx context.Context) func(campaigns.CampaignID) (campaigns.Campaign, error) {
	return func(id campaigns.CampaignID) (campaigns.Campaign, error) { return a.store.Campaign(ctx, id) }
}

// resume tells the engine of the campaigns that were running, and of those on
// hold, which are to be seen.
func (a *App) resume(ctx context.Context) error {
	now := time.Now()
	if err := a.holdBehind(ctx, now); err != nil {
		return err
	}
	all, err := a.store.Campaigns(ctx)
	if err != nil {
		return err
	}
	for _, c := range all {
		if c.State != campaigns.Running && c.State != campaigns.OnHold {
			continue
		}
		tally, err := a.store.Tally(ctx, c.ID, now.Add(-api.LegalWindow), now)
		if err != nil {
			return err
		}
		if err := a.engine.SetCampaign(ctx, c, tally); err != nil {
			return err
		}
	}
	return nil
}

// drain lets talks end.
func (a *App) drain(ctx, force context.Context) {
	a.draining.Store(true)
	ctx, cancel := context.WithTimeout(ctx, a.cfg.Drain.Timeout)
	defer cancel()
	defer context.AfterFunc(force, cancel)()
	a.log.Info("draining: no new calls; waiting for talks to end", zap.Duration("at_most", a.cfg.Drain.Timeout))
	if err := a.engine.Drain(ctx); err != nil {
		a.log.Warn("drain cut short: talks are hung up", zap.Error(err))
	}
}

// serve runs an HTTP server until ctx ends; open streams are cut.
func serve(ctx context.Context, s *http.Server, l net.Listener) error {
	done := make(chan error, 1)
	secure := s.TLSConfig != nil // Serve sets it too
	go func() {                  // ends with Close
		if secure {
			done <- s.ServeTLS(l, "", "")
			return
		}
		done <- s.Serve(l)
	}()
	select {
	case err := <-done:
		return err
	case <-ctx.Done():
		_ = s.Close()
		<-done
		return nil
	}
}

// HTTPAddr, AdminAddr and PhonesAddr are the addresses in use, host:port.
func (a *App) HTTPAddr() string   { return a.httpAddr.Addr().String() }
func (a *App) AdminAddr() string  { return a.adminAddr.Addr().String() }
func (a *App) PhonesAddr() string { return a.phoneUA.Addr("udp").String() }

// PhonesTCPAddr is the same for phones over TCP.
func (a *App) PhonesTCPAddr() string { return a.phoneUA.Addr("tcp").String() }

// Records is the store, for those who run the app in their own process.
func (a *App) Records() campaigns.Records { return a.store }

// Engine is the engine, for those who run the app in their own process.
func (a *App) Engine() *dialer.Engine { return a.engine }
