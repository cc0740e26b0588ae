// Package storetest is what every store must pass: tables for each promise of
// campaigns.Store and campaigns.Records, and random histories that are compared
// with a slow model in memory.
//
// It is not a test of speed. Run kills no process: stores do that themselves, with
// RunChild and JudgeKilled. Time is invented everywhere; it lies in the past of any real clock.
package storetest

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
)

// Both is a store under test.
type Both struct {
	campaigns.Store
	campaigns.Records

	// Reopen gives up this store as a crash would, without finishing anything
	// that is not acknowledged, and opens the same data again.
	Reopen func() Both

	// Around says that this is a store around another, which passes the suite by itself:
	// long rebuilds, which are all the other's, are then short but with OUTPACE_FAULTS=1.
	Around bool
}

// Run tests a store. open gives an empty one, to several tests at a time; the suite
// may close it itself, so closing it again at the end of the test must be harmless.
func Run(t *testing.T, open func(t *testing.T) Both) {
	cases := []struct {
		name string
		run  func(t *testing.T, w *world)
	}{
		{"claim/priority then due", claimOrder},
		{"claim/priority of segment, campaign, default", claimPriority},
		{"claim/only named queues", claimQueues},
		{"claim/not before its time", claimDue},
		{"claim/a lead is in one claim", claimOnce},
		{"claim/what a claim knows", claimContent},
		{"claim/what several know", claimSeveral},
		{"claim/promised calls come first", claimCallback},
		{"claim/leads never tried", claimUntried},
		{"claim/promises of one operator", claimPersonal},
		{"chosen/before its time", chosenEarly},
		{"chosen/who has it", chosenTaken},
		{"chosen/where it stands", chosenPlace},
		{"chosen/which number", chosenNumber},
		{"chosen/begin asks all gates", chosenGates},
		{"chosen/crash", chosenCrash},
		{"chosen/one of many at a time", chosenRace},
		{"chosen/while a campaign is rebuilt", chosenRebuilt},
		{"queues/counts", queueCounts},
		{"lease/release", leaseRelease},
		{"lease/runs out", leaseEnds},
		{"lease/reclaim by node", leaseReclaim},
		{"begin/once per claim", beginOnce},
		{"begin/attempt ids are used once", beginSameID},
		{"begin/number lock", beginLock},
		{"begin/do not call", beginSuppressed},
		{"begin/caps", beginCaps},
		{"begin/caps of the person", beginCapsOfPerson},
		{"begin/bad number", beginBadNumber},
		{"end/once", endOnce},
		{"end/next", endNext},
		{"end/bad number and do not call", endMarks},
		{"end/by outcome", endByOutcome},
		{"dispose/effects", disposeEffects},
		{"dispose/form", disposeForm},
		{"dispose/correction", disposeCorrection},
		{"dispose/old attempt", disposeOldAttempt},
		{"dispose/takes from a claim", disposeClaimed},
		{"dispose/move", disposeMove},
		{"dispose/suppress", disposeSuppress},
		{"crash/open attempts", crashOpen},
		{"inbound/locks", inboundLocks},
		{"inbound/while called", inboundWhileCalled},
		{"inbound/next", inboundNext},
		{"inbound/whom the campaign does not dial", inboundStranger},
		{"inbound/history", inboundHistory},
		{"inbound/crash", inboundCrash},
		{"records/import", recordsImport},
		{"records/import keeps grades", recordsImportGrades},
		{"records/save lead", recordsSaveLead},
		{"records/find leads", recordsFindLeads},
		{"records/campaign versions", recordsCampaign},
		{"records/rebuild", recordsRebuild},
		{"rebuild/while dialling", rebuildDialling},
		{"rebuild/after a crash", rebuildCrash},
		{"records/lists come and go", recordsLists},
		{"records/attempts", recordsAttempts},
		{"records/tally", recordsTally},
		{"records/suppression", recordsSuppression},
		{"records/users and tokens", recordsUsers},
		{"records/audit", recordsAudit},
		{"records/audited", recordsAudited},
		{"records/answers", recordsAnswers},
		{"records/revisions", recordsRevisions},
		{"duty/comes and goes", dutyComesAndGoes},
		{"duty/one node at a time", dutyOneNode},
		{"duty/overtaken", dutyOvertaken},
		{"pacing/log", pacingLog},
		{"pacing/live counts", pacingLiveCounts},
		{"pacing/learnt", pacingLearnt},
		{"records/health", recordsHealth},
		{"outbox/endpoints", outboxEndpoints},
		{"outbox/what calls tell", outboxOfCalls},
		{"outbox/what people tell", outboxOfPeople},
		{"outbox/once under an id", outboxOnce},
		{"outbox/in order of each key", outboxOrder},
		{"outbox/resend", outboxResend},
		{"outbox/lease", outboxLease},
		{"outbox/bounds", outboxBounds},
		{"retention/old data", retention},
		{"retention/leaves nothing to others", retentionLeavesNothing},
		{"retention/recordings", oldRecordings},
		{"retention/deleted lists", deletedLists},
		{"census/everybody", censusEverybody},
		{"census/while dialling", censusDialling},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel() // stores wait for disks and servers
			c.run(t, newWorld(t, open(t)))
		})
	}
	t.Run("histories", func(t *testing.T) {
		t.Parallel()
		histories(t, open)
	})
}

