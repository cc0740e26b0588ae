package redis

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	goredis "github.com/redis/go-redis/v9"

	"github.com/outpace-dialer/outpace/campaigns"
)

// keptUser is a user with what is never shown.
type keptUser struct {
	campaigns.User
	PasswordHash string `json:"password_hash"`
	SIPMD5       string `json:"sip_md5"`
	SIPSHA256    string `json:"sip_sha256"`
	PINHash      string `json:"pin_hash"`
}

func keepUser(u campaigns.User) keptUser {
	u.CreatedAt = moment(stamp(u.CreatedAt))
	return keptUser{u, u.PasswordHash, u.SIPMD5, u.SIPSHA256, u.PINHash}
}

func (k keptUser) user() campaigns.User {
	u := k.User
	u.PasswordHash, u.SIPMD5, u.SIPSHA256, u.PINHash = k.PasswordHash, k.SIPMD5, k.SIPSHA256, k.PINHash
	return u
}

// SaveUser creates or replaces a user.
func (s *Store) SaveUser(ctx context.Context, u campaigns.User) error {
	if !campaigns.ValidID(string(u.ID)) {
		return &campaigns.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not a user id", u.ID)}
	}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = time.Now()
	}
	return s.do(ctx, "save_user", func(ctx context.Context) error {
		return s.replaceGeneral(ctx, "users", string(u.ID), func(old string) (any, error) {
			var before keptUser
			if old != "" {
				if err := json.Unmarshal([]byte(old), &before); err != nil {
					return nil, err
				}
				u.CreatedAt = before.CreatedAt
			}
			return keepUser(u), nil
		})
	})
}

// User returns a user, or campaigns.ErrNotFound.
func (s *Store) User(ctx context.Context, id campaigns.UserID) (campaigns.User, error) {
	var k keptUser
	err := s.readGeneral(ctx, "users", string(id), &k)
	return k.user(), err
}

// readGeneral reads a JSON value of a hash of the general slot, or
// campaigns.ErrNotFound.
func (s *Store) readGeneral(ctx context.Context, hash, field string, into any) error {
	return s.do(ctx, hash, func(ctx context.Context) error {
		body, err := s.db.HGet(ctx, s.keys.general()+hash, field).Bytes()
		if errors.Is(err, goredis.Nil) {
			return campaigns.ErrNotFound
		}
		if err != nil {
			return err
		}
		return json.Unmarshal(body, into)
	})
}

// Users returns all users, by id.
func (s *Store) Users(ctx context.Context) ([]campaigns.User, error) {
	kept, err := readAll[keptUser](ctx, s, "users")
	var all []campaigns.User
	for _, k := range kept {
		all = append(all, k.user())
	}
	slices.SortFunc(all, func(a, b campaigns.User) int { return strings.Compare(string(a.ID), string(b.ID)) })
	return all, err
}

// keptToken is a token with its hash.
type keptToken struct {
	campaigns.Token
	Hash string `json:"hash"`
}

// SaveToken creates or replaces a token of a user; campaigns.ErrNotFound where
// there is no such user.
func (s *Store) SaveToken(ctx context.Context, t campaigns.Token) error {
	t.CreatedAt, t.ExpiresAt, t.UsedAt = moment(stamp(t.CreatedAt)), moment(stamp(t.ExpiresAt)), moment(stamp(t.UsedAt))
	return s.do(ctx, "save_token", func(ctx context.Context) error {
		known, err := s.db.HExists(ctx, s.keys.general()+"users", string(t.User)).Result() // users are never deleted
		if err != nil {
			return err
		}
		if !known {
			return fmt.Errorf("user %s: %w", t.User, campaigns.ErrNotFound)
		}
		return s.replaceGeneral(ctx, "tokens", t.Hash, func(old string) (any, error) {
			var before keptToken
			if old != "" {
				if err := json.Unmarshal([]byte(old), &before); err != nil {
					return nil, err
				}
				t.CreatedAt = before.CreatedAt
			}
			return keptToken{t, t.Hash}, nil
		})
	})
}

// Token returns a token, expired or not, or campaigns.ErrNotFound.
func (s *Store) Token(ctx context.Context, hash string) (campaigns.Token, error) {
	var k keptToken
	err := s.readGeneral(ctx, "tokens", hash, &k)
	k.Token.Hash = k.Hash
	return k.Token, err
}

// Tokens returns the tokens of a user, by hash.
func (s *Store) Tokens(ctx context.Context, user campaigns.UserID) ([]campaigns.Token, error) {
	kept, err := readAll[keptToken](ctx, s, "tokens")
	var all []campaigns.Token
	for _, k := range kept {
		if k.Token.Hash = k.Hash; k.User == user {
			all = append(all, k.Token)
		}
	}
	slices.SortFunc(all, func(a, b campaigns.Token) int { return strings.Compare(a.Hash, b.Hash) })
	return all, err
}

// UseToken notes when a token was used, or returns campaigns.ErrNotFound.
func (s *Store) UseToken(ctx context.Context, hash string, at time.Time) error {
	at = moment(stamp(at))
	return s.do(ctx, "use_token", func(ctx context.Context) error {
		return s.replaceGeneral(ctx, "tokens", hash, func(old string) (any, error) {
			if old == "" {
				return nil, campaigns.ErrNotFound
			}
			var k keptToken
			err := json.Unmarshal([]byte(old), &k)
			if at.After(k.UsedAt) {
				k.UsedAt = at
			}
			return k, err
		})
	})
}

// DeleteToken removes a token; one that is not there is no error.
func (s *Store) DeleteToken(ctx context.Context, hash string) error {
	return s.do(ctx, "delete_token", func(ctx context.Context) error {
		return s.db.HDel(ctx, s.keys.general()+"tokens", hash).Err()
	})
}
