package api

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

type campaignPath struct {
	ID campaigns.CampaignID `path:"id" maxLength:"64"`
}

type campaignIn struct {
	Condition
	ID   campaigns.CampaignID `path:"id" maxLength:"64"`
	Body campaigns.Campaign
}

type paceIn struct {
	Condition
	ID   campaigns.CampaignID `path:"id" maxLength:"64"`
	Body struct {
		Mode              *campaigns.PacingMode `json:"mode,omitempty" enum:"preview,progressive,ratio,predictive"`
		Ratio             *float64              `json:"ratio,omitempty" minimum:"1" maximum:"20"`
		MinRatio          *float64              `json:"min_ratio,omitempty" minimum:"0" maximum:"20"`
		MaxRatio          *float64              `json:"max_ratio,omitempty" minimum:"0" maximum:"20"`
		AbandonmentLimit  *float64              `json:"abandonment_limit,omitempty" minimum:"0" maximum:"0.05"`
		TargetUtilisation *float64              `json:"target_utilisation,omitempty" minimum:"0" maximum:"1"`
		Cancel            *bool                 `json:"cancel,omitempty"`
		RecordChoice      *bool                 `json:"record_choice,omitempty"`
		AnswerScoreField  *string               `json:"answer_score_field,omitempty" maxLength:"100"`
		MaxOccupancy      *float64              `json:"max_occupancy,omitempty" minimum:"0" maximum:"1"`
		MinBreath         *float64              `json:"min_breath,omitempty" minimum:"0" maximum:"600" doc:"seconds"`
	}
}

// routeCampaigns adds what managers do.
func (s *Server) routeCampaigns(api huma.API) {
	op := func(id, method, path, summary string) huma.Operation {
		return huma.Operation{OperationID: id, Method: method, Path: "/api/v1" + path, Tags: []string{"campaigns"}, Summary: summary}
	}
	register(s, api, campaigns.RightCampaigns, op("list", http.MethodGet, "/campaigns", "Campaigns, by id"),
		func(ctx context.Context, by caller, in *Page) (*body[page[campaigns.Campaign]], error) {
			all, err := s.records.Campaigns(ctx)
			all = slices.DeleteFunc(all, func(c campaigns.Campaign) bool { return !by.MaySee(c.ID) })
			return pagedOf(ctx, s, *in, func(c campaigns.Campaign) string { return string(c.ID) }, all, err)
		})
	register(s, api, campaigns.RightCampaigns, op("get", http.MethodGet, "/campaigns/{id}", "One campaign"),
		func(ctx context.Context, by caller, in *campaignPath) (*tagged[campaigns.Campaign], error) {
			c, err := s.campaign(ctx, by, in.ID)
			return tag(c, campaignTag(c), err)
		})
	register(s, api, campaigns.RightCampaigns, op("explain", http.MethodGet, "/campaigns/{id}/explain", "Where the leads of a campaign are held up, gate by gate"),
		func(ctx context.Context, by caller, in *campaignPath) (*body[Waterfall], error) {
			if !by.MaySee(in.ID) {
				return nil, campaigns.ErrNotFound
			}
			return answer(s.heldUp(ctx, in.ID))
		})
	register(s, api, campaigns.RightCampaigns, op("queues", http.MethodGet, "/campaigns/{id}/queues", "How the queues of a campaign are filled, and how far they are rebuilt after a change"),
		func(ctx context.Context, by caller, in *campaignPath) (*body[campaigns.CampaignQueues], error) {
			if !by.MaySee(in.ID) {
				return nil, campaigns.ErrNotFound
			}
			return answer(campaigns.ReadQueues(ctx, s.records, in.ID, time.Now()))
		})
	put := op("put", http.MethodPut, "/campaigns/{id}", "Create a campaign, or replace it where it is the one that the change is based on")
	put.Description = "Replacing says by If-Match, or by the version in the body, what it is based on (428); * stands for whatever there is. " +
		"Who has some campaigns only may add lists that those dial, or that they made."
	// What is left out has its default; Campaign.Validate says what is wrong with the rest.
	content := &huma.MediaType{Schema: withDefaults(api.OpenAPI().Components.Schemas, "Campaign")}
	api.OpenAPI().Components.Schemas.Map()["CampaignInput"].Properties["state"] = &huma.Schema{Type: huma.TypeString, Description: "not heeded: it has routes of its own"}
	put.RequestBody = &huma.RequestBody{Required: true, Content: map[string]*huma.MediaType{"application/json": content}}
	register(s, api, campaigns.RightCampaign, put, s.putCampaign)
	pace := op("pace", http.MethodPatch, "/campaigns/{id}/pacing", "Change the pace while it runs")
	pace.Description = "What is left out stays. If-Match is needed (428); * stands for whatever there is."
	register(s, api, campaigns.RightPace, pace, s.pace)
	for _, to := range []struct {
		path    string
		state   campaigns.CampaignState
		summary string
	}{
		{"start", campaigns.Running, "Begin to dial"},
		{"pause", campaigns.Paused, "No new calls; calls in progress go on"},
		{"stop", campaigns.Stopped, "Stop dialling"},
	} {
		register(s, api, campaigns.RightCampaign, op(to.path, http.MethodPost, "/campaigns/{id}/"+to.path, to.summary),
			func(ctx context.Context, by caller, in *campaignPath) (*tagged[campaigns.Campaign], error) {
				c, err := s.setState(ctx, by, in.ID, to.state)
				return tag(c, campaignTag(c), err)
			})
	}
	register(s, api, campaigns.RightLive, op("live", http.MethodGet, "/live", "Everything that is live now, on all nodes"),
		func(ctx context.Context, by caller, _ *empty) (*body[live], error) {
			return answer(s.live(ctx, by.User))
		})
}