// start is the first moment of every test.
var start = time.Date(2025, 3, 3, 9, 0, 0, 0, time.UTC)

const (
	warsaw = "Europe/Warsaw|PL"
	tokyo  = "Asia/Tokyo|JP"
)

// world is a store with a helper for each thing that tests do.
type world struct {
	Both
	t     *testing.T
	now   time.Time
	tries int
}

func newWorld(t *testing.T, b Both) *world {
	return &world{Both: b, t: t, now: start}
}

func (w *world) ctx() context.Context { return w.t.Context() }

func (w *world) ok(err error) {
	w.t.Helper()
	if err != nil {
		w.t.Fatal(err)
	}
}

func (w *world) is(err, want error) {
	w.t.Helper()
	if !errors.Is(err, want) {
		w.t.Fatalf("error = %v, want %v", err, want)
	}
}

func (w *world) same(what string, got, want any) {
	w.t.Helper()
	if diff := cmp.Diff(want, got); diff != "" {
		w.t.Errorf("%s (-want +got):\n%s", what, diff)
	}
}

func (w *world) list(id campaigns.ListID) {
	w.t.Helper()
	w.ok(w.SaveList(w.ctx(), campaigns.List{ID: id, CreatedAt: start}))
}

// campaign saves a campaign over one list.
func (w *world) campaign(id campaigns.CampaignID, list campaigns.ListID, segments ...campaigns.Segment) campaigns.Campaign {
	w.t.Helper()
	c, err := w.SaveCampaign(w.ctx(), campaigns.Campaign{ID: id, Lists: []campaigns.ListID{list}, Segments: segments, CreatedAt: start})
	w.ok(err)
	return c
}

// simple is one campaign "c" over one list "l", ordered by cp.
func (w *world) simple() {
	w.t.Helper()
	w.list("l")
	w.campaign("c", "l", campaigns.Segment{Name: "s", Priority: "cp"})
}

// number makes a number of a window class.
func number(e164 string, class campaigns.WindowClass) campaigns.Number {
	return campaigns.Number{E164: e164, Kind: campaigns.Mobile, Zones: class.Zones(), Regions: class.Regions()}
}

// lead makes a lead with numbers in Warsaw.
func lead(name string, cp int, numbers ...string) campaigns.Lead {
	l := campaigns.Lead{ExternalID: name, Name: name, CreatedAt: start, UpdatedAt: start, Grades: campaigns.Grades{Stage: campaigns.StageAcquire, CP: cp}}
	for _, n := range numbers {
		l.Numbers = append(l.Numbers, number(n, warsaw))
	}
	return l
}

// add imports leads into list "l" and returns them as they are kept.
func (w *world) add(leads ...campaigns.Lead) []campaigns.Lead {
	w.t.Helper()
	_, err := w.AddLeads(w.ctx(), "l", leads)
	w.ok(err)
	var kept []campaigns.Lead
	for _, l := range leads {
		found, err := w.FindLeads(w.ctx(), campaigns.LeadQuery{List: "l", Text: l.Name})
		w.ok(err)
		if len(found) != 1 {
			w.t.Fatalf("%d leads named %s, want 1", len(found), l.Name)
		}
		kept = append(kept, found[0])
	}
	return kept
}

