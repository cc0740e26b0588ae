package app

import (
	"context"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/metrics"
	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// openProvider reads who is believed about people. It asks nobody: the provider may come
// up after us.
func (a *App) openProvider(cfg oidc.Config) (err error) {
	if !cfg.On() {
		return nil
	}
	if a.provider, err = oidc.New(cfg, time.Now); err != nil {
		return err
	}
	a.log.Info("people sign in with a provider", zap.String("issuer", cfg.Issuer), zap.String("redirect_uri", cfg.RedirectURI()))
	if cfg.BreakGlass == "" {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), sampling)
	defer cancel()
	u, err := a.store.User(ctx, cfg.BreakGlass)
	if err != nil || u.PasswordHash == "" || u.Disabled || u.Role != campaigns.RoleAdmin {
		a.log.Error("the user of oidc.break_glass is no admin with a password: nobody gets in on the day the provider is down", zap.String("user", string(cfg.BreakGlass)), zap.Error(err))
	}
	return nil
}

func (a *App) providerSamples() []metrics.Sample {
	if a.provider == nil {
		return nil
	}
	return []metrics.Sample{gauge("oidc_provider_up", "1 while the provider with whom people sign in answered when it was last asked.", truth(a.provider.Up()))}
}
