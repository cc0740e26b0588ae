package estimate

import (
	"math"
	"math/rand/v2"
	"testing"

	"pgregory.net/rapid"
)

// team is some operators at work: each call is a talk and a wrap-up, log-normal
// with coefficients of variation of 0.9 and 0.8.
type team struct {
	talk, wrap UsualLength
	paces      []*Pace
	rng        *rand.Rand
}

func newTeam(n int, seed uint64) *team {
	t := &team{rng: rand.New(rand.NewPCG(seed, 1))}
	for range n {
		t.paces = append(t.paces, &Pace{})
	}
	return t
}

// work has each operator take so many calls; slower are their true paces.
func (t *team) work(calls int, slower func(i int) float64) {
	lasts := func(mean, cv float64) float64 {
		variance := math.Log(1 + cv*cv)
		return math.Exp(math.Log(mean) - variance/2 + t.rng.NormFloat64()*math.Sqrt(variance))
	}
	for range calls {
		for i, p := range t.paces {
			p.Observe(t.talk.Observe(lasts(120, 0.9) * slower(i)))
			p.Observe(t.wrap.Observe(lasts(30, 0.8) * slower(i)))
		}
	}
}

func (t *team) value(i int) float64 { return t.paces[i].Value(PaceSpread(t.paces)) }

func TestPacesAreLearnt(t *testing.T) {
	const n = 20
	slower := func(i int) float64 { return 0.7 + 0.6*float64(i)/(n-1) }
	all := newTeam(n, 1)
	all.work(100, slower)
	squares := 0.0
	for i := range n {
		off := math.Log(all.value(i) / slower(i))
		squares += off * off
	}
	if got := math.Sqrt(squares / n); got > 0.09 {
		t.Errorf("paces are off by %.3f, want less than 0.09", got)
	}
	if got := PaceSpread(all.paces); math.Abs(got-0.19) > 0.05 {
		t.Errorf("spread of the paces = %.3f, want 0.19", got)
	}
}

// Operators who are alike look so: chance is not taken for pace.
func TestEqualOperatorsAreAsUsual(t *testing.T) {
	const teams = 100
	taken := 0
	for seed := range uint64(teams) {
		all := newTeam(5, seed)
		all.work(60, func(int) float64 { return 1 })
		for i := range all.paces {
			if math.Abs(math.Log(all.value(i))) > 0.1 {
				taken++
			}
		}
	}
	if taken > 5*teams/100 {
		t.Errorf("%d of %d equal operators are taken to be slow or quick", taken, 5*teams)
	}
}

func TestFewCallsSayLittle(t *testing.T) {
	all := newTeam(10, 2)
	all.work(150, func(i int) float64 { return 0.75 + 0.5*float64(i%2) })
	fresh := &Pace{}
	all.paces = append(all.paces, fresh)
	if got := all.value(10); got != 1 {
		t.Errorf("before any call: pace %v, want 1", got)
	}
	fresh.Observe(all.talk.Observe(600))
	if got := all.value(10); got < 1 || got > 1.3 {
		t.Errorf("after one long talk: pace %.2f, want a little above 1", got)
	}
}

func TestPaceFollowsAChange(t *testing.T) {
	all := newTeam(10, 3)
	learner := 1.4
	slower := func(i int) float64 {
		if i == 0 {
			return learner
		}
		return 0.8 + 0.05*float64(i)
	}
	all.work(200, slower)
	before := all.value(0)
	learner = 0.9
	all.work(300, slower)
	if after := all.value(0); before < 1.2 || after > 1.05 {
		t.Errorf("a learner's pace: %.2f, and after they learnt %.2f; want about 1.4 and 0.9", before, after)
	}
}

// Whatever is observed, a pace is a sound factor.
func TestPaceIsSound(t *testing.T) {
	rapid.Check(t, func(t *rapid.T) {
		var u UsualLength
		paces := []*Pace{{}, {}, {}}
		for _, x := range rapid.SliceOfN(rapid.Float64Range(-10, 1e6), 0, 200).Draw(t, "seconds") {
			paces[rapid.IntRange(0, 2).Draw(t, "who")].Observe(u.Observe(x))
		}
		spread := PaceSpread(paces)
		for _, p := range paces {
			if x := p.Value(spread); !(x > 0.001 && x < 1000) {
				t.Fatalf("pace %v (%+v, spread %v)", x, *p, spread)
			}
			if p.Weight > 0 {
				if half, ok := p.Recalled(); !ok || half.Weight != p.Weight/2 {
					t.Fatalf("%+v is recalled as %+v, %v", *p, half, ok)
				}
			}
		}
	})
}

func TestGarbageIsNoPace(t *testing.T) {
	for _, p := range []Pace{{}, {1, -1}, {math.NaN(), 1}, {1, math.NaN()}, {1e9, 1}, {1, math.Inf(1)}} {
		if _, ok := p.Recalled(); ok {
			t.Errorf("%+v is recalled", p)
		}
	}
}
