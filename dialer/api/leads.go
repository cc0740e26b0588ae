package api

import (
	"cmp"
	"context"
	"maps"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

type leadsIn struct {
	List   campaigns.ListID `query:"list"`
	Number string           `query:"number"`
	Text   string           `query:"text" maxLength:"100"`
	Page
}

type leadPath struct {
	ID campaigns.LeadID `path:"id"`
}

// leadDetail is a lead with its places in queues and its history.
type leadDetail struct {
	Lead     campaigns.Lead      `json:"lead"`
	Entries  []campaigns.Entry   `json:"entries"`
	Attempts []campaigns.Attempt `json:"attempts"`
}

type attemptsIn struct {
	Campaign campaigns.CampaignID `query:"campaign"`
	Operator campaigns.UserID     `query:"operator"`
	Outcome  campaigns.Outcome    `query:"outcome"`
	Page
}

type numberIn struct {
	Number string `query:"number" minLength:"3" maxLength:"32"`
}

type suppressIn struct {
	Body struct {
		Number string `json:"number" pattern:"^\\+[1-9][0-9]{5,14}$"`
		Reason string `json:"reason" maxLength:"500"`
	}
}

// routeLeads adds leads, attempts and do-not-call.
func (s *Server) routeLeads(api huma.API) {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Tags: []string{"leads"}, Summary: summary}
	}
	register(s, api, campaigns.RightLeads, op("lists", http.MethodGet, "/lists", "Lists, by id"),
		func(ctx context.Context, by caller, in *Page) (*body[page[campaigns.List]], error) {
			all, err := s.lists(ctx, by)
			return pagedOf(ctx, s, *in, func(l campaigns.List) string { return string(l.ID) }, all, err)
		})
	register(s, api, campaigns.RightLeads, op("find", http.MethodGet, "/leads", "Search leads, by id"), s.findLeads)
	register(s, api, anyone, op("get", http.MethodGet, "/leads/{id}", "One lead with its history; for operators the one on their screen"), s.lead)
	register(s, api, campaigns.RightLeads, op("explain", http.MethodGet, "/explain", "Why is this number dialled or not, and when next"),
		func(ctx context.Context, by caller, in *numberIn) (*body[[]Explanation], error) {
			all, err := s.explainer.Explain(ctx, in.Number, time.Now())
			all = slices.DeleteFunc(all, func(e Explanation) bool { return !by.MaySee(e.Campaign) })
			for i := range all {
				all[i] = maskedExplanation(all[i], by.User)
			}
			return answer(all, err)
		})
	register(s, api, campaigns.RightLeads, op("attempts", http.MethodGet, "/attempts", "Attempts, newest first"), s.attempts)
	register(s, api, campaigns.RightDNCRead, op("do-not-call", http.MethodGet, "/do-not-call", "The do-not-call list, by number"),
		func(ctx context.Context, by caller, in *Page) (*body[page[campaigns.Suppression]], error) {
			out, err := paged(ctx, s, *in, func(after string, limit int) ([]campaigns.Suppression, error) {
				return s.records.Suppressions(ctx, after, limit)
			}, func(l campaigns.Suppression) string { return l.E164 })
			if err != nil {
				return nil, err
			}
			for i := range out.Body.Items {
				out.Body.Items[i].E164 = seen(out.Body.Items[i].E164, by.User)
			}
			return out, nil
		})
	register(s, api, campaigns.RightDNCWrite, op("suppress", http.MethodPost, "/do-not-call", "Never call this number again"), s.suppress)
	file := op("suppress-file", http.MethodPost, "/do-not-call/import", "Put all numbers of a CSV or XLSX file on the list")
	file.Description = "Columns, delimiter and encoding are found as those of a list of leads. Bad rows are reported and do not stop the others."
	file.Metadata = map[string]any{unkept: true}
	file.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/octet-stream": {Schema: &huma.Schema{Type: huma.TypeString, Format: "binary"}}}}
	register(s, api, campaigns.RightDNCWrite, file, s.suppressFile)
	register(s, api, campaigns.RightDNCRemove, op("unsuppress", http.MethodDelete, "/do-not-call", "Take a number off the list"),
		func(ctx context.Context, by caller, in *numberIn) (*empty, error) {
			if err := s.records.Unsuppress(ctx, in.Number, by.ID); err != nil {
				return nil, err
			}
			return nil, s.audit(ctx, by, "do-not-call.remove", campaigns.MaskNumber(in.Number), nil, nil)
		})
}

// maskedExplanation hides the number, in the words of the gates too.
func maskedExplanation(e Explanation, u campaigns.User) Explanation {
	if u.May(campaigns.RightNumbers) {
		return e
	}
	e.Gates = slices.Clone(e.Gates)
	for i := range e.Gates {
		e.Gates[i].Detail = campaigns.MaskIn(e.Gates[i].Detail, e.Number)
	}
	e.Number = campaigns.MaskNumber(e.Number)
	return e
}

func (s *Server) findLeads(ctx context.Context, by caller, in *leadsIn) (*body[page[campaigns.Lead]], error) {
	return paged(ctx, s, in.Page, func(after string, limit int) ([]campaigns.Lead, error) {
		last, _ := strconv.ParseInt(cmp.Or(after, "0"), 10, 64) // as it was sealed
		leads, err := s.leadsSeen(ctx, by, campaigns.LeadQuery{List: in.List, Number: in.Number, Text: in.Text, After: campaigns.LeadID(last), Limit: limit})
		for i := range leads {
			leads[i] = maskedLead(leads[i], by.User)
		}
		return leads, err
	}, func(l campaigns.Lead) string { return strconv.FormatInt(int64(l.ID), 10) })
}

