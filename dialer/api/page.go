package api

import (
	"context"
	"crypto/aes"
	"crypto/cipher"
	"crypto/rand"
	"encoding/base64"
	"net/http"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/danielgtaylor/huma/v2"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Page is which part of a list is asked for. A page goes on behind the last record of the
// page before, whatever is added or taken away meanwhile. It has a capital because huma
// looks into exported embedded structs alone.
type Page struct {
	Cursor string `query:"cursor" maxLength:"1000" doc:"next_cursor of the page before, with the same filters; left out: the first page"`
	Limit  int    `query:"limit" minimum:"1" maximum:"1000" default:"50" doc:"how many records at most"`
	of     string // the list, with its filters
}

// Resolve keeps what list the page is of: a cursor is good for no other.
func (p *Page) Resolve(ctx huma.Context) []error {
	url := ctx.URL()
	filters := url.Query()
	filters.Del("cursor")
	filters.Del("limit")
	p.of = digest(url.Path, filters.Encode())
	return nil
}

// page is a part of a list.
type page[T any] struct {
	Items      []T    `json:"items" nullable:"false"`
	NextCursor string `json:"next_cursor,omitempty" doc:"cursor of the next page; left out: this is the last one"`
}

// cursorKey seals cursors. All nodes of a store have the same, so that a page may come
// from another node than the one before.
type cursorKey struct {
	mu   sync.Mutex
	aead cipher.AEAD
}

// cursorKeyFor is how long the store keeps the key: longer than anybody pages.
const cursorKeyFor = 50 * 365 * 24 * time.Hour

// of makes the key at its first use, with the store's help: of all nodes the first one's
// counts. It stands with the answers to requests, under a key that no request can have.
func (k *cursorKey) of(ctx context.Context, store campaigns.Answers) (cipher.AEAD, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.aead != nil {
		return k.aead, nil
	}
	secret, now := make([]byte, 32), time.Now()
	_, _ = rand.Read(secret) // never fails
	kept, begun, err := store.BeginAnswer(ctx, campaigns.Answer{Key: digest("cursors"), Body: secret, ExpiresAt: now.Add(cursorKeyFor)}, now)
	if err != nil {
		return nil, err
	}
	if !begun {
		secret = kept.Body
	}
	block, err := aes.NewCipher(secret)
	if err == nil {
		k.aead, err = cipher.NewGCMWithRandomNonce(block)
	}
	return k.aead, err
}

// errCursor is for what is no cursor of this list.
var errCursor = coded(http.StatusUnprocessableEntity, "bad_cursor", "the cursor is none of this list with these filters: begin without one",
	&huma.ErrorDetail{Location: "query.cursor", Message: "is not the next_cursor of a page of this list with these filters"})

// position is the place behind which a page begins; empty: at the beginning.
func (s *Server) position(ctx context.Context, p Page) (string, error) {
	if p.Cursor == "" {
		return "", nil
	}
	key, err := s.cursors.of(ctx, s.records)
	if err != nil {
		return "", err
	}
	sealed, err := base64.RawURLEncoding.DecodeString(p.Cursor)
	if err != nil {
		return "", errCursor
	}
	place, err := key.Open(nil, nil, sealed, []byte(p.of))
	if err != nil || len(place) == 0 {
		return "", errCursor
	}
	return string(place), nil
}

// paged answers a page. read finds up to a number of records behind a place; place is that
// of a record. Places are sealed: that of a do-not-call entry is a number, which not
// everybody may see.
func paged[T any](ctx context.Context, s *Server, p Page, read func(after string, limit int) ([]T, error), place func(T) string) (*body[page[T]], error) {
	after, err := s.position(ctx, p)
	if err != nil {
		return nil, err
	}
	found, err := read(after, p.Limit+1)
	if err != nil {
		return nil, err
	}
	out := page[T]{Items: found[:min(p.Limit, len(found)):len(found)]}
	if out.Items == nil {
		out.Items = []T{}
	}
	if len(found) > p.Limit {
		key, err := s.cursors.of(ctx, s.records)
		if err != nil {
			return nil, err
		}
		sealed := key.Seal(nil, nil, []byte(place(found[p.Limit-1])), []byte(p.of))
		out.NextCursor = base64.RawURLEncoding.EncodeToString(sealed)
	}
	return &body[page[T]]{out}, nil
}

// pagedOf answers a page of records that are read whole: there are few of them. They come
// by their places.
func pagedOf[T any](ctx context.Context, s *Server, p Page, place func(T) string, all []T, err error) (*body[page[T]], error) {
	if err != nil {
		return nil, err
	}
	return paged(ctx, s, p, func(after string, limit int) ([]T, error) {
		slices.SortFunc(all, func(a, b T) int { return strings.Compare(place(a), place(b)) })
		first, _ := slices.BinarySearchFunc(all, after+"\x00", func(v T, after string) int { return strings.Compare(place(v), after) })
		return all[first:min(first+limit, len(all))], nil
	}, place)
}
