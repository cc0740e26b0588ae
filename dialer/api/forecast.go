package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Forecaster says what the near future of a running campaign is like under its
// present controls and under others; app hands in the simulation.
type Forecaster interface {
	Forecast(ctx context.Context, c campaigns.CampaignID, other campaigns.Pacing, horizon time.Duration) (Forecasts, error)
}

// Forecasts are two futures that start from the same present.
type Forecasts struct {
	At      time.Time `json:"at"`
	Horizon float64   `json:"horizon_s"`
	Leads   int       `json:"leads"` // that may be dialled now
	Present Forecast  `json:"present"`
	Other   Forecast  `json:"other"`
}

// Forecast is one of them: means over several simulated runs.
type Forecast struct {
	Mode             campaigns.PacingMode `json:"mode"`
	Limit            float64              `json:"limit"` // in force: the lower of the campaign's and the law's
	Utilisation      float64              `json:"utilisation"`
	UtilisationError float64              `json:"utilisation_standard_error"`
	Abandonment      float64              `json:"abandonment"` // of the live answers to come
	Calls            float64              `json:"calls"`
	Connected        float64              `json:"connected"`
	Abandoned        float64              `json:"abandoned"`
	Wait             float64              `json:"wait_mean_s"` // of an operator for the next call
	ListLife         float64              `json:"list_life_s"` // until the leads are used up; 0: they outlast the horizon
}

// forecastIn are the controls that are to differ. What is left out stays as it
// is.
type forecastIn struct {
	ID      campaigns.CampaignID `path:"id" maxLength:"64"`
	Mode    campaigns.PacingMode `query:"mode" enum:"progressive,ratio,predictive"`
	Ratio   float64              `query:"ratio" minimum:"1" maximum:"20"`
	Limit   float64              `query:"limit" minimum:"0.001" maximum:"0.03"`
	Cancel  string               `query:"cancel" enum:"true,false"`
	Horizon string               `query:"horizon" doc:"how far to look, such as 30m; 1m to 4h" default:"1h"`
}

// The horizons of a forecast: it knows nothing of what people will change.
const (
	minHorizon = time.Minute
	maxHorizon = 4 * time.Hour
)

func (s *Server) routeForecast(api huma.API) {
	register(s, api, campaigns.RightCampaigns, huma.Operation{
		OperationID: "forecast", Method: http.MethodGet, Path: "/api/v1/campaigns/{id}/forecast", Tags: []string{"campaigns"},
		Summary: "What the next hour is like under other controls, beside the present ones; changes nothing",
	}, s.forecast)
}

func (s *Server) forecast(ctx context.Context, by caller, in *forecastIn) (*body[Forecasts], error) {
	if s.forecaster == nil {
		return nil, huma.Error501NotImplemented("this product has no forecasts")
	}
	horizon, err := time.ParseDuration(in.Horizon)
	if err != nil || horizon < minHorizon || horizon > maxHorizon {
		return nil, huma.Error422UnprocessableEntity("horizon: not a time from 1m to 4h")
	}
	c, err := s.campaign(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	c.Pacing = in.over(c.Pacing)
	if err := c.Validate(); err != nil {
		return nil, err
	}
	return answer(s.forecaster.Forecast(ctx, c.ID, c.Pacing, horizon))
}

// over puts the controls that were given in place of those of p.
func (in *forecastIn) over(p campaigns.Pacing) campaigns.Pacing {
	if in.Mode != "" {
		p.Mode = in.Mode
	}
	if in.Ratio != 0 {
		p.Ratio = in.Ratio
	}
	if in.Limit != 0 {
		p.AbandonmentLimit = in.Limit
	}
	if in.Cancel != "" {
		p.Cancel = in.Cancel == "true"
	}
	return p
}
