package api

import (
	"context"
	"net/http"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// target is whom an operator asks into a talk; exactly one field is given.
type target struct {
	Operator campaigns.UserID     `json:"operator,omitempty" doc:"one who is ready"`
	Campaign campaigns.CampaignID `json:"campaign,omitempty" doc:"whoever of its operators is ready first"`
	Number   string               `json:"number,omitempty" maxLength:"16" doc:"E.164, one that the campaign's transfer_numbers allow"`
}

// engine says it in the engine's words.
func (t target) engine() (dialer.Target, error) {
	given := 0
	for _, field := range []string{string(t.Operator), string(t.Campaign), t.Number} {
		if field != "" {
			given++
		}
	}
	if given != 1 {
		return dialer.Target{}, huma.Error422UnprocessableEntity("to: one of operator, campaign and number")
	}
	return dialer.Target{Operator: t.Operator, Campaign: t.Campaign, Number: t.Number}, nil
}

type digitsIn struct {
	Body struct {
		Digits string `json:"digits" pattern:"^[0-9A-Da-d*#]{1,32}$" doc:"keys, 220 ms each"`
	}
}

type consultIn struct {
	Body struct {
		To target `json:"to"`
	}
}

type transferIn struct {
	Body *transferBody // may be left out
}

type transferBody struct {
	To *target `json:"to,omitempty" doc:"gives the customer away without asking first; left out: to the third party who is there or rings"`
}

type machineIn struct {
	Body *machineBody // may be left out
}

type machineBody struct {
	Attempt campaigns.AttemptID `json:"attempt,omitempty" doc:"the present call where empty; given, a request that comes twice does not end the next one"`
}

type callIn struct {
	Attempt campaigns.AttemptID `path:"attempt"`
}

// routeTalk adds what an operator does with a talk, and how a manager listens in.
func (s *Server) routeTalk(api huma.API) {
	op := func(id, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: http.MethodPost, Path: "/api/v1/operator/" + id, Tags: []string{"operator"}, Summary: summary}
	}
	simple := func(id, summary string, do func(context.Context, campaigns.UserID) error) {
		register(s, api, campaigns.RightCalls, op(id, summary),
			func(ctx context.Context, by caller, _ *empty) (*empty, error) { return nil, do(ctx, by.ID) })
	}
	simple("hold", "Put the customer on hold: they hear music", s.engine.Hold)
	simple("resume", "Take the customer back from hold", s.engine.Resume)
	simple("mute", "Let nobody hear the operator, until unmute or the end of the talk", s.engine.Mute)
	simple("unmute", "Let the operator be heard again", s.engine.Unmute)
	simple("confer", "Join customer, operator and third party", s.engine.Confer)
	simple("return", "Let the third party go, back to the customer alone", s.engine.Return)
	register(s, api, campaigns.RightCalls, op("digits", "Press keys for whoever the operator talks to"),
		func(ctx context.Context, by caller, in *digitsIn) (*empty, error) {
			return nil, s.engine.SendDigits(ctx, by.ID, in.Body.Digits)
		})
	register(s, api, campaigns.RightCalls, op("consult", "Put the customer on hold and call a third party"),
		func(ctx context.Context, by caller, in *consultIn) (*empty, error) {
			to, err := in.Body.To.engine()
			if err != nil {
				return nil, err
			}
			return nil, s.audited(ctx, by, "call.consult", in.Body.To, func() error { return s.engine.Consult(ctx, by.ID, to) })
		})
	register(s, api, campaigns.RightCalls, op("transfer", "Leave the customer with the third party, or give them away"),
		func(ctx context.Context, by caller, in *transferIn) (*empty, error) {
			if in.Body == nil || in.Body.To == nil {
				return nil, s.audited(ctx, by, "call.transfer", nil, func() error { return s.engine.Transfer(ctx, by.ID, nil) })
			}
			to, err := in.Body.To.engine()
			if err != nil {
				return nil, err
			}
			return nil, s.audited(ctx, by, "call.transfer", in.Body.To, func() error { return s.engine.Transfer(ctx, by.ID, &to) })
		})
	register(s, api, campaigns.RightCalls, op("machine", "Say that a machine answered: the campaign's message is left on it, else it is hung up on; the operator is done with it"),
		func(ctx context.Context, by caller, in *machineIn) (*empty, error) {
			var attempt campaigns.AttemptID
			if in.Body != nil {
				attempt = in.Body.Attempt
			}
			return nil, s.audited(ctx, by, "call.machine", nil, func() error { return s.engine.MachineAnswered(ctx, by.ID, attempt) })
		})
	for _, way := range []struct {
		as      dialer.Presence
		summary string
	}{
		{dialer.Listen, "Listen in, heard by nobody, by the phone of who asks: on duty and paused"},
		{dialer.Whisper, "Listen in, heard by the operator"},
		{dialer.Barge, "Listen in, heard by everybody"},
	} {
		register(s, api, campaigns.RightListen, huma.Operation{
			OperationID: string(way.as), Method: http.MethodPost, Path: "/api/v1/calls/{attempt}/" + string(way.as), Tags: []string{"calls"}, Summary: way.summary,
		}, func(ctx context.Context, by caller, in *callIn) (*empty, error) {
			if err := s.mayHear(ctx, by, in.Attempt); err != nil {
				return nil, err
			}
			if err := s.engine.ListenIn(ctx, by.ID, in.Attempt, way.as); err != nil {
				return nil, err
			}
			return nil, s.audit(ctx, by, "call."+string(way.as), string(in.Attempt), nil, nil)
		})
	}
	register(s, api, campaigns.RightListen, huma.Operation{
		OperationID: "leave", Method: http.MethodPost, Path: "/api/v1/calls/leave", Tags: []string{"calls"}, Summary: "Listen in no more",
	}, func(ctx context.Context, by caller, _ *empty) (*empty, error) {
		return nil, s.engine.StopListening(ctx, by.ID)
	})
}

// audited does what an operator wants with their talk and writes it down: of which
// attempt, and to whom. The talk goes on whatever the store says.
func (s *Server) audited(ctx context.Context, by caller, action string, to any, do func() error) error {
	v, err := s.engine.Operator(ctx, by.ID)
	if err != nil {
		return err
	}
	if err := do(); err != nil {
		return err
	}
	if to == nil && v.Third != nil {
		to = target{v.Third.Operator, v.Third.Campaign, v.Third.Number}
	}
	if err := s.audit(ctx, by, action, string(v.Attempt), nil, to); err != nil {
		s.log.Error("not in the audit log", zap.String("action", action), zap.String("call", string(v.Attempt)), zap.Error(err))
	}
	return nil
}
