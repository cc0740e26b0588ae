package dialer_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/media"
	"github.com/outpace-dialer/outpace/sip"
)

// The hand-written rooms of these tests. They do what they are told, write down
// what they were asked for, and fail on request.

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

func (s *store) Reclaim(context.Context, string, time.Time) (int, error) { return 0, nil }

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

// rules are US federal hours without the hours.
type rules struct {
	mu     sync.Mutex
	closed bool
	opens  time.Time // then it is open
	until  time.Time // the end of the open window
	record campaigns.RecordingPolicy
}

func (r *rules) set(change func(r *rules)) {
	r.mu.Lock()
	defer r.mu.Unlock()
	change(r)
}

func (r *rules) Open(_ campaigns.WindowClass, _ campaigns.Campaign, now time.Time) (bool, time.Time, time.Time) {
	r.mu.Lock()
	defer r.mu.Unlock()
	if !r.opens.IsZero() {
		return !now.Before(r.opens), r.until, r.opens
	}
	return !r.closed, r.until, now.Add(time.Hour)
}

func (r *rules) Decide(cl campaigns.Claim, c campaigns.Campaign, now time.Time) (campaigns.Decision, bool, time.Time) {
	open, _, opens := r.Open(cl.Queue.Window, c, now)
	return campaigns.Decision{RulePack: "test", At: now}, open, opens
}

func (r *rules) Allows(cl campaigns.Claim, c campaigns.Campaign, now time.Time) bool {
	open, _, _ := r.Open(cl.Queue.Window, c, now)
	return open
}

func (*rules) Caps(campaigns.WindowClass, campaigns.Campaign, time.Time) []campaigns.Cap { return nil }

// Shift is by eight hours.
func (*rules) Shift(c campaigns.Campaign, _ campaigns.Claim, o campaigns.Outcome, next campaigns.Next, _ time.Time) campaigns.Next {
	for _, rule := range c.Retry {
		if rule.Outcome == o && rule.Shift {
			next.At = next.At.Add(8 * time.Hour)
		}
	}
	return next
}

// LocalHour is that of New York in winter.
func (*rules) LocalHour(_ campaigns.WindowClass, now time.Time) int {
	return now.UTC().Add(-5*time.Hour).Hour() + 1
}

func (*rules) Abandonment([]string, time.Time) (float64, time.Duration, time.Duration) {
	return 0.03, 2 * time.Second, 15 * time.Second
}

func (r *rules) AbandonmentWindows(regions []string, _ time.Time) []time.Duration {
	windows := []time.Duration{0, 24 * time.Hour}
	if len(regions) > 0 { // somebody was called
		windows = append(windows, 720*time.Hour)
	}
	return windows
}

func (r *rules) Recording([]string, campaigns.RecordingPolicy, time.Time) campaigns.RecordingPolicy {
	r.mu.Lock()
	defer r.mu.Unlock()
	if r.record == "" {
		return campaigns.RecordNever
	}
	return r.record
}

// trunks are a carrier on which nothing happens by itself but the end of a leg
// that we hang up on.
type trunks struct {
	depart    time.Duration // for which the next INVITE must wait
	share     string        // what Capacity says of it
	why       string        // and why it takes no call
	mu        sync.Mutex
	signal    func(sip.Event)
	room      int       // channels
	cps       bool      // no CPS token is left
	token     time.Time // when one returns
	used      int
	dialled   []sip.LegID
	hungUp    map[sip.LegID]int
	goodbye   sip.Cause   // of the last hang-up
	confirmed []sip.LegID // in the order they were
	answered  map[sip.LegID]bool
	full      error
	finished  []string
	accepted  map[sip.LegID]bool // callers whom we answered
	refused   map[sip.LegID]int  // with which status
}

func (t *trunks) Reserve(_, _ string, callerIDs []string, callID string) (dialer.Route, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.full != nil {
		return dialer.Route{}, t.full
	}
	t.used++
	callerID := ""
	if len(callerIDs) > 0 {
		callerID = callerIDs[0]
	}
	return dialer.Route{Trunk: "carrier", CallerID: callerID, Dialog: sip.Dialog{CallID: callID}}, nil
}

func (t *trunks) Release(dialer.Route) { t.free() }

func (t *trunks) free() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.used--
}

func (t *trunks) Dial(leg sip.LegID, _ dialer.Route, _ []byte) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.dialled = append(t.dialled, leg)
}

func (t *trunks) Hangup(leg sip.LegID, why sip.Cause) {
	t.mu.Lock()
	t.refused[leg] = why.Code
	t.goodbye = why
	t.hungUp[leg]++
	first, up := t.hungUp[leg] == 1, t.answered[leg]
	t.mu.Unlock()
	if first {
		t.end(sip.Ended{Leg: leg, ByUs: true, WasUp: up, Cause: sip.Cause{Code: 487, Result: sip.ResultNone}})
	}
}

func (t *trunks) Confirm(leg sip.LegID) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.confirmed = append(t.confirmed, leg)
}

func (t *trunks) isConfirmed(leg sip.LegID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Contains(t.confirmed, leg)
}

func (t *trunks) end(ev sip.Ended) {
	t.free()
	t.signal(ev)
}

func (*trunks) Reply(sip.LegID, []byte) {}

func (t *trunks) Depart(dialer.Route) time.Duration {
	t.mu.Lock()
	defer t.mu.Unlock()
	wait := t.depart
	t.depart = 0
	return wait
}