// campaign is one that the caller may see; campaigns.ErrNotFound of another.
func (s *Server) campaign(ctx context.Context, by caller, id campaigns.CampaignID) (campaigns.Campaign, error) {
	if !by.MaySee(id) {
		return campaigns.Campaign{}, campaigns.ErrNotFound
	}
	return s.records.Campaign(ctx, id)
}

// campaignTag is the ETag of a campaign, "" of one that is not there: its version rises
// with each change.
func campaignTag(c campaigns.Campaign) string {
	if c.Version == 0 {
		return ""
	}
	return quoted(strconv.FormatInt(c.Version, 10))
}

func (s *Server) putCampaign(ctx context.Context, by caller, in *campaignIn) (*tagged[campaigns.Campaign], error) {
	c := in.Body
	c.ID = in.ID
	before, err := s.records.Campaign(ctx, in.ID)
	switch {
	case err == nil: // starting and stopping have their own routes
		c.State, c.HoldReason, c.CreatedAt = before.State, before.HoldReason, before.CreatedAt
	case errors.Is(err, campaigns.ErrNotFound):
		c.State, c.HoldReason, c.CreatedAt = campaigns.Stopped, "", time.Now()
		if len(c.Dispositions) == 0 { // said, so that they can be changed
			c.Dispositions = campaigns.DefaultDispositions()
		}
	default:
		return nil, err
	}
	if err == nil && !by.MaySee(in.ID) || err != nil && len(by.Campaigns) > 0 {
		return nil, campaigns.ErrNotFound
	}
	if before.Version != 0 && in.IfMatch == "" && in.IfNoneMatch == "" && c.Version == 0 {
		return nil, errUnconditional
	}
	if err := in.check(campaignTag(before)); err != nil {
		return nil, err
	}
	if in.IfMatch != "" {
		c.Version = before.Version
	}
	if err := s.ownLists(ctx, by, before.Lists, c.Lists); err != nil {
		return nil, err
	}
	saved, err := s.saveCampaign(ctx, c)
	if err != nil {
		return nil, in.met(err)
	}
	return tag(saved, campaignTag(saved), s.audit(ctx, by, "campaign.put", string(saved.ID), before, saved))
}

