package api

import (
	"cmp"
	"context"
	"net/http"
	"strconv"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Bounds of a count: it is for the eye of who writes a filter, and must not keep the store
// from its work.
const (
	mostCounted = 50_000
	countWithin = 2 * time.Second
	countPage   = 1000
)

type countIn struct {
	ID   campaigns.CampaignID `path:"id" maxLength:"64"`
	Body struct {
		Lists    []campaigns.ListID `json:"lists,omitempty" maxItems:"200" doc:"left out: those of the campaign"`
		Segments []countedSegment   `json:"segments" maxItems:"200" nullable:"false" doc:"as they would be, in order of match"`
	}
}

type countedSegment struct {
	Name   string `json:"name,omitempty" maxLength:"200" doc:"left out: its place, from 0"`
	Filter string `json:"filter" maxLength:"10000"`
}

// segmentCounts are how many leads segments would have.
type segmentCounts struct {
	Leads    int            `json:"leads" doc:"that were looked at"`
	Whole    bool           `json:"whole" doc:"those are all of the lists; else the first 50,000 or those of two seconds"`
	Nowhere  int            `json:"nowhere" doc:"leads that no segment matches: they are not dialled"`
	Segments []segmentCount `json:"segments" nullable:"false"`
}

type segmentCount struct {
	Name    string `json:"name"`
	Matches int    `json:"matches" doc:"leads that its filter matches"`
	Leads   int    `json:"leads" doc:"of those, the ones that no segment before it has"`
}

// routeSegmentCount adds how many leads filters match that are not saved yet.
func (s *Server) routeSegmentCount(api huma.API) {
	op := huma.Operation{
		OperationID: "count", Method: http.MethodPost, Path: "/api/v1/campaigns/{id}/segments/count", Tags: []string{"campaigns"},
		Summary: "How many leads of its lists the segments of a campaign would have; changes nothing",
	}
	register(s, api, campaigns.RightCampaign, op, s.countSegments)
}

func (s *Server) countSegments(ctx context.Context, by caller, in *countIn) (*body[segmentCounts], error) {
	c, err := s.campaign(ctx, by, in.ID)
	if err != nil {
		return nil, err
	}
	if in.Body.Lists != nil {
		if err := s.ownLists(ctx, by, c.Lists, in.Body.Lists); err != nil {
			return nil, err
		}
		c.Lists = in.Body.Lists
	}
	c.Segments = nil
	for i, segment := range in.Body.Segments {
		c.Segments = append(c.Segments, campaigns.Segment{Name: cmp.Or(segment.Name, strconv.Itoa(i)), Filter: segment.Filter})
	}
	if err := c.ValidateSegments(); err != nil {
		return nil, err
	}
	counts, err := s.count(ctx, c)
	return answer(counts, err)
}

func (s *Server) count(ctx context.Context, c campaigns.Campaign) (segmentCounts, error) {
	out := segmentCounts{Whole: true, Segments: make([]segmentCount, len(c.Segments))}
	all, err := c.Matcher()
	if err != nil {
		return out, err
	}
	place, alone := map[string]int{}, make([]*campaigns.Matcher, len(c.Segments))
	for i, segment := range c.Segments {
		place[segment.Name], out.Segments[i].Name = i, segment.Name
		if alone[i], err = (campaigns.Campaign{Segments: []campaigns.Segment{segment}}).Matcher(); err != nil {
			return out, err
		}
	}
	until := time.Now().Add(countWithin)
	for _, list := range c.Lists {
		q := campaigns.LeadQuery{List: list, Limit: countPage}
		for {
			leads, err := s.records.FindLeads(ctx, q)
			if err != nil {
				return out, err
			}
			for _, l := range leads {
				if out.Leads == mostCounted || time.Now().After(until) {
					out.Whole = false
					return out, nil
				}
				q.After = l.ID
				out.add(l, all, alone, place)
			}
			if len(leads) < countPage {
				break
			}
		}
	}
	return out, nil
}

// add counts a lead. Where there are no segments, it is in the one that matches all.
func (n *segmentCounts) add(l campaigns.Lead, all *campaigns.Matcher, alone []*campaigns.Matcher, place map[string]int) {
	n.Leads++
	segment, _, somewhere := all.Place(l)
	if i, known := place[segment]; known && somewhere {
		n.Segments[i].Leads++
	}
	if !somewhere {
		n.Nowhere++
	}
	for i, m := range alone {
		if _, _, matches := m.Place(l); matches {
			n.Segments[i].Matches++
		}
	}
}
