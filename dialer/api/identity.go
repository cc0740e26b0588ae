package api

import (
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"reflect"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/oidc"
)

// identityName marks, among the tokens, who somebody is at the provider: it lets nobody
// in. From the first sign-in on, a user is known by that and not by a claim, which the
// provider may give to somebody else one day.
const identityName = "oidc"

// oidcUser is who made or changed a user, for the audit log.
const oidcUser campaigns.UserID = "oidc"

// identityHash is where an identity is kept. No header can carry what it is of.
func identityHash(id oidc.Identity) string {
	sum := sha256.Sum256([]byte("oidc\x00" + id.Issuer + "\x00" + id.Subject))
	return hex.EncodeToString(sum[:])
}

// notWho is a refusal of somebody whom the provider vouches for.
func notWho(why, detail string, id oidc.Identity) error {
	return &oidc.Denied{Why: why, Detail: detail + ": " + string(id.User) + ", subject " + id.Subject}
}

type userPath struct {
	ID campaigns.UserID `path:"id" maxLength:"64"`
}

// userOf is the user whom an identity is here, made or changed as the configuration says;
// *oidc.Denied where it is none.
func (s *Server) userOf(ctx context.Context, id oidc.Identity, from string, now time.Time) (campaigns.User, error) {
	s.linking.Lock()
	defer s.linking.Unlock()
	before, linked, err := s.findUser(ctx, id)
	if err != nil {
		return campaigns.User{}, err
	}
	user, cfg := before, s.provider.Config()
	switch {
	case before.ID == "" && !cfg.CreateUsers:
		return user, notWho(refusedUnknown, "no such user, and oidc.create_users is false", id)
	case before.ID == "":
		user.ID, user.CreatedAt = id.User, now
	case before.Disabled:
		return user, notWho(refusedOff, "the user is disabled", id)
	}
	if user.ID == cfg.BreakGlass {
		return user, notWho(refusedGroup, "the user of oidc.break_glass signs in by password alone", id)
	}
	if user.Name == "" {
		user.Name = id.Name
	}
	if g := id.Grant; g != nil {
		user.Role, user.Team, user.Campaigns = g.Role, g.Team, g.Campaigns
	}
	save := func() error {
		if reflect.DeepEqual(user, before) {
			return nil
		}
		if err := s.records.SaveUser(ctx, user); err != nil {
			return err
		}
		return s.auditOIDC(ctx, "user.oidc", id, from, before, user)
	}
	steps := []func() error{func() error { return s.link(ctx, id, user.ID, linked, now) }, save}
	if before.ID == "" { // somebody else's account is not to be changed, but this one is to be there
		slices.Reverse(steps)
	}
	for _, step := range steps {
		if err := step(); err != nil {
			return user, err
		}
	}
	return user, s.auditOIDC(ctx, "login.oidc", id, from, nil, map[string]string{"user": string(user.ID), "subject": id.Subject})
}

// findUser is the user of an identity that was here before, or else the one whom its claim
// names; an empty one where there is none.
func (s *Server) findUser(ctx context.Context, id oidc.Identity) (u campaigns.User, linked bool, err error) {
	kept, err := s.records.Token(ctx, identityHash(id))
	name := id.User
	switch {
	case err == nil && kept.Name == identityName:
		name, linked = kept.User, true
	case err != nil && !errors.Is(err, campaigns.ErrNotFound):
		return u, false, err
	}
	u, err = s.records.User(ctx, name)
	if errors.Is(err, campaigns.ErrNotFound) {
		return campaigns.User{}, false, nil
	}
	return u, linked, err
}

// link keeps that a user is somebody at the provider, and at once nobody else there. Two
// who come first at the same time at two nodes are both refused, and may try again.
func (s *Server) link(ctx context.Context, id oidc.Identity, user campaigns.UserID, linked bool, now time.Time) error {
	if linked {
		return nil
	}
	hash := identityHash(id)
	taken := func() error {
		all, err := s.records.Tokens(ctx, user)
		for _, t := range all {
			if t.Name == identityName && t.Hash != hash {
				return notWho(refusedTaken, "the user is somebody else at the provider", id)
			}
		}
		return err
	}
	if err := taken(); err != nil {
		return err
	}
	if err := s.records.SaveToken(ctx, campaigns.Token{Hash: hash, User: user, Name: identityName, CreatedAt: now}); err != nil {
		return err
	}
	err := taken()
	if err != nil {
		return errors.Join(err, s.records.DeleteToken(context.WithoutCancel(ctx), hash))
	}
	return nil
}

// unlink forgets who a user is at the provider: the next who comes as them is them.
func (s *Server) unlink(ctx context.Context, by caller, in *userPath) (*empty, error) {
	all, err := s.records.Tokens(ctx, in.ID)
	if err != nil {
		return nil, err
	}
	gone := campaigns.ErrNotFound
	for _, t := range all {
		if t.Name != identityName {
			continue
		}
		if gone = s.records.DeleteToken(ctx, t.Hash); gone != nil {
			return nil, gone
		}
	}
	if gone != nil {
		return nil, gone
	}
	return nil, s.audit(ctx, by, "user.unlink", string(in.ID), nil, nil)
}

func (s *Server) auditOIDC(ctx context.Context, action string, id oidc.Identity, from string, before, after any) error {
	b, _ := json.Marshal(before)
	a, _ := json.Marshal(after)
	return s.records.Audit(ctx, campaigns.AuditEntry{At: time.Now(), By: oidcUser, From: from, Action: action, Object: string(id.User), Before: string(b), After: string(a)})
}