func (t *trunks) Capacity(string, time.Time) sip.Capacity {
	t.mu.Lock()
	defer t.mu.Unlock()
	n := t.room - t.used
	c := sip.Capacity{Up: true, Channels: n, Ringing: n, Calls: n, Share: t.share, Why: t.why}
	if t.cps {
		c.Calls, c.NextToken = 0, t.token
	}
	return c
}

func (*trunks) RingTimeout(string) time.Duration { return 31 * time.Second }

func (t *trunks) Finish(_ context.Context, d sip.Dialog) error {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.finished = append(t.finished, d.CallID)
	return nil
}

func (t *trunks) legs() []sip.LegID {
	t.mu.Lock()
	defer t.mu.Unlock()
	return slices.Clone(t.dialled)
}

func (t *trunks) hangups(leg sip.LegID) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.hungUp[leg]
}

func (t *trunks) inUse() int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.used
}

// phones answer at once.
type phones struct {
	mu     sync.Mutex
	signal func(sip.Event)
	legs   map[string]sip.LegID // of each user, the latest
	off    bool
	hungUp []string
}

func (p *phones) Call(leg sip.LegID, user string, _ []byte) {
	p.mu.Lock()
	p.legs[user] = leg
	p.mu.Unlock()
	p.signal(sip.Answered{Leg: leg, Body: []byte("sdp"), At: time.Now()})
}

func (p *phones) Accept(leg sip.LegID, _ []byte) { p.signal(sip.Answered{Leg: leg, At: time.Now()}) }
func (*phones) Reply(sip.LegID, []byte)          {}

func (p *phones) Hangup(leg string) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.hungUp = append(p.hungUp, leg)
}

func (p *phones) Online(string) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return !p.off
}

func (*phones) Encryption(string) media.Encryption { return media.Plain }

func (p *phones) set(off bool) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.off = off
}

// ended are the legs that we hung up, in order.
func (p *phones) ended() []string {
	p.mu.Lock()
	defer p.mu.Unlock()
	return slices.Clone(p.hungUp)
}

func (p *phones) leg(user string) sip.LegID {
	p.mu.Lock()
	defer p.mu.Unlock()
	return p.legs[user]
}

// audio writes down what it is told, in words.
type audio struct {
	mute  bool // no leg is ever heard
	mu    sync.Mutex
	told  []string
	stats map[media.LegID]media.LegStats // of legs, as the test says
}

func (a *audio) note(format string, args ...any) {
	a.mu.Lock()
	defer a.mu.Unlock()
	a.told = append(a.told, fmt.Sprintf(format, args...))
}

func (a *audio) was(told string) int {
	a.mu.Lock()
	defer a.mu.Unlock()
	n := 0
	for _, t := range a.told {
		if t == told {
			n++
		}
	}
	return n
}

func (a *audio) Offer(media.LegID, media.LegSpec) ([]byte, error)          { return []byte("sdp"), nil }
func (a *audio) Answer(media.LegID, media.LegSpec, []byte) ([]byte, error) { return []byte("sdp"), nil }
func (a *audio) Reoffer(media.LegID) ([]byte, error)                       { return []byte("sdp"), nil }
func (a *audio) Early(media.LegID, string, []byte) error                   { return nil }
func (a *audio) Accept(media.LegID, []byte) error                          { return nil }
func (a *audio) Detect(leg media.LegID, mode string)                       { a.note("detect %s %s", leg, mode) }
func (a *audio) StopDetect(leg media.LegID)                                { a.note("stop detect %s", leg) }
func (a *audio) Bridge(customer, operator media.LegID)                     { a.note("bridge %s %s", customer, operator) }
func (a *audio) Unbridge(leg media.LegID)                                  { a.note("unbridge %s", leg) }
func (a *audio) Monitor(listener, customer media.LegID, as media.Presence) {
	a.note("monitor %s %s %s", listener, customer, as)
}
func (a *audio) Unmonitor(listener media.LegID)            { a.note("unmonitor %s", listener) }
func (a *audio) Confer(legs ...media.LegID)                { a.note("confer %v", legs) }
func (a *audio) StopPlaying(leg media.LegID)               { a.note("stop %s", leg) }
func (a *audio) Play(leg media.LegID, prompt string)       { a.note("play %s %s", leg, prompt) }
func (a *audio) Loop(leg media.LegID, prompt string)       { a.note("loop %s %s", leg, prompt) }
func (a *audio) Mute(leg media.LegID, on bool)             { a.note("mute %s %v", leg, on) }
func (a *audio) SendDigits(leg media.LegID, digits string) { a.note("press %s %s", leg, digits) }
func (a *audio) Record(leg media.LegID, path string)       { a.note("record %s", leg) }
func (a *audio) Heard(media.LegID) bool                    { return !a.mute }
func (a *audio) LegStats(leg media.LegID) (media.LegStats, bool) {
	a.mu.Lock()
	defer a.mu.Unlock()
	stats, is := a.stats[leg]
	return stats, is
}
func (a *audio) StopRecord(leg media.LegID) { a.note("stop record %s", leg) }
func (a *audio) Close(leg media.LegID)      { a.note("close %s", leg) }

// observer keeps every notice.
type observer struct {
	mu      sync.Mutex
	notices []dialer.Notice
}

func (o *observer) Notice(n dialer.Notice) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.notices = append(o.notices, n)
}

// refusals are the rules that refused a lead, in order.
func (o *observer) refusals() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	var rules []string
	for _, n := range o.notices {
		if r, ok := n.(dialer.Refused); ok {
			rules = append(rules, r.Rule)
		}
	}
	return rules
}

func (t *trunks) change(what func(t *trunks)) {
	t.mu.Lock()
	defer t.mu.Unlock()
	what(t)
}

func (t *trunks) set(room int) {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.room = room
}
