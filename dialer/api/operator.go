package api

import (
	"context"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

type onDutyIn struct {
	Body *onDutyBody // may be left out
}

type onDutyBody struct {
	Campaign campaigns.CampaignID `json:"campaign,omitempty" doc:"empty: a running one that takes the operator"`
}

type pauseIn struct {
	Body struct {
		Reason string `json:"reason" maxLength:"64" doc:"break, lunch, training, ..."`
	}
}

type stageIn struct {
	Body struct {
		Attempt campaigns.AttemptID `json:"attempt,omitempty" doc:"the present call where empty"`
		Stage   string              `json:"stage" maxLength:"64" doc:"form while the disposition form is open, else a stage of the script; empty: none"`
	}
}

type dispositionIn struct {
	Body struct {
		Attempt       campaigns.AttemptID `json:"attempt,omitempty"`
		Disposition   string              `json:"disposition" minLength:"1" maxLength:"64"`
		Note          string              `json:"note,omitempty" maxLength:"10000"`
		CallbackAt    *time.Time          `json:"callback_at,omitempty" nullable:"true"`
		CallbackLocal string              `json:"callback_local,omitempty" maxLength:"32" doc:"in place of callback_at: by the customer's clock, like 2026-03-02T15:04; the latest where their zone is not sure"`
		Fields        map[string]string   `json:"fields,omitempty" maxProperties:"50" doc:"of the campaign's form; an empty value takes a custom field of the lead out"`
		Personal      bool                `json:"personal,omitempty" doc:"the callback is for this operator; where they do not come to it, the campaign's callbacks.grace and callbacks.wait say what then"`
	}
}

// routeOperator adds what an operator does for themselves.
func (s *Server) routeOperator(api huma.API) {
	op := func(id, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/api/v1/operator/" + path, Tags: []string{"operator"}, Summary: summary}
	}
	simple := func(id, path, summary string, do func(context.Context, campaigns.UserID) error) {
		register(s, api, campaigns.RightCalls, op(id, path, summary),
			func(ctx context.Context, by caller, _ *empty) (*empty, error) { return nil, do(ctx, by.ID) })
	}
	register(s, api, campaigns.RightCalls, op("on-duty", "on-duty", "Begin the shift: the phone is called"),
		func(ctx context.Context, by caller, in *onDutyIn) (*empty, error) {
			var wanted campaigns.CampaignID
			if in.Body != nil {
				wanted = in.Body.Campaign
			}
			if err := s.takenOn(ctx, by, wanted); err != nil {
				return nil, err
			}
			return nil, s.engine.OnDuty(ctx, by.ID, wanted)
		})
	simple("off-duty", "off-duty", "End the shift, after the present call", s.engine.OffDuty)
	simple("ready", "ready", "Ask for calls", s.engine.Ready)
	simple("hangup", "hangup", "End the present talk", s.engine.HangUp)
	simple("dial", "dial", "Call the previewed lead", s.engine.DialPreview)
	simple("skip", "skip", "Put the previewed lead back", s.engine.SkipPreview)
	register(s, api, campaigns.RightCalls, op("pause", "pause", "Ask for no calls, after the present one"),
		func(ctx context.Context, by caller, in *pauseIn) (*empty, error) {
			return nil, s.engine.Pause(ctx, by.ID, in.Body.Reason)
		})
	register(s, api, campaigns.RightCalls, op("stage", "stage", "Say how far the present talk or wrap-up is"),
		func(ctx context.Context, by caller, in *stageIn) (*empty, error) {
			return nil, s.engine.Stage(ctx, by.ID, in.Body.Attempt, in.Body.Stage)
		})
	register(s, api, campaigns.RightCalls, op("disposition", "disposition", "Say what the talk came to"),
		func(ctx context.Context, by caller, in *dispositionIn) (*empty, error) {
			said := dialer.Said{Attempt: in.Body.Attempt, Disposition: in.Body.Disposition, Note: in.Body.Note, Personal: in.Body.Personal, CallbackLocal: in.Body.CallbackLocal}
			said.Fields = in.Body.Fields
			if in.Body.CallbackAt != nil {
				said.CallbackAt = *in.Body.CallbackAt
			}
			if err := s.engine.Dispose(ctx, by.ID, said); err != nil {
				return nil, err
			}
			s.dropDraft(ctx, by, said.Attempt)
			return nil, nil
		})
	register(s, api, campaigns.RightCalls, huma.Operation{
		OperationID: "state", Method: http.MethodGet, Path: "/api/v1/operator", Tags: []string{"operator"}, Summary: "What the signed-in operator does now",
	}, func(ctx context.Context, by caller, _ *empty) (*body[operatorState], error) {
		v, err := s.operatorState(ctx, by.User)
		return answer(v, err)
	})
}

// masked hides numbers from users without the right to see them.
func masked(v dialer.OperatorView, u campaigns.User) dialer.OperatorView {
	v.Number = seen(v.Number, u)
	if v.Lead != nil {
		lead := maskedLead(*v.Lead, u)
		v.Lead = &lead
	}
	if v.Third != nil {
		third := *v.Third
		third.Number = seen(third.Number, u)
		v.Third = &third
	}
	v.CRM.URL = crmURL(v)
	return v
}

func maskedLead(l campaigns.Lead, u campaigns.User) campaigns.Lead {
	if u.May(campaigns.RightNumbers) {
		return l
	}
	numbers := make([]campaigns.Number, len(l.Numbers))
	for i, n := range l.Numbers {
		n.E164 = campaigns.MaskNumber(n.E164)
		numbers[i] = n
	}
	l.Numbers = numbers
	return l
}

// seen is a number as a user may see it.
func seen(number string, u campaigns.User) string {
	if u.May(campaigns.RightNumbers) {
		return number
	}
	return campaigns.MaskNumber(number)
}
