package api

import (
	"net/http"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

const (
	// rememberFor is how long who was let in goes on without the store: operators must
	// be able to end their talks. Within it nobody's rights change, as nothing can be
	// written either.
	rememberFor = 15 * time.Minute
	// answersWithin is how long the store may take to say who asks where that is
	// remembered, and then for how long it is not asked again.
	answersWithin  = time.Second
	mostRemembered = 10_000
)

// remembered are those whom the store let in, by the hash of their token. They count
// only while it does not answer.
type remembered struct {
	mu       sync.Mutex
	callers  map[string]letIn
	failedAt time.Time // when the store last did not answer
}

type letIn struct {
	user    campaigns.User
	at      time.Time
	expires time.Time // of the token; zero: never
}

func newRemembered() *remembered { return &remembered{callers: map[string]letIn{}} }

// add notes that the store let somebody in.
func (r *remembered) add(hash string, user campaigns.User, expires, now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if len(r.callers) >= mostRemembered {
		for h, c := range r.callers {
			if now.Sub(c.at) > rememberFor {
				delete(r.callers, h)
			}
		}
	}
	if _, known := r.callers[hash]; known || len(r.callers) < mostRemembered {
		r.callers[hash] = letIn{user, now, expires}
	}
	r.failedAt = time.Time{}
}

// forget takes a token back: it was signed out, or the store does not let it in.
func (r *remembered) forget(hash string) {
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.callers, hash)
}

// find says who has a token, as far as that is remembered, and whether it is worth
// asking the store.
func (r *remembered) find(hash string, now time.Time) (user campaigns.User, known, ask bool) {
	r.mu.Lock()
	defer r.mu.Unlock()
	c, known := r.callers[hash]
	known = known && now.Sub(c.at) <= rememberFor && (c.expires.IsZero() || now.Before(c.expires))
	return c.user, known, !known || now.Sub(r.failedAt) > answersWithin
}

// failed notes that the store does not answer.
func (r *remembered) failed(now time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.failedAt = now
}

// letInAs lets a user in who has the right.
func letInAs(user campaigns.User, hash string, right campaigns.Right) (caller, int) {
	if right != anyone && !user.May(right) {
		return caller{}, http.StatusForbidden
	}
	return caller{User: user, token: hash}, http.StatusOK
}
