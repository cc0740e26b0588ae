package estimate

import "math"

// The age of a dial is counted in bins; the last one holds all that is older.
const (
	DialBins = 120
	DialBin  = 0.5 // seconds

	earlyBins  = 10   // a dial that ends unanswered within 5 s failed early
	dialMemory = 4000 // dials

	priorDials      = 12
	priorAnswer     = 0.3
	priorRing       = 13.0 // seconds from dial to a live answer, mean
	priorRingSpread = 0.5  // coefficient of variation
)

// Ages counts dials by the bin of their age.
type Ages [DialBins]int

// Add counts one dial of this age in seconds.
func (a *Ages) Add(age float64) { a[bin(age, DialBin, DialBins)]++ }

// Dials estimates how a dial fares with its age: it ends with a live answer, or
// otherwise, or goes on. The two are competing risks; dials that we cancelled
// and dials still in flight are censored: they count as exposed up to their age
// and say nothing about later. Leaving out those in flight makes the first
// seconds of a burst, when only failures have come back, look like an empty list.
type Dials struct {
	human, other, cancelled [DialBins]float64 // ends, discounted
	humanHazard             [DialBins]float64
	otherHazard             [DialBins]float64
	humanSum, earlySum      [DialBins]float64 // cumulative hazards
	fresh                   float64           // ends since the last Rebuild
}

// NewDials returns the prior: 30 % live answers around 13 s, the rest failing at
// once or ringing until about ringTimeout seconds.
func NewDials(ringTimeout float64) *Dials {
	d := &Dials{}
	before := 0.0
	for i := range d.human {
		c := logNormalCDF(float64(i+1)*DialBin, priorRing, priorRingSpread)
		d.human[i] = priorDials * priorAnswer * (c - before)
		d.other[i] = priorDials * (1 - priorAnswer) * 0.4 * (c - before)
		before = c
	}
	const timeoutBins = 16
	for i := range timeoutBins {
		at := bin(ringTimeout-3+float64(i)*DialBin, DialBin, DialBins)
		d.other[at] += priorDials * (1 - priorAnswer) * 0.6 / timeoutBins
	}
	d.Rebuild(Ages{})
	return d
}

// Like returns an estimate that begins with the shape of d, weighing at most so
// many dials: for a part of the dials that fares alike, or not.
func (d *Dials) Like(most float64) *Dials {
	like := *d
	total := 0.0
	for i := range d.human {
		total += d.human[i] + d.other[i] + d.cancelled[i]
	}
	weigh := math.Min(1, most/math.Max(total, 1))
	for i := range like.human {
		like.human[i] *= weigh
		like.other[i] *= weigh
		like.cancelled[i] *= weigh
	}
	like.fresh = 0
	like.Rebuild(Ages{})
	return &like
}

// Human books a dial that became a live answer at this age in seconds.
func (d *Dials) Human(age float64) { d.end(&d.human, age) }

// Other books a dial that ended at this age without a person.
func (d *Dials) Other(age float64) { d.end(&d.other, age) }

// Cancelled books a dial that we gave up at this age: a censored observation.
func (d *Dials) Cancelled(age float64) { d.end(&d.cancelled, age) }

func (d *Dials) end(ends *[DialBins]float64, age float64) {
	ends[bin(age, DialBin, DialBins)]++
	d.fresh++
}

// Fresh is the number of ends since the last Rebuild.
func (d *Dials) Fresh() float64 { return d.fresh }

// IsEarly says whether a dial that ended unanswered at this age failed early.
func (d *Dials) IsEarly(age float64) bool { return bin(age, DialBin, DialBins) < earlyBins }

// Expected is the number of live answers and of early failures that the hazards
// expect of one dial up to this age (the compensators).
func (d *Dials) Expected(age float64) (human, early float64) {
	b := bin(age, DialBin, DialBins)
	return d.humanSum[b], d.earlySum[b]
}

