package api

import (
	"context"
	"fmt"
	"net/http"
	"slices"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

// TrunkFigures are those of one trunk of this node: now, and what the calls of the last
// hour came to.
type TrunkFigures struct {
	Trunk       string  `json:"trunk"`
	Group       string  `json:"group"`
	Up          bool    `json:"up" doc:"a server of it answers"`
	Paused      bool    `json:"paused,omitempty" doc:"all servers that answer asked for a pause"`
	Unusable    bool    `json:"unusable,omitempty" doc:"several answers in a row had audio that we cannot use: it rests, or takes one call to look"`
	Why         string  `json:"why,omitempty" doc:"it takes no call at all, or but one to look, in words"`
	TargetsUp   int     `json:"targets_up"`
	Targets     int     `json:"targets"`
	Channels    int     `json:"channels" doc:"calls on it now"`
	MaxChannels int     `json:"max_channels"`
	Ringing     int     `json:"ringing" doc:"of the calls, not answered yet"`
	CPS         float64 `json:"cps" doc:"new calls a second that may leave now"`
	FullCPS     float64 `json:"full_cps" doc:"that may leave while the carrier has not too much: this node's share of the limit"`
	Registers   bool    `json:"registers" doc:"it wants our registration"`
	// RegisteredUntil is zero where there is no registration.
	RegisteredUntil time.Time       `json:"registered_until,omitzero" doc:"left out: not registered"`
	OptionsRTT      float64         `json:"options_rtt_seconds" doc:"round trip of the last OPTIONS; 0 before the first answer"`
	Hour            HourFigures     `json:"hour"`
	CallerIDs       []CallerFigures `json:"caller_ids" doc:"those that were shown in the last hour"`
}

// CallerFigures are those of one caller ID of a trunk.
type CallerFigures struct {
	CallerID   string      `json:"caller_id"`
	Suspect    bool        `json:"suspect,omitempty" doc:"answered less than the others: phones may call it spam"`
	RestsUntil time.Time   `json:"rests_until,omitzero" doc:"not shown before: the network blocked it"`
	Hour       HourFigures `json:"hour"`
}

// HourFigures are what the calls of the last hour came to. Shares are in [0, 1], 0 where
// there was nothing to count.
type HourFigures struct {
	Calls      int         `json:"calls"`
	Answered   int         `json:"answered"`
	ASR        float64     `json:"asr" doc:"answer-seizure ratio"`
	NER        float64     `json:"ner" doc:"network effectiveness ratio (ITU-T E.425)"`
	PDDP50     float64     `json:"pdd_p50_seconds" doc:"post-dial delay that half of the calls stayed within"`
	PDDP95     float64     `json:"pdd_p95_seconds"`
	ACD        float64     `json:"acd_seconds" doc:"average duration of answered calls"`
	ShortShare float64     `json:"short_share" doc:"answered calls of up to 6 s, of all answered"`
	FalseShare float64     `json:"false_share" doc:"answers without audio that the far end took back within a second"`
	Codes      []CodeCount `json:"codes" doc:"the most frequent final responses; 0 is none at all"`
}

// CodeCount is how often a final response came.
type CodeCount struct {
	Code  int `json:"code"`
	Calls int `json:"calls"`
}

// knownTrunks says whether this node has a trunk of a group.
func (s *Server) knownTrunks(group string) error {
	if s.trunks == nil || group == "" {
		return nil
	}
	var groups []string
	for _, t := range s.trunks() {
		if t.Group == group {
			return nil
		}
		if !slices.Contains(groups, t.Group) {
			groups = append(groups, t.Group)
		}
	}
	return &campaigns.FieldError{Field: "trunks", Problem: fmt.Sprintf("there is no trunk group %q; there are %s", group, strings.Join(groups, ", "))}
}

func (s *Server) routeTrunks(api huma.API) {
	register(s, api, campaigns.RightLive, huma.Operation{
		OperationID: "trunk-figures", Method: http.MethodGet, Path: "/api/v1/trunks/figures", Tags: []string{"trunks"},
		Summary: "The trunks of this node now, and what the calls of the last hour over each and from each caller ID came to",
	}, func(context.Context, caller, *empty) (*body[[]TrunkFigures], error) {
		all := []TrunkFigures{}
		if s.trunks != nil {
			all = append(all, s.trunks()...)
		}
		return answer(all, nil)
	})
}
