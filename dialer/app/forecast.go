package app

import (
	"context"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/simulator"
)

// forecaster plays the near future of a campaign twice, from one picture: under
// the present controls and under others. It takes one question at a time, so
// that people who ask leave the other processors to the calls.
type forecaster struct {
	engine outlooks
	play   play
	turn   chan struct{} // holds one while somebody plays
}

// outlooks are what the forecaster asks of the engine.
type outlooks interface {
	Outlook(ctx context.Context, c campaigns.CampaignID, other campaigns.Pacing) (dialer.Outlook, error)
}

// play simulates the time up to the horizon; leads may be dialled in it.
type play func(p pacing.Picture, s pacing.Settings, leads int, horizon time.Duration) (api.Forecast, error)

func newForecaster(e outlooks, p play) *forecaster {
	return &forecaster{engine: e, play: p, turn: make(chan struct{}, 1)}
}

// Forecast implements api.Forecaster.
func (f *forecaster) Forecast(ctx context.Context, c campaigns.CampaignID, other campaigns.Pacing, horizon time.Duration) (api.Forecasts, error) {
	select {
	case f.turn <- struct{}{}:
		defer func() { <-f.turn }()
	case <-ctx.Done():
		return api.Forecasts{}, context.Cause(ctx)
	}
	o, err := f.engine.Outlook(ctx, c, other)
	if err != nil {
		return api.Forecasts{}, err
	}
	both := api.Forecasts{At: o.Picture.At, Horizon: horizon.Seconds(), Leads: o.Leads}
	if both.Present, err = f.under(o.Present, o, horizon); err != nil {
		return api.Forecasts{}, fmt.Errorf("forecast of %s: %w", c, err)
	}
	if both.Other, err = f.under(o.Other, o, horizon); err != nil {
		return api.Forecasts{}, fmt.Errorf("forecast of %s under other controls: %w", c, err)
	}
	return both, nil
}

func (f *forecaster) under(s pacing.Settings, o dialer.Outlook, horizon time.Duration) (api.Forecast, error) {
	forecast, err := f.play(o.Picture, s, o.Leads, horizon)
	forecast.Mode, forecast.Limit = campaigns.PacingMode(s.Mode), s.Limit
	return forecast, err
}

// playForecast plays with the simulator.
func playForecast(p pacing.Picture, s pacing.Settings, leads int, horizon time.Duration) (api.Forecast, error) {
	f, err := simulator.ForecastFrom(p, s, simulator.ForecastOptions{Horizon: horizon, Leads: leads, Seed: uint64(p.At.UnixNano())})
	return api.Forecast{
		Utilisation: f.Utilisation, UtilisationError: f.UtilisationError, Abandonment: f.Abandonment,
		Calls: f.Dials, Connected: f.Connected, Abandoned: f.Abandoned,
		Wait: f.Wait.Seconds(), ListLife: f.ListLife.Seconds(),
	}, err
}