// Rebuild turns the counts and the dials in flight into new hazards. The ratios
// are what the levels of answers and of early failures must be rescaled by.
func (d *Dials) Rebuild(inFlight Ages) (human, early float64) {
	keep := math.Exp(-d.fresh / dialMemory)
	d.fresh = 0
	exposed := 0.5
	var newHuman, oldHuman, newEarly, oldEarly float64
	for i := DialBins - 1; i >= 0; i-- {
		d.human[i] *= keep
		d.other[i] *= keep
		d.cancelled[i] *= keep
		exposed += d.human[i] + d.other[i] + d.cancelled[i] + float64(inFlight[i])
		oldHuman += exposed * d.humanHazard[i]
		newHuman += d.human[i]
		if i < earlyBins {
			oldEarly += exposed * d.otherHazard[i]
			newEarly += d.other[i]
		}
		d.humanHazard[i] = d.human[i] / exposed
		d.otherHazard[i] = d.other[i] / exposed
	}
	d.accumulate()
	return rescale(newHuman, oldHuman), rescale(newEarly, oldEarly)
}

func (d *Dials) accumulate() {
	human, early := 0.0, 0.0
	for i := range DialBins {
		human += d.humanHazard[i]
		if i < earlyBins {
			early += d.otherHazard[i]
		}
		d.humanSum[i], d.earlySum[i] = human, early
	}
}

// rescale is seen over expected, held within a factor of five.
func rescale(seen, expected float64) float64 {
	if seen <= 0 || expected <= 0 {
		return 1
	}
	return math.Max(0.2, math.Min(5, seen/expected))
}

// Curve is the fate of one dial: by the end of each bin, the chance that it has
// become a live answer, and that it is still in flight.
type Curve struct {
	Answered [DialBins + 1]float64 // cumulative
	InFlight [DialBins + 1]float64
}

// Curve returns the fate of a dial where answers come at this level and early
// failures at that one.
func (d *Dials) Curve(answerLevel, failureLevel float64) *Curve {
	c := &Curve{}
	c.InFlight[0] = 1
	for i := range DialBins {
		h := math.Min(0.9, answerLevel*d.humanHazard[i])
		o := d.otherHazard[i]
		if i < earlyBins {
			o = math.Min(0.9, o*failureLevel)
		}
		c.Answered[i+1] = c.Answered[i] + c.InFlight[i]*h
		c.InFlight[i+1] = c.InFlight[i] * math.Max(0, 1-h-o)
	}
	return c
}

// Answer is the chance that the dial becomes a live answer at all, in [0, 1].
func (c *Curve) Answer() float64 { return c.Answered[DialBins] }

// Quantile is the age in seconds by which this share, in [0, 1], of the dials
// that are ever answered live has been answered.
func (c *Curve) Quantile(share float64) float64 {
	want := share * c.Answer()
	for i, have := range c.Answered {
		if have >= want {
			return float64(i) * DialBin
		}
	}
	return DialBins * DialBin
}

// Within is the chance that a dial whose age is in this bin becomes a live
// answer within so many seconds, in [0, 1]. A negative bin is a dial that begins
// its life so many bins later.
func (c *Curve) Within(ageBin int, seconds float64) float64 {
	if ageBin < 0 {
		if seconds += float64(ageBin) * DialBin; seconds < 0 {
			return 0
		}
		ageBin = 0
	}
	if c.InFlight[ageBin] < 1e-7 {
		return 0
	}
	to := min(ageBin+int(seconds/DialBin), DialBins)
	return math.Min(1, (c.Answered[to]-c.Answered[ageBin])/c.InFlight[ageBin])
}

// DialAgeBin is the bin of an age in seconds, in [0, DialBins).
func DialAgeBin(age float64) int { return bin(age, DialBin, DialBins) }

// logNormalCDF is the chance that a log-normal variable of this mean and
// coefficient of variation is at most x.
func logNormalCDF(x, mean, cv float64) float64 {
	s2 := math.Log(1 + cv*cv)
	z := (math.Log(x) - math.Log(mean) + s2/2) / math.Sqrt(s2)
	return 0.5 * math.Erfc(-z/math.Sqrt2)
}
