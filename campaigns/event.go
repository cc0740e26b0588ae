package campaigns

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"maps"
	"strconv"
	"time"
)

// EventType is what kind of thing happened.
type EventType string

// The types of events. Those marked with a star are kept in the step of the store that
// makes them so; the others are appended right after they happened, so that a crash in
// between loses them.
const (
	CallFinished            EventType = "call.finished" // *
	CallBridged             EventType = "call.bridged"
	CallAbandoned           EventType = "call.abandoned"     // *
	LeadUpdated             EventType = "lead.updated"       // * by people and dispositions; imports tell import.finished
	LeadDispositioned       EventType = "lead.dispositioned" // *
	CallbackScheduled       EventType = "callback.scheduled" // *
	RecordingReady          EventType = "recording.ready"
	CampaignStateChanged    EventType = "campaign.state_changed" // *
	AbandonmentLimitReached EventType = "campaign.abandonment_limit_reached"
	TrunkIsDown             EventType = "trunk.down"
	ImportFinished          EventType = "import.finished"
	DoNotCallAdded          EventType = "dnc.added"    // *
	WebhookTest             EventType = "webhook.test" // asked for by people, for one endpoint
	WebhookDropped          EventType = "webhook.dropped"
)

// EventTypes are those that an endpoint may ask for.
var EventTypes = []EventType{
	CallFinished, CallBridged, CallAbandoned, LeadUpdated, LeadDispositioned, CallbackScheduled, RecordingReady,
	CampaignStateChanged, AbandonmentLimitReached, TrunkIsDown, ImportFinished, DoNotCallAdded, WebhookDropped,
}

// callTold is what is told of a call.
type callTold struct {
	Attempt     AttemptID  `json:"attempt"`
	Lead        LeadID     `json:"lead"`
	ExternalID  string     `json:"external_id,omitempty"`
	List        ListID     `json:"list,omitempty"`
	Campaign    CampaignID `json:"campaign"`
	Segment     string     `json:"segment"`
	Number      string     `json:"number"`
	Trunk       string     `json:"trunk"`
	CallerID    string     `json:"caller_id"`
	Outcome     Outcome    `json:"outcome"`
	Code        int        `json:"code,omitempty"`
	Reason      string     `json:"reason,omitempty"`
	Operator    UserID     `json:"operator,omitempty"`
	BeganAt     time.Time  `json:"began_at"`
	RingingAt   time.Time  `json:"ringing_at,omitzero"`
	AnsweredAt  time.Time  `json:"answered_at,omitzero"`
	BridgedAt   time.Time  `json:"bridged_at,omitzero"`
	EndedAt     time.Time  `json:"ended_at"`
	TalkSeconds float64    `json:"talk_seconds,omitempty"`
	Recorded    bool       `json:"recorded,omitempty"`
}

// EventsOfEnding are what an ending is told as. a is the attempt as it ended.
func EventsOfEnding(a Attempt, l Lead) []Event {
	told := callTold{
		Attempt: a.ID, Lead: a.Lead, ExternalID: l.ExternalID, List: l.List, Campaign: a.Campaign, Segment: a.Segment, Number: a.Number,
		Trunk: a.Trunk, CallerID: a.CallerID, Outcome: a.Outcome, Code: a.Code, Reason: a.Reason, Operator: a.Operator,
		BeganAt: a.BeganAt, RingingAt: a.RingingAt, AnsweredAt: a.AnsweredAt, BridgedAt: a.BridgedAt, EndedAt: a.EndedAt, Recorded: a.Recording != "",
	}
	if !a.BridgedAt.IsZero() {
		told.TalkSeconds = a.EndedAt.Sub(a.BridgedAt).Seconds()
	}
	id := "evt_" + string(a.ID)
	events := []Event{newEvent(id+"_finished", CallFinished, a.EndedAt, LeadKey(a.Lead), told)}
	if a.Outcome == Abandoned {
		events = append(events, newEvent(id+"_abandoned", CallAbandoned, a.EndedAt, LeadKey(a.Lead), told))
	}
	return events
}

// Ended is an attempt with its ending.
func (a Attempt) Ended(e Ending) Attempt {
	a.Outcome, a.Code, a.Q850, a.Reason, a.Operator, a.Recording = e.Outcome, e.Code, e.Q850, e.Reason, e.Operator, e.Recording
	a.RingingAt, a.AnsweredAt, a.VerdictAt, a.GreetingEnd, a.BridgedAt, a.EndedAt = e.RingingAt, e.AnsweredAt, e.VerdictAt, e.GreetingEnd, e.BridgedAt, e.At
	return a
}

