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
// them; it need not run yet. Empty: they want none in particular.
func (s *Server) takenOn(ctx context.Context, by caller, wanted campaigns.CampaignID) error {
	if wanted == "" {
		return nil
	}
	c, err := s.campaign(ctx, by, wanted)
	if err == nil && len(c.Operators) > 0 && !slices.Contains(c.Operators, by.ID) {
		err = coded(http.StatusForbidden, "not_taken", "the campaign has operators of its own, and you are none of them")
	}
	return err
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
