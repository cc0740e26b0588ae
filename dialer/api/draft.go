package api

import (
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Draft is what an operator has written of a call and not given as its disposition
// yet.
type Draft struct {
	Attempt       campaigns.AttemptID `json:"attempt" minLength:"1" maxLength:"64"`
	Note          string              `json:"note" maxLength:"10000"`
	Disposition   string              `json:"disposition,omitempty" maxLength:"64"`
	CallbackLocal string              `json:"callback_local,omitempty" maxLength:"32"`
	Personal      bool                `json:"personal,omitempty"`
	Fields        map[string]string   `json:"fields,omitempty" maxProperties:"50" doc:"of the campaign's form, as they stand"`
	Name          string              `json:"name,omitempty" doc:"of the lead; set by the server"`
	At            time.Time           `json:"at,omitzero" doc:"when it was kept; set by the server"`
}

// Drafts keep one draft for each operator, over a crash of the page and of the
// product; app hands them in. campaigns.ErrNotFound says that there is none.
type Drafts interface {
	Keep(user campaigns.UserID, d Draft) error
	Draft(user campaigns.UserID) (Draft, error)
	Drop(user campaigns.UserID) error
}

// maxDraftFields bounds what a draft keeps of a form, in bytes.
const maxDraftFields = 64 << 10

func fieldsSize(fields map[string]string) (n int) {
	for name, value := range fields {
		n += len(name) + len(value)
	}
	return n
}
