package api

import (
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TestForecast changes what is named in the query and nothing else, and not the
// campaign.
func TestForecast(t *testing.T) {
	w := newWorld(t)
	w.fill(t)
	c := spring()
	c.ID, c.Name = "winter", "not here"
	if _, err := w.store.SaveCampaign(t.Context(), c); err != nil {
		t.Fatal(err)
	}
	present := spring().Pacing
	const path = "/api/v1/campaigns/spring/forecast"
	for query, want := range map[string]struct {
		status  int
		other   campaigns.Pacing
		horizon time.Duration
	}{
		"":                                 {200, present, time.Hour},
		"?horizon=30m":                     {200, present, 30 * time.Minute},
		"?mode=ratio&ratio=2.5&limit=0.02": {422, present, 0}, // a ratio needs a message for who finds nobody
		"?cancel=true&limit=0.01":          {200, campaigns.Pacing{Mode: campaigns.Progressive, AbandonmentLimit: 0.01, Cancel: true}, time.Hour},
		"?horizon=5s":                      {422, present, 0},
		"?horizon=soon":                    {422, present, 0},
		"?mode=guess":                      {422, present, 0},
		"?limit=0.2":                       {422, present, 0},
	} {
		w.forecaster.horizon = 0
		got := w.as(t, "mia", "GET", path+query, nil)
		if got.status != want.status || w.forecaster.horizon != want.horizon {
			t.Errorf("%q: status %d, horizon %v, want %d, %v: %s", query, got.status, w.forecaster.horizon, want.status, want.horizon, got.body)
		}
		if want.status == 200 && w.forecaster.other != want.other {
			t.Errorf("%q: asked for %+v, want %+v", query, w.forecaster.other, want.other)
		}
	}
	var both Forecasts
	w.as(t, "mia", "GET", path+"?horizon=10m", nil).want(t, 200).into(t, &both)
	if both.Horizon != 600 || both.Other.Utilisation != 0.9 || both.Other.Mode != campaigns.Progressive {
		t.Errorf("answer %+v", both)
	}
	w.as(t, "mia", "GET", "/api/v1/campaigns/winter/forecast", nil).want(t, 404)
	w.as(t, "mia", "GET", "/api/v1/campaigns/none/forecast", nil).want(t, 404)
	if kept, err := w.store.Campaign(t.Context(), "spring"); err != nil || kept.Pacing != present {
		t.Errorf("the campaign has %+v, %v", kept.Pacing, err)
	}
}
