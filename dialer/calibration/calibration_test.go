package calibration

import (
	"fmt"
	"math"
	"math/rand/v2"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/media"
)

var begin = time.Date(2026, 3, 2, 9, 0, 0, 0, time.UTC)

// world makes calls whose truth is known: the detector's odds are those of two bells, people
// above, machines below, off by an offset; it tells at fixed bounds.
type world struct {
	draw    *rand.Rand
	people  float64 // share of answered calls
	checked float64 // share
	offset  float64 // log odds that the detector is too low by
	blur    float64 // added to the width of the bells
	mumble  float64 // share of checked machines whose operator says nothing of it
}

// bells are two apart by 2*apart, of width 2: then the log odds at x are x*apart.
const apart, width = 2.0, 2.0

// usual is the share of people that the detector learnt with.
const usual = 0.4

func (w *world) call(at time.Time) (s Sample, person bool) {
	person = w.draw.Float64() < w.people
	x := w.draw.NormFloat64()*(width+w.blur) - apart
	if person {
		x = w.draw.NormFloat64()*(width+w.blur) + apart
	}
	odds := 2*apart*x/(width*width) + math.Log(usual/(1-usual)) - w.offset
	s = Sample{At: at, Campaign: "spring", Trunk: "line", Verdict: media.Machine, Chance: 1 / (1 + math.Exp(-odds))}
	if odds > -2 {
		s.Verdict = media.Person
	}
	s.Checked = w.draw.Float64() < w.checked
	switch {
	case s.Verdict == media.Machine && !person && w.draw.Float64() < 0.8: // waited for, as it is in doubt
		s.Label, s.Basis = Nobody, ByBeep
	case s.Checked || s.Verdict == media.Person: // an operator had it
		if s.Label, s.Basis = Nobody, ByDisposition; person {
			s.Label = Person
		}
		if !person && w.draw.Float64() < w.mumble {
			s.Label, s.Basis = Unknown, ""
		}
	case person && w.draw.Float64() < 0.2: // hangs up in doubt
		s.Label, s.Basis = Person, ByHangUp
	}
	return s, person
}

// The interval of the people lost covers the truth as often as it says, though of all who
// were hung up on only some have a label, and others than chance would choose.
func TestLossCovers(t *testing.T) {
	const worlds = 100
	covered, over := 0, 0.0
	for seed := range uint64(worlds) {
		w := &world{draw: rand.New(rand.NewPCG(seed, 1)), people: 0.4, checked: 0.1, mumble: 0.3, offset: 0.3 * float64(seed%3)}
		people, lost := 0, 0
		b := NewBook(0.005)
		var last time.Time
		for i := range 8000 {
			last = begin.Add(time.Duration(i) * 3 * time.Minute)
			s, person := w.call(last)
			b.Add(s)
			if person {
				people++
				if s.lost() {
					lost++
				}
			}
		}
		truth := float64(lost) / float64(people)
		l := b.Loss("spring", last)
		if l.Basis != "checked" || l.People < 250 {
			t.Fatalf("seed %d: %+v", seed, l)
		}
		if l.Low <= truth && truth <= l.High {
			covered++
		}
		over += (l.Share - truth) / worlds
	}
	t.Logf("%d of %d intervals cover the truth; mean error of the share %.4f", covered, worlds, over)
	// 95 of 100; fewer than 88 happens twice in 1000 times.
	if covered < 88 {
		t.Errorf("%d of %d intervals cover the truth, want 95 %%", covered, worlds)
	}
	if math.Abs(over) > 0.006 {
		t.Errorf("the share is off by %.4f on average", over)
	}
}

