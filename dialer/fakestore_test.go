package dialer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

var errStoreDown = errors.New("store: disk full")

// store keeps leads and attempts in memory.
type store struct {
	mu         sync.Mutex
	leads      []campaigns.Claim // unclaimed, with their queue
	fence      int64
	open       map[campaigns.AttemptID]campaigns.Intent
	begun      []campaigns.Intent
	endings    []campaigns.Ending
	disposals  []campaigns.Disposal
	released   []campaigns.LeadID
	dialogs    map[campaigns.AttemptID][]byte
	claimDelay time.Duration // of ClaimLead
	beginDelay time.Duration
	endDelay   time.Duration
	beginErr   error
	dialogErr  error
	down       bool                         // End and Dispose fail
	endErrs    map[campaigns.AttemptID]bool // End fails for these
	tries      int                          // of End while down
	left       []campaigns.Attempt
	past       []campaigns.LiveCount
	pastErr    error
	recalled   []string // what LiveCounts was asked for
	learnt     map[campaigns.CampaignID]string
	learntN    int // how often SaveLearnt was asked
	learntErr  error
}

func newStore() *store {
	return &store{open: map[campaigns.AttemptID]campaigns.Intent{}, dialogs: map[campaigns.AttemptID][]byte{}, learnt: map[campaigns.CampaignID]string{}}
}

// slow takes as long as the store is said to take for an operation, by the clock of the
// bubble that the test is in.
func (s *store) slow(delay func() time.Duration) {
	s.mu.Lock()
	d := delay()
	s.mu.Unlock()
	time.Sleep(d)
}

// set changes what the store does from now on.
func (s *store) set(change func(s *store)) {
	s.mu.Lock()
	defer s.mu.Unlock()
	change(s)
}

// add puts n leads into the queue of a campaign.
func (s *store) add(c campaigns.CampaignID, n int) {
	s.mu.Lock()
	defer s.mu.Unlock()
	for range n {
		s.fence++
		number := campaigns.Number{
			E164: fmt.Sprintf("+1202555%04d", s.fence), Kind: campaigns.Mobile,
			Zones: []string{"America/New_York"}, Regions: []string{"US-FED"},
		}
		s.leads = append(s.leads, campaigns.Claim{
			Lead:   campaigns.Lead{ID: campaigns.LeadID(s.fence), Name: "Lead", Numbers: []campaigns.Number{number}},
			Number: number, Queue: campaigns.QueueID{Campaign: c, Segment: "all", Window: number.Window()},
		})
	}
}

func (s *store) Queues(_ context.Context, c campaigns.CampaignID, now time.Time) ([]campaigns.QueueInfo, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	queues := map[campaigns.QueueID]*campaigns.QueueInfo{}
	for _, l := range s.leads {
		if l.Queue.Campaign != c {
			continue
		}
		q := queues[l.Queue]
		if q == nil {
			q = &campaigns.QueueInfo{QueueID: l.Queue}
			queues[l.Queue] = q
		}
		switch {
		case !l.DueAt.After(now):
			q.Ready++
		case q.Waiting == 0 || l.DueAt.Before(q.NextDue):
			q.NextDue = l.DueAt
			fallthrough
		default:
			q.Waiting++
		}
	}
	var infos []campaigns.QueueInfo
	for _, q := range queues {
		infos = append(infos, *q)
	}
	return infos, nil
}

func (s *store) Claim(_ context.Context, q campaigns.ClaimRequest) ([]campaigns.Claim, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	var got []campaigns.Claim
	s.leads = slices.DeleteFunc(s.leads, func(l campaigns.Claim) bool {
		if len(got) == q.Limit || !slices.Contains(q.Queues, l.Queue) || l.DueAt.After(q.Due()) {
			return false
		}
		s.fence++
		l.Fence, l.Node, l.Until = s.fence, q.Node, q.Now.Add(q.Lease)
		got = append(got, l)
		return true
	})
	return got, nil
}

