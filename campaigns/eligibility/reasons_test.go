package eligibility

import (
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/config/rules"
)

// TestReasonsOfQueues: what is told of a lead that recycling, an operator or a part
// of the day holds back.
func TestReasonsOfQueues(t *testing.T) {
	r, err := Load(rules.FS)
	if err != nil {
		t.Fatal(err)
	}
	now := time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC) // 11:00 in Warsaw, a Monday
	number := campaigns.Number{E164: "+48225550123", Zones: []string{"Europe/Warsaw"}, Regions: []string{"PL"}}
	c := campaigns.Campaign{ID: "c", State: campaigns.Running, CallerIDs: []string{"+48220000000"}, Retry: []campaigns.RetryRule{{Outcome: campaigns.NoAnswer, Max: 4, Shift: true}}}
	waits := campaigns.Campaign{ID: "c", State: campaigns.Running, CallerIDs: c.CallerIDs, Callbacks: campaigns.Callbacks{Wait: true}}
	promised := func(at time.Time) campaigns.Entry {
		return campaigns.Entry{State: campaigns.EntryWaiting, DueAt: at, Callback: &campaigns.Callback{At: at, User: "ann"}, LastOutcome: campaigns.Connected, LastAt: now.Add(-24 * time.Hour)}
	}
	for _, tt := range []struct {
		name     string
		campaign campaigns.Campaign
		entry    campaigns.Entry
		gate     string
		says     string
		ok       bool
		next     time.Time
	}{
		{"given up", c, campaigns.Entry{State: campaigns.EntryDone, LastOutcome: campaigns.NoAnswer, ByOutcome: map[campaigns.Outcome]int{campaigns.NoAnswer: 4}},
			"queue", "recycling maximum reached, 4 times no_answer of at most 4", false, time.Time{}},
		{"invalid", c, campaigns.Entry{State: campaigns.EntryDone, LastOutcome: campaigns.InvalidNumber}, "queue", "never again after invalid_number", false, time.Time{}},
		{"sold", c, campaigns.Entry{State: campaigns.EntryDone, LastOutcome: campaigns.Connected}, "queue", "done in this campaign", false, time.Time{}},
		{"part of the day", c, campaigns.Entry{State: campaigns.EntryWaiting, DueAt: now.Add(time.Hour), LastOutcome: campaigns.NoAnswer, LastAt: now.Add(-time.Hour)},
			"due", "waits for another part of the day than morning", false, now.Add(time.Hour)},
		{"waits for ann", c, promised(now.Add(-time.Minute)), "operator", "waits for ann, who promised the call; then it is anyone's", false, now.Add(14 * time.Minute)},
		{"waits for ann however long", waits, promised(now.Add(-time.Hour)), "operator", "waits for ann, who promised the call, however long", false, time.Time{}},
		{"ann forgot", c, promised(now.Add(-time.Hour)), "operator", "it is anyone's", true, time.Time{}},
	} {
		report := r.Check(Subject{Lead: campaigns.Lead{Numbers: []campaigns.Number{number}}, Number: number, Campaign: tt.campaign, Entry: &tt.entry}, now)
		found := false
		for _, g := range report.Gates {
			if g.Name != tt.gate {
				continue
			}
			found = true
			if !strings.Contains(g.Detail, tt.says) || g.OK != tt.ok || !g.Next.Equal(tt.next) {
				t.Errorf("%s: gate %+v, want ok %v, %q, next %v", tt.name, g, tt.ok, tt.says, tt.next)
			}
		}
		if !found || report.Allowed != tt.ok {
			t.Errorf("%s: gate found %v, allowed %v, want %v: %+v", tt.name, found, report.Allowed, tt.ok, report.Gates)
		}
	}
	queue := campaigns.QueueID{Campaign: "c", Segment: "s", Window: number.Window()}
	anns := queue
	anns.Operator = "ann"
	shifted := campaigns.Entry{Queue: queue, State: campaigns.EntryWaiting, DueAt: now.Add(time.Hour), LastOutcome: campaigns.NoAnswer}
	late, fresh := promised(now.Add(-time.Hour)), promised(now.Add(-time.Minute))
	late.Queue, fresh.Queue = anns, anns
	f := r.Waterfall(c, campaigns.Census{
		Total: 20, Done: 9, DoneAfter: map[campaigns.Outcome]int{campaigns.Connected: 2, campaigns.Busy: 3, campaigns.NoAnswer: 4},
		Queues:  []campaigns.QueueInfo{{QueueID: queue, Ready: 8, Waiting: 1}, {QueueID: anns, Ready: 2}},
		Special: []campaigns.Standing{{Entry: shifted}, {Entry: late}, {Entry: fresh}},
	}, now)
	told := ""
	for _, s := range f.Steps {
		told += s.Name + ": " + s.Reason + "\n"
	}
	for _, want := range []string{
		"9 are done here (7 given up after as many attempts as may be, most of them, 4, after no_answer)",
		"1 for another part of the day", "1 for operator ann, who promised the call",
	} {
		if !strings.Contains(told, want) {
			t.Errorf("not told: %q in\n%s", want, told)
		}
	}
	if ready := f.Steps[len(f.Steps)-1].Leads; ready != 9 {
		t.Errorf("%d leads are ready, want the 8 and the one that ann forgot", ready)
	}
}
