package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// wantedLead is whom an operator wants to call.
type wantedLead struct {
	Campaign   campaigns.CampaignID `json:"campaign,omitempty" doc:"must be the one that the operator is on; left out: that one"`
	Lead       campaigns.LeadID     `json:"lead,omitempty" doc:"this, or list and external_id, or number alone"`
	List       campaigns.ListID     `json:"list,omitempty"`
	ExternalID string               `json:"external_id,omitempty" maxLength:"200" doc:"of the list's source, such as a CRM"`
	Number     string               `json:"number,omitempty" pattern:"^\\+[1-9][0-9]{4,14}$" doc:"which of the lead's numbers; left out: the one that is next. Alone: the one lead of the campaign who has it"`
}

type callLeadIn struct {
	Body wantedLead
}

type callLeadForIn struct {
	User campaigns.UserID `path:"id" maxLength:"64"`
	Body wantedLead
}

// placedCall is a call that was placed for an operator.
type placedCall struct {
	Attempt campaigns.AttemptID `json:"attempt"`
	Lead    campaigns.LeadID    `json:"lead"`
}

type callableIn struct {
	Text string `query:"text" minLength:"3" maxLength:"100" required:"true" doc:"part of a name or external id, or a whole number in E.164"`
}

// callable is a lead that an operator may want to call.
type callable struct {
	Lead       campaigns.LeadID     `json:"lead"`
	List       campaigns.ListID     `json:"list"`
	ExternalID string               `json:"external_id,omitempty"`
	Name       string               `json:"name"`
	Numbers    []string             `json:"numbers" doc:"masked where the caller may not see them"`
	State      campaigns.EntryState `json:"state"`
	DueAt      time.Time            `json:"due_at,omitzero"`
	Callback   *campaigns.Callback  `json:"callback,omitempty"`
	Outcome    campaigns.Outcome    `json:"last_outcome,omitempty"`
	LastAt     time.Time            `json:"last_at,omitzero"`
}

// routeManual adds calls to leads that operators choose, by themselves or by a click in
// another program.
func (s *Server) routeManual(api huma.API) {
	register(s, api, campaigns.RightManual, huma.Operation{
		OperationID: "call", Method: http.MethodPost, Path: "/api/v1/operator/call", Tags: []string{"operator"},
		Summary:     "Call a lead of your choice, ready or paused, where the campaign's manual_dial allows it",
		Description: notCalledDoc,
	}, func(ctx context.Context, by caller, in *callLeadIn) (*body[placedCall], error) {
		return answer(s.callLead(ctx, by, by.ID, in.Body))
	})
	register(s, api, campaigns.RightManualFor, huma.Operation{
		OperationID: "call", Method: http.MethodPost, Path: "/api/v1/operators/{id}/call", Tags: []string{"operators"},
		Summary:     "Click to call: have an operator's call placed",
		Description: "For a CRM: a token with the scope `manual.dial.for` alone is enough. " + notCalledDoc,
	}, func(ctx context.Context, by caller, in *callLeadForIn) (*body[placedCall], error) {
		if err := s.ofTeam(ctx, by, in.User); err != nil {
			return nil, err
		}
		return answer(s.callLead(ctx, by, in.User, in.Body))
	})
	register(s, api, campaigns.RightManual, huma.Operation{
		OperationID: "callable", Method: http.MethodGet, Path: "/api/v1/operator/callable", Tags: []string{"operator"},
		Summary: "Leads of the campaign that you are on, to call one of them; ten at most",
	}, s.callable)
}

const notCalledDoc = "It may be asked at any node. 503 with the code node_unreachable where the operator is on duty at one that does not answer: the call may be on their screen all the same. 409 with the code refused_RULE where a rule forbids the call as it would forbid any other (window, do_not_call, cap, number_locked, lead_taken, lead_done, ...); `errors` are the gates that are closed, in words."

