package api

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// sees says whether an attempt is of a campaign that the caller may see.
func (by caller) sees(a campaigns.Attempt) bool { return by.MaySee(a.Campaign) }

// mates are whose calls a caller may see, where they are a team lead: those of the team and
// their own, so of nobody else where they lead none. nil: of everybody.
func (s *Server) mates(ctx context.Context, u campaigns.User) (map[campaigns.UserID]bool, error) {
	if u.Role != campaigns.RoleLead {
		return nil, nil
	}
	seen := map[campaigns.UserID]bool{u.ID: true}
	if u.Team == "" {
		return seen, nil
	}
	all, err := s.teams.users(ctx, s.records)
	for _, other := range all {
		if other.Team == u.Team {
			seen[other.ID] = true
		}
	}
	return seen, err
}

// ofTeam says whether a caller may hear the calls of an operator. campaigns.ErrNotFound
// where they may not.
func (s *Server) ofTeam(ctx context.Context, by caller, operator campaigns.UserID) error {
	mates, err := s.mates(ctx, by.User)
	if err == nil && mates != nil && !mates[operator] {
		err = campaigns.ErrNotFound
	}
	return err
}

// teamsFor is how long it may take until a change of a team is heeded: the floor asks
// twice a second for each who watches it.
const teamsFor = 5 * time.Second

// teams remembers all users for a while.
type teams struct {
	mu    sync.Mutex
	all   []campaigns.User
	until time.Time
}

func (t *teams) users(ctx context.Context, records campaigns.Records) ([]campaigns.User, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	now := time.Now()
	if now.Before(t.until) {
		return t.all, nil
	}
	all, err := records.Users(ctx)
	if err == nil {
		t.all, t.until = all, now.Add(teamsFor)
	}
	return all, err
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
	if len(by.Campaigns) == 0 && by.Role != campaigns.RoleLead {
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

// listMade is how the audit log calls it that somebody made a list.
const listMade = "list.create"

// mostMade is how many of the lists that a caller made are looked for.
const mostMade = 1000

// listsMade are the lists that a caller made, as the audit log has it.
func (s *Server) listsMade(ctx context.Context, by caller) (map[campaigns.ListID]bool, error) {
	entries, err := s.records.Audited(ctx, campaigns.AuditQuery{By: by.ID, Action: listMade, Limit: mostMade})
	made := map[campaigns.ListID]bool{}
	for _, a := range entries {
		made[campaigns.ListID(a.Object)] = true
	}
	return made, err
}

// ownLists says which lists a caller may not add to a campaign of theirs: those that no
// campaign of theirs dials and that they did not make. Else whoever has one campaign would
// see, and call, the leads of all.
func (s *Server) ownLists(ctx context.Context, by caller, present, wanted []campaigns.ListID) error {
	seen, err := s.listsSeen(ctx, by)
	if err != nil || seen == nil {
		return err
	}
	var made map[campaigns.ListID]bool
	var wrong []error
	for i, l := range wanted {
		if slices.Contains(present, l) || seen[l] {
			continue
		}
		if made == nil {
			if made, err = s.listsMade(ctx, by); err != nil {
				return err
			}
		}
		if !made[l] {
			wrong = append(wrong, &campaigns.FieldError{Field: fmt.Sprintf("lists[%d]", i), Problem: fmt.Sprintf("there is no list %q among those that you may dial", l)})
		}
	}
	return errors.Join(wrong...)
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

// lists are those that a caller may see; of those that no campaign dials, what they made.
func (s *Server) lists(ctx context.Context, by caller) ([]campaigns.List, error) {
	seen, err := s.listsSeen(ctx, by)
	if err == nil && seen != nil {
		var made map[campaigns.ListID]bool
		made, err = s.listsMade(ctx, by)
		for l := range made {
			seen[l] = true
		}
	}
	if err != nil {
		return nil, err
	}
	all, err := s.records.Lists(ctx)
	return slices.DeleteFunc(all, func(l campaigns.List) bool { return seen != nil && !seen[l.ID] }), err
}

// ownList says whether a caller may change a list and its leads: all campaigns that dial
// it are theirs. campaigns.ErrNotFound where they may not.
func (s *Server) ownList(ctx context.Context, by caller, id campaigns.ListID) error {
	own, others, err := s.dialledBy(ctx, by, id)
	if err == nil && (own == 0 || others > 0) {
		return campaigns.ErrNotFound
	}
	return err
}

// mayFill says whether a caller may write leads into a list: no campaign of others dials
// it. One that nobody dials yet takes leads of whoever is making it.
func (s *Server) mayFill(ctx context.Context, by caller, id campaigns.ListID) error {
	_, others, err := s.dialledBy(ctx, by, id)
	if err == nil && others > 0 {
		return campaigns.ErrNotFound
	}
	return err
}

// dialledBy counts the campaigns that dial a list: those that a caller sees, and others.
// Who sees all of them owns whatever there is.
func (s *Server) dialledBy(ctx context.Context, by caller, id campaigns.ListID) (own, others int, err error) {
	if len(by.Campaigns) == 0 {
		return 1, 0, nil
	}
	all, err := s.records.Campaigns(ctx)
	for _, c := range all {
		switch {
		case !slices.Contains(c.Lists, id):
		case by.MaySee(c.ID):
			own++
		default:
			others++
		}
	}
	return own, others, err
}
