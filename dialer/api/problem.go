package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strings"
	"syscall"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/redis"
	"github.com/outpace-dialer/outpace/dialer"
)

// Problem is what is answered to a request that was not carried out (RFC 9457).
type Problem struct {
	Type     string         `json:"type,omitempty" format:"uri" default:"about:blank"`
	Title    string         `json:"title,omitempty" doc:"of the status"`
	Status   int            `json:"status,omitempty"`
	Detail   string         `json:"detail,omitempty" doc:"what is wrong, for people"`
	Instance string         `json:"instance,omitempty" format:"uri"`
	Code     string         `json:"code" doc:"what is wrong, for programs: it stays as it is whatever the words become" example:"not_found"`
	Errors   []ProblemField `json:"errors,omitempty" doc:"what is wrong with the parts of the request"`
}

// ProblemField is what is wrong with one part of a request.
type ProblemField struct {
	Pointer  string `json:"pointer,omitempty" doc:"JSON pointer (RFC 6901), as a fragment: into the body, or, of what is wrong with the query, into its parameters" example:"#/segments/1/filter"`
	Location string `json:"location,omitempty" doc:"the part in words: body.segments[1].filter, query.limit, line 3, column number"`
	Message  string `json:"message,omitempty"`
	Value    any    `json:"value,omitempty" doc:"what stood there"`
}

func (p *Problem) Error() string { return p.Detail }

// GetStatus is the status of the answer.
func (p *Problem) GetStatus() int { return p.Status }

// ContentType is that of problems.
func (p *Problem) ContentType(string) string { return problemType }

const problemType = "application/problem+json"

// codes are those of a status where nothing more is known.
var codes = map[int]string{
	http.StatusBadRequest: "malformed", http.StatusUnauthorized: "unauthenticated", http.StatusForbidden: "forbidden",
	http.StatusNotFound: "not_found", http.StatusMethodNotAllowed: "method_not_allowed", http.StatusNotAcceptable: "not_acceptable",
	http.StatusConflict: "conflict", http.StatusPreconditionFailed: "changed", http.StatusRequestEntityTooLarge: "too_large",
	http.StatusUnsupportedMediaType: "unsupported_media_type", http.StatusUnprocessableEntity: "invalid",
	http.StatusTooManyRequests: "too_many_requests", http.StatusInternalServerError: "internal",
	http.StatusNotImplemented: "not_supported", http.StatusServiceUnavailable: "unavailable",
	http.StatusInsufficientStorage: "storage_full",
}

// coded is a problem with a code of its own.
func coded(status int, code, detail string, errs ...error) *Problem {
	p := &Problem{Status: status, Title: http.StatusText(status), Detail: detail, Code: code}
	for _, err := range errs {
		var d huma.ErrorDetailer
		var f *campaigns.FieldError
		switch {
		case errors.As(err, &d):
			e := d.ErrorDetail()
			p.Errors = append(p.Errors, ProblemField{pointer(e.Location), e.Location, e.Message, e.Value})
		case errors.As(err, &f):
			p.Errors = append(p.Errors, ProblemField{pointer("body." + f.Field), "body." + f.Field, f.Problem, nil})
		case err != nil:
			p.Errors = append(p.Errors, ProblemField{Message: err.Error()})
		}
	}
	return p
}

// newProblem makes the problems of huma ours.
func newProblem(status int, detail string, errs ...error) huma.StatusError {
	code, ok := codes[status]
	if !ok {
		code = strings.ReplaceAll(strings.ToLower(http.StatusText(status)), " ", "_")
	}
	return coded(status, code, detail, errs...)
}

func init() { huma.NewError = newProblem } // the way that huma names for it

// pointer is a place in a body, body.segments[1].filter, or a query, query.limit, as a
// JSON pointer; "" of anything else.
func pointer(location string) string {
	rest, ok := strings.CutPrefix(location, "body")
	if !ok {
		rest, ok = strings.CutPrefix(location, "query")
	}
	if !ok || rest != "" && rest[0] != '.' && rest[0] != '[' {
		return ""
	}
	var b strings.Builder
	b.WriteByte('#')
	for _, part := range strings.FieldsFunc(rest, func(r rune) bool { return r == '.' || r == '[' || r == ']' }) {
		b.WriteByte('/')
		b.WriteString(strings.NewReplacer("~", "~0", "/", "~1").Replace(part))
	}
	return b.String()
}