// callLead has a call placed for an operator, and writes down who wanted it.
func (s *Server) callLead(ctx context.Context, by caller, user campaigns.UserID, in wantedLead) (placedCall, error) {
	v, node, err := s.onDuty(ctx, user)
	if err != nil {
		return placedCall{}, err
	}
	campaign, lead, err := s.wanted(ctx, by, v, in)
	if err != nil {
		return placedCall{}, err
	}
	attempt, err := s.callAt(ctx, node, user, dialer.Choice{Lead: lead.ID, Number: in.Number, Campaign: campaign})
	asked := map[string]any{"operator": user, "campaign": campaign, "lead": lead.ID}
	refused, isRefused := errors.AsType[*dialer.NotCalled](err)
	if isRefused {
		asked["refused"] = refused.Rule
		err = s.refusedBy(ctx, refused, campaign, lead, in.Number)
	} else if err != nil {
		return placedCall{}, err
	}
	if failed := s.audit(ctx, by, "call.manual", string(attempt), nil, asked); failed != nil { // the call goes on whatever the store says
		s.log.Error("not in the audit log", zap.String("action", "call.manual"), zap.String("call", string(attempt)), zap.Error(failed))
	}
	return placedCall{attempt, lead.ID}, err
}

// wanted finds the lead that is meant, and the campaign: the operator's.
func (s *Server) wanted(ctx context.Context, by caller, v dialer.OperatorView, in wantedLead) (campaigns.CampaignID, campaigns.Lead, error) {
	campaign := in.Campaign
	if campaign == "" {
		campaign = v.Campaign
	}
	if campaign == "" {
		return "", campaigns.Lead{}, fmt.Errorf("%w: off duty", dialer.ErrState)
	}
	if !by.MaySee(campaign) {
		return "", campaigns.Lead{}, campaigns.ErrNotFound
	}
	l, err := s.wantedIn(ctx, campaign, in)
	return campaign, l, err
}

func (s *Server) wantedIn(ctx context.Context, c campaigns.CampaignID, in wantedLead) (campaigns.Lead, error) {
	byID, bySource, byNumber := in.Lead != 0, in.List != "" || in.ExternalID != "", in.Number != ""
	switch {
	case byID && bySource, bySource && (in.List == "" || in.ExternalID == ""):
		return campaigns.Lead{}, huma.Error422UnprocessableEntity("lead, or list and external_id, or number alone")
	case byID:
		l, err := s.records.Lead(ctx, in.Lead)
		if err == nil {
			_, err = s.entryIn(ctx, l.ID, c)
		}
		return l, err
	case bySource:
		l, err := s.records.LeadByExternalID(ctx, in.List, in.ExternalID)
		if err == nil {
			_, err = s.entryIn(ctx, l.ID, c)
		}
		return l, err
	case byNumber:
		return s.ownerIn(ctx, c, in.Number)
	}
	return campaigns.Lead{}, huma.Error422UnprocessableEntity("lead, or list and external_id, or number is needed")
}

// ownerIn is the one lead of a campaign who has a number.
func (s *Server) ownerIn(ctx context.Context, c campaigns.CampaignID, number string) (campaigns.Lead, error) {
	found, err := s.records.FindLeads(ctx, campaigns.LeadQuery{Number: number})
	if err != nil {
		return campaigns.Lead{}, err
	}
	var owners []campaigns.Lead
	for _, l := range found {
		_, err := s.entryIn(ctx, l.ID, c)
		if err == nil {
			owners = append(owners, l)
		} else if !errors.Is(err, campaigns.ErrNotFound) {
			return campaigns.Lead{}, err
		}
	}
	switch len(owners) {
	case 0:
		return campaigns.Lead{}, fmt.Errorf("no lead of campaign %s has this number: %w", c, campaigns.ErrNotFound)
	case 1:
		return owners[0], nil
	}
	return campaigns.Lead{}, coded(http.StatusConflict, "ambiguous", fmt.Sprintf("%d leads of campaign %s have this number: say which", len(owners), c))
}

