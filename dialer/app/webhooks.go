package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"os"

	"github.com/google/uuid"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/dialer/webhook"
)

// How much may wait for endpoints where the configuration does not say: on disk, and in
// the memory of Redis, which calls need as well.
const (
	backlogOnDisk   = 1 << 30
	backlogInMemory = 64 << 20
)

// openWebhooks makes the room that tells others what happens.
func (a *App) openWebhooks(cfg config.Config) (*webhook.Room, error) {
	outbox, ok := campaigns.As[campaigns.Outbox](a.store)
	if !ok {
		return nil, fmt.Errorf("webhooks: the store keeps no outbox: %w", errors.ErrUnsupported)
	}
	wc := cfg.Webhooks
	if wc.MaxBacklog == 0 {
		wc.MaxBacklog = backlogOnDisk
		if cfg.Store.Redis() {
			wc.MaxBacklog = backlogInMemory
		}
	}
	node := cmp.Or(cfg.Engine.Node, "node-1")
	return webhook.New(wc, webhook.Deps{
		Outbox: outbox, Records: a.store, Node: node, Holder: fmt.Sprintf("%s %d %s", node, os.Getpid(), uuid.NewString()), Mask: campaigns.MaskNumber,
		Live: func(ctx context.Context) (dialer.Snapshot, error) { return a.engine.Snapshot(ctx) }, Trunks: a.trunkStates, Log: a.log.Named("webhooks"),
	}), nil
}

func (a *App) trunkStates() []webhook.Trunk {
	var all []webhook.Trunk
	for _, t := range a.trunks.Stats() {
		all = append(all, webhook.Trunk{Name: t.Trunk, Up: t.Up, Why: t.Why})
	}
	return all
}

// webhookSamples are what was told and what waits. Endpoints are few and their names
// chosen by managers, so they may be a label.
func (a *App) webhookSamples(ctx context.Context) []metrics.Sample {
	s := a.webhooks.Stats()
	const help = "Deliveries to endpoints by how a try ended, and events that were never told."
	all := []metrics.Sample{
		counter("webhook_deliveries_total", help, s.Delivered, "result", "delivered"),
		counter("webhook_deliveries_total", help, s.Failed, "result", "failed"),
		counter("webhook_deliveries_total", help, s.GivenUp, "result", "given_up"),
		counter("webhook_deliveries_total", help, s.Dropped, "result", "dropped"),
		counter("webhook_deliveries_total", help, s.Lost, "result", "lost"),
	}
	outbox, ok := campaigns.As[campaigns.Outbox](a.store)
	if !ok {
		return all
	}
	backlogs, err := outbox.Backlogs(ctx)
	if err != nil {
		return all
	}
	for _, b := range backlogs {
		all = append(all,
			gauge("webhook_queue", "Events that wait for an endpoint.", float64(b.Waiting), "endpoint", string(b.Endpoint)),
			gauge("webhook_queue_bytes", "Bytes of events that wait for an endpoint.", float64(b.Bytes), "endpoint", string(b.Endpoint)),
		)
	}
	return all
}