// Without checked calls the assumption stays, and only what is suspected raises it.
func TestLossAssumed(t *testing.T) {
	b := NewBook(0.005)
	add := func(n int, s Sample) {
		for range n {
			s.At, s.Campaign, s.Trunk = begin, "spring", "line"
			b.Add(s)
		}
	}
	loss := func() Loss { return b.Loss("spring", begin) }
	if got := loss(); got.Share != 0.005 || got.Basis != "assumed" || got.High != 1 {
		t.Errorf("before any call: %+v", got)
	}
	add(1000, Sample{Verdict: media.Person, Chance: 0.9, Label: Person, Basis: ByDisposition})
	if got := loss(); got.Share != 0.005 || got.Basis != "assumed" {
		t.Errorf("people who reached an operator say nothing of those who did not: %+v", got)
	}
	add(3, Sample{Verdict: media.Machine, Chance: 0.05, Label: Person, Basis: ByHangUp})
	if got := loss(); got.Share != 0.005 {
		t.Errorf("a few hung up in doubt: %+v", got)
	}
	add(40, Sample{Verdict: media.Machine, Chance: 0.05, Label: Person, Basis: ByHangUp})
	if got := loss(); got.Basis != "suspected" || got.Share < 0.025 || got.Share > 43.0/1043 {
		t.Errorf("many hung up in doubt: %+v", got)
	}
	add(400, Sample{Verdict: media.Person, Chance: 0.9, Checked: true, Label: Person, Basis: ByDisposition})
	if got := loss(); got.Basis != "suspected" || got.People != 400 {
		t.Errorf("none of 400 checked was lost, many are suspected: %+v", got)
	}
	add(60, Sample{Verdict: media.Silence, Chance: 0.2, Checked: true, Label: Person, Basis: ByDisposition})
	if got := loss(); got.Basis != "checked" || got.Lost != 60 || math.Abs(got.Share-60.5/461) > 1e-9 {
		t.Errorf("60 of 460 checked would have been lost: %+v", got)
	}
	if got := b.Loss("spring", begin.Add(31*24*time.Hour)); got.Share != loss().Share {
		t.Errorf("an answer at once is of the last call: %+v", got)
	}
	if got := b.Report("spring", begin.Add(31*24*time.Hour)).Loss; got.Share != 0.005 || got.People != 0 {
		t.Errorf("31 days later: %+v", got)
	}
}

// A detector that stays as it is raises no alarm over many days, though the share of people
// moves with the hour and the day; one that changes does soon.
func TestDrift(t *testing.T) {
	const days, callsADay = 90, 2000
	play := func(seed uint64, change func(w *world)) (alarm int, what string) {
		w := &world{draw: rand.New(rand.NewPCG(seed, 2)), checked: 0.02}
		b := NewBook(0.005)
		for i := range days * callsADay {
			day := i / callsADay
			hour := float64(i%callsADay) / callsADay
			w.people = 0.4 + 0.08*math.Sin(2*math.Pi*hour) + 0.03*math.Sin(float64(day))
			if day == 60 && i%callsADay == 0 && change != nil {
				change(w)
			}
			s, _ := w.call(begin.Add(time.Duration(i) * (24 * time.Hour / callsADay)))
			if what := b.Add(s); what != "" {
				return i, what
			}
		}
		return -1, ""
	}
	for seed := range uint64(5) {
		if at, what := play(seed, nil); at >= 0 {
			t.Errorf("seed %d: nothing changed, and %s alarms on day %d", seed, what, at/callsADay)
		}
	}
	changes := map[string]struct {
		change func(*world)
		days   int // until the alarm at most
	}{
		"odds too low":          {func(w *world) { w.offset += 2 }, 1},
		"odds a little too low": {func(w *world) { w.offset++ }, 10}, // bounds hide much of it
		"odds too high":         {func(w *world) { w.offset-- }, 1},
		"worse line":            {func(w *world) { w.blur = 1.5 }, 1},
		"nobody but machines":   {func(w *world) { w.offset += 3 }, 1},
	}
	for name, tt := range changes {
		at, what := play(99, tt.change)
		if late := at - 60*callsADay; late < 0 || late > tt.days*callsADay {
			t.Errorf("%s: alarm %q %d calls after the change, want within %d days of %d", name, what, late, tt.days, callsADay)
		} else {
			t.Logf("%s: %d calls after the change, of %s", name, late, what)
		}
	}
}

// An alarm stands for a week, on its trunk alone, and what is usual is learnt anew.
func TestAlarmGoes(t *testing.T) {
	b := NewBook(0.005)
	w := &world{draw: rand.New(rand.NewPCG(1, 3)), people: 0.4}
	at := begin
	raised := func() (what string) {
		for range 5000 {
			at = at.Add(3 * time.Minute)
			s, _ := w.call(at)
			if what = b.Add(s); what != "" {
				return what
			}
			s.Trunk, s.Verdict, s.Label = "other", media.Person, Unknown
			s.Chance = 0.8 // steady
			if b.Add(s) != "" {
				t.Fatal("the other trunk alarms")
			}
		}
		return ""
	}
	if what := raised(); what != "" {
		t.Fatalf("%s alarms", what)
	}
	w.offset = 2
	if what := raised(); what == "" {
		t.Fatal("no alarm after a change")
	}
	r := b.Report("spring", at)
	if line := r.Trunks[0]; line.Trunk != "line" || line.Alarm.IsZero() || line.Drifted == "" || !line.Learning {
		t.Errorf("after the alarm: %+v", line)
	}
	if other := r.Trunks[1]; !other.Alarm.IsZero() || other.Learning {
		t.Errorf("the other trunk: %+v", other)
	}
	if what := raised(); what != "" {
		t.Errorf("%s alarms again: the change is usual by now", what)
	}
	if line := b.Report("spring", at.Add(8*24*time.Hour)).Trunks[0]; !line.Alarm.IsZero() {
		t.Errorf("8 days later the alarm stands: %+v", line)
	}
}

