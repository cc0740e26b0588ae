package api

import (
	"errors"
	"net/http"
	"strings"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Condition is what must be so for a change to be made (RFC 9110, section 13.1). It has a
// capital because huma looks into exported embedded structs alone.
type Condition struct {
	IfMatch     string `header:"If-Match" doc:"the ETag that the change is based on: 412 where the present one is another"`
	IfNoneMatch string `header:"If-None-Match" enum:"*" doc:"*: only where there is none yet"`
}

// check says whether a record may be changed; etag is "" where there is none.
func (c Condition) check(etag string) error {
	if c.IfNoneMatch == "*" && etag != "" {
		return coded(http.StatusPreconditionFailed, "exists", "it exists already")
	}
	if c.IfMatch == "" || c.IfMatch == "*" && etag != "" {
		return nil
	}
	for one := range strings.SplitSeq(c.IfMatch, ",") {
		if strings.TrimSpace(one) == etag && etag != "" { // weak tags match nothing here
			return nil
		}
	}
	return errChanged
}

var errChanged = coded(http.StatusPreconditionFailed, "changed", "it has changed since it was read: read it again")

// met turns a conflict of the store into the answer to a condition, where there was one.
func (c Condition) met(err error) error {
	if (c.IfMatch != "" || c.IfNoneMatch != "") && errors.Is(err, campaigns.ErrConflict) {
		return errChanged
	}
	return err
}

// tagged is an answer with its ETag.
type tagged[T any] struct {
	ETag string `header:"ETag" doc:"for If-Match"`
	Body T
}

func tag[T any](v T, etag string, err error) (*tagged[T], error) {
	if err != nil {
		return nil, err
	}
	return &tagged[T]{etag, v}, nil
}

// quoted is a revision as an ETag.
func quoted(revision string) string { return `"` + revision + `"` }
