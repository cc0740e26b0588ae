package api

import (
	"cmp"
	"context"
	spreadsheet "encoding/csv"
	"io"
	"iter"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/leadfile"
)

var exportAttemptsOperation = huma.Operation{
	OperationID: "attempts-export", Method: http.MethodGet, Path: "/api/v1/attempts/export", Tags: []string{"leads"},
	Summary:     "Attempts, newest first, as a stream: CSV, or a JSON object a line",
	Description: "Needs the right lead.export; numbers are in full with lead.pii alone. Audited with the filter, then with how many there were and the SHA-256 of what was sent. An answer that was cut short is no whole HTTP message.",
	Parameters: []*huma.Param{
		{Name: "campaign", In: "query", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "operator", In: "query", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "outcome", In: "query", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "since", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Format: "date-time"}, Description: "begun then or later"},
		{Name: "format", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"csv", "ndjson"}, Default: "ndjson"}},
	},
}

// attemptFilter is which attempts are taken out.
type attemptFilter struct {
	Campaign campaigns.CampaignID `json:"campaign,omitempty"`
	Operator campaigns.UserID     `json:"operator,omitempty"`
	Outcome  campaigns.Outcome    `json:"outcome,omitempty"`
	Since    time.Time            `json:"since,omitzero"`
	Format   string               `json:"format"`
}

// exportAttempts streams attempts. Everything that can be refused is, before the first byte.
func (s *Server) exportAttempts(w http.ResponseWriter, r *http.Request) {
	by, ok := s.exporter(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	f := attemptFilter{Campaign: campaigns.CampaignID(q.Get("campaign")), Operator: campaigns.UserID(q.Get("operator")), Outcome: campaigns.Outcome(q.Get("outcome")), Format: cmp.Or(q.Get("format"), "ndjson")}
	var err error
	if since := q.Get("since"); since != "" {
		f.Since, err = time.Parse(time.RFC3339, since)
	}
	if err != nil || f.Format != "csv" && f.Format != "ndjson" {
		refuse(w, http.StatusUnprocessableEntity, "format: csv or ndjson; since: a time such as 2026-11-28T09:00:00Z")
		return
	}
	if f.Campaign != "" {
		_, err = s.campaign(r.Context(), by, f.Campaign)
	}
	if err == nil {
		err = s.audit(r.Context(), by, "attempts.export", string(f.Campaign), nil, f)
	}
	if p, ok := s.problem("attempts-export", err).(huma.StatusError); ok { //nolint:errorlint // problem wraps nothing
		refuse(w, p.GetStatus(), p.Error())
		return
	}
	attempts := s.everyAttempt(r.Context(), by, f)
	s.sendExport(w, r, by, export{"attempts", string(f.Campaign), f, f.Format == "csv"}, func(out io.Writer) (int, error) {
		if f.Format == "csv" {
			return writeAttempts(out, attempts)
		}
		return writeLines(out, attempts)
	})
}

// everyAttempt is what a caller may see of a filter, masked as they see it.
func (s *Server) everyAttempt(ctx context.Context, by caller, f attemptFilter) iter.Seq2[campaigns.Attempt, error] {
	return func(yield func(campaigns.Attempt, error) bool) {
		q := campaigns.AttemptQuery{Campaign: f.Campaign, Operator: f.Operator, Outcome: f.Outcome, Since: f.Since, Limit: exportPage}
		for {
			page, err := s.attemptsSeen(ctx, by, q)
			if err != nil {
				yield(campaigns.Attempt{}, err)
				return
			}
			for _, a := range maskedAttempts(page, by.User) {
				if q.Before = a.ID; !yield(a, nil) {
					return
				}
			}
			if len(page) < exportPage {
				return
			}
		}
	}
}

var attemptColumns = []string{
	"id", "lead", "lead_name", "campaign", "segment", "inbound", "number", "trunk", "caller_id", "began_at", "ringing_at", "answered_at", "bridged_at", "ended_at",
	"outcome", "code", "q850", "reason", "operator", "disposition", "disposed_by", "note",
}

func writeAttempts(w io.Writer, attempts iter.Seq2[campaigns.Attempt, error]) (count int, err error) {
	out := spreadsheet.NewWriter(w)
	if err := out.Write(attemptColumns); err != nil {
		return 0, err
	}
	for a, err := range attempts {
		if err != nil {
			return count, err
		}
		row := []string{
			string(a.ID), strconv.FormatInt(int64(a.Lead), 10), a.LeadName, string(a.Campaign), a.Segment, strconv.FormatBool(a.Inbound), a.Number, a.Trunk, a.CallerID,
			moment(a.BeganAt), moment(a.RingingAt), moment(a.AnsweredAt), moment(a.BridgedAt), moment(a.EndedAt),
			string(a.Outcome), strconv.Itoa(a.Code), strconv.Itoa(a.Q850), a.Reason, string(a.Operator), a.Disposition, string(a.DisposedBy), a.Note,
		}
		for i, cell := range row {
			row[i] = leadfile.Guard(cell)
		}
		if err := out.Write(row); err != nil {
			return count, err
		}
		count++
	}
	out.Flush()
	return count, out.Error()
}

// moment is a time in a cell, empty where there was none.
func moment(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return t.UTC().Format(time.RFC3339Nano)
}
