package calibration

import (
	"context"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/outpace-dialer/outpace/campaigns"
	"github.com/outpace-dialer/outpace/dialer"
	"github.com/outpace-dialer/outpace/media"
)

// ended is an answered call that ended so long after its bridge; 0 is no bridge.
func ended(h dialer.Heard, talk time.Duration) dialer.CallEnded {
	e := campaigns.Ending{Attempt: "a1", AnsweredAt: begin, At: begin.Add(20 * time.Second)}
	if talk > 0 {
		e.Operator, e.BridgedAt = "ann", e.At.Add(-talk)
	}
	return dialer.CallEnded{Ending: e, Campaign: "spring", Trunk: "line", Heard: h}
}

func said(by campaigns.UserID, nobody bool) dialer.Disposed {
	return dialer.Disposed{Disposal: campaigns.Disposal{Attempt: "a1", By: by}, Campaign: "spring", Nobody: nobody}
}

func TestCollector(t *testing.T) {
	person := dialer.Heard{Kind: media.Person, Chance: 0.9}
	machine := dialer.Heard{Kind: media.Machine, Chance: 0.1}
	with := func(h dialer.Heard, change func(*dialer.Heard)) dialer.Heard {
		change(&h)
		return h
	}
	hungUp := func(h *dialer.Heard) { h.HungUp = true }
	checked := func(h *dialer.Heard) { h.Checked = true }
	for name, tt := range map[string]struct {
		notices []dialer.Notice
		want    []Sample // of which only label, basis, verdict and checked are compared
	}{
		"an operator says who it was":      {[]dialer.Notice{ended(person, time.Minute), said("ann", false)}, []Sample{{Verdict: media.Person, Label: Person, Basis: ByDisposition}}},
		"a machine, the operator says":     {[]dialer.Notice{ended(person, time.Minute), said("ann", true)}, []Sample{{Verdict: media.Person, Label: Nobody, Basis: ByDisposition}}},
		"nobody said anything":             {[]dialer.Notice{ended(person, time.Minute), said("", false)}, []Sample{{Verdict: media.Person}}},
		"they hang up on the operator":     {[]dialer.Notice{ended(with(person, hungUp), time.Second), said("", false)}, []Sample{{Verdict: media.Person, Label: Person, Basis: ByHangUp}}},
		"which the operator knows better":  {[]dialer.Notice{ended(with(person, hungUp), time.Second), said("ann", true)}, []Sample{{Verdict: media.Person, Label: Nobody, Basis: ByDisposition}}},
		"the talk is not disposed yet":     {[]dialer.Notice{ended(person, time.Minute)}, nil},
		"a machine that beeps":             {[]dialer.Notice{ended(with(machine, func(h *dialer.Heard) { h.Beep = true }), 0)}, []Sample{{Verdict: media.Machine, Label: Nobody, Basis: ByBeep}}},
		"a machine of which no more heard": {[]dialer.Notice{ended(machine, 0)}, []Sample{{Verdict: media.Machine}}},
		"hangs up in doubt": {
			[]dialer.Notice{ended(with(machine, func(h *dialer.Heard) { h.HungUp, h.Doubted = true, true }), 0)},
			[]Sample{{Verdict: media.Machine, Label: Person, Basis: ByHangUp}},
		},
		"an operator had it taken back": {
			[]dialer.Notice{ended(with(person, func(h *dialer.Heard) { h.Said = true }), 0)},
			[]Sample{{Verdict: media.Person, Label: Nobody, Basis: ByDisposition}},
		},
		"and it hung up before its beep": {
			[]dialer.Notice{ended(with(person, func(h *dialer.Heard) { h.Said, h.HungUp, h.Doubted = true, true, true }), 0)},
			[]Sample{{Verdict: media.Person, Label: Nobody, Basis: ByDisposition}},
		},
		"checked: a person would have been lost": {
			[]dialer.Notice{ended(with(machine, checked), time.Minute), said("ann", false)},
			[]Sample{{Verdict: media.Machine, Checked: true, Label: Person, Basis: ByDisposition}},
		},
		"checked: the beep is surer than the operator": {
			[]dialer.Notice{ended(with(machine, func(h *dialer.Heard) { h.Checked, h.Beep = true, true }), time.Minute), said("ann", false)},
			[]Sample{{Verdict: media.Machine, Checked: true, Label: Nobody, Basis: ByBeep}},
		},
		"nothing was told": {[]dialer.Notice{ended(dialer.Heard{HungUp: true}, 0)}, nil},
		"not answered":     {[]dialer.Notice{dialer.CallEnded{Ending: campaigns.Ending{Attempt: "a1", At: begin}, Heard: machine}}, nil},
		"a disposition that never comes": {
			[]dialer.Notice{ended(person, time.Minute), dialer.CallEnded{Ending: campaigns.Ending{Attempt: "a2", At: begin.Add(3 * time.Hour)}}},
			[]Sample{{Verdict: media.Person}},
		},
	} {
		t.Run(name, func(t *testing.T) {
			var got []Sample
			c := NewCollector(func(s Sample) {
				if s.Campaign != "spring" || s.Trunk != "line" || s.Attempt != "a1" || !s.At.Equal(begin) || s.Features != nil {
					t.Errorf("sample %+v", s)
				}
				got = append(got, Sample{Verdict: s.Verdict, Checked: s.Checked, Label: s.Label, Basis: s.Basis})
			})
			for _, n := range tt.notices {
				c.Notice(n)
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("samples (-want +got):\n%s", diff)
			}
		})
	}
}

