package fault

import (
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/app"
	"github.com/outpace-dialer/outpace/test/carrier"
	"github.com/outpace-dialer/outpace/test/redistest"
	"github.com/outpace-dialer/outpace/test/testbed"
)

// ourNumber is the one that people call back.
const ourNumber = testbed.Prefix + "5550001"

// TestKill9WithCallers kills the product while people who called it wait for an
// operator, while they talk to one, and while a call comes in; then the store is held
// against what the carrier saw.
func TestKill9WithCallers(t *testing.T) {
	t.Parallel()
	killWithCallers(t, embedded)
}

// TestKill9WithCallersOnRedis is TestKill9WithCallers with the store of several machines.
func TestKill9WithCallersOnRedis(t *testing.T) {
	t.Parallel()
	killWithCallers(t, redistest.Start(t).URL())
}

// callers is a world in which people call.
type callers struct {
	*world
	calls []caller
}

// caller is one call of somebody who calls us.
type caller struct {
	id, number string
	killed     bool // the product dies in it
	perhaps    bool // and perhaps before it knew of the call
}

func killWithCallers(t *testing.T, store string) {
	t.Helper()
	w := &callers{world: newWorldOn(t, store, carrier.Config{Seed: 11, Behave: engaged}, 60, 3, bringsCalls)}
	w.change(t, func(c *campaigns.Campaign) {
		c.Inbound = campaigns.Inbound{Numbers: []string{ourNumber}, MaxWaiting: 50}
	})
	past := w.callSome(t)
	leads := testbed.Leads(list, 60, "UTC") // for their numbers
	own := func(i int) string { return leads[i].Numbers[0].E164 }

	// Nobody is on duty: all of them wait.
	w.start(t)
	for _, number := range []string{past.abandoned, past.promised, own(40), own(41)} {
		w.callsIn(t, caller{number: number, killed: true})
	}
	w.all(t, "voice_heard")
	w.callsIn(t, caller{number: own(42), killed: true, perhaps: true})
	w.killAndStart(t)

	// Three have an operator, and five wait for one.
	for i := range 8 {
		w.callsIn(t, caller{number: own(43 + i), killed: true})
	}
	w.all(t, "voice_heard")
	w.operate(t, 20*time.Second)
	testbed.Until(t, 30*time.Second, "three callers talk", func() bool { return w.with(t, "first_tone") == 3 })
	testbed.Pass(2 * unwritten) // of talk that is on the disk
	w.callsIn(t, caller{number: own(51), killed: true, perhaps: true})
	w.killAndStart(t)

	// People are dialled, and one whose call broke off calls again.
	w.callsIn(t, caller{number: own(43)})
	testbed.Until(t, 30*time.Second, "who calls again talks", func() bool { return w.talks(t, w.calls[len(w.calls)-1]) })
	w.invites(t, 12)
	w.stop(t)
	w.judgeCallers(t, past)
}

// engaged is a world in which everybody is on the phone: many are dialled in little time.
func engaged(string, int) (carrier.Behaviour, bool) {
	return carrier.Behaviour{Kind: carrier.Busy}, true
}

// bringsCalls lets the carrier bring us calls.
func bringsCalls(p *product) {
	const last = "    options_interval: 1s\n" // of the trunk
	text, err := os.ReadFile(p.config)
	if err == nil {
		err = os.WriteFile(p.config, []byte(strings.Replace(string(text), last, last+`    inbound: {numbers: ["`+ourNumber+`"]}`+"\n", 1)), 0o600)
	}
	if err != nil {
		panic(err) // the file was written a moment ago
	}
}

// past are the numbers of people who were called before any of this.
type past struct {
	abandoned, promised string
	due                 map[string]time.Time // when they may be called again
}

