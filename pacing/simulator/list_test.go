package simulator

import (
	"math"
	"testing"
	"time"

	"github.com/outpace-dialer/outpace/pacing"
)

// picky keeps one line for each ready operator, always to the record of the
// highest score, and notes what it saw.
type picky struct {
	fixed
	t      *testing.T
	chosen pacing.Record
	scores map[string]float64 // of calls
	most   int                // records in a view
	dials  [2]int             // of scores below 0.2 and above
	people [2]int
}

func (p *picky) Decide(now time.Time, v pacing.View) pacing.Decision {
	d := p.fixed.Decide(now, v)
	d.Dial = min(1, d.Dial)
	for i, r := range v.Records {
		if r.Score <= 0 || r.Score >= 1 {
			p.t.Fatalf("score %v", r.Score)
		}
		if r.Score > v.Records[d.Record].Score {
			d.Record = i
		}
	}
	p.most = max(p.most, len(v.Records))
	if d.Dial > 0 {
		p.chosen = v.Records[d.Record]
	}
	return d
}

func (p *picky) Observe(now time.Time, ev pacing.Event) {
	p.fixed.Observe(now, ev)
	high := func(score float64) int {
		if score > 0.2 {
			return 1
		}
		return 0
	}
	switch ev := ev.(type) {
	case pacing.Dialed:
		if ev.Record != p.chosen {
			p.t.Fatalf("dialled %+v, chosen %+v", ev.Record, p.chosen)
		}
		p.scores[ev.Call] = ev.Score
		p.dials[high(ev.Score)]++
	case pacing.Human:
		p.people[high(p.scores[ev.Call])]++
	}
}

func scored(sd, noise float64, useless bool) *Scenario {
	s := steady(10, 0.2, 2)
	s.Scores = &Scores{SD: sd, Noise: noise, Useless: useless}
	s.setDefaults()
	return s
}

func pick(t *testing.T, s *Scenario) (Run, *picky, *Simulation) {
	t.Helper()
	sim, err := New(s, Policy{Mode: pacing.Predictive, Choice: true}, 5)
	if err != nil {
		t.Fatal(err)
	}
	p := &picky{fixed: fixed{baseline: newBaseline(), ratio: 1}, t: t, scores: map[string]float64{}}
	sim.controller = p
	sim.Advance(sim.end)
	return sim.Result(), p, sim
}

// Records of a high score answer more often than the others, not where the score
// knows nothing; all together as often as the segment.
func TestScoresTell(t *testing.T) {
	for _, useless := range []bool{false, true} {
		s := scored(0.1, 0.05, useless)
		r, saw, sim := pick(t, s)
		if got := float64(r.Live) / float64(r.Dials); math.Abs(got-0.2) > 0.03 {
			t.Errorf("answer share %.3f, want 0.2", got)
		}
		if saw.most != defaultPool || len(sim.list.leads) != defaultPool {
			t.Errorf("a choice of %d, %d left", saw.most, len(sim.list.leads))
		}
		share := func(i int) float64 { return float64(saw.people[i]) / float64(saw.dials[i]) }
		if tells := share(1) > share(0)+0.08; tells == useless {
			t.Errorf("useless %v: %.3f of high scores answer, %.3f of low ones", useless, share(1), share(0))
		}
	}
}

// Without a choice a policy meets one record at a time, and no score.
func TestNoChoice(t *testing.T) {
	sim, err := New(scored(0.1, 0.05, false), predictive, 5)
	if err != nil {
		t.Fatal(err)
	}
	if got := sim.upcoming(); len(got) != 1 || got[0] != (pacing.Record{Segment: "main"}) {
		t.Errorf("got %+v", got)
	}
}

// A record is overtaken so often and no more: then it is all there is.
func TestNobodyIsOvertakenForEver(t *testing.T) {
	s := scored(0.1, 0, false)
	s.Scores.Pool, s.Scores.Overtaken = 8, 20
	sim, err := New(s, Policy{Mode: pacing.Predictive, Choice: true}, 5)
	if err != nil {
		t.Fatal(err)
	}
	forced := 0
	for range 2000 {
		best := 0
		view := sim.upcoming()
		for i, r := range view {
			if r.Score > view[best].Score {
				best = i
			}
		}
		if len(view) == 1 {
			forced++
		}
		if l := sim.take(best); l.overtaken > 20 {
			t.Fatalf("record %d was overtaken %d times", l.number, l.overtaken)
		}
	}
	if forced == 0 || forced > 1000 {
		t.Errorf("%d of 2000 records had to be dialled", forced)
	}
	if *sim.records != 2000+8 {
		t.Errorf("%d records looked at", *sim.records)
	}
}

// Chances have the mean and the deviation that the scenario says, and a score
// without noise is the chance.
func TestChances(t *testing.T) {
	c := Scores{SD: 0.1}
	const n = 20_000
	mean, squares := 0.0, 0.0
	for i := range n {
		x := c.chance(0.2, (float64(i)+0.5)/n)
		mean += x / n
		squares += x * x / n
	}
	if sd := math.Sqrt(squares - mean*mean); math.Abs(mean-0.2) > 1e-3 || math.Abs(sd-0.1) > 1e-3 {
		t.Errorf("mean %.4f, deviation %.4f", mean, sd)
	}
	r := record{answers: 0.7, stranger: 0.1, noise: 0.9}
	if got, want := c.score(0.2, r), c.chance(0.2, 0.7); got != want {
		t.Errorf("score %v, chance %v", got, want)
	}
	c.Useless = true
	if got, want := c.score(0.2, r), c.chance(0.2, 0.1); got != want {
		t.Errorf("score %v of a stranger, want %v", got, want)
	}
	c.Noise = 0.05
	if got := c.score(0.2, r) - c.chance(0.2, 0.1); math.Abs(got-1.2816*0.05) > 1e-4 {
		t.Errorf("noise %v", got)
	}
}

// An answer that names no record means the first.
func TestNoSuchRecord(t *testing.T) {
	for _, i := range []int{-1, 24, 1 << 40} {
		sim, err := New(scored(0.1, 0, false), Policy{Mode: pacing.Predictive, Choice: true}, 5)
		if err != nil {
			t.Fatal(err)
		}
		if l := sim.take(i); l.number != 1 {
			t.Errorf("record %d taken for index %d", l.number, i)
		}
	}
}
