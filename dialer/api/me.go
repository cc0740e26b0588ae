package api

import (
	"context"

	"github.com/outpace-dialer/outpace/campaigns"
)

// me is who is signed in, with all that they may do.
type me struct {
	campaigns.User
	May []campaigns.Right `json:"may" nullable:"false" doc:"every right in force: of the role and of one's own, as far as the token in use has them"`
}

func (s *Server) me(_ context.Context, by caller, _ *empty) (*body[me], error) {
	mine := me{User: by.User, May: []campaigns.Right{}}
	for _, r := range campaigns.AllRights() {
		if by.User.May(r) {
			mine.May = append(mine.May, r)
		}
	}
	return answer(mine, nil)
}