// callSome has two people called: one is abandoned, one promised a call by op001.
func (w *callers) callSome(t *testing.T) past {
	t.Helper()
	store, now := w.open(t), time.Now()
	defer store.Close()
	claims := take(t, store, 2, now)
	p := past{claims[0].Number.E164, claims[1].Number.E164, map[string]time.Time{
		claims[0].Number.E164: now.Add(72 * time.Hour), claims[1].Number.E164: now.Add(26 * time.Hour),
	}}
	for i, o := range []campaigns.Outcome{campaigns.Abandoned, campaigns.Connected} {
		id := campaigns.AttemptID("before-" + string(o))
		testbed.Must(t, store.Begin(t.Context(), campaigns.Intent{Attempt: id, Claim: claims[i], Trunk: "simulated", CallerID: ourNumber, Dialog: []byte("{}"), At: now}))
		testbed.Must(t, store.End(t.Context(), campaigns.Ending{Attempt: id, Outcome: o, AnsweredAt: now, Count: true, At: now, Next: campaigns.Next{At: now.Add(72 * time.Hour)}}))
	}
	at := p.due[p.promised]
	testbed.Must(t, store.Dispose(t.Context(), campaigns.Disposal{
		Attempt: "before-connected", Disposition: "callback", By: "op001", At: now, Grades: claims[1].Lead.Grades,
		Next: campaigns.Next{At: at, Number: p.promised, Callback: &campaigns.Callback{At: at, User: "op001"}},
	}))
	return p
}

func take(t *testing.T, store app.Store, n int, now time.Time) []campaigns.Claim {
	t.Helper()
	infos, err := store.Queues(t.Context(), campaign, now)
	testbed.Must(t, err)
	var queues []campaigns.QueueID
	for _, q := range infos {
		queues = append(queues, q.QueueID)
	}
	claims, err := store.Claim(t.Context(), campaigns.ClaimRequest{Queues: queues, Limit: n, Node: "fault", Lease: time.Minute, Now: now})
	testbed.Must(t, err)
	if len(claims) != n {
		t.Fatalf("%d claims, want %d", len(claims), n)
	}
	return claims
}

// callsIn has somebody call.
func (w *callers) callsIn(t *testing.T, c caller) {
	t.Helper()
	var err error
	c.id, err = w.carrier.CallIn(carrier.Caller{Number: c.number, Called: ourNumber, To: w.trunk, Patience: 2 * time.Minute, Talk: time.Minute})
	testbed.Must(t, err)
	w.calls = append(w.calls, c)
}

// with counts the callers of whom the carrier noted something.
func (w *callers) with(t *testing.T, what string) int {
	t.Helper()
	n := 0
	for _, e := range w.events(t) {
		if e.Event == what && e.User == "" && slices.ContainsFunc(w.calls, func(c caller) bool { return c.id == e.Call }) {
			n++
		}
	}
	return n
}

// talks says whether an operator was heard in a call.
func (w *callers) talks(t *testing.T, c caller) bool {
	t.Helper()
	return slices.ContainsFunc(w.events(t), func(e carrier.Event) bool { return e.Event == "first_tone" && e.User == "" && e.Call == c.id })
}

// all waits until something was noted of each caller but those who called as the product
// died.
func (w *callers) all(t *testing.T, what string) {
	t.Helper()
	sure := 0
	for _, c := range w.calls {
		if !c.perhaps {
			sure++
		}
	}
	testbed.Until(t, 30*time.Second, what+" of every caller", func() bool { return w.with(t, what) >= sure })
}

// killAndStart kills the product and starts it again, and waits until the calls in which
// it died have ended: as soon after the restart as any other.
func (w *callers) killAndStart(t *testing.T) {
	t.Helper()
	w.kill()
	w.start(t)
	began := w.startedAt
	open := func() (ids []string) {
		ended := map[string]bool{}
		for _, e := range w.events(t) {
			ended[e.Call] = ended[e.Call] || e.Event == "bye" || e.Event == "final"
		}
		for _, c := range w.calls {
			if !ended[c.id] && !c.perhaps {
				ids = append(ids, c.id)
			}
		}
		return ids
	}
	testbed.Until(t, 2*endedWithin, "the calls of the dead process end", func() bool { return len(open()) == 0 })
	if took := time.Since(began); took > endedWithin {
		t.Errorf("the calls of the dead process were ended %v after the restart", took)
	}
}

