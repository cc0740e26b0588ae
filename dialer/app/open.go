package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/netip"
	"os"
	"path/filepath"
	"time"

	"go.uber.org/zap"
	"go.uber.org/zap/exp/zapslog"

	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/campaigns/journal"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/config/rules"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/console"
	"github.com/outpace-dialer/outpace/dialer/door"
	"github.com/outpace-dialer/outpace/dialer/explain"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/dialer/pacinglog"
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
	if err := os.MkdirAll(cfg.DataDir, 0o700); err != nil {
		return nil, fmt.Errorf("data_dir: %w", err)
	}
	tightenData(cfg, o.Log)
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
	a.budgets = newBudgets(a.node.name, a.store, a.log.Named("budget"))
	var err error
	if a.node.url, err = publishedURL(cfg); err != nil {
		return err
	}
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
	a.pacing = pacinglog.New(pacinglog.Config{
		Store: a.store, Node: a.node.name, Keep: cfg.PacingLog.Keep, Start: o.Pacing, Log: a.log.Named("pacing"),
	})
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
		NewController: a.pacing.Controller, CheckPIN: a.checkPIN, Transferable: a.transferable, Term: a.node.Term, Behind: a.behind, Duty: a.node.duty(a.store), Granted: a.granted, Recorded: a.records.has, DetectorLoss: a.detection.loss, Log: a.log.Named("dialer"),
		Callers: callers{a.store},
	})
	a.follow.engine = a.engine
	if a.budgets != nil {
		a.budgets.share = a.engine.ShareBudget
	}
	a.metrics.Add(metrics.NewRooms(a.samples))
	return a.openHTTP(cfg, o)
}

// recordDir is the folder of the recordings.
func recordDir(cfg config.Config) string {
	return cmp.Or(cfg.Media.RecordDir, filepath.Join(cfg.DataDir, "recordings"))
}

func (a *App) openAudio(cfg config.Config, log *slog.Logger) error {
	pc := cfg.Media
	pc.RecordDir = recordDir(cfg)
	pc.Prompts = prompts.FS
	pc.NewDetector = func(mode string) plane.Detector {
		c := cfg.Detection
		c.Mode = cmp.Or(detect.Mode(mode), c.Mode)
		return detect.NewLater(c)
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
	ours, err := cfg.HTTP.Proxies()
	if err != nil {
		return fmt.Errorf("http.%w", err)
	}
	crowd := door.NewCrowd(a.httpAddr, cfg.HTTP.ConnectionsPerAddress, ours, a.log)
	a.httpAddr = crowd
	if a.adminAddr, err = net.Listen("tcp", cfg.Admin.Listen); err != nil {
		return fmt.Errorf("admin.listen: %w", err)
	}
	drafts, err := openDrafts(filepath.Join(cfg.DataDir, "drafts"), time.Now())
	if err != nil {
		return err
	}
	a.retention = newRetention(a.cfg, a.store, a.records, a.log.Named("retention"))
	if err := a.openProvider(cfg.OIDC); err != nil {
		return err
	}
	a.board = &board{own: a.node, snapshot: a.engine.Snapshot, log: a.log.Named("node")}
	var peers api.Peers
	var others func(context.Context) []dialer.Snapshot
	if a.node.nodes != nil {
		authorities, err := nodeAuthorities(cfg.HTTP.NodeAuthorities)
		if err != nil {
			return err
		}
		peers, others = newPeers(a.node, authorities), a.board.Others
	}
	public := api.New(cfg.API, api.Deps{
		Trunks: func() []api.TrunkFigures { return trunkFigures(a.trunks, time.Now) },
		Engine: a.engine, Records: a.store, Explainer: explain.Explainer{Records: a.store, Rules: a.rules}, Recordings: a.records,
		Peers: peers, Others: others, PacingLog: a.pacing, Forecaster: newForecaster(a.engine, playForecast),
		Phones: a.operators, Detection: a.detection.report,
		Webhooks:    a.webhooks,
		ListDeleted: a.retention.listDeleted,
		Hub:         a.hub, Drafts: drafts, PhoneSecrets: a.phoneSecrets, Prompts: a.plane.Prompts(), Page: console.Handler(),
		Provider: a.provider,
		SIP:      a.sipOverWebSocket(cfg),
		Version:  o.Version, Log: a.log,
	})
	a.server, a.admin = newServer(door.Proxies(ours).Known(public.Handler()), a.log), newServer(a.adminHandler(), a.log)
	a.server.ConnState = crowd.Follow
	a.server.TLSConfig, err = a.secureHTTP(cfg)
	return err
}
