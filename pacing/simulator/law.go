package simulator

import (
	"errors"
	"fmt"
	"math"
	"time"

	"gonum.org/v1/gonum/stat/distuv"
)

// Distribution is the law of a time span, in seconds.
type Distribution struct {
	Type  string     `yaml:"type,omitempty"`  // const (default), exp, lognormal, weibull, erlang, uniform, mix
	Mean  float64    `yaml:"mean,omitempty"`  // of the whole, before Hi cuts it
	CV    float64    `yaml:"cv,omitempty"`    // standard deviation / (mean - shift): lognormal, weibull, erlang
	Shift float64    `yaml:"shift,omitempty"` // the least value; not for uniform and mix
	Lo    float64    `yaml:"lo,omitempty"`    // of uniform
	Hi    float64    `yaml:"hi,omitempty"`    // of uniform; else the greatest value, 0 = none
	Mix   []Weighted `yaml:"mix,omitempty"`
}

// Weighted is a part of a mix.
type Weighted struct {
	Weight float64      `yaml:"w"`
	Law    Distribution `yaml:"d"`
}

func (d Distribution) unset() bool { return d.Type == "" && d.Mean == 0 && len(d.Mix) == 0 }

// law draws times by inversion: one uniform number gives one time, so that a
// record has the same talk whatever the policy did before.
type law interface {
	Quantile(u float64) float64
	CDF(x float64) float64
}

// draw is the time at u in [0, 1).
func draw(l law, u float64) time.Duration { return Seconds(max(0, l.Quantile(u))).Duration() }

// maxSpan bounds every time of a scenario: 30 days.
const maxSpan = 30 * 24 * 3600

// compile checks d and makes its law.
func (d Distribution) compile() (law, error) {
	for i, x := range []float64{d.Mean, d.CV, d.Shift, d.Lo, d.Hi} {
		if !(x >= 0 && x <= maxSpan) {
			return nil, fmt.Errorf("%s: %v is not in [0, %v]", []string{"mean", "cv", "shift", "lo", "hi"}[i], x, maxSpan)
		}
	}
	if d.Type == "uniform" {
		if d.Hi <= d.Lo {
			return nil, fmt.Errorf("hi: %v is not above lo %v", d.Hi, d.Lo)
		}
		return distuv.Uniform{Min: d.Lo, Max: d.Hi}, nil
	}
	if d.Lo != 0 {
		return nil, errors.New("lo: only a uniform law has it; the least value of others is shift")
	}
	l, err := d.uncut()
	if err != nil || d.Hi == 0 {
		return l, err
	}
	share := l.CDF(d.Hi)
	if !(share > 0) {
		return nil, fmt.Errorf("hi: nothing of the law lies below %v", d.Hi)
	}
	return cut{law: l, share: share}, nil
}

// uncut is the law without its upper bound.
func (d Distribution) uncut() (law, error) {
	if d.Type == "mix" {
		return d.mixture()
	}
	mean := d.Mean - d.Shift
	if mean < 0 {
		return nil, fmt.Errorf("shift: %v is above mean %v", d.Shift, d.Mean)
	}
	var l law
	switch d.Type {
	case "", "const", "exp", "lognormal", "weibull", "erlang":
	default:
		return nil, fmt.Errorf("type: %q is none of const, exp, lognormal, weibull, erlang, uniform, mix", d.Type)
	}
	switch {
	case mean == 0, d.Type == "", d.Type == "const", d.CV == 0 && d.Type != "exp":
		l = constant(mean)
	case d.Type == "exp":
		l = distuv.Exponential{Rate: 1 / mean}
	case d.Type == "lognormal":
		variance := math.Log(1 + d.CV*d.CV)
		l = distuv.LogNormal{Mu: math.Log(mean) - variance/2, Sigma: math.Sqrt(variance)}
	case d.Type == "weibull":
		k := weibullShape(d.CV)
		l = distuv.Weibull{K: k, Lambda: mean / math.Gamma(1+1/k)}
	case d.Type == "erlang":
		stages := max(1, math.Round(1/(d.CV*d.CV)))
		l = distuv.Gamma{Alpha: stages, Beta: stages / mean}
	}
	if d.Shift > 0 {
		l = shifted{l, d.Shift}
	}
	return l, nil
}