// Features are kept where the campaign says so, and only there.
func TestFeatures(t *testing.T) {
	var got []Sample
	c := NewCollector(func(s Sample) { got = append(got, s) })
	call := ended(dialer.Heard{Kind: media.Machine, Chance: 0.1, Features: []float32{1, 2.5}}, 0)
	for _, keep := range []bool{false, true, false} {
		c.Notice(dialer.CampaignChanged{Campaign: campaigns.Campaign{ID: "spring", DetectionFeatures: keep}})
		c.Notice(call)
	}
	if len(got) != 3 || got[0].Features != nil || len(got[1].Features) != 2 || got[2].Features != nil {
		t.Errorf("samples %+v", got)
	}
}

// What was written is read again by the next process, also after a crash in the middle of a
// line; old days go.
func TestJournal(t *testing.T) {
	dir := filepath.Join(t.TempDir(), "detection")
	write := func(samples ...Sample) {
		t.Helper()
		j := NewJournal(dir, 40*24*time.Hour)
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() { done <- j.Run(ctx) }()
		for _, s := range samples {
			j.Take(s)
		}
		cancel()
		<-done
		if j.Lost() != 0 {
			t.Errorf("%d samples are lost", j.Lost())
		}
	}
	on := func(day int, attempt string) Sample {
		return Sample{At: begin.Add(time.Duration(day) * 24 * time.Hour), Attempt: attempt, Campaign: "spring", Trunk: "line", Verdict: media.Machine, Chance: 0.25, Label: Nobody, Basis: ByBeep, Features: []float32{0.5}}
	}
	read := func(since int) (attempts string) {
		t.Helper()
		if err := Read(dir, begin.Add(time.Duration(since)*24*time.Hour), func(s Sample) { attempts += s.Attempt }); err != nil {
			t.Fatal(err)
		}
		return attempts
	}
	if got := read(0); got != "" {
		t.Errorf("before anything was written: %q", got)
	}
	write(on(0, "a"), on(0, "b"), on(3, "c"), on(2, "d")) // late, it goes where we are
	var first Sample
	if err := Read(dir, begin, func(s Sample) {
		if s.Attempt == "a" {
			first = s
		}
	}); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(on(0, "a"), first); diff != "" {
		t.Errorf("sample (-written +read):\n%s", diff)
	}
	torn, err := os.OpenFile(filepath.Join(dir, begin.Add(72*time.Hour).Format(time.DateOnly)+suffix), os.O_WRONLY|os.O_APPEND, 0)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := torn.WriteString(`{"at":"2026-03-05T09:0`); err != nil {
		t.Fatal(err)
	}
	if err := torn.Close(); err != nil {
		t.Fatal(err)
	}
	write(on(3, "e"))
	if got := read(0); got != "abcde" {
		t.Errorf("read %q, want abcde", got)
	}
	if got := read(1); got != "cde" {
		t.Errorf("since the second day: %q, want cde", got)
	}
	write(on(42, "f"))
	if got := read(0); got != "cdef" {
		t.Errorf("after 40 days: %q, want cdef", got)
	}
}
