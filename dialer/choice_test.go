package dialer_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/campaigns/hopper"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/pacing"
	"github.com/outpace-dialer/outpace/pacing/eventlog"
	"github.com/outpace-dialer/outpace/sip"
)

// scored puts n leads into the queue of a campaign, each with a score of its own:
// the higher the later.
func (s *store) scored(c campaigns.CampaignID, n int) {
	s.add(c, n)
	s.set(func(s *store) {
		for i := range s.leads {
			s.leads[i].Lead.Fields = map[string]string{"chance": fmt.Sprint(float64(i+1) / float64(len(s.leads)))}
		}
	})
}

// best is the index of the highest score.
func best(records []pacing.Record) int {
	chosen := 0
	for i, r := range records {
		if r.Score > records[chosen].Score {
			chosen = i
		}
	}
	return chosen
}

// dialled are the leads of the attempts that were begun, in order.
func (s *store) dialled() []campaigns.LeadID {
	s.mu.Lock()
	defer s.mu.Unlock()
	var leads []campaigns.LeadID
	for _, in := range s.begun {
		leads = append(leads, in.Claim.Lead.ID)
	}
	return leads
}

// failAll refuses every call that is up, so that the next is placed.
func (f *floor) failAll(over map[sip.LegID]bool) {
	for _, leg := range f.trunks.legs() {
		if !over[leg] {
			over[leg] = true
			f.fails(leg, sip.ResultBusy, 486)
		}
	}
}

// decisions are the decisions that were recorded of a campaign.
func (f *floor) decisions(c campaigns.CampaignID) []eventlog.Line {
	return slices.DeleteFunc(slices.Clone(f.paced[c]), func(l eventlog.Line) bool { return l.Kind != eventlog.Decide })
}

func choosing(id campaigns.CampaignID) campaigns.Campaign {
	c := progressive(id)
	c.Pacing.AnswerScoreField = "chance"
	return c
}

// The controller sees what is known of the leads, in order; the one it chooses is
// dialled, and it is told which that was.
func TestPacingChoosesTheRecord(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.choose = best
		f.store.scored("spring", 20)
		f.store.set(func(s *store) {
			s.leads[2].Attempts, s.leads[2].LastOutcome = 3, campaigns.Busy
			s.leads[3].Lead.Fields["chance"] = "very likely" // no score at all
			s.leads[3].LastOutcome = campaigns.NoAnswer      // of another campaign
		})
		f.run(choosing("spring"))
		f.ready("ann")
		f.call(0)
		f.stop()
		var view pacing.View
		for _, l := range f.decisions("spring") {
			if l.Answer.Dial > 0 {
				view = l.View
				break
			}
		}
		hour := (&rules{}).LocalHour("", time.Now())
		want := []pacing.Record{
			{Segment: "all", Score: .05, Hour: hour}, {Segment: "all", Score: .1, Hour: hour},
			{Segment: "all", Score: .15, Attempts: 3, Last: "busy", Hour: hour}, {Segment: "all", Hour: hour},
		}
		if len(view.Records) != hopper.MostChoices || !slices.Equal(view.Records[:4], want) {
			t.Errorf("records %+v,\nwant %d that begin with %+v", view.Records, hopper.MostChoices, want)
		}
		if got := f.store.dialled(); !slices.Equal(got, []campaigns.LeadID{16}) {
			t.Errorf("dialled %v, want the best of the first 16", got)
		}
		var told []pacing.Record
		for _, l := range f.paced["spring"] {
			for _, ev := range l.Events {
				if d, ok := ev.Event.(pacing.Dialed); ok {
					told = append(told, d.Record)
					if d.Trunk != "carrier" {
						t.Errorf("told of trunk %q, want carrier", d.Trunk)
					}
				}
			}
		}
		if want := (pacing.Record{Segment: "all", Score: .8, Hour: hour}); !slices.Equal(told, []pacing.Record{want}) {
			t.Errorf("told of %+v, want %+v", told, want)
		}
	})
}

func TestOneRecordWhereChoiceIsOff(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.choose = func(records []pacing.Record) int { return len(records) - 1 }
		f.store.scored("spring", 20)
		c, off := choosing("spring"), false
		c.Pacing.RecordChoice = &off
		f.run(c)
		f.ready("ann")
		over := map[sip.LegID]bool{}
		for range 5 {
			f.failAll(over)
		}
		if got := f.store.dialled(); !slices.Equal(got, []campaigns.LeadID{1, 2, 3, 4, 5, 6}) {
			t.Errorf("dialled %v, want the order", got)
		}
	})
}

// Leads that look the same to pacing are one record: none is overtaken for
// nothing.
func TestSameRecordsAreNoChoice(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.choose = func(records []pacing.Record) int { return len(records) - 1 }
		f.store.add("spring", 20)
		f.store.set(func(s *store) { s.leads[4].Attempts = 1 })
		f.run(progressive("spring"))
		f.ready("ann")
		over := map[sip.LegID]bool{}
		for range 3 {
			f.failAll(over)
		}
		if got := f.store.dialled(); !slices.Equal(got, []campaigns.LeadID{5, 1, 2, 3}) {
			t.Errorf("dialled %v, want the one that differs and then the order", got)
		}
	})
}

// What no longer is a choice when it is taken is not dialled, and the next
// question finds another.
func TestWindowClosesOverTheChoice(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.scored("spring", 20)
		f.choose = func(records []pacing.Record) int {
			f.rules.set(func(r *rules) { r.closed = true })
			return len(records) - 1
		}
		f.run(choosing("spring"))
		f.ready("ann")
		f.wait(3 * time.Second)
		if got := f.store.dialled(); len(got) != 0 {
			t.Errorf("dialled %v outside the window", got)
		}
		f.stop()
		asked := f.decisions("spring")
		at := slices.IndexFunc(asked, func(l eventlog.Line) bool { return l.Answer.Record > 0 })
		if at < 0 || !asked[at+1].At.Equal(asked[at].At) {
			t.Error("not asked again at once")
		}
	})
}

// Whatever is chosen, every lead is dialled once, and none waits for ever.
func TestEveryLeadIsDialledOnce(t *testing.T) {
	inBubble(t, func(f *floor) {
		rng := rand.New(rand.NewPCG(7, 9))
		f.choose = func(records []pacing.Record) int {
			return int(uint64(1e9*records[0].Score+1e6*records[len(records)-1].Score) % uint64(len(records)))
		}
		f.store.scored("spring", 150)
		f.run(choosing("spring"))
		f.ready("ann", "ben", "cas")
		over := map[sip.LegID]bool{}
		for range 400 {
			f.wait(time.Duration(100+rng.IntN(900)) * time.Millisecond)
			f.failAll(over)
		}
		got := f.store.dialled()
		sorted := slices.Clone(got)
		slices.Sort(sorted)
		if len(got) != 150 || len(slices.Compact(sorted)) != 150 || slices.IsSorted(got) {
			t.Errorf("%d calls to %d leads: %v", len(got), len(slices.Compact(sorted)), got)
		}
		for at, id := range got {
			if late := at - int(id-1); late > 32 { // as often as a lead may be overtaken
				t.Errorf("lead %d dialled as number %d", id, at+1)
			}
		}
		f.wantState("ann", operator.Ready)
	})
}
