package api

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"hash"
	"io"
	"iter"
	"net/http"
	"slices"
	"time"

	"github.com/danielgtaylor/huma/v2"
	"go.uber.org/zap"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/leadfile"
)

// exportPage is how many leads are read at once.
const exportPage = 1000

var exportLeadsOperation = huma.Operation{
	OperationID: "leads-export", Method: http.MethodGet, Path: "/api/v1/leads/export", Tags: []string{"leads"},
	Summary:     "Leads of a list, or of a segment of a campaign, as a stream: CSV that import takes back, or a JSON object a line",
	Description: "Needs the right lead.export; numbers are in full with lead.pii alone. Audited with the filter, then with how many there were and the SHA-256 of what was sent. An answer that was cut short is no whole HTTP message.",
	Parameters: []*huma.Param{
		{Name: "list", In: "query", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "campaign", In: "query", Schema: &huma.Schema{Type: huma.TypeString}},
		{Name: "segment", In: "query", Schema: &huma.Schema{Type: huma.TypeString}, Description: "of the campaign"},
		{Name: "format", In: "query", Schema: &huma.Schema{Type: huma.TypeString, Enum: []any{"csv", "ndjson"}, Default: "ndjson"}},
	},
}

// exportFilter is which leads are taken out.
type exportFilter struct {
	List     campaigns.ListID     `json:"list,omitempty"`
	Campaign campaigns.CampaignID `json:"campaign,omitempty"`
	Segment  string               `json:"segment,omitempty"`
	Format   string               `json:"format"`
}

// exportLeads streams leads. Everything that can be refused is, before the first byte.
func (s *Server) exportLeads(w http.ResponseWriter, r *http.Request) {
	by, ok := s.exporter(w, r)
	if !ok {
		return
	}
	q := r.URL.Query()
	f := exportFilter{campaigns.ListID(q.Get("list")), campaigns.CampaignID(q.Get("campaign")), q.Get("segment"), cmp.Or(q.Get("format"), "ndjson")}
	if f.Format != "csv" && f.Format != "ndjson" || f.Segment != "" && f.Campaign == "" {
		refuse(w, http.StatusUnprocessableEntity, "format: csv or ndjson; segment: with its campaign")
		return
	}
	leads, err := s.chosen(r.Context(), by, f)
	if err == nil {
		err = s.audit(r.Context(), by, "leads.export", string(f.List)+string(f.Campaign), nil, f)
	}
	if p, ok := s.problem("leads-export", err).(huma.StatusError); ok { //nolint:errorlint // problem wraps nothing
		refuse(w, p.GetStatus(), p.Error())
		return
	}
	s.sendExport(w, r, by, export{"leads", string(f.List) + string(f.Campaign), f, f.Format == "csv"}, func(out io.Writer) (int, error) {
		if f.Format == "csv" {
			return writeCSV(out, leads)
		}
		return writeLines(out, leads)
	})
}

// exporter is who asks, where they may take anything out; else they are refused.
func (s *Server) exporter(w http.ResponseWriter, r *http.Request) (caller, bool) {
	by, status := s.whoIs(r.Context(), r.Header.Get("Authorization"), campaigns.RightExport)
	if status != http.StatusOK {
		refuse(w, status, denial(status))
		return by, false
	}
	by.from = host(r.RemoteAddr)
	return by, true
}

// export is what is taken out of the store, for the audit log.
type export struct {
	what, object string
	filter       any
	csv          bool
}

