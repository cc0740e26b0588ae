package estimate

import (
	"math"
	"math/rand/v2"
	"testing"
)

// scored draws a lead whose chance is known: about 0.2, more in the evening, less
// after attempts that nobody answered; and the score that a model of this kind
// would give it.
func scored(rng *rand.Rand, score func(chance float64) float64) (Lead, float64) {
	l := Lead{Segment: rng.IntN(2), Hour: 9 + rng.IntN(12), Attempts: rng.IntN(4)}
	logit := logOdds(0.2) + 0.6*rng.NormFloat64() + 0.5*float64(l.Segment)
	if l.Hour >= 18 {
		logit += 0.6
	}
	if l.Attempts > 0 {
		l.Last = "no_answer"
		logit -= 0.4
	}
	chance := 1 / (1 + math.Exp(-logit))
	l.Score = score(chance)
	return l, chance
}

var scores = map[string]func(*rand.Rand) func(float64) float64{
	"good": func(rng *rand.Rand) func(float64) float64 {
		return func(p float64) float64 { return math.Max(0.01, math.Min(0.99, p+0.03*rng.NormFloat64())) }
	},
	"on a wrong scale": func(*rand.Rand) func(float64) float64 { return func(p float64) float64 { return p * p } },
	"useless": func(rng *rand.Rand) func(float64) float64 {
		return func(float64) float64 { return 0.05 + 0.4*rng.Float64() }
	},
	"none": func(*rand.Rand) func(float64) float64 { return func(float64) float64 { return 0 } },
}

// The reliability curve: of the dials that were given a chance of about x, about x
// are answered, whatever the score is worth.
func TestAnswersAreCalibrated(t *testing.T) {
	for name, model := range scores {
		rng := rand.New(rand.NewPCG(1, 2))
		score := model(rng)
		a := NewAnswers()
		var said, came, n [10]float64
		loss, flat := 0.0, 0.0
		share := [2]running{}
		for i := range 30000 {
			l, chance := scored(rng, score)
			answered := rng.Float64() < chance
			if p := a.Chance(l); i >= 3000 {
				b := min(9, int(p*20))
				said[b] += p
				n[b]++
				if answered {
					came[b]++
				}
				loss += logLoss(p, answered)
				flat += logLoss(share[l.Segment].mean(0.2, 5), answered)
			}
			a.Observe(l, answered)
			x := 0.0
			if answered {
				x = 1
			}
			share[l.Segment].add(x, 4000)
		}
		for b := range n {
			if n[b] < 200 {
				continue
			}
			p, got := said[b]/n[b], came[b]/n[b]
			t.Logf("%-16s said %.3f came %.3f of %5.0f", name, p, got, n[b])
			if tolerance := 0.012 + 4*math.Sqrt(p*(1-p)/n[b]); math.Abs(p-got) > tolerance {
				t.Errorf("%s: said %.3f, came %.3f of %.0f", name, p, got, n[b])
			}
		}
		t.Logf("%s: log loss %.4f of that of the segment's share", name, loss/flat)
		most := 0.995 // hour and attempts alone are worth as much
		if name == "good" || name == "on a wrong scale" {
			most = 0.95
		}
		if loss/flat > most {
			t.Errorf("%s: log loss is %.4f of that of the segment's share, want at most %.3f", name, loss/flat, most)
		}
	}
}

func logLoss(p float64, answered bool) float64 {
	if answered {
		return -math.Log(p)
	}
	return -math.Log(1 - p)
}

// A score that knows nothing lifts nobody, and the mean lift of what is dialled is 1.
func TestUselessScoreLiftsNobody(t *testing.T) {
	rng := rand.New(rand.NewPCG(3, 4))
	score := scores["useless"](rng)
	a := NewAnswers()
	var sum, square, n float64
	for i := range 6000 {
		l := Lead{Score: score(0)}
		if i >= 3000 {
			lift := a.Lift(l)
			sum += lift
			square += lift * lift
			n++
		}
		a.Observe(l, rng.Float64() < 0.2)
	}
	mean := sum / n
	if spread := math.Sqrt(square/n - mean*mean); spread > 0.05 || math.Abs(mean-1) > 0.05 {
		t.Errorf("lift %.3f ± %.3f, want 1 ± 0.05 at most", mean, spread)
	}
}

