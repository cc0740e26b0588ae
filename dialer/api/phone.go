package api

import (
	"context"
	"errors"
	"net/http"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// BrowserPhone is what the API asks about operators' phones, browsers above all; app
// hands it in.
type BrowserPhone interface {
	// Connect answers the offer of a page: it becomes the user's phone once it is
	// connected, in the place of the one before. The error may be a *PhoneError.
	Connect(ctx context.Context, user campaigns.UserID, offer string) (answer, session string, err error)
	// Disconnect ends a session, an empty one whichever there is.
	Disconnect(ctx context.Context, user campaigns.UserID, session string)
	// Phone is the user's phone now; leg is that of dialer.OperatorView.
	Phone(user campaigns.UserID, leg string) Phone
}

// Phone is an operator's phone as they see it.
type Phone struct {
	Kind      PhoneKind `json:"kind" enum:"sip,browser,none"`
	Connected bool      `json:"connected" doc:"sip: it is registered; browser: audio comes from it"`
	Session   string    `json:"session,omitempty" doc:"of the browser that is heard: whoever has another one was taken over"`
	OnLeg     bool      `json:"on_leg" doc:"it has the leg that stays up for the shift"`
	Lost      uint64    `json:"packets_lost" doc:"of those it sent on this leg"`
	FarLost   uint64    `json:"far_packets_lost" doc:"of those sent to it on this leg, as it says itself"`
	Jitter    float64   `json:"jitter_seconds"`
	RoundTrip float64   `json:"round_trip_seconds" doc:"0 before it is known"`
}

// PhoneKind is what an operator takes calls on.
type PhoneKind string

// The kinds of phone.
const (
	PhoneSIP     PhoneKind = "sip"
	PhoneBrowser PhoneKind = "browser"
	PhoneNone    PhoneKind = "none"
)

// browserOff is the code where phones.browser.enabled is false.
const browserOff = "browser_phone_off"

// ErrBrowserPhoneOff means that browsers are not taken as phones here.
var ErrBrowserPhoneOff = &PhoneError{Code: browserOff, Detail: "browsers are not taken as phones here: set phones.browser.enabled, or use a SIP phone"}

// PhoneError says why a browser cannot be a phone. The codes are stable: see
// webrtc.OfferError for those of a bad offer.
type PhoneError struct{ Code, Detail string }

func (e *PhoneError) Error() string { return e.Detail }

// problem is the error as HTTP has it.
func (e *PhoneError) problem() error {
	status := http.StatusUnprocessableEntity
	if e.Code == browserOff {
		status = http.StatusConflict
	}
	return coded(status, e.Code, e.Detail)
}

type connectIn struct {
	Body struct {
		SDP string `json:"sdp" minLength:"1" maxLength:"65536" doc:"the offer of a new RTCPeerConnection with the microphone's track; no candidates are needed"`
	}
}

type connected struct {
	SDP     string `json:"sdp" doc:"the answer, candidates included"`
	Session string `json:"session" doc:"names this connection"`
}

type disconnectIn struct {
	Session string `query:"session" maxLength:"64" doc:"only where it is still this one: a page that leaves must not hang up its successor"`
}

// operatorState is what an operator does, and their phone.
type operatorState struct {
	dialer.OperatorView
	Phone Phone `json:"phone"`
}

// routePhone adds the browser as an operator's phone.
func (s *Server) routePhone(api huma.API) {
	const path = "/api/v1/operator/phone"
	register(s, api, campaigns.RightCalls, huma.Operation{
		OperationID: "phone-connect", Method: http.MethodPost, Path: path, Tags: []string{"operator"},
		Summary: "Make this browser the operator's phone", Errors: []int{http.StatusConflict, http.StatusUnprocessableEntity},
	}, func(ctx context.Context, by caller, in *connectIn) (*body[connected], error) {
		sdp, session, err := s.phones.Connect(ctx, by.ID, in.Body.SDP)
		if refused, is := errors.AsType[*PhoneError](err); is {
			err = refused.problem()
		}
		return answer(connected{sdp, session}, err)
	})
	register(s, api, campaigns.RightCalls, huma.Operation{
		OperationID: "phone-disconnect", Method: http.MethodDelete, Path: path, Tags: []string{"operator"},
		Summary: "Hang the browser up as a phone",
	}, func(ctx context.Context, by caller, in *disconnectIn) (*empty, error) {
		s.phones.Disconnect(ctx, by.ID, in.Session)
		return nil, nil
	})
}

// operatorState asks the engine and the phones.
func (s *Server) operatorState(ctx context.Context, by campaigns.User) (operatorState, error) {
	v, err := s.engine.Operator(ctx, by.ID)
	if err != nil {
		return operatorState{}, err
	}
	state := operatorState{OperatorView: masked(v, by), Phone: Phone{Kind: PhoneNone}}
	if s.phones != nil {
		state.Phone = s.phones.Phone(by.ID, v.Leg)
	}
	return state, nil
}