// leadsSeen are a page of the leads that a caller may see, by id: those of the lists that
// their campaigns dial. It is put together from a page of each list.
func (s *Server) leadsSeen(ctx context.Context, by caller, q campaigns.LeadQuery) ([]campaigns.Lead, error) {
	lists, err := s.listsSeen(ctx, by)
	if err != nil {
		return nil, err
	}
	if lists == nil {
		return s.records.FindLeads(ctx, q)
	}
	var all []campaigns.Lead
	for list, may := range lists {
		if !may || q.List != "" && q.List != list {
			continue
		}
		of := q
		of.List = list
		page, err := s.records.FindLeads(ctx, of)
		if err != nil {
			return nil, err
		}
		all = append(all, page...)
	}
	slices.SortFunc(all, func(a, b campaigns.Lead) int { return cmp.Compare(a.ID, b.ID) })
	return all[:min(q.Limit, len(all))], nil
}

func (s *Server) lead(ctx context.Context, by caller, in *leadPath) (*tagged[leadDetail], error) {
	if err := s.inHand(ctx, by, in.ID); err != nil {
		return nil, err
	}
	lead, err := s.records.Lead(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	lists, err := s.listsSeen(ctx, by)
	if err == nil && by.May(campaigns.RightLeads) && lists != nil && !lists[lead.List] {
		err = campaigns.ErrNotFound
	}
	if err != nil {
		return nil, err
	}
	mates, err := s.mates(ctx, by.User)
	if err != nil {
		return nil, err
	}
	entries, err := s.records.Entries(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	attempts, err := s.records.Attempts(ctx, campaigns.AttemptQuery{Lead: in.ID})
	entries = slices.DeleteFunc(entries, func(e campaigns.Entry) bool { return !by.MaySee(e.Queue.Campaign) })
	attempts = slices.DeleteFunc(attempts, func(a campaigns.Attempt) bool { return !by.sees(a) || mates != nil && !mates[a.Operator] })
	for i := range entries {
		entries[i].Number = seen(entries[i].Number, by.User)
	}
	etag := quoted(lead.Revision())
	return tag(leadDetail{maskedLead(lead, by.User), entries, maskedAttempts(attempts, by.User)}, etag, err)
}

// inHand says whether a caller may see a lead: by right, or because it is on their screen.
func (s *Server) inHand(ctx context.Context, by caller, id campaigns.LeadID) error {
	if by.May(campaigns.RightLeads) {
		return nil
	}
	v, err := s.engine.Operator(ctx, by.ID)
	if err != nil || v.Lead == nil || v.Lead.ID != id || !by.May(campaigns.RightCalls) {
		return campaigns.ErrNotFound
	}
	return nil
}

func (s *Server) attempts(ctx context.Context, by caller, in *attemptsIn) (*body[page[campaigns.Attempt]], error) {
	return paged(ctx, s, in.Page, func(before string, limit int) ([]campaigns.Attempt, error) {
		attempts, err := s.attemptsSeen(ctx, by, campaigns.AttemptQuery{
			Campaign: in.Campaign, Operator: in.Operator, Outcome: in.Outcome, Before: campaigns.AttemptID(before), Limit: limit,
		})
		return maskedAttempts(attempts, by.User), err
	}, func(a campaigns.Attempt) string { return string(a.ID) })
}

// attemptsSeen are a page of those that a caller may see, newest first. Who sees some
// campaigns or operators only gets a full page too, where there are as many: it is put
// together from one of each.
func (s *Server) attemptsSeen(ctx context.Context, by caller, q campaigns.AttemptQuery) ([]campaigns.Attempt, error) {
	mates, err := s.mates(ctx, by.User)
	if err != nil || q.Campaign != "" && !by.MaySee(q.Campaign) || q.Operator != "" && mates != nil && !mates[q.Operator] {
		return nil, err
	}
	of, with := []campaigns.CampaignID{q.Campaign}, []campaigns.UserID{q.Operator}
	if q.Campaign == "" && len(by.Campaigns) > 0 {
		of = by.Campaigns
	}
	if q.Operator == "" && mates != nil {
		with = slices.Collect(maps.Keys(mates))
	}
	var all []campaigns.Attempt
	for _, q.Campaign = range of {
		for _, q.Operator = range with {
			page, err := s.records.Attempts(ctx, q)
			if err != nil {
				return nil, err
			}
			all = append(all, page...)
		}
	}
	if len(of)*len(with) == 1 {
		return all, nil // they are a page, in order
	}
	slices.SortFunc(all, func(a, b campaigns.Attempt) int { return strings.Compare(string(b.ID), string(a.ID)) })
	return all[:min(q.Limit, len(all))], nil
}

func maskedAttempts(attempts []campaigns.Attempt, u campaigns.User) []campaigns.Attempt {
	for i := range attempts {
		attempts[i].Number = seen(attempts[i].Number, u)
	}
	return attempts
}

func (s *Server) suppress(ctx context.Context, by caller, in *suppressIn) (*empty, error) {
	err := s.records.Suppress(ctx, campaigns.Suppression{
		E164: in.Body.Number, Reason: in.Body.Reason, Source: "api", By: by.ID, At: time.Now(),
	})
	if err != nil {
		return nil, err
	}
	return nil, s.audit(ctx, by, "do-not-call.add", campaigns.MaskNumber(in.Body.Number), nil, in.Body.Reason)
}
