package estimate

import "math"

// Lead is what is known of a record before it is dialled. The zero value knows
// nothing.
type Lead struct {
	Segment  int     // index, from 0
	Score    float64 // chance of a live answer by somebody else's model, (0, 1]; others: none
	Attempts int     // earlier attempts
	Last     string  // outcome of the last of them; empty: none
	Hour     int     // local hour at the customer's, 1..24; 0 = unknown
}

// Answers learns how likely a record is answered live: a logistic regression on
// its segment, local hour, attempts, last outcome and score, one dial at a time
// by assumed density filtering with independent weights (Opper 1998). What tells
// nothing keeps a weight near 0. A score counts by its log-odds times a slope
// that is learnt, so that one on a wrong scale comes out right and one that knows
// nothing is not listened to.
type Answers struct {
	weights [answerWeights]weight
	names   map[string]int // outcomes, to their weight
	score   running        // log-odds of the scores, to centre them
	usual   [segmentWeights]running
}

// weight is a normal belief.
type weight struct{ mean, variance float64 }

// running is a discounted mean.
type running struct{ sum, count float64 }

func (r *running) add(x, memory float64) {
	keep := 1 - 1/memory
	r.sum, r.count = r.sum*keep+x, r.count*keep+1
}

// mean is that of what was added and of prior, which weighs as much as weight.
func (r *running) mean(prior, weight float64) float64 {
	return (r.sum + prior*weight) / (r.count + weight)
}

// Where the weights of each kind begin.
const (
	baseWeight     = 0
	scoreWeight    = 1
	segmentWeight  = 2
	segmentWeights = 32
	hourWeight     = segmentWeight + segmentWeights
	attemptWeight  = hourWeight + 24
	attemptWeights = 5
	lastWeight     = attemptWeight + attemptWeights
	lastWeights    = 12
	answerWeights  = lastWeight + lastWeights
)

const (
	answersMemory  = 4000.0 // dials
	usualMemory    = 400.0  // dials of a segment
	usualPrior     = 20.0
	baseVariance   = 4.0
	factorVariance = 0.15
	slopeVariance  = 0.3
	mostLogOdds    = 5.0 // of a score
	leastLift      = 0.1
	mostLift       = 10.0
	factors        = 6 // weights of one lead, at most
)

// NewAnswers returns one that knows nothing: a chance of priorAnswer for all.
func NewAnswers() *Answers {
	a := &Answers{names: map[string]int{}}
	for i := range a.weights {
		a.weights[i].variance = priorVariance(i)
	}
	a.weights[baseWeight].mean = logOdds(priorAnswer)
	return a
}

func priorVariance(i int) float64 {
	switch i {
	case baseWeight:
		return baseVariance
	case scoreWeight:
		return slopeVariance
	}
	return factorVariance
}

// factor is a weight of a lead and what it is multiplied by.
type factor struct {
	weight int
	x      float64
}

// factors are the weights that speak of l.
func (a *Answers) factors(l Lead, into *[factors]factor) []factor {
	f := append(into[:0], factor{baseWeight, 1})
	if l.Segment >= 0 && l.Segment < segmentWeights {
		f = append(f, factor{segmentWeight + l.Segment, 1})
	}
	if x, ok := scoreOf(l); ok {
		f = append(f, factor{scoreWeight, x - a.score.mean(0, 1)})
	}
	if l.Hour >= 1 && l.Hour <= 24 {
		f = append(f, factor{hourWeight + l.Hour - 1, 1})
	}
	if l.Attempts >= 0 {
		f = append(f, factor{attemptWeight + attemptsOf(l.Attempts), 1})
	}
	if i, ok := a.names[l.Last]; ok && l.Last != "" {
		f = append(f, factor{lastWeight + i, 1})
	}
	return f
}

// scoreOf is the log-odds of the score of l.
func scoreOf(l Lead) (float64, bool) {
	if !(l.Score > 0 && l.Score <= 1) {
		return 0, false
	}
	return math.Max(-mostLogOdds, math.Min(mostLogOdds, logOdds(l.Score))), true
}

func attemptsOf(n int) int {
	switch {
	case n <= 2:
		return n
	case n <= 5:
		return 3
	}
	return 4
}

