package api

import (
	"context"
	"reflect"
	"slices"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

// live is everything that is live: at the node that is asked now, and at the others
// some seconds ago. Live answers and abandoned calls of a campaign are those of all
// nodes at each; everything else is the node's own.
type live struct {
	dialer.Snapshot
	Others []dialer.Snapshot `json:"others,omitempty" doc:"the other nodes on the same store, by name; of leads only id and name"`
}

// live is what a user may see of it.
func (s *Server) live(ctx context.Context, u campaigns.User) (live, error) {
	snapshot, err := s.engine.Snapshot(ctx)
	if err != nil {
		return live{}, err
	}
	mates, err := s.mates(ctx, u)
	if err != nil {
		return live{}, err
	}
	all := live{Snapshot: maskedSnapshot(snapshot, u, mates)}
	if s.others == nil {
		return all, nil
	}
	for _, other := range s.others(ctx) {
		all.Others = append(all.Others, maskedSnapshot(other, u, mates))
	}
	return all, nil
}

// maskedSnapshot is a snapshot as a user may see it, without what is constant for a
// campaign and what the operator alone needs: it goes out twice a second. What it is made of stays as it was: several
// users look at one.
func maskedSnapshot(s dialer.Snapshot, u campaigns.User, mates map[campaigns.UserID]bool) dialer.Snapshot {
	if len(u.Campaigns) > 0 {
		s.Operators = only(s.Operators, func(o dialer.OperatorView) bool { return o.Campaign != "" && u.MaySee(o.Campaign) })
		s.Campaigns = only(s.Campaigns, func(c dialer.CampaignView) bool { return u.MaySee(c.ID) })
	}
	if mates != nil {
		s.Operators = only(s.Operators, func(o dialer.OperatorView) bool { return mates[o.User] })
	}
	s.Operators = slices.Clone(s.Operators)
	for i, o := range s.Operators {
		o.Script, o.Dispositions, o.CalledFor, o.CalledIn = "", nil, nil, nil
		o.Objections, o.Form, o.CRM = "", nil, campaigns.CRM{}
		s.Operators[i] = masked(o, u)
	}
	return s
}

// only are those of all that may be seen, in a slice of their own.
func only[T any](all []T, may func(T) bool) []T {
	return slices.DeleteFunc(slices.Clone(all), func(one T) bool { return !may(one) })
}

// pacingDecision is what a pacing.Decision is in JSON, which it writes by itself: see
// its MarshalJSON.
type pacingDecision struct {
	Dial              int      `json:"dial"`
	Record            int      `json:"record,omitempty"`
	Cancel            []string `json:"cancel,omitempty"`
	Bound             string   `json:"bound"`
	Why               string   `json:"why"`
	Ratio             float64  `json:"ratio"`
	Wanted            float64  `json:"wanted"`
	AnswerProbability float64  `json:"answer_probability"`
	AbandonChance     float64  `json:"abandon_chance"`
	Threshold         float64  `json:"threshold"`
	Credit            float64  `json:"credit"`
	Live              float64  `json:"live"`
}

// decisionType is the type of a pacing.Decision.
var decisionType = reflect.TypeOf(dialer.CampaignView{}.Decision)