func (s *Server) pace(ctx context.Context, by caller, in *paceIn) (*tagged[campaigns.Campaign], error) {
	before, err := s.campaign(ctx, by, in.ID)
	if err == nil && in.IfMatch == "" {
		err = errUnconditional
	}
	if err == nil {
		err = in.check(campaignTag(before))
	}
	if err != nil {
		return nil, err
	}
	c := before
	set(&c.Pacing.Mode, in.Body.Mode)
	set(&c.Pacing.Ratio, in.Body.Ratio)
	set(&c.Pacing.MinRatio, in.Body.MinRatio)
	set(&c.Pacing.MaxRatio, in.Body.MaxRatio)
	set(&c.Pacing.AbandonmentLimit, in.Body.AbandonmentLimit)
	set(&c.Pacing.TargetUtilisation, in.Body.TargetUtilisation)
	set(&c.Pacing.Cancel, in.Body.Cancel)
	set(&c.Pacing.AnswerScoreField, in.Body.AnswerScoreField)
	set(&c.Pacing.MaxOccupancy, in.Body.MaxOccupancy)
	set(&c.Pacing.MinBreath, in.Body.MinBreath)
	if in.Body.RecordChoice != nil {
		c.Pacing.RecordChoice = in.Body.RecordChoice
	}
	saved, err := s.saveCampaign(ctx, c)
	if err != nil {
		return nil, in.met(err)
	}
	return tag(saved, campaignTag(saved), s.audit(ctx, by, "campaign.pace", string(saved.ID), before.Pacing, saved.Pacing))
}

func set[T any](field *T, v *T) {
	if v != nil {
		*field = *v
	}
}

// validate says what is wrong with a campaign, by its key. A message that is not there
// would be silence to the person who waits for it, and over trunks that are not there
// nobody would be called.
func (s *Server) validate(c campaigns.Campaign) error {
	errs := []error{c.Validate(), s.knownTrunks(c.Trunks)}
	for _, message := range []struct{ key, name string }{{"safe_harbor", c.SafeHarbor}, {"voicemail", c.Voicemail}, {"hold_music", c.HoldMusic},
		{"inbound.announcement", c.Inbound.Announcement}, {"inbound.music", c.Inbound.Music}, {"inbound.put_off", c.Inbound.PutOff}} {
		if message.name != "" && s.prompts != nil && !slices.Contains(s.prompts, message.name) {
			errs = append(errs, &campaigns.FieldError{
				Field: message.key, Problem: fmt.Sprintf("there is no message %q; there are %s", message.name, strings.Join(s.prompts, ", ")),
			})
		}
	}
	return errors.Join(errs...)
}

// saveCampaign writes a campaign and tells the engine where it runs.
func (s *Server) saveCampaign(ctx context.Context, c campaigns.Campaign) (campaigns.Campaign, error) {
	if err := s.validate(c); err != nil {
		return c, err
	}
	saved, err := s.records.SaveCampaign(ctx, c)
	if err != nil {
		return c, err
	}
	if saved.State == campaigns.Running {
		return saved, s.tellEngine(ctx, saved)
	}
	return saved, nil
}

func (s *Server) setState(ctx context.Context, by caller, id campaigns.CampaignID, state campaigns.CampaignState) (campaigns.Campaign, error) {
	c, err := s.campaign(ctx, by, id)
	if err != nil {
		return c, err
	}
	if state == campaigns.Running {
		if err := s.validate(c); err != nil {
			return c, err
		}
	}
	before := c.State
	if err := s.records.SetCampaignState(ctx, id, state, ""); err != nil {
		return c, err
	}
	if c, err = s.records.Campaign(ctx, id); err != nil {
		return c, err
	}
	if err := s.tellEngine(ctx, c); err != nil {
		return c, err
	}
	return c, s.audit(ctx, by, "campaign."+string(state), string(id), before, state)
}

// LegalWindow is how far back abandonment is counted: each successive 30 days
// (16 CFR 310.4(b)(4)(i)).
const LegalWindow = 30 * 24 * time.Hour

func (s *Server) tellEngine(ctx context.Context, c campaigns.Campaign) error {
	now := time.Now()
	tally, err := s.records.Tally(ctx, c.ID, now.Add(-LegalWindow), now)
	if err != nil {
		return err
	}
	return s.engine.SetCampaign(ctx, c, tally)
}

// audit keeps who changed what.
func (s *Server) audit(ctx context.Context, by caller, action, object string, before, after any) error {
	b, _ := json.Marshal(before)
	a, _ := json.Marshal(after)
	return s.records.Audit(ctx, campaigns.AuditEntry{
		At: time.Now(), By: by.ID, From: by.from, Action: action, Object: object, Before: string(b), After: string(a),
	})
}