// The prices make up for odds that are off, and for those alone.
func TestSuggest(t *testing.T) {
	for _, offset := range []float64{0, 0.7, -0.7} {
		t.Run(fmt.Sprint(offset), func(t *testing.T) {
			w := &world{draw: rand.New(rand.NewPCG(5, 5)), people: 0.4, checked: 1, offset: offset}
			b := NewBook(0.005)
			for range 5000 {
				s, person := w.call(begin)
				if s.Label, s.Basis = Nobody, ByDisposition; person {
					s.Label = Person
				}
				b.Add(s)
			}
			got := b.Report("spring", begin).Prices
			if math.Abs(got.Offset-offset) > 4*got.Error || got.Error > 0.1 || got.Labels != 5000 {
				t.Errorf("offset %.3f, error %.3f, of %d; want %.1f", got.Offset, got.Error, got.Labels, offset)
			}
			if want := 5 * math.Exp(-got.Offset); got.Sure && math.Abs(got.Prices.Operator-want) > 1e-9 || got.Sure != (offset != 0) {
				t.Errorf("sure %v, operator %.2f", got.Sure, got.Prices.Operator)
			}
			if got.Prices.Person != 20 || got.Prices.DeadAir != 1 {
				t.Errorf("prices %+v: only the operator's moves", got.Prices)
			}
		})
	}
}

// The reliability curve of a calibrated detector holds what it told; the confusion is that
// of the checked calls alone, and its rows sum to one.
func TestReport(t *testing.T) {
	w := &world{draw: rand.New(rand.NewPCG(8, 8)), people: 0.4, checked: 0.5}
	b := NewBook(0.005)
	for range 20000 {
		s, person := w.call(begin)
		if s.Checked {
			if s.Label, s.Basis = Nobody, ByDisposition; person {
				s.Label = Person
			}
			b.Add(s)
		} else { // labels that lie: they may not reach what is said of the checked
			s.Label, s.Basis = Nobody, ByBeep
			s.Verdict = media.Fax
			b.Add(s)
		}
	}
	r := b.Report("spring", begin)
	outside := 0
	for _, bin := range r.Reliability {
		if bin.Told < bin.People.Low || bin.Told > bin.People.High {
			outside++
		}
		if open := bin.From == -mostOdds || bin.To == mostOdds; open {
			continue
		}
		if bin.Told < 1/(1+math.Exp(-bin.From)) || bin.Told > 1/(1+math.Exp(-bin.To)) {
			t.Errorf("mean chance %v outside of its bin %+v", bin.Told, bin)
		}
	}
	if outside > 4 || len(r.Reliability) < 15 { // 5 % of 24, and the ends are open
		t.Errorf("%d of %d bins do not hold what was told", outside, len(r.Reliability))
	}
	for name, row := range map[string]Confusion{"people": r.People, "nobody": r.Nobody} {
		sum := 0.0
		for _, s := range row {
			sum += s.Share
		}
		if math.Abs(sum-1) > 1e-9 || row[media.Fax].K != 0 {
			t.Errorf("%s are taken for %+v", name, row)
		}
	}
	if got, want := r.People[media.Person].Share, 1-0.0668; math.Abs(got-want) > 0.05 {
		t.Errorf("people told as people %.3f, want about %.3f", got, want)
	}
	if r.Calls != 20000 || r.Labelled != 20000 || len(r.Trunks) != 1 || r.Trunks[0].Calls != 20000 {
		t.Errorf("counts: %+v", r)
	}
	if got := b.Campaigns(); len(got) != 1 || got[0] != "spring" {
		t.Errorf("campaigns %v", got)
	}
}

func TestShare(t *testing.T) {
	for _, tt := range []struct {
		k, n      int
		low, high float64
	}{
		{0, 0, 0, 1},
		{0, 10, 0, 0.2775},        // Wilson's, as tabled for 95 %
		{1, 10, 0.0179, 0.4042},   //
		{50, 100, 0.4038, 0.5962}, //
		{10, 10, 0.7225, 1},
	} {
		got := shareOf(tt.k, tt.n)
		if math.Abs(got.Low-tt.low) > 5e-4 || math.Abs(got.High-tt.high) > 5e-4 {
			t.Errorf("%d of %d: [%.4f, %.4f], want [%.4f, %.4f]", tt.k, tt.n, got.Low, got.High, tt.low, tt.high)
		}
	}
}
