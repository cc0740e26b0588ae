package eligibility

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Waterfall says where the leads of a campaign are held up: each step counts
// those of the one before that pass one more gate.
type Waterfall struct {
	Campaign campaigns.CampaignID `json:"campaign"`
	At       time.Time            `json:"at"`
	Steps    []Step               `json:"steps"`
	Why      string               `json:"why"` // the largest loss, in words
}

// Step is one gate of a waterfall.
type Step struct {
	Name   string    `json:"name"`
	Leads  int       `json:"leads"`            // that pass this gate and all before it
	Lost   int       `json:"lost"`             // that pass those before it and not this one
	Reason string    `json:"reason,omitempty"` // why they are lost
	Next   time.Time `json:"next,omitzero"`    // when the first of them passes; zero: not by waiting, or unknown
}

// The steps, in order. A step's number is how many gates are passed.
const (
	stepTotal = iota
	stepActive
	stepWindow
	stepCaps
	stepNotSuppressed
	stepDue
	stepReady
	steps
)

var stepNames = [steps]string{"total", "active", "in_window", "under_caps", "not_suppressed", "due", "ready"}

// Waterfall counts a campaign. The census must hold one by one who was called
// within Remembers.
func (r *Rules) Waterfall(c campaigns.Campaign, census campaigns.Census, now time.Time) Waterfall {
	f := fall{rules: r, campaign: c, now: now, promised: map[campaigns.UserID]int{}}
	f.reached[stepTotal] = census.Done + census.Nowhere
	plain := map[campaigns.QueueID]campaigns.QueueInfo{} // without the special ones
	for _, q := range census.Queues {
		plain[q.QueueID] = q
	}
	for _, s := range census.Special {
		f.special(s)
		if q := plain[s.Entry.Queue]; s.Entry.State == campaigns.EntryWaiting {
			if s.Entry.DueAt.After(now) {
				q.Waiting--
			} else {
				q.Ready--
			}
			plain[s.Entry.Queue] = q
		}
	}
	for _, q := range census.Queues {
		f.queue(plain[q.QueueID])
	}
	return f.result(census)
}

// fall is a waterfall being counted.
type fall struct {
	rules    *Rules
	campaign campaigns.Campaign
	now      time.Time
	reached  [steps]int               // leads whose last step this is
	next     [steps]time.Time         // when the first lead held up before a step passes it
	cap      campaigns.Cap            // that holds back a lead
	promised map[campaigns.UserID]int // leads that wait for an operator
	shifted  int                      // leads that wait for another part of the day
}

// queue counts leads of which nothing more must be known.
func (f *fall) queue(q campaigns.QueueInfo) {
	if q.Ready+q.Waiting <= 0 {
		return
	}
	if open, _, opens := f.rules.Open(q.Window, f.campaign, f.now); !open {
		f.stop(stepActive, q.Ready+q.Waiting, opens)
		return
	}
	if q.Operator != "" { // called so long ago that it is not told one by one
		f.promised[q.Operator] += q.Ready
		f.stop(stepNotSuppressed, q.Ready, time.Time{})
		q.Ready = 0
	}
	f.reached[stepReady] += q.Ready
	f.stop(stepNotSuppressed, q.Waiting, q.NextDue)
}

// stop counts leads that come no further than a step.
func (f *fall) stop(step, leads int, next time.Time) {
	if leads <= 0 {
		return
	}
	f.reached[step] += leads
	if at := f.next[step+1]; !next.IsZero() && (at.IsZero() || next.Before(at)) {
		f.next[step+1] = next
	}
}

// special counts one lead.
func (f *fall) special(s campaigns.Standing) {
	w := s.Entry.Queue.Window
	if open, _, opens := f.rules.Open(w, f.campaign, f.now); !open {
		f.stop(stepActive, 1, opens)
		return
	}
	var full time.Time
	for _, cap := range f.rules.Caps(w, f.campaign, f.now) {
		if _, next := CapUse(cap, s.Attempts, f.now); next.After(full) {
			full, f.cap = next, cap
		}
	}
	quiet, _ := f.rules.quietUntil(w.Regions(), f.campaign, s.LastOutcome, s.LastAt, f.now)
	due := later(s.Entry.DueAt, quiet)
	waitsFor := campaigns.UserID("")
	if cb := s.Entry.Callback; cb != nil && cb.User != "" {
		at := f.campaign.Callbacks.ForAnyone(campaigns.Callback{At: s.Entry.DueAt, User: cb.User})
		if at.IsZero() || at.After(f.now) {
			waitsFor, due = cb.User, later(due, at)
		}
	}
	switch {
	case !full.IsZero():
		f.stop(stepWindow, 1, full)
	case s.Suppressed:
		f.stop(stepCaps, 1, time.Time{})
	case waitsFor != "" && !s.Entry.DueAt.After(f.now):
		f.promised[waitsFor]++
		f.stop(stepNotSuppressed, 1, nextOrNever(due, f.now))
	case due.After(f.now):
		if s.Entry.Callback == nil && retryRule(f.campaign, s.Entry.LastOutcome).Shift {
			f.shifted++
		}
		f.stop(stepNotSuppressed, 1, due)
	case s.Held || s.Entry.State != campaigns.EntryWaiting:
		f.stop(stepDue, 1, time.Time{})
	default:
		f.reached[stepReady]++
	}
}

