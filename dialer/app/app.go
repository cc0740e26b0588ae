// Package app wires every room from a configuration, starts them in order and
// stops them in reverse. It is the only room that knows all the others; it
// decides nothing about calls.
//
//	Open:  store ─► name of the node ─► rules ─► audio ─► SIP agents ─► trunks, phones ─► engine ─► API
//	Run:   sockets ─► settle what a dead process left ─► engine ─► campaigns ─► HTTP
//	stop:  drain ─► HTTP ─► engine ─► SIP ─► audio ─► name of the node ─► store
package app

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/http"
	"sync/atomic"
	"time"

	"go.uber.org/zap"
	"golang.org/x/sync/errgroup"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/eligibility"
	"github.com/outpace-dialer/outpace/campaigns/journal"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/dialer/oidc"
	"github.com/outpace-dialer/outpace/dialer/pacinglog"
	"github.com/outpace-dialer/outpace/dialer/webhook"
	"github.com/outpace-dialer/outpace/media/plane"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/registrar"
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
	pacing    *pacinglog.Log
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
	retention *retention
	server    *http.Server
	admin     *http.Server

	provider    *oidc.Provider // nil: people sign in with passwords alone
	certifier   *certifier     // nil: no authority gives the certificate of server
	fingerprint string         // of the certificate of server, where that is a file

	httpAddr, adminAddr net.Listener
	draining            atomic.Bool
	ready               chan struct{}
}

// Store is what the app needs of a lead store: both contracts.
type Store interface {
	campaigns.Store
	campaigns.Records
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
	rooms.run("pacing log", a.pacing.Run)
	rooms.run("detection", a.detection.journal.Run)
	rooms.run("retention", a.retention.run)
	err := a.settle(rooms.ctx)
	if err == nil {
		a.node.share()
		front.begin(rooms.ctx)
		front.run("engine", a.engine.Run)
		front.run("http", func(ctx context.Context) error { return serve(ctx, a.server, a.httpAddr) })
		if a.certifier != nil {
			front.run("certificates", a.certifier.run)
		}
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
	return a.engine.TakeCallers(ctx)
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
