package sqlite

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

const userColumns = `id, name, role, password_hash, sip_md5, sip_sha256, pin_hash, disabled, sees_numbers, created_at, team, campaigns, rights`

func scanUser(r scanner) (campaigns.User, error) {
	var u campaigns.User
	var created int64
	var dialled, rights string
	err := r.Scan(&u.ID, &u.Name, &u.Role, &u.PasswordHash, &u.SIPMD5, &u.SIPSHA256, &u.PINHash, &u.Disabled, &u.SeesNumbers, &created,
		&u.Team, &dialled, &rights)
	if err != nil {
		return u, err
	}
	u.CreatedAt = moment(created)
	return u, errors.Join(unpackNames(dialled, &u.Campaigns), unpackNames(rights, &u.Rights))
}

// SaveUser creates or replaces a user.
func (s *Store) SaveUser(ctx context.Context, u campaigns.User) error {
	if !campaigns.ValidID(string(u.ID)) {
		return &campaigns.FieldError{Field: "id", Problem: fmt.Sprintf("%q is not a user id", u.ID)}
	}
	if u.CreatedAt.IsZero() {
		u.CreatedAt = time.Now()
	}
	return s.write(ctx, "save_user", func(w *writer) error {
		_, err := w.exec(`INSERT INTO user (`+userColumns+`) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)
			ON CONFLICT (id) DO UPDATE SET name = excluded.name, role = excluded.role, password_hash = excluded.password_hash,
			sip_md5 = excluded.sip_md5, sip_sha256 = excluded.sip_sha256, pin_hash = excluded.pin_hash,
			disabled = excluded.disabled, sees_numbers = excluded.sees_numbers,
			team = excluded.team, campaigns = excluded.campaigns, rights = excluded.rights`,
			string(u.ID), u.Name, string(u.Role), u.PasswordHash, u.SIPMD5, u.SIPSHA256, u.PINHash, u.Disabled, u.SeesNumbers, stamp(u.CreatedAt),
			u.Team, packNames(u.Campaigns), packNames(u.Rights))
		return err
	})
}

// User returns a user, or campaigns.ErrNotFound.
func (s *Store) User(ctx context.Context, id campaigns.UserID) (campaigns.User, error) {
	return one(readList(ctx, s, "user", scanUser, `SELECT `+userColumns+` FROM user WHERE id = ?`, string(id)))
}

// Users returns all users, by id.
func (s *Store) Users(ctx context.Context) ([]campaigns.User, error) {
	return readList(ctx, s, "users", scanUser, `SELECT `+userColumns+` FROM user ORDER BY id`)
}

// one is the first of what was found, or campaigns.ErrNotFound.
func one[T any](found []T, err error) (T, error) {
	if err == nil && len(found) == 0 {
		err = campaigns.ErrNotFound
	}
	if err != nil {
		var none T
		return none, err
	}
	return found[0], nil
}

// SaveToken creates or replaces a token of a user; campaigns.ErrNotFound where
// there is no such user.
func (s *Store) SaveToken(ctx context.Context, t campaigns.Token) error {
	return s.write(ctx, "save_token", func(w *writer) error {
		n, err := w.exec(`INSERT INTO token (hash, user, name, created_at, expires_at, used_at, scopes) SELECT ?1, id, ?3, ?4, ?5, ?6, ?7 FROM user WHERE id = ?2
			ON CONFLICT (hash) DO UPDATE SET user = excluded.user, name = excluded.name, expires_at = excluded.expires_at,
			used_at = excluded.used_at, scopes = excluded.scopes`,
			t.Hash, string(t.User), t.Name, stamp(t.CreatedAt), stamp(t.ExpiresAt), stamp(t.UsedAt), packNames(t.Scopes))
		if err == nil && n == 0 {
			err = fmt.Errorf("user %s: %w", t.User, campaigns.ErrNotFound)
		}
		return err
	})
}

// Token returns a token, expired or not, or campaigns.ErrNotFound.
func (s *Store) Token(ctx context.Context, hash string) (campaigns.Token, error) {
	return one(readList(ctx, s, "token", scanToken, `SELECT `+tokenColumns+` FROM token WHERE hash = ?`, hash))
}

const tokenColumns = `hash, user, name, created_at, expires_at, used_at, scopes`

func scanToken(r scanner) (campaigns.Token, error) {
	var t campaigns.Token
	var created, expires, used int64
	var scopes string
	if err := r.Scan(&t.Hash, &t.User, &t.Name, &created, &expires, &used, &scopes); err != nil {
		return t, err
	}
	t.CreatedAt, t.ExpiresAt, t.UsedAt = moment(created), moment(expires), moment(used)
	return t, unpackNames(scopes, &t.Scopes)
}

// Tokens returns the tokens of a user, by hash.
func (s *Store) Tokens(ctx context.Context, user campaigns.UserID) ([]campaigns.Token, error) {
	return readList(ctx, s, "tokens", scanToken, `SELECT `+tokenColumns+` FROM token WHERE user = ? ORDER BY hash`, string(user))
}

// UseToken notes when a token was used, or returns campaigns.ErrNotFound.
func (s *Store) UseToken(ctx context.Context, hash string, at time.Time) error {
	return s.write(ctx, "use_token", func(w *writer) error {
		n, err := w.exec(`UPDATE token SET used_at = max(used_at, ?) WHERE hash = ?`, stamp(at), hash)
		if err == nil && n == 0 {
			err = campaigns.ErrNotFound
		}
		return err
	})
}

// packNames is a list of names as JSON; unpackNames reads it, nil where it is empty.
func packNames[T ~string](names []T) string {
	if len(names) == 0 {
		return "[]"
	}
	text, err := json.Marshal(names)
	if err != nil {
		panic(err) // strings
	}
	return string(text)
}

func unpackNames[T ~string](text string, into *[]T) error {
	if text == "[]" {
		return nil
	}
	return json.Unmarshal([]byte(text), into)
}

// DeleteToken removes a token; one that is not there is no error.
func (s *Store) DeleteToken(ctx context.Context, hash string) error {
	return s.write(ctx, "delete_token", func(w *writer) error {
		_, err := w.exec(`DELETE FROM token WHERE hash = ?`, hash)
		return err
	})
}

// SaveDuty keeps nothing: the process that has the file is the only node, and knows
// its operators.
func (s *Store) SaveDuty(context.Context, campaigns.Duty) error { return nil }
