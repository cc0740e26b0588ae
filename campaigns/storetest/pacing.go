package storetest

import (
	"bytes"
	"strings"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/campaigns"
)

// chunk is one of an hour-long run, a minute of lines each.
func chunk(c campaigns.CampaignID, run time.Time, seq int) campaigns.PacingChunk {
	from := run.Add(time.Duration(seq-1) * time.Minute)
	return campaigns.PacingChunk{
		Campaign: c, Node: "n1", Run: run, Seq: seq, From: from, To: from.Add(50 * time.Second),
		Lines: 2, Gzip: campaigns.PackLines([]byte(strings.Repeat("{}\n", 2))),
	}
}

func pacingLog(t *testing.T, w *world) {
	first, second := start, start.Add(time.Hour)
	var all []campaigns.PacingChunk
	for _, run := range []time.Time{first, second} {
		for seq := 1; seq <= 3; seq++ {
			all = append(all, chunk("c", run, seq))
		}
	}
	for _, i := range []int{4, 0, 3, 1, 5, 2} { // the order of writing means nothing
		w.ok(w.AppendPacingLog(w.ctx(), all[i]))
	}
	w.ok(w.AppendPacingLog(w.ctx(), chunk("d", first, 1)))
	w.crash()
	read := func(from, to time.Time) []campaigns.PacingChunk {
		t.Helper()
		var got []campaigns.PacingChunk
		for c, err := range w.PacingLog(w.ctx(), "c", from, to) {
			w.ok(err)
			got = append(got, c)
		}
		return got
	}
	w.same("everything", read(time.Time{}, time.Time{}), all)
	w.same("a run begins at its start", read(second.Add(130*time.Second), time.Time{}), all[3:])
	w.same("the end counts by the first line", read(first, second.Add(time.Minute)), all[:4])
	w.same("the start counts by the last line", read(first.Add(170*time.Second), second), all[:3])
	w.same("between the runs", len(read(first.Add(10*time.Minute), second)), 0)
	for range w.PacingLog(w.ctx(), "c", time.Time{}, time.Time{}) {
		break // who has read enough may stop
	}
	var text bytes.Buffer
	if _, err := all[0].WriteTo(&text); err != nil || text.String() != "{}\n{}\n" {
		t.Errorf("lines %q, %v", text.String(), err)
	}
	n, err := w.PrunePacingLog(w.ctx(), second.Add(55*time.Second))
	w.ok(err)
	w.same("pruned with those of the other campaign", n, 5)
	w.same("left", read(time.Time{}, time.Time{}), all[4:])
}

func pacingLiveCounts(t *testing.T, w *world) {
	w.simple()
	w.campaign("d", "l", campaigns.Segment{Name: "s"})
	w.add(lead("a", 1, "+4801"))
	// end dials at a minute of the day and lets an operator come after a while;
	// below zero nobody comes.
	end := func(minute int, o campaigns.Outcome, greeted bool, came time.Duration) {
		t.Helper()
		w.now = start.Add(time.Duration(minute) * time.Minute)
		answered := w.now.Add(10 * time.Second)
		e := campaigns.Ending{Outcome: o, AnsweredAt: answered, Next: campaigns.Next{At: w.now}, At: w.now.Add(time.Minute - 1)}
		from := answered
		if greeted {
			from = answered.Add(3 * time.Second)
			e.GreetingEnd = from
		}
		if came >= 0 {
			e.BridgedAt = from.Add(came)
		}
		e.Attempt = w.begin(w.takeOne("c"))
		w.ok(w.End(w.ctx(), e))
	}
	end(0, campaigns.Connected, true, time.Second)
	end(14, campaigns.Connected, true, 2*time.Second) // just in time
	end(15, campaigns.Abandoned, true, -1)
	end(16, campaigns.Busy, false, -1)
	end(20, campaigns.Connected, true, 2*time.Second+1) // late
	end(21, campaigns.Connected, false, 2*time.Second+1)
	end(22, campaigns.Connected, false, time.Second)
	end(80, campaigns.Connected, true, 0)
	w.now = start.Add(90 * time.Minute)
	w.begin(w.takeOne("c")) // open
	w.crash()
	at := func(minute int) time.Time { return start.Add(time.Duration(minute) * time.Minute) }
	counts := func(c campaigns.CampaignID, since time.Time) []campaigns.LiveCount {
		t.Helper()
		got, err := w.LiveCounts(w.ctx(), c, since, 2*time.Second)
		w.ok(err)
		return got
	}
	w.same("all", counts("c", time.Time{}), []campaigns.LiveCount{{At: at(14), Live: 2}, {At: at(22), Live: 4, Abandoned: 3}, {At: at(80), Live: 1}})
	w.same("since", counts("c", at(22)), []campaigns.LiveCount{{At: at(22), Live: 1}, {At: at(80), Live: 1}})
	w.same("of another campaign", len(counts("d", time.Time{})), 0)
}

func pacingLearnt(t *testing.T, w *world) {
	learnt := func(want []byte) {
		t.Helper()
		got, err := w.Learnt(w.ctx(), "c")
		w.ok(err)
		if !bytes.Equal(got, want) {
			t.Errorf("learnt %q, want %q", got, want)
		}
	}
	learnt(nil)
	w.ok(w.SaveLearnt(w.ctx(), "c", []byte{0, 1}))
	w.ok(w.SaveLearnt(w.ctx(), "d", []byte{3}))
	w.ok(w.SaveLearnt(w.ctx(), "c", []byte{0, 2}))
	w.crash()
	learnt([]byte{0, 2})
}
