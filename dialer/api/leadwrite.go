package api

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/number"
)

// mostRows bounds a batch.
const mostRows = 1000

// parallelRows are written at the same time, so that they share what makes them durable.
const parallelRows = 16

// leadRow is a lead as its source knows it.
type leadRow struct {
	ExternalID string            `json:"external_id,omitempty" maxLength:"200"`
	Name       string            `json:"name,omitempty" maxLength:"200"`
	Numbers    []numberRow       `json:"numbers" minItems:"1" maxItems:"8" doc:"in the order to try"`
	Fields     map[string]string `json:"fields,omitempty"`
	Note       string            `json:"note,omitempty" maxLength:"10000"`
}

type numberRow struct {
	Number string               `json:"number" maxLength:"32"`
	Kind   campaigns.NumberKind `json:"kind,omitempty" enum:"mobile,home,work,other"`
	Region string               `json:"region,omitempty" pattern:"^[A-Z]{2}$" doc:"country of a number without its code"`
	Zone   string               `json:"zone,omitempty" doc:"IANA zone of the person, where the source knows it"`
	State  string               `json:"state,omitempty"`
	ZIP    string               `json:"zip,omitempty"`
}

// lead makes a lead of a row; the error is a *campaigns.FieldError.
func (r leadRow) lead(list campaigns.ListID) (campaigns.Lead, error) {
	l := campaigns.Lead{
		List: list, ExternalID: r.ExternalID, Name: r.Name, Fields: r.Fields, Note: r.Note,
		Grades: campaigns.Grades{Stage: campaigns.StageClean, Temperature: campaigns.Cold},
	}
	for i, n := range r.Numbers {
		p, err := number.Parse(n.Number, n.Region)
		var placed campaigns.Number
		if err == nil {
			placed, err = p.Number(n.Kind, number.Hints{Zone: n.Zone, State: n.State, ZIP: n.ZIP})
		}
		if err != nil {
			return l, &campaigns.FieldError{Field: fmt.Sprintf("numbers[%d].number", i), Problem: err.Error()}
		}
		if !slices.ContainsFunc(l.Numbers, func(m campaigns.Number) bool { return m.E164 == placed.E164 }) {
			l.Numbers = append(l.Numbers, placed)
		}
	}
	return l, nil
}

// rowResult is what became of one row.
type rowResult struct {
	ExternalID string         `json:"external_id,omitempty"`
	Result     string         `json:"result" enum:"created,updated,same,refused"`
	Errors     []ProblemField `json:"errors,omitempty"`
}

type upsertIn struct {
	ID       campaigns.ListID `path:"id" maxLength:"64"`
	External string           `path:"external_id" maxLength:"200"`
	Body     leadRow
}

type batchIn struct {
	ID   campaigns.ListID `path:"id" maxLength:"64"`
	Body struct {
		Items []leadRow `json:"items" minItems:"1" maxItems:"1000"`
	}
}

type batchOut struct {
	Results []rowResult `json:"results" doc:"one for each item, in their order"`
}

// routeLeadWrite adds the way in for single leads and small lots of them.
func (s *Server) routeLeadWrite(api huma.API) {
	register(s, api, campaigns.RightLeadsWrite, huma.Operation{
		OperationID: "upsert", Method: http.MethodPut, Path: "/api/v1/lists/{id}/leads/{external_id}", Tags: []string{"leads"},
		Summary: "Create the lead that the source calls so, or bring it up to date",
	}, s.upsertLead)
	register(s, api, campaigns.RightLeadsWrite, huma.Operation{
		OperationID: "upsert-batch", Method: http.MethodPost, Path: "/api/v1/lists/{id}/leads", Tags: []string{"leads"},
		Summary: "Create up to 1,000 leads, or bring them up to date; each has a result of its own",
	}, s.upsertLeads)
}

func (s *Server) upsertLead(ctx context.Context, by caller, in *upsertIn) (*body[rowResult], error) {
	if in.Body.ExternalID != "" && in.Body.ExternalID != in.External {
		return nil, &campaigns.FieldError{Field: "external_id", Problem: "differs from the path"}
	}
	in.Body.ExternalID = in.External
	if err := s.mayFill(ctx, by, in.ID); err != nil {
		return nil, err
	}
	result, err := s.upsert(ctx, in.ID, in.Body)
	if err != nil {
		return nil, err
	}
	return answer(result, s.audit(ctx, by, "lead.upsert", string(in.ID)+"/"+in.External, nil, result.Result))
}

// upsert writes one row. An error that is the row's own is a *campaigns.FieldError.
func (s *Server) upsert(ctx context.Context, list campaigns.ListID, row leadRow) (rowResult, error) {
	l, err := row.lead(list)
	if err != nil {
		return rowResult{}, err
	}
	added, err := s.records.AddLeads(ctx, list, []campaigns.Lead{l})
	result := rowResult{ExternalID: row.ExternalID, Result: "same"}
	switch {
	case added.Added > 0:
		result.Result = "created"
	case added.Updated > 0:
		result.Result = "updated"
	}
	return result, err
}

func (s *Server) upsertLeads(ctx context.Context, by caller, in *batchIn) (*body[batchOut], error) {
	if err := s.mayFill(ctx, by, in.ID); err != nil {
		return nil, err
	}
	began := time.Now()
	results := make([]rowResult, len(in.Body.Items))
	problems := make([]error, len(in.Body.Items))
	places := make(chan int)
	var wg sync.WaitGroup
	for range min(parallelRows, len(results)) {
		wg.Go(func() {
			for i := range places {
				results[i], problems[i] = s.upsert(ctx, in.ID, in.Body.Items[i])
			}
		})
	}
	seen := map[string]int{}
	for i, row := range in.Body.Items {
		if first, twice := seen[row.ExternalID]; twice && row.ExternalID != "" {
			problems[i] = &campaigns.FieldError{Field: "external_id", Problem: fmt.Sprintf("is that of item %d too", first)}
			continue
		}
		seen[row.ExternalID] = i
		places <- i
	}
	close(places)
	wg.Wait()
	count := map[string]int{}
	for i, err := range problems {
		if field, ok := errors.AsType[*campaigns.FieldError](err); ok {
			where := fmt.Sprintf("body.items[%d].%s", i, field.Field)
			results[i] = rowResult{in.Body.Items[i].ExternalID, "refused", []ProblemField{{pointer(where), where, field.Problem, nil}}}
		} else if err != nil { // of the store: what is written stays, and the same batch again changes nothing of it
			return nil, err
		}
		count[results[i].Result]++
	}
	count["milliseconds"] = int(time.Since(began).Milliseconds())
	return answer(batchOut{results}, s.audit(ctx, by, "leads.upsert", string(in.ID), nil, count))
}
