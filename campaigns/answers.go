package campaigns

import (
	"context"
	"time"
)

// Answers keep what was answered to requests that must have their effect once, however
// often they are sent: on all nodes of a store.
type Answers interface {
	// BeginAnswer notes that a request is under way, until a.ExpiresAt unless it is
	// finished. Where its key is known and has not expired, what is kept of it is
	// returned instead, and begun is false.
	BeginAnswer(ctx context.Context, a Answer, now time.Time) (kept Answer, begun bool, err error)
	// FinishAnswer keeps the answer until a.ExpiresAt.
	FinishAnswer(ctx context.Context, a Answer) error
	// DropAnswer forgets a request: it had no effect, and may be sent again.
	DropAnswer(ctx context.Context, key string) error
}

// Answer is what was answered to a request.
type Answer struct {
	Key       string // SHA-256 of who asked, what and with which key, hex
	Request   string // SHA-256 of what was asked, hex
	Status    int    // of HTTP; 0: the request is under way
	Header    map[string]string
	Body      []byte
	ExpiresAt time.Time
}