// entryIn is the place of a lead in a campaign, or campaigns.ErrNotFound.
func (s *Server) entryIn(ctx context.Context, id campaigns.LeadID, c campaigns.CampaignID) (campaigns.Entry, error) {
	entries, err := s.records.Entries(ctx, id)
	if err != nil {
		return campaigns.Entry{}, err
	}
	i := slices.IndexFunc(entries, func(e campaigns.Entry) bool { return e.Queue.Campaign == c })
	if i < 0 {
		return campaigns.Entry{}, fmt.Errorf("lead %d is not in campaign %s: %w", id, c, campaigns.ErrNotFound)
	}
	return entries[i], nil
}

// gatesOf are the gates of the explanation that are behind a refusal.
var gatesOf = map[string][]string{
	"window": {"hours", "window", "cooldown"}, "do_not_call": {"do_not_call"}, "cap": {"cap"}, "lead_gone": {"number"},
}

// refusedBy says which rule forbids a call, in words.
func (s *Server) refusedBy(ctx context.Context, n *dialer.NotCalled, c campaigns.CampaignID, l campaigns.Lead, number string) error {
	p := coded(http.StatusConflict, "refused_"+n.Rule, n.Error())
	if !n.Next.IsZero() {
		p.Errors = append(p.Errors, ProblemField{Location: "next", Message: n.Next.UTC().Format(time.RFC3339)})
	}
	if number == "" {
		if e, err := s.entryIn(ctx, l.ID, c); err == nil {
			number = e.Number
		}
	}
	all, err := s.explainer.Explain(ctx, number, time.Now())
	if err != nil || number == "" {
		return p // what the engine said is enough
	}
	for _, x := range all {
		for _, g := range x.Gates {
			if x.Campaign == c && x.Lead == l.ID && !g.OK && slices.Contains(gatesOf[n.Rule], g.Name) {
				p.Errors = append(p.Errors, ProblemField{Location: g.Name, Message: g.Detail})
			}
		}
	}
	return p
}

// mostCallable is how many leads a search shows: an operator looks for one.
const mostCallable = 10

// callable searches the leads of the campaign that the operator is on, where it lets them
// call whom they choose.
func (s *Server) callable(ctx context.Context, by caller, in *callableIn) (*body[[]callable], error) {
	v, err := s.engine.Operator(ctx, by.ID)
	if err != nil {
		return nil, err
	}
	if !v.MayDial || !by.MaySee(v.Campaign) {
		return nil, dialer.ErrNoManual
	}
	c, err := s.records.Campaign(ctx, v.Campaign)
	if err != nil {
		return nil, err
	}
	found := []callable{}
	for _, list := range c.Lists {
		q := campaigns.LeadQuery{List: list, Text: in.Text, Limit: mostCallable}
		if in.Text[0] == '+' {
			q.Text, q.Number = "", in.Text
		}
		leads, err := s.records.FindLeads(ctx, q)
		if err != nil {
			return nil, err
		}
		for _, l := range leads {
			e, err := s.entryIn(ctx, l.ID, c.ID)
			if errors.Is(err, campaigns.ErrNotFound) {
				continue
			}
			if err != nil {
				return nil, err
			}
			found = append(found, shownCallable(l, e, by.User))
		}
		if len(found) >= mostCallable {
			break
		}
	}
	return answer(found[:min(len(found), mostCallable)], nil)
}

func shownCallable(l campaigns.Lead, e campaigns.Entry, u campaigns.User) callable {
	x := callable{
		Lead: l.ID, List: l.List, ExternalID: l.ExternalID, Name: l.Name, Numbers: []string{}, State: e.State, DueAt: e.DueAt,
		Callback: e.Callback, Outcome: e.LastOutcome, LastAt: e.LastAt,
	}
	for _, n := range l.Numbers {
		x.Numbers = append(x.Numbers, seen(n.E164, u))
	}
	return x
}