// weibullShape finds the shape whose coefficient of variation is cv.
func weibullShape(cv float64) float64 {
	low, high := 0.2, 20.0
	for range 60 {
		k := (low + high) / 2
		once := math.Gamma(1 + 1/k)
		if math.Sqrt(math.Gamma(1+2/k)/(once*once)-1) > cv {
			low = k
		} else {
			high = k
		}
	}
	return low
}

func (d Distribution) mixture() (law, error) {
	total := 0.0
	var m mixture
	for i, part := range d.Mix {
		if !(part.Weight >= 0 && part.Weight <= math.MaxFloat32) {
			return nil, fmt.Errorf("mix[%d].w: %v is not a weight", i, part.Weight)
		}
		l, err := part.Law.compile()
		if err != nil {
			return nil, fmt.Errorf("mix[%d].d.%w", i, err)
		}
		total += part.Weight
		m.laws, m.upTo = append(m.laws, l), append(m.upTo, total)
	}
	if !(total > 0) {
		return nil, errors.New("mix: no part has a weight")
	}
	for i := range m.upTo {
		m.upTo[i] /= total
	}
	return m, nil
}

type constant float64

func (c constant) Quantile(float64) float64 { return float64(c) }
func (c constant) CDF(x float64) float64 {
	if x >= float64(c) {
		return 1
	}
	return 0
}

type shifted struct {
	law
	by float64
}

func (s shifted) Quantile(u float64) float64 { return s.by + s.law.Quantile(u) }
func (s shifted) CDF(x float64) float64      { return s.law.CDF(max(0, x-s.by)) }

// cut is a law given that it is below a bound; share is the chance of that.
type cut struct {
	law
	share float64
}

func (c cut) Quantile(u float64) float64 { return c.law.Quantile(u * c.share) }
func (c cut) CDF(x float64) float64      { return min(1, c.law.CDF(x)/c.share) }

// mixture is one of its laws, chosen by weight.
type mixture struct {
	laws []law
	upTo []float64 // cumulated weights, the last is 1
}

// Quantile finds x by bisection: a cut mixture needs its true inverse.
func (m mixture) Quantile(u float64) float64 {
	low, high := 0.0, 1.0
	for m.CDF(high) < u && high < maxSpan {
		low, high = high, high*2
	}
	for range 50 {
		if middle := (low + high) / 2; m.CDF(middle) < u {
			low = middle
		} else {
			high = middle
		}
	}
	return high
}

func (m mixture) CDF(x float64) float64 {
	sum, before := 0.0, 0.0
	for i, l := range m.laws {
		sum += (m.upTo[i] - before) * l.CDF(x)
		before = m.upTo[i]
	}
	return sum
}

// stream is a sequence of uniform numbers, set by what it belongs to and by
// nothing else (SplitMix64: Steele, Lea and Flood, 2014).
type stream uint64

// The owners of streams.
const (
	ofRecord   = 1
	ofOperator = 2
	ofDay      = 3
	ofBlock    = 4
)

// newStream mixes after each key, so that the streams of neighbours have nothing
// in common.
func newStream(seed, owner, id uint64) *stream {
	s := stream(seed)
	for _, key := range []uint64{owner, id} {
		s ^= stream(key * 0xd6e8feb86659fd93)
		s = stream(s.next())
	}
	return &s
}

func (s *stream) next() uint64 {
	*s += 0x9e3779b97f4a7c15
	z := uint64(*s)
	z = (z ^ z>>30) * 0xbf58476d1ce4e5b9
	z = (z ^ z>>27) * 0x94d049bb133111eb
	return z ^ z>>31
}

// uniform is the next number in [0, 1).
func (s *stream) uniform() float64 { return float64(s.next()>>11) / (1 << 53) }
