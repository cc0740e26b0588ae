package figures

import (
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"pgregory.net/rapid"
)

var epoch = time.Date(2026, 11, 2, 12, 0, 30, 0, time.UTC)

func TestFigures(t *testing.T) {
	var h Hour
	for range 4 {
		h.Add(epoch, Call{Code: 486, Effective: true, Delay: 2 * time.Second})
	}
	for range 3 {
		h.Add(epoch, Call{Code: 200, Answered: true, Effective: true, Delay: 3 * time.Second, Talk: time.Minute})
	}
	h.Add(epoch, Call{Code: 200, Answered: true, Effective: true, Delay: 20 * time.Second, Talk: time.Second / 2, Quick: true})
	h.Unheard(epoch)
	h.Add(epoch, Call{Code: 503})
	h.Add(epoch, Call{})
	got := h.Figures(epoch)
	want := Figures{
		Calls: 10, Answered: 4, ASR: 0.4, NER: 0.8, ACD: (3*time.Minute + time.Second/2) / 4,
		ShortShare: 0.25, FalseShare: 0.25, QuickByes: 1,
		DelayP50: got.DelayP50, DelayP95: got.DelayP95,
		Codes: []Code{{200, 4}, {486, 4}, {0, 1}, {503, 1}},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	for _, d := range []struct{ got, exact time.Duration }{{got.DelayP50, 2 * time.Second}, {got.DelayP95, 20 * time.Second}} {
		if d.got < d.exact || float64(d.got) > delayRatio*float64(d.exact) {
			t.Errorf("delay %s, want %s to 15 %% more", d.got, d.exact)
		}
	}
	if empty := (&Hour{}).Figures(epoch); !cmp.Equal(empty, Figures{}) {
		t.Errorf("of no calls: %+v", empty)
	}
}

// An hour later nothing of a call is left; until then all of it is.
func TestHourGoesBy(t *testing.T) {
	var h Hour
	h.Add(epoch, Call{Code: 486})
	for after, want := range map[time.Duration]int{0: 1, 59 * time.Minute: 1, 60 * time.Minute: 0, 25 * time.Hour: 0, -2 * time.Minute: 0} {
		if got := h.Figures(epoch.Add(after)).Calls; got != want {
			t.Errorf("%s later: %d calls, want %d", after, got, want)
		}
	}
	h.Add(epoch.Add(time.Hour), Call{Code: 404}) // takes the place of the first
	if got := h.Figures(epoch.Add(time.Hour)); got.Calls != 1 || got.Codes[0].Code != 404 {
		t.Errorf("got %+v", got)
	}
}

// Quantiles of delays are those of the delays themselves, up to a step.
func TestDelays(t *testing.T) {
	rapid.Check(t, func(rt *rapid.T) {
		var h Hour
		var exact []time.Duration
		for range rapid.IntRange(1, 200).Draw(rt, "calls") {
			d := time.Duration(rapid.IntRange(50, 50_000).Draw(rt, "ms")) * time.Millisecond
			h.Add(epoch, Call{Delay: d})
			exact = append(exact, d)
		}
		slices.Sort(exact)
		f := h.Figures(epoch)
		for part, got := range map[float64]time.Duration{0.5: f.DelayP50, 0.95: f.DelayP95} {
			want := exact[(int(part*100)*len(exact)+99)/100-1]
			if float64(got) < float64(want)-1e6 || float64(got) > delayRatio*float64(want)+1e6 {
				rt.Fatalf("p%.0f = %s of %s", 100*part, got, want)
			}
		}
	})
}
