package api

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"time"

	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// takenOn says whether a campaign that an operator wants to work for is there and takes
// them; it need not run yet. Empty: they want none in particular, so one of those that they
// may see must.
func (s *Server) takenOn(ctx context.Context, by caller, wanted campaigns.CampaignID) error {
	if wanted == "" {
		return s.takenOnByAny(ctx, by)
	}
	c, err := s.campaign(ctx, by, wanted)
	if err == nil && !takes(c, by.ID) {
		err = coded(http.StatusForbidden, "not_taken", "the campaign has operators of its own, and you are none of them")
	}
	return err
}

// takenOnByAny says whether there is a campaign for an operator who may see some alone: the
// others give them no call, so they would wait for nothing.
func (s *Server) takenOnByAny(ctx context.Context, by caller) error {
	if len(by.Campaigns) == 0 {
		return nil
	}
	all, err := s.records.Campaigns(ctx)
	if err == nil && !slices.ContainsFunc(all, func(c campaigns.Campaign) bool {
		return by.MaySee(c.ID) && takes(c, by.ID)
	}) {
		err = coded(http.StatusForbidden, "not_taken", "none of the campaigns that you may see takes you")
	}
	return err
}

// takes says whether a campaign gives an operator calls.
func takes(c campaigns.Campaign, user campaigns.UserID) bool {
	return len(c.Operators) == 0 || slices.Contains(c.Operators, user)
}

// endShift ends the shift of an operator who signs out, after the present call: nobody
// sits before the phone any more to whom a person could be given. Who is signed in
// elsewhere too goes on there.
func (s *Server) endShift(ctx context.Context, by caller) {
	if !by.May(campaigns.RightCalls) {
		return
	}
	left, err := s.records.Tokens(ctx, by.ID)
	now := time.Now()
	if slices.ContainsFunc(left, func(t campaigns.Token) bool {
		return t.Name == sessionName && t.Hash != by.token && t.ExpiresAt.After(now) && !s.idle(t, now)
	}) {
		return
	}
	if err == nil {
		err = s.engine.OffDuty(ctx, by.ID)
	}
	if err != nil && !errors.Is(err, dialer.ErrState) { // they were on duty
		s.log.Warn("somebody signed out and is still on duty", zap.String("user", string(by.ID)), zap.Error(err))
	}
}