// nextOrNever is a time to come; zero where it is over.
func nextOrNever(at, now time.Time) time.Time {
	if at.After(now) {
		return at
	}
	return time.Time{}
}

func (f *fall) result(census campaigns.Census) Waterfall {
	w := Waterfall{Campaign: f.campaign.ID, At: f.now}
	left := census.Total
	worst := 0
	for step := range steps {
		s := Step{Name: stepNames[step]}
		if step > 0 {
			s.Lost = f.reached[step-1]
			left -= s.Lost
			s.Next = f.next[step].UTC()
		}
		s.Leads = left
		s.Reason = f.reason(step, s, census)
		w.Steps = append(w.Steps, s)
		if s.Lost > w.Steps[worst].Lost {
			worst = step
		}
	}
	w.Why = f.why(w.Steps, worst)
	return w
}

// why is the largest loss in words; a campaign that does not dial loses all.
func (f *fall) why(all []Step, worst int) string {
	ready := all[stepReady].Leads
	words := fmt.Sprintf("all %d leads are ready", ready)
	switch {
	case all[stepTotal].Leads == 0:
		words = "no leads: its lists are empty, or none was imported"
	case worst > 0:
		words = fmt.Sprintf("%d of %d leads are ready; most are lost at %s: %s", ready, all[stepTotal].Leads, all[worst].Name, all[worst].Reason)
	}
	if f.campaign.State == campaigns.Running {
		return words
	}
	state := "the campaign is " + string(cmp.Or(f.campaign.State, campaigns.Stopped))
	if f.campaign.HoldReason != "" {
		state += " (" + f.campaign.HoldReason + ")"
	}
	return state + "; " + words
}

func (f *fall) reason(step int, s Step, census campaigns.Census) string {
	if s.Lost == 0 {
		return ""
	}
	switch step {
	case stepActive:
		return fmt.Sprintf("%d are done here%s, %d match no segment or have no number that may be dialled", census.Done, f.doneAfter(census), census.Nowhere)
	case stepWindow:
		return fmt.Sprintf("%d are outside their calling hours%s", s.Lost, from("the first may be called", s.Next, "no hours open in the next 40 days"))
	case stepCaps:
		return fmt.Sprintf("%d were called as often as they may be (such as %d in %v, %s)%s", s.Lost, f.cap.N, f.cap.Period, f.cap.Source, from("the first is free", s.Next, ""))
	case stepNotSuppressed:
		return fmt.Sprintf("%d are on the do-not-call list", s.Lost)
	case stepDue:
		return fmt.Sprintf("%d wait for their time after a call, or for a callback%s%s", s.Lost, f.waiting(), from("the first is due", s.Next, ""))
	case stepReady:
		return fmt.Sprintf("%d are claimed or being called now", s.Lost)
	}
	return ""
}

// doneAfter says how many leads are done because recycling rules gave them up.
func (f *fall) doneAfter(census campaigns.Census) string {
	givenUp, most := 0, campaigns.Outcome("")
	for o, n := range census.DoneAfter {
		if o == "" || o == campaigns.Connected {
			continue
		}
		givenUp += n
		if most == "" || n > census.DoneAfter[most] || n == census.DoneAfter[most] && o < most {
			most = o
		}
	}
	if givenUp == 0 {
		return ""
	}
	return fmt.Sprintf(" (%d given up after as many attempts as may be, most of them, %d, after %s)", givenUp, census.DoneAfter[most], most)
}

// waiting says for whom and what leads wait that are not due.
func (f *fall) waiting() string {
	words := ""
	if f.shifted > 0 {
		words += fmt.Sprintf("; %d for another part of the day", f.shifted)
	}
	for _, user := range slices.Sorted(maps.Keys(f.promised)) {
		words += fmt.Sprintf("; %d for operator %s, who promised the call", f.promised[user], user)
	}
	return words
}

func from(what string, at time.Time, never string) string {
	switch {
	case !at.IsZero():
		return fmt.Sprintf("; %s at %s", what, at.UTC().Format(time.RFC3339))
	case never != "":
		return "; " + never
	}
	return ""
}

// remembered is the longest period of a cap and the longest quiet time of any
// rule pack.
const remembered = 31 * 24 * time.Hour

// Remembers is how far back calls matter to leads of a campaign.
func (r *Rules) Remembers(c campaigns.Campaign) time.Duration {
	longest := remembered
	for _, cap := range c.Caps {
		longest = max(longest, cap.Period)
	}
	return longest
}
