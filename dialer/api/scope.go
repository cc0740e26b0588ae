package api

import (
	"cmp"
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

// listsSeen are the lists that a caller may see, those that their campaigns dial; nil: all.
func (s *Server) listsSeen(ctx context.Context, by caller) (map[campaigns.ListID]bool, error) {
	if len(by.Campaigns) == 0 {
		return nil, nil
	}
	all, err := s.records.Campaigns(ctx)
	seen := map[campaigns.ListID]bool{}
	for _, c := range all {
		for _, l := range c.Lists {
			seen[l] = seen[l] || by.MaySee(c.ID)
		}
	}
	return seen, err
}

// list is one that a caller may see; campaigns.ErrNotFound of another.
func (s *Server) list(ctx context.Context, by caller, id campaigns.ListID) (campaigns.List, error) {
	lists, err := s.lists(ctx, by)
	for _, l := range lists {
		if l.ID == id {
			return l, err
		}
	}
	return campaigns.List{}, cmp.Or(err, campaigns.ErrNotFound)
}

func (s *Server) lists(ctx context.Context, by caller) ([]campaigns.List, error) {
	seen, err := s.listsSeen(ctx, by)
	if err != nil {
		return nil, err
	}
	all, err := s.records.Lists(ctx)
	return slices.DeleteFunc(all, func(l campaigns.List) bool { return seen != nil && !seen[l.ID] }), err
}

// ownList says whether a caller may change a list and its leads: all campaigns that dial
// it are theirs. campaigns.ErrNotFound where they may not.
func (s *Server) ownList(ctx context.Context, by caller, id campaigns.ListID) error {
	if len(by.Campaigns) == 0 {
		return nil
	}
	all, err := s.records.Campaigns(ctx)
	if err != nil {
		return err
	}
	own := false
	for _, c := range all {
		if !slices.Contains(c.Lists, id) {
			continue
		}
		if own = by.MaySee(c.ID); !own {
			break
		}
	}
	if !own {
		return campaigns.ErrNotFound
	}
	return nil
}
