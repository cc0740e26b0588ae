package eligibility

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Subject is one number of a lead in one campaign, with what the records know
// of it.
type Subject struct {
	Lead       campaigns.Lead
	Number     campaigns.Number
	Campaign   campaigns.Campaign
	List       *campaigns.List        // nil: unknown
	Entry      *campaigns.Entry       // the lead's place in the campaign; nil: it has none
	Suppressed *campaigns.Suppression // nil: not on the do-not-call list
	Attempts   []time.Time            // that count against caps, any number of the person, oldest first
	HeldBy     campaigns.CampaignID   // another campaign that has claimed or calls the lead; empty: none
	TrunkID    string                 // caller ID of the trunk, for a campaign without its own
	// LastOutcome and LastAt are of the last attempt on the lead that ended, in any
	// campaign.
	LastOutcome campaigns.Outcome
	LastAt      time.Time
}

// Gate is one question of a Check.
type Gate struct {
	Name   string    `json:"name"`
	OK     bool      `json:"ok"`
	Detail string    `json:"detail"`
	Next   time.Time `json:"next,omitzero"` // closed: when it opens; zero: not by waiting
}

// Report is the answer to "may this number be called, and if not, why?".
type Report struct {
	Allowed  bool               `json:"allowed"`
	Gates    []Gate             `json:"gates"`         // in the order they are asked
	Next     time.Time          `json:"next,omitzero"` // earliest call as things stand; zero: not by waiting
	Decision campaigns.Decision `json:"decision"`
}

// Check asks every gate, also after one has refused, so that a person sees all
// that is in the way.
func (r *Rules) Check(s Subject, now time.Time) Report {
	w := s.Number.Window()
	gates := []Gate{
		numberGate(s), r.regionGate(s, now), suppressionGate(s), consentGate(s), campaignGate(s), callerIDGate(s), placeGate(s),
	}
	gates = append(gates, r.hoursGates(s, now)...)
	open, until, opens := r.Open(w, s.Campaign, now)
	gates = append(gates, windowGate(open, until, opens), r.cooldownGate(s, now))
	for _, cap := range r.Caps(w, s.Campaign, now) {
		gates = append(gates, capGate(cap, s.Attempts, now))
	}
	gates = append(gates, dueGate(s, now))
	if s.Entry != nil && s.Entry.Callback != nil && s.Entry.Callback.User != "" {
		gates = append(gates, operatorGate(s, now))
	}
	report := Report{Allowed: true, Gates: gates, Decision: r.decision(s.Number, until, now)}
	for _, g := range gates {
		report.Allowed = report.Allowed && g.OK
	}
	report.Next = r.next(w, s, gates, now)
	return report
}

// next is when all gates are open at once, as far as waiting helps.
func (r *Rules) next(w campaigns.WindowClass, s Subject, gates []Gate, now time.Time) time.Time {
	at := now
	for _, g := range gates {
		if g.OK || g.Name == "hours" { // the window gate joins the hours
			continue
		}
		if g.Next.IsZero() {
			return time.Time{}
		}
		at = later(at, g.Next)
	}
	return r.opening(w, s.Campaign, at)
}

func numberGate(s Subject) Gate {
	g := Gate{Name: "number", OK: true, Detail: fmt.Sprintf("%s, %s", s.Number.E164, s.Number.Kind)}
	switch {
	case s.Number.Bad:
		g.OK, g.Detail = false, "proven invalid by an earlier call"
	case s.Number.E164 == "" || len(s.Number.Zones) == 0:
		g.OK, g.Detail = false, "no zone is known for it"
	}
	return g
}

func (r *Rules) regionGate(s Subject, now time.Time) Gate {
	g := Gate{Name: "region", OK: true}
	entries, _ := r.resolve(s.Number.Regions, now)
	var names []string
	for _, e := range entries {
		names = append(names, fmt.Sprintf("%s (%s)", e.ID, e.Name))
	}
	g.Detail = strings.Join(names, ", ") + "; rule pack " + r.version
	return g
}