// codesOf are those of errors that a caller can do something about.
var codesOf = []struct {
	err    error
	status int
	code   string
}{
	{campaigns.ErrNotFound, http.StatusNotFound, "not_found"},
	{dialer.ErrNotHere, http.StatusNotFound, "not_here"},
	{errors.ErrUnsupported, http.StatusNotImplemented, "not_supported"},
	{campaigns.ErrDeleted, http.StatusConflict, "list_deleted"},
	{campaigns.ErrConflict, http.StatusConflict, "conflict"},
	{dialer.ErrNoPhone, http.StatusConflict, "no_phone"},
	{dialer.ErrState, http.StatusConflict, "wrong_state"},
	{dialer.ErrNoCall, http.StatusConflict, "no_call"},
	{dialer.ErrNotYours, http.StatusConflict, "not_yours"},
	{dialer.ErrNoPreview, http.StatusConflict, "no_preview"},
	{dialer.ErrNotReady, http.StatusConflict, "not_ready"},
	{dialer.ErrNoChannel, http.StatusConflict, "no_channel"},
	{dialer.ErrNoManual, http.StatusForbidden, "manual_forbidden"},
	{dialer.ErrForbidden, http.StatusForbidden, "number_forbidden"},
	{dialer.ErrUnknown, http.StatusUnprocessableEntity, "unknown_disposition"},
	{dialer.ErrNeedsTime, http.StatusUnprocessableEntity, "needs_time"},
	{dialer.ErrStopped, http.StatusServiceUnavailable, "stopping"},
	{context.Canceled, http.StatusServiceUnavailable, "stopping"},
	{campaigns.ErrNodeLost, http.StatusServiceUnavailable, "node_lost"},
	{campaigns.ErrFull, http.StatusInsufficientStorage, "storage_full"},
	{syscall.ENOSPC, http.StatusInsufficientStorage, "storage_full"}, // of files beside the store
	{syscall.EDQUOT, http.StatusInsufficientStorage, "storage_full"},
	{redis.ErrUnavailable, http.StatusServiceUnavailable, "unavailable"},
}

// problem turns our errors into HTTP ones. What is none of the caller's business goes
// to the log alone.
func (s *Server) problem(operation string, err error) error {
	var status huma.StatusError
	if err == nil || errors.As(err, &status) {
		return err
	}
	if elsewhere, ok := errors.AsType[*campaigns.OnDutyElsewhere](err); ok {
		return coded(http.StatusConflict, "on_duty_elsewhere", elsewhere.Error())
	}
	if away, ok := errors.AsType[*PeerError](err); ok {
		return coded(http.StatusServiceUnavailable, "node_unreachable", away.Error())
	}
	for _, known := range codesOf {
		if !errors.Is(err, known.err) {
			continue
		}
		detail := err.Error()
		switch known.code {
		case "stopping":
			detail = "the product is stopping"
		case "node_lost":
			detail = "this node is cut off from the store: sign in to another one, or try again"
		case "storage_full":
			s.log.Error("there is no room left on the disk", zap.String("operation", operation), zap.Error(err))
			detail = "there is no room left on the server's disk: nothing was changed"
		case "unavailable":
			s.log.Warn("the store does not answer", zap.String("operation", operation), zap.Error(err))
			detail = denial(known.status) // the rest tells where it is
		}
		return coded(known.status, known.code, detail)
	}
	if fields := fieldErrors(err); len(fields) > 0 {
		return coded(http.StatusUnprocessableEntity, "invalid", err.Error(), fields...)
	}
	s.log.Error("request failed", zap.String("operation", operation), zap.Error(err))
	return huma.Error500InternalServerError("internal error")
}

// fieldErrors are all that an error says of fields.
func fieldErrors(err error) []error {
	if f, ok := err.(*campaigns.FieldError); ok { //nolint:errorlint // the tree is walked here
		return []error{f}
	}
	var all []error
	switch e := err.(type) { //nolint:errorlint // the tree is walked here
	case interface{ Unwrap() []error }:
		for _, one := range e.Unwrap() {
			all = append(all, fieldErrors(one)...)
		}
	case interface{ Unwrap() error }:
		all = fieldErrors(e.Unwrap())
	}
	return all
}

// refuse answers with a problem, where no route of huma does.
func (s *Server) refuse(w http.ResponseWriter, status int, detail string) { refuse(w, status, detail) }

func refuse(w http.ResponseWriter, status int, detail string) {
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(status)
	_ = json.NewEncoder(w).Encode(newProblem(status, detail)) // else the reader has gone
}

// refuseError answers with what an error is to a caller, where no route of huma does.
func (s *Server) refuseError(w http.ResponseWriter, operation string, err error) {
	p, is := errors.AsType[*Problem](s.problem(operation, err))
	if !is {
		p = coded(http.StatusInternalServerError, "internal", "internal error")
	}
	w.Header().Set("Content-Type", problemType)
	w.WriteHeader(p.Status)
	_ = json.NewEncoder(w).Encode(p) // else the reader has gone
}

// writeProblem answers with a problem from a middleware.
func writeProblem(ctx huma.Context, p *Problem) error {
	ctx.SetHeader("Content-Type", problemType)
	ctx.SetStatus(p.Status)
	return json.NewEncoder(ctx.BodyWriter()).Encode(p)
}
