package api

import (
	"context"
	"crypto/rand"
	"fmt"
	"net/http"
	"slices"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// byLead is the reason of a pause that a team lead or manager asked for, where they named
// none.
const byLead = "by_lead"

// order is what a team lead or manager wants of an operator: one of its fields.
type order struct {
	Pause    string               `json:"pause,omitempty"` // the reason
	OffDuty  bool                 `json:"off_duty,omitempty"`
	Campaign campaigns.CampaignID `json:"campaign,omitempty"`
}

type orderIn struct {
	User campaigns.UserID `path:"id" maxLength:"64"`
}

type orderPauseIn struct {
	User campaigns.UserID `path:"id" maxLength:"64"`
	Body *orderPauseBody  // may be left out
}

type orderPauseBody struct {
	Reason string `json:"reason,omitempty" maxLength:"64" doc:"shown to them and on the floor; left out: by_lead"`
}

type orderMoveIn struct {
	User campaigns.UserID `path:"id" maxLength:"64"`
	Body struct {
		Campaign campaigns.CampaignID `json:"campaign" minLength:"1" maxLength:"64"`
	}
}

// routeFloor adds what team leads and managers do with operators: somebody who went away
// while ready has persons put through to an empty chair.
func (s *Server) routeFloor(api huma.API) {
	op := func(id, summary string) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodPost, Path: "/api/v1/operators/{id}/" + id, Tags: []string{"operators"}, Summary: summary,
			Description: "Of a team lead's own team; at any node. 503 with the code node_unreachable where the operator is on duty at one that does not answer.",
		}
	}
	register(s, api, campaigns.RightFloor, op("pause", "Pause an operator, behind the present call"),
		func(ctx context.Context, by caller, in *orderPauseIn) (*empty, error) {
			reason := byLead
			if in.Body != nil && in.Body.Reason != "" {
				reason = in.Body.Reason
			}
			return nil, s.order(ctx, by, in.User, order{Pause: reason})
		})
	register(s, api, campaigns.RightFloor, op("off-duty", "End an operator's shift, behind the present call"),
		func(ctx context.Context, by caller, in *orderIn) (*empty, error) {
			return nil, s.order(ctx, by, in.User, order{OffDuty: true})
		})
	register(s, api, campaigns.RightFloor, op("campaign", "Put an operator on another campaign, behind the present call"),
		func(ctx context.Context, by caller, in *orderMoveIn) (*empty, error) {
			c, err := s.campaign(ctx, by, in.Body.Campaign)
			if err == nil && len(c.Operators) > 0 && !slices.Contains(c.Operators, in.User) {
				err = coded(http.StatusConflict, "not_taken", "the campaign has operators of its own, and they are none of them")
			}
			if err != nil {
				return nil, err
			}
			return nil, s.order(ctx, by, in.User, order{Campaign: c.ID})
		})
}

// order has an order obeyed at the node where the operator is on duty, and writes down who
// gave it.
func (s *Server) order(ctx context.Context, by caller, user campaigns.UserID, o order) error {
	if err := s.ofTeam(ctx, by, user); err != nil {
		return err
	}
	v, node, err := s.onDuty(ctx, user)
	if err != nil {
		return err
	}
	if v.State == operator.Offline {
		return fmt.Errorf("%w: off duty", dialer.ErrState)
	}
	if !by.MaySee(v.Campaign) {
		return campaigns.ErrNotFound
	}
	if node == "" {
		err = s.obey(ctx, user, o)
	} else {
		_, err = s.askPeer(ctx, node, user, peerChoice{Order: &o, Once: rand.Text()})
	}
	if err != nil {
		return err
	}
	before := map[string]any{"state": v.State, "campaign": v.Campaign}
	if failed := s.audit(ctx, by, "operator.order", string(user), before, o); failed != nil { // it is done whatever the store says
		s.log.Error("not in the audit log", zap.String("action", "operator.order"), zap.String("user", string(user)), zap.Error(failed))
	}
	return nil
}

// obey does it at this node.
func (s *Server) obey(ctx context.Context, user campaigns.UserID, o order) error {
	switch {
	case o.Campaign != "":
		return s.engine.Move(ctx, user, o.Campaign)
	case o.OffDuty:
		return s.engine.OffDuty(ctx, user)
	}
	return s.engine.Pause(ctx, user, o.Pause)
}
