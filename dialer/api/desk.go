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
	"github.com/outpace-dialer/outpace/dialer/operator"
)

// CallTime is half an hour of a customer's day.
type CallTime struct {
	Local    string    `json:"local" doc:"by the customer's clock, as callback_local wants it: 2026-03-02T15:30"`
	At       time.Time `json:"at"`
	Open     bool      `json:"open" doc:"the rules allow a call then, so far as they are known today"`
	ClosedBy *Closing  `json:"closed_by,omitempty" doc:"the first rule that does not"`
}

// Closing is a rule whose hours are over, or have not begun.
type Closing struct {
	Rule  string `json:"rule" doc:"id of the region, or campaign"`
	Name  string `json:"name,omitempty"`
	Zone  string `json:"zone"`
	Day   string `json:"day,omitempty" doc:"weekday, saturday, sunday, holiday, ..."`
	Hours string `json:"hours" doc:"what it allows on that day; none where empty"`
}

type callTimesIn struct {
	Day string `query:"day" pattern:"^[0-9]{4}-[0-9]{2}-[0-9]{2}$" required:"true" doc:"by the customer's calendar"`
}

// talkedBefore is an earlier attempt on the person on the screen.
type talkedBefore struct {
	At          time.Time            `json:"at"`
	Campaign    campaigns.CampaignID `json:"campaign"`
	Outcome     campaigns.Outcome    `json:"outcome"`
	Seconds     float64              `json:"seconds,omitempty" doc:"of talk"`
	Disposition string               `json:"disposition,omitempty"`
	Operator    campaigns.UserID     `json:"operator,omitempty"`
	Note        string               `json:"note,omitempty"`
	Audio       *campaigns.Audio     `json:"audio,omitempty"`
}

// openCampaign is a campaign that an operator may go on duty for.
type openCampaign struct {
	ID   campaigns.CampaignID `json:"id"`
	Name string               `json:"name"`
	Mode campaigns.PacingMode `json:"mode"`
}

// colleague is another operator on duty at this node, as one who would hand a talk to
// them sees them.
type colleague struct {
	ID    campaigns.UserID `json:"id"`
	Name  string           `json:"name"`
	State operator.State   `json:"state"`
}

// routeDesk adds what an operator has on the screen besides their own state. What it
// says of people is of the one whom the operator talks to, wraps up or previews.
func (s *Server) routeDesk(api huma.API) {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1/operator/" + path, Tags: []string{"operator"}, Summary: summary}
	}
	register(s, api, campaigns.RightCalls, op("history", http.MethodGet, "history", "Earlier attempts on the person on the screen, newest first"), s.history)
	register(s, api, campaigns.RightCalls, op("callback-times", http.MethodGet, "callback-times", "When the person on the screen may be called back: a day of theirs in half hours"), s.callTimes)
	register(s, api, campaigns.RightCalls, op("campaigns", http.MethodGet, "campaigns", "Running campaigns that take the operator"), s.openCampaigns)
	register(s, api, campaigns.RightCalls, op("colleagues", http.MethodGet, "colleagues", "Other operators on duty at this node: a talk goes to one who is ready"), s.colleagues)
	register(s, api, campaigns.RightCalls, op("figures", http.MethodGet, "figures", "The operator's own figures of today, as this node saw them"),
		func(_ context.Context, by caller, _ *empty) (*body[Figures], error) {
			return answer(s.hub.book.figures(by.ID, time.Now()), nil)
		})
	register(s, api, campaigns.RightCalls, op("draft-get", http.MethodGet, "draft", "The last draft that was kept, of this call or an earlier one"),
		func(_ context.Context, by caller, _ *empty) (*body[Draft], error) {
			return answer(s.drafts.Draft(by.ID))
		})
	register(s, api, campaigns.RightCalls, op("draft", http.MethodPut, "draft", "Keep a draft of notes and disposition of the present call"), s.keepDraft)
	register(s, api, campaigns.RightCalls, op("draft-drop", http.MethodDelete, "draft", "Throw the draft away"),
		func(_ context.Context, by caller, _ *empty) (*empty, error) { return nil, s.drafts.Drop(by.ID) })
}

// onScreen is the operator with a person on the screen.
func (s *Server) onScreen(ctx context.Context, by caller) (dialer.OperatorView, error) {
	v, err := s.engine.Operator(ctx, by.ID)
	if err == nil && v.Lead == nil {
		err = dialer.ErrNoCall
	}
	return v, err
}

