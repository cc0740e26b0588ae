package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"reflect"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

// A change is a JSON merge patch (RFC 7396): what it names is set, what it names as null
// is taken away, the rest stays. It is based on a revision: If-Match says which.

// listChange is what people may change of a list.
type listChange struct {
	Name         string `json:"name" maxLength:"200"`
	Source       string `json:"source" maxLength:"500"`
	Cost         string `json:"cost" maxLength:"200"`
	ConsentBasis string `json:"consent_basis" maxLength:"500"`
	Verified     bool   `json:"verified"`
}

// leadChange is what people may change of a lead. Its numbers come from its source
// (leads-upsert), where they are checked.
type leadChange struct {
	Name   string            `json:"name" maxLength:"200"`
	Note   string            `json:"note" maxLength:"10000"`
	Fields map[string]string `json:"fields" doc:"each by its name; null takes one away"`
	Grades campaigns.Grades  `json:"grades"`
}

type listPath struct {
	ID campaigns.ListID `path:"id" maxLength:"64"`
}

type patchListIn struct {
	Condition
	ID      campaigns.ListID `path:"id" maxLength:"64"`
	RawBody []byte           `contentType:"application/merge-patch+json"`
}

type patchLeadIn struct {
	Condition
	ID      campaigns.LeadID `path:"id"`
	RawBody []byte           `contentType:"application/merge-patch+json"`
}

// maxPatch bounds a change, in bytes.
const maxPatch = 256 << 10

// patch takes changes of one kind of record.
type patch struct {
	schemas huma.Registry
	schema  *huma.Schema
}

func newPatch(schemas huma.Registry, v any) patch {
	t := reflect.TypeOf(v)
	all := *schemas.SchemaFromRef(schemas.Schema(t, true, "").Ref)
	all.Required = nil
	all.PrecomputeMessages()
	return patch{schemas, &all}
}

// apply makes of now what a change makes of it. What is wrong is said by its place.
func (p patch) apply(now any, change []byte, changed any) error {
	var present, wanted any
	if err := json.Unmarshal(change, &wanted); err != nil {
		return huma.Error400BadRequest("the body is not JSON: " + err.Error())
	}
	if _, is := wanted.(map[string]any); !is {
		return coded(http.StatusUnprocessableEntity, "invalid", "a change is a JSON object")
	}
	text, err := json.Marshal(now)
	if err != nil {
		return err
	}
	if err := json.Unmarshal(text, &present); err != nil {
		return err
	}
	whole := merged(present, wanted)
	found := &huma.ValidateResult{}
	huma.Validate(p.schemas, p.schema, huma.NewPathBuffer([]byte("body"), 4), huma.ModeWriteToServer, whole, found)
	if len(found.Errors) > 0 {
		return coded(http.StatusUnprocessableEntity, "invalid", "the change cannot be made", found.Errors...)
	}
	if text, err = json.Marshal(whole); err != nil {
		return err
	}
	return json.Unmarshal(text, changed)
}

// merged is MergePatch of RFC 7396, section 2.
func merged(target, change any) any {
	fields, is := change.(map[string]any)
	if !is {
		return change
	}
	into, is := target.(map[string]any)
	if !is {
		into = map[string]any{}
	}
	for name, v := range fields {
		if v == nil {
			delete(into, name)
		} else {
			into[name] = merged(into[name], v)
		}
	}
	return into
}

