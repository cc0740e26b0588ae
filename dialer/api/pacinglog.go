package api

import (
	"errors"
	"fmt"
	"net/http"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
)

var pacingLogOperation = huma.Operation{
	OperationID: "campaigns-pacing-log", Method: http.MethodGet, Path: "/api/v1/campaigns/{id}/pacing-log", Tags: []string{"campaigns"},
	Summary: "What pacing was told and decided, one JSON object a line: the runs of the campaign that touch the time, each from its start",
	Parameters: []*huma.Param{
		{Name: "id", In: "path", Required: true, Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "from", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
		{Name: "to", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}},
	},
}

// pacingLogLines writes the log of a campaign as it comes from the store. An
// error in the middle cuts the answer, so that nobody takes it for whole.
func (s *Server) pacingLogLines(w http.ResponseWriter, r *http.Request) {
	by, status := s.whoIs(r.Context(), r.Header.Get("Authorization"), campaigns.RightCampaigns)
	if status != http.StatusOK {
		refuse(w, status, denial(status))
		return
	}
	by.from = host(r.RemoteAddr)
	from, errFrom := queryTime(r, "from")
	to, errTo := queryTime(r, "to")
	if err := errors.Join(errFrom, errTo); err != nil {
		refuse(w, http.StatusUnprocessableEntity, err.Error())
		return
	}
	id := campaigns.CampaignID(r.PathValue("id"))
	if _, err := s.campaign(r.Context(), by, id); err != nil {
		refuse(w, http.StatusNotFound, "no such campaign")
		return
	}
	if err := s.audit(r.Context(), by, "campaign.pacing-log", string(id), nil, nil); err != nil {
		s.refuseError(w, "campaigns-pacing-log", err)
		return
	}
	w.Header().Set("Content-Type", "application/x-ndjson")
	out := http.NewResponseController(w)
	for chunk, err := range s.pacingLog.PacingLog(r.Context(), id, from, to) {
		_ = out.SetWriteDeadline(time.Now().Add(writeWithin)) // not every server can; then TCP decides
		if err == nil {
			_, err = chunk.WriteTo(w)
		}
		if err != nil {
			s.log.Warn("pacing log cut short", zap.String("campaign", string(id)), zap.Error(err))
			panic(http.ErrAbortHandler)
		}
	}
}

// queryTime is an optional time in the query; zero where there is none.
func queryTime(r *http.Request, name string) (time.Time, error) {
	text := r.URL.Query().Get(name)
	if text == "" {
		return time.Time{}, nil
	}
	t, err := time.Parse(time.RFC3339, text)
	if err != nil {
		return t, fmt.Errorf("%s: %q is not a time like 2026-03-02T09:00:00Z", name, text)
	}
	return t, nil
}