func suppressionGate(s Subject) Gate {
	if s.Suppressed == nil {
		return Gate{Name: "do_not_call", OK: true, Detail: "not listed"}
	}
	return Gate{Name: "do_not_call", Detail: fmt.Sprintf("listed since %s by %s: %s",
		s.Suppressed.At.Format(time.DateOnly), s.Suppressed.Source, s.Suppressed.Reason)}
}

// consentGate tells what is recorded. It does not refuse: which basis is enough
// is the user's to judge, and the dial path does not ask for it.
func consentGate(s Subject) Gate {
	detail := "list unknown"
	if s.List != nil {
		detail = fmt.Sprintf("list %s: no consent basis recorded", s.List.ID)
		if s.List.ConsentBasis != "" {
			detail = fmt.Sprintf("list %s: %s", s.List.ID, s.List.ConsentBasis)
		}
	}
	return Gate{Name: "consent", OK: true, Detail: detail + " (for information)"}
}

func campaignGate(s Subject) Gate {
	g := Gate{Name: "campaign", OK: s.Campaign.State == campaigns.Running, Detail: fmt.Sprintf("%s is %s", s.Campaign.ID, s.Campaign.State)}
	if s.Campaign.HoldReason != "" {
		g.Detail += ": " + s.Campaign.HoldReason
	}
	if err := checkWindows(s.Campaign); err != nil {
		g.OK, g.Detail = false, err.Error()
	}
	return g
}

func callerIDGate(s Subject) Gate {
	switch {
	case len(s.Campaign.CallerIDs) > 0:
		return Gate{Name: "caller_id", OK: true, Detail: strings.Join(s.Campaign.CallerIDs, ", ")}
	case s.TrunkID != "":
		return Gate{Name: "caller_id", OK: true, Detail: s.TrunkID + " of the trunk"}
	}
	return Gate{Name: "caller_id", Detail: "the campaign has none"}
}

// placeGate asks where the lead stands in the campaign.
func placeGate(s Subject) Gate {
	if s.Entry == nil {
		return Gate{Name: "queue", Detail: "not in this campaign"}
	}
	g := Gate{Name: "queue", OK: true, Detail: fmt.Sprintf("segment %q, priority %g", s.Entry.Queue.Segment, s.Entry.Priority)}
	switch s.Entry.State {
	case campaigns.EntryClaimed:
		g.OK, g.Detail = false, "claimed: about to be dialled"
	case campaigns.EntryCalling:
		g.OK, g.Detail = false, "being called now"
	case campaigns.EntryDone:
		g.OK, g.Detail = false, "done in this campaign"+givenUp(s)
	case campaigns.EntryNone:
		g.OK, g.Detail = false, "no segment matches the lead"
	}
	if g.OK && s.HeldBy != "" {
		g.OK, g.Detail = false, fmt.Sprintf("campaign %s has the lead now", s.HeldBy)
	}
	if g.OK && s.Entry.Number != "" && s.Entry.Number != s.Number.E164 {
		g.OK, g.Detail = false, "another number of the lead is next"
	}
	return g
}

// givenUp says why a lead that is done is so, as far as its last attempt tells.
func givenUp(s Subject) string {
	o := s.Entry.LastOutcome
	rule := retryRule(s.Campaign, o)
	times := s.Entry.ByOutcome[o]
	switch {
	case o == "" || o == campaigns.Connected:
		return ""
	case rule.DoNotCall:
		return fmt.Sprintf(": %s means do not call", o)
	case rule.Max == 0:
		return fmt.Sprintf(": never again after %s, and no other number", o)
	case times >= rule.Max:
		return fmt.Sprintf(": recycling maximum reached, %d times %s of at most %d, and no other number", times, o, rule.Max)
	}
	return ""
}

// hoursGates are one gate for each zone and region, and one for each zone of
// the campaign's own windows.
func (r *Rules) hoursGates(s Subject, now time.Time) []Gate {
	var gates []Gate
	for _, h := range r.Hours(s.Number, s.Campaign, now) {
		g := hoursGate(h.Hours, h.Local)
		g.Detail = fmt.Sprintf("%s %s %s, %s: %s", h.Rule, h.Zone, h.Local.Format("Mon 15:04"), h.Day, h.Hours)
		if h.Rule == CampaignRule {
			g.Detail = fmt.Sprintf("campaign %s %s: %s", h.Zone, h.Local.Format("Mon 15:04"), h.Hours)
		}
		if h.noCalendar {
			g.Detail += "; no holiday calendar"
		}
		gates = append(gates, g)
	}
	return gates
}