// sendExport streams what write writes, and audits how much there was.
func (s *Server) sendExport(w http.ResponseWriter, r *http.Request, by caller, e export, write func(io.Writer) (int, error)) {
	out := &hashedWriter{w: w, sum: sha256.New(), deadline: http.NewResponseController(w)}
	w.Header().Set("Content-Type", "application/x-ndjson")
	if e.csv {
		w.Header().Set("Content-Type", "text/csv; charset=utf-8")
	}
	count, err := write(out)
	told := struct {
		Filter any    `json:"filter"`
		Count  int    `json:"count"`
		SHA256 string `json:"sha256"`
		Whole  bool   `json:"whole"`
	}{e.filter, count, hex.EncodeToString(out.sum.Sum(nil)), err == nil}
	ctx, cancel := context.WithTimeout(context.WithoutCancel(r.Context()), writeWithin)
	defer cancel()
	if auditErr := s.audit(ctx, by, e.what+".exported", e.object, nil, told); err == nil {
		err = auditErr
	}
	if err != nil {
		s.log.Warn("export cut short", zap.String("user", string(by.ID)), zap.String("of", e.what), zap.Int("records", count), zap.Error(err))
		panic(http.ErrAbortHandler) // nobody takes a part for the whole
	}
}

// chosen are the leads of a filter, masked as the caller sees them. It may be gone
// through twice.
func (s *Server) chosen(ctx context.Context, by caller, f exportFilter) (iter.Seq2[campaigns.Lead, error], error) {
	lists := []campaigns.ListID{f.List}
	var matcher *campaigns.Matcher
	switch {
	case f.Campaign != "":
		c, err := s.campaign(ctx, by, f.Campaign)
		if err != nil {
			return nil, err
		}
		if lists = c.Lists; f.List != "" {
			if !slices.Contains(c.Lists, f.List) {
				return nil, fmt.Errorf("list %s is not one of campaign %s: %w", f.List, f.Campaign, campaigns.ErrNotFound)
			}
			lists = []campaigns.ListID{f.List}
		}
		if matcher, err = c.Matcher(); err != nil {
			return nil, err
		}
	case f.List == "" || len(by.Campaigns) > 0:
		return nil, coded(http.StatusUnprocessableEntity, "invalid", "a list or a campaign is needed; a campaign for who may not see all")
	default: // of a list that is not there, an empty file would look as if it had no leads
		if _, err := s.list(ctx, by, f.List); err != nil {
			return nil, fmt.Errorf("list %s: %w", f.List, err)
		}
	}
	return func(yield func(campaigns.Lead, error) bool) {
		for _, list := range lists {
			var after campaigns.LeadID
			for {
				page, err := s.records.FindLeads(ctx, campaigns.LeadQuery{List: list, After: after, Limit: exportPage})
				if err != nil {
					yield(campaigns.Lead{}, err)
					return
				}
				for _, l := range page {
					if after = l.ID; matcher != nil {
						if segment, _, ok := matcher.Place(l); f.Segment != "" && (!ok || segment != f.Segment) {
							continue
						}
					}
					if !yield(maskedLead(l, by.User), nil) {
						return
					}
				}
				if len(page) < exportPage {
					break
				}
			}
		}
	}, nil
}

// writeCSV goes through the leads twice: first for the columns.
func writeCSV(w io.Writer, leads iter.Seq2[campaigns.Lead, error]) (count int, err error) {
	var shape leadfile.Shape
	for l, err := range leads {
		if err != nil {
			return 0, err
		}
		shape.Add(l)
	}
	out := leadfile.NewWriter(w, shape)
	for l, err := range leads {
		if err == nil {
			err = out.Write(l)
		}
		if err != nil {
			return count, err
		}
		count++
	}
	return count, out.Close()
}

func writeLines[T any](w io.Writer, records iter.Seq2[T, error]) (count int, err error) {
	out := json.NewEncoder(w)
	for one, err := range records {
		if err == nil {
			err = out.Encode(one)
		}
		if err != nil {
			return count, err
		}
		count++
	}
	return count, nil
}

// hashedWriter sends an answer piece by piece and knows its SHA-256.
type hashedWriter struct {
	w        http.ResponseWriter
	sum      hash.Hash
	deadline *http.ResponseController
}

func (h *hashedWriter) Write(b []byte) (int, error) {
	_ = h.deadline.SetWriteDeadline(time.Now().Add(writeWithin)) // not every server can; then TCP decides
	n, err := h.w.Write(b)
	h.sum.Write(b[:n]) // never fails (hash.Hash)
	return n, err
}