// Chance is how likely l is answered live, in (0, 1).
func (a *Answers) Chance(l Lead) float64 {
	var into [factors]factor
	return a.chance(a.factors(l, &into))
}

// chance averages over what is believed of the weights (MacKay 1992).
func (a *Answers) chance(f []factor) float64 {
	mean, variance := 0.0, 0.0
	for _, x := range f {
		w := &a.weights[x.weight]
		mean += w.mean * x.x
		variance += w.variance * x.x * x.x
	}
	return 1 / (1 + math.Exp(-mean/math.Sqrt(1+math.Pi*variance/8)))
}

// Lift is how much likelier than the recent dials of its segment l is answered
// live, in [0.1, 10]; their mean is 1.
func (a *Answers) Lift(l Lead) float64 {
	chance := a.Chance(l)
	if l.Segment < 0 || l.Segment >= segmentWeights {
		return 1
	}
	usual := a.usual[l.Segment].mean(chance, usualPrior)
	return math.Max(leastLift, math.Min(mostLift, chance/usual))
}

// Observe books how a dial of l ended; dials that were given up are not booked.
func (a *Answers) Observe(l Lead, answered bool) {
	if l.Last != "" && len(a.names) < lastWeights {
		if _, known := a.names[l.Last]; !known {
			a.names[l.Last] = len(a.names)
		}
	}
	if x, ok := scoreOf(l); ok {
		a.score.add(x, answersMemory)
	}
	var into [factors]factor
	f := a.factors(l, &into)
	chance := a.chance(f)
	if l.Segment >= 0 && l.Segment < segmentWeights {
		a.usual[l.Segment].add(chance, usualMemory)
	}
	surprise := -chance
	if answered {
		surprise = 1 - chance
	}
	for _, x := range f {
		w := &a.weights[x.weight]
		w.variance = 1 / (1/w.variance + chance*(1-chance)*x.x*x.x)
		w.mean += w.variance * x.x * surprise
		w.variance = math.Min(priorVariance(x.weight), w.variance*(1+1/answersMemory))
	}
}

func logOdds(p float64) float64 {
	p = math.Max(1e-6, math.Min(1-1e-6, p))
	return math.Log(p / (1 - p))
}

// AnswersMemory is what an Answers knows, to be kept over a restart.
type AnswersMemory struct {
	Means     []float64 `json:"means"`
	Variances []float64 `json:"variances"`
	Outcomes  []string  `json:"outcomes"` // names, in the order of their weights
	Score     float64   `json:"score"`    // mean log-odds of the scores
}

// doubt is by how much more the weights of the past may be wrong today.
const doubt = 2.0

// Remember copies what a knows, segments apart: they are counted anew each day.
func (a *Answers) Remember() AnswersMemory {
	m := AnswersMemory{Outcomes: make([]string, len(a.names)), Score: a.score.mean(0, 1)}
	for _, w := range a.weights {
		m.Means = append(m.Means, w.mean)
		m.Variances = append(m.Variances, w.variance)
	}
	for name, i := range a.names {
		m.Outcomes[i] = name
	}
	return m
}

// Recall takes what was remembered for what is known. It returns false, and
// changes nothing, where m does not fit or is garbage.
func (a *Answers) Recall(m AnswersMemory) bool {
	if len(m.Means) != answerWeights || len(m.Variances) != answerWeights || len(m.Outcomes) > lastWeights || !(math.Abs(m.Score) <= mostLogOdds) {
		return false
	}
	names := map[string]int{}
	for i, name := range m.Outcomes {
		names[name] = i
	}
	if len(names) != len(m.Outcomes) {
		return false
	}
	for i := range m.Means {
		if !(math.Abs(m.Means[i]) < 100) || !(m.Variances[i] > 0 && m.Variances[i] <= priorVariance(i)) {
			return false
		}
	}
	for i := range a.weights {
		if i >= segmentWeight && i < segmentWeight+segmentWeights {
			continue
		}
		a.weights[i] = weight{m.Means[i], math.Min(priorVariance(i), doubt*m.Variances[i])}
	}
	a.names = names
	a.score = running{m.Score * usualPrior, usualPrior}
	return true
}
