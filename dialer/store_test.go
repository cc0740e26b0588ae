package dialer_test

import (
	"context"
	"encoding/json"
	"slices"
	"testing"
	"testing/synctest"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer/operator"
	"github.com/outpace-dialer/outpace/sip"
)

func TestNoInviteBeforeTheAttemptIsDurable(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.set(func(s *store) { s.beginDelay = 5 * time.Second })
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(4 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs before Begin returned", n)
		}
		f.wait(2 * time.Second)
		leg := f.call(0)
		if f.store.intent(0).Attempt != campaigns.AttemptID(leg) {
			t.Errorf("begun %+v", f.store.intent(0))
		}
		f.fails(leg, sip.ResultBusy, 486)
	})
}

func TestRefusedByTheStore(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.set(func(s *store) { s.beginErr = &campaigns.Refusal{Reason: campaigns.RefusedDoNotCall} })
		f.store.add("spring", 2)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(3 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs to people on the do-not-call list", n)
		}
		if got := f.observer.refusals(); !slices.Equal(got, []string{"do_not_call", "do_not_call"}) {
			t.Errorf("refusals %q", got)
		}
		f.wantOutcomes(nil)
	})
}

// Whether a Begin that failed is durable nobody knows: it is ended as not placed.
func TestBeginFails(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.set(func(s *store) { s.beginErr = errStoreDown })
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(3 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs without a durable attempt", n)
		}
	})
}

func TestWindowClosesBetweenBeginAndInvite(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.set(func(s *store) { s.beginDelay = 2 * time.Second })
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		f.wait(time.Second)
		f.rules.set(func(r *rules) { r.closed = true })
		f.wait(2 * time.Second)
		if n := len(f.trunks.legs()); n != 0 {
			t.Errorf("%d INVITEs outside the window", n)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.NotPlaced: 1})
		if f.store.ending(0).Count {
			t.Error("a call that was not placed counts against the person's caps")
		}
	})
}

func TestEndingIsRetriedAndNothingNewIsPlaced(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 5)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		f.store.set(func(s *store) { s.down = true })
		f.fails(leg, sip.ResultBusy, 486)
		next := f.call(1) // pacing's answer to the end, before its write failed
		f.wait(10 * time.Second)
		if f.store.failures() < 5 {
			t.Errorf("tried %d times in 10 s", f.store.failures())
		}
		f.fails(next, sip.ResultBusy, 486)
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n != 2 {
			t.Errorf("%d calls placed while an ending is not durable", n-2)
		}
		f.store.set(func(s *store) { s.down = false })
		f.wait(2 * time.Second)
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Busy: 2})
		f.fails(f.call(2), sip.ResultBusy, 486) // and on it goes
	})
}

func TestDispositionIsRetried(t *testing.T) {
	inBubble(t, func(f *floor) {
		leg := bridged(f)
		f.hangsUp(leg)
		f.store.set(func(s *store) { s.down = true })
		f.do(f.engine.Dispose(f.ctx, "ann", said("sale")))
		f.wantState("ann", operator.Ready) // who does not wait for the disk
		f.wait(3 * time.Second)
		f.store.set(func(s *store) { s.down = false })
		f.wait(2 * time.Second)
		if got := f.store.said(); !slices.Equal(got, []string{"sale"}) {
			t.Errorf("dispositions %q", got)
		}
	})
}

// One ending is missing, the next is written: calls are held until both are.
func TestEveryMissingEndingHoldsNewCalls(t *testing.T) {
	inBubble(t, func(f *floor) {
		f.store.add("spring", 6)
		f.run(progressive("spring"))
		f.ready("ann", "bob")
		first, second := f.call(0), f.call(1)
		f.store.set(func(s *store) { s.endErrs = map[campaigns.AttemptID]bool{campaigns.AttemptID(first): true} })
		f.fails(first, sip.ResultBusy, 486)
		f.wait(100 * time.Millisecond)
		f.fails(second, sip.ResultBusy, 486)
		f.wait(100 * time.Millisecond)
		placed := len(f.trunks.legs())
		f.wait(5 * time.Second)
		if n := len(f.trunks.legs()); n != placed {
			t.Errorf("%d calls placed while the ending of the first is not durable", n-placed)
		}
		f.store.set(func(s *store) { s.endErrs = nil })
		f.wait(2 * time.Second)
	})
}

// A draining product places nothing new; who rings or talks is served to the end.
func TestDrainWaitsForCallsAndTheirEndings(t *testing.T) {
	inBubble(t, func(f *floor) {
		talk := bridged(f)
		f.ready("bob")
		ringing := f.call(1)
		f.store.set(func(s *store) { s.endDelay = 2 * time.Second })
		done := make(chan error, 1)
		go func() { done <- f.engine.Drain(f.ctx) }()
		stillThere := func(why string) {
			t.Helper()
			select {
			case err := <-done:
				t.Fatalf("drained %s: %v", why, err)
			default:
			}
		}
		f.wait(10 * time.Second)
		stillThere("in the middle of a talk")
		f.hangsUp(talk)
		f.wait(5 * time.Second)
		stillThere("while a call rings")
		f.fails(ringing, sip.ResultNoAnswer, 480)
		f.wait(time.Second)
		stillThere("before the last ending was durable")
		f.wait(2 * time.Second)
		select {
		case err := <-done:
			f.do(err)
		default:
			t.Fatal("nothing is left and the drain still waits")
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Connected: 1, campaigns.NoAnswer: 1})
		if n := len(f.trunks.legs()); n != 2 {
			t.Errorf("%d calls in all; a draining product places none", n)
		}
	})
}

func TestDrainWithNothingToDo(t *testing.T) {
	inBubble(t, func(f *floor) { f.do(f.engine.Drain(f.ctx)) })
}