// historyLength is how many earlier attempts an operator is shown.
const historyLength = 20

func (s *Server) history(ctx context.Context, by caller, _ *empty) (*body[[]talkedBefore], error) {
	v, err := s.onScreen(ctx, by)
	if err != nil {
		return nil, err
	}
	attempts, err := s.records.Attempts(ctx, campaigns.AttemptQuery{Lead: v.Lead.ID, Limit: historyLength + 1})
	all := []talkedBefore{}
	for _, a := range attempts {
		if a.ID == v.Attempt || a.Outcome == "" || len(all) == historyLength {
			continue
		}
		before := talkedBefore{
			At: a.BeganAt, Campaign: a.Campaign, Outcome: a.Outcome, Disposition: a.Disposition, Operator: a.Operator, Note: a.Note, Audio: a.Audio,
		}
		if !a.BridgedAt.IsZero() {
			before.Seconds = a.EndedAt.Sub(a.BridgedAt).Seconds()
		}
		all = append(all, before)
	}
	return answer(all, err)
}

func (s *Server) callTimes(ctx context.Context, by caller, in *callTimesIn) (*body[[]CallTime], error) {
	v, err := s.onScreen(ctx, by)
	if err != nil {
		return nil, err
	}
	at := slices.IndexFunc(v.Lead.Numbers, func(n campaigns.Number) bool { return n.E164 == v.Number })
	if at < 0 {
		return nil, dialer.ErrNoCall
	}
	times, err := s.explainer.CallTimes(ctx, v.Campaign, v.Lead.Numbers[at], in.Day)
	return answer(times, err)
}

func (s *Server) openCampaigns(ctx context.Context, by caller, _ *empty) (*body[[]openCampaign], error) {
	all, err := s.records.Campaigns(ctx)
	open := []openCampaign{}
	for _, c := range all {
		if c.State == campaigns.Running && by.MaySee(c.ID) && (len(c.Operators) == 0 || slices.Contains(c.Operators, by.ID)) {
			open = append(open, openCampaign{c.ID, c.Name, c.Pacing.Mode})
		}
	}
	return answer(open, err)
}

func (s *Server) colleagues(ctx context.Context, by caller, _ *empty) (*body[[]colleague], error) {
	now, err := s.engine.Snapshot(ctx)
	if err != nil {
		return nil, err
	}
	users, err := s.records.Users(ctx)
	names := map[campaigns.UserID]string{}
	for _, u := range users {
		names[u.ID] = u.Name
	}
	all := []colleague{}
	for _, o := range now.Operators {
		if o.User != by.ID && o.State != operator.Offline {
			all = append(all, colleague{o.User, names[o.User], o.State})
		}
	}
	return answer(all, err)
}

type draftIn struct {
	Body Draft
}

func (s *Server) keepDraft(ctx context.Context, by caller, in *draftIn) (*empty, error) {
	v, err := s.engine.Operator(ctx, by.ID)
	if err != nil {
		return nil, err
	}
	if v.Attempt == "" || v.Attempt != in.Body.Attempt || v.Lead == nil { // nil: it is asked for and not begun yet
		return nil, dialer.ErrNotYours
	}
	if size := fieldsSize(in.Body.Fields); size > maxDraftFields {
		return nil, huma.Error422UnprocessableEntity(fmt.Sprintf("fields: %d bytes are more than %d", size, maxDraftFields))
	}
	in.Body.Name, in.Body.At = v.Lead.Name, time.Now()
	return nil, s.drafts.Keep(by.ID, in.Body)
}

// dropDraft throws the draft of a call away that has its disposition and is off the
// screen. One that stays costs nothing but its place.
func (s *Server) dropDraft(ctx context.Context, by caller, attempt campaigns.AttemptID) {
	d, err := s.drafts.Draft(by.ID)
	if err != nil || attempt != "" && d.Attempt != attempt {
		return
	}
	v, err := s.engine.Operator(ctx, by.ID)
	if err == nil && v.Attempt != d.Attempt {
		err = s.drafts.Drop(by.ID)
	}
	if err != nil && !errors.Is(err, campaigns.ErrNotFound) {
		s.log.Warn("a draft stays after its call", zap.String("user", string(by.ID)), zap.Error(err))
	}
}
