package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

type deleteListIn struct {
	Condition
	ID campaigns.ListID `path:"id" maxLength:"64"`
}

// routeDeleteList adds the way out of lists.
func (s *Server) routeDeleteList(api huma.API) {
	register(s, api, campaigns.RightLeadsWrite, huma.Operation{
		OperationID: "delete-list", Method: http.MethodDelete, Path: "/api/v1/lists/{id}", Tags: []string{"leads"}, Summary: "Delete a list and its leads",
		Description: "If-Match is needed (428); * stands for whatever there is. 409 with the code list_in_use while a campaign dials it, calls_under_way while a lead of it is being called. " +
			"The list is gone at once, and its leads soon after; those whose calls a law asks to keep go when it asks no more, and until then the id stays taken (list_deleted). " +
			"Attempts, recordings and do-not-call entries stay as long as the retention rules say.",
	}, s.deleteList)
}

func (s *Server) deleteList(ctx context.Context, by caller, in *deleteListIn) (*empty, error) {
	if in.IfMatch == "" {
		return nil, errUnconditional
	}
	l, err := s.list(ctx, by, in.ID)
	if err == nil {
		err = s.mayDelete(ctx, by, l.ID)
	}
	if err == nil {
		err = in.check(quoted(l.Revision()))
	}
	if err == nil {
		err = s.unused(ctx, by, l.ID)
	}
	if err != nil {
		return nil, err
	}
	if err := s.records.DeleteList(ctx, l.ID, l.Revision()); err != nil {
		return nil, in.met(err)
	}
	if s.listDeleted != nil {
		s.listDeleted()
	}
	return nil, s.audit(ctx, by, "list.delete", string(l.ID), l, nil)
}

// mayDelete says whether a list is a caller's to delete: all campaigns that dial it are
// theirs, and where none does, they made it. campaigns.ErrNotFound where it is not.
func (s *Server) mayDelete(ctx context.Context, by caller, id campaigns.ListID) error {
	own, others, err := s.dialledBy(ctx, by, id)
	if err != nil || own > 0 && others == 0 {
		return err
	}
	made, err := s.listsMade(ctx, by)
	if err == nil && (others > 0 || !made[id]) {
		err = campaigns.ErrNotFound
	}
	return err
}

// unused says of what a list is needed for still.
func (s *Server) unused(ctx context.Context, by caller, id campaigns.ListID) error {
	all, err := s.records.Campaigns(ctx)
	if err != nil {
		return err
	}
	var named []string
	for _, c := range all {
		takes := id == campaigns.InboundList && c.Inbound.Unknown == campaigns.UnknownTaken
		if (takes || slices.Contains(c.Lists, id)) && by.MaySee(c.ID) {
			named = append(named, string(c.ID))
		}
	}
	if len(named) > 0 {
		return coded(http.StatusConflict, "list_in_use", "take it out of these campaigns first: "+strings.Join(named, ", "))
	}
	open, err := s.records.Attempts(ctx, campaigns.AttemptQuery{Open: true, Limit: mostAttempts})
	if err != nil {
		return err
	}
	for _, a := range open {
		lead, err := s.records.Lead(ctx, a.Lead)
		if err == nil && lead.List == id {
			return coded(http.StatusConflict, "calls_under_way", fmt.Sprintf("a lead of it is being called (attempt %s): try again when that is over", a.ID))
		}
	}
	return nil
}

// mostAttempts is how many attempts that are under way are looked at: more than the product
// has at a time.
const mostAttempts = 10_000
