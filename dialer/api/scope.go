package api

import (
	"context"
	"fmt"
	"slices"

	"github.com/outpace-dialer/outpace/campaigns"
)

// sees says whether an attempt is of a campaign that the caller may see.
func (by caller) sees(a campaigns.Attempt) bool { return by.MaySee(a.Campaign) }

// ofTeam says whether a caller may hear the calls of an operator: a team lead those of
// their own team. campaigns.ErrNotFound where they may not.
func (s *Server) ofTeam(ctx context.Context, by caller, operator campaigns.UserID) error {
	if by.Role != campaigns.RoleLead || by.Team == "" {
		return nil
	}
	u, err := s.records.User(ctx, operator)
	if err == nil && u.Team != by.Team {
		err = campaigns.ErrNotFound
	}
	return err
}

// knownRights says which of some rights there is not.
func knownRights(field string, rights []campaigns.Right) error {
	known := campaigns.AllRights()
	for i, r := range rights {
		if !slices.Contains(known, r) {
			return &campaigns.FieldError{Field: fmt.Sprintf("%s[%d]", field, i), Problem: fmt.Sprintf("there is no right %q", r)}
		}
	}
	return nil
}

// mayHear says whether a caller may listen to a call that is live at this node.
func (s *Server) mayHear(ctx context.Context, by caller, attempt campaigns.AttemptID) error {
	if len(by.Campaigns) == 0 && (by.Role != campaigns.RoleLead || by.Team == "") {
		return nil
	}
	now, err := s.engine.Snapshot(ctx)
	if err != nil {
		return err
	}
	for _, o := range now.Operators {
		if o.Attempt == attempt && by.MaySee(o.Campaign) {
			return s.ofTeam(ctx, by, o.User)
		}
	}
	return campaigns.ErrNotFound
}
