package app

import (
	"context"
	"errors"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/pacing"
)

// fixedOutlook is an engine that dials spring, progressively.
type fixedOutlook struct{}

var outlookAt = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

func (fixedOutlook) Outlook(_ context.Context, c campaigns.CampaignID, other campaigns.Pacing) (dialer.Outlook, error) {
	if c != "spring" {
		return dialer.Outlook{}, dialer.ErrNotHere
	}
	return dialer.Outlook{
		Picture: pacing.Picture{At: outlookAt}, Leads: 40,
		Present: pacing.Settings{Mode: pacing.Progressive, Limit: 0.03},
		Other:   pacing.Settings{Mode: pacing.Mode(other.Mode), Limit: 0.01},
	}, nil
}

// Both futures start from the same picture, each under its own settings.
func TestForecaster(t *testing.T) {
	f := newForecaster(fixedOutlook{}, func(p pacing.Picture, s pacing.Settings, leads int, horizon time.Duration) (api.Forecast, error) {
		if p.At != outlookAt || leads != 40 || horizon != time.Hour {
			t.Errorf("played from %v with %d leads for %v", p.At, leads, horizon)
		}
		return api.Forecast{Utilisation: map[pacing.Mode]float64{pacing.Progressive: 0.5, pacing.Predictive: 0.9}[s.Mode]}, nil
	})
	got, err := f.Forecast(t.Context(), "spring", campaigns.Pacing{Mode: campaigns.Predictive}, time.Hour)
	want := api.Forecasts{
		At: outlookAt, Horizon: 3600, Leads: 40,
		Present: api.Forecast{Mode: campaigns.Progressive, Limit: 0.03, Utilisation: 0.5},
		Other:   api.Forecast{Mode: campaigns.Predictive, Limit: 0.01, Utilisation: 0.9},
	}
	if diff := cmp.Diff(want, got); err != nil || diff != "" {
		t.Errorf("error %v, forecasts (-want +got):\n%s", err, diff)
	}
	if _, err := f.Forecast(t.Context(), "winter", campaigns.Pacing{}, time.Hour); !errors.Is(err, dialer.ErrNotHere) {
		t.Errorf("error = %v, want %v", err, dialer.ErrNotHere)
	}
}

// One plays at a time, and who waits may give up.
func TestForecasterTakesTurns(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		playing, most := 0, 0
		f := newForecaster(fixedOutlook{}, func(pacing.Picture, pacing.Settings, int, time.Duration) (api.Forecast, error) {
			playing++
			most = max(most, playing)
			time.Sleep(time.Second) // the bubble's clock
			playing--
			return api.Forecast{}, nil
		})
		done := make(chan error, 3)
		for _, patience := range []time.Duration{time.Hour, time.Hour, time.Second} {
			go func() { // done says how it ended
				ctx, cancel := context.WithTimeout(t.Context(), patience)
				defer cancel()
				_, err := f.Forecast(ctx, "spring", campaigns.Pacing{}, time.Hour)
				done <- err
			}()
			synctest.Wait()
		}
		gaveUp := 0
		for range 3 {
			if err := <-done; errors.Is(err, context.DeadlineExceeded) {
				gaveUp++
			} else if err != nil {
				t.Error(err)
			}
		}
		if most != 1 || gaveUp != 1 {
			t.Errorf("%d played at once and %d gave up, want 1 and 1", most, gaveUp)
		}
	})
}