func queue(c campaigns.CampaignID, segment string, class campaigns.WindowClass) campaigns.QueueID {
	return campaigns.QueueID{Campaign: c, Segment: segment, Window: class}
}

// take claims from every queue of a campaign.
func (w *world) take(c campaigns.CampaignID, limit int) []campaigns.Claim {
	w.t.Helper()
	infos, err := w.Queues(w.ctx(), c, w.now)
	w.ok(err)
	var queues []campaigns.QueueID
	for _, q := range infos {
		queues = append(queues, q.QueueID)
	}
	claims, err := w.Claim(w.ctx(), campaigns.ClaimRequest{Queues: queues, Limit: limit, Node: "n1", Lease: time.Minute, Now: w.now})
	w.ok(err)
	return claims
}

// takeOne claims the one lead that must be due.
func (w *world) takeOne(c campaigns.CampaignID) campaigns.Claim {
	w.t.Helper()
	claims := w.take(c, 1)
	if len(claims) != 1 {
		w.t.Fatalf("%d claims in %s, want 1", len(claims), c)
	}
	return claims[0]
}

func names(claims []campaigns.Claim) []string {
	list := []string{}
	for _, c := range claims {
		list = append(list, c.Lead.Name)
	}
	return list
}

// intent makes an attempt of a claim with an id of its own.
func (w *world) intent(c campaigns.Claim, caps ...campaigns.Cap) campaigns.Intent {
	w.tries++
	return campaigns.Intent{
		Attempt: campaigns.AttemptID(fmt.Sprintf("a-%04d", w.tries)), Claim: c, Trunk: "trunk", CallerID: "+48220000000",
		Caps: caps, Decision: campaigns.Decision{RulePack: "test/1", Zones: []string{"Europe/Warsaw"}, At: w.now}, Dialog: []byte("branch"), At: w.now,
	}
}

// begin begins an attempt that must be allowed.
func (w *world) begin(c campaigns.Claim) campaigns.AttemptID {
	w.t.Helper()
	in := w.intent(c)
	w.ok(w.Begin(w.ctx(), in))
	return in.Attempt
}

// refused says why Begin refused, and fails where it did not.
func (w *world) refused(in campaigns.Intent) campaigns.Refusal {
	w.t.Helper()
	err := w.Begin(w.ctx(), in)
	r, ok := errors.AsType[*campaigns.Refusal](err)
	if !ok {
		w.t.Fatalf("begin = %v, want a refusal", err)
	}
	return *r
}

// end ends an attempt.
func (w *world) end(a campaigns.AttemptID, o campaigns.Outcome, next campaigns.Next) {
	w.t.Helper()
	w.ok(w.End(w.ctx(), campaigns.Ending{Attempt: a, Outcome: o, Next: next, Count: o.Reached(), At: w.now}))
}

// call makes one whole attempt on the lead that is due in a campaign.
func (w *world) call(c campaigns.CampaignID, o campaigns.Outcome, next campaigns.Next) (campaigns.Claim, campaigns.AttemptID) {
	w.t.Helper()
	claim := w.takeOne(c)
	a := w.begin(claim)
	w.end(a, o, next)
	return claim, a
}

// entry is the place of a lead in a campaign.
func (w *world) entry(id campaigns.LeadID, c campaigns.CampaignID) campaigns.Entry {
	w.t.Helper()
	entries, err := w.Entries(w.ctx(), id)
	w.ok(err)
	for _, e := range entries {
		if e.Queue.Campaign == c {
			return e
		}
	}
	w.t.Fatalf("lead %d has no entry in %s", id, c)
	return campaigns.Entry{}
}

func (w *world) state(id campaigns.LeadID, c campaigns.CampaignID, want campaigns.EntryState) {
	w.t.Helper()
	if got := w.entry(id, c).State; got != want {
		w.t.Errorf("lead %d in %s is %s, want %s", id, c, got, want)
	}
}

// crash gives the store up and opens it again.
func (w *world) crash() {
	w.Both = w.Reopen()
}