// leadTold is what is told of a lead.
type leadTold struct {
	Lead        LeadID            `json:"lead"`
	ExternalID  string            `json:"external_id,omitempty"`
	List        ListID            `json:"list,omitempty"`
	Name        string            `json:"name,omitempty"`
	Numbers     []string          `json:"numbers,omitempty"`
	Grades      Grades            `json:"grades"`
	Fields      map[string]string `json:"fields,omitempty"`
	Attempt     AttemptID         `json:"attempt,omitempty"`
	Campaign    CampaignID        `json:"campaign,omitempty"`
	Number      string            `json:"number,omitempty"` // that was dialled
	Disposition string            `json:"disposition,omitempty"`
	By          UserID            `json:"by,omitempty"`
	Note        string            `json:"note,omitempty"`
	Answers     map[string]string `json:"answers,omitempty"` // what was written into the campaign's form; an empty one was taken out
	DoNotCall   bool              `json:"do_not_call,omitempty"`
	Final       bool              `json:"final,omitempty"` // no further attempts in this campaign
	CallbackAt  time.Time         `json:"callback_at,omitzero"`
	CallbackBy  UserID            `json:"callback_by,omitempty"`
}

// EventOfLead is what a change of a lead is told as.
func EventOfLead(l Lead, at time.Time) Event {
	told := leadTold{Lead: l.ID, ExternalID: l.ExternalID, List: l.List, Name: l.Name, Grades: l.Grades, Fields: l.Fields}
	for _, n := range l.Numbers {
		told.Numbers = append(told.Numbers, n.E164)
	}
	return newEvent(fmt.Sprintf("evt_l%d_%d", l.ID, at.UnixNano()), LeadUpdated, at, LeadKey(l.ID), told)
}

// EventsOfDisposal are what a disposition is told as. before is the lead as it was.
func EventsOfDisposal(a Attempt, before Lead, d Disposal) []Event {
	told := leadTold{
		Lead: a.Lead, ExternalID: before.ExternalID, List: before.List, Name: before.Name, Grades: d.Grades, Attempt: a.ID, Campaign: a.Campaign,
		Number: a.Number, Disposition: d.Disposition, By: d.By, Note: d.Note, Answers: d.Fields, DoNotCall: d.Suppress, Final: d.Next.Done,
	}
	id := fmt.Sprintf("evt_%s_%d", a.ID, d.At.UnixNano())
	events := []Event{newEvent(id+"_said", LeadDispositioned, d.At, LeadKey(a.Lead), told)}
	if c := d.Next.Callback; c != nil {
		told.CallbackAt, told.CallbackBy = c.At, c.User
		events = append(events, newEvent(id+"_callback", CallbackScheduled, d.At, LeadKey(a.Lead), told))
	}
	after := before
	after.Grades, after.Fields = d.Grades, Filled(before.Fields, d.Fields)
	if before.Grades != after.Grades || d.BadNumber || !maps.Equal(before.Fields, after.Fields) {
		events = append(events, EventOfLead(after, d.At))
	}
	return events
}

// EventOfState is what another state of a campaign is told as.
func EventOfState(c Campaign, from CampaignState, at time.Time) Event {
	return newEvent(fmt.Sprintf("evt_c_%s_%d_%d", c.ID, c.CreatedAt.UnixNano(), c.Version), CampaignStateChanged, at, "campaign "+string(c.ID), struct {
		Campaign CampaignID    `json:"campaign"`
		Name     string        `json:"name"`
		From     CampaignState `json:"from"`
		State    CampaignState `json:"state"`
		Reason   string        `json:"reason,omitempty"`
	}{c.ID, c.Name, from, c.State, c.HoldReason})
}

// EventOfSuppression is what a new entry of the do-not-call list is told as.
func EventOfSuppression(s Suppression) Event {
	sum := sha256.Sum256([]byte(s.E164 + " " + strconv.FormatInt(s.At.UnixNano(), 10)))
	digest := hex.EncodeToString(sum[:12]) // ids are shown, numbers are not
	return newEvent("evt_n"+digest, DoNotCallAdded, s.At, "number "+digest, struct {
		Number string    `json:"number"`
		Reason string    `json:"reason"`
		Source string    `json:"source"`
		By     UserID    `json:"by,omitempty"`
		At     time.Time `json:"at"`
	}{s.E164, s.Reason, s.Source, s.By, s.At})
}

// NewEvent is an event that follows from no write of a store. key groups those that are
// told in order; data is its JSON.
func NewEvent(id string, t EventType, at time.Time, key string, data any) Event {
	return newEvent("evt_"+id, t, at, key, data)
}

// LeadKey is the key of what happens to a lead.
func LeadKey(id LeadID) string { return "lead " + strconv.FormatInt(int64(id), 10) }

func newEvent(id string, t EventType, at time.Time, key string, data any) Event {
	body, err := json.Marshal(data)
	if err != nil {
		panic(err) // plain values
	}
	return Event{ID: id, Type: t, At: at.UTC(), Key: key, Data: body}
}