func hoursGate(hours DayHours, local time.Time) Gate {
	open, until := hours.at(local)
	g := Gate{Name: "hours", OK: open}
	if !open {
		g.Next = until
	}
	return g
}

// windowGate joins the hours: all zones and regions, now and while it rings.
func windowGate(open bool, until, opens time.Time) Gate {
	switch {
	case open:
		return Gate{Name: "window", OK: true, Detail: "open until " + until.UTC().Format(time.RFC3339)}
	case opens.IsZero():
		return Gate{Name: "window", Detail: "the hours of its zones and regions have no common time in the next 40 days"}
	}
	return Gate{Name: "window", Detail: "closed, or closes while it would ring", Next: opens}
}

func (r *Rules) cooldownGate(s Subject, now time.Time) Gate {
	g := Gate{Name: "cooldown", OK: true, Detail: "none"}
	until, region := r.quietUntil(s.Number.Regions, s.Campaign, s.LastOutcome, s.LastAt, now)
	if now.Before(until) {
		return Gate{Name: "cooldown", Detail: fmt.Sprintf("%s: quiet after %s", region, s.LastOutcome), Next: until}
	}
	return g
}

// capGate asks one cap.
func capGate(cap campaigns.Cap, attempts []time.Time, now time.Time) Gate {
	used, next := CapUse(cap, attempts, now)
	return Gate{
		Name: "cap", OK: next.IsZero(), Next: next,
		Detail: fmt.Sprintf("%d of %d in %v (%s)", used, cap.N, cap.Period, cap.Source),
	}
}

// CapUse counts the attempts inside a cap's period that ends now: those less
// than Period ago. next is when there is room again; zero: there is now.
func CapUse(cap campaigns.Cap, attempts []time.Time, now time.Time) (used int, next time.Time) {
	inside := slices.DeleteFunc(slices.Clone(attempts), func(at time.Time) bool {
		return !at.Add(cap.Period).After(now)
	})
	slices.SortFunc(inside, time.Time.Compare)
	if len(inside) >= cap.N && cap.N > 0 {
		next = inside[len(inside)-cap.N].Add(cap.Period)
	}
	return len(inside), next
}

// operatorGate asks whether a promised call still waits for the operator who
// promised it. That they are at work is not known here: they may make it sooner.
func operatorGate(s Subject, now time.Time) Gate {
	promised := campaigns.Callback{At: s.Entry.DueAt, User: s.Entry.Callback.User}
	at := s.Campaign.Callbacks.ForAnyone(promised)
	switch {
	case at.IsZero():
		return Gate{Name: "operator", Detail: fmt.Sprintf("waits for %s, who promised the call, however long", promised.User)}
	case now.Before(at):
		return Gate{Name: "operator", Next: at, Detail: fmt.Sprintf("waits for %s, who promised the call; then it is anyone's", promised.User)}
	}
	return Gate{Name: "operator", OK: true, Detail: fmt.Sprintf("%s promised the call and did not come to it: it is anyone's", promised.User)}
}

// dueGate asks for the time that a retry rule, a callback or a disposition set.
func dueGate(s Subject, now time.Time) Gate {
	g := Gate{Name: "due", OK: true, Detail: "now"}
	if s.Entry == nil || !now.Before(s.Entry.DueAt) {
		return g
	}
	g.OK, g.Next, g.Detail = false, s.Entry.DueAt, "waits for its time"
	switch {
	case s.Entry.Callback != nil:
		g.Detail = "a callback was promised"
	case s.Entry.LastOutcome != "":
		g.Detail = "rests after " + string(s.Entry.LastOutcome)
		if retryRule(s.Campaign, s.Entry.LastOutcome).Shift {
			g.Detail += ", and waits for another part of the day than " + daypartsOf(s.Number, s.Entry.LastAt)
		}
	}
	return g
}