// routeAmend adds changes of lists and leads.
func (s *Server) routeAmend(api huma.API) {
	known := api.OpenAPI().Components.Schemas
	lists, leads := newPatch(known, listChange{}), newPatch(known, leadChange{})
	op := func(id, path, summary string, p patch) huma.Operation {
		return huma.Operation{
			OperationID: id, Method: http.MethodPatch, Path: "/api/v1" + path, Tags: []string{"leads"}, Summary: summary,
			Description: "A JSON merge patch (RFC 7396): what is left out stays, null takes away. If-Match is needed (428); * stands for whatever there is.",
			RequestBody: &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{
				"application/merge-patch+json": {Schema: p.schema}, "application/json": {Schema: p.schema},
			}},
			SkipValidateBody: true, MaxBodyBytes: maxPatch,
		}
	}
	register(s, api, campaigns.RightLeads, huma.Operation{
		OperationID: "list", Method: http.MethodGet, Path: "/api/v1/lists/{id}", Tags: []string{"leads"}, Summary: "One list",
	}, func(ctx context.Context, by caller, in *listPath) (*tagged[campaigns.List], error) {
		l, err := s.list(ctx, by, in.ID)
		return tag(l, quoted(l.Revision()), err)
	})
	register(s, api, campaigns.RightLeadsWrite, op("change-list", "/lists/{id}", "Change what is known of a list", lists),
		func(ctx context.Context, by caller, in *patchListIn) (*tagged[campaigns.List], error) {
			return s.patchList(ctx, by, in, lists)
		})
	register(s, api, campaigns.RightLeadsWrite, op("change", "/leads/{id}", "Change a lead: its name, note, fields and grades", leads),
		func(ctx context.Context, by caller, in *patchLeadIn) (*tagged[campaigns.Lead], error) {
			return s.patchLead(ctx, by, in, leads)
		})
}

// errUnconditional is for changes that nobody may make blindly.
var errUnconditional = coded(http.StatusPreconditionRequired, "needs_if_match", "say by If-Match what the change is based on")

func (s *Server) patchList(ctx context.Context, by caller, in *patchListIn, p patch) (*tagged[campaigns.List], error) {
	if in.IfMatch == "" {
		return nil, errUnconditional
	}
	l, err := s.list(ctx, by, in.ID)
	if err == nil {
		err = s.ownList(ctx, by, l.ID)
	}
	if err == nil {
		err = in.check(quoted(l.Revision()))
	}
	if err != nil {
		return nil, err
	}
	before, after := listChange{l.Name, l.Source, l.Cost, l.ConsentBasis, l.Verified}, listChange{}
	if err := p.apply(before, in.RawBody, &after); err != nil {
		return nil, err
	}
	revision := l.Revision()
	l.Name, l.Source, l.Cost, l.ConsentBasis, l.Verified = after.Name, after.Source, after.Cost, after.ConsentBasis, after.Verified
	if err := s.records.ReplaceList(ctx, l, revision); err != nil {
		return nil, in.met(err)
	}
	return tag(l, quoted(l.Revision()), s.audit(ctx, by, "list.change", string(l.ID), before, after))
}

func (s *Server) patchLead(ctx context.Context, by caller, in *patchLeadIn, p patch) (*tagged[campaigns.Lead], error) {
	if in.IfMatch == "" {
		return nil, errUnconditional
	}
	l, err := s.records.Lead(ctx, in.ID)
	if err == nil {
		err = s.ownList(ctx, by, l.List)
	}
	if err == nil {
		err = in.check(quoted(l.Revision()))
	}
	if err != nil {
		return nil, err
	}
	before, after := leadChange{l.Name, l.Note, l.Fields, l.Grades}, leadChange{}
	if err := errors.Join(p.apply(before, in.RawBody, &after), gradesInRange(after.Grades)); err != nil {
		return nil, err
	}
	revision := l.Revision()
	l.Name, l.Note, l.Fields, l.Grades = after.Name, after.Note, after.Fields, after.Grades
	l.UpdatedAt = time.Time{} // the store says when
	if err := s.records.ReplaceLead(ctx, l, revision); err != nil {
		return nil, in.met(err)
	}
	if err := s.audit(ctx, by, "lead.change", strconv.FormatInt(int64(l.ID), 10), before, after); err != nil {
		return nil, err
	}
	l, err = s.records.Lead(ctx, l.ID) // as the store keeps it
	return tag(maskedLead(l, by.User), quoted(l.Revision()), err)
}

// gradesInRange says which grade there is not.
func gradesInRange(g campaigns.Grades) error {
	var all []error
	for _, of := range []struct {
		name     string
		now, top int
	}{{"cp", g.CP, 5}, {"pi", g.PI, 5}, {"level", g.Level, 5}, {"progress", g.Progress, 100}} {
		if of.now < 0 || of.now > of.top {
			all = append(all, &campaigns.FieldError{Field: "grades." + of.name, Problem: fmt.Sprintf("%d is not between 0 and %d", of.now, of.top)})
		}
	}
	return errors.Join(all...)
}
