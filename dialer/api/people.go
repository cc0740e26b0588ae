package api

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
)

type userIn struct {
	ID   campaigns.UserID `path:"id" maxLength:"64"`
	Body struct {
		Name        string                 `json:"name" maxLength:"200"`
		Role        campaigns.Role         `json:"role" enum:"operator,lead,manager,qa,compliance,admin"`
		Password    string                 `json:"password,omitempty" minLength:"10" maxLength:"256"`
		PhoneSecret string                 `json:"phone_password,omitempty" minLength:"10" maxLength:"256" doc:"password of the operator's SIP phone"`
		PIN         string                 `json:"pin,omitempty" pattern:"^[0-9]{4,12}$"`
		SeesNumbers bool                   `json:"sees_numbers,omitempty"`
		Disabled    bool                   `json:"disabled,omitempty"`
		Team        string                 `json:"team,omitempty" maxLength:"64" doc:"whose calls a team lead may hear"`
		Campaigns   []campaigns.CampaignID `json:"campaigns,omitempty" maxItems:"200" doc:"the only ones that they may see and change; none: all"`
		Rights      []campaigns.Right      `json:"rights,omitempty" maxItems:"50" doc:"besides those of the role, such as lead.export"`
	}
}

type auditIn struct {
	By     campaigns.UserID `query:"by" maxLength:"64" doc:"who did it"`
	Action string           `query:"action" maxLength:"64" doc:"such as campaign.pace"`
	Object string           `query:"object" maxLength:"200" doc:"what it was done to"`
	Page
}

// PhoneSecrets makes what is kept of a SIP phone's password.
type PhoneSecrets func(user, password string) (md5, sha256 string)

// routePeople adds users and the audit log.
func (s *Server) routePeople(api huma.API) {
	register(s, api, campaigns.RightUsersRead, huma.Operation{
		OperationID: "list", Method: http.MethodGet, Path: "/api/v1/users", Tags: []string{"users"}, Summary: "Users, by id",
	}, func(ctx context.Context, _ caller, in *Page) (*body[page[campaigns.User]], error) {
		all, err := s.records.Users(ctx)
		return pagedOf(ctx, s, *in, func(u campaigns.User) string { return string(u.ID) }, all, err)
	})
	register(s, api, campaigns.RightUsers, huma.Operation{
		OperationID: "put", Method: http.MethodPut, Path: "/api/v1/users/{id}", Tags: []string{"users"}, Summary: "Create or change a user",
	}, s.putUser)
	register(s, api, campaigns.RightAudit, huma.Operation{
		OperationID: "list", Method: http.MethodGet, Path: "/api/v1/audit", Tags: []string{"audit"}, Summary: "Who changed what, newest first",
	}, s.auditLog)
}

func (s *Server) auditLog(ctx context.Context, by caller, in *auditIn) (*body[page[campaigns.AuditEntry]], error) {
	return paged(ctx, s, in.Page, func(before string, limit int) ([]campaigns.AuditEntry, error) {
		entries, err := s.records.Audited(ctx, campaigns.AuditQuery{By: in.By, Action: in.Action, Object: in.Object, Before: before, Limit: limit})
		for i := range entries {
			if strings.HasPrefix(entries[i].Object, "+") { // a number that was suppressed, or not any more
				entries[i].Object = seen(entries[i].Object, by.User)
			}
			entries[i].After = seenIn(entries[i].After, by.User)
		}
		return entries, err
	}, func(a campaigns.AuditEntry) string { return a.ID })
}

// seenIn is what an entry says as a user may see it: whom somebody transferred a talk to
// is a number there.
func seenIn(after string, u campaigns.User) string {
	var to target
	if u.May(campaigns.RightNumbers) || json.Unmarshal([]byte(after), &to) != nil || to.Number == "" {
		return after
	}
	return strings.ReplaceAll(after, strconv.Quote(to.Number), strconv.Quote(campaigns.MaskNumber(to.Number)))
}

func (s *Server) putUser(ctx context.Context, by caller, in *userIn) (*empty, error) {
	if !campaigns.ValidID(string(in.ID)) {
		return nil, huma.Error422UnprocessableEntity("id: letters a-z, digits and - only")
	}
	u, err := s.records.User(ctx, in.ID)
	switch {
	case errors.Is(err, campaigns.ErrNotFound):
		u = campaigns.User{ID: in.ID, CreatedAt: time.Now()}
	case err != nil:
		return nil, err
	}
	if err := knownRights("rights", in.Body.Rights); err != nil {
		return nil, err
	}
	before := u
	u.Team, u.Campaigns, u.Rights = in.Body.Team, in.Body.Campaigns, in.Body.Rights
	u.Name, u.Role, u.SeesNumbers, u.Disabled = in.Body.Name, in.Body.Role, in.Body.SeesNumbers, in.Body.Disabled
	if in.Body.Password != "" {
		u.PasswordHash = HashPassword(in.Body.Password)
	}
	if in.Body.PIN != "" {
		u.PINHash = HashPassword(in.Body.PIN)
	}
	if in.Body.PhoneSecret != "" {
		u.SIPMD5, u.SIPSHA256 = s.phoneSecrets(string(in.ID), in.Body.PhoneSecret)
	}
	if err := s.records.SaveUser(ctx, u); err != nil {
		return nil, err
	}
	if u.PasswordHash != before.PasswordHash || u.Disabled {
		if err := s.endSessions(ctx, by, u.ID); err != nil {
			return nil, err
		}
	}
	if u.Disabled { // who may not sign in takes no calls
		if err := s.engine.OffDuty(ctx, u.ID); err != nil && !errors.Is(err, dialer.ErrState) {
			return nil, err
		}
	}
	return nil, s.audit(ctx, by, "user.put", string(u.ID), before, u)
}