// A stop without a drain still writes what became of every call, those whose
// Begin is on its way too.
func TestStopEndsEveryAttempt(t *testing.T) {
	stages := map[string]struct {
		reach func(f *floor)
		want  campaigns.Outcome
	}{
		"beginning": {
			reach: func(f *floor) {
				f.store.set(func(s *store) { s.beginDelay = 3 * time.Second })
				f.store.add("spring", 1)
				f.run(progressive("spring"))
				f.ready("ann")
				f.wait(time.Second)
			},
			want: campaigns.NotPlaced,
		},
		"ringing": {
			reach: func(f *floor) {
				f.store.add("spring", 1)
				f.run(progressive("spring"))
				f.ready("ann")
				f.signal(sip.Progress{Leg: f.call(0), Code: 180, At: time.Now()})
			},
			want: campaigns.Cancelled,
		},
		"a person waits": {reach: func(f *floor) { waiting(f) }, want: campaigns.Abandoned},
		"talking":        {reach: func(f *floor) { bridged(f) }, want: campaigns.Connected},
	}
	for name, s := range stages {
		t.Run(name, func(t *testing.T) {
			inBubble(t, func(f *floor) {
				s.reach(f)
				f.stop()
				f.wantOutcomes(map[campaigns.Outcome]int{s.want: 1})
			})
		})
	}
}

// What a dead process left is ended at the carrier and in the store.
func TestSettle(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t)
		dialog, err := json.Marshal(sip.Dialog{CallID: "left-behind"})
		if err != nil {
			t.Fatal(err)
		}
		midnight := time.Date(2026, 3, 2, 23, 59, 50, 0, time.UTC)
		f.recordings = []string{"2026/03/02/a1.wav", "2026/03/02/a3.wav"}
		for _, id := range []campaigns.AttemptID{"a1", "a2", "a3"} {
			f.store.left = append(f.store.left, campaigns.Attempt{ID: id, Campaign: "spring", Number: "+12025550100", Node: "n1", Dialog: dialog, BeganAt: midnight})
			f.store.open[id] = campaigns.Intent{Attempt: id}
		}
		n, err := f.engine.Settle(context.Background(), func(campaigns.CampaignID) (campaigns.Campaign, error) {
			return progressive("spring"), nil
		})
		if err != nil || n != 3 {
			t.Fatalf("settled %d: %v", n, err)
		}
		f.wantOutcomes(map[campaigns.Outcome]int{campaigns.Interrupted: 3})
		if !slices.Equal(f.trunks.finished, []string{"left-behind", "left-behind", "left-behind"}) {
			t.Errorf("dialogs ended: %q", f.trunks.finished)
		}
		if e := f.store.ending(0); !e.Count || !e.Next.At.After(time.Now()) {
			t.Errorf("ending %+v: counts, and rests before the next try", e)
		}
		for i, want := range []string{"2026/03/02/a1.wav", "", "2026/03/02/a3.wav"} {
			if got := f.store.ending(i).Recording; got != want {
				t.Errorf("recording of attempt %d: %q, want %q", i+1, got, want)
			}
		}
	})
}

// The recording of a talk is found by when the attempt began, also where the talk
// began on the next day.
func TestRecordingOverMidnight(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		time.Sleep(24*time.Hour - 4*time.Second) // a bubble begins at midnight UTC
		f := newFloor(t)
		f.rules.set(func(r *rules) { r.record = campaigns.RecordAlways })
		f.store.add("spring", 1)
		f.run(progressive("spring"))
		f.ready("ann")
		leg := f.call(0)
		began := f.store.intent(0).At.UTC()
		f.person(leg)
		f.hangsUp(leg)
		f.wait(time.Second)
		f.stop()
		want := began.Format("2006/01/02/") + string(leg) + ".wav"
		if got := f.store.ending(0); got.Recording != want || got.BridgedAt.UTC().Day() == began.Day() {
			t.Errorf("a call of %s, bridged %s, is recorded as %q", began, got.BridgedAt.UTC(), got.Recording)
		}
	})
}

// What a dead node recorded is not here: it is named all the same, where there must be
// a talk to play.
func TestSettleNodeNamesRecordings(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		f := newFloor(t)
		dialogs := map[campaigns.AttemptID]sip.Dialog{"a1": {CallID: "talk", Up: true}, "a2": {CallID: "rings"}, "a3": {CallID: "silent", Up: true}}
		began := time.Date(2026, 3, 2, 23, 59, 50, 0, time.UTC)
		settle := func(id campaigns.AttemptID, p campaigns.RecordingPolicy) string {
			t.Helper()
			dialog, err := json.Marshal(dialogs[id])
			if err != nil {
				t.Fatal(err)
			}
			f.rules.set(func(r *rules) { r.record = p })
			f.store.set(func(s *store) {
				s.left = []campaigns.Attempt{{ID: id, Campaign: "spring", Number: "+12025550100", Node: "dead", Dialog: dialog, BeganAt: began}}
				s.open[id] = campaigns.Intent{Attempt: id}
			})
			before := len(f.store.endings)
			if _, err := f.engine.SettleNode(context.Background(), "dead", func(campaigns.CampaignID) (campaigns.Campaign, error) {
				return progressive("spring"), nil
			}); err != nil {
				t.Fatal(err)
			}
			return f.store.ending(before).Recording
		}
		for id, want := range map[campaigns.AttemptID]string{"a1": "2026/03/02/a1.wav", "a2": ""} {
			if got := settle(id, campaigns.RecordAlways); got != want {
				t.Errorf("recording of attempt %s: %q, want %q", id, got, want)
			}
		}
		if got := settle("a3", campaigns.RecordNever); got != "" {
			t.Errorf("recording of a talk that was not recorded: %q", got)
		}
	})
}