func (s *store) ClaimLead(_ context.Context, q campaigns.ClaimLeadRequest) (campaigns.Claim, error) {
	s.slow(func() time.Duration { return s.claimDelay })
	s.mu.Lock()
	defer s.mu.Unlock()
	i := slices.IndexFunc(s.leads, func(l campaigns.Claim) bool { return l.Lead.ID == q.Lead && l.Queue.Campaign == q.Campaign })
	if i < 0 {
		return campaigns.Claim{}, &campaigns.Refusal{Reason: campaigns.RefusedTaken, Detail: "about to be called"}
	}
	s.fence++
	l := s.leads[i]
	l.Fence = s.fence
	n, err := q.Choose(l.Lead, l.Number.E164)
	if err != nil {
		return campaigns.Claim{}, err
	}
	s.leads = slices.Delete(s.leads, i, i+1)
	return q.Leased(l, n), nil
}

func (s *store) Release(_ context.Context, claims []campaigns.Claim, at time.Time) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	for _, c := range claims {
		s.released = append(s.released, c.Lead.ID)
		if at.IsZero() {
			s.leads = append(s.leads, c)
		}
	}
	return nil
}

func (s *store) Begin(_ context.Context, in campaigns.Intent) error {
	var err error
	s.slow(func() time.Duration { err = s.beginErr; return s.beginDelay })
	if err != nil {
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.begun = append(s.begun, in)
	s.open[in.Attempt] = in
	return nil
}

func (s *store) SaveDialog(_ context.Context, a campaigns.AttemptID, dialog []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.dialogErr != nil {
		return s.dialogErr
	}
	s.dialogs[a] = dialog
	return nil
}

func (s *store) End(_ context.Context, e campaigns.Ending) error {
	s.slow(func() time.Duration { return s.endDelay })
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down || s.endErrs[e.Attempt] {
		s.tries++
		return errStoreDown
	}
	if _, ok := s.open[e.Attempt]; !ok {
		return campaigns.ErrNotFound
	}
	delete(s.open, e.Attempt)
	s.endings = append(s.endings, e)
	return nil
}

func (s *store) Dispose(_ context.Context, d campaigns.Disposal) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.down {
		return errStoreDown
	}
	if _, open := s.open[d.Attempt]; open {
		return campaigns.ErrConflict // an attempt is disposed after its end
	}
	s.disposals = append(s.disposals, d)
	return nil
}

func (s *store) Open(context.Context, string) ([]campaigns.Attempt, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.left, nil
}

func (s *store) Reclaim(context.Context, string, time.Time) (int, error) { return 0, nil }

func (s *store) LiveCounts(_ context.Context, c campaigns.CampaignID, since time.Time, within time.Duration) ([]campaigns.LiveCount, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.recalled = append(s.recalled, fmt.Sprint(c, since.Unix(), within))
	return s.past, s.pastErr
}

func (s *store) SaveLearnt(_ context.Context, c campaigns.CampaignID, learnt []byte) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.learnt[c] = string(learnt)
	s.learntN++
	return s.learntErr
}

func (s *store) Learnt(_ context.Context, c campaigns.CampaignID) ([]byte, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if learnt, ok := s.learnt[c]; ok {
		return []byte(learnt), s.learntErr
	}
	return nil, s.learntErr
}

// kept is how often SaveLearnt was asked.
func (s *store) kept() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.learntN
}

// outcomes are how often attempts ended so.
func (s *store) outcomes() map[campaigns.Outcome]int {
	s.mu.Lock()
	defer s.mu.Unlock()
	counts := map[campaigns.Outcome]int{}
	for _, e := range s.endings {
		counts[e.Outcome]++
	}
	return counts
}

func (s *store) said() []string {
	s.mu.Lock()
	defer s.mu.Unlock()
	var codes []string
	for _, d := range s.disposals {
		codes = append(codes, d.Disposition)
	}
	return codes
}

// ending is the nth ending that was written, empty if there are fewer.
func (s *store) ending(n int) campaigns.Ending {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= len(s.endings) {
		return campaigns.Ending{}
	}
	return s.endings[n]
}

// intent is the nth attempt that was begun, empty if there are fewer.
func (s *store) intent(n int) campaigns.Intent {
	s.mu.Lock()
	defer s.mu.Unlock()
	if n >= len(s.begun) {
		return campaigns.Intent{}
	}
	return s.begun[n]
}

func (s *store) givenBack() []campaigns.LeadID {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.released)
}

func (s *store) dialog(a campaigns.AttemptID) []byte {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.dialogs[a]
}

// failures are how often an ending was refused.
func (s *store) failures() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.tries
}

func (s *store) stillOpen() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return len(s.open)
}
