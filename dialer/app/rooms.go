package app

import (
	"context"
	"net/http"
	"net/netip"
	"os"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/api"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
	"github.com/outpace-dialer/outpace/sip/registrar"
	"github.com/outpace-dialer/outpace/sip/trunk"
)

type addrPort = netip.AddrPort

// trunkRoom shapes the trunks as the engine wants them.
type trunkRoom struct {
	*trunk.Trunks
	agent *sip.Agent
}

func (t trunkRoom) Reserve(group, number string, callerIDs []string, callID string) (dialer.Route, error) {
	r, err := t.Trunks.Reserve(group, number, callerIDs, callID)
	if err != nil {
		return dialer.Route{}, err
	}
	return r.Plain(), nil
}

func (t trunkRoom) Release(r dialer.Route) { t.Trunks.Release(r.Own.(trunk.Route)) }

func (t trunkRoom) Depart(r dialer.Route) time.Duration { return t.Trunks.Depart(r.Own.(trunk.Route)) }

func (t trunkRoom) Dial(leg sip.LegID, r dialer.Route, offer []byte) {
	t.Trunks.Dial(leg, r.Own.(trunk.Route), offer)
}

func (t trunkRoom) Finish(ctx context.Context, d sip.Dialog) error { return t.agent.Finish(ctx, d) }

// falseAnswers tells the trunks which of their answers were none.
type falseAnswers struct{ trunks *trunk.Trunks }

func (f falseAnswers) Notice(n dialer.Notice) {
	if end, ok := n.(dialer.CallEnded); ok && end.Ending.Outcome == campaigns.FalseAnswer {
		f.trunks.FalseAnswer(end.Trunk, end.CallerID)
	}
}

// phoneRoom shapes the registrar as the engine wants it.
type phoneRoom struct {
	*registrar.Registrar
	srtp string // config.Phones.SRTP
}

// Encryption of a phone's audio: its keys are in the signalling, so by default it is
// encrypted where that is. Phones over WebSocket do it as browsers do.
func (p phoneRoom) Encryption(user string) media.Encryption {
	switch {
	case p.Registrar.Transport(user) == "ws":
		return media.AsBrowsers
	case p.srtp == config.SRTPOff:
		return media.Plain
	case p.srtp == config.SRTPRequired || p.Registrar.Transport(user) == "tls":
		return media.Encrypted
	}
	return media.AsOffered
}

func (p phoneRoom) Call(leg sip.LegID, user string, offer []byte) {
	p.Registrar.Call(leg, user, offer, "")
}

func (p phoneRoom) Hangup(leg string) {
	p.Registrar.Hangup(sip.LegID(leg), sip.Cause{Code: 603, Q850: 16, Text: "normal call clearing"})
}

// phoneUsers are the users whose phones may register.
type phoneUsers struct{ records campaigns.Records }

func (p phoneUsers) Digest(user string) (registrar.Secret, bool) {
	u, err := p.records.User(context.Background(), campaigns.UserID(user))
	if err != nil || u.Disabled || (u.SIPMD5 == "" && u.SIPSHA256 == "") {
		return registrar.Secret{}, false
	}
	return registrar.Secret{HA1MD5: u.SIPMD5, HA1SHA256: u.SIPSHA256}, true
}

// phoneSecrets is what is kept of a phone's password.
func (a *App) phoneSecrets(user, password string) (md5, sha256 string) {
	return PhoneSecrets(a.cfg.Phones.Registrar.Realm, user, password)
}

// PhoneSecrets is what is kept of a phone's password: the digests of user,
// realm and password (RFC 8760). An empty realm is the default one.
func PhoneSecrets(realm, user, password string) (md5, sha256 string) {
	if realm == "" {
		realm = "outpace"
	}
	s := registrar.HA1(user, realm, password)
	return s.HA1MD5, s.HA1SHA256
}

// checkPIN compares the PIN that was dialled with the feature code. A user
// without a PIN needs none: the phone has proved itself by its password.
func (a *App) checkPIN(ctx context.Context, user, pin string) bool {
	u, err := a.store.User(ctx, campaigns.UserID(user))
	if err != nil || u.Disabled {
		return false
	}
	return u.PINHash == "" || api.VerifyPassword(u.PINHash, pin)
}

// granted are the campaigns that a user may see, and so work for; empty: every one.
func (a *App) granted(ctx context.Context, user campaigns.UserID) ([]campaigns.CampaignID, error) {
	u, err := a.store.User(ctx, user)
	return u.Campaigns, err
}

// observers tells several.
type observers []dialer.Observer

func (all observers) Notice(n dialer.Notice) {
	for _, o := range all {
		o.Notice(n)
	}
}

func optional(o dialer.Observer) []dialer.Observer {
	return slices.DeleteFunc([]dialer.Observer{o}, func(o dialer.Observer) bool { return o == nil })
}

// logger writes one line per fact, numbers masked.
type logger struct{ *zap.Logger }

func (l logger) Notice(n dialer.Notice) {
	switch n := n.(type) {
	case dialer.CallEnded:
		l.Info("call ended",
			zap.String("call", string(n.Ending.Attempt)), zap.String("campaign", string(n.Campaign)), zap.String("trunk", n.Trunk),
			zap.String("number", campaigns.MaskNumber(n.Number)), zap.String("outcome", string(n.Ending.Outcome)),
			zap.Int("code", n.Ending.Code), zap.Int("q850", n.Ending.Q850), zap.String("reason", n.Ending.Reason),
			zap.String("operator", string(n.Ending.Operator)), zap.Duration("lasted", n.Ending.At.Sub(n.BeganAt)))
	case dialer.Transferred:
		l.Info("customer transferred",
			zap.String("call", string(n.Attempt)), zap.String("campaign", string(n.Campaign)), zap.String("from", string(n.From)),
			zap.String("operator", string(n.To.Operator)), zap.String("number", campaigns.MaskNumber(n.To.Number)))
	case dialer.CampaignChanged:
		l.Info("campaign changed", zap.String("campaign", string(n.Campaign.ID)), zap.String("state", string(n.Campaign.State)))
	case dialer.OperatorChanged:
		l.Debug("operator changed", zap.String("user", string(n.Operator.User)), zap.String("state", string(n.Operator.State)), zap.String("reason", n.Operator.Reason))
	case dialer.RecordingDone:
		if n.Err != nil {
			l.Warn("recording ended early", zap.String("call", string(n.Attempt)), zap.Error(n.Err))
		}
	}
}

// recordings opens files inside the recording folder and nowhere else.
type recordings struct{ root *os.Root }

func openRecordings(dir string) (recordings, error) {
	root, err := os.OpenRoot(dir)
	return recordings{root}, err
}

func (r recordings) Open(path string) (http.File, error) { return r.root.Open(path) }

// has says whether there is a recording at a path.
func (r recordings) has(path string) bool {
	info, err := r.root.Stat(path)
	return err == nil && info.Mode().IsRegular()
}
