package app

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"regexp"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/api"
)

// NewUser is a user to be created or changed. What is empty keeps what is there.
type NewUser struct {
	ID            campaigns.UserID
	Name          string
	Role          campaigns.Role // of a new user by default operator
	Password      string         // at least MinPassword characters
	PhonePassword string
	PIN           string // 4 to 12 digits: a phone has no other keys
	SeesNumbers   *bool  // of a new user by default false
	Realm         string // of the phones; empty is the default
}

// MinPassword is the shortest password, in characters (NIST SP 800-63B asks
// for 8 at least).
const MinPassword = 10

var pinForm = regexp.MustCompile(`^[0-9]{4,12}$`)

// AddUser writes a user.
func AddUser(ctx context.Context, records campaigns.Records, n NewUser) error {
	if !campaigns.ValidID(string(n.ID)) {
		return fmt.Errorf("user id %q: letters a-z, digits and - only", n.ID)
	}
	if n.PIN != "" && !pinForm.MatchString(n.PIN) {
		return errors.New("pin: 4 to 12 digits")
	}
	switch n.Role {
	case "", campaigns.RoleOperator, campaigns.RoleLead, campaigns.RoleManager, campaigns.RoleQA, campaigns.RoleCompliance, campaigns.RoleAdmin:
	default:
		return fmt.Errorf("role %q is none of operator, lead, manager, qa, compliance, admin", n.Role)
	}
	u, err := records.User(ctx, n.ID)
	switch {
	case errors.Is(err, campaigns.ErrNotFound):
		u = campaigns.User{ID: n.ID, Role: campaigns.RoleOperator, CreatedAt: time.Now()}
	case err != nil:
		return err
	}
	if n.Password == "" && u.PasswordHash == "" || n.Password != "" && len(n.Password) < MinPassword {
		return fmt.Errorf("password: at least %d characters", MinPassword)
	}
	u.Role = cmp.Or(n.Role, u.Role)
	if n.SeesNumbers != nil {
		u.SeesNumbers = *n.SeesNumbers
	}
	if n.Name != "" {
		u.Name = n.Name
	}
	if n.Password != "" {
		u.PasswordHash = api.HashPassword(n.Password)
	}
	if n.PIN != "" {
		u.PINHash = api.HashPassword(n.PIN)
	}
	if n.PhonePassword != "" {
		u.SIPMD5, u.SIPSHA256 = PhoneSecrets(n.Realm, string(n.ID), n.PhonePassword)
	}
	return records.SaveUser(ctx, u)
}

// NewLink makes the code of a link that signs a user in once, for who runs the product
// in their own process (the demo).
func NewLink(ctx context.Context, records campaigns.Records, user campaigns.UserID, lasts time.Duration) (string, error) {
	code, kept := api.NewLink(user, time.Now(), lasts)
	return code, records.SaveToken(ctx, kept)
}
