package campaigns

import (
	"context"
	"encoding/json"
	"slices"
	"time"
)

// Outbox is what a store does besides its contracts for those who are told over HTTP
// what happened (dialer/webhook). What follows from a write of the store is kept for
// them in the step of that write: either both are there or neither. One event is kept
// once for each endpoint that wants its type, under an id that stays the same however
// often it comes, and those of one key are handed out one after another, in the order in
// which they happened.
type Outbox interface {
	// SaveEndpoint creates an endpoint (Version 0), or replaces it where Version is the
	// present one; else ErrConflict. It gets what happens from then on.
	SaveEndpoint(ctx context.Context, e Endpoint) (Endpoint, error)
	Endpoints(ctx context.Context) ([]Endpoint, error) // by id
	// DeleteEndpoint forgets an endpoint and everything that waits for it.
	DeleteEndpoint(ctx context.Context, id EndpointID) error

	// Publish keeps events that follow from no write of the store: for every endpoint that
	// wants them, or, whatever it wants, for one alone.
	Publish(ctx context.Context, only EndpointID, events ...Event) error

	// HoldEndpoint makes holder the one who may deliver to an endpoint, or makes its
	// lease begin anew; false where somebody else's runs. Leases run by the clock of the
	// store.
	HoldEndpoint(ctx context.Context, id EndpointID, holder string, lease time.Duration) (bool, error)
	FreeEndpoint(ctx context.Context, id EndpointID, holder string) error
	// Spread brings what was kept beside calls to where deliveries are read. Stores that
	// keep it there from the start do nothing.
	Spread(ctx context.Context) error
	// DueDeliveries are those that may be tried now: the first that waits of each key,
	// the longest due first.
	DueDeliveries(ctx context.Context, id EndpointID, now time.Time, limit int) ([]Delivery, error)
	// SaveDelivery writes how a try ended. ErrStale means that the endpoint is not
	// holder's any more, ErrNotFound that the delivery is gone.
	SaveDelivery(ctx context.Context, holder string, d Delivery) error
	// Resend makes a delivery wait again, as new; ErrNotFound where it is gone.
	Resend(ctx context.Context, id EndpointID, event string, now time.Time) error
	Deliveries(ctx context.Context, q DeliveryQuery) ([]Delivery, error) // newest first
	// TrimDeliveries deletes the oldest until bounds are kept, some hundred at a time.
	TrimDeliveries(ctx context.Context, t Trim) (Trimmed, error)
	Backlogs(ctx context.Context) ([]Backlog, error) // by endpoint
}

// EndpointID names an endpoint: a short name that people chose, as for campaigns.
type EndpointID string

// Endpoint is somebody who is told over HTTP what happened.
type Endpoint struct {
	ID        EndpointID  `json:"id"`
	URL       string      `json:"url"`
	Types     []EventType `json:"types,omitempty"` // empty: every type
	Numbers   bool        `json:"numbers"`         // phone numbers are whole; else masked
	Disabled  bool        `json:"disabled"`        // nothing is kept for it or sent to it
	Reason    string      `json:"reason,omitempty"`
	Secrets   []Secret    `json:"-"` // newest first; each signs until it is over
	CreatedAt time.Time   `json:"created_at"`
	Version   int64       `json:"version"` // rises with each change
}

// Secret is a key that signs deliveries.
type Secret struct {
	Text  string    `json:"text"`           // "whsec_" and base64
	Until time.Time `json:"until,omitzero"` // zero: until it is replaced
}

// Wants says whether an endpoint is told of a type.
func (e Endpoint) Wants(t EventType) bool {
	return !e.Disabled && (len(e.Types) == 0 || slices.Contains(e.Types, t))
}

// Event is something that happened, as it is told.
type Event struct {
	ID   string          `json:"id"` // the same however often it is told
	Type EventType       `json:"type"`
	At   time.Time       `json:"at"`
	Key  string          `json:"key"` // events of one key are told in order
	Data json.RawMessage `json:"data"`
}

// Size is what an event counts against bounds, in bytes.
func (e Event) Size() int64 {
	return int64(len(e.ID) + len(e.Type) + len(e.Key) + len(e.Data) + eventOverhead)
}

// eventOverhead is about what a store needs for an event besides its text.
const eventOverhead = 128

// DeliveryState is how far an event has come to an endpoint.
type DeliveryState string

// The states of a delivery.
const (
	DeliveryWaiting DeliveryState = "waiting" // for its turn, or for its next try
	Delivered       DeliveryState = "delivered"
	DeliveryGivenUp DeliveryState = "given_up" // after the last try
)

// Delivery is one event on its way to one endpoint.
type Delivery struct {
	Endpoint EndpointID    `json:"endpoint"`
	Event    Event         `json:"event"`
	Seq      int64         `json:"seq"` // in the order in which they came
	State    DeliveryState `json:"state"`
	Tries    int           `json:"tries"`
	DueAt    time.Time     `json:"due_at,omitzero"`   // of the next try, not before those that came earlier for its key
	LastAt   time.Time     `json:"last_at,omitzero"`  // of the last try
	Status   int           `json:"status,omitempty"`  // HTTP status of the last answer
	Problem  string        `json:"problem,omitempty"` // of the last try
}

// DeliveryQuery selects deliveries. Zero fields but Endpoint select all.
type DeliveryQuery struct {
	Endpoint EndpointID
	State    DeliveryState
	Event    string
	Before   int64 // Seq, for paging
	Limit    int   // default 100, at most 10,000
}

// Trim says what of deliveries may be kept.
type Trim struct {
	Most     int64     // bytes of all of them; what waits is dropped, the oldest first, where it is more
	Finished int64     // bytes of those that do not wait
	Before   time.Time // those that do not wait and were last tried before are deleted
}

// Trimmed is what was deleted.
type Trimmed struct {
	Finished int
	Dropped  map[EndpointID]int // of what waited
	More     bool               // there is more to delete
}

// Backlog is what waits for an endpoint.
type Backlog struct {
	Endpoint  EndpointID `json:"endpoint"`
	Waiting   int64      `json:"waiting"`
	Bytes     int64      `json:"bytes"`           // of what waits
	Oldest    time.Time  `json:"oldest,omitzero"` // when that happened which waits longest
	Kept      int64      `json:"kept"`            // deliveries that are over, for people to look at
	KeptBytes int64      `json:"kept_bytes"`
	Dropped   int64      `json:"dropped"` // since the endpoint is there: never told, for want of room
	DroppedAt time.Time  `json:"dropped_at,omitzero"`
}

// Replacing is an endpoint as it is kept in the place of before, which holds at most the
// one of its id; ErrConflict where that changed since it was read.
func (e Endpoint) Replacing(before []Endpoint, now time.Time) (Endpoint, error) {
	if len(before) == 0 {
		if e.Version != 0 {
			return e, ErrNotFound
		}
		e.CreatedAt = now.UTC().Truncate(time.Microsecond)
	} else {
		if e.Version != before[0].Version {
			return e, ErrConflict
		}
		e.CreatedAt = before[0].CreatedAt
	}
	e.Version++
	return e, nil
}
