package detect

import (
	"math"
	"time"
)

// A stop table divides what can be known of a greeting into states: how long
// ago it began, how long it has been quiet, and the chance of a person.
const (
	phases   = 6
	pauses   = 9
	chances  = 14
	states   = phases * pauses * chances
	stopStep = 100 * time.Millisecond
)

var (
	phaseEnds = [phases - 1]float32{0.6, 1.2, 2, 3.2, 5} // seconds since the first syllable
	pauseEnds = [pauses - 1]float32{0.1, 0.2, 0.3, 0.45, 0.6, 0.8, 1.05, 1.4}
)

// Prices are what mistakes and waiting cost, in one unit of your choice: only
// their ratios count.
type Prices struct {
	DeadAir, Operator, Person float64
}

// Course is where calls go from each state within a step, and how many there
// were persons. Learnt from calls.
type Course struct {
	Next    [states]map[int]float64
	Persons [states]float64
	Seen    [states]float64
}

// State numbers what is known.
func State(sinceOnset, quiet float32, p float64) int {
	return (phaseOf(sinceOnset)*pauses+pauseOf(quiet))*chances + chanceOf(p)
}

func phaseOf(s float32) int {
	for i, e := range phaseEnds {
		if s < e {
			return i
		}
	}
	return phases - 1
}

func pauseOf(s float32) int {
	for i, e := range pauseEnds {
		if s < e {
			return i
		}
	}
	return pauses - 1
}

// chanceOf divides the log odds from -4.5 to 4.5.
func chanceOf(p float64) int {
	return max(0, min(chances-1, int((logit(p)+4.9)*chances/9.8)))
}

func centre(i int) float64 { return 1 / (1 + math.Exp(-((float64(i)+0.5)*9.8/chances - 4.9))) }

func logit(p float64) float64 {
	p = min(1-1e-6, max(1e-6, p))
	return math.Log(p / (1 - p))
}

// Limits are the chances at which to stop.
type Limits struct {
	Person, Machine [phases][pauses]float64
}

const secondsOnMachine = 5

// Solve finds when to stop: value iteration.
func (c *Course) Solve(w Prices, line float64) *Limits {
	var value [states]float64
	p := make([]float64, states)
	stop := func(s int) float64 { return min((1-p[s])*w.Operator*secondsOnMachine, p[s]*w.Person) }
	for s := range p {
		q := centre(s % chances)
		p[s] = (q*6 + c.Persons[s]) / (6 + c.Seen[s])
		value[s] = stop(s)
	}
	wait := func(s int) float64 {
		dead := 0.0
		if s/chances%pauses > 0 {
			dead = p[s] * w.DeadAir * stopStep.Seconds()
		}
		v := dead + line*stopStep.Seconds()
		sum := 0.0
		for n, share := range c.Next[s] {
			v += share * value[n]
			sum += share
		}
		if sum == 0 {
			return math.Inf(1)
		}
		return v
	}
	for range 150 {
		for s := states - 1; s >= 0; s-- {
			value[s] = min(stop(s), wait(s))
		}
	}
	var l Limits
	for ph := range phases {
		for q := range pauses {
			l.Person[ph][q], l.Machine[ph][q] = 1, 0
			for b := chances - 1; b >= 0; b-- {
				s := (ph*pauses+q)*chances + b
				if (1-p[s])*w.Operator*secondsOnMachine > min(wait(s), p[s]*w.Person) {
					if b == chances-1 {
						l.Person[ph][q] = 1
					} else {
						// between b and b+1
						d0 := (1-p[s])*w.Operator*secondsOnMachine - min(wait(s), p[s]*w.Person)
						s1 := s + 1
						d1 := (1-p[s1])*w.Operator*secondsOnMachine - min(wait(s1), p[s1]*w.Person)
						f := d0 / (d0 - d1)
						if math.IsNaN(f) || math.IsInf(d0, 0) {
							f = 0.5
						}
						x := (float64(b)+0.5+f)*9.8/chances - 4.9
						l.Person[ph][q] = 1 / (1 + math.Exp(-x))
					}
					break
				}
				if b == 0 {
					l.Person[ph][q] = 0
				}
			}
			for b := range chances {
				s := (ph*pauses+q)*chances + b
				if p[s]*w.Person > wait(s) || p[s]*w.Person > (1-p[s])*w.Operator*secondsOnMachine {
					if b > 0 {
						l.Machine[ph][q] = centre(b - 1)
					}
					break
				}
			}
		}
	}
	return &l
}

// PhasePause gives the indices into Limits.
func PhasePause(a, b float32) (int, int) { return phaseOf(a), pauseOf(b) }