// judgeCallers holds the store against the carrier's journal.
func (w *callers) judgeCallers(t *testing.T, past past) {
	t.Helper()
	events := w.events(t)
	store := w.open(t)
	defer store.Close()
	attempts, calls := allAttempts(t, store), callsOf(t, events)
	placed := slices.DeleteFunc(slices.Clone(attempts), func(a campaigns.Attempt) bool { return strings.HasPrefix(string(a.ID), "before-") })
	judgeOutcomes(t, placed, calls)
	for _, e := range events {
		if e.Event == "fault" && e.What == "called_caller" {
			t.Errorf("%s: %s", e.What, e.Detail)
		}
	}
	for id, c := range calls {
		if slices.ContainsFunc(w.calls, func(who caller) bool { return who.number == c.number }) {
			t.Errorf("call %s went to %s, who called us and rests", id, c.number)
		}
	}
	w.judgeTimesAndLeads(t, store, placed, calls, past)
	w.judgeTheirAttempts(t, placed)
}

// judgeTimesAndLeads: nobody is dialled early, and callers wait where they did, or rest.
func (w *callers) judgeTimesAndLeads(t *testing.T, store app.Store, attempts []campaigns.Attempt, calls map[string]*dialog, past past) {
	t.Helper()
	judgeTimes(t, attempts, calls)
	for _, c := range w.calls {
		leads, err := store.FindLeads(t.Context(), campaigns.LeadQuery{Number: c.number})
		testbed.Must(t, err)
		if len(leads) != 1 {
			t.Fatalf("%d leads have the number %s: a caller was made one anew", len(leads), c.number)
		}
		entries, err := store.Entries(t.Context(), leads[0].ID)
		testbed.Must(t, err)
		if len(entries) != 1 {
			t.Fatalf("%s: %d places", c.number, len(entries))
		}
		e, due := entries[0], past.due[c.number]
		switch rest, _ := restOf(campaigns.Interrupted); {
		case c.perhaps || !c.killed || c.number == w.calls[len(w.calls)-1].number:
		case due.IsZero() && (e.State != campaigns.EntryWaiting || time.Until(e.DueAt) < rest-5*time.Minute):
			t.Errorf("%s, in whose call the product died, is %s until %v", c.number, e.State, e.DueAt)
		case !due.IsZero() && (e.State != campaigns.EntryWaiting || e.DueAt.Sub(due).Abs() > time.Second):
			t.Errorf("%s waited until %v and is %s until %v after calling us", c.number, due, e.State, e.DueAt)
		case c.number == past.promised && (e.Callback == nil || e.Callback.User != "op001"):
			t.Errorf("%s was promised a call by op001: %+v", c.number, e.Callback)
		}
	}
}

// judgeTheirAttempts: each call that came in is one attempt of the lead with that number,
// with one outcome.
func (w *callers) judgeTheirAttempts(t *testing.T, attempts []campaigns.Attempt) {
	t.Helper()
	outcomes, recorded := map[campaigns.Outcome]int{}, 0
	theirs := map[string][]campaigns.Attempt{}
	for _, a := range slices.Backward(attempts) {
		if a.Inbound {
			theirs[a.Number] = append(theirs[a.Number], a)
			outcomes[a.Outcome]++
		}
	}
	for _, c := range w.calls {
		left := theirs[c.number]
		if len(left) == 0 && c.perhaps {
			continue
		}
		if len(left) == 0 {
			t.Errorf("the call of %s is no attempt", c.number)
			continue
		}
		a := left[0]
		theirs[c.number] = left[1:]
		if a.LeadName == "" || a.CallerID != ourNumber || a.Trunk != "simulated" {
			t.Errorf("%s: attempt %+v", c.number, a)
		}
		want := campaigns.CallerServed
		if c.killed {
			want = campaigns.Interrupted
		}
		if a.Outcome != want && !c.perhaps {
			t.Errorf("the call of %s came to %s, want %s", c.number, a.Outcome, want)
		}
		if a.Outcome == campaigns.Interrupted && a.Recording != "" {
			recorded++
			if length, err := playLength(filepath.Join(w.dir, "recordings", a.Recording)); err != nil || length < unwritten {
				t.Errorf("recording of %s: %v, %v", c.number, length, err)
			}
		}
	}
	for number, more := range theirs {
		if len(more) > 0 {
			t.Errorf("%s called once too seldom for %d attempts", number, len(more))
		}
	}
	if recorded != 3 {
		t.Errorf("%d talks with callers were recorded when the product died, want 3", recorded)
	}
	t.Logf("%d callers, outcomes %v", len(w.calls), outcomes)
}