// What an hour is worth changes, and is learnt anew.
func TestAnswersFollowDrift(t *testing.T) {
	rng := rand.New(rand.NewPCG(5, 6))
	a := NewAnswers()
	for i := range 20000 {
		l := Lead{Hour: 10 + i%2*8}
		evening := l.Hour == 18
		likely := evening != (i >= 10000) // first the evening, then the morning
		chance := 0.15
		if likely {
			chance = 0.4
		}
		a.Observe(l, rng.Float64() < chance)
	}
	if morning, evening := a.Chance(Lead{Hour: 10}), a.Chance(Lead{Hour: 18}); morning < 0.3 || evening > 0.25 {
		t.Errorf("morning %.2f, evening %.2f; want 0.40 and 0.15", morning, evening)
	}
}

func TestAnswersBearGarbage(t *testing.T) {
	a := NewAnswers()
	for _, l := range []Lead{
		{Segment: -1, Score: math.NaN(), Attempts: -5, Hour: 99},
		{Segment: 1000, Score: math.Inf(1), Attempts: 1 << 40, Hour: -1},
		{Score: 7, Last: "strange"}, {Score: -1}, {Score: 1}, {Score: 1e-300},
	} {
		for i := range 50 {
			a.Observe(l, i%2 == 0)
		}
		if c, lift := a.Chance(l), a.Lift(l); !(c > 0 && c < 1) || !(lift >= leastLift && lift <= mostLift) {
			t.Errorf("%+v: chance %v, lift %v", l, c, lift)
		}
	}
}

// A warm start knows what was learnt; garbage changes nothing.
func TestAnswersAreRemembered(t *testing.T) {
	rng := rand.New(rand.NewPCG(7, 8))
	score := scores["good"](rng)
	a := NewAnswers()
	for range 5000 {
		l, chance := scored(rng, score)
		a.Observe(l, rng.Float64() < chance)
	}
	m := a.Remember()
	warm := NewAnswers()
	if !warm.Recall(m) {
		t.Fatal("not recalled")
	}
	likely, doubtful := Lead{Score: 0.5, Hour: 19}, Lead{Score: 0.1, Hour: 10, Attempts: 2, Last: "no_answer"}
	was, is := a.Chance(likely)/a.Chance(doubtful), warm.Chance(likely)/warm.Chance(doubtful)
	if was < 2 || math.Abs(is/was-1) > 0.15 {
		t.Errorf("the likely lead is %.2f times as likely, was %.2f", is, was)
	}
	cold := NewAnswers()
	for name, spoil := range map[string]func(*AnswersMemory){
		"short":      func(m *AnswersMemory) { m.Means = m.Means[1:] },
		"no number":  func(m *AnswersMemory) { m.Means = append([]float64{math.NaN()}, m.Means[1:]...) },
		"too sure":   func(m *AnswersMemory) { m.Variances = append([]float64{-1}, m.Variances[1:]...) },
		"same names": func(m *AnswersMemory) { m.Outcomes = []string{"busy", "busy"} },
		"score":      func(m *AnswersMemory) { m.Score = math.Inf(1) },
	} {
		bad := a.Remember()
		spoil(&bad)
		if cold.Recall(bad) || cold.Chance(likely) != NewAnswers().Chance(likely) {
			t.Errorf("%s: recalled", name)
		}
	}
}

func TestAnswersMakeNoGarbage(t *testing.T) {
	a := NewAnswers()
	l := Lead{Score: 0.3, Hour: 12, Attempts: 2, Last: "busy"}
	a.Observe(l, true)
	if n := testing.AllocsPerRun(100, func() { a.Observe(l, a.Lift(l) > 1) }); n > 0 {
		t.Errorf("%v allocations", n)
	}
}

func BenchmarkLift(b *testing.B) {
	a := NewAnswers()
	l := Lead{Score: 0.3, Hour: 12, Attempts: 2, Last: "busy"}
	for b.Loop() {
		a.Lift(l)
	}
}
