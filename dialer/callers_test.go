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
	"github.com/outpace-dialer/outpace/sip"
)

// ourNumber is the number at which a campaign of these tests is called.
const ourNumber = "+12025550000"

// open is a campaign that may be called.
func open(c campaigns.Campaign) campaigns.Campaign {
	c.Inbound.Numbers = []string{ourNumber}
	return c
}

// callers are the leads whom the store knows by number.
type callers struct {
	mu    sync.Mutex
	known map[string]dialer.Caller
	err   error
}

func newCallers() *callers { return &callers{known: map[string]dialer.Caller{}} }

// add makes a number known.
func (k *callers) add(number string, change func(who *dialer.Caller)) {
	k.mu.Lock()
	defer k.mu.Unlock()
	n := campaigns.Number{E164: number, Zones: []string{"America/New_York"}, Regions: []string{"US-FED"}}
	who := dialer.Caller{Claim: campaigns.Claim{
		Lead:   campaigns.Lead{ID: campaigns.LeadID(1000 + len(k.known)), Name: "Caller", Numbers: []campaigns.Number{n}},
		Number: n, Queue: campaigns.QueueID{Campaign: "spring", Segment: "all"},
	}}
	change(&who)
	k.known[number] = who
}

func (k *callers) fail(err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	k.err = err
}

func (k *callers) Caller(_ context.Context, c campaigns.Campaign, e164 string, _ time.Time) (dialer.Caller, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	who, known := k.known[e164]
	if !known && k.err == nil {
		return dialer.Caller{}, dialer.ErrUnknownCaller
	}
	return who, k.err
}

// Place is that of a caller with the lead.
func (k *callers) Place(_ context.Context, _ campaigns.CampaignID, lead campaigns.LeadID) (campaigns.Next, error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	for _, who := range k.known {
		if who.Claim.Lead.ID == lead {
			return who.Place, k.err
		}
	}
	return campaigns.Next{}, campaigns.ErrNotFound
}

// Ring and Accept are the trunks' side of a call that comes in: the carrier acknowledges
// at once.
func (t *trunks) Ring(sip.LegID) {}

func (t *trunks) Accept(leg sip.LegID, _ []byte) {
	t.mu.Lock()
	t.accepted[leg], t.answered[leg] = true, true
	t.mu.Unlock()
	t.signal(sip.Answered{Leg: leg, Dialog: sip.Dialog{CallID: string(leg), Up: true}, At: time.Now()})
}

func (t *trunks) took(leg sip.LegID) bool {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.accepted[leg]
}

// status is with what a leg was hung up on; 0 if it was not.
func (t *trunks) status(leg sip.LegID) int {
	t.mu.Lock()
	defer t.mu.Unlock()
	return t.refused[leg]
}

// callsIn has a number call ours, over a channel of the carrier.
func (f *floor) callsIn(nth int, number string) sip.LegID {
	f.t.Helper()
	return f.callsAt(nth, ourNumber, number)
}

func (f *floor) callsAt(nth int, dialled, number string) sip.LegID {
	f.t.Helper()
	leg := sip.LegID(fmt.Sprintf("caller-%d", nth))
	f.trunks.mu.Lock()
	f.trunks.used++
	f.trunks.mu.Unlock()
	f.signal(sip.Incoming{
		Leg: leg, Dialed: dialled, Caller: number, Body: []byte("sdp"), At: time.Now(),
		Route: sip.Route{Trunk: "carrier", CallerID: dialled, Dialog: sip.Dialog{CallID: string(leg), Up: true}},
	})
	return leg
}

// wantRefused says with which status a caller was refused.
func (f *floor) wantRefused(leg sip.LegID, status int, reason string) {
	f.t.Helper()
	if got := f.trunks.status(leg); got != status || f.trunks.took(leg) {
		f.t.Errorf("%s: refused with %d, accepted %v; want %d", leg, got, f.trunks.took(leg), status)
	}
	if got := f.observer.callersRefused(); !slices.Contains(got, reason) {
		f.t.Errorf("refusals told: %q, want %q", got, reason)
	}
}

func (o *observer) callersRefused() (reasons []string) {
	for _, r := range told[dialer.CallerRefused](o) {
		reasons = append(reasons, r.Reason)
	}
	return reasons
}

var errNoStore = errors.New("store: gone")
